//! Executing every other action than an upgrade.

use anchor_lang::prelude::*;

use super::{check_executor, end, require, status, Outcome};
use crate::{
    change::{Change, CouncilChange, PolicyChange},
    error::PortcullisError,
    events::{
        AuthorityTransferred, CouncilChanged, GateMoved, PolicyChanged, ProgramFinalized,
        ReleaseRevoked,
    },
    lifecycle::{check, Ending, Now, Step},
    state::{Council, Gate, GateState, Parent, Proposal, ROLE_PROPOSE},
};

/// Who executes a change, and where.
#[derive(Clone, Copy, Debug)]
pub struct ChangeExecution {
    pub proposal: Pubkey,
    pub executor: Pubkey,
    pub now: Now,
}

/// What every execution of a change requires; the proposal is executed then.
fn begin(parent: &mut Parent, proposal: &mut Proposal, execution: &ChangeExecution) -> Outcome<()> {
    check_executor(parent, proposal, &execution.executor)?;
    check(status(parent, proposal, execution.now)?, Step::Execute)?;
    end(
        parent,
        proposal,
        &execution.proposal,
        Ending::Executed,
        execution.now.timestamp,
    );
    Ok(())
}

/// Gives the council other members; all that is open under the old ones is dead.
pub fn change_council(
    council: &mut Council,
    proposal: &mut Proposal,
    execution: &ChangeExecution,
    change: &CouncilChange,
) -> Outcome<CouncilChanged> {
    begin(&mut Parent::Council(council), proposal, execution)?;
    let after = change.members_after(council)?;
    council.check_members(&after)?;
    council.replace_members(&after)?;
    Ok(CouncilChanged {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        executor: execution.executor,
        digest: proposal.digest,
        config_epoch: council.config_epoch,
        change: change.clone(),
        slot: execution.now.slot,
        timestamp: execution.now.timestamp,
    })
}

/// Gives the gate, or without one the council itself, other rules. What is under way keeps its own.
pub fn change_policy(
    council: &mut Council,
    gate: Option<&mut Gate>,
    proposal: &mut Proposal,
    execution: &ChangeExecution,
    change: &PolicyChange,
) -> Outcome<PolicyChanged> {
    let former = match gate {
        Some(gate) => {
            begin(&mut Parent::Gate { council, gate }, proposal, execution)?;
            council.admit_voted_policy(&change.policy, proposal.terms.snapshot.threshold)?;
            core::mem::replace(&mut gate.policy, change.policy)
        }
        None => {
            begin(&mut Parent::Council(council), proposal, execution)?;
            council.check_policy(&change.policy, change.delay_floor_seconds)?;
            council.delay_floor_seconds = change.delay_floor_seconds;
            core::mem::replace(&mut council.policy, change.policy)
        }
    };
    Ok(PolicyChanged {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        executor: execution.executor,
        digest: proposal.digest,
        former,
        policy: change.policy,
        delay_floor_seconds: council.delay_floor_seconds,
        slot: execution.now.slot,
        timestamp: execution.now.timestamp,
    })
}

/// Marks a release: no rollback goes to it any more, and no upgrade waits for it.
pub fn revoke_release(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    execution: &ChangeExecution,
) -> Outcome<ReleaseRevoked> {
    begin(&mut Parent::Gate { council, gate }, proposal, execution)?;
    let sha256 = proposal.terms.sha256;
    require(gate.knows(&sha256), PortcullisError::NotAnEarlierRelease)?;
    gate.set_revoked(&sha256, true);
    Ok(ReleaseRevoked {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        executor: execution.executor,
        digest: proposal.digest,
        sha256,
        slot: execution.now.slot,
        timestamp: execution.now.timestamp,
    })
}

/// The gate lets its program go: another life, in which it does nothing until it is adopted again.
fn exit(council: &mut Council, gate: &mut Gate) -> Outcome<()> {
    gate.state = GateState::Exited as u8;
    gate.begin_life()?;
    council.release_gate()
}

/// Gives the upgrade authority to another key; the handler moves it.
pub fn transfer_authority(
    council: &mut Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    execution: &ChangeExecution,
    to: Pubkey,
    checked: bool,
) -> Outcome<AuthorityTransferred> {
    begin(&mut Parent::Gate { council, gate }, proposal, execution)?;
    exit(council, gate)?;
    Ok(AuthorityTransferred {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        executor: execution.executor,
        digest: proposal.digest,
        program: gate.program,
        to,
        checked,
        life: gate.life,
        slot: execution.now.slot,
        timestamp: execution.now.timestamp,
    })
}

/// Gives the upgrade authority up for ever; the handler does so.
pub fn finalize_program(
    council: &mut Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    execution: &ChangeExecution,
) -> Outcome<ProgramFinalized> {
    begin(&mut Parent::Gate { council, gate }, proposal, execution)?;
    exit(council, gate)?;
    Ok(ProgramFinalized {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        executor: execution.executor,
        digest: proposal.digest,
        program: gate.program,
        release: gate.release.commitment(),
        life: gate.life,
        slot: execution.now.slot,
        timestamp: execution.now.timestamp,
    })
}

/// The council that a gate moves to, and who accepts it there.
pub struct Acceptance<'a> {
    pub key: Pubkey,
    pub council: &'a mut Council,
    /// A member with PROPOSE, who signs: nobody can burden a council with a gate.
    pub proposer: Pubkey,
    /// The council's epoch that the old council's voters saw.
    pub epoch: u32,
}

/// Gives the gate to another council; all that is open under the old one is dead.
pub fn move_gate(
    council: &mut Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    execution: &ChangeExecution,
    acceptance: Acceptance,
) -> Outcome<GateMoved> {
    begin(&mut Parent::Gate { council, gate }, proposal, execution)?;
    let Acceptance {
        key,
        council: other,
        proposer,
        epoch,
    } = acceptance;
    require(other.is_sealed(), PortcullisError::CouncilNotSealed)?;
    require(other.config_epoch == epoch, PortcullisError::EpochMismatch)?;
    other.member_with(&proposer, ROLE_PROPOSE)?;
    other.admit_gate(&gate.policy)?;
    council.release_gate()?;
    let former = core::mem::replace(&mut gate.council, key);
    gate.begin_life()?;
    Ok(GateMoved {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        executor: execution.executor,
        digest: proposal.digest,
        former,
        council: key,
        epoch,
        proposer,
        life: gate.life,
        slot: execution.now.slot,
        timestamp: execution.now.timestamp,
    })
}

/// Refuses to execute one action as another.
pub const fn wrong_action(change: Option<&Change>) -> PortcullisError {
    match change {
        None | Some(Change::Upgrade(_)) => PortcullisError::NotAChange,
        Some(_) => PortcullisError::AnotherAction,
    }
}
