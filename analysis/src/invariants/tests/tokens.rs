//! What the token program keeps in its accounts.

use litesvm::LiteSVM;
use solana_sdk::{
    message::Message,
    signature::{Keypair, Signer},
    transaction::Transaction,
};
use spl_token_interface::instruction as spl;

use super::*;

#[test]
fn accounts_of_the_token_program_are_decoded() {
    let (mut svm, payer) = (LiteSVM::new(), Keypair::new());
    svm.airdrop(&payer.pubkey(), 1_000_000_000_000).unwrap();
    let [mint, holder, empty, multisig, delegate] = [(); 5].map(|()| Pubkey::new_unique());
    for (address, len) in [(mint, 82), (holder, 165), (empty, 165), (multisig, 355)] {
        svm.set_account(address, account(token::TOKEN, vec![0; len]))
            .unwrap();
        let mut grown = svm.get_account(&address).unwrap();
        grown.lamports = svm.minimum_balance_for_rent_exemption(len);
        svm.set_account(address, grown).unwrap();
    }
    let (id, owner) = (token::TOKEN, payer.pubkey());
    let signers = [Pubkey::new_unique(), Pubkey::new_unique()];
    let calls = [
        spl::initialize_mint2(&id, &mint, &owner, None, 6).unwrap(),
        spl::initialize_account3(&id, &holder, &mint, &owner).unwrap(),
        spl::initialize_account3(&id, &empty, &mint, &owner).unwrap(),
        spl::initialize_multisig2(&id, &multisig, &[&signers[0], &signers[1]], 1).unwrap(),
        spl::mint_to(&id, &mint, &holder, &owner, &[], u64::MAX).unwrap(),
        spl::approve(&id, &holder, &delegate, &owner, &[], 7).unwrap(),
    ];
    let message = Message::new(&calls, Some(&owner));
    let transaction = Transaction::new(&[&payer], message, svm.latest_blockhash());
    svm.send_transaction(transaction).unwrap();
    let state = snapshot(svm.get_program_accounts(&token::TOKEN));

    let accounts = format!(
        "mint = {{ address = '{mint}', type = 'mint' }}, holder = {{ address = '{holder}', type = 'token-account' }}, \
         signers = {{ address = '{multisig}', type = 'multisig' }}, \
         all = {{ all = true, type = 'token-account', where = {{ mint = '{mint}' }} }}"
    );
    let holds = |expression: &str| {
        assert_eq!(
            verdict(&accounts, expression, &state),
            Verdict::Holds,
            "{expression}"
        );
    };
    holds("mint.supply == 18446744073709551615u && mint.decimals == 6");
    holds("sum(all.map(one, one.amount)) == mint.supply && size(all) == 2");
    holds("holder.mint == address(mint) && holder.owner == mint.mint_authority && mint.freeze_authority == null");
    holds(&format!(
        "holder.delegate == '{delegate}' && holder.delegated_amount == 7"
    ));
    holds("holder.state == 'Initialized' && holder.is_native == null && holder.close_authority == null");
    holds(&format!(
        "signers.m == 1 && signers.n == 2 && '{}' in signers.signers",
        signers[1]
    ));
    failed(
        &format!("x = {{ address = '{mint}', type = 'token-account' }}"),
        "x.amount > 0",
        &state,
        "a token-account must have 165 bytes, found 82",
    );
    // Many have the layout without being of the program.
    let alien = snapshot([(holder, account(LENDING, vec![1; 165]))]);
    failed(
        &format!("x = {{ address = '{holder}', type = 'token-account' }}"),
        "x.amount > 0",
        &alien,
        "must be owned by a token program",
    );
    let blank = snapshot([(holder, account(token::TOKEN_2022, vec![0; 165]))]);
    failed(
        &format!("x = {{ address = '{holder}', type = 'token-account' }}"),
        "true",
        &blank,
        "this token-account is not initialized",
    );
}

#[test]
fn extended_token_accounts_are_told_apart() {
    let mut data = token_account(1, LENDING, 5).data;
    data.resize(200, 0);
    for (tag, account, mint) in [(2, true, false), (1, false, true), (0, false, false)] {
        data[165] = tag;
        assert_eq!(token::Kind::Account.fits(&data), account);
        assert_eq!(token::Kind::Mint.fits(&data), mint);
    }
}
