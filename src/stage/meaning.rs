//! The meaning of a stage: everything that determines what it does, and nothing more.

use serde_json::{Value as Json, json};

use super::aggregate::Aggregate;
use super::closure::Closure;
use super::parts::Reconcile;
use super::settings::StageSettings;
use super::steps::Steps;
use crate::contract::{Contract, Mode, Reads, Schema};
use crate::expression::{Expression, Preparation, Template};
use crate::language::Language;

/// Returns, as JSON, the meaning of a stage that is read in a language. Its names are in a fixed order, except those of
/// operations and `[into]` where the order determines that of fields.
pub(super) fn meaning(
    settings: &StageSettings,
    steps: &Steps,
    reconciles: &[Reconcile],
    read_in: Language,
) -> String {
    let mut meaning = settings.meaning();
    let ops = steps.ops.iter().map(|op| json!([op.name(), op.meaning()]));
    let canonical = |schema: &Schema| -> Json {
        serde_json::from_str(schema.canonical()).expect("a schema's canonical text is JSON")
    };
    let mut contract = json!({
        "source": steps.source_contract.as_ref().map(canonical),
        "target": steps.contract.schema.as_ref().map(canonical),
        "rules": rules(&steps.contract),
    });
    if let Some(more) = modes_and_cross_rules(steps) {
        contract["more"] = more;
    }
    let closure = steps.closure.as_ref().map(Closure::meaning);
    meaning.insert("ops".to_owned(), ops.collect());
    meaning.insert("transform".to_owned(), closure.into());
    meaning.insert(
        "into".to_owned(),
        steps.into.as_ref().map(Template::meaning).into(),
    );
    meaning.insert("contract".to_owned(), contract);
    meaning.insert(
        "reconcile".to_owned(),
        reconciles.iter().map(Reconcile::meaning).collect(),
    );
    // Stages from before merges existed keep their meaning.
    if let Some(merge) = &steps.merge {
        meaning.insert("merge".to_owned(), merge.meaning());
    }
    // As above. SQL recognises stages that aggregate by this name.
    if let Some(aggregate) = &steps.aggregate {
        meaning.insert("aggregate".to_owned(), aggregate.meaning());
    }
    // Stages without look-ups keep their meaning. The ledger's index of what was looked up asks for this name.
    let lookups = steps.lookups();
    if !lookups.is_empty() {
        let mut through: Vec<&str> = lookups.iter().map(|query| &*query.through).collect();
        through.dedup();
        meaning.insert("lookups".to_owned(), through.into());
    }
    if let Some(number) = language(steps, reconciles).min(read_in).number() {
        meaning.insert("language".to_owned(), number.into());
    }
    Json::Object(meaning).to_string()
}

/// Returns the earliest language in which the stage does the same to every record.
fn language(steps: &Steps, reconciles: &[Reconcile]) -> Language {
    let reconciles = reconciles.iter().flat_map(Reconcile::expressions);
    let expressions = steps.expressions().into_iter().chain(reconciles);
    let ops = steps.ops.iter().map(|op| op.language());
    (expressions.map(Expression::language).chain(ops))
        .chain(steps.prepare.as_ref().map(Preparation::language))
        .chain(steps.aggregate.as_ref().map(Aggregate::language))
        .max()
        .unwrap_or(Language::One)
}

/// Returns the language that a meaning names; `None` if it is one of a later program.
pub(super) fn language_of(meaning: &str) -> Option<Language> {
    let meaning: Json = serde_json::from_str(meaning).ok()?;
    Language::from_meaning(&meaning)
}

/// Returns a meaning without the names of its reconciliations, which are for people: stages for which the result is
/// equal do the same. Works on the text, because the order of names is part of the meaning; returns `None` if there are
/// no such names.
pub(super) fn nameless(meaning: &str) -> Option<String> {
    let mut meaning: Json = serde_json::from_str(meaning).ok()?;
    let reconciles = meaning.get_mut("reconcile")?.as_array_mut()?;
    if reconciles.is_empty() {
        return None;
    }
    for reconcile in reconciles {
        reconcile.as_object_mut()?.remove("name");
    }
    Some(meaning.to_string())
}

/// Returns whether two meanings are of stages that do the same.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || nameless(one).is_some_and(|one| nameless(other).is_some_and(|other| one == other))
}

/// Returns a mode unless it is the default mode of a contract.
fn unusual(mode: Mode) -> Option<&'static str> {
    (mode != Mode::default()).then(|| mode.name())
}

fn rules(contract: &Contract) -> Json {
    let rules = contract.rules.iter().map(|rule| match unusual(rule.mode) {
        None => json!([rule.name, rule.expect.source()]),
        Some(mode) => json!([rule.name, rule.expect.source(), mode]),
    });
    rules.collect()
}

/// Returns what a contract may have beside schemas and rules; `None` if it has none of it, so that stages from before
/// these existed keep their meaning.
fn modes_and_cross_rules(steps: &Steps) -> Option<Json> {
    let contract = &steps.contract;
    let unique = contract
        .unique
        .iter()
        .map(|rule| json!([rule.name, rule.key.meaning(), rule.mode.name()]));
    let references = contract.references.iter().map(|rule| {
        let key = rule.key.as_ref().map(Reads::meaning);
        json!([rule.name, rule.value.meaning(), rule.to, key, rule.mode.name()])
    });
    let is_usual = unusual(contract.mode).is_none() && unusual(steps.preexisting).is_none();
    if is_usual && !contract.is_cross_record() {
        return None;
    }
    Some(json!({
        "mode": contract.mode.name(),
        "preexisting": steps.preexisting.name(),
        "unique": unique.collect::<Vec<Json>>(),
        "references": references.collect::<Vec<Json>>(),
    }))
}

/// Renders a text for a stage without a file: a line for each part of its meaning.
pub(super) fn rendering(number: u32, slug: &str, meaning: &str) -> String {
    let parts: serde_json::Map<String, Json> =
        serde_json::from_str(meaning).expect("a meaning is a JSON object");
    let lines = parts.iter().flat_map(|(name, value)| match value.as_array() {
        Some(list) => list.iter().map(|item| format!("{name}[] = {item}\n")).collect(),
        None => vec![format!("{name} = {value}\n")],
    });
    let title = format!("# Stage {number} `{slug}`, built in Rust.\n");
    std::iter::once(title).chain(lines).collect()
}
