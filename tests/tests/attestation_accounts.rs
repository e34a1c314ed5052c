//! The account of an attestation: its address, who pays for it, what closes it.

use portcullis::state::Attestation;
use portcullis_tests::{
    calls::{substitute, unsigned},
    elf,
    lanes::{self, auditor, reviewer, AUDIT, BUILD},
    *,
};

/// An upgrade that two voters have approved; one build and one audit are missing.
fn approved() -> (World, Proposed) {
    let mut world = lanes::attested(1, 1).build();
    let proposed = world.voting();
    world.approve_fully(&proposed);
    (world, proposed)
}

fn attestation(proposed: &Proposed, attester: &Keypair) -> Pubkey {
    BUILDER.attestation(&proposed.keys, &attester.pubkey())
}

fn close(proposed: &Proposed, attester: &Keypair) -> Instruction {
    BUILDER.close_attestation(&proposed.keys, attester.pubkey(), stranger(0).pubkey())
}

#[test]
fn lamports_at_its_address_do_not_hinder_an_attestation() {
    for lamports in [1, 10_000_000_000] {
        let (mut world, proposed) = approved();
        let address = attestation(&proposed, attester());
        let transfer = solana_system_interface::instruction::transfer(
            &payer().pubkey(),
            &address,
            lamports.max(890_880),
        );
        world.send(&[transfer], &[]).unwrap();
        world.attest(&proposed, attester(), BUILD).unwrap();
        assert_eq!(world.proposal(&proposed).attestations[0], 1);
    }
}

#[test]
fn an_attestations_statement_is_one_that_a_terminal_shows() {
    let (mut world, proposed) = approved();
    let with = |world: &World, uri: String| {
        let mut args = world.attest_args(&proposed, BUILD);
        args.statement.uri = uri;
        args
    };
    for (uri, reason) in [
        ("x".repeat(201), PortcullisError::UriTooLong),
        ("a b".to_string(), PortcullisError::UriNotPrintable),
        ("\u{1b}[2J".to_string(), PortcullisError::UriNotPrintable),
    ] {
        let args = with(&world, uri);
        world.refuse(reason, |w| w.attest_with(&proposed, attester(), args));
    }
    for uri in [String::new(), "x".repeat(200)] {
        let args = with(&world, uri.clone());
        let mut world = world.clone();
        world.attest_with(&proposed, attester(), args).unwrap();
        let data = world.account(&attestation(&proposed, attester())).data;
        assert_eq!(&data[Attestation::SPACE..], uri.as_bytes());
    }
}

#[test]
fn g5_an_attester_attests_once() {
    let (mut world, proposed) = approved();
    world.attest(&proposed, &reviewer(), BUILD).unwrap();
    // System's "account already in use".
    let in_use = Refusal::Code(0, "AccountAlreadyInUse".to_string());
    for kind in [BUILD, AUDIT] {
        world.refuse(in_use.clone(), |w| w.attest(&proposed, &reviewer(), kind));
    }
    assert_eq!(world.proposal(&proposed).attestations[..2], [1, 0]);
}

#[test]
fn g5_an_attestation_stands_at_its_proposals_and_attesters_address() {
    let (mut world, proposed) = approved();
    let other = world.voting();
    let args = world.attest_args(&proposed, BUILD);
    let (key, payer) = (attester().pubkey(), stranger(0).pubkey());
    let attest = BUILDER.attest(&proposed.keys, key, payer, args);
    let own = attestation(&proposed, attester());
    for wrong in [
        attestation(&other, attester()),
        attestation(&proposed, &reviewer()),
        address("elsewhere"),
    ] {
        let attest = substitute(&attest, &own, &wrong);
        world.refuse(ErrorCode::ConstraintSeeds, |w| {
            w.send(&[attest], &[attester(), stranger(0)])
        });
    }
    for signer in [attester(), stranger(0)] {
        let attest = unsigned(&attest, &signer.pubkey());
        let others = [attester(), stranger(0)]
            .into_iter()
            .filter(|other| other.pubkey() != signer.pubkey())
            .collect::<Vec<_>>();
        world.refuse(ErrorCode::AccountNotSigner, |w| w.send(&[attest], &others));
    }
    // The reviewer's attestation is not the attester's.
    let swapped = substitute(&attest, &key, &reviewer().pubkey());
    world.refuse(ErrorCode::ConstraintSeeds, |w| {
        w.send(&[swapped], &[&reviewer(), stranger(0)])
    });
    world.send(&[attest], &[attester(), stranger(0)]).unwrap();
}

#[test]
fn g11_an_attester_takes_back_its_own_attestation_of_this_proposal_only() {
    let (mut world, proposed) = approved();
    world.attest(&proposed, attester(), BUILD).unwrap();
    world.attest(&proposed, &auditor(), AUDIT).unwrap();
    let other = world.voting();
    world.attest(&other, attester(), BUILD).unwrap();
    let args = world.trigger_args(&proposed);
    let (key, rent_payer) = (attester().pubkey(), stranger(0).pubkey());
    let revoke = BUILDER.revoke_attestation(&proposed.keys, key, rent_payer, args);
    let own = attestation(&proposed, attester());
    for wrong in [
        attestation(&proposed, &auditor()),
        attestation(&other, attester()),
    ] {
        let revoke = substitute(&revoke, &own, &wrong);
        world.refuse(PortcullisError::AttestationMismatch, |w| {
            w.send(&[revoke], &[attester()])
        });
    }
    let swapped = substitute(&revoke, &key, &auditor().pubkey());
    world.refuse(PortcullisError::AttestationMismatch, |w| {
        w.send(&[swapped], &[&auditor()])
    });
    let missing = substitute(&revoke, &own, &attestation(&other, &auditor()));
    world.refuse(ErrorCode::AccountOwnedByWrongProgram, |w| {
        w.send(&[missing], &[attester()])
    });
    let not_it = substitute(&revoke, &own, &world.gate_key());
    world.refuse(ErrorCode::AccountDiscriminatorMismatch, |w| {
        w.send(&[not_it], &[attester()])
    });
    let greedy = substitute(&revoke, &rent_payer, &key);
    world.refuse(PortcullisError::RentPayerMismatch, |w| {
        w.send(&[greedy], &[attester()])
    });
    let unsigned = unsigned(&revoke, &key);
    world.refuse(ErrorCode::AccountNotSigner, |w| w.send(&[unsigned], &[]));
    world.send(&[revoke], &[attester()]).unwrap();
    // The same attestation is not taken back twice.
    world.refuse(ErrorCode::AccountOwnedByWrongProgram, |w| {
        w.revoke(&proposed, attester())
    });
    assert_eq!(world.proposal(&proposed).attestations[..2], [0, 1]);
}

#[test]
fn anyone_closes_an_attestation_when_its_proposal_is_closed_and_not_before() {
    let (mut world, proposed) = approved();
    world.attest(&proposed, attester(), BUILD).unwrap();
    world.attest(&proposed, &auditor(), AUDIT).unwrap();
    // Another one of the gate's proposals is closed already.
    let other = world.propose_elf(elf::memo());
    world.cancel(&other, voter(0)).unwrap();
    world.return_buffer(&other).unwrap();
    world.close_proposal(&other).unwrap();

    let by_another = substitute(
        &close(&proposed, attester()),
        &proposed.address,
        &other.address,
    );
    world.refuse(PortcullisError::AttestationMismatch, |w| {
        w.send(&[by_another], &[])
    });
    world.refuse(PortcullisError::ProposalNotClosed, |w| {
        w.send(&[close(&proposed, attester())], &[])
    });
    world.warp_to_eta(&proposed);
    world.execute(&proposed).unwrap();
    world.refuse(PortcullisError::ProposalNotClosed, |w| {
        w.send(&[close(&proposed, attester())], &[])
    });
    world.close_proposal(&proposed).unwrap();

    let to_another =
        BUILDER.close_attestation(&proposed.keys, attester().pubkey(), stranger(1).pubkey());
    world.refuse(PortcullisError::RentPayerMismatch, |w| {
        w.send(&[to_another], &[])
    });
    for who in [attester(), &auditor()] {
        let address = attestation(&proposed, who);
        let rent = world.lamports(&address);
        let purse = world.lamports(&stranger(0).pubkey());
        assert!(rent > 0);
        world.send(&[close(&proposed, who)], &[]).unwrap();
        assert!(world.is_gone(&address));
        assert_eq!(world.lamports(&stranger(0).pubkey()), purse + rent);
        world.refuse(ErrorCode::AccountOwnedByWrongProgram, |w| {
            w.send(&[close(&proposed, who)], &[])
        });
    }
}

#[test]
fn lamports_at_a_closed_proposals_address_do_not_keep_its_attestations() {
    let (mut world, proposed) = approved();
    world.attest(&proposed, attester(), BUILD).unwrap();
    world.reject(&proposed, voter(2)).unwrap();
    world.veto(&proposed, guardian(0)).unwrap();
    world.return_buffer(&proposed).unwrap();
    world.close_proposal(&proposed).unwrap();
    world.svm.airdrop(&proposed.address, 1_000_000_000).unwrap();
    world.send(&[close(&proposed, attester())], &[]).unwrap();
    assert!(world.is_gone(&attestation(&proposed, attester())));
}
