//! Fault 13: numbers on their way through load, stages and export keep their text, or are refused.

use counterfoil::load::LoadOptions;
use counterfoil::output::{NdjsonWriter, RecordWriter as _};
use counterfoil::quarantine::Selected;
use counterfoil::stage::MaxErrors;
use counterfoil::store::Store;

use crate::support::invariants::assert_sound;
use crate::support::world::{World, stages};

/// Moves the number about, without looking at it.
const MOVE: &str = r#"
[stage]
source = "a"
target = "b"

[[op]]
op = "rename"
from = "n"
to = "number"

[[op]]
op = "nest"
into = "inner"
fields = ["number"]
"#;

/// The same by expressions.
const COPY: &str = r#"
[stage]
source = "b"
target = "c"

[into]
id = "= doc.id"
n = "= doc.inner.number"
list = "= [doc.inner.number]"
"#;

/// Makes money of it.
const MONEY: &str = r#"
[stage]
source = "c"
target = "d"
rounding = "half-even"

[[op]]
op = "decimal"
path = "n"
places = 2
emit = "string"
"#;

/// Calculates with it.
const SUM: &str = r#"
[stage]
source = "c"
target = "e"

[into]
id = "= doc.id"
sum = "= decimal(doc.n) + 1"
"#;

/// A number's text; what the op `decimal` makes of it; what adding 1 makes of it. `None`: refused.
fn numbers() -> Vec<(String, Option<&'static str>, Option<&'static str>)> {
    let of = |text: &str, money, sum| (text.to_owned(), money, sum);
    vec![
        of("0.10", Some("0.10"), Some("1.10")),
        of("-0", Some("0.00"), Some("1")),
        of("-0.0", Some("0.00"), Some("1.0")),
        of("6.00", Some("6.00"), Some("7.00")),
        of("2.675", Some("2.68"), Some("3.675")),
        of("0.1", Some("0.10"), Some("1.1")),
        of(
            "9007199254740993",
            Some("9007199254740993.00"),
            Some("9007199254740994"),
        ),
        of(
            "18446744073709551616",
            Some("18446744073709551616.00"),
            Some("18446744073709551617"),
        ),
        of("0.30000000000000004", Some("0.30"), Some("1.30000000000000004")),
        of("1e400", None, None),
        of("-1E+400", None, None),
        of("1e-400", None, None),
        of("123456789012345678901234567890.123", None, None),
        (format!("0.{}1", "0".repeat(10_000)), None, None),
        ("9".repeat(10_000), None, None),
    ]
}

fn refusals(store: &Store, stage: u32) -> Vec<String> {
    let selected = Selected::default().stage(stage);
    let found = store
        .quarantine("numbers", &selected, 1_000)
        .expect("the quarantine can be listed");
    found.into_iter().filter_map(|refused| refused.id).collect()
}

#[test]
fn a_number_keeps_its_text_from_load_to_export_or_is_refused() {
    let texts = [
        ("0001_move.toml", MOVE),
        ("0002_copy.toml", COPY),
        ("0003_money.toml", MONEY),
        ("0004_sum.toml", SUM),
    ];
    let mut world = World::signed(1, stages("numbers", &texts));
    let numbers = numbers();
    let line = |(at, (text, _, _)): (usize, &(String, _, _))| format!("{{\"id\":\"{at}\",\"n\":{text}}}\n");
    let input: String = numbers.iter().enumerate().map(line).collect();
    let loaded = world.load_as("a", "a.ndjson", input.as_bytes(), &LoadOptions::default());
    assert_eq!(loaded.counts.written, numbers.len() as u64);
    world.applying.max_errors = Some(MaxErrors::Count(100));
    world.apply();
    assert_sound(&world.path(), 0, "numbers");
    let mut exported = Vec::new();
    let mut writer = NdjsonWriter::new(&mut exported);
    for record in world.rows("a") {
        writer.write(&record).expect("memory takes everything");
    }
    assert_eq!(String::from_utf8(exported).expect("text"), input);
    let (money, sums) = (refusals(&world.store, 3), refusals(&world.store, 4));
    for (at, (text, rounded, sum)) in numbers.iter().enumerate() {
        let (id, start) = (at.to_string(), &text[..text.len().min(40)]);
        let moved = format!("{{\"id\":\"{id}\",\"inner\":{{\"number\":{text}}}}}");
        assert_eq!(world.data("b", &id).as_ref(), Some(&moved), "{start}");
        let copied = format!("{{\"id\":\"{id}\",\"n\":{text},\"list\":[{text}]}}");
        assert_eq!(world.data("c", &id).as_ref(), Some(&copied), "{start}");
        let rounded =
            rounded.map(|rounded| format!("{{\"id\":\"{id}\",\"n\":\"{rounded}\",\"list\":[{text}]}}"));
        assert_eq!(world.data("d", &id), rounded, "{start}");
        assert_eq!(money.contains(&id), rounded.is_none(), "{start}");
        let sum = sum.map(|sum| format!("{{\"id\":\"{id}\",\"sum\":{sum}}}"));
        assert_eq!(world.data("e", &id), sum, "{start}");
        assert_eq!(sums.contains(&id), sum.is_none(), "{start}");
    }
}

#[test]
fn what_is_no_number_is_rejected_by_load() {
    let mut world = World::signed(1, stages("numbers", &[]));
    let texts = [
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "inf",
        "+1",
        "01",
        "1.",
        ".5",
        "1e",
        "0x10",
        "1_000",
        "1,000",
        "--1",
        "- 1",
        "\u{ff11}",
        "\u{0661}",
    ];
    let line =
        |(at, text): (usize, &&str)| format!("{{\"id\":\"{at}\",\"n\":{text}}}\n{{\"id\":\"after {at}\"}}\n");
    let input: String = texts.iter().enumerate().map(line).collect();
    let loaded = world.load_as("a", "a.ndjson", input.as_bytes(), &LoadOptions::default());
    let counts = loaded.counts;
    assert_eq!(
        (counts.written, counts.refused),
        (texts.len() as u64, texts.len() as u64)
    );
    let found = world.quarantine();
    assert!(
        found.iter().all(|refused| refused.reason.code == "json.syntax"),
        "{found:?}"
    );
    assert_sound(&world.path(), 0, "no numbers");
}
