//! Who may change Portcullis itself, and could void all its guarantees.

use super::{Facts, Finding, Severity, Topic};
use crate::rpc::Guardianship;

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    let topic = Topic::Portcullis;
    let advice = "use an instance of Portcullis that is final, or one that a final instance governs: --portcullis=PROGRAM_ID";
    out.push(match &facts.guardianship {
        Err(reason) => Finding::unknown(
            topic,
            Severity::Error,
            "Portcullis's own upgrade authority",
            reason,
        ),
        Ok(Guardianship::Finalized) => Finding::ok(
            topic,
            "portcullis_final",
            "Portcullis itself can never change",
        ),
        Ok(Guardianship::OwnGate { gate }) => Finding::ok(
            topic,
            "portcullis_governed",
            format!("Portcullis itself changes only through its own gate {gate}"),
        ),
        Ok(Guardianship::OtherInstance { portcullis, gate }) => Finding::ok(
            topic,
            "portcullis_governed",
            format!(
                "Portcullis itself changes only through the gate {gate} of instance {portcullis}"
            ),
        ),
        Ok(Guardianship::PlainKey(key)) => Finding::warning(
            topic,
            "portcullis_plain_key",
            format!("a plain key, {key}, is Portcullis's own upgrade authority"),
            "whoever has it can void every guarantee",
        )
        .mend(advice),
        Ok(Guardianship::ProgramAddress(key)) => Finding::warning(
            topic,
            "portcullis_foreign_authority",
            format!("another program's address, {key}, is Portcullis's own upgrade authority"),
            "what may change Portcullis itself is decided by other rules than the council's",
        )
        .mend(advice),
        Ok(Guardianship::NotLoaderV3 { owner }) => Finding::warning(
            topic,
            "portcullis_foreign_authority",
            format!("Portcullis itself belongs to the loader {owner}"),
            "what may change Portcullis itself is decided by other rules than the council's",
        )
        .mend(advice),
    });
}
