//! Pairs of a clinic, as the queue lists them.

use counterfoil::review::{ComparedPair, QueuedPair};
use serde_json::{Value, json};

/// What a field of a hostile record contains.
pub(crate) const HOSTILE: &str = "\"'><img src=http://leak.example/a onerror=alert(1)></script><script>alert(2)</script>\
                                  <!--\u{202e}{{7*7}}${7*7}=cmd|' /C calc'!A0";

const GIVEN: [(&str, &str); 6] = [
    ("Johanna", "Johana"),
    ("Mehmet", "Mehmet"),
    ("Ana María", "Ana Maria"),
    ("Li", "Lili"),
    ("Oluwaseun", "Seun"),
    ("Grace", "Grace"),
];
const SURNAME: [(&str, &str); 5] = [
    ("Lindqvist", "Lindquist"),
    ("Yılmaz", "Yilmaz"),
    ("García Pérez", "García"),
    ("O'Brien", "OBrien"),
    ("Adeyemi", "Adeyemi"),
];

/// The pairs `n+100n`, as many as asked for.
pub(crate) fn pairs(count: i64) -> Vec<(QueuedPair, ComparedPair)> {
    (1..=count).map(pair).collect()
}

/// The numbers of a pair's records.
pub(crate) fn numbers(number: i64) -> (i64, i64) {
    (number, number + 100_000)
}

/// The version of a pair.
pub(crate) fn version(number: i64) -> String {
    format!("{:08x}", number * 0x1357_9bdf % 0xffff_ffff)
}

fn pair(number: i64) -> (QueuedPair, ComparedPair) {
    let at = usize::try_from(number).expect("a number of a pair");
    let (a, b) = numbers(number);
    let ids = if number == 3 {
        (HOSTILE.to_owned(), "C:0003".to_owned())
    } else {
        (
            format!("A:{}", 4_700 + number),
            format!("C:{:04}", number * 37 % 10_000),
        )
    };
    let band = ["near", "near", "chain", "conflict", "joins"][at % 5];
    let hundredths = 50 + number * 7 % 49;
    let bits = json_number(&format!("{}.{}", hundredths / 20 - 2, number % 10));
    let day = 1 + number % 28;
    let note = (number % 4 == 1).then(
        || json!({"text": "same street, asked the ward", "actor": "ada", "at": "2026-11-20T09:30:00Z"}),
    );
    let queued = json!({
        "stage": 4,
        "source": "register", "a": {"record": a, "id": ids.0}, "b": {"record": b, "id": ids.1}, "band": band, "bits": bits,
        "probability": json_number(&format!("0.{hundredths}")), "since": 9 + number,
        "at": format!("2026-11-{day:02}T08:15:00Z"), "note": note, "version": version(number),
    });
    let compared = json!({
        "stage": 4,
        "a": {"record": a, "id": ids.0, "system": "hospital_a", "golden": a + 500, "members": 1},
        "b": {"record": b, "id": ids.1, "system": "clinic", "golden": b + 500, "members": 1 + number % 3},
        "bits": bits, "probability": json_number(&format!("0.{hundredths}")), "prior": json_number("-16.5"),
        "fields": fields(number, at), "others": others(number), "auto": json_number("0.99"), "review": json_number("0.50"),
        "together": null, "why": why(band), "model_batch": 7,
    });
    (
        serde_json::from_value(queued).expect("a pair"),
        serde_json::from_value(compared).expect("its comparison"),
    )
}

fn json_number(text: &str) -> Value {
    serde_json::from_str(text).expect("a number")
}

fn why(band: &str) -> Vec<&'static str> {
    match band {
        "chain" => vec!["they would chain: A:4703 and C:0111 are alike only through a third record"],
        "conflict" => vec!["the rule `two SSNs` holds", "certain enough otherwise"],
        "joins" => vec!["they would join two golden records"],
        _ => vec!["not certain enough: birth is against it"],
    }
}

fn fields(number: i64, at: usize) -> Value {
    let field = |name: &str,
                 role: &str,
                 (a, b): (Option<&str>, Option<&str>),
                 redacted: bool,
                 level: Option<&str>,
                 bits: &str| {
        json!({"name": name, "role": role, "a": a, "b": b, "redacted": redacted, "level": level, "bits": json_number(bits)})
    };
    let some = |(a, b): (&'static str, &'static str)| (Some(a), Some(b));
    let level = |(a, b): (&str, &str)| Some(if a == b { "equal" } else { "similar" });
    let (given, surname) = (GIVEN[at % 6], SURNAME[at % 5]);
    let hostile = Some(HOSTILE).filter(|_| number == 3);
    json!([
        field(
            "given",
            "identity",
            (hostile.or(Some(given.0)), Some(given.1)),
            false,
            level(given),
            "5.3"
        ),
        field("surname", "shared", some(surname), false, level(surname), "1.9"),
        field(
            "birth",
            "identity",
            some(("1985-03-12", "1985-03-21")),
            false,
            Some("different: day"),
            "-3.7"
        ),
        field("sex", "hint", some(("F", "F")), false, Some("equal"), "1.0"),
        field(
            "place",
            "shared",
            some((
                "Hallituskatu 12 A, 00100 Helsinki",
                "Hallituskatu 12, 00100 Helsinki"
            )),
            false,
            Some("street and number"),
            "0.4",
        ),
        field(
            "phone",
            "shared",
            (Some("+358 40 123 4567"), None),
            false,
            None,
            "0.0"
        ),
        field(
            "ssn",
            "identity",
            some(("[redacted]", "[redacted]")),
            true,
            Some("different"),
            "-6.2"
        ),
    ])
}

fn others(number: i64) -> Value {
    json!([
        {"path": "/visits/0/date", "a": "2024-02-11", "b": null, "redacted": false},
        {"path": "/insurance", "a": "Kela", "b": "Kela", "redacted": false},
        {"path": "/notes", "a": format!("allergy: penicillin ({number})"), "b": "none known", "redacted": false},
    ])
}
