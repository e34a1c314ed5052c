//! Whether the program's account has room for the bytes, and lamports for the room.

use super::{Facts, Finding, Measure, ProgramFacts, Severity, Topic};
use crate::{account::PROGRAMDATA_HEADER, deploy::extension_bytes, elf::MAX_LOADER_ELF_LEN, pda};

const TOPIC: Topic = Topic::Size;

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    if let Some(program) = &facts.program {
        if facts.is_upgrade() && !facts.is_over() {
            check_size(facts, program, out);
        }
    }
}

fn check_size(facts: &Facts, program: &ProgramFacts, out: &mut Vec<Finding>) {
    // Without the programdata another finding says so already.
    let (Some(needed), Ok((programdata, lamports))) = (facts.needed_room(), &program.programdata)
    else {
        return;
    };
    let capacity = programdata.elf.len();
    let extension = match extension_bytes(&program.gate.account.program, capacity, needed) {
        Ok(extension) => extension,
        Err(_) => {
            out.push(
                Finding::error(
                    TOPIC,
                    "program_cannot_grow",
                    format!("the build takes {needed} bytes, a program's account has room for {MAX_LOADER_ELF_LEN} at most"),
                    "no extension makes room for it",
                )
                .measured(Measure::bytes(MAX_LOADER_ELF_LEN), Measure::bytes(needed))
                .mend("make the build smaller (opt-level = \"s\"), then upload it again"),
            );
            return;
        }
    };
    let rent = match &program.rent {
        Ok(rent) => rent,
        Err(reason) => {
            out.push(Finding::unknown(
                TOPIC,
                Severity::Error,
                "the rent of the program's account",
                reason,
            ));
            return;
        }
    };
    if let Some(bytes) = extension {
        out.push(
            Finding::note(
                TOPIC,
                "extension_needed",
                format!(
                    "the program has room for {capacity} bytes and the build takes {needed}: an extension of {bytes} bytes \
                     for {} lamports of rent comes first",
                    rent.then.saturating_sub(rent.now)
                ),
                "the loader does not make room by itself; `portcullis execute` extends first, in a slot of its own",
            )
            .measured(Measure::bytes(needed), Measure::bytes(capacity))
            .mend(format!(
                "solana program extend {} {bytes}",
                program.gate.account.program
            )),
        );
        return;
    }
    // The loader pays from both accounts what the program's own must have at least.
    let held = facts.buffer.as_ref().and_then(|buffer| {
        let account = buffer.account.as_ref().ok()?.as_ref()?;
        Some(account.lamports)
    });
    let together = lamports.saturating_add(held.unwrap_or_default());
    if held.is_some() && together < rent.now {
        out.push(
            Finding::error(
                TOPIC,
                "rent_too_low",
                format!(
                    "the program's account and the buffer hold {together} lamports together, {} are needed",
                    rent.now
                ),
                "the loader refuses an upgrade that leaves the program's account below its rent",
            )
            .measured(
                Measure::number(rent.now, "lamports"),
                Measure::number(together, "lamports"),
            )
            .mend(format!(
                "solana transfer {} {} --lamports",
                pda::programdata(&program.gate.account.program),
                rent.now.saturating_sub(together)
            )),
        );
        return;
    }
    out.push(Finding::ok(
        TOPIC,
        "program_has_room",
        format!(
            "the program has room for {capacity} bytes, the build takes {needed} (its account: {} bytes)",
            capacity.saturating_add(PROGRAMDATA_HEADER)
        ),
    ));
}
