//! Which accounts are read, and what cannot be read.

use super::*;

#[test]
fn accounts_are_found_by_seeds_type_and_conditions() {
    let (address, _) = Pubkey::find_program_address(&[b"vault", &5_u64.to_le_bytes()], &LENDING);
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
fn portcullis_own_accounts_can_be_read() {
    let idl = Idl::parse(include_bytes!("../../../../artifacts/portcullis.json")).unwrap();
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
