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

#[test]
fn a_table_breaks_no_address() {
    let address = "5DYQqg5XVS8zKwpyHo11sQ4bkRiXZYuWtrsKKuWQ9b66";
    let of = |width| {
        let row = vec!["some more words".to_string(), address.to_string()];
        table_within(width, &["what", "address"], vec![row])
    };
    let plain = format!("what             address\nsome more words  {address}");
    for (width, wrapped) in [(64, 1), (60, 2), (54, 3)] {
        let text = of(Some(width));
        assert!(text.starts_with('─') && text.contains(address), "{text}");
        assert_eq!(text.lines().count(), 4 + wrapped, "{text}");
    }
    assert_eq!(of(Some(50)), plain);
    assert_eq!(of(None), plain);
}

#[test]
fn fields_are_aligned() {
    let fields = Fields::new()
        .row("program", "abc")
        .row("eta", "")
        .row("hash", 7);
    assert_eq!(fields.render(2), "  program  abc\n  eta\n  hash     7");
}
