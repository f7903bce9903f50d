//! Tries one operation on one document, for tests.

use toml_edit::Document as TomlDocument;

use super::{Effect, Manual, Operation, Settings};
use crate::context::Context;
use crate::expression::Scope;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::record::{Document, Rounding};
use crate::surroundings::Secrets;

/// The document after the operation; or the refusal as `code at pointer, code at pointer`.
pub(super) fn run(op: &dyn Operation, json: &str) -> Result<String, String> {
    run_with(op, json).0
}

/// The same, with the warnings.
pub(super) fn run_with(op: &dyn Operation, json: &str) -> (Result<String, String>, Vec<String>) {
    let secrets: Secrets = [("pepper".to_owned(), "key".to_owned())].into_iter().collect();
    let mut scope = Scope::new(Context {
        project: "shop",
        stage: 1,
        id: "ORD-1",
        now_us: 0,
        secrets: &secrets,
    });
    let mut document = Document::parse(json).expect("the test's document is an object");
    let before = document.to_json();
    let result = match op.apply(&mut document, &mut scope) {
        Ok(effect) => {
            let after = document.to_json();
            assert_eq!(
                matches!(effect, Effect::Unchanged),
                before == after,
                "the effect tells the truth"
            );
            Ok(after)
        }
        Err(refusal) => {
            let violations = refusal.violations.iter();
            let places: Vec<String> = violations
                .map(|violation| format!("{} at {}", violation.code, violation.pointer))
                .collect();
            Err(places.join(", "))
        }
    };
    let warnings = scope.warnings().iter().map(ToString::to_string).collect();
    (result, warnings)
}

/// The operation that a stage file's settings give; the first problem otherwise.
pub(super) fn built(
    manual: &'static Manual,
    settings: &str,
    rounding: Option<Rounding>,
) -> Result<Box<dyn Operation>, Problem> {
    let table = TomlDocument::parse(settings).expect("the test's settings are TOML");
    let mut reading = Reading::new("0001_test.toml", settings);
    reading.rounding = rounding;
    let mut settings =
        Settings::check(manual, table.as_table(), &reading).map_err(|mut problems| problems.remove(0))?;
    (manual.build)(&mut settings)
}
