//! Reading `[aggregate]` from a stage file.

use toml_edit::{Item, TableLike, Value as Toml};

use super::compiled::Aggregate;
use super::draft::{Draft, DraftGroup, DraftTime, Written};
use super::read_measures::measures;
use super::read_series::{anomalies, fills, rolling};
use super::read_values::{count, later};
use super::words::{ALIGN, CLOSED, EMPTY, KEYS, LABEL, LATE, TIME_KEYS};
use crate::problem::Problem;
use crate::reading::Reading;
use crate::stage::written::{memory, text};
use crate::toml::{Collected, Section};

/// Maximum number of empty windows that may be written in one gap.
const MOST_EMPTY: i64 = 10_000_000;

/// Reads the section and compiles it. `reading` has the names that the expressions in `by` may use.
pub(in crate::stage) fn read(
    section: &Section<'_>,
    reading: &Reading<'_>,
    problems: &mut Collected,
) -> Option<Aggregate> {
    let errors = problems.count();
    let draft = draft(section, problems);
    // What could not be read would only lead to further problems.
    if problems.count() > errors {
        return None;
    }
    draft.compile(reading, problems)
}

fn draft(section: &Section<'_>, problems: &mut Collected) -> Draft {
    section.only(&KEYS, problems);
    let keys = KEYS.iter().filter(|key| section.has(key));
    let mut draft = Draft {
        place: Some(section.place()),
        places: keys.map(|key| (*key, section.place_of_key(key))).collect(),
        by: by(section, problems),
        time: time(section, problems),
        every: text(section, "every", problems),
        zone: text(section, "zone", problems),
        origin: origin(section, problems),
        aligns_to_days: section.word("align", &ALIGN, problems).is_some(),
        labels_end: section.word("label", &LABEL, problems).unwrap_or_default(),
        name: text(section, "name", problems),
        end: text(section, "end", problems),
        local: text(section, "local", problems),
        rows: text(section, "rows", problems),
        empty: section.word("empty", &EMPTY, problems),
        gap: count(section, "gap", 1..=MOST_EMPTY, problems),
        late: section.word("late", &LATE, problems),
        closed_after: text(section, "closed_after", problems),
        hold: text(section, "hold", problems),
        memory: memory(section, problems),
        measures: measures(section, problems),
        ..Draft::default()
    };
    closed(section, problems);
    draft.fills = fills(section, problems);
    draft.rolling = rolling(section, problems);
    draft.anomalies = anomalies(section, problems);
    draft.fields = fields(section, problems);
    draft
}

fn closed(section: &Section<'_>, problems: &mut Collected) {
    if section.item("closed").and_then(Item::as_str) == Some("right") {
        let problem = later(section, "closed", "`closed = \"right\"`");
        problems.add(
            problem
                .help("a window has its beginning and not its end; `label = \"right\"` names it by its end"),
        );
        return;
    }
    section.word("closed", &CLOSED, problems);
}

/// Reads what readings are grouped by: a path, a table of names, or a list of both.
fn by(section: &Section<'_>, problems: &mut Collected) -> Vec<DraftGroup> {
    const EXPECTED: &str = "a path, or a list of paths and of tables `{ name = \"= expression\" }`";
    let Some(item) = section.item("by") else {
        return Vec::new();
    };
    let mut groups = Vec::new();
    let mut one = |value: &Toml| match value {
        Toml::String(path) => {
            let value = Written {
                text: path.value().clone(),
                place: Some(section.reading().place(value.span())),
            };
            groups.push(DraftGroup { name: None, value });
            true
        }
        Toml::InlineTable(table) => named_groups(section, table, &mut groups),
        _ => false,
    };
    let read = match item {
        Item::Value(Toml::Array(list)) => list.iter().all(one),
        Item::Value(value) => one(value),
        Item::Table(table) => named_groups(section, table, &mut groups),
        _ => false,
    };
    if !read {
        let problem = match item {
            Item::Value(Toml::Array(_)) => {
                let message = format!("`by` takes {EXPECTED}");
                Problem::error("stage.wrong_type", section.place_of("by"), message)
            }
            _ => section.wrong_type("by", EXPECTED),
        };
        problems.add(problem.help("write `by = \"sensor_id\"`, or `by = []` for all readings together"));
    }
    groups
}

/// Reads groups by name; returns whether all are texts.
fn named_groups(section: &Section<'_>, table: &dyn TableLike, groups: &mut Vec<DraftGroup>) -> bool {
    let place = |span| Some(section.reading().place(span));
    table.iter().all(|(name, item)| {
        let Some(text) = item.as_str() else { return false };
        groups.push(DraftGroup {
            name: Some(Written {
                text: name.to_owned(),
                place: place(table.key(name).and_then(toml_edit::Key::span)),
            }),
            value: Written {
                text: text.to_owned(),
                place: place(item.span()),
            },
        });
        true
    })
}

fn time(section: &Section<'_>, problems: &mut Collected) -> Option<DraftTime> {
    let item = section.item("time")?;
    if let Some(path) = item.as_str() {
        return Some(DraftTime {
            path: Written {
                text: path.to_owned(),
                place: Some(section.place_of("time")),
            },
            formats: None,
            zone: None,
        });
    }
    if !item.is_table_like() {
        let problem = section.wrong_type("time", "a path, or a table `{ path, formats, zone }`");
        problems.add(problem.help("write `time = \"timestamp\"`"));
        return None;
    }
    let table = section.section("time", problems)?;
    table.only(&TIME_KEYS, problems);
    table.needs("path", "where the time of a reading is", problems);
    let formats = table.has("formats").then(|| {
        let formats = crate::stage::written::texts(&table, "formats", problems);
        if formats.is_empty() && table.item("formats").is_some_and(Item::is_array) {
            let message = "`formats` is empty: no time could be read";
            let problem = Problem::error("date.format", table.place_of("formats"), message);
            problems
                .add(problem.help("leave it out for RFC 3339, or write `formats = [\"%d.%m.%Y %H:%M\"]`"));
        }
        formats
    });
    Some(DraftTime {
        path: text(&table, "path", problems)?,
        formats,
        zone: text(&table, "zone", problems),
    })
}

/// Reads the origin: a text, or a date of TOML.
fn origin(section: &Section<'_>, problems: &mut Collected) -> Option<Written> {
    let date = section.item("origin").and_then(Item::as_datetime);
    match date {
        Some(date) => Some(Written {
            text: date.to_string(),
            place: Some(section.place_of("origin")),
        }),
        None => text(section, "origin", problems),
    }
}

/// Reads the fields that are computed from the window's own.
fn fields(section: &Section<'_>, problems: &mut Collected) -> Vec<(Written, Written)> {
    let Some(table) = section.section("fields", problems) else {
        return Vec::new();
    };
    let mut fields = Vec::new();
    for (name, _) in table.table().iter() {
        if let Some(expression) = text(&table, name, problems) {
            let name = Written {
                text: name.to_owned(),
                place: Some(table.place_of_key(name)),
            };
            fields.push((name, expression));
        }
    }
    fields
}
