use super::*;

#[test]
fn what_a_terminal_would_obey_is_written_out() {
    assert_eq!(
        printable("a\u{1b}[8mb\nc\u{202e}d é"),
        "a\\u{1b}[8mb\nc\\u{202e}d é"
    );
}

#[test]
fn what_must_stay_in_its_line_stays_there() {
    assert_eq!(one_line("a\ndigest  7f\u{1b}"), "a\\ndigest  7f\\u{1b}");
}
