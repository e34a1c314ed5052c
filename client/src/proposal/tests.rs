use bytemuck::Zeroable;
use portcullis::{
    change::{CouncilChange, PolicyChange},
    constants::LAYOUT_VERSION,
    state::{Member, Terms},
};

use super::*;

const NOW: Now = Now {
    timestamp: 0,
    slot: 0,
};

/// A proposal with its gate and council, all at the right addresses.
pub(crate) struct Related {
    pub address: Pubkey,
    pub stored: StoredProposal,
    pub gate: Option<Keyed<Gate>>,
    pub council: Keyed<Council>,
}

impl Related {
    pub fn to_gate(change: Option<&Change>) -> Self {
        let id = portcullis::ID;
        let program = Pubkey::new_unique();
        let mut related = Self::to_council(change);
        let gate = Keyed {
            address: pda::gate(&id, &program),
            account: Gate {
                version: LAYOUT_VERSION,
                council: related.council.address,
                program,
                authority: pda::authority(&id, &program),
                ..Gate::zeroed()
            },
        };
        related.stored.proposal.terms.parent = gate.address;
        related.address = pda::proposal(&id, &gate.address, 7);
        related.gate = Some(gate);
        related.seal()
    }

    pub fn to_council(change: Option<&Change>) -> Self {
        let id = portcullis::ID;
        let create_key = Pubkey::new_unique();
        let council = Keyed {
            address: pda::council(&id, &create_key),
            account: Council {
                create_key,
                ..Council::zeroed()
            },
        };
        let proposal = Proposal {
            terms: Terms {
                parent: council.address,
                index: 7,
                action: change.map_or(Action::Upgrade, Change::action) as u8,
                ..Terms::zeroed()
            },
            ..Proposal::zeroed()
        };
        Self {
            address: pda::proposal(&id, &council.address, 7),
            stored: StoredProposal {
                proposal,
                change: change.map_or(Vec::new(), |change| change.to_bytes().unwrap()),
            },
            gate: None,
            council,
        }
        .seal()
    }

    /// Writes the digest of what stands there.
    pub fn seal(mut self) -> Self {
        let stored = &mut self.stored;
        stored.proposal.digest = digest(
            &portcullis::ID,
            &self.council.address,
            &stored.proposal.terms,
            &stored.change,
        );
        self
    }

    fn view(self) -> Result<ProposalView, ClientError> {
        let Self {
            address,
            stored,
            gate,
            council,
        } = self;
        ProposalView::new(&portcullis::ID, address, stored, gate, council, NOW)
    }
}

fn policy() -> Change {
    Change::Policy(PolicyChange {
        policy: Policy::default(),
        delay_floor_seconds: 0,
    })
}

#[test]
fn a_proposal_with_another_digest_than_its_terms_is_a_lie() {
    let honest = Related::to_gate(None);
    let digest = honest.stored.proposal.digest;
    assert_eq!(honest.view().unwrap().digest, digest);
    let mut lie = Related::to_gate(None);
    lie.stored.proposal.terms.sha256[0] ^= 1;
    assert!(matches!(
        lie.view(),
        Err(ClientError::DigestMismatch { .. })
    ));
}

#[test]
fn the_digest_covers_the_fields_of_the_action() {
    let key = Pubkey::new_unique();
    let transfer = |checked| Change::TransferAuthority { to: key, checked };
    let mut lie = Related::to_gate(Some(&transfer(true)));
    lie.stored.change = transfer(false).to_bytes().unwrap();
    assert!(matches!(
        lie.view(),
        Err(ClientError::DigestMismatch { .. })
    ));
}

#[test]
fn every_action_is_shown_where_the_program_makes_it_and_nowhere_else() {
    let key = Pubkey::new_unique();
    let of_gates = [
        Change::Upgrade(Predecessor {
            gate: key,
            digest: [1; 32],
            soak_seconds: 5,
        }),
        Change::TransferAuthority {
            to: key,
            checked: true,
        },
        Change::MoveGate {
            council: key,
            epoch: 1,
        },
        Change::Finalize,
        Change::RevokeRelease { sha256: [2; 32] },
        policy(),
    ];
    for change in of_gates {
        let view = Related::to_gate(Some(&change)).view().unwrap();
        assert_eq!(
            (view.action, view.change),
            (change.action(), Some(change.clone()))
        );
        let elsewhere = Related::to_council(Some(&change)).view();
        assert_eq!(elsewhere.is_ok(), change == policy(), "{change:?}");
    }
    let members = Change::Council(CouncilChange {
        remove: vec![key],
        add: vec![Member::default()],
    });
    let view = Related::to_council(Some(&members)).view().unwrap();
    assert_eq!((view.program(), view.keys().program), (None, None));
    assert!(Related::to_gate(Some(&members)).view().is_err());
}

#[test]
fn what_this_version_does_not_know_is_refused() {
    let changes: [fn(&mut StoredProposal); 5] = [
        |stored| stored.proposal.terms.action = 7,
        |stored| stored.proposal.terms.lane = 4,
        |stored| stored.change = vec![99],
        |stored| stored.change.push(0),
        |stored| stored.proposal.terms.lane = Lane::Emergency as u8,
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut related = Related::to_gate(Some(&policy()));
        change(&mut related.stored);
        let error = related.seal().view().unwrap_err();
        assert!(
            matches!(error, ClientError::Decode { .. }),
            "{place}: {error}"
        );
    }
}

#[test]
fn accounts_that_do_not_belong_together_are_refused() {
    let other = Pubkey::new_unique();
    let changes: [fn(&mut Related, Pubkey); 5] = [
        |related, other| related.address = other,
        |related, other| related.gate.as_mut().unwrap().address = other,
        |related, other| related.council.address = other,
        |related, other| related.gate.as_mut().unwrap().account.program = other,
        |related, _| related.gate = None,
    ];
    for change in changes {
        let mut related = Related::to_gate(None);
        change(&mut related, other);
        assert!(matches!(related.view(), Err(ClientError::Unrelated { .. })));
    }
    let mut of_council = Related::to_council(Some(&policy()));
    let mut of_gate = Related::to_gate(None);
    for related in [&mut of_council, &mut of_gate] {
        related.council.account.create_key = other;
    }
    for related in [of_council, of_gate] {
        assert!(matches!(related.view(), Err(ClientError::Unrelated { .. })));
    }
}

/// After a move, the digest covers a council that the gate no longer names.
#[test]
fn a_proposal_of_an_earlier_life_is_shown_as_stale_and_names_no_voter() {
    let mut related = Related::to_gate(None);
    let key = Pubkey::new_unique();
    related.stored.proposal.digest = [9; 32];
    related.stored.proposal.approvals = 1;
    related.stored.proposal.terms.voting_ends_at = 10;
    related.gate.as_mut().unwrap().account.life = 1;
    let council = &mut related.council.account;
    council.members[0].key = key;
    council.member_count = 1;
    let view = related.view().unwrap();
    assert_eq!((view.status, view.digest), (Status::Stale, [9; 32]));
    assert!(!view.has_cast(view.proposal.approvals, &key));
}
