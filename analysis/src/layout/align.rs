//! Which of an old list is which of a new one: fields, variants, accounts of an instruction.

use std::collections::{HashMap, HashSet};

/// Comparisons at most; lists beyond it are matched by name alone.
const MAX_CELLS: usize = 4_000_000;

/// What became of an item. Indices are places in the old and the new list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The same name; its content is to be compared.
    Kept(usize, usize),
    /// Another name for the same content at the same place among the others.
    Renamed(usize, usize),
    Moved(usize, usize),
    Removed(usize),
    /// Before others.
    Inserted(usize),
    /// Behind all others, which are all still there.
    Appended(usize),
}

/// What lists are matched by.
pub trait Item {
    fn name(&self) -> &str;
    /// Equal for what could be the same under another name.
    fn content(&self) -> &str;
}

/// An item of any list.
pub struct Listed {
    pub name: String,
    pub content: String,
}

impl Item for Listed {
    fn name(&self) -> &str {
        &self.name
    }

    fn content(&self) -> &str {
        &self.content
    }
}

/// Whether two names differ only in how they are written, or in the group that they stand in: `feeBps` and `fee_bps`.
pub fn alike(a: &str, b: &str) -> bool {
    let bare = |name: &str| -> String {
        let last = name.rsplit('.').next().unwrap_or(name);
        let letters = last.chars().filter(|letter| *letter != '_');
        letters.flat_map(char::to_lowercase).collect()
    };
    bare(a) == bare(b)
}

/// Matches two lists with as few changes as possible.
pub fn align<T: Item>(old: &[T], new: &[T]) -> Vec<Step> {
    let prefix = old
        .iter()
        .zip(new)
        .take_while(|(a, b)| a.name() == b.name())
        .count();
    let (old_rest, new_rest) = (
        old.get(prefix..).unwrap_or_default(),
        new.get(prefix..).unwrap_or_default(),
    );
    let suffix = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a.name() == b.name())
        .count();
    let middle_old = old_rest.len().saturating_sub(suffix);
    let middle_new = new_rest.len().saturating_sub(suffix);
    let mut steps: Vec<Step> = (0..prefix).map(|at| Step::Kept(at, at)).collect();
    let middle = edits(
        old_rest.get(..middle_old).unwrap_or_default(),
        new_rest.get(..middle_new).unwrap_or_default(),
    );
    steps.extend(middle.into_iter().map(|step| shifted(step, prefix)));
    let behind = (prefix + middle_old).max(prefix);
    steps.extend((0..suffix).map(|at| Step::Kept(behind + at, prefix + middle_new + at)));
    moved(old, new, &mut steps);
    appended(&mut steps);
    steps
}

fn shifted(step: Step, by: usize) -> Step {
    match step {
        Step::Kept(a, b) => Step::Kept(a + by, b + by),
        Step::Renamed(a, b) => Step::Renamed(a + by, b + by),
        Step::Moved(a, b) => Step::Moved(a + by, b + by),
        Step::Removed(a) => Step::Removed(a + by),
        Step::Inserted(b) => Step::Inserted(b + by),
        Step::Appended(b) => Step::Appended(b + by),
    }
}

/// The cheapest way from one list to the other: each removal, insertion and renaming costs one.
fn edits<T: Item>(old: &[T], new: &[T]) -> Vec<Step> {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > MAX_CELLS {
        let removed = (0..old.len()).map(Step::Removed);
        return removed.chain((0..new.len()).map(Step::Inserted)).collect();
    }
    let old_names: HashSet<&str> = old.iter().map(Item::name).collect();
    let new_names: HashSet<&str> = new.iter().map(Item::name).collect();
    // A name that stands on both sides has moved, and is nobody's new name.
    let pair = |a: &T, b: &T| match a.name() == b.name() {
        true => Some(0),
        false => (a.content() == b.content()
            && !new_names.contains(a.name())
            && !old_names.contains(b.name()))
        .then_some(1),
    };
    // Costs of the rests of both lists.
    let mut costs = vec![0_u32; (old.len() + 1) * width];
    let mut set = |i: usize, j: usize, cost: u32| {
        if let Some(cell) = costs.get_mut(i * width + j) {
            *cell = cost;
        }
        cost
    };
    let mut below: Vec<u32> = Vec::new();
    for i in (0..=old.len()).rev() {
        let mut row = vec![0; width];
        for j in (0..=new.len()).rev() {
            let at = |row: &[u32], j: usize| row.get(j).copied().unwrap_or(u32::MAX / 2);
            let mut best = u32::MAX / 2;
            if i == old.len() && j == new.len() {
                best = 0;
            }
            if i < old.len() {
                best = best.min(at(&below, j).saturating_add(1));
            }
            if j < new.len() {
                best = best.min(at(&row, j + 1).saturating_add(1));
            }
            if let Some(cost) = old.get(i).zip(new.get(j)).and_then(|(a, b)| pair(a, b)) {
                best = best.min(at(&below, j + 1).saturating_add(cost));
            }
            if let Some(cell) = row.get_mut(j) {
                *cell = set(i, j, best);
            }
        }
        below = row;
    }
    let cost = |i: usize, j: usize| costs.get(i * width + j).copied().unwrap_or(u32::MAX / 2);
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::with_capacity(old.len().max(new.len()));
    while i < old.len() || j < new.len() {
        let here = cost(i, j);
        let paired = old.get(i).zip(new.get(j)).and_then(|(a, b)| pair(a, b));
        match paired {
            Some(more) if cost(i + 1, j + 1).saturating_add(more) == here => {
                steps.push(match more {
                    0 => Step::Kept(i, j),
                    _ => Step::Renamed(i, j),
                });
                (i, j) = (i + 1, j + 1);
            }
            _ if i < old.len() && cost(i + 1, j).saturating_add(1) == here => {
                steps.push(Step::Removed(i));
                i += 1;
            }
            _ => {
                steps.push(Step::Inserted(j));
                j += 1;
            }
        }
    }
    steps
}

/// What was removed at one place and inserted at another has moved.
fn moved<T: Item>(old: &[T], new: &[T], steps: &mut Vec<Step>) {
    let mut inserted: HashMap<&str, usize> = HashMap::new();
    for step in steps.iter() {
        if let Step::Inserted(b) = step {
            if let Some(item) = new.get(*b) {
                inserted.insert(item.name(), *b);
            }
        }
    }
    let mut arrived = HashSet::new();
    for step in steps.iter_mut() {
        if let Step::Removed(a) = *step {
            let name = old.get(a).map(Item::name);
            if let Some(b) = name.and_then(|name| inserted.remove(name)) {
                *step = Step::Moved(a, b);
                arrived.insert(b);
            }
        }
    }
    steps.retain(|step| !matches!(step, Step::Inserted(b) if arrived.contains(b)));
}

/// What was inserted behind all that was there, of which nothing at the end was removed.
fn appended(steps: &mut [Step]) {
    for step in steps.iter_mut().rev() {
        match *step {
            Step::Inserted(b) => *step = Step::Appended(b),
            _ => break,
        }
    }
    // In the place of something else.
    let removed = steps
        .iter()
        .rev()
        .find(|step| !matches!(step, Step::Appended(_)));
    if matches!(removed, Some(Step::Removed(_) | Step::Moved(..))) {
        for step in steps.iter_mut().rev() {
            match *step {
                Step::Appended(b) => *step = Step::Inserted(b),
                _ => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Step::*, *};

    /// `a:x` is an item `a` with content `x`.
    fn list(text: &str) -> Vec<Listed> {
        let words = text.split_whitespace();
        words
            .map(|word| {
                let (name, content) = word.split_once(':').unwrap_or((word, "x"));
                Listed {
                    name: name.to_string(),
                    content: content.to_string(),
                }
            })
            .collect()
    }

    fn steps(old: &str, new: &str) -> Vec<Step> {
        align(&list(old), &list(new))
    }

    #[test]
    fn changes_are_named_as_people_would() {
        assert_eq!(steps("a b", "a b"), [Kept(0, 0), Kept(1, 1)]);
        assert_eq!(steps("a b", "a b c"), [Kept(0, 0), Kept(1, 1), Appended(2)]);
        assert_eq!(steps("a b", "a c b"), [Kept(0, 0), Inserted(1), Kept(1, 2)]);
        assert_eq!(steps("a b", "c a b"), [Inserted(0), Kept(0, 1), Kept(1, 2)]);
        assert_eq!(steps("a b c", "a c"), [Kept(0, 0), Removed(1), Kept(2, 1)]);
        assert_eq!(steps("a b", "a c"), [Kept(0, 0), Renamed(1, 1)]);
        assert_eq!(steps("a b", "a c:y"), [Kept(0, 0), Removed(1), Inserted(1)]);
        assert_eq!(steps("a b", "a"), [Kept(0, 0), Removed(1)]);
        let swapped = steps("a b c", "b a c");
        assert!(
            swapped.iter().any(|step| matches!(step, Moved(..))),
            "{swapped:?}"
        );
        assert_eq!(swapped.len(), 3);
        assert_eq!(steps("a:x", "a:y"), [Kept(0, 0)]);
        assert_eq!(steps("", "a b"), [Appended(0), Appended(1)]);
        let last_to_front = steps("a b c", "c a b");
        assert_eq!(
            last_to_front
                .iter()
                .filter(|step| matches!(step, Moved(2, 0)))
                .count(),
            1
        );
    }

    #[test]
    fn names_are_alike_whatever_their_case_and_group() {
        for (a, b) in [
            ("feeBps", "fee_bps"),
            ("tokens.mint", "mint"),
            ("_total", "total"),
        ] {
            assert!(alike(a, b), "{a} {b}");
        }
        for (a, b) in [("mint", "oracle"), ("fee", "fees"), ("mint.a", "mint.b")] {
            assert!(!alike(a, b), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn each_item_is_accounted_for_once(old in "[a-f]( [a-f]){0,8}", new in "[a-f]( [a-f]){0,8}") {
            let (old, new) = (list(&old), list(&new));
            let mut seen = (vec![0; old.len()], vec![0; new.len()]);
            for step in align(&old, &new) {
                match step {
                    Kept(a, b) | Renamed(a, b) | Moved(a, b) => { seen.0[a] += 1; seen.1[b] += 1; }
                    Removed(a) => seen.0[a] += 1,
                    Inserted(b) | Appended(b) => seen.1[b] += 1,
                }
            }
            prop_assert!(seen.0.iter().chain(&seen.1).all(|count| *count == 1));
        }
    }
}
