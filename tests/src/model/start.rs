//! Where every run begins: who there is, the builds, two sealed councils and one that is not, two adopted programs and one that
//! is not.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock},
};

use portcullis::{
    error::PortcullisError::{self, *},
    policy::Policy,
    state::{Member, ROLE_ATTEST, ROLE_EXECUTE, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE},
    transitions::{AdoptArgs, CreateCouncilArgs},
};
use portcullis_client::{
    account::{BUFFER_HEADER, PROGRAMDATA_HEADER},
    pda,
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer};

use super::{sha256, Action, Buffer, Council, Holder, Id, Model, Program, Strictest};
use crate::{elf, keypair, keys, steps::SHORTEST, Commitment, Now, World, BUILDER, START};

/// Bytes by which a stranger extends a program.
pub const EXTENSION: usize = 10_240;
/// A member of nothing at the beginning.
pub const STRANGER: Id = 6;
/// Held the upgrade authorities.
pub const AUTHORITY: Id = 8;
/// Of these a build may be deployed, but is never uploaded.
pub const FINALIZABLE: Id = 5;
/// Builds that are hashed in steps, of one length; the first is deployed at [`LARGE_PROGRAM`].
pub const LARGE: [Id; 2] = [6, 7];
pub const LARGE_PROGRAM: Id = 3;
/// Portcullis, which may have a gate of its own, and builds of it; the first is deployed.
pub const OWN_PROGRAM: Id = 4;
pub const OWN: [Id; 3] = [8, 9, 10];
/// How many pay rents.
pub const PAYERS: usize = 2;
/// What bytes that are not the committed ones are refused with.
pub const OTHER_BYTES: [PortcullisError; 4] = [
    HashMismatch,
    LengthOutOfRange,
    LengthCountsTrailingZeros,
    TailNotZero,
];
pub const NAMES: [&str; 9] = [
    "voter 0",
    "voter 1",
    "voter 2",
    "guardian 0",
    "guardian 1",
    "attester",
    "stranger 0",
    "stranger 1",
    "upgrade authority",
];
const COUNCILS: [&str; 3] = ["model council 0", "model council 1", "model council 2"];
/// Beside them there is Portcullis.
const PROGRAMS: [&str; 4] = [
    "model program 0",
    "model program 1",
    "model program 2",
    "model program 3",
];
const DAY: u32 = 86_400;

pub fn people() -> usize {
    NAMES.len()
}

pub fn person(id: Id) -> &'static Keypair {
    static PEOPLE: OnceLock<Vec<Keypair>> = OnceLock::new();
    &PEOPLE.get_or_init(|| NAMES.iter().map(|name| keypair(name)).collect())[id]
}

pub fn key(id: Id) -> Pubkey {
    person(id).pubkey()
}

/// Pay rents, and no fee, so that their lamports tell what is owed to them: the first all, the second for hashes only.
pub fn payers() -> &'static [Keypair] {
    static PAYERS: OnceLock<Vec<Keypair>> = OnceLock::new();
    PAYERS.get_or_init(|| vec![keypair("model rent payer"), keypair("model hash payer")])
}

pub fn rent_payer() -> &'static Keypair {
    &payers()[0]
}

pub fn spill() -> Pubkey {
    static SPILL: OnceLock<Pubkey> = OnceLock::new();
    *SPILL.get_or_init(|| keys::address("model spill"))
}

pub fn create_key(council: Id) -> &'static Keypair {
    static KEYS: OnceLock<Vec<Keypair>> = OnceLock::new();
    &KEYS.get_or_init(|| COUNCILS.iter().map(|name| keypair(name)).collect())[council]
}

pub fn council(id: Id) -> Pubkey {
    static KEYS: OnceLock<Vec<Pubkey>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key = |id| pda::council(&portcullis::ID, &create_key(id).pubkey());
        (0..COUNCILS.len()).map(key).collect()
    })[id]
}

pub fn program(id: Id) -> Pubkey {
    static KEYS: OnceLock<Vec<Pubkey>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let others = PROGRAMS.iter().map(|name| keys::address(name));
        others.chain([portcullis::ID]).collect()
    })[id]
}

pub fn gate(program_id: Id) -> Pubkey {
    static KEYS: OnceLock<Vec<Pubkey>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key = |id| pda::gate(&portcullis::ID, &program(id));
        (0..=PROGRAMS.len()).map(key).collect()
    })[program_id]
}

pub fn authority(program_id: Id) -> Pubkey {
    static KEYS: OnceLock<Vec<Pubkey>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key = |id| pda::authority(&portcullis::ID, &program(id));
        (0..=PROGRAMS.len()).map(key).collect()
    })[program_id]
}

pub fn buffer(id: Id) -> Pubkey {
    keys::address(&format!("model buffer {id}"))
}

pub fn buffer_lamports(id: Id) -> u64 {
    elf::rent(BUFFER_HEADER + build(id).len())
}

fn builds() -> &'static [Vec<u8>] {
    static BUILDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    BUILDS.get_or_init(|| {
        let longer = |by: usize, fill: u8| {
            let mut elf = elf::memo().to_vec();
            elf.resize(elf.len() + by, fill);
            elf
        };
        let own = |by: usize| {
            let mut elf = elf::portcullis().to_vec();
            elf.resize(elf.len() + by, 1);
            elf
        };
        // One needs a program that was extended; one says that it is of sBPF version 3; two are hashed in steps.
        let mut newest = longer(70, 6);
        newest[48] = 3;
        vec![
            longer(0, 0),
            longer(10, 1),
            longer(20, 2),
            longer(20, 3),
            longer(6_000, 4),
            newest,
            longer(SHORTEST - elf::memo().len(), 7),
            longer(SHORTEST - elf::memo().len(), 8),
            own(0),
            own(10),
            own(20),
        ]
    })
}

pub fn build(id: Id) -> &'static [u8] {
    &builds()[id]
}

/// Builds of the usual size that are ever uploaded.
pub fn uploaded() -> usize {
    FINALIZABLE
}

pub fn is_uploaded(build: Id) -> bool {
    build < uploaded() || LARGE.contains(&build) || OWN.contains(&build)
}

/// The SHA-256 and the length of a build without its trailing zeros; zeros of none.
pub fn commitment(id: Id) -> Commitment {
    static ALL: OnceLock<Vec<Commitment>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let all = builds().iter().map(|elf| {
            let zeros = elf.iter().rev().take_while(|byte| **byte == 0).count();
            let len = elf.len() - zeros;
            Commitment {
                sha256: solana_sha256_hasher::hash(&elf[..len]).to_bytes(),
                len: len as u32,
            }
        });
        all.collect()
    });
    all.get(id).copied().unwrap_or_default()
}

/// The words of the SHA-256 of a build's first bytes, which are whole blocks.
pub fn words(id: Id, bytes: u32) -> [u32; 8] {
    type Known = BTreeMap<(Id, u32), [u32; 8]>;
    static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().expect("no thread panicked with it");
    let before = known.range((id, 0)..=(id, bytes)).next_back();
    let (from, mut words) = before.map_or((0, sha256::INITIAL), |((_, at), words)| (*at, *words));
    sha256::update(&mut words, &build(id)[from as usize..bytes as usize]);
    known.insert((id, bytes), words);
    words
}

pub fn is_finalizable(build: Id) -> bool {
    build == FINALIZABLE || OWN.contains(&build)
}

/// The rules of a gate that a run begins with.
pub fn gate_policy() -> Policy {
    Policy {
        threshold: 2,
        timelock_seconds: DAY,
        voting_period_seconds: 3 * DAY,
        execution_window_seconds: 2 * DAY,
        min_interval_seconds: DAY / 2,
        message_validity_seconds: 3_600,
        emergency_threshold: 3,
        emergency_timelock_seconds: 3_600,
        emergency_min_interval_seconds: 7 * DAY,
        standby_validity_seconds: 20 * DAY,
        attestations: [1, 0, 0, 0, 0, 0, 0, 0],
        veto_threshold: 1,
        emergency_veto_threshold: 2,
        trigger_threshold: 2,
        flags: 0,
    }
}

/// The rules of a council about itself.
pub fn council_policy() -> Policy {
    Policy {
        threshold: 3,
        timelock_seconds: 2 * DAY,
        voting_period_seconds: 4 * DAY,
        emergency_threshold: 4,
        attestations: [1, 1, 0, 0, 0, 0, 0, 0],
        ..gate_policy()
    }
}

fn member(id: Id, roles: u8, weight: u16, attests: u8) -> Member {
    Member {
        key: key(id),
        weight,
        roles,
        attests,
    }
}

/// The members of a council at first; of the last one, those that it is to have.
pub fn members(council: Id) -> Vec<Member> {
    let mut members = vec![
        member(0, ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE, 1, 0),
        member(1, ROLE_PROPOSE | ROLE_VOTE, 1, 0),
        member(2, ROLE_VOTE, 2, 0),
        member(3, ROLE_GUARD, 0, 0),
        member(4, ROLE_GUARD | ROLE_ATTEST, 0, 1),
        member(5, ROLE_ATTEST, 0, 3),
    ];
    if council > 0 {
        members.push(member(7, ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE, 1, 0));
    }
    members.sort_by_key(|member| member.key);
    members
}

fn begin() -> Beginning {
    let mut history = vec![];
    let mut world = World::bare();
    world.svm = world.svm.with_sigverify(false);
    let mut model = Model {
        now: START.timestamp,
        slot: START.slot,
        gates: vec![None; PROGRAMS.len() + 1],
        ..Model::default()
    };
    let payers = payers().iter().map(|payer| payer.pubkey());
    for funded in payers.chain([spill()]) {
        world.svm.airdrop(&funded, LAMPORTS).unwrap();
    }
    for id in 0..COUNCILS.len() {
        let args = CreateCouncilArgs {
            policy: council_policy(),
            delay_floor_seconds: 1_800,
            members: match id {
                2 => members(id)[..5].to_vec(),
                _ => members(id),
            },
        };
        let keypair = create_key(id);
        let create = BUILDER.create_council(keypair.pubkey(), rent_payer().pubkey(), args.clone());
        history.push((create.clone(), START));
        world.send(&[create], &[keypair, rent_payer()]).unwrap();
        let mut council = Council {
            members: args.members,
            policy: args.policy,
            floor: args.delay_floor_seconds,
            epoch: 0,
            proposals: 0,
            gates: 0,
            strictest: Strictest::default(),
            pending: None,
            events: 1,
        };
        if id < 2 {
            let seal = BUILDER.seal_council(keypair.pubkey());
            history.push((seal.clone(), START));
            world.send(&[seal], &[keypair]).unwrap();
            council.epoch = 1;
            council.events = 2;
        }
        model.councils.push(council);
    }
    for id in 0..=PROGRAMS.len() {
        let deployed = [0, FINALIZABLE, FINALIZABLE, LARGE[0], OWN[0]][id];
        let capacity = build(deployed).len() + 1_000;
        // What LiteSVM loads at first need not be what is there.
        let mut content = match id {
            OWN_PROGRAM => elf::portcullis().to_vec(),
            _ => elf::memo().to_vec(),
        };
        content.resize(capacity, 0);
        world.install(&program(id), &content);
        let programdata = pda::programdata(&program(id));
        world.forge(&programdata, |account| {
            account.data[PROGRAMDATA_HEADER..][..build(deployed).len()]
                .copy_from_slice(build(deployed));
        });
        model.programs.push(Program {
            authority: Holder::Person(AUTHORITY),
            build: deployed,
            capacity,
            deployed: START.slot - 10,
        });
        if id < 2 {
            let mut policy = gate_policy();
            if id == 1 {
                policy.attestations = [0; 8];
                policy.flags = 3;
                policy.trigger_threshold = 1;
            }
            let args = AdoptArgs {
                epoch: 1,
                policy,
                deployed: commitment(deployed),
            };
            let adopt = BUILDER.adopt_program(
                council(0),
                program(id),
                key(AUTHORITY),
                key(0),
                rent_payer().pubkey(),
                args,
            );
            let signers = [person(AUTHORITY), person(0), rent_payer()];
            history.push((adopt.clone(), START));
            world.send(&[adopt], &signers).unwrap();
            let action = Action::Adopt {
                program: id,
                council: 0,
                proposer: 0,
                authority: AUTHORITY,
                epoch: 1,
                policy,
                build: deployed,
            };
            model.act(&action).unwrap();
        }
    }
    model.buffers = vec![Buffer { content: None }];
    (world, model, history)
}

/// Lamports of the rent payers and of the spill account at first.
pub const LAMPORTS: u64 = 1_000_000_000_000;

/// What a run begins with: on chain, in the model, and the instructions that led there.
pub type Beginning = (World, Model, Vec<(Instruction, Now)>);

/// A run's beginning.
pub fn start() -> Beginning {
    static BEGINNING: OnceLock<Beginning> = OnceLock::new();
    BEGINNING.get_or_init(begin).clone()
}
