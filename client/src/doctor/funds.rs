//! Whether the payer can pay for the next step.

use super::{Cost, Facts, Finding, Measure, Severity, Topic};

const TOPIC: Topic = Topic::Funds;
const WHY: &str = "the transaction would be refused half-way through the work";

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    // Without a payer, that nobody is known to act is a finding already.
    let Some(payer) = facts.payer.as_ref() else {
        return;
    };
    if facts.is_over() {
        return;
    }
    let (lamports, costs) = match (&payer.lamports, &payer.costs) {
        (Ok(lamports), Ok(costs)) => (*lamports, costs),
        (Err(reason), _) => {
            out.push(Finding::unknown(
                TOPIC,
                Severity::Error,
                "the payer's balance",
                reason,
            ));
            return;
        }
        (_, Err(reason)) => {
            out.push(Finding::unknown(
                TOPIC,
                Severity::Error,
                "what the next step costs",
                reason,
            ));
            return;
        }
    };
    // An account that is left with less than the rent of an empty one is refused, unless nothing is left.
    let empty = facts
        .program
        .as_ref()
        .and_then(|program| program.rent.as_ref().ok());
    let empty = empty.map_or(0, |rent| rent.empty);
    let mut listed: Vec<String> = costs
        .iter()
        .map(|cost| format!("{} {}", cost.lamports, cost.what))
        .collect();
    let sum = costs
        .iter()
        .fold(0_u64, |sum, cost| sum.saturating_add(cost.lamports));
    let required = match lasts(costs, sum, payer.gains, empty) {
        true => sum,
        false => {
            listed.push(format!("{empty} that must stay in the account"));
            sum.saturating_add(empty)
        }
    };
    let listed = listed.join(", ");
    let address = payer.address;
    let transfer = |missing: u64| {
        format!(
            "solana transfer {address} {} --allow-unfunded-recipient",
            sol(missing)
        )
    };
    let measured = |finding: Finding| {
        finding.measured(
            Measure::number(required, "lamports"),
            Measure::number(lamports, "lamports"),
        )
    };
    out.push(match lamports < required {
        true => measured(Finding::error(
            TOPIC,
            "payer_too_poor",
            format!("{address} has {lamports} lamports, the next step takes {required} ({listed})"),
            WHY,
        ))
        .mend(transfer(required.saturating_sub(lamports))),
        false if !lasts(costs, lamports, payer.gains, empty) => {
            let left = lamports.saturating_sub(sum);
            measured(Finding::error(
                TOPIC,
                "payer_left_below_rent",
                format!(
                    "{address} has {lamports} lamports and would be left with {left}, less than the {empty} of an empty account"
                ),
                "the runtime refuses a transaction that leaves its payer with less than the rent, unless nothing is left",
            ))
            .mend(transfer(empty.saturating_sub(left)))
        }
        false => measured(Finding::ok(
            TOPIC,
            "payer_can_pay",
            format!("{address} has {lamports} lamports, the next step takes {required} ({listed})"),
        )),
    });
}

/// Whether these lamports last to the end, and never become so few that a transaction is refused.
fn lasts(costs: &[Cost], lamports: u64, gains: u64, empty: u64) -> bool {
    let mut left = lamports;
    for (place, cost) in costs.iter().enumerate() {
        let Some(rest) = left.checked_sub(cost.lamports) else {
            return false;
        };
        left = rest;
        if cost.more_follows && left < empty {
            return false;
        }
        if place.saturating_add(1) == costs.len() {
            left = left.saturating_add(gains);
        }
    }
    left == 0 || left >= empty
}

/// Lamports as SOL, exactly.
fn sol(lamports: u64) -> String {
    const LAMPORTS_PER_SOL: u64 = 1_000_000_000;
    format!(
        "{}.{:09}",
        lamports / LAMPORTS_PER_SOL,
        lamports % LAMPORTS_PER_SOL
    )
}
