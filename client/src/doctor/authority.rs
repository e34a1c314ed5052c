//! The chain of authority: the program's is the gate's signer, the gate obeys its council, the one who acts is a member.

use portcullis::{
    lifecycle::Status,
    policy::FLAG_ANYONE_MAY_EXECUTE,
    state::{GateState, ROLE_EXECUTE, ROLE_PROPOSE},
};

use super::{Facts, Finding, Measure, ProgramFacts, Topic};

const TOPIC: Topic = Topic::Authority;

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    if facts.is_over() {
        return;
    }
    if let Some(program) = &facts.program {
        check_gate(facts, program, out);
    }
    check_actor(facts, out);
}

fn check_gate(facts: &Facts, program: &ProgramFacts, out: &mut Vec<Finding>) {
    let gate = &program.gate.account;
    match gate.state() {
        Ok(GateState::Active) => {}
        Ok(GateState::Adopting) => out.push(
            Finding::error(
                TOPIC,
                "gate_adopting",
                "the gate is still hashing the program that it adopts",
                "until then it governs nothing",
            )
            .mend(format!(
                "run the same `portcullis gate adopt {}` again: it goes on",
                gate.program
            )),
        ),
        _ => out.push(
            Finding::error(
                TOPIC,
                "gate_exited",
                "the program has left its gate",
                "what the gate decides no longer binds the program",
            )
            .mend(format!("portcullis history {}", gate.program)),
        ),
    }
    // What was not read is a finding of the hash.
    let Ok((programdata, _)) = &program.programdata else {
        return;
    };
    let required = Measure::address(&gate.authority);
    match programdata.upgrade_authority {
        Some(found) if found == gate.authority => out.push(Finding::ok(
            TOPIC,
            "gate_holds_authority",
            format!(
                "the gate's signer is the upgrade authority; council {} decides",
                facts.council.address
            ),
        )),
        Some(found) => out.push(
            Finding::error(
                TOPIC,
                "authority_not_the_gate",
                format!(
                    "the upgrade authority is {found}, not the gate's signer {}",
                    gate.authority
                ),
                "that key can change the program at any time, and the gate's upgrade would be refused",
            )
            .measured(required, Measure::address(&found))
            .mend(format!("portcullis history {}", gate.program)),
        ),
        None => out.push(
            Finding::error(
                TOPIC,
                "program_final",
                "the program has no upgrade authority any more",
                "it can never change",
            )
            .measured(required, Measure::name("nobody")),
        ),
    }
}

fn check_actor(facts: &Facts, out: &mut Vec<Finding>) {
    let council = &facts.council.account;
    let (role, name, does) = match &facts.proposal {
        None => (ROLE_PROPOSE, "propose", "proposes"),
        Some(view) => {
            let flags = view.policy().flags & view.proposal.terms.snapshot.flags;
            if flags & FLAG_ANYONE_MAY_EXECUTE != 0 || view.lane.is_standby() {
                return;
            }
            // Who prepares a proposal need not be the one who executes it later.
            if !matches!(view.status, Status::Queued | Status::Ready) {
                return;
            }
            (ROLE_EXECUTE, "execute", "executes")
        }
    };
    let able: Vec<String> = council
        .members()
        .iter()
        .filter(|member| member.has(role))
        .map(|member| member.key.to_string())
        .collect();
    let others = format!("sign with -k as one of {}", able.join(", "));
    let Some(actor) = facts.actor else {
        out.push(
            Finding::note(
                TOPIC,
                "signer_unknown",
                format!("it is not known who {does}"),
                "whether that key has the role and the lamports was not checked",
            )
            .mend(others),
        );
        return;
    };
    out.push(match council.member_with(&actor, role) {
        Ok(_) => Finding::ok(
            TOPIC,
            "role_held",
            format!("{actor} is a member with the role {name}"),
        ),
        Err(_) => Finding::error(
            TOPIC,
            "role_missing",
            format!("{actor} must be a member with the role {name}, and is none"),
            "the gate takes this step only from such a member",
        )
        .measured(Measure::name(name), Measure::address(&actor))
        .mend(others),
    });
}
