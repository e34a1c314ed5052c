//! What is refused in a file.

use super::*;

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
