//! Parsing stage files: a text becomes a compiled stage, or all its problems are reported at once.

use std::sync::Arc;

use toml_edit::{Item, TableLike};

use super::file::Lookup;
use super::meaning::meaning;
use super::parts;
use super::settings::StageSettings;
use super::steps::Steps;
use super::{Stage, aggregate, in_place, lookups, merge};
use crate::digest::sha256;
use crate::expression::{Expression, Preparation, Template, TemplateField};
use crate::language::Language;
use crate::name::{self, StageName};
use crate::op::{self, Functions};
use crate::problem::Problem;
use crate::reading::Reading;
use crate::record::Value;
use crate::toml::{Collected, Problems, Section, document};

/// The sections of a stage file.
const SECTIONS: [&str; 8] = [
    "stage",
    "op",
    "into",
    "merge",
    "aggregate",
    "contract",
    "reconcile",
    "example",
];

/// Splits a stage file's name, `0012_orders.toml`, into number and slug.
///
/// # Errors
/// `stage.bad_file_name`
pub fn file_name_parts(file_name: &str) -> Result<StageName, Problem> {
    let bad = |help: &str| {
        let message = format!("`{file_name}` is not the name of a stage file");
        Problem::error("stage.bad_file_name", None, message).help(help)
    };
    let shape = "name a stage file like `0001_orders.toml`: four digits, `_` and a name of a-z, 0-9 and _";
    let stem = file_name.strip_suffix(".toml").ok_or_else(|| bad(shape))?;
    let (digits, slug) = stem.split_once('_').ok_or_else(|| bad(shape))?;
    if digits.len() != 4
        || !digits.bytes().all(|byte| byte.is_ascii_digit())
        || name::check_stage(slug).is_err()
    {
        return Err(bad(shape));
    }
    match digits.parse() {
        Ok(number) if number > 0 => Ok(StageName::new(number, slug)),
        _ => Err(bad("stage numbers begin with 0001")),
    }
}

impl Stage {
    /// Compiles a stage from the text of its file, `NNNN_slug.toml`.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn parse(file_name: &str, text: &str, lookup: &Lookup) -> Result<Self, Problems> {
        parse(file_name, text, lookup, Language::default())
    }
}

/// Reads a stage in a language: the current one for a file, the recorded one for an applied stage.
pub(super) fn parse(
    file_name: &str,
    text: &str,
    lookup: &Lookup,
    language: Language,
) -> Result<Stage, Problems> {
    let mut problems = Collected::default();
    let identity = file_name_parts(file_name);
    let early = Reading {
        language,
        ..Reading::new(file_name, text)
    };
    let document = match document(&early, "stage.syntax") {
        Ok(document) => document,
        Err(problem) => {
            problems.extend(identity.err());
            return Err(problems.with(problem));
        }
    };
    let root = Section::root(document.as_table(), &early);
    root.only(&SECTIONS, &mut problems);
    let section = stage_section(&root, &mut problems);
    let read = |section| StageSettings::read(section, &mut problems);
    let settings = section.as_ref().map_or_else(StageSettings::new, read);
    let mut steps = Steps::default();
    let early = Reading {
        rounding: settings.rounding,
        ..early.clone()
    };
    let reading = of_records(
        &root,
        section.as_ref(),
        &settings,
        (&early, lookup),
        &mut steps,
        &mut problems,
    );
    if let Some(contract) = root.section("contract", &mut problems) {
        super::contract::read(&contract, lookup, &reading, &mut steps, &mut problems);
    }
    beside_aggregate(&root, section.as_ref(), &settings, &steps, &mut problems);
    in_place(section.as_ref(), &settings, &steps, &mut problems);
    let reconciles = parts::reconciles(&root, steps.into.as_ref(), &early, &mut problems);
    if let Some(aggregate) = &steps.aggregate {
        parts::over_windows(&root, aggregate, &reconciles, &mut problems);
    }
    let place = |key: &str| section.as_ref().map(|section| section.place_of(key));
    let examples = parts::examples(&root, &mut problems);
    problems.extend(lookups::problems(&settings, &steps, &reconciles, place));
    problems.extend(lookups::of_examples(&steps, &examples));
    let StageName { number, slug } = match identity {
        Ok(identity) => problems.none_or(|| identity)?,
        Err(problem) => return Err(problems.with(problem)),
    };
    let meaning = meaning(&settings, &steps, &reconciles, language);
    Ok(Stage {
        number,
        slug,
        file: Arc::clone(&reading.file),
        settings,
        lookups: steps.lookups(),
        steps,
        reconciles,
        examples,
        source_text: text.to_owned(),
        text_sha256: sha256(&[text.as_bytes()]),
        meaning_sha256: sha256(&[meaning.as_bytes()]),
        meaning,
    })
}

/// Reads what happens to the records: `where`, `prepare`, `id`, operations, `[into]` and `[merge]`. Returns the names that
/// the expressions after it may use.
fn of_records<'t>(
    root: &Section<'_>,
    section: Option<&Section<'_>>,
    settings: &StageSettings,
    (early, lookup): (&Reading<'t>, &Lookup),
    steps: &mut Steps,
    problems: &mut Collected,
) -> Reading<'t> {
    if let Some(section) = section {
        let place = section.place_of("where");
        let filter = settings.filter.as_deref();
        steps.filter = filter.and_then(|source| problems.take(Expression::condition(source, &place, early)));
    }
    let reading = prepare(section, settings, early, steps, problems);
    let id = section.zip(settings.id.as_deref());
    steps.id = id
        .and_then(|(section, id)| problems.take(Expression::compile(id, &section.place_of("id"), &reading)));
    ops(root, &reading, lookup.functions(), steps, problems);
    steps.into = into(root, &reading, problems);
    merge(root, section, early, lookup, settings, steps, problems);
    if let Some(section) = root.section("aggregate", problems) {
        steps.aggregate = aggregate::read(&section, &reading, problems);
    }
    reading
}

/// Reports what `[aggregate]` excludes, and rules over fields that its windows do not have.
fn beside_aggregate(
    root: &Section<'_>,
    section: Option<&Section<'_>>,
    settings: &StageSettings,
    steps: &Steps,
    problems: &mut Collected,
) {
    if !root.has("aggregate") {
        return;
    }
    let contract = root.item("contract").and_then(toml_edit::Item::as_table_like);
    let in_contract = |key: &str| contract.is_some_and(|contract| contract.contains_key(key));
    let place = |key: &str| match key {
        "op" | "into" | "merge" => Some(root.place_of_key(key)),
        "contract.unique" | "contract.references" => {
            let item = contract?.get(key.strip_prefix("contract.")?)?;
            Some(root.reading().place(item.span()))
        }
        // That of the source is taken for none.
        "target" => section
            .filter(|section| section.has(key))
            .map(|section| section.place_of(key)),
        key => section.map(|section| section.place_of(key)),
    };
    let has = [
        ("op", root.has("op")),
        ("into", root.has("into")),
        ("merge", root.has("merge")),
        ("contract.unique", in_contract("unique")),
        ("contract.references", in_contract("references")),
    ];
    let has = has.into_iter().filter(|(_, has)| *has).map(|(key, _)| key);
    problems.extend(aggregate::exclusions(settings, steps, has, place));
    if let Some(aggregate) = &steps.aggregate {
        let rules = steps.contract.rules.iter();
        problems.extend(rules.filter_map(|rule| aggregate.unknown_field(&rule.expect, &rule.expect.start())));
    }
}

/// Reads `[merge]`, and what it excludes.
fn merge(
    root: &Section<'_>,
    section: Option<&Section<'_>>,
    reading: &Reading<'_>,
    lookup: &Lookup,
    settings: &StageSettings,
    steps: &mut Steps,
    problems: &mut Collected,
) {
    let Some(merge) = root.section("merge", problems) else {
        return;
    };
    steps.merge = merge::read(&merge, reading, lookup.functions(), problems);
    let place = |key: &str| match key {
        "op" | "into" => Some(root.place_of_key(key)),
        key => section.map(|section| section.place_of(key)),
    };
    let has = [("op", root.has("op")), ("into", root.has("into"))];
    let has = has.into_iter().filter(|(_, has)| *has).map(|(key, _)| key);
    problems.extend(merge::exclusions(settings, has, place));
}

fn stage_section<'t>(root: &Section<'t>, problems: &mut Collected) -> Option<Section<'t>> {
    if !root.has("stage") {
        let problem = Problem::error(
            "stage.missing_key",
            root.place(),
            "the file has no section [stage]",
        );
        problems.add(problem.help("begin with [stage] and its `source`"));
    }
    root.section("stage", problems)
}

/// Compiles `prepare`, and returns the names that the expressions after it may use.
fn prepare<'t>(
    section: Option<&Section<'_>>,
    settings: &StageSettings,
    early: &Reading<'t>,
    steps: &mut Steps,
    problems: &mut Collected,
) -> Reading<'t> {
    let (Some(section), Some(source)) = (section, settings.prepare.as_deref()) else {
        return early.clone();
    };
    steps.prepare = problems.take(Preparation::compile(source, &section.place_of("prepare"), early));
    let names = match &steps.prepare {
        Some(prepare) => prepare.names(),
        // It does not compile: its names are guessed, so that the expressions that use them are not reported as well.
        None => source
            .split("let ")
            .skip(1)
            .filter_map(|rest| {
                rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .next()
            })
            .map(str::to_owned)
            .collect(),
    };
    Reading {
        names,
        ..early.clone()
    }
}

fn in_place(
    section: Option<&Section<'_>>,
    settings: &StageSettings,
    steps: &Steps,
    problems: &mut Collected,
) {
    let place = |key: &str| section.map(|section| section.place_of(key));
    for problem in in_place::problems(settings, steps, place) {
        problems.add(problem);
    }
}

fn ops(
    root: &Section<'_>,
    reading: &Reading<'_>,
    functions: &Functions,
    steps: &mut Steps,
    problems: &mut Collected,
) {
    for table in root.tables("op", problems) {
        if let Some(op) = problems.take_all(op::read(table, reading, functions)) {
            steps.ops.push(op);
            steps.op_places.push(reading.place(table.span()));
        }
    }
}

/// Reads `[into]`: the fields of a new document in the order written, dotted keys nested.
fn into(root: &Section<'_>, reading: &Reading<'_>, problems: &mut Collected) -> Option<Template> {
    let section = root.section("into", problems)?;
    Some(Template::Object(into_fields(section.table(), reading, problems)))
}

fn into_fields(table: &dyn TableLike, reading: &Reading<'_>, problems: &mut Collected) -> Vec<TemplateField> {
    let mut fields = Vec::new();
    for (name, item) in table.iter() {
        let template = match item {
            // Field by field, so that each reports its problem; `{ json = ".." }` is a value, however it is written.
            Item::Table(nested) if !(nested.len() == 1 && nested.contains_key("json")) => {
                Some(Template::Object(into_fields(nested, reading, problems)))
            }
            item => problems.take(Template::read(item, reading)),
        };
        // A field that does not compile still has its name, so that expressions that read it are not reported as well.
        let template = template.unwrap_or_else(|| Template::Fixed(Value::null()));
        let name = name.to_owned();
        fields.push(TemplateField { name, template });
    }
    fields
}
