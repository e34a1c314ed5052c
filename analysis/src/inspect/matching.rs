//! Which function of one ELF is which of another: by name, by body, by who calls it, by likeness.

use std::collections::{BTreeMap, HashMap};

use solana_sbpf::ebpf;
use solana_sha256_hasher::hashv;

use crate::elf::{Elf, Function, Instruction, Operand};

/// Rounds of following calls.
const MAX_ROUNDS: usize = 32;
/// Comparisons by likeness.
const MAX_LIKENESSES: usize = 1_000_000;
/// Where there are too many, only so many neighbours are compared.
const NEIGHBOURS: usize = 40;
/// Percent that functions which nothing else connects must be alike to be taken for the same.
const MIN_LIKENESS: u32 = 70;
/// The same for those that the same place calls.
const MIN_CALLED_LIKENESS: u32 = 30;
/// Shorter ones are like too many others.
const MIN_INSTRUCTIONS: usize = 6;

/// A function's body without what a mere move changes.
pub(super) struct Body {
    /// Of the instructions; targets of calls and addresses of constants left out.
    pub hash: [u8; 32],
    /// What was left out, in order.
    pub references: Vec<Operand>,
    pub len: usize,
    /// How often which pairs of neighbouring opcodes occur.
    shape: [u16; 64],
}

impl Body {
    pub fn of(instructions: &[Instruction]) -> Self {
        let mut bytes = Vec::with_capacity(instructions.len() * 12);
        let mut references = Vec::new();
        let mut shape = [0_u16; 64];
        let mut before = 0;
        for (index, one) in instructions.iter().enumerate() {
            bytes.extend([one.opcode, one.registers]);
            bytes.extend(one.offset.to_le_bytes());
            match one.operand {
                Operand::None if half_of_address(instructions, index) => bytes.push(b'h'),
                Operand::None | Operand::Indirect => bytes.extend(one.immediate.to_le_bytes()),
                Operand::Wide(value) => bytes.extend(value.to_le_bytes()),
                Operand::Syscall(hash) => bytes.extend(hash.to_le_bytes()),
                Operand::Data(_) => bytes.push(b'd'),
                Operand::Code(_) => bytes.push(b'f'),
                Operand::Call(_) => bytes.push(b'c'),
            }
            if matches!(
                one.operand,
                Operand::Data(_) | Operand::Code(_) | Operand::Call(_)
            ) {
                references.push(one.operand);
            }
            let pair = usize::from(one.opcode ^ before);
            if let Some(count) = shape.get_mut((pair * 31 + usize::from(one.opcode)) % 64) {
                *count = count.saturating_add(1);
            }
            before = one.opcode.rotate_left(3);
        }
        Self {
            hash: hashv(&[&bytes]).to_bytes(),
            references,
            len: instructions.len(),
            shape,
        }
    }

    /// Percent, by the shape alone.
    pub fn likeness(&self, other: &Self) -> u32 {
        if self.hash == other.hash {
            return 100;
        }
        let (mut shared, mut all) = (0_u32, 0_u32);
        for (a, b) in self.shape.iter().zip(&other.shape) {
            shared += u32::from(*a.min(b));
            all += u32::from(*a.max(b));
        }
        // What differs is never shown as wholly alike.
        (shared * 100).checked_div(all).unwrap_or(100).min(99)
    }
}

/// In version 2 an address is loaded in two halves; the lower one comes first.
fn half_of_address(instructions: &[Instruction], index: usize) -> bool {
    instructions.get(index + 1).is_some_and(|next| {
        next.opcode == ebpf::HOR64_IMM
            && matches!(next.operand, Operand::Data(_) | Operand::Code(_))
    })
}

/// One side: an ELF and its functions' bodies.
pub(super) struct Side<'a> {
    pub elf: &'a Elf,
    pub bodies: Vec<Body>,
}

impl<'a> Side<'a> {
    pub fn new(elf: &'a Elf) -> Self {
        let body = |function: &Function| Body::of(elf.code.between(function.start, function.end));
        Self {
            elf,
            bodies: elf.functions.iter().map(body).collect(),
        }
    }

    /// The instructions of a function.
    pub fn code(&self, function: usize) -> &'a [Instruction] {
        let function = &self.elf.functions[function];
        self.elf.code.between(function.start, function.end)
    }

    fn callees(&self, function: usize) -> Vec<usize> {
        let body = self.bodies.get(function);
        let references = body.map(|body| body.references.as_slice());
        references
            .unwrap_or_default()
            .iter()
            .filter_map(|reference| match reference {
                Operand::Call(pc) | Operand::Code(pc) => self.elf.function_at(*pc),
                _ => None,
            })
            .collect()
    }
}

/// Which function is which.
pub(super) struct Matching<'a> {
    pub old: Side<'a>,
    pub new: Side<'a>,
    pub to_new: Vec<Option<usize>>,
    pub to_old: Vec<Option<usize>>,
    fresh: Vec<(usize, usize)>,
}

impl<'a> Matching<'a> {
    pub fn new(old: &'a Elf, new: &'a Elf) -> Self {
        let (old, new) = (Side::new(old), Side::new(new));
        let mut matching = Self {
            to_new: vec![None; old.bodies.len()],
            to_old: vec![None; new.bodies.len()],
            old,
            new,
            fresh: Vec::new(),
        };
        let entry = |elf: &Elf| elf.function_at(elf.code.entry);
        if let (Some(a), Some(b)) = (entry(matching.old.elf), entry(matching.new.elf)) {
            matching.pair(a, b);
        }
        matching.by_name();
        matching.by_unique_body();
        matching.follow_calls();
        matching.by_place();
        matching.by_body_in_order();
        matching.follow_calls();
        matching.by_likeness();
        matching.follow_calls();
        matching
    }

    fn pair(&mut self, old: usize, new: usize) {
        if self.to_new[old].is_none() && self.to_old[new].is_none() {
            self.to_new[old] = Some(new);
            self.to_old[new] = Some(old);
            self.fresh.push((old, new));
        }
    }

    /// Old functions that have no partner.
    pub fn removed(&self) -> Vec<usize> {
        free(&self.to_new)
    }

    /// New functions that have no partner.
    pub fn added(&self) -> Vec<usize> {
        free(&self.to_old)
    }

    /// Instances of one generic function have the same name without the compiler's hash: those with the same body first.
    fn by_name(&mut self) {
        let names = |side: &Side, free: Vec<usize>| {
            let mut names: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for index in free {
                if let Some(name) = side.elf.functions[index].name.clone() {
                    names.entry(name).or_default().push(index);
                }
            }
            names
        };
        let old = names(&self.old, self.removed());
        let mut new = names(&self.new, self.added());
        for (name, old) in old {
            let Some(mut new) = new.remove(&name) else {
                continue;
            };
            let mut by_body: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
            for b in new.drain(..).rev() {
                by_body.entry(self.new.bodies[b].hash).or_default().push(b);
            }
            let mut rest = Vec::new();
            for a in old {
                let same = by_body.get_mut(&self.old.bodies[a].hash);
                match same.and_then(Vec::pop) {
                    Some(b) => self.pair(a, b),
                    None => rest.push(a),
                }
            }
            let mut left: Vec<usize> = by_body.into_values().flatten().collect();
            left.sort_unstable();
            for (a, b) in rest.into_iter().zip(left) {
                self.pair(a, b);
            }
        }
    }

    fn bodies(&self) -> BTreeMap<[u8; 32], (Vec<usize>, Vec<usize>)> {
        let mut bodies: BTreeMap<[u8; 32], (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for index in self.removed() {
            let hash = self.old.bodies[index].hash;
            bodies.entry(hash).or_default().0.push(index);
        }
        for index in self.added() {
            let hash = self.new.bodies[index].hash;
            bodies.entry(hash).or_default().1.push(index);
        }
        bodies
    }

    fn by_unique_body(&mut self) {
        for (old, new) in self.bodies().into_values() {
            if let ([a], [b]) = (old.as_slice(), new.as_slice()) {
                self.pair(*a, *b);
            }
        }
    }

    /// What stands beside a pair and has the same body, and what stands between two pairs: linkers keep the order of most
    /// functions.
    fn by_place(&mut self) {
        let count = self.to_new.len();
        for a in (1..count).chain((0..count.saturating_sub(1)).rev()) {
            if self.to_new[a].is_some() {
                continue;
            }
            let before = a.checked_sub(1).and_then(|a| self.to_new[a]);
            let after = self.to_new.get(a + 1).copied().flatten();
            let behind = before.map(|b| b + 1);
            let in_front = after.and_then(|b| b.checked_sub(1));
            let between = behind.is_some() && behind == in_front;
            for b in [behind, in_front].into_iter().flatten() {
                if b < self.to_old.len() {
                    let likeness = self.likeness(a, b);
                    if likeness == 100 || (between && likeness >= MIN_CALLED_LIKENESS) {
                        self.pair(a, b);
                    }
                }
            }
        }
    }

    fn by_body_in_order(&mut self) {
        for (old, new) in self.bodies().into_values() {
            for (a, b) in old.into_iter().zip(new) {
                self.pair(a, b);
            }
        }
    }

    /// What the same place of a pair calls is a pair as well, where it is not all too different.
    fn follow_calls(&mut self) {
        for _ in 0..MAX_ROUNDS {
            let mut votes: HashMap<(usize, usize), usize> = HashMap::new();
            for (old, new) in std::mem::take(&mut self.fresh) {
                let (a, b) = (self.old.callees(old), self.new.callees(new));
                if a.len() != b.len() {
                    continue;
                }
                for (a, b) in a.into_iter().zip(b) {
                    if self.to_new[a].is_none() && self.to_old[b].is_none() {
                        *votes.entry((a, b)).or_default() += 1;
                    }
                }
            }
            let mut votes: Vec<(u32, usize, (usize, usize))> = votes
                .into_iter()
                .map(|((a, b), votes)| (self.likeness(a, b), votes, (a, b)))
                .filter(|(likeness, _, _)| *likeness >= MIN_CALLED_LIKENESS)
                .collect();
            if votes.is_empty() {
                return;
            }
            votes.sort_by_key(|(likeness, votes, pair)| {
                (std::cmp::Reverse((*likeness, *votes)), *pair)
            });
            for (_, _, (a, b)) in votes {
                self.pair(a, b);
            }
        }
        self.fresh.clear();
    }

    fn by_likeness(&mut self) {
        let long = |side: &Side, free: Vec<usize>| -> Vec<usize> {
            free.into_iter()
                .filter(|index| side.bodies[*index].len >= MIN_INSTRUCTIONS)
                .collect()
        };
        let old = long(&self.old, self.removed());
        let new = long(&self.new, self.added());
        let all = old.len().saturating_mul(new.len()) <= MAX_LIKENESSES;
        let mut alike = Vec::new();
        for (place, a) in old.iter().enumerate() {
            // Linkers keep the order of most functions.
            let beside = place * new.len() / old.len().max(1);
            let near = match all {
                true => 0..new.len(),
                false => beside.saturating_sub(NEIGHBOURS)..(beside + NEIGHBOURS).min(new.len()),
            };
            for (there, b) in near.clone().zip(&new[near]) {
                let likeness = self.likeness(*a, *b);
                if likeness >= MIN_LIKENESS {
                    let distance = there.abs_diff(beside);
                    alike.push((std::cmp::Reverse(likeness), distance, *a, *b));
                }
            }
        }
        alike.sort_unstable();
        for (_, _, a, b) in alike {
            self.pair(a, b);
        }
    }

    pub fn likeness(&self, old: usize, new: usize) -> u32 {
        self.old.bodies[old].likeness(&self.new.bodies[new])
    }
}

fn free(partners: &[Option<usize>]) -> Vec<usize> {
    let partners = partners.iter().enumerate();
    partners
        .filter_map(|(index, partner)| partner.is_none().then_some(index))
        .collect()
}
