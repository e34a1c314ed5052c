//! SPL Token 3.5.0 and its replacement p-token on the same traffic.

use std::path::Path;

use portcullis_analysis::shadow::{self, Knowledge, Options, Report};
use portcullis_localnet::samples;
use solana_sdk::{
    account::Account, instruction::Instruction, program_pack::Pack, pubkey::Pubkey,
    signature::Signer,
};
use spl_token_interface::{
    instruction as token,
    state::{Account as TokenAccount, Mint},
};

use crate::{
    recording::{open, unsigned, Chain},
    traffic::Traffic,
};

/// p-token knows its own address: elsewhere it refuses mints and multisigs as another program's.
pub const PROGRAM: Pubkey = spl_token_interface::ID;

/// Records so many transactions.
fn record(transactions: u64, path: &Path) {
    let mut traffic = Traffic::new(PROGRAM, 1);
    let mut chain = Chain::new(
        PROGRAM,
        &samples::spl_token().unwrap(),
        traffic.payer.pubkey(),
    );
    let mut recorder = chain.to_file(path);
    for _ in 0..transactions {
        chain.run(&mut recorder, &traffic.step().instructions);
    }
    recorder.finish().unwrap();
}

/// Records so many transactions, and replays them with another program.
fn shadowed(transactions: u64, new: Vec<u8>) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.gz");
    record(transactions, &path);
    let options = Options {
        new_elf: new,
        old_elf: None,
        required_fidelity: 0.9,
        probes: true,
        knowledge: Knowledge::default(),
    };
    shadow::run(open(&path), options).unwrap()
}

#[test]
fn p_token_does_what_spl_token_does_for_fewer_compute_units() {
    let report = shadowed(1_500, samples::p_token().unwrap());
    let text = shadow::report::render(&report);
    assert_eq!(report.fidelity.reproduced, 1_500);
    let summary = &report.summary;
    assert_eq!(
        (summary.judged, summary.failures(), summary.other_effects),
        (1_500, 0, 0),
        "{text}"
    );
    // p-token lets a delegate give up what was approved to it; SPL Token 3.5.0 lets only the owner revoke.
    let effects = report.causes.iter().filter(|cause| cause.kind.is_effect());
    let titles: Vec<&str> = effects.map(|cause| cause.title.as_str()).collect();
    assert_eq!(
        titles,
        ["succeeds where it failed: Custom(4) in Revoke"],
        "{text}"
    );
    assert_eq!(summary.other_errors, 0, "{text}");
    let units = &report.compute_units;
    assert!(units.transactions > 600, "{text}");
    assert_eq!(
        (units.cheaper, units.dearer),
        (units.transactions, 0),
        "{text}"
    );
    assert!(report.instructions.len() >= 16, "{text}");
}

/// The one difference between the two that the traffic shows.
#[test]
fn p_token_alone_lets_a_delegate_revoke_and_both_refuse_a_stranger() {
    for (elf, refused) in [
        (samples::spl_token().unwrap(), [true, true]),
        (samples::p_token().unwrap(), [false, true]),
    ] {
        let [mint, account, owner, delegate, stranger, payer] =
            [(); 6].map(|()| Pubkey::new_unique());
        let mut chain = Chain::new(PROGRAM, &elf, payer);
        for (address, len) in [(mint, Mint::LEN), (account, TokenAccount::LEN)] {
            let empty = Account {
                lamports: 10_000_000,
                data: vec![0; len],
                owner: PROGRAM,
                ..Account::default()
            };
            chain.svm.set_account(address, empty).unwrap();
        }
        let mut number = 0;
        let mut fails = |instruction: Instruction| {
            number += 1;
            let transaction = unsigned(&payer, &[instruction], number);
            chain.svm.send_transaction(transaction).is_err()
        };
        let id = &PROGRAM;
        assert!(!fails(
            token::initialize_mint2(id, &mint, &owner, None, 0).unwrap()
        ));
        assert!(!fails(
            token::initialize_account3(id, &account, &mint, &owner).unwrap()
        ));
        assert!(!fails(
            token::approve(id, &account, &delegate, &owner, &[], 5).unwrap()
        ));
        let found =
            [delegate, stranger].map(|by| fails(token::revoke(id, &account, &by, &[]).unwrap()));
        assert_eq!(found, refused);
    }
}
