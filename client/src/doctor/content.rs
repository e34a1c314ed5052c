//! Whether the bytes are the right ones: the user's build, the buffer's, the proposal's, what runs, what the gate let through.

use portcullis::digest::Commitment;

use super::{Facts, Finding, Measure, ProgramFacts, Severity, Topic};
use crate::{error::hex, upload::is_part};

const TOPIC: Topic = Topic::Hash;

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    if facts.is_upgrade() && !facts.is_over() {
        check_hashes(facts, out);
    }
}

fn check_hashes(facts: &Facts, out: &mut Vec<Finding>) {
    if let Some(program) = &facts.program {
        check_release(program, out);
    }
    let artifact = facts.artifact.as_ref().and_then(|a| a.commitment());
    let buffer = facts.decoded_buffer();
    let held = buffer.as_ref().and_then(|buffer| buffer.commitment());
    match &facts.proposal {
        Some(view) => {
            let proposed = view.commitment();
            if let Some(artifact) = artifact {
                out.push(match artifact == proposed {
                    true => Finding::ok(
                        TOPIC,
                        "artifact_matches",
                        format!("{} is what {} would deploy", facts.file(), facts.name()),
                    ),
                    false => differ(
                        "artifact_differs",
                        format!("{} is not what {} would deploy", facts.file(), facts.name()),
                        "what would run is not your build",
                        (&proposed, &artifact),
                    )
                    .mend(format!(
                        "portcullis review {}, and do not approve",
                        facts.name()
                    )),
                });
            }
            if let Some(held) = held.filter(|_| view.holds_buffer()) {
                out.push(match held == proposed {
                    true => Finding::ok(
                        TOPIC,
                        "buffer_matches",
                        format!("the buffer's bytes have the proposed hash {}", hex(&held.sha256)),
                    ),
                    false => differ(
                        "buffer_content_differs",
                        "the buffer's bytes do not have the proposed hash".to_string(),
                        "the gate would refuse them, or the RPC server does not show what the chain holds",
                        (&proposed, &held),
                    )
                    .mend("ask another RPC server: -u URL"),
                });
            }
            let base = Commitment {
                sha256: view.proposal.terms.base_sha256,
                len: view.proposal.terms.base_len,
            };
            if proposed == base {
                out.push(deployed_already(facts));
            }
        }
        None => {
            if let (Some(artifact), Some(buffer)) = (&facts.artifact, &buffer) {
                out.push(check_upload(facts, &artifact.bytes, &buffer.elf));
            }
            let Some(build) = held.or(artifact) else {
                return;
            };
            let gate = facts.program.as_ref().map(|program| program.gate.account);
            let Some(gate) = gate else { return };
            if build == gate.release.commitment() {
                out.push(deployed_already(facts));
            }
            if gate.is_revoked(&build.sha256) {
                out.push(
                    Finding::warning(
                        TOPIC,
                        "release_revoked",
                        format!("the build {} is an earlier release that was revoked", hex(&build.sha256)),
                        "it was rolled back, or voted out: deploying it brings back what was taken away",
                    )
                    .mend(format!("portcullis verify {}", facts.program_id())),
                );
            }
        }
    }
}

fn differ(
    code: &'static str,
    what: String,
    why: &'static str,
    (required, found): (&Commitment, &Commitment),
) -> Finding {
    Finding::error(TOPIC, code, what, why).measured(
        Measure::sha256(&required.sha256),
        Measure::sha256(&found.sha256),
    )
}

fn deployed_already(facts: &Facts) -> Finding {
    Finding::warning(
        TOPIC,
        "deployed_already",
        "the build is what runs already",
        "votes and a timelock would be spent on nothing",
    )
    .mend(format!(
        "portcullis verify {} --artifact {}",
        facts.program_id(),
        facts.file()
    ))
}

/// A buffer against the build that it should hold.
fn check_upload(facts: &Facts, build: &[u8], held: &[u8]) -> Finding {
    let upload = format!(
        "portcullis buffer upload {} --program {}",
        facts.file(),
        facts.program_id()
    );
    let (required, found) = (
        Commitment::of(build).unwrap_or_default(),
        Commitment::of(held).unwrap_or_default(),
    );
    if required == found && held.len() >= build.len() {
        return Finding::ok(
            TOPIC,
            "buffer_matches",
            format!("the buffer holds {}", facts.file()),
        );
    }
    if is_part(held, build) {
        let bytes = held.iter().zip(build);
        let missing = bytes.filter(|(held, built)| held != built).count();
        let written = build.len().saturating_sub(missing);
        return Finding::error(
            TOPIC,
            "buffer_incomplete",
            format!("{missing} bytes of {} are not in the buffer", facts.file()),
            "proposing now would ask for votes on half a program",
        )
        .measured(Measure::bytes(build.len()), Measure::bytes(written))
        .mend(upload);
    }
    differ(
        "buffer_differs",
        format!("the buffer does not hold {}", facts.file()),
        "voters would be asked to approve another build than yours",
        (&required, &found),
    )
    .mend(upload)
}

/// What runs must be what the gate let through.
fn check_release(program: &ProgramFacts, out: &mut Vec<Finding>) {
    let release = program.gate.account.release.commitment();
    match &program.programdata {
        Err(reason) => out.push(Finding::unknown(
            TOPIC,
            Severity::Error,
            "the deployed program",
            reason,
        )),
        Ok((programdata, _)) => {
            let deployed = programdata.commitment().unwrap_or_default();
            if deployed != release {
                out.push(
                    differ(
                        "release_differs",
                        "what is deployed is not the gate's current release".to_string(),
                        "the program was changed past its gate, or the RPC server does not show what the chain holds",
                        (&release, &deployed),
                    )
                    .mend(format!("portcullis verify {}", program.gate.account.program)),
                );
            }
        }
    }
}
