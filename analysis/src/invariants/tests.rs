//! Files, and accounts as they are on the chain.

use litesvm::LiteSVM;
use serde_json::json;
use solana_sdk::{
    account::Account,
    message::Message,
    signature::{Keypair, Signer},
    transaction::Transaction,
};
use spl_token_interface::instruction as spl;

use super::{file::File, *};

const LENDING: Pubkey = Pubkey::new_from_array([7; 32]);

pub fn lending_idl() -> Idl {
    let json = json!({
        "address": LENDING.to_string(),
        "metadata": { "name": "lending", "version": "0.1.0", "spec": "0.1.0" },
        "instructions": [],
        "accounts": [
            { "name": "Deposit", "discriminator": [1, 0, 0, 0, 0, 0, 0, 1] },
            { "name": "Loan", "discriminator": [2, 0, 0, 0, 0, 0, 0, 2] },
        ],
        "types": [
            { "name": "Deposit", "type": { "kind": "struct", "fields": [
                { "name": "owner", "type": "pubkey" }, { "name": "amount", "type": "u64" }, { "name": "open", "type": "bool" } ] } },
            { "name": "Loan", "type": { "kind": "struct", "fields": [
                { "name": "collateral", "type": "u128" }, { "name": "debt", "type": "u128" },
                { "name": "state", "type": { "defined": { "name": "LoanState" } } } ] } },
            { "name": "LoanState", "type": { "kind": "enum", "variants": [{ "name": "Active" }, { "name": "Closed" }] } },
        ],
    });
    Idl::parse(json.to_string().as_bytes()).unwrap()
}

fn account(owner: Pubkey, data: Vec<u8>) -> Account {
    Account {
        lamports: 1_000_000,
        data,
        owner,
        ..Account::default()
    }
}

fn deposit(owner: u8, amount: u64, open: bool) -> Account {
    let mut data = vec![1, 0, 0, 0, 0, 0, 0, 1];
    data.extend([owner; 32]);
    data.extend(amount.to_le_bytes());
    data.push(u8::from(open));
    account(LENDING, data)
}

fn loan(collateral: u128, debt: u128, state: u8) -> Account {
    let mut data = vec![2, 0, 0, 0, 0, 0, 0, 2];
    data.extend(collateral.to_le_bytes());
    data.extend(debt.to_le_bytes());
    data.push(state);
    account(LENDING, data)
}

fn token_account(mint: u8, owner: Pubkey, amount: u64) -> Account {
    let mut data = vec![0; 165];
    data[..32].copy_from_slice(&[mint; 32]);
    data[32..64].copy_from_slice(owner.as_ref());
    data[64..72].copy_from_slice(&amount.to_le_bytes());
    data[108] = 1;
    account(token::TOKEN, data)
}

fn snapshot(accounts: impl IntoIterator<Item = (Pubkey, Account)>) -> Snapshot {
    Snapshot {
        accounts: accounts.into_iter().collect(),
    }
}

fn vault_address() -> Pubkey {
    Pubkey::find_program_address(&[b"vault", &5_u64.to_le_bytes()], &LENDING).0
}

const PROGRAMS: &str = "[programs.lending]\nid = '$LENDING'\nidl = 'lending.json'\n";

fn idls() -> Idls {
    BTreeMap::from([("lending".to_string(), lending_idl())])
}

fn try_parse(text: &str) -> Result<Invariants, InvariantsError> {
    let text = format!("{PROGRAMS}\n{text}").replace("$LENDING", &LENDING.to_string());
    Invariants::parse(&text, idls())
}

/// One invariant, with its accounts and expression.
fn one(accounts: &str, expression: &str) -> Result<Invariants, InvariantsError> {
    try_parse(&format!(
        "[[invariants]]\nname = 'it'\nexpression = '''{expression}'''\naccounts = {{ {accounts} }}"
    ))
}

#[track_caller]
fn verdict(accounts: &str, expression: &str, source: &dyn AccountSource) -> Verdict {
    let invariants = one(accounts, expression).unwrap();
    let outcome = invariants.evaluate(source).pop().unwrap();
    assert_eq!(
        invariants.evaluate_some(&[0], source),
        std::slice::from_ref(&outcome)
    );
    outcome.verdict
}

#[track_caller]
fn failed(accounts: &str, expression: &str, source: &dyn AccountSource, words: &str) {
    match verdict(accounts, expression, source) {
        Verdict::Failed(reason) => assert!(reason.contains(words), "{reason}"),
        other => panic!("{other:?}"),
    }
}

/// The examples of docs/invariants.md, in their order.
fn example(number: usize) -> String {
    let page = include_str!("../../../docs/invariants.md");
    let blocks = page.split("```toml\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("```").next());
    let block = blocks.nth(number).unwrap().to_string();
    block.replace(
        "LendZxHiaH8Zd1xPPXkGGVn6JQEoEGUq8ZjSCP6wKXo",
        &LENDING.to_string(),
    )
}

#[test]
fn deposits_are_covered_as_in_the_docs() {
    let invariants = Invariants::parse(&example(0), idls()).unwrap();
    let required = invariants.required_accounts();
    assert_eq!(required.addresses.len(), 1);
    let vault = *required.addresses.first().unwrap();
    let selection = required.selections.first().unwrap();
    assert_eq!(selection.program, LENDING);
    let with = |held: u64, deposits: &[u64]| {
        let mut accounts = vec![(vault, token_account(1, vault, held))];
        for amount in deposits {
            accounts.push((Pubkey::new_unique(), deposit(1, *amount, true)));
        }
        let outcome = invariants.evaluate(&snapshot(accounts)).remove(0);
        assert_eq!(outcome.name, "user deposits are covered");
        outcome.verdict
    };
    assert_eq!(with(30, &[10, 20]), Verdict::Holds);
    // A sum beyond 64 bits.
    match with(u64::MAX, &[u64::MAX, 1]) {
        Verdict::Violated(why) => assert!(
            why.starts_with("18446744073709551616 <= 18446744073709551615 is false"),
            "{why}"
        ),
        other => panic!("{other:?}"),
    }
    assert!(matches!(with(29, &[10, 20]), Verdict::Violated(_)));
    assert!(matches!(with(29, &[]), Verdict::Failed(_)));
}

#[test]
fn loans_are_within_bounds_as_in_the_docs() {
    let invariants = Invariants::parse(&example(1), idls()).unwrap();
    let with = |loans: &[Account]| {
        let accounts = loans
            .iter()
            .map(|loan| (Pubkey::new_unique(), loan.clone()));
        invariants.evaluate(&snapshot(accounts)).remove(0).verdict
    };
    let violated = |verdict| matches!(verdict, Verdict::Violated(_));
    let most = u128::MAX;
    assert_eq!(with(&[loan(150, 100, 0), loan(0, 0, 0)]), Verdict::Holds);
    assert!(violated(with(&[loan(149, 100, 0)])));
    assert!(violated(with(&[loan(1_001, 100, 0)])));
    // Closed ones do not count; products of 128 bits do not overflow.
    assert_eq!(with(&[loan(1, 100, 1), loan(150, 100, 0)]), Verdict::Holds);
    assert!(violated(with(&[loan(most, most, 0)])));
    assert_eq!(with(&[loan(most, most / 2, 0)]), Verdict::Holds);
}

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
    let read = svm.get_program_accounts(&token::TOKEN);
    let state = snapshot(read);

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

#[test]
fn accounts_are_found_by_seeds_type_and_conditions() {
    let address = vault_address();
    let source = snapshot([
        (address, token_account(1, LENDING, 5)),
        (Pubkey::new_unique(), deposit(1, 10, true)),
        (Pubkey::new_unique(), deposit(2, 20, true)),
        (Pubkey::new_unique(), deposit(2, 40, false)),
        (Pubkey::new_unique(), loan(1, 1, 0)),
    ]);
    let pda = "vault = { pda = { program = 'lending', seeds = ['vault', { u64 = 5 }] }, type = 'token-account' }";
    assert_eq!(verdict(pda, "vault.amount == 5", &source), Verdict::Holds);
    let of = |condition: &str| {
        format!("all = {{ all = true, type = 'Deposit', program = 'lending', at_least = 0, where = {{ {condition} }} }}")
    };
    let owner = Pubkey::new_from_array([2; 32]);
    for (condition, sum) in [
        ("", 70),
        (&format!("owner = '{owner}'"), 60),
        ("open = true", 30),
        ("amount = 40", 40),
        ("amount = '40', open = false", 40),
        ("amount = 41", 0),
        // It does not fit into 64 bits, so nothing equals it.
        ("amount = '18446744073709551616'", 0),
    ] {
        let expression = format!("sum(all.map(d, d.amount)) == {sum}");
        assert_eq!(
            verdict(&of(condition), &expression, &source),
            Verdict::Holds,
            "{condition}"
        );
    }
    let states =
        "loans = { all = true, type = 'Loan', program = 'lending', where = { state = 'Active' } }";
    assert_eq!(verdict(states, "size(loans) == 1", &source), Verdict::Holds);
    // By places and types, without an IDL.
    let raw = format!(
        "all = {{ all = true, program = '{LENDING}', size = 49, where = {{ head = 1 }}, \
         fields = {{ head = {{ offset = 0, type = 'u8' }}, owner = {{ offset = 8, type = 'pubkey' }}, \
         amount = {{ offset = 40, type = 'u64' }}, open = {{ offset = 48, type = 'bool' }} }} }}"
    );
    assert_eq!(
        verdict(
            &raw,
            "sum(all.filter(d, d.open).map(d, d.amount)) == 30",
            &source
        ),
        Verdict::Holds
    );
    // What asks a server is narrow, where that can be.
    let invariants = one(&of(&format!("owner = '{owner}', open = true")), "true").unwrap();
    let selection = invariants
        .required_accounts()
        .selections
        .first()
        .unwrap()
        .clone();
    let places: Vec<usize> = selection.filters.iter().map(|(at, _)| *at).collect();
    assert_eq!(places, [0, 48, 8]);
    assert_eq!(invariants.affected_by(&Pubkey::new_unique(), &LENDING), [0]);
    assert!(invariants
        .affected_by(&Pubkey::new_unique(), &owner)
        .is_empty());
}

#[test]
fn what_cannot_be_read_is_no_pass() {
    let address = Pubkey::new_unique();
    let deposits = "d = { all = true, type = 'Deposit', program = 'lending' }";
    let one_deposit =
        format!("d = {{ address = '{address}', type = 'Deposit', program = 'lending' }}");
    let none = snapshot([]);
    failed(
        &one_deposit,
        "true",
        &none,
        &format!("d: there is no account {address}"),
    );
    failed(deposits, "true", &none, "0 accounts of program");
    let optional = format!(
        "d = {{ address = '{address}', type = 'Deposit', program = 'lending', optional = true }}"
    );
    assert_eq!(verdict(&optional, "d == null", &none), Verdict::Holds);
    let mut closed = deposit(1, 1, true);
    closed.lamports = 0;
    failed(
        &one_deposit,
        "true",
        &snapshot([(address, closed)]),
        "there is no account",
    );
    let mut alien = deposit(1, 1, true);
    alien.owner = address;
    failed(
        &one_deposit,
        "true",
        &snapshot([(address, alien)]),
        "must be owned by",
    );
    failed(
        &one_deposit,
        "true",
        &snapshot([(address, loan(1, 1, 0))]),
        "Deposit must begin with the discriminator 0100000000000001, found 0200000000000002",
    );
    let mut short = deposit(1, 1, true);
    short.data.pop();
    failed(
        &one_deposit,
        "true",
        &snapshot([(address, short.clone())]),
        "open: at byte 48: 1 bytes are needed, 0 are left",
    );
    failed(
        deposits,
        "true",
        &snapshot([(address, short)]),
        "open: at byte 48",
    );
    let field = format!(
        "d = {{ address = '{address}', fields = {{ x = {{ offset = 45, type = 'u64' }} }} }}"
    );
    failed(
        &field,
        "true",
        &snapshot([(address, deposit(1, 1, true))]),
        "x is at bytes 45 to 53, the account has 49",
    );
    failed(
        &one_deposit,
        "d.amount",
        &snapshot([(address, deposit(1, 1, true))]),
        "must be true or false, found a number: 1",
    );
    let limits = "[limits]\naccounts = 1\nsteps = 100\n";
    let many = (0..2).map(|_| (Pubkey::new_unique(), deposit(1, 1, true)));
    let invariants = try_parse(&format!(
        "{limits}[[invariants]]\nname = 'it'\nexpression = 'true'\naccounts = {{ {deposits} }}"
    ));
    let outcome = invariants.unwrap().evaluate(&snapshot(many)).remove(0);
    assert_eq!(
        outcome.verdict,
        Verdict::Failed("d: 2 accounts fit, limits.accounts allows 1".to_string())
    );
}

#[test]
fn files_are_refused_with_the_place() {
    let wrong = |accounts: &str| one(accounts, "true").unwrap_err().to_string();
    let start = "invariant `it`, account `d`: ";
    for (account, words) in [
        ("d = {}", "exactly one of `address`, `pda` and `all = true`"),
        ("d = { address = 'x' }", "an address in base58 is needed, found `x`"),
        ("d = { all = true }", "`all` needs a `program`"),
        ("d = { all = true, program = 'other' }", "there is no program `other` in [programs]"),
        ("d = { address = '$LENDING', type = 'Deposit' }", "needs a `program` whose IDL defines it"),
        ("d = { address = '$LENDING', type = 'Nope', program = 'lending' }", "no account type `Nope`, only Deposit, Loan"),
        ("d = { all = true, type = 'Deposit', program = 'lending', where = { nope = 1 } }", "no field `nope`, only owner, amount, open"),
        ("d = { all = true, type = 'Deposit', program = 'lending', where = { owner = 'x' } }", "owner must be an address"),
        ("d = { all = true, type = 'Deposit', program = 'lending', where = { amount = 'x' } }", "amount must be a number"),
        ("d = { all = true, type = 'token-account', where = { nope = 'x' } }", "only mint, owner, amount"),
        ("d = { address = '$LENDING', at_least = 1 }", "go with `all = true`"),
        ("d = { all = true, program = 'lending', optional = true }", "`at_least = 0`"),
        ("d = { pda = { program = 'lending', seeds = [{ hex = '0' }] } }", "hexadecimal"),
        ("d = { pda = { program = 'lending', seeds = [{ hex = 'é' }] } }", "hexadecimal"),
        ("d = { pda = { program = 'lending', seeds = ['0123456789012345678901234567890123'] } }", "at most 32 bytes"),
        ("d = { address = '$LENDING', type = 'mint', fields = { x = { offset = 0, type = 'u8' } } }", "exclude each other"),
        ("'d-d' = { address = '$LENDING' }", "letters, digits and _"),
    ] {
        let error = wrong(account);
        assert!(error.contains(words), "{account}: {error}");
        assert!(error.starts_with(start) || account.starts_with("'d-d"), "{error}");
    }
    let error = wrong("d = { address = '$LENDING', color = 'red' }");
    assert!(
        error.contains("unknown field `color`") && error.contains("line"),
        "{error}"
    );
    let error =
        wrong("d = { address = '$LENDING', fields = { x = { offset = -1, type = 'u8' } } }");
    assert!(error.contains("line"), "{error}");
    let error = one("d = { address = '$LENDING' }", "e.x == 1")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("invariant `it`: line 1, column 1: there is no account `e`, only d"),
        "{error}"
    );
    assert!(matches!(
        File::parse("x = 1"),
        Err(InvariantsError::File { .. })
    ));
    assert!(matches!(
        File::parse("invariants = []"),
        Err(InvariantsError::File { .. })
    ));
    let plain = "[[invariants]]\nname = 'a'\nexpression = 'true'\naccounts = {}\n";
    assert!(File::parse(plain).is_ok());
    for limit in ["accounts = 1000001", "steps = 10000000001", "seconds = 1"] {
        assert!(File::parse(&format!("[limits]\n{limit}\n{plain}")).is_err());
    }
    assert!(File::parse(&" ".repeat(file::MAX_FILE + 1)).is_err());
    assert!(File::parse(&"[".repeat(100_000)).is_err());
    let other =
        format!("{PROGRAMS}[[invariants]]\nname = 'a'\nexpression = 'true'\naccounts = {{}}\n")
            .replace("$LENDING", &Pubkey::new_from_array([8; 32]).to_string());
    let error = Invariants::parse(&other, idls()).unwrap_err().to_string();
    assert!(
        error.contains("the IDL of `lending` is of program"),
        "{error}"
    );
}

#[test]
fn portcullis_own_accounts_can_be_read() {
    let idl = Idl::parse(include_bytes!("../../../artifacts/portcullis.json")).unwrap();
    let text = format!(
        "[programs.portcullis]\nid = '{0}'\n[[invariants]]\nname = 'an adopted gate has a release'\n\
         accounts = {{ gates = {{ all = true, type = 'Gate', program = 'portcullis', where = {{ 'policy.threshold' = 0 }} }} }}\n\
         expression = 'gates.all(gate, gate.state != 1 || gate.release.len > 0)'",
        portcullis::ID
    );
    let file = File::parse(&text).unwrap();
    assert_eq!(file.needs_idl().len(), 1);
    let mut data = idl.account("Gate").unwrap().discriminator.clone();
    data.resize(portcullis::state::Gate::SPACE, 0);
    let idls = BTreeMap::from([("portcullis".to_string(), idl)]);
    let invariants = Invariants::new(&file, idls).unwrap();
    let mut accounts = vec![(Pubkey::new_unique(), account(portcullis::ID, data.clone()))];
    assert_eq!(
        invariants.evaluate(&snapshot(accounts.clone()))[0].verdict,
        Verdict::Holds
    );
    data[8 + 3] = 1;
    accounts.push((Pubkey::new_unique(), account(portcullis::ID, data)));
    let broken = &invariants.evaluate(&snapshot(accounts))[0].verdict;
    assert!(
        matches!(broken, Verdict::Violated(why) if why.contains("0 > 0 is false")),
        "{broken:?}"
    );
}
