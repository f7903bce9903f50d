//! One grammar of number texts: every reader against a naive model of it, over a corpus; the table of
//! `docs/numbers.md`, which is made from the readers; ids of numbers.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::json;

use self::model::Verdict;
use self::readers::{all, carry, id_of, number, of_numbers, stage};

mod model;
mod readers;

/// The texts of the table.
const TEXTS: &[&str] = &[
    "5",
    "-5",
    "+5",
    "12.50",
    "7.0",
    "007",
    ".5",
    "1.",
    "-0",
    "0.0",
    " 5",
    "5 ",
    "- 5",
    "5-",
    "--5",
    "(5)",
    "1e3",
    "1.5E-3",
    "1e400",
    "1,234",
    "1,234.50",
    "12,34",
    "1,23",
    "0,123",
    "00,123",
    "012,345",
    "1,234,56",
    "1,234e2",
    "1.234",
    "1.234,50",
    "1'234,5",
    "1_000",
    "1 234",
    "12345678901234567890",
    "1234567890123456789012345678",
    "12345678901234567890123456789",
    "99999999999999999999999999999",
    "0.0000000000000000000000000001",
    "0.00000000000000000000000000001",
    "",
    " ",
    "-",
    ".",
    "5 USD",
    "$5",
    "0x10",
    "NaN",
    "Infinity",
    "1.2.3",
    "\u{663}",
    "\u{2212}5",
    "\u{ff15}",
];

/// Every combination of what may stand before a number, of bodies, and of what may stand behind it.
fn corpus() -> BTreeSet<String> {
    const BEFORE: &[&str] = &["", " ", "\t", "\u{a0}", "("];
    const SIGNS: &[&str] = &["", "-", "+", "- ", "+-", "\u{2212}"];
    const BODIES: &[&str] = &[
        "0",
        "00",
        "7",
        "007",
        "12",
        "123",
        "0123",
        "1234",
        "999999999999999999",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "79228162514264337593543950335",
        "79228162514264337593543950336",
        "9999999999999999999999999999",
        "10000000000000000000000000000",
        "0000000000000000000000000000000000000007",
        "340282366920938463463374607431768211456",
        "0.0",
        "0.5",
        ".5",
        "5.",
        ".",
        "7.0",
        "12.50",
        "1.2.3",
        "0.0000000000000000000000000000",
        "0.00000000000000000000000000000",
        "1.0000000000000000000000000001",
        "1.00000000000000000000000000001",
        "9999999999999999999999999999.9",
        "9.999999999999999999999999999",
        "1,234",
        "0,123",
        "12,345,678",
        "12,34",
        "1,234.50",
        "1,234,5.0",
        ",123",
        "123,",
        "1,,234",
        "1,234'567",
        "1.234",
        "1.234,50",
        "1.234.567",
        "1'234",
        "1'234'567,8",
        "1_000",
        "1__0",
        "1 234",
        "1\u{a0}234",
        "\u{663}",
        "\u{ff15}",
        "NaN",
        "inf",
        "0x10",
        "e",
        "",
    ];
    const BEHIND: &[&str] = &[
        "",
        " ",
        ")",
        "-",
        "e3",
        "E-2",
        "e+05",
        "e",
        "e3.0",
        "e99999999999999999999",
    ];
    let mut texts: BTreeSet<String> = TEXTS.iter().map(|text| (*text).to_owned()).collect();
    for before in BEFORE {
        for sign in SIGNS {
            for body in BODIES {
                texts.extend(BEHIND.iter().map(|behind| [before, sign, body, *behind].concat()));
            }
        }
    }
    texts
}

#[test]
fn every_reader_takes_what_the_grammar_says() {
    let (texts, readers) = (corpus(), all());
    assert!(texts.len() >= 4000, "{}", texts.len());
    for reader in &readers {
        let mut read = 0;
        for text in &texts {
            let (given, expected) = ((reader.read)(text), (reader.expected)(text));
            assert_eq!(given, expected, "{} of {text:?}", reader.name);
            read += usize::from(matches!(given, Verdict::Reads(_)));
        }
        // A reader that refuses everything would agree with a model that does.
        assert!(read >= 20, "{} read {read}", reader.name);
    }
}

#[test]
fn numbers_of_json_are_the_same_to_every_reader() {
    let json = model::json();
    let (mut read, mut long) = (0, 0);
    for text in corpus() {
        let expected = json.read(&text);
        if expected == Verdict::Invalid {
            continue;
        }
        for (name, stage) in of_numbers() {
            let digits = text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E'));
            if name != "decimal" && digits.filter(u8::is_ascii_digit).count() > 28 {
                // Some numbers of 29 digits can be calculated with.
                continue;
            }
            let given = number(&stage, &text);
            // A negative zero keeps its places: it is 0 by value.
            let zero = |verdict: &Verdict| *verdict == Verdict::Reads("0".to_owned());
            let is_negated_zero = zero(&expected) && given == Verdict::Reads("-0".to_owned());
            assert!(
                given == expected || is_negated_zero,
                "{name} of {text}: {given:?}, not {expected:?}"
            );
        }
        read += usize::from(expected != Verdict::TooLong);
        long += usize::from(expected == Verdict::TooLong);
    }
    assert!(read >= 50 && long >= 20, "{read} read, {long} too long");
}

proptest! {
    #[test]
    fn no_text_is_taken_otherwise_than_the_grammar_says(
        text in r"[ \t]{0,2}[-+(]{0,2} ?[0-9]{0,4}[,.'_ ]?[0-9]{0,16}[,.'_]?[0-9]{0,16}([eE][-+]?[0-9]{0,3})?[-) ]{0,2}",
        other: String,
    ) {
        thread_local!(static READERS: Vec<readers::Reader> = all());
        READERS.with(|readers| {
            for (reader, text) in readers.iter().flat_map(|reader| [(reader, &text), (reader, &other)]) {
                assert_eq!((reader.read)(text), (reader.expected)(text), "{} of {text:?}", reader.name);
            }
        });
    }
}

/// `-0` is the number 0, and so is its id; a text is the id that it is.
#[test]
fn a_number_has_one_id() {
    let rekey = stage("[[op]]\nop = \"rekey\"\nid = \"= doc.v\"\n");
    let stage_id = {
        let text = "[stage]\nsource = \"a\"\ntarget = \"b\"\nid = \"= doc.v\"\n";
        counterfoil::stage::Stage::parse("0001_test.toml", text, &counterfoil::stage::Lookup::default())
            .expect("a stage")
    };
    for (value, id) in [
        ("0", "0"),
        ("-0", "0"),
        ("7", "7"),
        ("-7", "-7"),
        ("\"-0\"", "-0"),
        ("\"007\"", "007"),
    ] {
        for stage in [&rekey, &stage_id] {
            let output = carry(stage, value).unwrap_or_else(|code| panic!("{value}: {code}"));
            assert_eq!(output.id, id, "{value}");
        }
    }
    for value in [json!(7.5), json!(true), json!([1]), json!(null)] {
        assert!(id_of(&rekey, &value).is_err(), "{value}");
    }
    for value in ["7.0", "1e2"] {
        assert_eq!(carry(&rekey, value).unwrap_err(), "rekey.not_id");
        assert_eq!(carry(&stage_id, value).unwrap_err(), "id.wrong_type");
    }
}

const BEGIN: &str =
    "<!-- The table is made from the readers: UPDATE_DOCS=1 cargo test --test it numbers -->\n";
const END: &str = "<!-- The end of the table. -->\n";

fn table() -> String {
    let readers = all();
    let mut table = String::from("| text |");
    for reader in &readers {
        let _ = write!(table, " {} |", reader.name);
    }
    let _ = writeln!(table, "\n|{}", "---|".repeat(readers.len() + 1));
    for text in TEXTS {
        let shown: String = text
            .chars()
            .map(|letter| {
                if letter.is_ascii() {
                    letter.to_string()
                } else {
                    letter.escape_unicode().to_string()
                }
            })
            .collect();
        let _ = write!(table, "| `\"{shown}\"` |");
        for reader in &readers {
            let _ = match (reader.read)(text) {
                Verdict::Reads(number) => write!(table, " {number} |"),
                Verdict::Invalid => write!(table, " - |"),
                Verdict::TooLong => write!(table, " *too long* |"),
                Verdict::Inexact => write!(table, " *inexact* |"),
            };
        }
        table.push('\n');
    }
    table
}

#[test]
fn the_documentation_is_what_the_readers_do() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/numbers.md");
    let kept = std::fs::read_to_string(path).expect("docs/numbers.md is there");
    let (before, rest) = kept.split_once(BEGIN).expect("the table has a beginning");
    let (_, after) = rest.split_once(END).expect("the table has an end");
    let made = [before, BEGIN, "\n", &table(), "\n", END, after].concat();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &made).expect("it can be written");
    } else {
        assert!(
            kept == made,
            "docs/numbers.md is old: UPDATE_DOCS=1 cargo test --test it numbers"
        );
    }
}
