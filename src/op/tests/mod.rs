//! What operations promise together, the longer tests of single ones, and what all of them share.

use toml_edit::Document as Toml;

use super::{Effect, Functions, Manual, Operation, read};
use crate::context::Context;
use crate::environment::Secrets;
use crate::expression::Scope;
use crate::lookup::KnownRows;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::record::{Document, Limits, Rounding, Value};
use crate::refusal::Refusal;
use crate::toml::Problems;

mod decimal;
mod examples;
mod first_language;
mod inverse;
mod names;
mod parents;
mod parse_date;
mod partition;
mod split;
mod value_promises;

/// Reads the body of an `[[op]]` table, in a stage that declares this, with these functions registered.
pub(super) fn read_as(
    body: &str,
    functions: &Functions,
    declare: impl FnOnce(&mut Reading<'_>),
) -> Result<Box<dyn Operation>, Problems> {
    let text = format!("[[op]]\n{body}\n");
    let file = Toml::parse(text.as_str()).expect("the test's TOML is TOML");
    let mut reading = Reading::new("t.toml", &text);
    declare(&mut reading);
    let tables = file["op"].as_array_of_tables().expect("it begins with [[op]]");
    read(tables.get(0).expect("there is one"), &reading, functions)
}

/// Reads the body of an `[[op]]` table, with these functions registered.
pub(super) fn read_with(body: &str, functions: &Functions) -> Result<Box<dyn Operation>, Problems> {
    read_as(body, functions, |_| {})
}

/// Reads the body of an `[[op]]` table.
pub(super) fn operation(body: &str) -> Box<dyn Operation> {
    read_with(body, &Functions::default()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The problems of an `[[op]]` table, one a line.
pub(super) fn problem(body: &str) -> String {
    let problems = read_with(body, &Functions::default()).expect_err("the table has problems");
    let lines = problems.iter().map(|problem| {
        let help = problem
            .help
            .as_ref()
            .map(|help| format!(" ({help})"))
            .unwrap_or_default();
        let place = problem
            .place
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        format!("{} {place} {}{help}", problem.code, problem.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Applies an operation to a document, and gives the warnings too.
fn apply_warned(
    operation: &dyn Operation,
    document: &mut Document,
) -> (Result<Effect, Refusal>, Vec<String>) {
    let secrets: Secrets = [("pepper".to_owned(), "key".to_owned())].into_iter().collect();
    let people = KnownRows::new().row("people", "PAT-7", Value::text("Ada"));
    let mut scope = Scope::new(Context {
        project: "shop",
        stage: 1,
        id: "r1",
        salt: Some([7; 16]),
        now_us: 0,
        secrets: &secrets,
        limits: Limits::default(),
        probe: None,
        lookups: Some(&people),
    });
    let before = document.to_json();
    let effect = operation.apply(document, &mut scope);
    let changed = document.to_json() != before;
    match &effect {
        Ok(Effect::Changed) => assert!(changed, "the effect tells the truth"),
        Ok(_) => assert!(!changed, "the effect tells the truth"),
        Err(_) => {}
    }
    (effect, scope.warnings().iter().map(ToString::to_string).collect())
}

/// Applies an operation to a document.
pub(super) fn apply(operation: &dyn Operation, document: &mut Document) -> Result<Effect, Refusal> {
    apply_warned(operation, document).0
}

/// The JSON after an operation, or the refusal as JSON.
pub(super) fn changed(operation: &dyn Operation, json: &str) -> Result<String, String> {
    let mut document = Document::parse(json).expect("the test's JSON is an object");
    apply(operation, &mut document)
        .map(|_| document.to_json())
        .map_err(|refusal| refusal.to_json())
}

/// The JSON after the operation of an `[[op]]` table, or the refusal as JSON.
pub(super) fn applied(body: &str, json: &str) -> Result<String, String> {
    changed(&*operation(body), json)
}

/// The code and the pointer of the refusal that an `[[op]]` table gives.
pub(super) fn refused(body: &str, json: &str) -> String {
    let mut document = Document::parse(json).expect("the test's JSON is an object");
    let refusal = apply(&*operation(body), &mut document).expect_err("the record is refused");
    format!("{} {}", refusal.code, refusal.violations[0].pointer)
}

/// The document after the operation; or the refusal as `code at pointer, code at pointer`.
pub(super) fn run(op: &dyn Operation, json: &str) -> Result<String, String> {
    run_with(op, json).0
}

/// The same, with the warnings.
pub(super) fn run_with(op: &dyn Operation, json: &str) -> (Result<String, String>, Vec<String>) {
    let mut document = Document::parse(json).expect("the test's document is an object");
    let (effect, warnings) = apply_warned(op, &mut document);
    let result = effect.map(|_| document.to_json()).map_err(|refusal| {
        let violations = refusal.violations.iter();
        let places: Vec<String> = violations
            .map(|violation| format!("{} at {}", violation.code, violation.pointer))
            .collect();
        places.join(", ")
    });
    (result, warnings)
}

/// The operation that a stage file's settings give; the first problem otherwise.
pub(super) fn built(
    manual: &'static Manual,
    settings: &str,
    rounding: Option<Rounding>,
) -> Result<Box<dyn Operation>, Problem> {
    let text = format!("{settings}\nop = \"{}\"", manual.name);
    let table = Toml::parse(text.as_str()).expect("the test's settings are TOML");
    let mut reading = Reading::new("0001_test.toml", &text);
    reading.rounding = rounding;
    read(table.as_table(), &reading, &Functions::default()).map_err(|problems| problems[0].clone())
}
