//! What expressions mean, and what they refuse.

use std::sync::Arc;

use proptest::prelude::*;
use solana_sdk::pubkey::Pubkey;

use super::*;
use crate::idl::{
    value::{Origin, Record, Variant},
    Number,
};

const NAMES: [&str; 3] = ["vault", "deposits", "nothing"];

fn account(index: u8, amount: u128) -> Value {
    let state = Value::Variant(Arc::new(Variant {
        name: Arc::from("Open"),
        fields: Value::record([("until", Value::Number(9_u8.into()))]),
    }));
    Value::Record(Arc::new(Record {
        fields: vec![
            (Arc::from("amount"), Value::Number(amount.into())),
            (
                Arc::from("owner"),
                Value::Key(Pubkey::new_from_array([index; 32])),
            ),
            (Arc::from("state"), state),
        ],
        account: Some(Box::new(Origin {
            address: Pubkey::new_from_array([index; 32]),
            owner: Pubkey::default(),
            lamports: 50,
            len: 40,
        })),
    }))
}

fn variables() -> Vec<Value> {
    let deposits = vec![account(1, 10), account(2, u128::MAX), account(3, 30)];
    vec![
        account(9, u128::from(u64::MAX)),
        Value::List(Arc::new(deposits)),
        Value::Null,
    ]
}

fn evaluate(source: &str) -> Result<Result<(), String>, String> {
    let expression = Expression::parse(source, &NAMES).map_err(|error| error.to_string())?;
    let result = expression.evaluate(&variables(), 100_000);
    result.map_err(|error| error.to_string())
}

#[track_caller]
fn holds(source: &str) {
    assert_eq!(evaluate(source), Ok(Ok(())), "{source}");
}

#[track_caller]
fn fails(source: &str, words: &str) {
    let error = evaluate(source).unwrap_err();
    assert!(error.contains(words), "{source}: {error}");
}

#[track_caller]
fn violated(source: &str, why: &str) {
    assert_eq!(evaluate(source), Ok(Err(why.to_string())), "{source}");
}

#[test]
fn numbers_are_exact() {
    for text in [
        "vault.amount == 18446744073709551615u",
        "vault.amount + 1 == int('18446744073709551616')",
        "vault.amount * vault.amount == int('340282366920938463426481119284349108225')",
        "9223372036854775807 + 1 == int('9223372036854775808')",
        "-9223372036854775808 - 1 == int('-9223372036854775809')",
        "0 - vault.amount < 0",
        "sum(deposits.map(d, d.amount)) == int('340282366920938463463374607431768211495')",
        "deposits[1].amount + 1 > deposits[1].amount",
        "0.1 + 0.2 == 0.3",
        "0.1 == dec('0.1')",
        "123456789012345678901234567890.125 * 8 == dec('987654312098765431209876543121')",
        "-1.5 == dec('-1.5') && -1.5e-2 == dec('-0.015') && 1e3 == 1000",
        "7 / 2 == 3 && -7 / 2 == -3 && 7 % 2 == 1 && 7.0 / 2 == 3.5",
        "ratio(1, 3) * 3 == 1",
        "dec(1) / 3 * 3 == 1",
        "pow(2, 127) - 1 == int('170141183460469231731687303715884105727')",
        "min(3, 1, 2) == 1 && max([1, 2.5]) == 2.5 && abs(-2) == 2",
        "floor(-1.5) == -2 && ceil(1.2) == 2 && int(1.9) == 1",
        "0x10 == 16",
    ] {
        holds(text);
    }
}

#[test]
fn overflow_is_an_error() {
    fails("pow(2, 3000) > 0", "overflow");
    fails(
        "pow(pow(2, 1000), 2) * pow(pow(2, 1000), 2) > 0",
        "overflow",
    );
    fails("1 / 0 == 0", "line 1, column 3: 1 / 0: division by zero");
    fails("1.5 % 1 == 0", "whole numbers");
    let long = Expression::parse("pow(10, 600) / 0 == 1", &[]).unwrap();
    let error = long.evaluate(&[], 1_000).unwrap_err().to_string();
    assert!(
        error.len() < 150 && error.contains("0000... / 0: division by zero"),
        "{error}"
    );
    fails("9223372036854775808 > 0", "int(\"...\")");
    fails("pow(2, -1) > 0", "exponent");
}

#[test]
fn the_rest_of_the_language() {
    for text in [
        "true && !false || false",
        "vault.amount > 0 ? true : 1 / 0 == 0",
        "false && 1 / 0 == 0 || true",
        "deposits.all(d, d.amount > 0)",
        "deposits.exists(d, d.amount == 30)",
        "deposits.exists_one(d, d.amount == 30)",
        "!deposits.exists_one(d, d.amount > 10 || d.amount == 10)",
        "deposits.filter(d, d.amount < 100).map(d, d.amount) == [10, 30]",
        "deposits.map(d, d.amount < 100, d.amount) == [10, 30]",
        "size(deposits) == 3 && deposits.size() == 3 && size('äb') == 2",
        "[].all(x, x) && sum([]) == 0",
        "2 in [1, 2] && !(3 in [1, 2])",
        "has(vault.amount) && !has(vault.other)",
        "vault['amount'] == vault.amount",
        "nothing == null && vault != null",
        "vault.state == 'Open' && vault.state.Open.until == 9 && !has(vault.state.Shut)",
        "vault.owner == '4dAuE8SuL2vKGxKWdR6ozGyCxuwEbkZbGQ2wgVL4rNgF' || vault.owner == address(vault)",
        "pubkey('11111111111111111111111111111111') == owner(vault)",
        "lamports(vault) == 50 && data_len(vault) == 40",
        "'abc'.startsWith('ab') && 'abc'.endsWith('c') && 'abc'.contains('b') && 'a' + 'b' == 'ab'",
        "[1] + [2] == [1, 2]",
        "b'\\x01\\x02'[1] == 2",
        "[[1, 2], [3]].map(l, sum(l)) == [3, 3]",
        "deposits.all(d, deposits.exists(e, e.amount == d.amount))",
        "1 < 2 && 2 <= 2 && 2 > 1 && 2 >= 2 && 1 != 2 && 'a' < 'b'",
    ] {
        holds(text);
    }
}

#[test]
fn what_is_false_says_why() {
    violated(
        "vault.amount < 5",
        "18446744073709551615 < 5 is false (line 1, column 14)",
    );
    violated("true && 1 == 2", "1 == 2 is false (line 1, column 11)");
    violated(
        "deposits.all(d,\n  d.amount < 100)",
        "account 8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR: \
         340282366920938463463374607431768211455 < 100 is false (line 2, column 12)",
    );
    violated(
        "1 == 2 || 3 == 4",
        "1 == 2 is false (line 1, column 3), and 3 == 4 is false (line 1, column 13)",
    );
    violated("[1].exists(x, x == 2)", "no item fits (line 1, column 11)");
    violated("false", "it is false (line 1, column 1)");
}

#[test]
fn mixed_kinds_are_errors() {
    for text in [
        "vault.amount == '5'",
        "vault.owner == 5",
        "vault.amount < '5'",
        "vault == 1",
        "1 in ['a']",
    ] {
        fails(text, "cannot be compared");
    }
    fails(
        "vault.amount",
        "line 1, column 6: this must be true or false, found a number: 18446744073709551615",
    );
    fails("1", "true or false");
    fails("vault.amount && true", "true or false");
    fails(
        "true + 1 == 2",
        "takes two numbers, found a bool and a number",
    );
    fails("sum(deposits) > 1", "`sum` takes numbers, found a record");
    fails("lamports(1) > 1", "`lamports` takes an account");
    fails("vault.amount.x == 1", "`.x` takes a record, found a number");
    fails(
        "vault.other == 1",
        "there is no field `other`, only amount, owner, state",
    );
    fails("vault.state.Shut == null", "it is Open, not Shut");
    fails(
        "deposits[3].amount == 1",
        "there is no item 3, the list has 3",
    );
    fails("deposits[-1].amount == 1", "there is no item -1");
    fails("nothing.amount == 1", "found null");
    fails("min([]) == 1", "empty list");
    fails("pubkey('x') == vault.owner", "base58");
    fails("vault.amount.all(x, true)", "a list is needed");
    // An error is never outweighed.
    fails("1 / 0 == 0 || true", "division by zero");
    fails("deposits.exists(d, d.nothing == 1)", "no field `nothing`");
}

#[test]
fn what_is_no_expression_is_refused_at_its_place() {
    let refused = |source: &str| Expression::parse(source, &NAMES).unwrap_err().to_string();
    assert!(refused("other > 1").starts_with(
        "line 1, column 1: there is no account `other`, only vault, deposits, nothing"
    ));
    assert!(refused("true &&\n  sun(deposits) > 1")
        .starts_with("line 2, column 6: there is no function `sun`, only size, sum"));
    assert!(refused("size(1, 2) == 1").contains("`size` takes one argument, found 2"));
    assert!(refused("1 +").starts_with("line 1, column 4"));
    assert!(refused("").contains("must not be empty"));
    assert!(refused("{'a': 1}.a == 1").contains("maps and structs"));
    assert!(refused(&"1+".repeat(3_000)).contains("4096 bytes, found 6000"));
    for deep in [
        format!("{}true{}", "(".repeat(1_500), ")".repeat(1_500)),
        format!("{}true", "!(".repeat(900)),
        format!("1{} > 1", "+1".repeat(1_500)),
        format!("{}1{} == [1]", "[".repeat(1_500), "]".repeat(1_500)),
        format!("vault{} == 1", ".a".repeat(1_500)),
        format!("{}1 == 1", "true?true:".repeat(400)),
    ] {
        assert!(Expression::parse(&deep, &NAMES).is_err());
    }
    for wrong in [
        "'",
        "\"",
        "r'",
        "'''",
        "b'",
        "\\",
        "\u{0}",
        "vault..x",
        "@result",
        "[?vault]",
        "vault.?x == 1",
    ] {
        assert!(Expression::parse(wrong, &NAMES).is_err(), "{wrong}");
    }
}

#[test]
fn work_is_bounded() {
    // Ten to the power of seven steps, and lists of lists.
    let mut product = "true".to_string();
    for variable in ["a", "b", "c", "d", "e", "f", "g"] {
        product = format!("[0,1,2,3,4,5,6,7,8,9].all({variable}, {product})");
    }
    fails(&product, "more than 100000 steps");
    // Long numbers are more work than short ones.
    let long = "pow(dec('1.0000001'), 40)";
    let sums = format!(
        "[[{long}]].map(a, a + a + a + a + a + a).all(a, a.all(x, a.all(y, a.all(z, x * y / z > 0))))"
    );
    holds(&sums.replace("a.all(y, a.all(z, x * y / z > 0))", "x > 0"));
    fails(&sums, "more than 100000 steps");
    let doubled = "[[1,2]].map(a, a + a).map(b, b + b)";
    holds(&format!("size({doubled}[0]) == 8"));
    let mut growing = "[1,2,3,4,5,6,7,8,9,10]".to_string();
    for variable in 0..20 {
        growing = format!("[{growing}].map(v{variable}, v{variable} + v{variable})[0]");
    }
    fails(&format!("size({growing}) > 0"), "more than 100000 steps");
    let mut text = "'0123456789'".to_string();
    for variable in 0..20 {
        text = format!("[{text}].map(v{variable}, v{variable} + v{variable})[0]");
    }
    fails(&format!("size({text}) > 0"), "65536 bytes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is written, it is parsed or refused, computed or an error.
    #[test]
    fn no_expression_ends_the_process(words in proptest::collection::vec(word(), 0..24)) {
        let source = words.join(" ");
        if let Ok(expression) = Expression::parse(&source, &NAMES) {
            let _ = expression.evaluate(&variables(), 10_000);
        }
    }

    /// As integers of 128 bits compute, where those do.
    #[test]
    fn whole_numbers_compute_as_integers_do(a: i64, b: i64) {
        let of = |text: String| Expression::parse(&text, &[]).unwrap().evaluate(&[], 100).unwrap();
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        for (sign, result) in [
            ("+", Some(wide_a + wide_b)),
            ("-", Some(wide_a - wide_b)),
            ("*", Some(wide_a * wide_b)),
            ("/", wide_a.checked_div(wide_b)),
            ("%", wide_a.checked_rem(wide_b)),
        ] {
            if let Some(result) = result {
                prop_assert_eq!(of(format!("({a}) {sign} ({b}) == int('{result}')")), Ok(()));
            }
        }
        prop_assert_eq!(of(format!("{a} < {b}")).is_ok(), a < b);
    }

    #[test]
    fn decimals_are_what_is_written(whole in 0..1_000_000_000_000_000_000_u64, fraction in "[0-9]{1,30}") {
        let text = format!("{whole}.{fraction}");
        let number: Number = text.parse().unwrap();
        let expression = Expression::parse(&format!("{text} == vault"), &["vault"]).unwrap();
        prop_assert_eq!(expression.evaluate(&[Value::Number(number)], 100).unwrap(), Ok(()));
    }
}

fn word() -> impl Strategy<Value = String> {
    const WORDS: [&str; 40] = [
        "vault",
        "deposits",
        ".",
        "amount",
        "[",
        "]",
        "(",
        ")",
        "+",
        "-",
        "*",
        "/",
        "%",
        "==",
        "<",
        "&&",
        "||",
        "?",
        ":",
        "!",
        "in",
        ",",
        "1",
        "2.5",
        "'a'",
        "null",
        ".map(x, x)",
        ".all(x, true)",
        "size",
        "sum",
        "x",
        "b''",
        "{",
        "9223372036854775808",
        "'",
        "\"",
        "has",
        "r",
        "ä",
        "}",
    ];
    let known = proptest::sample::select(WORDS.as_slice()).prop_map(str::to_string);
    prop_oneof![9 => known, 1 => ".{0,4}"]
}
