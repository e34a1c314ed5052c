//! Numbers as people write them.

use std::{fmt, str::FromStr};

use bigdecimal::{num_bigint::BigInt, num_traits::Zero, BigDecimal, One};

use super::{Number, Repr};

/// More digits than [`MAX_BITS`](super::MAX_BITS) have.
const MAX_DIGITS: usize = 700;

/// No number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a number must be written as 12, -12 or 1.05, with at most {MAX_DIGITS} digits, found `{0}`"
)]
pub struct ParseNumberError(String);

impl FromStr for Number {
    type Err = ParseNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let short: String = text.chars().take(40).collect();
        let bad = || ParseNumberError(short.clone());
        let digits = |c: char| c.is_ascii_digit() || ".eE+-".contains(c);
        if text.len() > MAX_DIGITS || !text.chars().all(digits) {
            return Err(bad());
        }
        let (mantissa, exponent) = BigDecimal::from_str(text)
            .map_err(|_| bad())?
            .into_bigint_and_exponent();
        // Its power of ten is written out below.
        let power = u32::try_from(exponent.unsigned_abs()).map_err(|_| bad())?;
        if power > MAX_DIGITS as u32 {
            return Err(bad());
        }
        let power = BigInt::from(10).pow(power);
        let decimal = text.contains(['.', 'e', 'E']);
        let (numerator, denominator) = match exponent > 0 {
            true => (mantissa, power),
            false => (mantissa * power, BigInt::one()),
        };
        Self::new(numerator, denominator, decimal).map_err(|_| bad())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let big = match &self.0 {
            Repr::Small(small) => return write!(f, "{small}"),
            Repr::Big(big) => big,
        };
        // A fraction ends if its denominator divides a power of ten.
        let mut rest = big.denominator.clone();
        let mut places: i64 = 0;
        for factor in [2_u32, 5] {
            let mut count = 0;
            while BigInt::is_zero(&(&rest % factor)) {
                rest /= factor;
                count += 1;
            }
            places = places.max(count);
        }
        if !rest.is_one() {
            return write!(f, "{}/{}", big.numerator, big.denominator);
        }
        let power = BigInt::from(10).pow(u32::try_from(places).unwrap_or_default());
        let digits = &big.numerator * power / &big.denominator;
        f.write_str(&BigDecimal::new(digits, places).to_plain_string())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
