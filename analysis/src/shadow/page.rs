//! A report as one HTML page: nothing is loaded from elsewhere, there are no scripts, and what came from the chain is escaped.

use askama::Template;

use super::{
    compare::Kind,
    report::{
        change, columns, deviations, hex, outcomes, percent, state, told, variations, Cause,
        Histogram, InstructionRow, InvariantRow, Report, Verdict,
    },
};

/// Where the histogram's bars stand.
const PLOT: (f64, f64) = (40.0, 712.0);
const FLOOR: f64 = 190.0;
const CEILING: f64 = 14.0;
/// Where the medians stand.
const MEDIANS: (f64, f64) = (206.0, 700.0);
/// The most instructions that are drawn.
const MAX_MEDIANS: usize = 40;

#[derive(Template)]
#[template(path = "shadow.html")]
struct Page<'a> {
    report: &'a Report,
    sha256: String,
    verdict: Verdict,
    facts: Vec<(&'static str, String)>,
    fidelity: String,
    required: String,
    deviations: Vec<(u64, &'static str)>,
    outcomes: Vec<(u64, &'static str)>,
    variations: String,
    invariants: Vec<Invariant<'a>>,
    causes: Vec<CauseRow<'a>>,
    histogram: Option<Plot>,
    distributions: Vec<(&'static str, [u64; 7])>,
    medians: Vec<Median<'a>>,
    median_ticks: Vec<Tick>,
    rows: Vec<Row<'a>>,
}

struct Invariant<'a> {
    of: &'a InvariantRow,
    class: &'static str,
    verdict: &'static str,
    told: String,
}

struct CauseRow<'a> {
    of: &'a Cause,
    class: &'static str,
    open: bool,
    varied: bool,
}

struct Plot {
    most: u64,
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
}

struct Bar {
    class: &'static str,
    x: String,
    y: String,
    width: String,
    height: String,
    title: String,
}

struct Tick {
    x: String,
    /// The last one would be cut.
    anchor: &'static str,
    label: String,
}

struct Median<'a> {
    name: &'a str,
    y: usize,
    old_x: String,
    new_x: String,
    old: u64,
    new: u64,
}

struct Row<'a> {
    of: &'a InstructionRow,
    old: String,
    new: String,
    change: String,
}

/// The page.
pub fn render(report: &Report) -> String {
    let units = &report.compute_units;
    let (medians, median_ticks) = medians(&report.instructions);
    let page = Page {
        sha256: hex(&report.sha256()),
        verdict: report.verdict(),
        facts: facts(report),
        fidelity: percent(report.fidelity.share),
        required: percent(report.fidelity.required_share),
        deviations: deviations(report),
        outcomes: outcomes(report),
        variations: variations(report),
        invariants: report.invariants.iter().map(invariant).collect(),
        causes: report.causes.iter().map(cause).collect(),
        histogram: units.histogram.as_ref().map(plot),
        distributions: [("deployed", units.old), ("proposed", units.new)]
            .into_iter()
            .filter_map(|(name, of)| Some((name, columns(&of?))))
            .collect(),
        medians,
        median_ticks,
        rows: report.instructions.iter().map(row).collect(),
        report,
    };
    // It writes into a String, and calls nothing that fails.
    page.render().unwrap_or_default()
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let bundle = &report.bundle;
    let content = |of: &super::report::Content| format!("{} ({} bytes)", of.sha256, of.len_bytes);
    let mut facts = vec![
        ("deployed program", content(&report.old)),
        ("proposed program", content(&report.new)),
    ];
    if let Some(rehearsed) = &report.as_upgraded {
        facts.push((
            "as upgraded",
            format!(
                "by proposal {}, executed on the forked state with {} compute units",
                rehearsed.proposal, rehearsed.compute_units
            ),
        ));
    }
    let mut transactions = bundle.transactions.to_string();
    if let (Some(first), Some(last)) = (bundle.first_slot, bundle.last_slot) {
        transactions.push_str(&format!(", of the slots {first} to {last}"));
    }
    facts.push(("transactions", transactions));
    facts.push(("state before each", state(bundle.pre_state).to_string()));
    facts.push(("cluster (genesis hash)", bundle.genesis_hash.clone()));
    facts.push(("bundle (SHA-256)", bundle.sha256.clone()));
    let known = &report.known;
    for (name, sha256) in [
        ("IDL (SHA-256)", &known.idl),
        ("IDL of the proposed program (SHA-256)", &known.new_idl),
        ("invariants (SHA-256)", &known.invariants),
    ] {
        facts.extend(sha256.clone().map(|sha256| (name, sha256)));
    }
    facts
}

fn invariant(of: &InvariantRow) -> Invariant<'_> {
    let verdict = of.verdict();
    Invariant {
        class: match verdict {
            "holds" => "good",
            "BROKEN" => "bad",
            _ => "warn",
        },
        verdict,
        told: told(of),
        of,
    }
}

fn cause(of: &Cause) -> CauseRow<'_> {
    let class = match of.kind {
        kind if kind.is_failure() => "bad",
        kind if kind.is_effect() => "bad",
        Kind::Error => "warn",
        _ => "logs",
    };
    CauseRow {
        of,
        class,
        open: of.kind.is_effect(),
        varied: of.kind.is_varied(),
    }
}

fn row(of: &InstructionRow) -> Row<'_> {
    let median = |of: &Option<super::report::Distribution>| {
        of.map_or_else(|| "–".to_string(), |of| of.median.to_string())
    };
    Row {
        old: median(&of.old),
        new: median(&of.new),
        change: match (&of.old, &of.new) {
            (Some(old), Some(new)) => change(old.median, new.median),
            _ => "–".into(),
        },
        of,
    }
}

fn pixels(value: f64) -> String {
    format!("{value:.1}")
}

fn plot(histogram: &Histogram) -> Plot {
    let counts = histogram.old.iter().chain(&histogram.new).copied();
    let most = counts.max().unwrap_or(0).max(1);
    let steps = histogram.edges.len().saturating_sub(1).max(1);
    let step = (PLOT.1 - PLOT.0) / steps as f64;
    let mut bars = Vec::new();
    for (side, (class, name, counts)) in [
        ("of-old", "deployed", &histogram.old),
        ("of-new", "proposed", &histogram.new),
    ]
    .into_iter()
    .enumerate()
    {
        for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = ((FLOOR - CEILING) * *count as f64 / most as f64).max(1.5);
            let edge = |at: usize| histogram.edges.get(at).copied().unwrap_or_default();
            bars.push(Bar {
                class,
                x: pixels(PLOT.0 + step * (place as f64 + 0.06 + 0.44 * side as f64)),
                y: pixels(FLOOR - height),
                width: pixels(step * 0.42),
                height: pixels(height),
                title: format!(
                    "{name}: {count} with {} to {}",
                    edge(place),
                    edge(place.saturating_add(1)).saturating_sub(1)
                ),
            });
        }
    }
    // One label for about every sixth of the width.
    let every = steps.div_ceil(6);
    let ticks = histogram.edges.iter().enumerate().step_by(every);
    let ticks = ticks.map(|(place, edge)| Tick {
        x: pixels(PLOT.0 + step * place as f64),
        anchor: if place == steps { "end" } else { "middle" },
        label: edge.to_string(),
    });
    Plot {
        most,
        bars,
        ticks: ticks.collect(),
    }
}

fn medians(rows: &[InstructionRow]) -> (Vec<Median<'_>>, Vec<Tick>) {
    let found: Vec<_> = (rows.iter())
        .filter_map(|row| Some((row.name.as_str(), row.old?.median, row.new?.median)))
        .take(MAX_MEDIANS)
        .collect();
    let values = || found.iter().flat_map(|(_, old, new)| [*old, *new]);
    let low = values().min().unwrap_or(1).max(1) as f64;
    let high = (values().max().unwrap_or(1) as f64).max(low * 2.0);
    let x = |value: f64| {
        let share = (value.max(1.0) / low).ln() / (high / low).ln();
        pixels(MEDIANS.0 + (MEDIANS.1 - MEDIANS.0) * share.clamp(0.0, 1.0))
    };
    let drawn = found
        .iter()
        .enumerate()
        .map(|(place, (name, old, new))| Median {
            name: name.get(..28).unwrap_or(name),
            y: place.saturating_mul(22).saturating_add(14),
            old_x: x(*old as f64),
            new_x: x(*new as f64),
            old: *old,
            new: *new,
        });
    let ticks = (0..5).map(|place| {
        let value = low * (high / low).powf(f64::from(place) / 4.0);
        Tick {
            x: x(value),
            anchor: "middle",
            label: format!("{value:.0}"),
        }
    });
    let ticks = if found.is_empty() {
        Vec::new()
    } else {
        ticks.collect()
    };
    (drawn.collect(), ticks)
}
