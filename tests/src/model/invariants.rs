//! G1 to G16 of DESIGN.md, each over one accepted action: what was before, what was done, what is after.

use portcullis::state::{ROLE_ATTEST, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE};

use super::*;

type Invariant = fn(&Model, &Action, &Model) -> bool;

/// All of them, by name.
pub const INVARIANTS: [(&str, Invariant); 16] = [
    ("G1 content", g1_content),
    ("G2 custody", g2_custody),
    ("G3 base", g3_base),
    ("G4 consent", g4_consent),
    ("G5 delay", g5_delay),
    ("G6 expiry", g6_expiry),
    ("G7 veto", g7_veto),
    ("G8 epoch", g8_epoch),
    ("G9 snapshot", g9_snapshot),
    ("G10 once", g10_once),
    ("G11 bounded power", g11_bounded_power),
    ("G12 liveness", g12_liveness),
    ("G13 record", g13_record),
    ("G14 emergency", g14_emergency),
    ("G15 rollback", g15_rollback),
    ("G16 exit", g16_exit),
];

/// The proposal that the action executes.
fn executed(action: &Action) -> Option<Id> {
    match action {
        Action::Execute { proposal, .. } => Some(*proposal),
        _ => None,
    }
}

/// Proposals that there were before, with what they are after.
fn both<'a>(
    before: &'a Model,
    after: &'a Model,
) -> impl Iterator<Item = (Id, &'a Proposal, &'a Proposal)> {
    let pairs = before.proposals.iter().zip(&after.proposals);
    pairs.enumerate().map(|(id, (old, new))| (id, old, new))
}

/// Weight of the members who approve, counted anew.
fn consent(proposal: &Proposal) -> u32 {
    let approves = |member: &&portcullis::state::Member| {
        proposal
            .approvals
            .iter()
            .any(|by| start::key(*by) == member.key)
    };
    let approving = proposal.members.iter().filter(approves);
    approving.map(|member| u32::from(member.weight)).sum()
}

/// Bytes change only by an execution, to those that enough weight has approved and that the buffer held. What is voted on has
/// been hashed, and so has what an active gate says that its program runs.
fn g1_content(before: &Model, action: &Action, after: &Model) -> bool {
    let hashed = after.proposals.iter().all(|p| {
        let found = p.buffer.and_then(|buffer| after.buffers[buffer].content);
        p.custody != Custody::Verified
            || matches!((&p.what, found), (What::Upgrade { build, .. }, Some((_, found))) if *build == found)
    });
    let gates = after.gates.iter().zip(&after.programs);
    let known = gates.into_iter().all(|(gate, program)| {
        gate.as_ref().is_none_or(|gate| {
            gate.state != GateState::Active || gate.current().build == program.build
        })
    });
    let pairs = before.programs.iter().zip(&after.programs).enumerate();
    hashed
        && known
        && pairs.into_iter().all(|(program, (old, new))| {
            let runs = new.build;
            let changed = old.build != runs || old.deployed != new.deployed;
            if !changed || matches!(action, Action::Extend { .. }) {
                return old.build == runs;
            }
            executed(action).is_some_and(|id| {
                let proposal = &before.proposals[id];
                let bytes = proposal.buffer.and_then(|b| before.buffers[b].content);
                proposal.parent == Parent::Gate(program)
                    && matches!(proposal.what, What::Upgrade { build, .. } if build == runs)
                    && bytes.is_some_and(|(_, build)| build == runs)
                    && consent(proposal) >= proposal.terms.threshold
            })
        })
}

/// What a gate holds stays as it is until the end of the one proposal that holds it.
fn g2_custody(before: &Model, _: &Action, after: &Model) -> bool {
    let holders = |model: &Model, buffer: Id| {
        let holds = |p: &&Proposal| p.is_held() && p.buffer == Some(buffer);
        model.proposals.iter().filter(holds).count()
    };
    let held_by_one = (0..after.buffers.len()).all(|buffer| {
        let held = matches!(after.buffers[buffer].content, Some((Holder::Gate(_), _)));
        holders(after, buffer) == usize::from(held)
    });
    let unchanged = both(before, after).all(|(id, old, new)| {
        let content = |model: &Model| old.buffer.map(|b| model.buffers[b].clone());
        !(old.is_held() && before.is_live(id) && new.end.is_none())
            || content(before) == content(after)
    });
    held_by_one && unchanged
}

/// An upgrade is executed on the very release that it names, in the life that it names.
fn g3_base(before: &Model, action: &Action, _: &Model) -> bool {
    executed(action).is_none_or(|id| {
        let proposal = &before.proposals[id];
        match (&proposal.what, proposal.parent) {
            (What::Upgrade { .. }, Parent::Gate(program)) => {
                let gate = before.gate(program);
                proposal.life == gate.life
                    && proposal.base == Some((gate.release_index(), gate.current().build))
            }
            _ => true,
        }
    })
}

/// Approvals come from their voters alone, one at a time, with the digest and in time.
fn g4_consent(before: &Model, action: &Action, after: &Model) -> bool {
    both(before, after).all(|(id, old, new)| {
        let grown: Vec<&Id> = new.approvals.difference(&old.approvals).collect();
        let own = match action {
            Action::Vote(VoteKind::Approve, of, signing) => {
                *of == id
                    && grown == [&signing.by]
                    && signing.right_digest
                    && before.now < signing.until
                    && signing.until <= before.now + 86_400
                    && signing.until <= old.voting_ends
            }
            _ => false,
        };
        (grown.is_empty() || own) && new.weight == consent(new)
    })
}

/// `eta` is fixed a timelock ahead, when all is there, and stands only as long as all is; nothing executes before it, by time or by
/// slots.
fn g5_delay(before: &Model, action: &Action, after: &Model) -> bool {
    let fixed_well = both(before, after).all(|(_, old, new)| match (old.eta, new.eta) {
        (None, Some((eta, slot))) => {
            eta >= after.now + i64::from(new.terms.timelock)
                && eta >= new.not_before
                && slot == after.slot
                && new.terms.timelock >= 600
                && new.is_approved()
                && after.now < new.voting_ends
        }
        (Some(old), Some(new)) => old == new,
        _ => true,
    });
    // After a closed attestation account only the end counts.
    let stands = after
        .proposals
        .iter()
        .all(|p| p.eta.is_none() || p.is_approved() || p.closed);
    let in_time = executed(action).is_none_or(|id| {
        let proposal = &before.proposals[id];
        proposal.eta.is_some_and(|(eta, slot)| {
            before.now >= eta && before.slot >= slot + u64::from(proposal.terms.timelock)
        })
    });
    fixed_well && stands && in_time
}

/// Nothing executes at its expiry or after it; no approval comes at the voting deadline or after it.
fn g6_expiry(before: &Model, action: &Action, _: &Model) -> bool {
    match action {
        Action::Execute { proposal, .. } => before.proposals[*proposal]
            .expires()
            .is_some_and(|expires| before.now < expires),
        Action::Vote(VoteKind::Approve, id, _) => before.now < before.proposals[*id].voting_ends,
        _ => true,
    }
}

/// Enough vetoes end a proposal at once, and it stays ended.
fn g7_veto(before: &Model, _: &Action, after: &Model) -> bool {
    let vetoed = |p: &Proposal| matches!(p.end, Some((End::Vetoed, _)));
    let lasts = both(before, after).all(|(_, old, new)| !vetoed(old) || old.end == new.end);
    let at_once = after.proposals.iter().all(|p| {
        let enough = p.terms.veto > 0 && p.vetoes.len() >= usize::from(p.terms.veto);
        enough == vetoed(p)
    });
    lasts && at_once
}

/// Only what belongs to the present epoch and life is voted on or executed.
fn g8_epoch(before: &Model, action: &Action, _: &Model) -> bool {
    let id = match action {
        Action::Vote(_, id, _) | Action::Queue(id) | Action::Verify(id) => *id,
        Action::Execute { proposal, .. } | Action::Attest { proposal, .. } => *proposal,
        _ => return true,
    };
    let proposal = &before.proposals[id];
    let council = &before.councils[before.council_of(proposal.parent)];
    let life = match proposal.parent {
        Parent::Gate(program) => before.gate(program).life,
        Parent::Council(_) => 0,
    };
    proposal.epoch == council.epoch && proposal.life == life && proposal.members == council.members
}

/// The rules of a proposal never change; rules and members change only by an executed proposal of that kind.
fn g9_snapshot(before: &Model, action: &Action, after: &Model) -> bool {
    let kept = both(before, after).all(|(_, old, new)| {
        (old.terms, old.voting_ends, old.base) == (new.terms, new.voting_ends, new.base)
    });
    let by_proposal = |policy: bool| {
        executed(action).is_some_and(|id| match before.proposals[id].what {
            What::Policy(_) => policy,
            What::Council(_) => !policy,
            _ => false,
        })
    };
    let councils = before.councils.iter().zip(&after.councils);
    let councils = councils.into_iter().all(|(old, new)| {
        let policy = (old.policy, old.floor) == (new.policy, new.floor);
        // Whoever builds a council may, until it is sealed.
        let members = old.members == new.members || old.epoch == 0;
        (policy || by_proposal(true)) && (members || by_proposal(false)) && new.floor >= old.floor
    });
    let gates = before.gates.iter().zip(&after.gates).all(|(old, new)| {
        let (Some(old), Some(new)) = (old, new) else {
            return true;
        };
        old.policy == new.policy || by_proposal(true) || matches!(action, Action::Adopt { .. })
    });
    kept && councils && gates
}

/// What has ended never lives again, and what is written of an end never changes.
fn g10_once(before: &Model, action: &Action, after: &Model) -> bool {
    let ends = both(before, after).all(|(id, old, new)| {
        let written = old.end.is_none() || old.end == new.end;
        let dead = before.is_live(id) || !after.is_live(id);
        written && dead
    });
    ends && executed(action).is_none_or(|id| before.is_live(id) && !after.is_live(id))
}

/// Everyone has done what their role allows, and an action on one gate touches no other.
fn g11_bounded_power(before: &Model, action: &Action, after: &Model) -> bool {
    let roles = after.proposals.iter().all(|p| {
        let has = |by: &Id, role: u8| {
            let member = p.members.iter().find(|m| m.key == start::key(*by));
            member.is_some_and(|m| m.roles & role != 0)
        };
        p.approvals
            .union(&p.rejections)
            .all(|by| has(by, ROLE_VOTE))
            && p.vetoes.union(&p.triggers).all(|by| has(by, ROLE_GUARD))
            && p.attested.keys().all(|by| has(by, ROLE_ATTEST))
            && has(&p.proposer, ROLE_PROPOSE)
            && p.approvals.is_disjoint(&p.rejections)
    });
    let program_of = |id: Id| match before.proposals[id].parent {
        Parent::Gate(program) => Some(program),
        Parent::Council(_) => None,
    };
    let touched = match action {
        Action::Extend { program }
        | Action::Adopt { program, .. }
        | Action::Abandon { program, .. } => Some(*program),
        Action::Execute { proposal, .. } => program_of(*proposal),
        _ => None,
    };
    let others = (0..before.programs.len()).all(|program| {
        let of = |model: &Model| {
            let (program, gate) = (&model.programs[program], &model.gates[program]);
            let gate = gate.as_ref();
            (
                (program.authority, program.build, program.deployed),
                gate.map(|g| (g.council, g.life, g.policy, g.releases.clone())),
            )
        };
        touched == Some(program) || of(before) == of(after)
    });
    roles && others
}

/// Everything runs out within a bound, and what has ended can be cleaned up by anyone.
fn g12_liveness(_: &Model, _: &Action, after: &Model) -> bool {
    // At most voting, timelock doubled or a wait of 90 days, and the window, of 90 days each.
    let bound = after.now + 5 * 90 * 86_400;
    (0..after.proposals.len()).all(|id| {
        let proposal = &after.proposals[id];
        if proposal.deadline() > bound {
            return false;
        }
        if after.is_live(id) || proposal.closed {
            return true;
        }
        let mut later = after.clone();
        let returned = !proposal.is_held() || later.act(&Action::ReturnBuffer(id)).is_ok();
        returned && later.act(&Action::CloseProposal(id)).is_ok()
    })
}

/// Each transition is one event in the chain of its parent, and of each council that it changes.
fn g13_record(before: &Model, action: &Action, after: &Model) -> bool {
    let events = |model: &Model| -> u64 {
        let councils: u64 = model.councils.iter().map(|c| c.events).sum();
        let gates: u64 = model.gates.iter().flatten().map(|g| g.events).sum();
        councils + gates
    };
    let expected = match action {
        Action::Wait { .. } | Action::Extend { .. } | Action::Write { .. } => 0,
        Action::CloseAttestation(..) | Action::CloseHashing(..) | Action::Advance(_) => 0,
        // The last step opens a vote, or a gate.
        Action::Hash(step) => match step.target {
            Target::Proposal(id) => {
                u64::from(before.proposals[id].custody != after.proposals[id].custody)
            }
            Target::Gate(program) => {
                2 * u64::from(before.gate(program).state != after.gate(program).state)
            }
        },
        Action::Abandon { .. } => 2,
        Action::Adopt { .. } => 2,
        Action::Execute { proposal, .. } => {
            let proposal = &before.proposals[*proposal];
            match (&proposal.what, proposal.parent) {
                (What::Transfer { .. } | What::Finalize, _) => 2,
                (What::Policy(_), Parent::Gate(_)) => 2,
                (What::Move { .. }, _) => 3,
                _ => 1,
            }
        }
        _ => 1,
    };
    events(before) + expected == events(after)
}

/// The emergency lane carries upgrades only, asks for at least as much weight, and keeps its interval and a delay.
fn g14_emergency(before: &Model, action: &Action, after: &Model) -> bool {
    let upgrades = after.proposals.iter().all(|p| {
        p.lane != Lane::Emergency
            || (matches!(p.what, What::Upgrade { .. }) && p.terms.timelock >= 600)
    });
    let (old, new) = (before.proposals.len(), after.proposals.len());
    let stricter = (old..new).all(|id| {
        let proposal = &after.proposals[id];
        match proposal.parent {
            Parent::Gate(program) if proposal.lane == Lane::Emergency => {
                proposal.terms.threshold >= after.gate(program).policy.threshold
            }
            _ => true,
        }
    });
    let spaced = executed(action).is_none_or(|id| {
        let proposal = &before.proposals[id];
        match proposal.parent {
            Parent::Gate(program) if proposal.lane == Lane::Emergency => {
                let gate = before.gate(program);
                let now_policy = gate.policy.emergency_min_interval_seconds;
                let interval = i64::from(proposal.terms.interval.max(now_policy));
                gate.last_emergency
                    .is_none_or(|last| before.now - last >= interval)
            }
            _ => true,
        }
    });
    upgrades && stricter && spaced
}

/// A rollback brings back what ran here and was not revoked, with the guardians' quorum, and revokes what it leaves.
fn g15_rollback(before: &Model, action: &Action, after: &Model) -> bool {
    executed(action).is_none_or(|id| {
        let proposal = &before.proposals[id];
        let (Parent::Gate(program), What::Upgrade { build, .. }) =
            (proposal.parent, &proposal.what)
        else {
            return true;
        };
        let (old, new) = (before.gate(program), after.gate(program));
        if !proposal.lane.is_standby() {
            return true;
        }
        let quorum = proposal.triggers.len() >= usize::from(proposal.terms.trigger)
            && proposal.terms.trigger > 0
            && before.now < proposal.first_trigger + 900;
        let left = old.current().build;
        quorum
            && !old.is_revoked(*build)
            && (proposal.lane != Lane::Rollback
                || (old.knows(*build)
                    && (new.is_revoked(left) || !new.knows(left))
                    && *build != left))
    })
}

/// The authority goes where a proposal says and nowhere else; the gate holds it as long as it is active.
fn g16_exit(before: &Model, action: &Action, after: &Model) -> bool {
    (0..after.programs.len()).all(|program| {
        let (old, new) = (
            before.programs[program].authority,
            after.programs[program].authority,
        );
        let holds = after.gates[program]
            .as_ref()
            .is_some_and(|gate| gate.state != GateState::Exited);
        let adopting = before.gates[program]
            .as_ref()
            .is_some_and(|gate| gate.state == GateState::Adopting);
        let moved = match (old, new) {
            _ if old == new => true,
            (Holder::Gate(_), Holder::Person(person)) if adopting => {
                matches!(action, Action::Abandon { by, .. } if *by == person)
            }
            (Holder::Gate(_), _) => executed(action).is_some_and(|id| {
                let with = match action {
                    Action::Execute { with, .. } => *with,
                    _ => None,
                };
                match before.proposals[id].what {
                    What::Transfer { to, checked } => {
                        new == Holder::Person(to) && (!checked || with == Some(to))
                    }
                    What::Finalize => new == Holder::Nobody,
                    _ => false,
                }
            }),
            (Holder::Person(person), _) => {
                matches!(action, Action::Adopt { authority, .. } if *authority == person)
            }
            (Holder::Nobody, _) => false,
        };
        moved && holds == (new == Holder::Gate(program))
    })
}
