//! Distributions of compute units.

use serde::Serialize;

/// Bars of a histogram.
const BARS: usize = 24;

/// Compute units of several executions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Distribution {
    pub min: u64,
    pub p25: u64,
    pub median: u64,
    pub p75: u64,
    pub p90: u64,
    pub p99: u64,
    pub max: u64,
    /// Rounded down.
    pub mean: u64,
}

impl Distribution {
    /// `None` without values.
    pub fn of(values: &[u64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let sum: u128 = sorted.iter().map(|value| u128::from(*value)).sum();
        // The nearest rank.
        let at = |percent: usize| {
            let rank = sorted.len().saturating_mul(percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or(max)
        };
        Some(Self {
            min,
            p25: at(25),
            median: at(50),
            p75: at(75),
            p90: at(90),
            p99: at(99),
            max,
            mean: u64::try_from(sum / sorted.len() as u128).unwrap_or(u64::MAX),
        })
    }
}

/// How many executions fall between two edges. The edges grow by a constant factor: programs differ by factors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Histogram {
    /// One more than there are bars. A bar counts from its first edge, and up to but without its second.
    pub edges: Vec<u64>,
    pub old: Vec<u64>,
    pub new: Vec<u64>,
}

impl Histogram {
    /// `None` without values.
    pub fn of(old: &[u64], new: &[u64]) -> Option<Self> {
        let all = || old.iter().chain(new).copied();
        let low = all().min()?.max(1);
        let high = all().max()?.max(low).saturating_add(1);
        let edges = edges(low, high);
        let count = |values: &[u64]| {
            let mut counts = vec![0_u64; edges.len().saturating_sub(1)];
            for value in values {
                let bar = edges
                    .partition_point(|edge| edge <= value)
                    .saturating_sub(1);
                if let Some(count) = counts.get_mut(bar) {
                    *count = count.saturating_add(1);
                }
            }
            counts
        };
        let (old, new) = (count(old), count(new));
        Some(Self { edges, old, new })
    }
}

fn edges(low: u64, high: u64) -> Vec<u64> {
    let (low_f, high_f) = (low as f64, high as f64);
    let factor = (high_f / low_f).powf(1.0 / BARS as f64);
    let mut edges: Vec<u64> = (0..=BARS)
        .map(|place| (low_f * factor.powi(place as i32)).round() as u64)
        .collect();
    if let Some(first) = edges.first_mut() {
        *first = low;
    }
    if let Some(last) = edges.last_mut() {
        *last = high;
    }
    edges.dedup();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=200).rev().collect();
        let found = Distribution::of(&values).unwrap();
        let expected = Distribution {
            min: 1,
            p25: 50,
            median: 100,
            p75: 150,
            p90: 180,
            p99: 198,
            max: 200,
            mean: 100,
        };
        assert_eq!(found, expected);
        assert_eq!(Distribution::of(&[]), None);
        assert_eq!(Distribution::of(&[7]).unwrap().p99, 7);
    }

    #[test]
    fn a_histogram_counts_every_value_once() {
        for (old, new) in [
            (vec![0, 1, 5, 4_500, 4_501], vec![70, 119, 1_400_000]),
            (vec![3], vec![3]),
            (vec![0], vec![]),
            (vec![u64::MAX - 1], vec![1]),
        ] {
            let found = Histogram::of(&old, &new).unwrap();
            assert_eq!(found.old.iter().sum::<u64>(), old.len() as u64, "{found:?}");
            assert_eq!(found.new.iter().sum::<u64>(), new.len() as u64, "{found:?}");
            assert!(found.edges.is_sorted(), "{found:?}");
        }
        assert_eq!(Histogram::of(&[], &[]), None);
    }
}
