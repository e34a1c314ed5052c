//! What others build on: bytes, sizes, offsets, discriminators and error codes. A change here breaks them, so it must be meant.

use std::mem::offset_of;

use anchor_lang::{AnchorSerialize, Discriminator, Event};
use bytemuck::{Pod, Zeroable};
use portcullis::{
    events::*,
    policy::Snapshot,
    record::Log,
    state::{find_authority, find_council, find_gate, find_proposal, GateMaxima},
};
use portcullis_tests::*;

/// Lines of 64 hex digits.
fn hex(bytes: &[u8]) -> String {
    let lines = bytes.chunks(32).map(|line| {
        line.iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
            + "\n"
    });
    lines.collect()
}

fn account<T: Pod + Discriminator>(state: &T) -> String {
    hex(&[T::DISCRIMINATOR, bytemuck::bytes_of(state)].concat())
}

fn key(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

fn some_policy() -> Policy {
    Policy {
        threshold: 0x0101,
        timelock_seconds: 0x0202,
        voting_period_seconds: 0x0303,
        execution_window_seconds: 0x0404,
        min_interval_seconds: 0x0505,
        message_validity_seconds: 0x0606,
        emergency_threshold: 0x0707,
        emergency_timelock_seconds: 0x0808,
        emergency_min_interval_seconds: 0x0909,
        standby_validity_seconds: 0x0a0a,
        attestations: [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17],
        veto_threshold: 0x18,
        emergency_veto_threshold: 0x19,
        trigger_threshold: 0x1a,
        flags: 0x03,
    }
}

fn some_member(byte: u8) -> Member {
    Member {
        key: key(byte),
        weight: 0x1234,
        roles: 0x1f,
        attests: 0x81,
    }
}

fn some_release(byte: u8) -> Release {
    Release {
        sha256: [byte; 32],
        proposal_digest: [byte + 1; 32],
        slot: 0x0101_0202,
        timestamp: 0x0303_0404,
        index: 0x0505,
        len: 0x0606,
        life: 0x0707,
        revoked: 1,
        reserved: [0; 3],
    }
}

fn some_slot(byte: u8) -> PendingSlot {
    PendingSlot {
        proposal: key(byte),
        sha256: [byte + 1; 32],
        eta: 0x0101_0202,
        expires_at: 0x0303_0404,
        epoch: 0x0505,
        life: 0x0606,
        base_index: 0x0707,
        action: 6,
        reserved: [0; 3],
    }
}

fn some_log() -> Log {
    Log {
        head: [0xee; 32],
        sequence: 0x1122_3344,
    }
}

fn some_commitment(byte: u8) -> Commitment {
    Commitment {
        sha256: [byte; 32],
        len: 0x0102_0304,
    }
}

#[test]
fn g13_the_bytes_of_a_council() {
    let mut council = Council::zeroed();
    council.version = 1;
    council.bump = 0xfe;
    council.member_count = 2;
    council.config_epoch = 0x0101;
    council.create_key = key(0x20);
    council.policy = some_policy();
    council.delay_floor_seconds = 0x0202;
    council.proposal_count = 0x0303;
    council.gate_count = 0x0404;
    council.gate_maxima = GateMaxima {
        threshold: 0x0505,
        emergency_threshold: 0x0606,
        timelock_seconds: 0x0707,
        attestations: [1, 2, 3, 4, 5, 6, 7, 8],
        veto_threshold: 9,
        emergency_veto_threshold: 10,
        trigger_threshold: 11,
        reserved: 0,
    };
    council.pending = some_slot(0x30);
    council.log = some_log();
    council.members[0] = some_member(0x40);
    council.members[1] = some_member(0x41);
    council.members[63] = some_member(0x7f);
    insta::assert_snapshot!("council", account(&council));
}

#[test]
fn g13_the_bytes_of_a_gate() {
    let mut gate = Gate::zeroed();
    gate.version = 1;
    gate.bump = 0xfe;
    gate.authority_bump = 0xfd;
    gate.life = 0x0101;
    gate.council = key(0x20);
    gate.program = key(0x21);
    gate.programdata = key(0x22);
    gate.authority = key(0x23);
    gate.policy = some_policy();
    gate.proposal_count = 0x0202;
    gate.release = some_release(0x30);
    for (byte, release) in (0x40..).zip(&mut gate.earlier) {
        *release = some_release(byte);
    }
    for (byte, slot) in (0x50..).zip(&mut gate.pending) {
        *slot = some_slot(byte);
    }
    gate.last_upgrade_at = 0x0303;
    gate.last_emergency_at = 0x0404;
    gate.log = some_log();
    insta::assert_snapshot!("gate", account(&gate));
}

#[test]
fn g13_the_bytes_of_a_proposal() {
    let mut proposal = Proposal::zeroed();
    proposal.terms = Terms {
        parent: key(0x20),
        buffer: key(0x21),
        spill: key(0x22),
        proposer: key(0x23),
        rent_payer: key(0x24),
        statement: [0x25; 32],
        sha256: [0x26; 32],
        base_sha256: [0x27; 32],
        slot_hash: [0x28; 32],
        snapshot: Snapshot {
            reserved: 0,
            ..some_policy().snapshot(portcullis::lifecycle::Lane::Standby)
        },
        created_slot: 0x0101,
        voting_ends_at: 0x0202,
        not_before: 0x0303,
        len: 0x0404,
        base_len: 0x0505,
        base_index: 0x0606,
        index: 0x0707,
        epoch: 0x0808,
        life: 0x0909,
        action: 1,
        lane: 2,
        standby_use: 3,
        version: 4,
        soak_seconds: 0x0a0a,
    };
    proposal.digest = [0x30; 32];
    proposal.eta = 0x1010;
    proposal.queued_slot = 0x1111;
    proposal.ended_at = 0x1212;
    proposal.approvals = 0x1313;
    proposal.rejections = 0x1414;
    proposal.vetoes = 0x1515;
    proposal.triggers = 0x1616;
    proposal.triggered_at = 0x1717;
    proposal.attested_until = 0x1818;
    proposal.attestations = [1, 2, 3, 4, 5, 6, 7, 8];
    proposal.approval_weight = 0x1919;
    proposal.bump = 0xfe;
    proposal.ending = 5;
    proposal.custody = 6;
    let digest = portcullis::digest::digest(&portcullis::ID, &key(0x50), &proposal.terms);
    insta::assert_snapshot!("proposal", account(&proposal));
    insta::assert_snapshot!("digest", hex(&digest));
    let statement = Statement {
        sha256: [7; 32],
        uri: "https://example.org".into(),
    };
    insta::assert_snapshot!("statement", hex(&statement.commitment()));
}

#[test]
fn g13_the_bytes_of_every_event() {
    let mut text = String::new();
    let (slot, timestamp) = (0x0101_0202, 0x0303_0404);
    let (parent, index, digest) = (key(0x20), 0x0505, [0x21; 32]);
    let mut add = |name: &str, bytes: Vec<u8>| text += &format!("{name}\n{}\n", hex(&bytes));
    macro_rules! event {
        ($event:ident { $($fields:tt)* }) => {
            add(
                stringify!($event),
                $event { $($fields)*, slot, timestamp }.data(),
            )
        };
    }
    event!(CouncilCreated {
        council: key(1),
        create_key: key(2),
        policy: some_policy(),
        delay_floor_seconds: 3,
        members: vec![some_member(4), some_member(5)]
    });
    event!(MembersAdded {
        council: key(1),
        members: vec![some_member(4)]
    });
    event!(CouncilSealed {
        council: key(1),
        config_epoch: 2,
        member_count: 3
    });
    event!(ProgramAdopted {
        gate: key(1),
        council: key(2),
        program: key(3),
        former_authority: key(4),
        proposer: key(5),
        life: 6,
        epoch: 7,
        release_index: 8,
        deployed: some_commitment(9),
        policy: some_policy()
    });
    event!(UpgradeProposed {
        parent,
        index,
        proposer: key(1),
        rent_payer: key(2),
        buffer: key(3),
        spill: key(4),
        commitment: some_commitment(5),
        base_index: 6,
        statement: Some(Statement {
            sha256: [7; 32],
            uri: "uri".into()
        }),
        lane: 8,
        epoch: 9,
        life: 10,
        not_before: 11,
        voting_ends_at: 12
    });
    event!(BufferVerified {
        parent,
        index,
        sha256: [1; 32]
    });
    event!(ApprovalCast {
        parent,
        index,
        voter: key(1),
        digest,
        valid_until: 2,
        approval_weight: 3,
        eta: 4
    });
    event!(RejectionCast {
        parent,
        index,
        voter: key(1),
        digest,
        rejected: true
    });
    event!(VoteRetracted {
        parent,
        index,
        voter: key(1),
        digest,
        approval_weight: 2,
        eta: 3
    });
    event!(VetoCast {
        parent,
        index,
        guardian: key(1),
        digest,
        vetoed: true
    });
    event!(ProposalCancelled {
        parent,
        index,
        proposer: key(1)
    });
    event!(ProposalQueued {
        parent,
        index,
        eta: 1,
        expires_at: 2
    });
    event!(UpgradeExecuted {
        parent,
        index,
        executor: key(1),
        program: key(2),
        digest,
        release_index: 3,
        former: some_commitment(4),
        deployed: some_commitment(5)
    });
    event!(BufferReturned {
        parent,
        index,
        buffer: key(1),
        depositor: key(2),
        ending: 3
    });
    event!(BufferClosed {
        parent,
        index,
        buffer: key(1),
        spill: key(2),
        ending: 3
    });
    event!(ProposalClosed {
        parent,
        index,
        rent_payer: key(1),
        ending: 2
    });
    insta::assert_snapshot!("events", text);
}

#[test]
fn a_policys_account_bytes_are_its_borsh_bytes() {
    let mut borsh = vec![];
    some_policy().serialize(&mut borsh).unwrap();
    assert_eq!(borsh, bytemuck::bytes_of(&some_policy()));
    let mut borsh = vec![];
    some_member(1).serialize(&mut borsh).unwrap();
    assert_eq!(borsh, bytemuck::bytes_of(&some_member(1)));
}

#[test]
fn sizes_and_offsets_that_other_programs_read() {
    let text = [
        ("council", Council::SPACE),
        ("gate", Gate::SPACE),
        ("proposal", Proposal::SPACE),
        ("terms", size_of::<Terms>()),
        ("pending slot", size_of::<PendingSlot>()),
        ("release", size_of::<Release>()),
        ("member", size_of::<Member>()),
        ("policy", size_of::<Policy>()),
        (
            "council.config_epoch",
            8 + offset_of!(Council, config_epoch),
        ),
        ("council.members", 8 + offset_of!(Council, members)),
        ("gate.council", 8 + offset_of!(Gate, council)),
        ("gate.program", 8 + offset_of!(Gate, program)),
        ("gate.release", 8 + offset_of!(Gate, release)),
        ("gate.pending", 8 + offset_of!(Gate, pending)),
        ("gate.log", 8 + offset_of!(Gate, log)),
        ("proposal.terms.parent", 8 + offset_of!(Terms, parent)),
        ("proposal.digest", 8 + offset_of!(Proposal, digest)),
    ]
    .map(|(name, number)| format!("{name} {number}\n"))
    .concat();
    insta::assert_snapshot!("sizes", text);
}

#[test]
fn addresses_follow_from_their_seeds() {
    let id = portcullis::ID;
    let find = |seeds: &[&[u8]]| Pubkey::find_program_address(seeds, &id);
    let some = key(9);
    assert_eq!(find_council(&id, &some), find(&[b"council", some.as_ref()]));
    assert_eq!(find_gate(&id, &some), find(&[b"gate", some.as_ref()]));
    assert_eq!(
        find_authority(&id, &some),
        find(&[b"authority", some.as_ref()])
    );
    let index = [2, 1, 0, 0];
    let seeds: [&[u8]; 3] = [b"proposal", some.as_ref(), &index];
    assert_eq!(find_proposal(&id, &some, 0x0102), find(&seeds));
}

#[test]
fn limits_are_what_the_documents_say() {
    use portcullis::constants::*;
    assert_eq!((MAX_MEMBERS, ATTESTATION_KINDS), (64, 8));
    assert_eq!((RELEASE_RING, PENDING_SLOTS), (8, 4));
    assert_eq!((MIN_TIMELOCK_SECONDS, MIN_WINDOW_SECONDS), (600, 600));
    assert_eq!(MAX_DURATION_SECONDS, 90 * 86_400);
    assert_eq!(MAX_VOTE_VALIDITY_SECONDS, 86_400);
    assert_eq!(ABANDONED_BUFFER_SECONDS, 30 * 86_400);
    assert_eq!((MAX_ELF_LEN, MAX_URI_LEN), (2_600_000, 200));
    assert_eq!(LAYOUT_VERSION, 1);
}

#[test]
fn error_codes_are_append_only() {
    use PortcullisError::*;
    let table = [
        (6000, CouncilSealed),
        (6001, CouncilNotSealed),
        (6002, CreateKeyMismatch),
        (6003, MembersNotSorted),
        (6004, TooManyMembers),
        (6005, MemberWithoutRole),
        (6006, UnknownRole),
        (6007, WeightWithoutVote),
        (6008, AttestsWithoutRole),
        (6009, ThresholdUnreachable),
        (6010, DelayBelowFloor),
        (6011, DurationTooLong),
        (6012, WindowTooShort),
        (6013, VetoUnreachable),
        (6014, EmergencyThresholdInvalid),
        (6015, EmergencyDelayInvalid),
        (6016, EmergencyFieldsWithoutLane),
        (6017, TriggerUnreachable),
        (6018, StandbyValidityInvalid),
        (6019, AttestationsUnreachable),
        (6020, NoExecutor),
        (6021, NoProposer),
        (6022, UnknownPolicyFlag),
        (6023, MessageValidityTooLong),
        (6024, CouncilWeakerThanGate),
        (6025, NotAMember),
        (6026, RoleMissing),
        (6027, GateOfAnotherCouncil),
        (6028, ProposalOfAnotherGate),
        (6029, ProgramMismatch),
        (6030, ProgramdataMismatch),
        (6031, GateAuthorityMismatch),
        (6032, BufferMismatch),
        (6033, SpillMismatch),
        (6034, RentPayerMismatch),
        (6035, DepositorMismatch),
        (6036, SpillInvalid),
        (6037, NotALoaderV3Program),
        (6038, NotProgramdata),
        (6039, NotABuffer),
        (6040, UpgradeAuthorityMismatch),
        (6041, GateNotUpgradeAuthority),
        (6042, BufferAuthorityMismatch),
        (6043, BufferNotHeld),
        (6044, ProgramdataTooSmall),
        (6045, ProgramDeployedThisSlot),
        (6046, LengthOutOfRange),
        (6047, ElfTooLarge),
        (6048, LengthCountsTrailingZeros),
        (6049, TailNotZero),
        (6050, HashMismatch),
        (6051, BaseMismatch),
        (6052, EpochMismatch),
        (6053, LifeMismatch),
        (6054, UriTooLong),
        (6055, NotBeforeOutOfRange),
        (6056, DigestMismatch),
        (6057, VoteExpired),
        (6058, VoteValidTooLong),
        (6059, DurableNonceTransaction),
        (6060, InstructionsSysvarInvalid),
        (6061, VotingClosed),
        (6062, AlreadyVoted),
        (6063, OppositeVote),
        (6064, NothingToRetract),
        (6065, VetoDisabled),
        (6066, NotTheProposer),
        (6067, BufferNotVerified),
        (6068, BufferAlreadyVerified),
        (6069, NotQueued),
        (6070, AlreadyQueued),
        (6071, ThresholdNotMet),
        (6072, SlotTaken),
        (6073, TimelockNotElapsed),
        (6074, IntervalNotElapsed),
        (6075, ProposalExecuted),
        (6076, ProposalRejected),
        (6077, ProposalVetoed),
        (6078, ProposalCancelled),
        (6079, ProposalExpired),
        (6080, ProposalStale),
        (6081, ProposalStillLive),
        (6082, BufferStillHeld),
        (6083, BufferReleased),
        (6084, BufferNotAbandoned),
        (6085, Overflow),
        (6086, UriNotPrintable),
        (6087, NotAnUpgrade),
    ];
    for (code, error) in table {
        assert_eq!(u32::from(error), code, "{}", error.name());
        assert!(!error.to_string().is_empty());
    }
}
