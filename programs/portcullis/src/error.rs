//! Every way in which Portcullis refuses. A variant names the violated rule, its message says what was required and what
//! to do. Codes start at 6000 in this order and are append-only.

use anchor_lang::prelude::*;

#[error_code]
#[derive(PartialEq, Eq)]
pub enum PortcullisError {
    // Councils.
    #[msg("The council is already sealed: its members change only by a proposal")]
    CouncilSealed,
    #[msg("The council is not sealed yet: add its members, then seal it")]
    CouncilNotSealed,
    #[msg("The signer is not the create key of this council")]
    CreateKeyMismatch,
    #[msg("Members must be given in strictly ascending order of their keys, each once")]
    MembersNotSorted,
    #[msg("A council has too many members: merge roles or use a smaller council")]
    TooManyMembers,
    #[msg("A member needs a key other than the default, and one role at least")]
    MemberWithoutRole,
    #[msg("A member has a role bit that this version does not know")]
    UnknownRole,
    #[msg(
        "A member with the VOTE role needs a weight above zero, and one without it the weight zero"
    )]
    WeightWithoutVote,
    #[msg("A member with the ATTEST role needs a kind of attestation, and one without it none")]
    AttestsWithoutRole,

    // Policies.
    #[msg("A policy's threshold must be at least one and at most the weight of all voters")]
    ThresholdUnreachable,
    #[msg("A delay is below the compiled minimum or below the council's delay floor")]
    DelayBelowFloor,
    #[msg("A duration is above the compiled maximum")]
    DurationTooLong,
    #[msg("A voting period or execution window is below the compiled minimum")]
    WindowTooShort,
    #[msg("A veto threshold is above the number of guardians")]
    VetoUnreachable,
    #[msg("The emergency threshold must be at least the standard threshold and at most the weight of all voters")]
    EmergencyThresholdInvalid,
    #[msg("The emergency delay must not be longer than the standard one, and its minimum interval must not be zero")]
    EmergencyDelayInvalid,
    #[msg("The emergency lane is off (threshold zero), so its other fields must be zero too")]
    EmergencyFieldsWithoutLane,
    #[msg("The standby trigger threshold is above the number of guardians")]
    TriggerUnreachable,
    #[msg("A standby needs a validity when it has a trigger threshold, and none without")]
    StandbyValidityInvalid,
    #[msg("The policy requires more attestations of a kind than the council has attesters for it")]
    AttestationsUnreachable,
    #[msg("Nobody could execute: give a member the EXECUTE role or let anyone execute")]
    NoExecutor,
    #[msg("Nobody could propose: give a member the PROPOSE role")]
    NoProposer,
    #[msg("The policy has a flag that this version does not know")]
    UnknownPolicyFlag,
    #[msg("Signed-message votes may be valid for one day at most")]
    MessageValidityTooLong,
    #[msg("The council's own threshold and timelock must be at least those of each of its gates")]
    CouncilWeakerThanGate,

    // Roles.
    #[msg("The signer is not a member of this council")]
    NotAMember,
    #[msg("The member lacks the role that this instruction needs")]
    RoleMissing,

    // Identity of accounts.
    #[msg("The gate belongs to another council")]
    GateOfAnotherCouncil,
    #[msg("The proposal belongs to another gate")]
    ProposalOfAnotherGate,
    #[msg("The program is not the one that this gate governs")]
    ProgramMismatch,
    #[msg("The programdata account is not that of the program")]
    ProgramdataMismatch,
    #[msg("The authority account is not the gate's signer")]
    GateAuthorityMismatch,
    #[msg("The buffer is not the one that the proposal names")]
    BufferMismatch,
    #[msg("The spill account is not the one that the proposal names")]
    SpillMismatch,
    #[msg("The rent payer is not the one that the proposal names")]
    RentPayerMismatch,
    #[msg("The depositor is not the proposer that the proposal names")]
    DepositorMismatch,
    #[msg("The spill account must be owned by the System program and differ from the other accounts of the upgrade")]
    SpillInvalid,

    // Loader accounts.
    #[msg("The account is not a program of loader v3: only upgradeable programs can be adopted")]
    NotALoaderV3Program,
    #[msg("The account is not the programdata of a loader v3 program")]
    NotProgramdata,
    #[msg("The account is not a buffer of loader v3")]
    NotABuffer,
    #[msg("The signer is not the program's upgrade authority")]
    UpgradeAuthorityMismatch,
    #[msg("The program's upgrade authority is not the gate")]
    GateNotUpgradeAuthority,
    #[msg("The proposer is not the buffer's authority: hand the buffer over first")]
    BufferAuthorityMismatch,
    #[msg("The gate is not the buffer's authority: it does not hold this buffer")]
    BufferNotHeld,
    #[msg("The programdata account is too small for the buffer: extend the program in an earlier slot")]
    ProgramdataTooSmall,
    #[msg("The program was deployed, upgraded or extended in this slot: try again in a later one")]
    ProgramDeployedThisSlot,

    // Content.
    #[msg("The length of the ELF must be above zero and fit into the account")]
    LengthOutOfRange,
    #[msg("The ELF is longer than what one transaction can hash")]
    ElfTooLarge,
    #[msg("The last byte that the commitment covers is zero: the length must not count trailing zeros")]
    LengthCountsTrailingZeros,
    #[msg("There are bytes other than zero behind the committed length")]
    TailNotZero,
    #[msg("The SHA-256 of the bytes is not the committed one")]
    HashMismatch,
    #[msg("The proposal's base is not the gate's current release")]
    BaseMismatch,
    #[msg("The council's epoch is not the one that was signed for: look at its members again")]
    EpochMismatch,
    #[msg("The gate's life is not the one that was signed for")]
    LifeMismatch,
    #[msg("The statement's URI is too long")]
    UriTooLong,
    #[msg("not_before lies too far in the future, or is negative")]
    NotBeforeOutOfRange,

    // Votes.
    #[msg("The digest is not the proposal's: review it again and sign what is there")]
    DigestMismatch,
    #[msg("The vote's valid_until has passed")]
    VoteExpired,
    #[msg("valid_until must be at most the voting deadline and one day from now")]
    VoteValidTooLong,
    #[msg("Approvals in a durable-nonce transaction are refused: they could have been signed long ago")]
    DurableNonceTransaction,
    #[msg("The account is not the instructions sysvar, or it cannot be read")]
    InstructionsSysvarInvalid,
    #[msg("The voting period is over")]
    VotingClosed,
    #[msg("The member has cast this vote already")]
    AlreadyVoted,
    #[msg("The member has cast the opposite vote: retract it first")]
    OppositeVote,
    #[msg("The member has no vote to retract")]
    NothingToRetract,
    #[msg("This lane has no veto")]
    VetoDisabled,
    #[msg("Only the proposer may cancel")]
    NotTheProposer,

    // Lifecycle.
    #[msg("The buffer is not verified yet: verify it first")]
    BufferNotVerified,
    #[msg("The buffer is verified already")]
    BufferAlreadyVerified,
    #[msg("The proposal is not queued: its threshold is not met, or its slot is taken by another proposal")]
    NotQueued,
    #[msg("The proposal is queued already")]
    AlreadyQueued,
    #[msg("The proposal lacks approvals or attestations")]
    ThresholdNotMet,
    #[msg("Another live proposal of this gate has taken the slot: wait for its end")]
    SlotTaken,
    #[msg("The timelock has not elapsed")]
    TimelockNotElapsed,
    #[msg("The minimum interval between upgrades has not elapsed")]
    IntervalNotElapsed,
    #[msg("The proposal was executed already")]
    ProposalExecuted,
    #[msg("The proposal was rejected")]
    ProposalRejected,
    #[msg("The proposal was vetoed")]
    ProposalVetoed,
    #[msg("The proposal was cancelled")]
    ProposalCancelled,
    #[msg("The proposal has expired")]
    ProposalExpired,
    #[msg("The proposal is stale: the council's epoch, the gate's life or its release is no longer the one it was made for")]
    ProposalStale,
    #[msg("The proposal is still live: it ends first, then it is cleaned up")]
    ProposalStillLive,
    #[msg("The proposal still holds its buffer: return or close it first")]
    BufferStillHeld,
    #[msg("The proposal holds no buffer any more")]
    BufferReleased,
    #[msg("The buffer may be closed only long after the proposal's end: until then it can be returned")]
    BufferNotAbandoned,

    #[msg("A number left its range")]
    Overflow,

    // Later additions.
    #[msg("The statement's URI must be printable ASCII without spaces: it is shown to voters at a terminal")]
    UriNotPrintable,
    #[msg("The proposal's action is not an upgrade")]
    NotAnUpgrade,
}
