//! What is to be written so that a buffer holds an artifact.

use std::ops::Range;

/// Part of an artifact, by its offset.
pub(super) type Chunk = Range<usize>;

/// As few chunks of at most `len` bytes as cover every place where `found` is not as `wanted`. Each begins and ends with such a
/// place, so a few changed bytes cost one chunk wherever they are. What `found` lacks is zeros, as in a new buffer.
pub(super) fn differences(wanted: &[u8], found: &[u8], len: usize) -> Vec<Chunk> {
    let differs =
        |at: &usize| wanted.get(*at).copied() != Some(found.get(*at).copied().unwrap_or(0));
    let mut chunks = Vec::new();
    let mut from = 0;
    while let Some(start) = (from..wanted.len()).find(differs) {
        let limit = start.saturating_add(len.max(1)).min(wanted.len());
        let last = (start..limit).rev().find(differs).unwrap_or(start);
        chunks.push(start..last.saturating_add(1));
        from = limit;
    }
    chunks
}

/// The bytes of all chunks.
pub(super) fn len_of(chunks: &[Chunk]) -> usize {
    chunks.iter().map(ExactSizeIterator::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_lie_where_something_differs() {
        let mut wanted = vec![0; 100];
        wanted[5] = 1;
        wanted[95] = 1;
        assert_eq!(differences(&wanted, &[], 10), [5..6, 95..96]);
        let mut found = wanted.clone();
        found[42] = 9;
        found[44] = 9;
        assert_eq!(differences(&wanted, &found, 30), vec![42..45]);
        assert_eq!(differences(&wanted, &found, 2), [42..43, 44..45]);
        assert!(differences(&wanted, &wanted, 30).is_empty());
    }

    #[test]
    fn a_change_across_the_borders_of_a_grid_is_one_chunk() {
        let found = vec![1; 100];
        let mut wanted = found.clone();
        wanted[8..16].fill(2);
        assert_eq!(differences(&wanted, &found, 10), vec![8..16]);
        wanted[8..19].fill(2);
        assert_eq!(differences(&wanted, &found, 10), [8..18, 18..19]);
    }

    #[test]
    fn written_chunks_leave_no_difference() {
        let mut seed = 1_u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize
        };
        for _ in 0..200 {
            let wanted: Vec<u8> = (0..random() % 300).map(|_| random() as u8 % 3).collect();
            let mut found: Vec<u8> = (0..wanted.len()).map(|_| random() as u8 % 3).collect();
            let len = random() % 40;
            for chunk in differences(&wanted, &found, len) {
                assert!(chunk.len() <= len.max(1));
                found[chunk.clone()].copy_from_slice(&wanted[chunk]);
            }
            assert_eq!(found, wanted);
        }
    }
}
