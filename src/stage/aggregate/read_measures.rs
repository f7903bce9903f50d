//! Reading `[aggregate.measures]`.

use toml_edit::{Item, TableLike, Value as Toml};

use super::draft::{DraftElements, DraftList, DraftMeasure, Written};
use super::read_values::{count, later, rounding};
use super::words::{LIST_KEYS, MEASURE_KEYS, VALUES};
use crate::problem::Problem;
use crate::stage::written::{text, texts};
use crate::toml::{Collected, Section};

/// Maximum number of values that may be kept of a window.
const MOST_KEPT: i64 = 1_000_000;

/// Reads what is measured: of each path one measure, a list of them, or a table.
pub(super) fn measures(section: &Section<'_>, problems: &mut Collected) -> Vec<DraftMeasure> {
    let item = section.item("measures");
    if item.is_some_and(|item| !item.is_table_like()) {
        let problem = section.wrong_type("measures", "a table of paths, each with what is measured of it");
        problems.add(problem.help("write `measures = { temperature = [\"mean\", \"max\"] }`"));
        return Vec::new();
    }
    let Some(table) = section.section("measures", problems) else {
        return Vec::new();
    };
    let keys = table.table().iter();
    keys.filter_map(|(key, item)| measure(&table, key, item, problems))
        .collect()
}

fn measure(table: &Section<'_>, key: &str, item: &Item, problems: &mut Collected) -> Option<DraftMeasure> {
    let mut measure = DraftMeasure::new(Written {
        text: key.to_owned(),
        place: Some(table.place_of_key(key)),
    });
    if !item.is_table_like() {
        let errors = problems.count();
        measure.takes = texts(table, key, problems);
        if measure.takes.is_empty() && problems.count() == errors {
            problems.add(nothing(table, key));
        }
        return Some(measure);
    }
    let settings = table.section(key, problems)?;
    if settings.has("list") {
        return list(&settings, measure, problems);
    }
    if !settings.table().iter().any(|(name, _)| known(name)) && !settings.table().is_empty() {
        problems.add(not_quoted(table, key, &settings));
        return None;
    }
    for (key, what) in [("error", "a sketch (`error`)"), ("sketch", "a sketch")] {
        if settings.has(key) {
            let problem = later(&settings, key, what);
            problems.add(problem.help("`exact` sets how many values of a window are kept"));
            return None;
        }
    }
    settings.only(&MEASURE_KEYS, problems);
    settings.needs("take", "what is measured", problems);
    measure.name = text(&settings, "as", problems);
    measure.takes = texts(&settings, "take", problems);
    if measure.takes.is_empty() && settings.item("take").is_some_and(Item::is_array) {
        problems.add(nothing(&settings, "take"));
    }
    measure.rounding = rounding(&settings, problems);
    measure.exact = kept(&settings, "exact", problems);
    measure.texts = settings.word("values", &VALUES, problems).unwrap_or_default();
    Some(measure)
}

/// The problem of a table where measures are expected: a path without quotes, or a table without `take`.
fn not_quoted(table: &Section<'_>, key: &str, settings: &Section<'_>) -> Problem {
    let first = |table: &dyn TableLike| {
        let first = table.iter().next();
        first.map_or((String::new(), Item::None), |(name, item)| {
            (name.to_owned(), item.clone())
        })
    };
    let (name, mut item) = first(settings.table());
    let inline = table.item(key).and_then(Item::as_inline_table);
    if inline.is_some_and(|table| !table.is_dotted()) {
        let message = format!("`{name}` is no key of the measures of `{key}`");
        let written = value_text(&item).unwrap_or_else(|| "\"mean\"".to_owned());
        return Problem::error("aggregate.measure", settings.place_of_key(&name), message).help(format!(
            "write `{key} = {{ take = {written} }}`, or shorter `{key} = {written}`"
        ));
    }
    let mut path = format!("{key}.{name}");
    while let Some(deeper) = item.as_table_like().filter(|table| !table.is_empty()) {
        if deeper.iter().any(|(name, _)| known(name)) {
            break;
        }
        let (name, below) = first(deeper);
        path = format!("{path}.{name}");
        item = below;
    }
    let message = format!("`{path}` is not in quotes, so TOML reads it as a table");
    let written = value_text(&item).unwrap_or_else(|| "[\"mean\"]".to_owned());
    Problem::error("aggregate.measure", table.place_of_key(key), message)
        .help(format!("write the path in quotes: `\"{path}\" = {written}`"))
}

/// Returns the text of a value as the file has it, on one line.
fn value_text(item: &Item) -> Option<String> {
    let text = match item {
        Item::Value(value) => value.clone().decorated("", "").to_string(),
        _ => return None,
    };
    (!text.contains('\n')).then_some(text)
}

fn known(name: &str) -> bool {
    MEASURE_KEYS.contains(&name)
        || LIST_KEYS.contains(&name)
        || matches!(name, "error" | "sketch")
        || MEASURE_KEYS
            .iter()
            .any(|key| strsim::damerau_levenshtein(key, name) <= 1)
}

fn nothing(section: &Section<'_>, key: &str) -> Problem {
    let message = format!("`{key}` measures nothing");
    Problem::error("aggregate.measure", section.place_of(key), message)
        .help("name at least one measure, such as `\"mean\"`, or leave the path out")
}

/// Reads the number of values of a window that are kept.
fn kept(section: &Section<'_>, key: &str, problems: &mut Collected) -> Option<usize> {
    let kept = count(section, key, 1..=MOST_KEPT, problems);
    kept.and_then(|kept| usize::try_from(kept).ok())
}

/// Reads a list of parts of the readings.
fn list(settings: &Section<'_>, measure: DraftMeasure, problems: &mut Collected) -> Option<DraftMeasure> {
    settings.only(&LIST_KEYS, problems);
    let of = match settings.item("list") {
        Some(Item::Value(Toml::Array(list))) if list.is_empty() => DraftElements::Records,
        Some(Item::Value(Toml::Array(_))) => DraftElements::Parts(texts(settings, "list", problems)),
        Some(item) if item.is_str() => DraftElements::Values(text(settings, "list", problems)?),
        _ => {
            let problem = settings.wrong_type("list", "a path, or a list of paths");
            problems.add(
                problem.help("write `list = [\"sku\", \"quantity\"]`, or `list = []` for whole records"),
            );
            return None;
        }
    };
    Some(DraftMeasure {
        list: Some(DraftList {
            of,
            order: text(settings, "order", problems),
        }),
        exact: kept(settings, "limit", problems),
        ..measure
    })
}
