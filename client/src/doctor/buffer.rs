//! The buffer's account, and who gets its lamports.

use portcullis::constants::MAX_HASHED_AT_ONCE;
use solana_account::Account;
use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};

use super::{AccountFacts, Facts, Finding, Measure, Severity, Topic};
use crate::{
    account::{decode_buffer, Buffer},
    pda,
};

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    let Some(program) = facts.program.as_ref().filter(|_| facts.is_upgrade()) else {
        return;
    };
    if let Some(view) = &facts.proposal {
        if view.status.is_ended() {
            return;
        }
        if !view.holds_buffer() {
            out.push(
                Finding::error(
                    Topic::Buffer,
                    "buffer_released",
                    "the proposal holds its buffer no more",
                    "without the bytes there is nothing to deploy",
                )
                .mend(upload(facts)),
            );
            return;
        }
    }
    let authority = program.gate.account.authority;
    if let Some(buffer) = &facts.buffer {
        check_buffer(facts, buffer, &authority, out);
    }
    if let Some(spill) = &facts.spill {
        check_spill(facts, spill, &authority, out);
    }
}

fn upload(facts: &Facts) -> String {
    format!(
        "portcullis buffer upload {} --program {}",
        facts.file(),
        facts.program_id()
    )
}

fn check_buffer(facts: &Facts, buffer: &AccountFacts, gate: &Pubkey, out: &mut Vec<Finding>) {
    let topic = Topic::Buffer;
    let address = buffer.address;
    let account = match &buffer.account {
        Err(reason) => {
            out.push(Finding::unknown(
                topic,
                Severity::Error,
                "the buffer",
                reason,
            ));
            return;
        }
        Ok(None) => {
            out.push(
                Finding::error(
                    topic,
                    "buffer_missing",
                    format!("there is no account at {address}"),
                    "the bytes that would be deployed are not on this cluster",
                )
                .mend(upload(facts)),
            );
            return;
        }
        Ok(Some(account)) => account,
    };
    if account.owner != bpf_loader_upgradeable::ID {
        out.push(
            Finding::error(
                topic,
                "buffer_not_the_loader_s",
                format!("{address} belongs to {}, not to loader v3", account.owner),
                "only a buffer of loader v3 can become a program",
            )
            .measured(
                Measure::address(&bpf_loader_upgradeable::ID),
                Measure::address(&account.owner),
            )
            .mend(upload(facts)),
        );
        return;
    }
    let Ok(decoded) = decode_buffer(&address, account) else {
        out.push(
            Finding::error(
                topic,
                "buffer_not_a_buffer",
                format!("{address} belongs to loader v3 and is no initialized buffer"),
                "only an initialized buffer can become a program",
            )
            .mend(upload(facts)),
        );
        return;
    };
    let before = out.len();
    check_content(facts, &decoded, out);
    check_authority(facts, &address, &decoded, gate, out);
    if out.len() == before {
        out.push(Finding::ok(
            topic,
            "buffer_in_order",
            match &facts.proposal {
                Some(_) => format!("{address} is held by the gate, {} bytes", decoded.elf.len()),
                None => format!("{address} is the proposer's, {} bytes", decoded.elf.len()),
            },
        ));
    }
}

fn check_content(facts: &Facts, buffer: &Buffer, out: &mut Vec<Finding>) {
    let topic = Topic::Buffer;
    let Some(commitment) = buffer.commitment() else {
        out.push(
            Finding::error(
                topic,
                "buffer_empty",
                format!("the buffer's {} bytes are all zero", buffer.elf.len()),
                "nothing was written to it yet",
            )
            .mend(upload(facts)),
        );
        return;
    };
    if let Some(artifact) = facts.artifact.as_ref().filter(|_| facts.proposal.is_none()) {
        if buffer.elf.len() < artifact.bytes.len() {
            out.push(
                Finding::error(
                    topic,
                    "buffer_too_short",
                    format!(
                        "the buffer has room for {} bytes, {} has {}",
                        buffer.elf.len(),
                        artifact.name,
                        artifact.bytes.len()
                    ),
                    "a buffer never grows: the build does not fit into it",
                )
                .measured(
                    Measure::bytes(artifact.bytes.len()),
                    Measure::bytes(buffer.elf.len()),
                )
                .mend(upload(facts)),
            );
        }
    }
    let len = buffer.elf.len();
    let exact = len == commitment.len as usize;
    if len > MAX_HASHED_AT_ONCE as usize && !exact && facts.proposal.is_none() {
        out.push(
            Finding::error(
                topic,
                "buffer_not_exact",
                format!(
                    "the buffer has {len} bytes, the build in it {}",
                    commitment.len
                ),
                "what is hashed in several transactions may have no zeros behind it",
            )
            .measured(Measure::bytes(commitment.len as usize), Measure::bytes(len))
            .mend(upload(facts)),
        );
    }
}

fn check_authority(
    facts: &Facts,
    address: &Pubkey,
    buffer: &Buffer,
    gate: &Pubkey,
    out: &mut Vec<Finding>,
) {
    let topic = Topic::Buffer;
    let Some(found) = buffer.authority else {
        out.push(
            Finding::error(
                topic,
                "buffer_immutable",
                format!("nobody is the authority of buffer {address}"),
                "the loader upgrades only from a buffer with the program's own authority",
            )
            .mend(upload(facts)),
        );
        return;
    };
    let error = |code, what: String, why, required: &Pubkey| {
        Finding::error(topic, code, what, why)
            .measured(Measure::address(required), Measure::address(&found))
    };
    match (&facts.proposal, &facts.actor) {
        (Some(_), _) if found != *gate => out.push(
            error(
                "buffer_not_held",
                format!("the buffer's authority is {found}, not the gate's signer"),
                "whoever it is could change the bytes after the vote",
                gate,
            )
            .mend("ask another RPC server: -u URL"),
        ),
        (None, _) if found == *gate => out.push(
            error(
                "buffer_held_already",
                "the gate's signer is the buffer's authority already".to_string(),
                "a proposal holds it: a buffer is proposed once, by its authority",
                facts.actor.as_ref().unwrap_or(&found),
            )
            .mend(format!("portcullis list --program {}", facts.program_id())),
        ),
        (None, Some(actor)) if found != *actor => out.push(
            error(
                "buffer_authority_differs",
                format!("the buffer's authority is {found}, the proposer is {actor}"),
                "only the buffer's authority can hand it to the gate, in the proposal itself",
                actor,
            )
            .mend(match found.is_on_curve() {
                true => format!(
                    "solana program set-buffer-authority {address} --new-buffer-authority {actor}"
                ),
                false => upload(facts),
            }),
        ),
        _ => {}
    }
}

fn check_spill(facts: &Facts, spill: &AccountFacts, gate: &Pubkey, out: &mut Vec<Finding>) {
    let topic = Topic::Spill;
    let address = spill.address;
    let invalid = |code, what: String, why: &'static str| {
        let finding = Finding::error(topic, code, what, why);
        match &facts.proposal {
            None => finding.mend("name another: --spill ADDRESS"),
            Some(_) => finding.mend(format!(
                "portcullis cancel {}, then propose it again with --spill ADDRESS",
                facts.name()
            )),
        }
    };
    let account = match &spill.account {
        Ok(account) => account.clone().unwrap_or_else(|| Account {
            owner: system_program::ID,
            ..Account::default()
        }),
        Err(reason) => {
            out.push(Finding::unknown(
                topic,
                Severity::Error,
                "the spill account",
                reason,
            ));
            return;
        }
    };
    let proposals = facts.program.as_ref().map(|program| {
        let gate = &program.gate;
        [
            gate.address,
            gate.account.program,
            pda::programdata(&gate.account.program),
            facts.council.address,
        ]
    });
    let distinct = address != *gate
        && Some(address) != facts.buffer.as_ref().map(|buffer| buffer.address)
        && Some(address) != facts.proposal.as_ref().map(|view| view.address)
        && !proposals.is_some_and(|others| others.contains(&address));
    if !distinct {
        out.push(invalid(
            "spill_not_distinct",
            format!("{address} is another account of the upgrade"),
            "the buffer's lamports must go to an account that has no other part in it",
        ));
    } else if account.executable {
        out.push(invalid(
            "spill_executable",
            format!("{address} is a program"),
            "the runtime credits no executable account: the upgrade would fail",
        ));
    } else if account.owner == solana_sdk_ids::sysvar::ID
        || account.owner == solana_sdk_ids::native_loader::ID
    {
        out.push(invalid(
            "spill_not_writable",
            format!("{address} is a reserved address"),
            "the runtime never lets it be written: the upgrade would fail",
        ));
    } else if account.owner != system_program::ID {
        let finding = invalid(
            "spill_not_the_system_s",
            format!("{address} belongs to {}, not to the System program", account.owner),
            "the gate takes only an account of the System program; one that was assigned since gets the lamports all the same",
        )
        .measured(
            Measure::address(&system_program::ID),
            Measure::address(&account.owner),
        );
        // At the execution the gate asks for it no more.
        out.push(match &facts.proposal {
            None => finding,
            Some(_) => Finding {
                severity: Severity::Warning,
                ..finding
            },
        });
    } else {
        out.push(Finding::ok(
            topic,
            "spill_in_order",
            format!("{address} gets the buffer's lamports"),
        ));
    }
}
