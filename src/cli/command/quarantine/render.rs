//! Refused records on the screen.

use counterfoil::quarantine::{Named, Quarantined, RefusedInput};
use counterfoil::record::Document;
use counterfoil::refusal::Refusal;

use super::lookup::Looked;
use crate::cli::places::{in_the_way, why};
use crate::cli::refusals::refused_by;
use crate::cli::render::{bold, dim, indented, moment, pretty, route, shown};

/// Where it came from, a file or a database, and where it would have gone.
fn way(refused: &Quarantined) -> String {
    let names = [&refused.source, &refused.database].map(|name| name.as_deref().unwrap_or_default());
    route(names[0], names[1])
}

/// A refused record in the list.
pub(super) fn row(looked: &Looked) -> Vec<String> {
    let refused = &looked.refused;
    let first = refused.reason.violations.first();
    let place = match (refused.reason.lines_text(), first) {
        (Some(lines), Some(violation)) if !violation.pointer.is_empty() => {
            format!("{lines} at {}", violation.pointer)
        }
        (Some(lines), _) => lines,
        (None, Some(violation)) if !violation.pointer.is_empty() || violation.part.is_some() => {
            violation.place().into_owned()
        }
        _ => String::new(),
    };
    let expected = first
        .and_then(|violation| violation.expected.clone())
        .map(|expected| format!("expected {expected}"));
    let more = match refused.reason.violations.len() {
        0 | 1 => None,
        all => Some(format!("and {} more", all - 1)),
    };
    let database = refused.database.as_deref().unwrap_or_default();
    let words = match &looked.in_its_place {
        Some(place) if !place.edited => Some(in_the_way(place, database)),
        _ => why(&refused.reason.code).map(str::to_owned),
    };
    let stays = looked
        .has_earlier_version
        .then(|| format!("an earlier version stays in {database}"));
    let place = Some(place).filter(|place| !place.is_empty());
    let own = looked.own_id.as_ref().map(|id| {
        let source = refused.source.as_deref().unwrap_or_default();
        format!("its id in {source} is `{id}`")
    });
    let named: Vec<String> = looked.named.iter().filter_map(Named::in_words).collect();
    let named = Some(named.join(", ")).filter(|named| !named.is_empty());
    let all = [place, words, expected, named, more, stays, own];
    vec![
        refused.record.to_string(),
        refused.id.clone().unwrap_or_default(),
        refused_by(refused.stage),
        way(refused),
        refused.reason.code.to_string(),
        all.into_iter().flatten().collect::<Vec<_>>().join(", "),
        moment(&refused.at),
    ]
}

/// Everything about a refused record; `own_id`: its id where it was read, if that is another.
pub(super) fn render(looked: &Looked, input: &RefusedInput, own_id: Option<&str>) -> String {
    let refused = &looked.refused;
    let id = refused
        .id
        .as_deref()
        .map(|id| format!(" {}", shown(id)))
        .unwrap_or_default();
    let mut text = format!("{}{id}\n", bold(&format!("record {}", refused.record)));
    let slug = refused.slug.as_deref().map(|slug| format!(" {}", shown(slug)));
    let names = [&refused.source, &refused.database].map(|name| name.as_deref().unwrap_or_default());
    text += &format!(
        "  refused by {}{} ({}) at {}, batch {}\n",
        refused_by(refused.stage),
        slug.unwrap_or_default(),
        shown(&route(names[0], names[1])),
        moment(&refused.at),
        refused.batch
    );
    text += &violations(&refused.reason);
    if let Some(place) = &looked.in_its_place {
        text += &format!("  {}\n", shown(&in_the_way(place, names[1])));
    }
    for words in looked.named.iter().filter_map(Named::in_words) {
        text += &format!("  {}\n", shown(&words));
    }
    if let Some(id) = own_id {
        text += &format!("  its id in {} is `{}`\n", shown(names[0]), shown(id));
    }
    if looked.has_earlier_version {
        text += &format!(
            "  an earlier version of it stays in {} until this one passes\n",
            shown(names[1])
        );
    }
    match (&input.data, input.withheld) {
        (Some(data), _) => text += &input_text(data, &looked.named),
        (None, true) => {
            text += "  input not shown: it is not a valid record, so redacted fields cannot be masked\n";
        }
        (None, false) => text += "  its input is no longer kept\n",
    }
    text
}

/// The input; of a record that becomes several, the children that are meant, where they stand in it.
fn input_text(data: &str, named: &[Named]) -> String {
    let document = Document::parse(data).ok();
    let child = |named: &Named| {
        let child = named.child.as_deref()?;
        let value = document.as_ref()?.at(&child.parse().ok()?)?.to_json();
        Some(format!(
            "  {}\n{}\n",
            dim(&format!("input, at {}", shown(child))),
            indented(&pretty(&value), 4)
        ))
    };
    let children: Vec<String> = named.iter().filter_map(child).collect();
    if children.is_empty() {
        return format!("  {}\n{}\n", dim("input"), indented(&pretty(data), 4));
    }
    children.concat() + &dim("  --json shows the whole input\n")
}

fn violations(reason: &Refusal) -> String {
    let mut text = format!("  {} {}", dim("code"), bold(&shown(&reason.code)));
    if let Some(lines) = reason.lines_text() {
        text += &format!(", {lines}");
    }
    text.push('\n');
    for violation in &reason.violations {
        let mut line = format!("at {}", violation.place());
        if violation.code != reason.code {
            line += &format!(": {}", violation.code);
        }
        if let Some(words) = why(&violation.code) {
            line += &format!(": {words}");
        }
        if let Some(expected) = &violation.expected {
            line += &format!(": expected {expected}");
        }
        if let Some(rule) = &violation.rule {
            line += &format!(" ({rule})");
        }
        if violation.preexisting {
            line += ", violated before the stage already";
        }
        text += &format!("    {}\n", shown(&line));
    }
    text
}
