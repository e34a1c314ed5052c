//! Words, keys, hashes and times as a text shows them. By hand, without `core::fmt`, which costs many more compute units.

use anchor_lang::prelude::*;

use super::Outcome;
use crate::error::PortcullisError;

pub(super) fn put(text: &mut Vec<u8>, word: &str) {
    text.extend_from_slice(word.as_bytes());
}

/// A key in base58. The crate `five8` would cost 5,000 compute units more.
pub(super) fn put_key(text: &mut Vec<u8>, label: &str, key: &Pubkey) {
    const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    /// 58⁵: what is below it, times 2³² and more, fits a `u64`.
    const FIVE_DIGITS: u64 = 58 * 58 * 58 * 58 * 58;

    put(text, label);
    let mut limbs = [0_u64; 8];
    for (limb, bytes) in limbs.iter_mut().zip(key.as_array().as_chunks().0) {
        *limb = u64::from(u32::from_be_bytes(*bytes));
    }
    // 58⁴⁵ is above 2²⁵⁶. Dividing the key by 58⁵ again and again, nine times, leaves the digits from the last to the first.
    let mut encoded = [0; 45];
    for five in encoded.as_chunks_mut::<5>().0.iter_mut().rev() {
        let mut rest = 0;
        for limb in &mut limbs {
            let part = rest << 32 | *limb;
            (*limb, rest) = (part / FIVE_DIGITS, part % FIVE_DIGITS);
        }
        for digit in five.iter_mut().rev() {
            // The place is below 58.
            *digit = DIGITS
                .get((rest % 58) as usize)
                .copied()
                .unwrap_or_default();
            rest /= 58;
        }
    }
    // Base58 writes a digit for each leading zero byte, and none for leading zeros otherwise.
    let zeros = key.as_array().iter().take_while(|byte| **byte == 0).count();
    let unused = encoded.iter().take_while(|digit| **digit == b'1').count();
    let start = unused.saturating_sub(zeros);
    text.extend_from_slice(encoded.get(start..).unwrap_or_default());
}

/// A hash in lower-case hexadecimal digits.
pub(super) fn put_hash(text: &mut Vec<u8>, label: &str, hash: &[u8; 32]) {
    put(text, label);
    for bytes in hash.as_chunks::<4>().0 {
        text.extend_from_slice(&hex_digits(*bytes));
    }
}

/// Eight digits at once, one in each byte of a `u64`: one by one they cost ten times as many compute units.
const fn hex_digits(bytes: [u8; 4]) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let all = u32::from_be_bytes(bytes) as u64;
    let halves = (all << 16 | all) & 0x0000_ffff_0000_ffff;
    let bytes = (halves << 8 | halves) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (bytes << 4 | bytes) & 0x0f0f_0f0f_0f0f_0f0f;
    // A nibble above 9 plus 6 carries into the next bit. No byte reaches 256, so nothing wraps.
    let letters = (nibbles.wrapping_add(ONES.wrapping_mul(6)) >> 4) & ONES;
    nibbles
        .wrapping_add(ONES.wrapping_mul(b'0' as u64))
        // From where '9' ends to 'a' are 39 places.
        .wrapping_add(letters.wrapping_mul(39))
        .to_be_bytes()
}

pub(super) fn put_time(text: &mut Vec<u8>, label: &str, timestamp: i64) -> Outcome<()> {
    put(text, label);
    text.extend_from_slice(&utc(timestamp).ok_or(PortcullisError::Overflow)?);
    Ok(())
}

/// A time as `2026-11-21 10:00:00 UTC`. `None` outside the years 1970 to 9999.
pub fn utc(timestamp: i64) -> Option<[u8; 23]> {
    const SECONDS_A_DAY: u64 = 86_400;
    /// Days in 400 years, after which the calendar repeats itself.
    const DAYS_AN_ERA: u32 = 146_097;
    /// Days from 0000-03-01 to 1970-01-01. With years that begin in March a leap day is the last one.
    const DAYS_BEFORE_1970: u32 = 719_468;

    let timestamp = u64::try_from(timestamp).ok()?;
    let days = u32::try_from(timestamp / SECONDS_A_DAY).ok()?;
    let second = u32::try_from(timestamp % SECONDS_A_DAY).ok()?;

    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    let days = days.checked_add(DAYS_BEFORE_1970)?;
    let (era, day) = (days / DAYS_AN_ERA, days % DAYS_AN_ERA);
    // Without the leap days before it, each year has 365 days.
    let year = day
        .checked_sub(day / 1_460)?
        .checked_add(day / 36_524)?
        .checked_sub(day / 146_096)?
        / 365;
    let day = day.checked_sub(
        year.checked_mul(365)?
            .checked_add(year / 4)?
            .checked_sub(year / 100)?,
    )?;
    // From March on, months have 31, 30, 31, 30, 31 days, again and again.
    let month = day.checked_mul(5)?.checked_add(2)? / 153;
    let day = day
        .checked_sub(month.checked_mul(153)?.checked_add(2)? / 5)?
        .checked_add(1)?;
    let january = month >= 10;
    let month = if january {
        month.checked_sub(9)?
    } else {
        month.checked_add(3)?
    };
    let year = era
        .checked_mul(400)?
        .checked_add(year)?
        .checked_add(u32::from(january))?;
    if year > 9_999 {
        return None;
    }

    let [y1, y2] = two_digits(year / 100);
    let [y3, y4] = two_digits(year % 100);
    let [m1, m2] = two_digits(month);
    let [d1, d2] = two_digits(day);
    let [h1, h2] = two_digits(second / 3_600);
    let [i1, i2] = two_digits(second / 60 % 60);
    let [s1, s2] = two_digits(second % 60);
    Some([
        y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b' ', h1, h2, b':', i1, i2, b':', s1, s2, b' ',
        b'U', b'T', b'C',
    ])
}

/// The digits of a number below 100.
fn two_digits(number: u32) -> [u8; 2] {
    // Below ten each, so the casts lose nothing.
    [
        b'0'.wrapping_add((number / 10) as u8),
        b'0'.wrapping_add((number % 10) as u8),
    ]
}
