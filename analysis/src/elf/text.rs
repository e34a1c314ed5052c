//! Text from an ELF: its author may be an attacker.

/// At most `max` characters of what the bytes say, with all that a terminal would obey, or that hides or reorders letters,
/// written out.
pub fn printable(bytes: &[u8], max: usize) -> String {
    // A character has four bytes at most.
    let most = max.saturating_mul(4).saturating_add(4);
    let text = String::from_utf8_lossy(bytes.get(..most).unwrap_or(bytes));
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count >= max {
            shown.push('…');
            break;
        }
        match c {
            '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}' => shown.extend(c.escape_unicode()),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// How many bytes are above the one before them. Sorted tables are not text, and no addresses either.
pub(super) fn ascents(bytes: &[u8]) -> usize {
    bytes.windows(2).filter(|pair| pair[0] < pair[1]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_passes() {
        assert_eq!(
            printable("a\u{1b}[2J\n\u{202e}b\u{200b}é".as_bytes(), 100),
            "a\\u{1b}[2J\\n\\u{202e}b\\u{200b}é"
        );
        assert_eq!(printable(b"ab\xffcd", 100), "ab\u{fffd}cd");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(printable("ééééé".as_bytes(), 3), "ééé…");
        assert_eq!(printable("abc".as_bytes(), 3), "abc");
    }
}
