//! Changes of councils, policies and gates: what proposes them, and what executes each.

use portcullis::{
    change::{Change, CouncilChange, PolicyChange},
    error::PortcullisError,
    policy::Policy,
    state::{Council, Gate, Member},
    transitions::{AdoptArgs, ChangeArgs, CreateCouncilArgs},
};
use portcullis_client::{instruction::ProposalKeys, pda};
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer};

use crate::{
    elf,
    keys::*,
    policy,
    refusal::{Outcome, Refusal},
    Proposed, Setup, World, BUILDER, FEE,
};

/// Members leave and join.
pub fn council_change(remove: &[Pubkey], add: &[Member]) -> Change {
    Change::Council(CouncilChange {
        remove: remove.to_vec(),
        add: add.to_vec(),
    })
}

/// Other rules for a gate, or for the council with its floor of now.
pub fn policy_change(policy: Policy, delay_floor_seconds: u32) -> Change {
    Change::Policy(PolicyChange {
        policy,
        delay_floor_seconds,
    })
}

/// The upgrade authority goes to `to`.
pub fn transfer_to(to: Pubkey, checked: bool) -> Change {
    Change::TransferAuthority { to, checked }
}

fn change_of(keys: ProposalKeys) -> Proposed {
    Proposed {
        keys,
        address: BUILDER.proposal(&keys),
        buffer: Pubkey::default(),
        spill: Pubkey::default(),
    }
}

impl World {
    /// The next proposal about the gate, without a buffer.
    pub fn next_of_gate(&self) -> Proposed {
        let index = self.gate().proposal_count;
        change_of(ProposalKeys::of_gate(self.council, self.program, index))
    }

    /// The next proposal about the council itself.
    pub fn next_of_council(&self) -> Proposed {
        let index = self.council().proposal_count;
        change_of(ProposalKeys::of_council(self.council, index))
    }

    /// What the proposer of a change signs.
    pub fn change_args(&self, proposed: &Proposed, change: Change) -> ChangeArgs {
        let gate = proposed.keys.program.map(|program| self.gate_of(&program));
        ChangeArgs {
            change,
            epoch: self.council().config_epoch,
            life: gate.map_or(0, |gate| gate.life),
            statement: None,
            not_before: 0,
        }
    }

    pub fn gate_of(&self, program: &Pubkey) -> Gate {
        self.read(&BUILDER.gate(program))
    }

    pub fn council_at(&self, key: &Pubkey) -> Council {
        self.read(key)
    }

    /// Proposes a change with these args.
    pub fn propose_change_with(&mut self, proposed: &Proposed, args: ChangeArgs) -> Outcome {
        self.propose_change_by(proposed, args, voter(0))
    }

    pub fn propose_change_by(
        &mut self,
        proposed: &Proposed,
        args: ChangeArgs,
        proposer: &Keypair,
    ) -> Outcome {
        let instruction =
            BUILDER.propose_change(&proposed.keys, proposer.pubkey(), payer().pubkey(), args);
        self.send(&[instruction], &[proposer])
    }

    /// Requires that nobody can propose this about the gate, or with `own` about the council.
    #[track_caller]
    pub fn refuse_change(&mut self, reason: impl Into<Refusal>, change: Change, own: bool) {
        let proposed = if own {
            self.next_of_council()
        } else {
            self.next_of_gate()
        };
        let args = self.change_args(&proposed, change);
        self.refuse(reason, |w| w.propose_change_with(&proposed, args));
    }

    /// A change of the gate on which votes are taken.
    pub fn gate_change(&mut self, change: Change) -> Proposed {
        let proposed = self.next_of_gate();
        self.propose_change(proposed, change)
    }

    /// A change of the council itself on which votes are taken.
    pub fn own_change(&mut self, change: Change) -> Proposed {
        let proposed = self.next_of_council();
        self.propose_change(proposed, change)
    }

    fn propose_change(&mut self, proposed: Proposed, change: Change) -> Proposed {
        let args = self.change_args(&proposed, change);
        self.propose_change_with(&proposed, args).unwrap();
        proposed
    }

    /// Approves, and waits for `eta`.
    pub fn ready_change(&mut self, proposed: &Proposed) {
        self.approve_fully(proposed);
        self.warp_to_eta(proposed);
    }

    /// Executes a change of members or of a policy, or a revocation.
    pub fn execute_change(&mut self, proposed: &Proposed) -> Outcome {
        let instruction = BUILDER.execute_change(&proposed.keys, voter(0).pubkey());
        self.send(&[instruction], &[voter(0)])
    }

    /// Takes a change of members or of a policy, or a revocation, all the way.
    pub fn pass_change(&mut self, proposed: &Proposed) {
        self.ready_change(proposed);
        self.execute_change(proposed).unwrap();
    }

    /// The upgrade authority goes to a stranger.
    pub fn leave(&mut self) {
        let exit = self.gate_change(transfer_to(stranger(0).pubkey(), true));
        self.ready_change(&exit);
        self.transfer(&exit, stranger(0)).unwrap();
    }

    /// And from there back to the gate, with the policy that it had.
    pub fn come_back(&mut self) {
        let gate = self.gate();
        let adopt = BUILDER.adopt_program(
            self.council,
            self.program,
            stranger(0).pubkey(),
            voter(0).pubkey(),
            payer().pubkey(),
            AdoptArgs {
                epoch: self.council().config_epoch,
                policy: gate.policy,
                deployed: gate.release.commitment(),
            },
        );
        self.send(&[adopt], &[stranger(0), voter(0)]).unwrap();
    }

    /// Requires that a gate which governs nothing, or nothing yet, takes no proposal of any kind.
    #[track_caller]
    pub fn refuse_all_proposals(&mut self) {
        let inactive = PortcullisError::GateNotActive;
        let buffer = self.buffer(elf::p_token(), &voter(0).pubkey());
        let next = self.next(buffer);
        let args = self.upgrade_args(elf::p_token());
        self.refuse(inactive, |w| w.propose_with(&next, args));
        for change in [
            policy_change(policy(), 0),
            transfer_to(stranger(1).pubkey(), true),
            Change::Finalize,
            Change::MoveGate {
                council: stranger(0).pubkey(),
                epoch: 1,
            },
            Change::RevokeRelease {
                sha256: self.gate().release.sha256,
            },
        ] {
            self.refuse_change(inactive, change, false);
        }
    }

    /// Executes a transfer to `to`, who signs.
    pub fn transfer(&mut self, proposed: &Proposed, to: &Keypair) -> Outcome {
        let instruction =
            BUILDER.transfer_authority(&proposed.keys, voter(0).pubkey(), to.pubkey(), true);
        self.send(&[instruction], &[voter(0), to])
    }

    pub fn finalize(&mut self, proposed: &Proposed) -> Outcome {
        let instruction = BUILDER.finalize_program(&proposed.keys, voter(0).pubkey());
        self.send(&[instruction], &[voter(0)])
    }

    pub fn move_gate(&mut self, proposed: &Proposed, to: Pubkey, accepting: &Keypair) -> Outcome {
        let instruction =
            BUILDER.move_gate(&proposed.keys, voter(0).pubkey(), accepting.pubkey(), to);
        self.send(&[instruction], &[voter(0), accepting])
    }

    /// The upgrade authority of the program, as the loader sees it.
    pub fn upgrade_authority(&self) -> Option<Pubkey> {
        match self.loader_state(&self.programdata()) {
            UpgradeableLoaderState::ProgramData {
                upgrade_authority_address,
                ..
            } => upgrade_authority_address,
            other => panic!("{other:?}"),
        }
    }

    /// The authority of a buffer, as the loader sees it.
    pub fn buffer_authority(&self, buffer: &Pubkey) -> Option<Pubkey> {
        match self.loader_state(buffer) {
            UpgradeableLoaderState::Buffer { authority_address } => authority_address,
            other => panic!("{other:?}"),
        }
    }

    fn loader_state(&self, key: &Pubkey) -> UpgradeableLoaderState {
        self.account(key).deserialize_data().unwrap()
    }

    /// Hands an ended proposal's buffer back, if the gate holds one, and closes its account: each with all its lamports.
    pub fn clean_up(&mut self, proposed: &Proposed) {
        if self.proposal(proposed).custody().unwrap().is_held() {
            let lamports = self.lamports(&proposed.buffer);
            self.return_buffer(proposed).unwrap();
            assert_eq!(
                self.buffer_authority(&proposed.buffer),
                Some(voter(0).pubkey())
            );
            assert_eq!(self.lamports(&proposed.buffer), lamports);
        }
        let (rent, before) = (
            self.lamports(&proposed.address),
            self.lamports(&payer().pubkey()),
        );
        assert!(rent > 0);
        self.close_proposal(proposed).unwrap();
        assert!(self.is_gone(&proposed.address));
        assert_eq!(self.lamports(&payer().pubkey()) + FEE, before + rent);
    }

    /// The addresses of all of Portcullis's accounts.
    pub fn own_accounts(&self) -> Vec<Pubkey> {
        let mut keys: Vec<Pubkey> = self
            .before()
            .into_iter()
            .filter(|(_, account)| {
                let account: solana_account::Account = account.clone().into();
                account.owner == portcullis::ID && account.lamports > 0
            })
            .map(|(key, _)| key)
            .collect();
        keys.sort();
        keys
    }

    /// Another council, sealed.
    pub fn another_council(&mut self, name: &str, setup: &Setup) -> Pubkey {
        let key = keypair(name);
        let create = create_instruction(&key, setup);
        self.send(&[create, BUILDER.seal_council(key.pubkey())], &[&key])
            .unwrap();
        pda::council(&portcullis::ID, &key.pubkey())
    }
}

/// Creates another council, unsealed.
pub fn create_instruction(key: &Keypair, setup: &Setup) -> Instruction {
    let args = CreateCouncilArgs {
        policy: setup.council_policy,
        delay_floor_seconds: setup.delay_floor_seconds,
        members: setup.members.clone(),
    };
    BUILDER.create_council(key.pubkey(), payer().pubkey(), args)
}
