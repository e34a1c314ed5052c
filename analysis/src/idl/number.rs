//! Exact numbers: whole numbers and decimals of any sign, with a bound on their length in place of a wrap or a rounding.

#[cfg(test)]
mod tests;
mod text;

pub use text::ParseNumberError;

use std::{cmp::Ordering, str::FromStr, sync::Arc};

use bigdecimal::{
    num_bigint::{BigInt, Sign},
    num_traits::{Signed, ToPrimitive, Zero},
    One,
};

/// No numerator and no denominator is longer. Four factors of 128 bits need 512.
pub const MAX_BITS: u64 = 2_048;

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Beyond [`MAX_BITS`].
    #[error("overflow: the result has more than {MAX_BITS} bits")]
    Overflow,
    #[error("division by zero")]
    DivisionByZero,
    /// `%` of a decimal.
    #[error("a remainder must be of whole numbers")]
    NotWhole,
    /// An exponent that is negative or no whole number.
    #[error("an exponent must be a whole number from 0 on")]
    Exponent,
}

/// A rational number. As in CEL, whole numbers and decimals are different kinds: `7 / 2` is 3, `7.0 / 2` is 3.5. They compare by
/// value.
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    /// A whole number.
    Small(i128),
    Big(Arc<Big>),
}

/// In lowest terms, the denominator above zero.
struct Big {
    numerator: BigInt,
    denominator: BigInt,
    decimal: bool,
}

impl Number {
    /// Zero, a whole number.
    pub const ZERO: Self = Self(Repr::Small(0));

    /// A whole number.
    ///
    /// # Errors
    /// [`NumberError::Overflow`].
    pub fn whole(value: BigInt) -> Result<Self, NumberError> {
        Self::new(value, BigInt::one(), false)
    }

    /// What a float prints, as a decimal: 0.1 is 0.1. `None`: it is not finite.
    pub fn float(value: f64) -> Option<Self> {
        let text = value.is_finite().then(|| value.to_string())?;
        Self::from_str(&text).ok()?.into_decimal().ok()
    }

    fn new(numerator: BigInt, denominator: BigInt, decimal: bool) -> Result<Self, NumberError> {
        if denominator.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        let divisor = gcd(&numerator, &denominator);
        let sign = if denominator.is_negative() { -1 } else { 1 };
        let numerator: BigInt = numerator / &divisor * sign;
        let denominator: BigInt = denominator / divisor * sign;
        if numerator.bits() > MAX_BITS || denominator.bits() > MAX_BITS {
            return Err(NumberError::Overflow);
        }
        Ok(match numerator.to_i128().filter(|_| !decimal) {
            Some(small) => Self(Repr::Small(small)),
            None => Self(Repr::Big(Arc::new(Big {
                numerator,
                denominator,
                decimal,
            }))),
        })
    }

    fn parts(&self) -> (BigInt, BigInt) {
        match &self.0 {
            Repr::Small(small) => (BigInt::from(*small), BigInt::one()),
            Repr::Big(big) => (big.numerator.clone(), big.denominator.clone()),
        }
    }

    /// How much work it is to compute with it, beside one that a machine computes with: in bytes.
    pub fn weight(&self) -> usize {
        match &self.0 {
            Repr::Small(_) => 0,
            Repr::Big(big) => {
                let bits = big.numerator.bits().saturating_add(big.denominator.bits());
                usize::try_from(bits / 8).unwrap_or(usize::MAX)
            }
        }
    }

    /// Whether its kind is decimal, which `7.0` is too.
    pub fn is_decimal(&self) -> bool {
        matches!(&self.0, Repr::Big(big) if big.decimal)
    }

    /// Whether it has no fraction.
    pub fn is_integral(&self) -> bool {
        match &self.0 {
            Repr::Small(_) => true,
            Repr::Big(big) => big.denominator.is_one(),
        }
    }

    /// The same value as a decimal, so that dividing it is exact.
    ///
    /// # Errors
    /// Never for a number that exists; [`NumberError::Overflow`] by its type.
    pub fn into_decimal(self) -> Result<Self, NumberError> {
        let (numerator, denominator) = self.parts();
        Self::new(numerator, denominator, true)
    }

    /// If it is whole and fits.
    pub fn to_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Small(small) => u64::try_from(*small).ok(),
            Repr::Big(big) if big.denominator.is_one() => big.numerator.to_u64(),
            Repr::Big(_) => None,
        }
    }

    /// If it is whole and fits.
    pub fn to_i128(&self) -> Option<i128> {
        match &self.0 {
            Repr::Small(small) => Some(*small),
            Repr::Big(big) if big.denominator.is_one() => big.numerator.to_i128(),
            Repr::Big(_) => None,
        }
    }

    /// If it is whole and fits.
    pub fn to_u128(&self) -> Option<u128> {
        match &self.0 {
            Repr::Small(small) => u128::try_from(*small).ok(),
            Repr::Big(big) if big.denominator.is_one() => big.numerator.to_u128(),
            Repr::Big(_) => None,
        }
    }

    fn exact(
        &self,
        other: &Self,
        combine: impl FnOnce((BigInt, BigInt), (BigInt, BigInt)) -> (BigInt, BigInt),
    ) -> Result<Self, NumberError> {
        let decimal = self.is_decimal() || other.is_decimal();
        let (numerator, denominator) = combine(self.parts(), other.parts());
        Self::new(numerator, denominator, decimal)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`NumberError::Overflow`].
    pub fn add(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0) {
            if let Some(sum) = a.checked_add(*b) {
                return Ok(Self(Repr::Small(sum)));
            }
        }
        self.exact(other, |(a, b), (c, d)| (a * &d + c * &b, b * d))
    }

    /// The difference, which may be below zero.
    ///
    /// # Errors
    /// [`NumberError::Overflow`].
    pub fn sub(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0) {
            if let Some(difference) = a.checked_sub(*b) {
                return Ok(Self(Repr::Small(difference)));
            }
        }
        self.exact(other, |(a, b), (c, d)| (a * &d - c * &b, b * d))
    }

    /// The product.
    ///
    /// # Errors
    /// [`NumberError::Overflow`].
    pub fn mul(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0) {
            if let Some(product) = a.checked_mul(*b) {
                return Ok(Self(Repr::Small(product)));
            }
        }
        self.exact(other, |(a, b), (c, d)| (a * c, b * d))
    }

    /// The quotient: of whole numbers without its fraction, as programs and CEL compute it; exact where one of them is a decimal.
    ///
    /// # Errors
    /// [`NumberError::DivisionByZero`], [`NumberError::Overflow`].
    pub fn div(&self, other: &Self) -> Result<Self, NumberError> {
        if self.is_decimal() || other.is_decimal() {
            return self.exact(other, |(a, b), (c, d)| (a * d, b * c));
        }
        let ((a, _), (c, _)) = (self.parts(), other.parts());
        if c.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        Self::whole(a / c)
    }

    /// The remainder of whole numbers, with the sign of the dividend.
    ///
    /// # Errors
    /// [`NumberError::DivisionByZero`], [`NumberError::NotWhole`].
    pub fn rem(&self, other: &Self) -> Result<Self, NumberError> {
        if self.is_decimal() || other.is_decimal() {
            return Err(NumberError::NotWhole);
        }
        let ((a, _), (c, _)) = (self.parts(), other.parts());
        if c.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        Self::whole(a % c)
    }

    /// The negative.
    ///
    /// # Errors
    /// [`NumberError::Overflow`].
    pub fn neg(&self) -> Result<Self, NumberError> {
        Self::ZERO.sub(self)
    }

    /// The value without its sign.
    ///
    /// # Errors
    /// [`NumberError::Overflow`].
    pub fn abs(&self) -> Result<Self, NumberError> {
        match self < &Self::ZERO {
            true => self.neg(),
            false => Ok(self.clone()),
        }
    }

    /// The power.
    ///
    /// # Errors
    /// [`NumberError::Exponent`], [`NumberError::Overflow`].
    pub fn pow(&self, exponent: &Self) -> Result<Self, NumberError> {
        let exponent = exponent.to_u64().ok_or(NumberError::Exponent)?;
        let (numerator, denominator) = self.parts();
        // Of 0, 1 and -1 every power is short.
        let longest = numerator.bits().max(denominator.bits()).saturating_sub(1);
        if longest.saturating_mul(exponent) > MAX_BITS {
            return Err(NumberError::Overflow);
        }
        let exponent = match longest {
            0 => u32::try_from(exponent.min(2 + exponent % 2)).unwrap_or(2),
            _ => u32::try_from(exponent).map_err(|_| NumberError::Overflow)?,
        };
        let decimal = self.is_decimal();
        Self::new(numerator.pow(exponent), denominator.pow(exponent), decimal)
    }

    /// The largest whole number that is not above it.
    ///
    /// # Errors
    /// [`NumberError::Overflow`].
    pub fn floor(&self) -> Result<Self, NumberError> {
        let (numerator, denominator) = self.parts();
        let below = numerator.is_negative() && !(&numerator % &denominator).is_zero();
        Self::whole(numerator / denominator - i32::from(below))
    }

    /// The smallest whole number that is not below it.
    ///
    /// # Errors
    /// [`NumberError::Overflow`].
    pub fn ceil(&self) -> Result<Self, NumberError> {
        self.neg()?.floor()?.neg()
    }

    /// The whole number that is left without its fraction.
    ///
    /// # Errors
    /// [`NumberError::Overflow`].
    pub fn trunc(&self) -> Result<Self, NumberError> {
        let (numerator, denominator) = self.parts();
        Self::whole(numerator / denominator)
    }
}

fn gcd(a: &BigInt, b: &BigInt) -> BigInt {
    if b.is_one() {
        return BigInt::one();
    }
    let (mut a, mut b) = (a.abs(), b.abs());
    while !b.is_zero() {
        let rest = a % &b;
        a = b;
        b = rest;
    }
    a
}

macro_rules! from_small {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Number {
            fn from(value: $kind) -> Self {
                Self(Repr::Small(i128::from(value)))
            }
        }
    )*};
}
from_small!(u8, u16, u32, u64, i8, i16, i32, i64, i128);

impl From<u128> for Number {
    fn from(value: u128) -> Self {
        match i128::try_from(value) {
            Ok(small) => Self(Repr::Small(small)),
            Err(_) => Self(Repr::Big(Arc::new(Big {
                numerator: BigInt::from(value),
                denominator: BigInt::one(),
                decimal: false,
            }))),
        }
    }
}

impl Number {
    /// Of bytes in little-endian order, at most 32.
    pub fn from_le_bytes(bytes: &[u8], signed: bool) -> Self {
        let big = match signed {
            true => BigInt::from_signed_bytes_le(bytes),
            false => BigInt::from_bytes_le(Sign::Plus, bytes),
        };
        // 256 bits are fewer than allowed.
        Self::whole(big).unwrap_or(Self::ZERO)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0) {
            return a.cmp(b);
        }
        let ((a, b), (c, d)) = (self.parts(), other.parts());
        (a * d).cmp(&(c * b))
    }
}
