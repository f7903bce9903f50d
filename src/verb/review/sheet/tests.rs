//! What a person, a spreadsheet and a hostile record make of a sheet.

use proptest::prelude::*;

use super::super::samples::pair;
use super::*;

/// Returns the sheet of pairs as written.
fn written(pairs: &[(QueuedPair, ComparedPair)]) -> String {
    let mut sheet = Vec::new();
    write_sheet(&mut sheet, pairs).unwrap();
    String::from_utf8(sheet).unwrap()
}

fn read(sheet: impl AsRef<[u8]>) -> Result<Vec<SheetRow>> {
    read_sheet("decisions.csv", sheet.as_ref())
}

/// Returns the message of a sheet that is refused.
fn problem(sheet: impl AsRef<[u8]>) -> String {
    match read(sheet) {
        Err(Error::Invalid { message, hint }) => {
            assert!(hint.is_some_and(|hint| hint.starts_with("nothing was applied")));
            message
        }
        other => panic!("{other:?}"),
    }
}

fn row(line: u64, numbers: (i64, i64), decision: Decision, note: Option<&str>) -> SheetRow {
    let decision = PairDecision::new(
        RecordNumber::new(numbers.0),
        RecordNumber::new(numbers.1),
        decision,
    )
    .note(note.map(str::to_owned))
    .version("1f3a9c02".to_owned());
    SheetRow { line, decision }
}

#[test]
fn a_sheet_is_for_people_and_spreadsheets() {
    let pairs = [
        pair(
            (4, 9),
            ("A:4", "C:9"),
            &[("given", "Jo", "Jon"), ("phone", "+49 30", "")],
        ),
        pair((5, 6), ("=1+1", "\u{202e}x\n"), &[("zip", "@SUM(1)", "-5")]),
    ];
    assert_eq!(
        written(&pairs),
        "\u{feff}pair,a,b,decision,reason,band,probability,since,note,given (a),given (b),phone (a),phone (b),zip (a),zip (b)\n\
         4+9.1f3a9c02,A:4,C:9,,,near,0.83,2026-11-30T08:00:00Z,C:9,Jo,Jon,'+49 30,,,\n\
         5+6.1f3a9c02,'=1+1,\\u{202e}x\\n,,,near,0.83,2026-11-30T08:00:00Z,\\u{202e}x\\n,,,,,'@SUM(1),-5\n"
    );
    assert_eq!(read(written(&pairs)).unwrap(), []);
    assert_eq!(
        written(&[]),
        "\u{feff}pair,a,b,decision,reason,band,probability,since,note\n"
    );
}

#[test]
fn case_blanks_order_and_separator_are_forgiven() {
    let sheet = "\u{feff}decision;reason;pair\r\n ACCEPT\u{a0};;4+9.1F3A9C02\r\n\r\n;;\r\nNever; two births ;5+9.1f3a9c02\r\n\
                 ;ask him;6+9.1f3a9c02\r\n;;7+9.1f3a9c02\r\nsame;'=1;8+9.1f3a9c02\r\nNever;two births;5+9.1f3a9c02\r\n";
    assert_eq!(
        read(sheet).unwrap(),
        [
            row(2, (4, 9), Decision::Accept, None),
            row(5, (5, 9), Decision::Never, Some("two births")),
            row(6, (6, 9), Decision::Note, Some("ask him")),
            row(8, (8, 9), Decision::Same, Some("=1")),
        ]
    );
    assert_eq!(
        read("pair,decision\n\"4+9.1f3a9c02\",reject\n").unwrap(),
        [row(2, (4, 9), Decision::Reject, None)]
    );
}

#[test]
fn every_bad_line_is_named_and_the_sheet_is_not_read_in_part() {
    let sheet = "pair,a,b,decision,reason\n1+2.1f3a9c02,,,accept,\n4+9,,,accept,\n13,,,accept,\n1+2.1f3a9c02,,,reject,\n\
                 2+3.1f3a9c02,,,perhaps,\n,,,accept,\n3+2.1f3a9c02,,,accept,\n2+3.1f3a9c02,,,never\n\
                 1+2.1f3a9c02,,,accept,sure\n+5+6.1f3a9c02,,,same,\n5+6.1.5,,,same,\n2+4.1f3a9c02,,,\"never\"x,\n";
    let problem = problem(sheet);
    let bad_decision = format!("`perhaps` {BAD_DECISION}");
    let expected = [
        (3, NO_VERSION),
        (4, BAD_NAME),
        (5, "line 2 decides the same pair otherwise: keep one of the two"),
        (6, bad_decision.as_str()),
        (7, BAD_NAME),
        (8, BAD_NAME),
        (9, "expected 5 fields, as in the header, not 4"),
        (
            10,
            "line 2 decides the same pair with another reason or version: keep one of the two",
        ),
        (11, BAD_NAME),
        (12, BAD_NAME),
        (
            13,
            "expected nothing between the closing quote of a field and its end",
        ),
    ];
    let lines = expected.map(|(line, problem)| format!("\n  line {line}: {problem}"));
    assert_eq!(
        problem,
        format!("11 lines of decisions.csv cannot be used{}", lines.concat())
    );
}

#[test]
fn twenty_bad_lines_are_named_and_the_others_counted() {
    let problem = problem(format!("pair,decision\n{}", "4+9,accept\n".repeat(100_000)));
    assert!(problem.starts_with("100000 lines of") && problem.ends_with("\n  and 99980 more"));
    assert_eq!(problem.lines().count(), 22);
}

#[test]
fn a_quote_that_is_not_closed_hides_no_decision() {
    let problem = problem("pair,decision,reason\n4+9.1f3a9c02,accept,\"twins\n5+9.1f3a9c02,never,\n");
    assert!(
        problem.contains("line 2: expected a quoted field that is closed: the quote that opens on line 2"),
        "{problem}"
    );
}

#[test]
fn a_file_that_is_no_sheet_is_refused_with_what_to_do() {
    let utf16: Vec<u8> = "\u{feff}pair,decision\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let latin1 = b"pair,decision,reason\n4+9.1f3a9c02,accept,M\xfcller\n";
    let long = format!("pair,decision\n4+9.1f3a9c02,{}\n", "a".repeat(MAX_ROW_BYTES));
    for (sheet, told) in [
        (&utf16[..], "save it as `CSV UTF-8`"),
        (&utf16[2..], "save it as `CSV UTF-8`"),
        (latin1, "line 2: this line is not in UTF-8"),
        (b"pair\tdecision\n", "not separated by commas or semicolons"),
        (b"pair,a,b,reason\n", "names no column `decision`"),
        (b"Pair;decision\n", "names no column `pair`"),
        (b"\xef\xbb\xbf\n", "it is empty"),
        (b"", "it is empty"),
        (
            b"pair,decision,decision\n",
            "gives column 2 and column 3 the same name",
        ),
        (b"pair,decision,\n", "does not name column 3"),
        (b"pair,decision\xff\n", "not in UTF-8"),
        (
            long.as_bytes(),
            "does not end within 4194304 bytes; is a quote missing?",
        ),
    ] {
        let problem = problem(sheet);
        assert!(problem.contains(told), "{problem}");
    }
}

#[test]
fn a_sheet_without_end_is_refused_and_not_kept() {
    let endless = b"pair,decision\n".chain(io::repeat(b'\n'));
    let refused = read_sheet("decisions.csv", endless);
    assert!(matches!(refused, Err(Error::Invalid { message, .. }) if message.contains("64 MiB")));
    let rows = (1..=MAX_ROWS + 1).map(|number| format!("{number}+999999.1f3a9c02,accept\n"));
    let many = rows.collect::<Vec<_>>().concat();
    let refused = problem(format!("pair,decision\n{many}"));
    assert!(refused.contains("100000 pairs; split it"), "{refused}");
}

/// Any text, often of what CSV, spreadsheets and screens care about.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[=+@\\-'\",;|\\t\\r\\n\u{0}\u{202e}\u{feff} a1.]{0,12}",
        "\\PC{0,8}",
        Just("<script>alert(1)</script>".to_owned()),
    ]
}

/// A decision as a person fills it in.
fn filled() -> impl Strategy<Value = (&'static str, String)> {
    let words = vec!["accept", "REJECT", " never", "Same ", "different", "", ""];
    (proptest::sample::select(words), hostile())
}

/// What a spreadsheet makes of a sheet: the cells of two columns filled in, and everything written in its manner.
fn saved(sheet: &str, filled: &[(&'static str, String)], by: u8, always_quoted: bool) -> Vec<u8> {
    let mut saved = b"\xef\xbb\xbf".to_vec();
    let style = if always_quoted {
        csv::QuoteStyle::Always
    } else {
        csv::QuoteStyle::Necessary
    };
    let mut out = csv::WriterBuilder::new()
        .delimiter(by)
        .quote_style(style)
        .terminator(csv::Terminator::CRLF)
        .from_writer(&mut saved);
    let mut cells = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(sheet.as_bytes());
    for (at, row) in cells.records().enumerate() {
        let mut row: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
        if let Some((decision, reason)) = at.checked_sub(1).map(|at| &filled[at]) {
            row[3] = (*decision).to_owned();
            row[4] = guarded(reason.as_str().into()).into_owned();
        }
        out.write_record(&row).unwrap();
    }
    out.flush().unwrap();
    drop(out);
    saved
}

proptest! {
    #[test]
    fn what_is_filled_in_is_what_is_read(
        texts in proptest::collection::vec((hostile(), hostile(), hostile(), filled()), 1..5),
        by in proptest::sample::select(&b",;"[..]),
        always_quoted: bool,
    ) {
        let pairs: Vec<_> = (1..).zip(&texts).map(|(number, (id, a, b, _))| {
            pair((number, number + 100), (id, a), &[("given", a, b), ("zip", b, id)])
        }).collect();
        let filled: Vec<_> = texts.into_iter().map(|(.., filled)| filled).collect();
        let sheet = written(&pairs);
        let hidden = ['\u{0}', '\u{202e}', '\u{feff}', '\t', '\r'];
        let plain = sheet.trim_start_matches('\u{feff}');
        prop_assert!(!plain.contains(hidden));
        prop_assert_eq!(sheet.lines().count(), pairs.len() + 1);
        let read = read(saved(&sheet, &filled, by, always_quoted)).unwrap();
        let expected: Vec<PairDecision> = pairs.iter().zip(&filled).filter_map(|((queued, _), (word, reason))| {
            let note = Some(reason.trim().to_owned()).filter(|note| !note.is_empty());
            let decision = match Decision::from_word(&word.trim().to_lowercase()) {
                None if note.is_none() => return None,
                decision => decision.unwrap_or(Decision::Note),
            };
            let version = Some(queued.version.clone());
            Some(PairDecision::new(queued.a.record, queued.b.record, decision).note(note).version(version))
        }).collect();
        let read: Vec<PairDecision> = read.into_iter().map(|row| row.decision.ids(None)).collect();
        prop_assert_eq!(read, expected);
    }
}
