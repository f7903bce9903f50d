//! The readings of three sensors that faults strike, how they change, and the stage that makes windows of them.

use std::fmt::Write as _;

use counterfoil::Result;
use counterfoil::RunInfo;
use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::edit::{Edit, edit};
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Observer;
use counterfoil::stage::Stages;
use counterfoil::store::Store;
use counterfoil::verify::{VerifyOptions, verify};

use super::scenario::{PROJECT, REDACTED};

/// Windows of five minutes, empty ones among them; a window with too many readings is refused.
const WINDOWS: &str = r#"
[stage]
source = "readings"
target = "windows"
where = '= doc.kind != "test"'
max_errors = 1000
redact = ["note"]

[aggregate]
by = "sensor"
time = "time"
every = "5m"
memory = "1 MiB"

[aggregate.measures]
value = ["mean", "min", "max", "std", "sum", "median", "first", "last", "distinct"]

[aggregate.fill]
value_mean = { with = "carry", limit = 2 }

[[aggregate.rolling]]
of = "value_mean"
over = 4
take = ["mean"]
min_periods = 2

[[aggregate.anomaly]]
name = "odd"
of = "value_mean"
over = 6
k = 1.5

[[contract.rule]]
name = "few"
expect = '= doc.sample_count < 5'
"#;

/// The stage's file.
pub(crate) const FILES: [(&str, &str); 1] = [("0001_windows.toml", WINDOWS)];

/// Number of readings at first.
const READINGS: u32 = 360;

/// Number of minutes that they are spread over.
const MINUTES: u32 = 300;

/// A reading: every 11th is refused, every 13th is left out, and each hour has a quarter in which there are none.
fn reading(number: u32, minute: u32, value: &str) -> String {
    let minute = if minute % 60 / 15 == 2 {
        minute - 15
    } else {
        minute
    };
    let (hour, minute) = (minute / 60, minute % 60);
    let value = match number {
        _ if number.is_multiple_of(22) => "true",
        _ => value,
    };
    let time = match number {
        _ if number.is_multiple_of(11) && !number.is_multiple_of(22) => "some day".to_owned(),
        _ => format!("2026-03-01T{hour:02}:{minute:02}:{:02}Z", number % 60),
    };
    let kind = if number.is_multiple_of(13) {
        "test"
    } else {
        "plain"
    };
    let sensor = number % 3;
    format!(
        r#"{{"id":"r{number}","sensor":{sensor},"time":"{time}","value":{value},"kind":"{kind}","note":"{REDACTED}"}}"#
    )
}

fn first(number: u32) -> String {
    // Seven and the number of minutes have no divisor in common: the readings come in no order of time.
    reading(
        number,
        number * 7 % MINUTES,
        &format!("{}.{}", number % 17, number % 10),
    )
}

fn loaded(store: &mut Store, name: &str, lines: &[String], observer: &mut dyn Observer) -> Result<()> {
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    let options = LoadOptions::default().replace(true);
    load(store, "readings", name, text.as_bytes(), &options, observer).map(drop)
}

/// Loads the readings.
pub(crate) fn load_first(store: &mut Store, observer: &mut dyn Observer) -> Result<()> {
    let lines: Vec<String> = (1..=READINGS).map(first).collect();
    loaded(store, "first.ndjson", &lines, observer)
}

/// Loads late, new, corrected and moved readings, and deletes some: readings that were refused are counted, others are
/// refused, windows get too many readings, and others lose all of theirs.
pub(crate) fn change(store: &mut Store, observer: &mut dyn Observer) -> Result<()> {
    let mut lines: Vec<String> = (1..=40)
        .map(|at| reading(READINGS + at, at * 9 % MINUTES, &format!("{at}.25")))
        .collect();
    let numbered = |number: u32, of: u32, minute: u32, value: &str| {
        let line = reading(of, minute, value);
        let sensor = number % 3;
        line.replace(&format!("\"id\":\"r{of}\""), &format!("\"id\":\"r{number}\""))
            .replace(&format!("\"sensor\":{}", of % 3), &format!("\"sensor\":{sensor}"))
    };
    // Corrected, and moved to another window, or after all others.
    lines.extend((31..43).map(|number| numbered(number, 1, number * 7 % MINUTES, "99")));
    lines.extend((61..73).map(|number| numbered(number, 1, number * 5 % MINUTES, "5")));
    lines.extend((100..104).map(|number| numbered(number, 1, MINUTES + number, "7.5")));
    // Refused before, and refused from now on.
    lines.extend([11, 22, 44, 55].map(|number| numbered(number, 1, number, "4")));
    lines.extend([91, 92, 93].map(|number| numbered(number, 11, number, "4")));
    loaded(store, "later.ndjson", &lines, observer)?;
    let delete = |number| Edit::Delete {
        id: format!("r{number}"),
    };
    // An hour of one sensor, one that is refused, one that is left out.
    let edits: Vec<Edit> = (201..=READINGS)
        .filter(|number| number % 3 == 1 && number * 7 % MINUTES < 60)
        .chain([66, 77, 130, 143])
        .map(delete)
        .collect();
    edit(store, "readings", &edits, &RunInfo::new("edit")).map(drop)
}

/// Loads some readings more, into windows that stand and after them.
pub(crate) fn add(store: &mut Store, observer: &mut dyn Observer) -> Result<()> {
    let mut lines: Vec<String> = (1..=25)
        .map(|at| reading(READINGS + 100 + at, at * 13 % (MINUTES + 30), &format!("-{at}.5")))
        .collect();
    lines.extend([12, 88].map(|number| reading(number, 10, "3.25")));
    loaded(store, "more.ndjson", &lines, observer)
}

/// The stage.
pub(crate) fn stages() -> Stages {
    super::world::stages(PROJECT, &FILES)
}

/// Applies the stage; then every window is made of the readings that its entry names.
///
/// # Panics
/// When one is not.
pub(crate) fn aggregate(store: &mut Store, observer: &mut dyn Observer) -> Result<()> {
    apply(store, &stages(), &ApplyOptions::default(), observer)?;
    let report = verify(store, &VerifyOptions::default().inputs(true))?;
    assert!(report.is_sound(), "{:#?}", report.findings);
    let inputs = report.inputs.expect("readings");
    assert_eq!((inputs.waiting, inputs.unknown), (0, 0));
    Ok(())
}
