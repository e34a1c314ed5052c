//! Instruction data that no client writes: cut off, extended, with bytes changed, random. An error and nothing changed, never a
//! panic.

use std::ops::Range;

use anchor_lang::error::ErrorCode;
use portcullis_tests::{
    matrix::{idl, outcome},
    scenes::{self, Scene},
    world::World,
};
use solana_sdk::instruction::Instruction;

/// Bytes of an instruction's discriminator.
const DISCRIMINATOR: usize = 8;
/// Tags under which Anchor has answered instructions that no program declared: its own IDL instructions
/// (`sha256("anchor:idl")`, little-endian) and events by self-CPI (`sha256("anchor:event")`).
const ANCHORS_OWN: [[u8; 8]; 2] = [
    [0x40, 0xf4, 0xbc, 0x78, 0xa7, 0xe9, 0x69, 0x0a],
    [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d],
];

/// The discriminators of the IDL's instructions.
fn tags() -> Vec<Vec<u8>> {
    idl()["instructions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|instruction| {
            let bytes = instruction["discriminator"].as_array().unwrap();
            bytes
                .iter()
                .map(|byte| byte.as_u64().unwrap() as u8)
                .collect()
        })
        .collect()
}

/// A linear congruential generator (Knuth, MMIX): the same numbers in every run.
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u8
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}

/// A scene, and what was tried in it.
struct Trial {
    scene: Scene,
    world: World,
    refused: usize,
    done: usize,
}

impl Trial {
    /// Sends the scene's instruction with other data. `true`: it succeeded, and the world is as before again.
    fn with(&mut self, data: Vec<u8>) -> bool {
        let instruction = Instruction {
            data,
            ..self.scene.instruction.clone()
        };
        match outcome(&self.scene, &mut self.world, &instruction) {
            Ok(true) => {
                self.world = self.scene.world.clone();
                self.done += 1;
                true
            }
            Ok(false) => {
                self.refused += 1;
                false
            }
            // A step as long as the whole program is more than one transaction can hash.
            Err(error)
                if self.scene.name.starts_with("hash_") && error.contains("exceeded CUs meter") =>
            {
                self.refused += 1;
                false
            }
            Err(error) => panic!("{}: {:02x?}: {error}", self.scene.title(), instruction.data),
        }
    }

    fn data(&self) -> Vec<u8> {
        self.scene.instruction.data.clone()
    }

    fn arguments(&self) -> Range<usize> {
        DISCRIMINATOR..self.scene.instruction.data.len()
    }
}

fn each(mut attempt: impl FnMut(&mut Trial)) {
    let (mut refused, mut done) = (0, 0);
    for make in scenes::all() {
        let scene = make();
        let mut trial = Trial {
            world: scene.world.clone(),
            scene,
            refused: 0,
            done: 0,
        };
        attempt(&mut trial);
        refused += trial.refused;
        done += trial.done;
    }
    println!("{refused} refused, {done} succeeded");
    assert!(refused > 0 || done > 0);
}

#[test]
fn data_that_is_cut_off_is_refused() {
    each(|trial| {
        for len in 0..trial.data().len() {
            let data = trial.data()[..len].to_vec();
            assert!(!trial.with(data), "{} at {len}", trial.scene.title());
        }
    });
}

#[test]
fn bytes_behind_the_arguments_are_refused() {
    each(|trial| {
        for more in [vec![0], vec![0xff; 8], vec![1; 200], trial.data()] {
            let instruction = Instruction {
                data: [trial.data(), more].concat(),
                ..trial.scene.instruction.clone()
            };
            let scene = &trial.scene;
            trial
                .world
                .refuse(ErrorCode::InstructionDidNotDeserialize, |world| {
                    scene.send(world, &instruction)
                });
            trial.refused += 1;
        }
    });
}

/// The list of the program's own dispatch is that of `#[program]`, from which the IDL comes.
#[test]
fn every_instruction_of_the_idl_is_dispatched() {
    let tags = tags();
    assert!(!tags.is_empty());
    for tag in tags {
        let bytes_behind = [tag, vec![0xff; 600]].concat();
        World::new().refuse(ErrorCode::InstructionDidNotDeserialize, |world| {
            let bare = Instruction::new_with_bytes(portcullis::ID, &bytes_behind, Vec::new());
            scenes::submit(world, vec![bare])
        });
    }
}

#[test]
fn random_arguments_are_refused() {
    let mut random = Random(1);
    each(|trial| {
        if trial.arguments().is_empty() {
            return;
        }
        for round in 0..100 {
            let len = match round % 2 {
                0 => trial.arguments().len(),
                _ => usize::from(random.byte()),
            };
            let data = [&trial.data()[..DISCRIMINATOR], &random.bytes(len)].concat();
            assert!(!trial.with(data), "{}", trial.scene.title());
        }
    });
}

#[test]
fn every_byte_of_the_arguments_is_read_without_a_panic() {
    each(|trial| {
        for position in trial.arguments() {
            let byte = trial.data()[position];
            for other in [byte ^ 1, byte ^ 0x80, !byte, 0, 0xff] {
                if other != byte {
                    let mut data = trial.data();
                    data[position] = other;
                    trial.with(data);
                }
            }
            // Where a length stands, one that no memory holds.
            let mut data = trial.data();
            let end = data.len().min(position + 4);
            data[position..end].fill(0xff);
            trial.with(data);
        }
    });
}

#[test]
fn unknown_instructions_are_refused() {
    let mut random = Random(2);
    each(|trial| {
        let arguments = trial.data()[DISCRIMINATOR..].to_vec();
        let mut tags: Vec<Vec<u8>> = (0..50).map(|_| random.bytes(DISCRIMINATOR)).collect();
        tags.extend(ANCHORS_OWN.map(Vec::from));
        for bit in 0..64 {
            let mut tag = trial.data()[..DISCRIMINATOR].to_vec();
            tag[bit / 8] ^= 1 << (bit % 8);
            tags.push(tag);
        }
        for tag in tags {
            let data = [tag, arguments.clone()].concat();
            assert!(!trial.with(data), "{}", trial.scene.title());
        }
    });
}

#[test]
fn one_instruction_read_as_another_never_panics() {
    let tags = tags();
    each(|trial| {
        for tag in &tags {
            let data = [tag, &trial.data()[DISCRIMINATOR..]].concat();
            trial.with(data);
        }
    });
}
