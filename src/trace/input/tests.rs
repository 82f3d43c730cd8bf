use proptest::prelude::*;

use super::*;

/// All pieces, with the bytes that were taken; `None` for one that is too long.
fn pieces(bytes: &[u8]) -> (Vec<Option<Vec<u8>>>, u64) {
    let log = Log::new("test", io::Cursor::new(bytes.to_vec()));
    let mut pieces = log.pieces().unwrap();
    let mut all = Vec::new();
    while let Some(piece) = pieces.next().unwrap() {
        all.push(match piece {
            Piece::Whole(bytes) => Some(bytes.to_vec()),
            Piece::TooLong(_) | Piece::Endless(_) => None,
        });
    }
    (all, pieces.bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Lines as another program cuts them, some of which are longer than what is read at once.
    #[test]
    fn lines_are_cut_at_their_ends(
        lengths in prop::collection::vec(prop_oneof![0_usize..50, LONGEST - 2..LONGEST + 3, 0..3 * BUFFER], 0..8),
        ends: bool,
    ) {
        let lines: Vec<Vec<u8>> = lengths.iter().map(|it| vec![b'x'; *it]).collect();
        let mut bytes = lines.join(&b'\n');
        if ends && !lines.is_empty() {
            bytes.push(b'\n');
        }
        let text = String::from_utf8(bytes.clone()).unwrap();
        let wanted: Vec<_> = text
            .lines()
            .map(|it| (it.len() <= LONGEST).then(|| it.as_bytes().to_vec()))
            .collect();
        prop_assert_eq!(pieces(&bytes), (wanted, bytes.len() as u64));
    }

    #[test]
    fn any_bytes_are_cut(bytes in prop::collection::vec(prop::sample::select(b"[{\"}\\,] \n\0a".to_vec()), 0..60)) {
        let (_, taken) = pieces(&bytes);
        prop_assert_eq!(taken, bytes.len() as u64);
    }
}

#[test]
fn records_are_objects_of_an_array() {
    let whole = |it: &str| Some(it.as_bytes().to_vec());
    let (a, b) = (r#"{"a": "}\"{", "b": [{}]}"#, "{}");
    for text in [
        format!("[{a},{b}]"),
        format!("\n[ {a} ,\n {b} ]\n"),
        format!("{{\"Records\": [{a}, {b}]}}"),
    ] {
        assert_eq!(
            pieces(text.as_bytes()),
            (vec![whole(a), whole(b)], text.len() as u64)
        );
    }
    let long = format!("[{b}, {{\"a\": \"{}\"}}, {b}]", "x".repeat(LONGEST));
    assert_eq!(pieces(long.as_bytes()).0, [whole(b), None, whole(b)]);
    // Longer than what is read at once, and another one behind it.
    let longer = format!("[{{\"a\": \"\\\"{}}}\"}}, {b}]", "x".repeat(3 * BUFFER));
    assert_eq!(
        pieces(longer.as_bytes()),
        (vec![None, whole(b)], longer.len() as u64)
    );
    let endless = format!("[{b}, {{\"a\": \"{}", "x".repeat(3 * BUFFER));
    assert_eq!(
        pieces(endless.as_bytes()),
        (vec![whole(b), None], endless.len() as u64)
    );
    assert_eq!(pieces(b"[]"), (vec![], 2));
}

/// Files that were joined, as by `zcat *.json.gz`.
#[test]
fn arrays_that_follow_each_other_are_all_read() {
    let whole = |it: &str| Some(it.as_bytes().to_vec());
    let (a, b) = (r#"{"a": [1, {}]}"#, r#"{"b": "]"}"#);
    let trail = |it: &str| format!("{{\"Records\": [{it}]}}");
    for text in [
        format!("[{a}][{b}]"),
        format!("[{a}]\n[]\n[{b}]\n"),
        format!("[]\n[{a},\n{b}]"),
        format!("{}{}", trail(a), trail(b)),
        format!("{}\n{}\n{}\n", trail(a), trail(""), trail(b)),
        // More between them than is read at once.
        format!("[{a}]{}[{b}]", " ".repeat(3 * BUFFER)),
    ] {
        let found = pieces(text.as_bytes());
        assert_eq!(found.0, [whole(a), whole(b)], "{}", &text[..40]);
        assert_eq!(found.1, text.len() as u64);
    }
    // What is neither is one piece that could not be read, to the end.
    for behind in ["nonsense", "7]", "\"x\": {}}"] {
        let text = format!("[{a}, {behind} {b}]");
        assert_eq!(
            pieces(text.as_bytes()),
            (vec![whole(a), None], text.len() as u64)
        );
    }
}

#[test]
fn what_stands_in_front_of_text_is_cut() {
    let line = |it: &str| Some(it.as_bytes().to_vec());
    let mark = "\u{feff}";
    for text in [
        format!("{mark}a\r\nb\n"),
        format!("a\n{mark}b"),
        format!("{}a\n\0\0b\n", "\0".repeat(3 * BUFFER)),
    ] {
        assert_eq!(
            pieces(text.as_bytes()),
            (vec![line("a"), line("b")], text.len() as u64)
        );
    }
    assert_eq!(pieces(b"\0\0\n\0").0, [line("")]);
    assert_eq!(pieces("\u{feff}[{}]".as_bytes()).0, [line("{}")]);
    for bytes in [[0xff, 0xfe, b'1', 0], [0xfe, 0xff, 0, b'1']] {
        let log = Log::new("test", io::Cursor::new(bytes.to_vec()));
        let error = log.pieces().err().unwrap().to_string();
        assert!(error.contains("UTF-16"), "{error}");
    }
}
