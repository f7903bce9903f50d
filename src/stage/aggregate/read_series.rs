//! Reading what follows from one window to the next: `fill`, `rolling`, `anomaly`.

use rust_decimal::Decimal;
use toml_edit::Item;

use super::draft::{DraftAnomaly, DraftFill, DraftFillWith, DraftOver, DraftRolling, RuleWord, Written};
use super::read_values::{count, later, rounding};
use super::words::{ANOMALY_KEYS, FILL, FILL_KEYS, ROLLING_KEYS, RULE};
use crate::problem::Problem;
use crate::record::exact_decimal;
use crate::stage::written::{decimal, text, texts};
use crate::toml::{Collected, Section, to_json};

/// Maximum number of windows that a rule may be over.
const MOST_OVER: i64 = 100_000;

pub(super) fn fills(section: &Section<'_>, problems: &mut Collected) -> Vec<DraftFill> {
    let item = section.item("fill");
    if item.is_some_and(|item| !item.is_table_like()) {
        let problem = section.wrong_type("fill", "a table of fields, each with what it shows");
        problems.add(problem.help("write `fill = { temperature_mean = \"carry\" }`"));
        return Vec::new();
    }
    let Some(table) = section.section("fill", problems) else {
        return Vec::new();
    };
    let keys = table.table().iter();
    keys.filter_map(|(key, item)| {
        let of = Written {
            text: key.to_owned(),
            place: Some(table.place_of_key(key)),
        };
        Some(DraftFill {
            with: fill(&table, key, item, problems)?,
            of,
        })
    })
    .collect()
}

fn fill(table: &Section<'_>, key: &str, item: &Item, problems: &mut Collected) -> Option<DraftFillWith> {
    let interpolates = |text: Option<&str>| text == Some("interpolate");
    let not_yet = |section: &Section<'_>, key: &str| {
        later(section, key, "`interpolate`").help("`carry` shows the last value of an earlier window")
    };
    match item.as_str() {
        text @ Some(_) if interpolates(text) => {
            problems.add(not_yet(table, key));
            return None;
        }
        Some("carry") => return Some(DraftFillWith::Carry { limit: None }),
        _ => {}
    }
    if !item.is_table_like() {
        let json = problems.take(to_json(item, table.reading()))?;
        return Some(DraftFillWith::Value(json.to_string()));
    }
    let settings = table.section(key, problems)?;
    settings.only(&FILL_KEYS, problems);
    if interpolates(settings.item("with").and_then(Item::as_str)) {
        problems.add(not_yet(&settings, "with"));
        return None;
    }
    if let Some(value) = settings.item("value") {
        if settings.has("with") || settings.has("limit") {
            let message = "`value` excludes `with` and `limit`: the same value fills every window";
            problems.add(Problem::error(
                "aggregate.fill",
                settings.place_of("value"),
                message,
            ));
        }
        let json = problems.take(to_json(value, settings.reading()))?;
        return Some(DraftFillWith::Value(json.to_string()));
    }
    settings.needs("with", "`carry`, or a `value`", problems);
    if settings.item("with").is_some_and(|with| !with.is_str()) {
        let problem = settings.wrong_type("with", "`carry`");
        problems.add(problem.help(format!("to show a value, write `{key} = {{ value = 0 }}`")));
        return None;
    }
    settings.word("with", &FILL, problems)?;
    Some(DraftFillWith::Carry {
        limit: count(&settings, "limit", 1..=MOST_OVER, problems),
    })
}

/// Reads which windows a rule is over: a number of them, or a time.
fn over(section: &Section<'_>, problems: &mut Collected) -> Option<DraftOver> {
    let item = section.item("over")?;
    if item.is_integer() {
        return count(section, "over", 1..=MOST_OVER, problems).map(DraftOver::Windows);
    }
    if item.is_str() {
        return text(section, "over", problems).map(DraftOver::Time);
    }
    let problem = section.wrong_type("over", "a number of windows, or a time such as \"1h\"");
    problems.add(problem.help("write `over = 12`"));
    None
}

pub(super) fn rolling(section: &Section<'_>, problems: &mut Collected) -> Vec<DraftRolling> {
    let mut rolling = Vec::new();
    for table in section.sections("rolling", "aggregate.rolling", problems) {
        table.only(&ROLLING_KEYS, problems);
        table.needs("of", "the field of the window that it is of", problems);
        table.needs(
            "over",
            "the number of windows, this one included, or a time",
            problems,
        );
        table.needs("take", "what is measured of them", problems);
        let Some(of) = text(&table, "of", problems) else {
            continue;
        };
        rolling.push(DraftRolling {
            over: over(&table, problems),
            takes: texts(&table, "take", problems),
            names: texts(&table, "as", problems),
            min_periods: count(&table, "min_periods", 1..=MOST_OVER, problems),
            rounding: rounding(&table, problems),
            ..DraftRolling::new(of, Some(table.place()))
        });
    }
    rolling
}

/// Reads an exact number, also in a string.
fn amount(table: &Section<'_>, key: &str, problems: &mut Collected) -> Option<Decimal> {
    let Some(text) = table.item(key)?.as_str() else {
        return decimal(table, key, problems);
    };
    let amount = exact_decimal(text).ok();
    if amount.is_none() {
        problems.add(table.wrong_type(key, "a number, or a string with one"));
    }
    amount
}

pub(super) fn anomalies(section: &Section<'_>, problems: &mut Collected) -> Vec<DraftAnomaly> {
    let tables = section.sections("anomaly", "aggregate.anomaly", problems);
    tables
        .iter()
        .filter_map(|table| anomaly(table, problems))
        .collect()
}

fn anomaly(table: &Section<'_>, problems: &mut Collected) -> Option<DraftAnomaly> {
    if let Some(word @ ("mad" | "season")) = table.item("rule").and_then(Item::as_str) {
        let problem = later(table, "rule", &format!("`rule = \"{word}\"`"));
        problems.add(problem.help("the rules are: z, outside"));
        return None;
    }
    table.only(&ANOMALY_KEYS, problems);
    table.needs("name", "the field that says whether a window is one", problems);
    table.needs("of", "the field of the window that it is of", problems);
    let rule = if table.has("rule") {
        table.word("rule", &RULE, problems)?
    } else {
        RuleWord::Z
    };
    let excluded: &[&str] = match rule {
        RuleWord::Z => &["min", "max"],
        RuleWord::Outside => &["over", "k", "min_periods", "min_deviation"],
    };
    for key in excluded.iter().filter(|key| table.has(key)) {
        let of = match rule {
            RuleWord::Z => "outside",
            RuleWord::Outside => "z",
        };
        let message = format!("`{key}` belongs to `rule = \"{of}\"`");
        let problem = Problem::error("aggregate.anomaly", table.place_of_key(key), message);
        problems.add(problem.help(format!("leave it out, or write `rule = \"{of}\"`")));
    }
    if rule == RuleWord::Z {
        table.needs(
            "over",
            "the number of windows, this one included, or a time",
            problems,
        );
        table.needs(
            "k",
            "how many standard deviations from the mean are too many",
            problems,
        );
    }
    let over = over(table, problems);
    let min_periods = count(table, "min_periods", 2..=MOST_OVER, problems);
    let [k, min_deviation, min, max] =
        ["k", "min_deviation", "min", "max"].map(|key| amount(table, key, problems));
    let score = text(table, "score", problems);
    let (name, of) = (text(table, "name", problems)?, text(table, "of", problems)?);
    Some(DraftAnomaly {
        over,
        min_periods,
        k,
        min_deviation,
        min,
        max,
        // An empty name is the default: no score.
        score: score.filter(|score| !score.text.is_empty()),
        k_place: table.has("k").then(|| table.place_of("k")),
        ..DraftAnomaly::new(name, of, rule, Some(table.place()))
    })
}
