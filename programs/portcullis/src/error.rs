//! Every way in which Portcullis refuses. A variant names the violated rule, its message says what was required and what
//! to do. Codes start at 6000 in this order and are append-only.

use anchor_lang::{
    error::{AnchorError, Error, ERROR_CODE_OFFSET},
    prelude::*,
};

/// Declares the errors with names and messages in tables. Anchor's `#[error_code]` writes two matches of all variants and
/// builds the error wherever one is returned; in the ELF that is ten times as long, and each `?` the longer.
macro_rules! errors {
    ($(#[msg($message:literal)] $(#[$attribute:meta])* $name:ident,)+) => {
        /// A broken rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum PortcullisError {
            $(#[doc = $message] $(#[$attribute])* $name),+
        }

        impl PortcullisError {
            /// All of them, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name and the message of each, with a colon between them, in the same order.
            const TEXTS: &'static [&'static str] = &[$(concat!(stringify!($name), ":", $message)),+];
        }

        /// Anchor's own macro over the same list, which puts the errors into the IDL.
        #[cfg(feature = "idl-build")]
        mod idl {
            #[anchor_lang::error_code]
            pub enum PortcullisError {
                $(#[msg($message)] $name),+
            }
        }
    };
}

impl PortcullisError {
    fn text(self) -> (&'static str, &'static str) {
        Self::TEXTS
            .get(self as usize)
            .and_then(|text| text.split_once(':'))
            .unwrap_or_default()
    }

    /// The variant's name.
    pub fn name(self) -> &'static str {
        self.text().0
    }

    /// What was required, and what to do.
    pub fn message(self) -> &'static str {
        self.text().1
    }
}

impl core::fmt::Display for PortcullisError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.message())
    }
}

impl From<PortcullisError> for u32 {
    fn from(error: PortcullisError) -> Self {
        ERROR_CODE_OFFSET.saturating_add(error as u32)
    }
}

impl From<PortcullisError> for Error {
    /// Anchor logs name, code and message when the instruction returns it.
    #[cold]
    #[inline(never)]
    fn from(error: PortcullisError) -> Self {
        AnchorError {
            error_name: error.name().to_string(),
            error_code_number: error.into(),
            error_msg: error.message().to_string(),
            error_origin: None,
            compared_values: None,
        }
        .into()
    }
}

/// Anchor's `require!` without the source's file and line, which would stand in the ELF once for every rule.
macro_rules! require {
    ($rule:expr, $error:expr $(,)?) => {
        if !$rule {
            return Err($error.into());
        }
    };
}
pub(crate) use require;

errors! {
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

    // Signed messages.
    #[msg("The ed25519 instruction with the signed message must stand immediately before this one")]
    SignedMessageMissing,
    #[msg("The ed25519 instruction must hold one signature, with its key and message in itself and in the usual order")]
    SignedMessageNotCanonical,
    #[msg("The signed message or its signer is not this vote's: sign exactly the text that this vote has")]
    SignedMessageMismatch,
    #[msg("The policy has no emergency lane")]
    EmergencyLaneOff,
    #[msg("The policy has no standby lane: its trigger threshold is zero")]
    StandbyLaneOff,
    #[msg("The proposal is not a standby: only an armed standby is triggered")]
    NotAStandby,
    #[msg("Not enough guardians have triggered the standby within 15 minutes")]
    StandbyNotTriggered,
    #[msg("A rollback goes only to a release that this gate remembers, and not to what already runs")]
    NotAnEarlierRelease,
    #[msg("The release is revoked: only a standard or emergency upgrade to it takes that back")]
    ReleaseRevoked,
    #[msg("The member does not attest this kind")]
    KindNotAttested,
    #[msg("The attestation must hold until the last moment at which the proposal could execute")]
    AttestationTooShort,
    #[msg("The attestation is another proposal's or another attester's")]
    AttestationMismatch,
    #[msg("Signed-message votes are off in the proposal's policy or in the current one")]
    MessageVotesOff,
    #[msg("The member has taken a vote back on this proposal: from then on it votes by transaction only")]
    MessageAfterRetraction,
    #[msg("The proposal is about a council, this needs one about a gate")]
    NotOfAGate,
    #[msg("The proposal is about a gate, this needs one about the council itself")]
    NotOfTheCouncil,
    #[msg("An upgrade is proposed and executed by its own instructions")]
    NotAChange,
    #[msg("The proposal's action is another one: execute it by that action's instruction")]
    AnotherAction,
    #[msg("The gate has exited, or its program is still being hashed: it cannot do this")]
    GateNotActive,
    #[msg("The gate is not waiting for its program to be hashed")]
    GateNotAdopting,
    #[msg("The gate already holds its program")]
    GateNotExited,
    #[msg("A council change adds and removes at most eight members: split it")]
    CouncilChangeTooLarge,
    #[msg("The council change changes nothing")]
    CouncilChangeEmpty,
    #[msg("The member to add is in the council already: remove it in the same change to alter it")]
    MemberTwice,
    #[msg("The members could no longer meet the policy of one of the council's gates")]
    GateCouldNotBeMet,
    #[msg("The delay floor of a council is only ever raised")]
    DelayFloorLowered,
    #[msg("A gate has no delay floor: it must be zero")]
    DelayFloorOfAGate,
    #[msg("The gate's policy demands more than the council's own: adopt within it, then raise it by a vote")]
    PolicyAboveCouncil,
    #[msg("The new authority must be a key other than the default and the gate's signer")]
    NewAuthorityInvalid,
    #[msg("The account is not the new authority that the proposal names")]
    NewAuthorityMismatch,
    #[msg("The new authority must sign: the proposal demands it")]
    NewAuthorityMustSign,
    #[msg("The gate belongs to this council already")]
    SameCouncil,
    #[msg("The council is not the one that the proposal names")]
    CouncilMismatch,
    #[msg("Only a program of sBPF version 3 or later can be made final")]
    NotFinalizable,
    #[msg("The predecessor must be another gate of the same council, with a soak of 90 days at most, and not of a standby")]
    PredecessorInvalid,
    #[msg("The proposal names a predecessor: give the account of its gate, and only then")]
    PredecessorMismatch,
    #[msg("The predecessor has not executed, or its gate no longer remembers it")]
    PredecessorNotExecuted,
    #[msg("The predecessor was revoked or rolled back")]
    PredecessorRevoked,
    #[msg("The predecessor has not run for long enough")]
    PredecessorSoaking,
    #[msg("It fits into one transaction: hash it there")]
    HashedAtOnce,
    #[msg("It is too large for one transaction: hash it in steps first")]
    NotHashedYet,
    #[msg("Steps of a hash go on where the last one ended: this one would leave a gap")]
    HashGap,
    #[msg("The hashing is of another proposal or gate")]
    HashingMismatch,
    #[msg("The hashing is still needed")]
    HashingInUse,
    #[msg("A buffer too large to be hashed in one transaction must hold the ELF and nothing behind it")]
    BufferNotExact,
    #[msg("The proposal's account is still open: close it first")]
    ProposalNotClosed,
}
