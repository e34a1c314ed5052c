//! Exactness, at the edges of what machines count with.

use super::*;

fn number(text: &str) -> Number {
    text.parse().unwrap()
}

fn edges() -> Vec<Number> {
    let mut edges: Vec<Number> = vec![
        u64::MAX.into(),
        i64::MAX.into(),
        i64::MIN.into(),
        i128::MAX.into(),
        i128::MIN.into(),
        u128::MAX.into(),
    ];
    let one = Number::from(1_u8);
    for edge in edges.clone() {
        edges.push(edge.add(&one).unwrap());
        edges.push(edge.sub(&one).unwrap());
    }
    edges
}

#[test]
fn nothing_wraps_at_the_edges() {
    for a in edges() {
        for b in edges() {
            assert_eq!(a.add(&b).unwrap().sub(&b).unwrap(), a);
            assert_eq!(a.mul(&b).unwrap().div(&b).unwrap(), a);
            let rebuilt = a.div(&b).unwrap().mul(&b).unwrap();
            assert_eq!(rebuilt.add(&a.rem(&b).unwrap()).unwrap(), a);
            assert_eq!(a < b, b.sub(&a).unwrap() > Number::ZERO);
            assert_eq!(number(&a.to_string()), a);
        }
    }
    let sum = Number::from(u128::MAX).add(&1_u8.into()).unwrap();
    assert_eq!(sum.to_string(), "340282366920938463463374607431768211456");
    assert_eq!(sum.to_u128(), None);
    assert_eq!(Number::from(i128::MIN).neg().unwrap().to_i128(), None);
    let min = Number::from(i128::MIN);
    let quotient = min.div(&(-1_i8).into()).unwrap();
    assert_eq!(
        quotient.to_string(),
        "170141183460469231731687303715884105728"
    );
}

#[test]
fn what_is_too_long_is_an_error() {
    let most = Number::from(2_u8).pow(&2_047_u16.into()).unwrap();
    assert_eq!(most.add(&most), Err(NumberError::Overflow));
    assert_eq!(most.mul(&2_u8.into()), Err(NumberError::Overflow));
    let far = Number::from(u64::MAX);
    assert_eq!(Number::from(3_u8).pow(&far), Err(NumberError::Overflow));
    assert_eq!(Number::from(-1_i8).pow(&far).unwrap(), Number::from(-1_i8));
    assert_eq!(Number::ZERO.pow(&Number::ZERO).unwrap(), 1_u8.into());
    let third = number("1.0").div(&3_u8.into()).unwrap();
    assert_eq!(third.pow(&5_000_u16.into()), Err(NumberError::Overflow));
}

#[test]
fn decimals_are_exact_and_whole_numbers_lose_their_fraction() {
    assert_eq!(
        Number::from(-7_i8).div(&2_u8.into()).unwrap().to_string(),
        "-3"
    );
    assert_eq!(
        Number::from(-7_i8).rem(&2_u8.into()).unwrap().to_string(),
        "-1"
    );
    let third = number("1.0").div(&3_u8.into()).unwrap();
    assert_eq!(third.to_string(), "1/3");
    assert_eq!(third.mul(&3_u8.into()).unwrap(), 1_u8.into());
    let tenth = number("0.1");
    assert_eq!(tenth.add(&number("0.2")).unwrap(), number("0.3"));
    assert_eq!(number("-2.5").floor().unwrap().to_string(), "-3");
    assert_eq!(number("-2.5").ceil().unwrap().to_string(), "-2");
    assert_eq!(number("-2.5").trunc().unwrap().to_string(), "-2");
    assert_eq!(number("2.50").to_string(), "2.5");
    assert_eq!(number("1e3").to_string(), "1000");
    assert_eq!(Number::float(0.1).unwrap(), tenth);
    let largest = Number::float(f64::MAX).unwrap();
    assert!(largest.is_decimal() && !largest.floor().unwrap().is_decimal());
    assert!(Number::float(f64::MIN_POSITIVE).is_some());
    assert_eq!(Number::float(f64::NAN), None);
    assert_eq!(tenth.rem(&1_u8.into()), Err(NumberError::NotWhole));
    assert_eq!(tenth.div(&Number::ZERO), Err(NumberError::DivisionByZero));
    assert_eq!(
        Number::ZERO.div(&Number::ZERO),
        Err(NumberError::DivisionByZero)
    );
}

#[test]
fn only_numbers_are_parsed() {
    let long = "9".repeat(701);
    for wrong in [
        "", "x", "0x10", "1.0.0", "1e99999", "1e-99999", "--1", "1_0", &long,
    ] {
        assert!(wrong.parse::<Number>().is_err(), "{wrong}");
    }
}

#[test]
fn bytes_are_numbers_of_their_sign() {
    assert_eq!(Number::from_le_bytes(&[0xff; 32], true), (-1_i8).into());
    assert_eq!(Number::from_le_bytes(&[0xff; 16], false), u128::MAX.into());
}
