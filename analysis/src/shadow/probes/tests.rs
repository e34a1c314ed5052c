use super::{change::MAX_COPY, *};

const PROGRAM: Pubkey = Pubkey::new_from_array([1; 32]);

fn key(number: u8) -> Pubkey {
    Pubkey::new_from_array([number; 32])
}

/// `[signer w, account w, account w, read]` with two numbers behind a byte.
fn transaction(accounts: usize) -> (VersionedMessage, Vec<Pubkey>) {
    let mut metas = vec![
        AccountMeta::new(key(9), true),
        AccountMeta::new(key(10), false),
        AccountMeta::new(key(11), false),
    ];
    let more = (0..accounts).map(|number| {
        let mut bytes = [12; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        AccountMeta::new_readonly(Pubkey::new_from_array(bytes), false)
    });
    metas.extend(more);
    let call = Instruction::new_with_bytes(PROGRAM, &[3; 17], metas);
    let message = Message::new(&[call], Some(&key(9)));
    let keys = message.account_keys.clone();
    (VersionedMessage::Legacy(message), keys)
}

/// What there is at any address.
fn account(_: &Pubkey) -> Option<Account> {
    Some(Account {
        lamports: 1,
        data: [[7; 8], 500_u64.to_le_bytes()].concat(),
        owner: PROGRAM,
        ..Account::default()
    })
}

#[test]
fn each_way_is_tried_a_few_times() {
    let (message, keys) = transaction(1);
    let mut after = account(&key(10)).unwrap();
    after.data = [[9; 8], 400_u64.to_le_bytes()].concat();
    let written = [(key(10), after.into())];
    let constants = Constants {
        addresses: vec![key(8)],
        numbers: vec![500],
        starts: Vec::new(),
    };
    let mut prober = Prober::new(PROGRAM, 1, constants);
    let mut all = prober.probes(&message, &keys, account, &written);
    // All bytes but its own begin another instruction.
    let others = all.split_off(all.len() - 255);
    assert_eq!(others[3].change, Change::Start(4));
    assert_eq!(others[3].data[..2], [4, 3]);
    assert!(others[3].transaction.message.is_signer(0));
    assert_eq!(
        others[3].transaction.message.static_account_keys()[0],
        STRANGER
    );
    let first = all;
    let changes: Vec<Change> = first.iter().map(|probe| probe.change).collect();
    let number = |at, value| Change::Number { at, value };
    let rich = |at, value| Change::Rich { at, value };
    let magic = |at, value| Change::Magic { at, value };
    assert_eq!(
        changes,
        [
            Change::Unsigned(0),
            Change::SignedByStranger(0),
            Change::Copied(1),
            Change::OwnedByStranger(1),
            Change::Copied(2),
            Change::OwnedByStranger(2),
            Change::Copied(3),
            Change::OwnedByStranger(3),
            Change::Same(0, 1),
            Change::Same(0, 2),
            Change::Same(1, 2),
            number(1, 0),
            number(1, 1 << 40),
            number(1, u64::MAX),
            number(9, 0),
            number(9, 1 << 40),
            number(9, u64::MAX),
            Change::Twice,
            Change::Later(86_400),
            Change::Later(366 * 86_400),
            Change::Later(3_653 * 86_400),
            Change::SignedByConstant(0, key(8)),
            rich(1, 1 << 40),
            rich(1, u64::MAX),
            rich(9, 1 << 40),
            rich(9, u64::MAX),
            number(1, 500),
            rich(1, 500),
            magic(1, 500),
            number(9, 500),
            rich(9, 500),
            magic(9, 500),
        ]
    );
    let unsigned = first.iter().find(|probe| probe.change == magic(9, 500));
    let unsigned = &unsigned.unwrap().transaction.message;
    assert!(unsigned.static_account_keys()[..2].contains(&STRANGER));
    // Only the number that the transaction changes is a higher one, and not the text beside it.
    let richer = &first[22].accounts;
    assert_eq!(richer.len(), 1);
    assert_eq!(richer[0].address, key(10));
    assert_eq!(richer[0].data, [[7; 8], [0, 0, 0, 0, 0, 0, 1, 0]].concat());
    assert_eq!(richer[0].lamports, 1);
    // Who does not sign does not pay either.
    let [unsigned, stranger, copied] = [0, 1, 2].map(|at| &first[at].transaction.message);
    assert_eq!(unsigned.static_account_keys()[0], STRANGER);
    assert!(!unsigned.static_account_keys()[1..]
        .iter()
        .enumerate()
        .any(|(at, _)| unsigned.is_signer(at + 1)));
    assert!(stranger.static_account_keys().contains(&STRANGER));
    assert!(copied.static_account_keys().contains(&TWIN));
    assert_eq!(first[3].accounts[0].owner, STRANGER);

    let again = prober.probes(&message, &keys, account, &written);
    assert_eq!(again.len(), first.len() + others.len());
    let again = prober.probes(&message, &keys, account, &written);
    assert!(again.is_empty());
}

#[test]
fn copies_do_not_fill_the_memory() {
    let sized = |len: usize| {
        move |_: &Pubkey| {
            Some(Account {
                data: vec![7; len],
                owner: PROGRAM,
                ..Account::default()
            })
        }
    };
    let (message, keys) = transaction(200);
    let mut prober = Prober::new(PROGRAM, 1, Constants::default());
    let mut copies = 0;
    for _ in 0..2 {
        let probes = prober.probes(&message, &keys, sized(MAX_COPY), &[]);
        copies += probes.iter().flat_map(|probe| &probe.accounts).count();
    }
    assert_eq!(copies, MOST_COPIED / MAX_COPY);
    let mut prober = Prober::new(PROGRAM, 1, Constants::default());
    let probes = prober.probes(&message, &keys, sized(MAX_COPY + 1), &[]);
    assert!(probes.iter().all(|probe| probe.accounts.is_empty()));
}

#[test]
fn what_cannot_be_varied_is_left() {
    let changes = |message: &VersionedMessage, keys: &[Pubkey], account: fn(&Pubkey) -> _| {
        let mut prober = Prober::new(PROGRAM, 1, Constants::default());
        let mut probes = prober.probes(message, keys, account, &[]);
        probes.retain(|probe| !matches!(probe.change, Change::Start(_)));
        probes.len()
    };
    let (message, keys) = transaction(1);
    // Without accounts there are no copies, and nothing that could hold more.
    assert_eq!(changes(&message, &keys, |_| None), 12);
    // As many accounts as a message can have leave no room for others.
    let (message, keys) = transaction(248);
    assert_eq!(changes(&message, &keys, account), 0);
    let (message, keys) = transaction(200);
    assert_eq!(changes(&message, &keys, account), MOST_OF_ONE);
    // A message that names what it does not have.
    assert_eq!(changes(&message, &keys[..3], account), 0);
}
