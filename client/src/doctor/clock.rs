//! The chain's clock: how far this machine's is from it, and whether slots pass as fast as timelocks count them.

use super::{span, Facts, Finding, Measure, Severity, Topic};

const TOPIC: Topic = Topic::Clock;
/// Seconds that the clocks may differ; a cluster's own is some seconds behind.
pub(super) const MOST_DRIFT: u64 = 60;

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    let difference = facts.now.timestamp.saturating_sub(facts.machine_time);
    let drift = difference.unsigned_abs();
    let measured = |finding: Finding| {
        finding.measured(
            Measure::number(MOST_DRIFT, "seconds"),
            Measure::number(difference, "seconds"),
        )
    };
    out.push(match drift > MOST_DRIFT {
        true => measured(Finding::warning(
            TOPIC,
            "clock_drift",
            format!(
                "the chain's clock is {} {} of this machine's",
                span(drift),
                match difference > 0 {
                    true => "ahead",
                    false => "behind that",
                }
            ),
            "timelocks, votes and attestations count by the chain's clock; the server may also be behind",
        ))
        .mend("timedatectl set-ntp true"),
        false => measured(Finding::ok(
            TOPIC,
            "clocks_agree",
            format!("the chain's clock and this machine's differ by at most {MOST_DRIFT}s"),
        )),
    });
    check_slots(facts, out);
}

/// Besides its seconds, a timelock waits for as many slots.
fn check_slots(facts: &Facts, out: &mut Vec<Finding>) {
    let rate = match &facts.slot_rate {
        Ok(Some(rate)) if rate.seconds > 0 => rate,
        Ok(_) => {
            out.push(Finding::unknown(
                TOPIC,
                Severity::Note,
                "how fast slots pass",
                "the server has no samples",
            ));
            return;
        }
        Err(reason) => {
            out.push(Finding::unknown(
                TOPIC,
                Severity::Note,
                "how fast slots pass",
                reason,
            ));
            return;
        }
    };
    let (slots, seconds) = (rate.slots, rate.seconds);
    let measured = |finding: Finding| {
        finding.measured(
            Measure::number(seconds, "slots"),
            Measure::number(slots, "slots"),
        )
    };
    let finding = match slots < seconds {
        true => {
            let timelock = facts
                .snapshot()
                .map_or(0, |snapshot| u64::from(snapshot.timelock_seconds));
            let takes = match slots {
                0 => "it does not end".to_string(),
                slots => format!(
                    "the timelock of {} takes {}",
                    span(timelock),
                    span(timelock.saturating_mul(seconds).div_ceil(slots))
                ),
            };
            measured(Finding::warning(
                TOPIC,
                "slots_slow",
                format!("{slots} slots in the last {seconds} s: at this rate {takes}"),
                "a timelock waits for as many slots as it has seconds: on a slow cluster that is later than its eta",
            ))
        }
        false => measured(Finding::ok(
            TOPIC,
            "slots_fast_enough",
            format!("{slots} slots in the last {seconds} s: as many as a timelock waits for"),
        )),
    };
    out.push(finding);
}
