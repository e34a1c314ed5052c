//! A council that uses all lanes, and upgrades in them: proposed, queued, armed, triggered, waiting for others.

use portcullis::{
    change::Predecessor,
    digest::Statement,
    lifecycle::{Lane, Status},
    policy::Policy,
    state::{Member, ROLE_ATTEST, ROLE_EXECUTE, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE},
    transitions::{AttestArgs, UpgradeArgs, VoteArgs},
};
use solana_sdk::{pubkey::Pubkey, signature::Keypair, signer::Signer};

use crate::{
    council_policy, elf, keys::*, policy, refusal::Outcome, Proposed, Setup, World, BUILDER,
};

/// The emergency lane's delay in [`setup`].
pub const EMERGENCY_DELAY: i64 = 3_600;
/// Its least interval.
pub const EMERGENCY_INTERVAL: i64 = 5 * 86_400;
/// How long a standby stays armed.
pub const STANDBY_VALIDITY: i64 = 30 * 86_400;
/// How long a signed message is valid at most.
pub const MESSAGE_VALIDITY: i64 = 3_600;
/// After this guardians' trigger votes have lapsed.
pub const LAPSE: i64 = 900;

/// Kinds of attestation.
pub const BUILD: u8 = 0;
pub const AUDIT: u8 = 1;

/// A member that attests audits.
pub fn auditor() -> Keypair {
    keypair("auditor")
}

/// A member that attests builds or audits.
pub fn reviewer() -> Keypair {
    keypair("reviewer")
}

/// Two of three approve, three of three in an emergency; two guardians, of whom one vetoes, two in an emergency, and two trigger;
/// attesters, whom nothing requires.
pub fn setup() -> Setup {
    let attester_of = |key: Pubkey, attests| Member {
        attests,
        ..member(key, ROLE_ATTEST)
    };
    let lanes = |policy: Policy| Policy {
        message_validity_seconds: MESSAGE_VALIDITY as u32,
        emergency_threshold: 3,
        emergency_timelock_seconds: EMERGENCY_DELAY as u32,
        emergency_min_interval_seconds: EMERGENCY_INTERVAL as u32,
        emergency_veto_threshold: 2,
        trigger_threshold: 2,
        standby_validity_seconds: STANDBY_VALIDITY as u32,
        ..policy
    };
    Setup {
        members: sorted(vec![
            member(voter(0).pubkey(), ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE),
            member(voter(1).pubkey(), ROLE_VOTE),
            member(voter(2).pubkey(), ROLE_VOTE),
            member(guardian(0).pubkey(), ROLE_GUARD),
            member(guardian(1).pubkey(), ROLE_GUARD),
            attester_of(attester().pubkey(), 1 << BUILD),
            attester_of(auditor().pubkey(), 1 << AUDIT),
            attester_of(reviewer().pubkey(), 1 << BUILD | 1 << AUDIT),
        ]),
        council_policy: lanes(council_policy()),
        policy: lanes(policy()),
        ..Setup::default()
    }
}

/// [`setup`], adopted.
pub fn world() -> World {
    use std::sync::OnceLock;
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| setup().build()).clone()
}

/// [`setup`] that requires so many attestations of a build and of an audit.
pub fn attested(builds: u8, audits: u8) -> Setup {
    let mut setup = setup();
    for policy in [&mut setup.policy, &mut setup.council_policy] {
        policy.attestations[usize::from(BUILD)] = builds;
        policy.attestations[usize::from(AUDIT)] = audits;
    }
    setup
}

/// [`world`] after an upgrade from SPL Token to p-token.
pub fn upgraded() -> World {
    use std::sync::OnceLock;
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD
        .get_or_init(|| {
            let mut world = world();
            world.upgrade_to(elf::p_token());
            world
        })
        .clone()
}

impl World {
    /// What a proposer of an upgrade in this lane signs; its base is the current release.
    pub fn args_in(&self, lane: Lane, content: &[u8]) -> UpgradeArgs {
        UpgradeArgs {
            lane,
            ..self.upgrade_args(content)
        }
    }

    /// The same for a standby whose base is the release after this one, with the bytes `next`.
    pub fn args_after(&self, lane: Lane, content: &[u8], next: &[u8]) -> UpgradeArgs {
        let args = self.args_in(lane, content);
        UpgradeArgs {
            base_index: args.base_index + 1,
            base: portcullis::digest::Commitment::of(next).unwrap(),
            ..args
        }
    }

    /// A buffer with this content, and the proposal that could be made of it next.
    pub fn prepared(&mut self, content: &[u8]) -> Proposed {
        let buffer = self.buffer(content, &voter(0).pubkey());
        self.next(buffer)
    }

    /// Proposes and verifies.
    pub fn voting_with(&mut self, content: &[u8], args: UpgradeArgs) -> Proposed {
        let proposed = self.prepared(content);
        self.propose_with(&proposed, args).unwrap();
        self.verify(&proposed).unwrap();
        proposed
    }

    /// Proposes, verifies, and approves with as many voters as it needs.
    pub fn approved_with(&mut self, content: &[u8], args: UpgradeArgs) -> Proposed {
        let proposed = self.voting_with(content, args);
        self.approve_fully(&proposed);
        proposed
    }

    /// Approves with as many voters as it needs.
    pub fn approve_fully(&mut self, proposed: &Proposed) {
        let threshold = self.proposal(proposed).terms.snapshot.threshold;
        for number in 0..threshold as usize {
            self.approve(proposed, voter(number)).unwrap();
        }
    }

    pub fn voting_in(&mut self, lane: Lane, content: &[u8]) -> Proposed {
        let args = self.args_in(lane, content);
        self.voting_with(content, args)
    }

    pub fn queued_in(&mut self, lane: Lane, content: &[u8]) -> Proposed {
        let args = self.args_in(lane, content);
        let proposed = self.approved_with(content, args);
        assert_eq!(self.status(&proposed), Status::Queued);
        proposed
    }

    /// A proposal at its `eta`.
    pub fn ready_in(&mut self, lane: Lane, content: &[u8]) -> Proposed {
        let proposed = self.queued_in(lane, content);
        self.warp_to_eta(&proposed);
        proposed
    }

    /// A standby on the current release at its `eta`.
    pub fn armed_in(&mut self, lane: Lane, content: &[u8]) -> Proposed {
        let proposed = self.ready_in(lane, content);
        assert_eq!(self.status(&proposed), Status::Armed);
        proposed
    }

    pub fn warp_to_eta(&mut self, proposed: &Proposed) {
        let eta = self.proposal(proposed).eta;
        assert_ne!(eta, 0, "not queued");
        self.warp_to(eta);
    }

    /// Upgrades in the standard lane, and moves on by a second, so that the next upgrade finds no deployment in its slot.
    pub fn upgrade_to(&mut self, content: &[u8]) -> Proposed {
        let proposed = self.ready_in(Lane::Standard, content);
        self.execute(&proposed).unwrap();
        self.pass(1);
        proposed
    }

    /// What a guardian signs to trigger a standby: valid for ten minutes.
    pub fn trigger_args(&self, proposed: &Proposed) -> VoteArgs {
        VoteArgs {
            digest: self.proposal(proposed).digest,
            valid_until: self.now().timestamp + 600,
        }
    }

    pub fn trigger(&mut self, proposed: &Proposed, guardian: &Keypair) -> Outcome {
        let args = self.trigger_args(proposed);
        self.trigger_with(proposed, guardian, args)
    }

    pub fn trigger_with(
        &mut self,
        proposed: &Proposed,
        guardian: &Keypair,
        args: VoteArgs,
    ) -> Outcome {
        let instruction = BUILDER.trigger(&proposed.keys, guardian.pubkey(), args);
        self.send(&[instruction], &[guardian])
    }

    /// Both guardians trigger.
    pub fn trigger_fully(&mut self, proposed: &Proposed) {
        self.trigger(proposed, guardian(0)).unwrap();
        self.trigger(proposed, guardian(1)).unwrap();
    }

    /// What an attester signs: a statement that holds as long as it must.
    pub fn attest_args(&self, proposed: &Proposed, kind: u8) -> AttestArgs {
        AttestArgs {
            vote: self.vote_args(proposed),
            kind,
            statement: Statement {
                sha256: [7; 32],
                uri: "https://example.org/attestation.json".to_string(),
            },
            expires_at: self.last_execution(proposed),
        }
    }

    /// When the proposal expires if it is queued at the voting deadline.
    pub fn last_execution(&self, proposed: &Proposed) -> i64 {
        let terms = self.proposal(proposed).terms;
        let eta = terms.voting_ends_at + i64::from(terms.snapshot.timelock_seconds);
        eta.max(terms.not_before) + i64::from(terms.snapshot.execution_window_seconds)
    }

    pub fn attest(&mut self, proposed: &Proposed, attester: &Keypair, kind: u8) -> Outcome {
        let args = self.attest_args(proposed, kind);
        self.attest_with(proposed, attester, args)
    }

    /// Attests; a stranger pays the rent.
    pub fn attest_with(
        &mut self,
        proposed: &Proposed,
        attester: &Keypair,
        args: AttestArgs,
    ) -> Outcome {
        let payer = stranger(0);
        let instruction = BUILDER.attest(&proposed.keys, attester.pubkey(), payer.pubkey(), args);
        self.send(&[instruction], &[attester, payer])
    }

    pub fn revoke(&mut self, proposed: &Proposed, attester: &Keypair) -> Outcome {
        let args = self.trigger_args(proposed);
        self.revoke_with(proposed, attester, args)
    }

    pub fn revoke_with(
        &mut self,
        proposed: &Proposed,
        attester: &Keypair,
        args: VoteArgs,
    ) -> Outcome {
        let (key, rent_payer) = (attester.pubkey(), stranger(0).pubkey());
        let instruction = BUILDER.revoke_attestation(&proposed.keys, key, rent_payer, args);
        self.send(&[instruction], &[attester])
    }

    /// Executes an upgrade and hands the program this gate as its predecessor's.
    pub fn execute_after(&mut self, proposed: &Proposed, gate: Option<Pubkey>) -> Outcome {
        let instruction = BUILDER.execute_upgrade(
            &proposed.keys,
            proposed.buffer,
            proposed.spill,
            voter(0).pubkey(),
            gate,
        );
        self.send(&[instruction], &[voter(0)])
    }

    /// Does something at another program's gate of the same council.
    pub fn at<T>(&mut self, program: Pubkey, action: impl FnOnce(&mut World) -> T) -> T {
        let own = core::mem::replace(&mut self.program, program);
        let result = action(self);
        self.program = own;
        result
    }
}

/// What an upgrade waits for: the release that `proposed` brings to its gate.
pub fn predecessor(world: &World, proposed: &Proposed, soak_seconds: u32) -> Predecessor {
    let proposal = world.proposal(proposed);
    Predecessor {
        gate: proposal.terms.parent,
        digest: proposal.digest,
        soak_seconds,
    }
}
