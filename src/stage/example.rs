//! Running the `[[example]]`s of a stage: what the stage makes of them, and whether its inverse restores the input.

use serde_json::Value as Json;

use super::goldens::Unmerged;
use super::merge::Merge;
use super::{Example, Expected, Outcome, Stage};
use crate::context::Context;
use crate::digest::{Salt, sha256};
use crate::environment::Secrets;
use crate::expression::Scope;
use crate::op::{Effect, Reversibility};
use crate::problem::Place;
use crate::record::{Document, Limits, Record, RecordNumber, Value};
use crate::refusal::Refusal;

/// Value of `now()` in examples: 2000-01-01T00:00:00Z, in microseconds UTC.
const NOW_US: i64 = 946_684_800_000_000;

/// The result of one example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExampleResult {
    /// Name of the example.
    pub name: String,
    /// Place of the example in the file.
    pub place: Place,
    /// Verdict on the example.
    pub verdict: Verdict,
}

/// Whether an example holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Passed {
        /// Whether the inverse operations were run as well and restored the input: only if every operation has an exact
        /// inverse.
        round_trip: bool,
    },
    /// The output differs; the text describes how, over several lines, with values at redacted paths masked.
    Failed(String),
}

/// Returns the salt of an example's record: the first 16 bytes of `SHA-256("example" || id)`.
fn example_salt(id: &str) -> Salt {
    let hash = sha256(&[b"example", id.as_bytes()]);
    std::array::from_fn(|at| hash[at])
}

impl Stage {
    /// Runs the examples. In them, `now()` is 2000-01-01T00:00:00Z, and the secrets that an example has replace those of
    /// the same name here.
    ///
    /// Examples are not in a ledger: their random values are derived from the example's id, so that they are always the
    /// same.
    ///
    /// The output must equal the expected one exactly, except for whitespace: the same fields in the same order with
    /// the same number texts. If every operation is exact, the inverse operations must restore the input.
    pub fn run_examples(&self, project: &str, secrets: &Secrets) -> Vec<ExampleResult> {
        let run = |example: &Example| ExampleResult {
            name: example.name.clone(),
            place: example.place.clone(),
            verdict: self
                .run_example(example, project, secrets)
                .unwrap_or_else(Verdict::Failed),
        };
        self.examples.iter().map(run).collect()
    }

    fn run_example(&self, example: &Example, project: &str, secrets: &Secrets) -> Result<Verdict, String> {
        let secrets = &secrets.overridden_by(&example.secrets);
        if let Some(merge) = self.merge() {
            return self.run_merge_example(merge, example, project, secrets);
        }
        if self.aggregate().is_some() {
            return self.run_aggregate_example(example, project, secrets);
        }
        let record = Record {
            number: RecordNumber::new(1),
            id: example.id.clone(),
            data: example.input.clone(),
        };
        let context = Context {
            project,
            stage: self.number,
            id: &record.id,
            salt: Some(example_salt(&record.id)),
            now_us: NOW_US,
            secrets,
            limits: Limits::default(),
            probe: None,
            lookups: Some(&example.lookups),
        };
        let outputs = match (self.transform(&record, &context), &example.expected) {
            (Err(refusal), Expected::Refused(code)) => {
                return refused_as(&refusal, code).map(|()| Verdict::Passed { round_trip: false });
            }
            (Err(refusal), _) => return Err(format!("the record was refused: {refusal}")),
            (Ok(Outcome::Filter(_)), Expected::Filtered) => return Ok(Verdict::Passed { round_trip: false }),
            (Ok(Outcome::Filter(reason)), _) => return Err(format!("the record was left out: {reason}")),
            (Ok(Outcome::Write(output)), _) => vec![output.data],
            (Ok(Outcome::Derive(outputs)), _) => outputs.into_iter().map(|output| output.data).collect(),
        };
        let Expected::Written(expected) = &example.expected else {
            return Err("the record was written".to_owned());
        };
        self.all_equal(expected, &outputs)?;
        let round_trip = match &outputs[..] {
            [output] if self.is_exact() => {
                let back = self.way_back(output, &context)?;
                self.equal("the inverse", &example.input, &back)?;
                true
            }
            _ => false,
        };
        Ok(Verdict::Passed { round_trip })
    }

    /// Runs an example of a stage that merges: `inputs` become golden records.
    fn run_merge_example(
        &self,
        merge: &Merge,
        example: &Example,
        project: &str,
        secrets: &Secrets,
    ) -> Result<Verdict, String> {
        let records = inputs_of(example)?;
        let context = Context::new(project, self.number, secrets).now_us(NOW_US);
        let context = context.id(&example.id).salt(example_salt(&example.id));
        let goldens = match (self.goldens(merge, &records, &context), &example.expected) {
            (Err(Unmerged::Refused(refusal)), Expected::Refused(code)) => {
                return refused_as(&refusal, code).map(|()| Verdict::Passed { round_trip: false });
            }
            (Err(Unmerged::Refused(refusal)), _) => return Err(format!("a record was refused: {refusal}")),
            (Err(Unmerged::Unfinished(unfinished)), _) => {
                return Err(format!("a limit would be exceeded: {unfinished}"));
            }
            (Ok(goldens), _) => goldens
                .into_iter()
                .map(|output| output.data)
                .collect::<Vec<String>>(),
        };
        let Expected::Written(expected) = &example.expected else {
            return Err("the golden records were written".to_owned());
        };
        self.all_equal(expected, &goldens)?;
        Ok(Verdict::Passed { round_trip: false })
    }

    /// Runs an example of a stage that aggregates: `inputs` become windows.
    fn run_aggregate_example(
        &self,
        example: &Example,
        project: &str,
        secrets: &Secrets,
    ) -> Result<Verdict, String> {
        let records = inputs_of(example)?;
        let context = Context::new(project, self.number, secrets).now_us(NOW_US);
        let windows = match (self.windows(&records, &context), &example.expected) {
            (Err(refusal), Expected::Refused(code)) => {
                return refused_as(&refusal, code).map(|()| Verdict::Passed { round_trip: false });
            }
            (Err(refusal), _) => return Err(format!("a reading or a window was refused: {refusal}")),
            (Ok(windows), _) => windows
                .into_iter()
                .map(|output| output.data)
                .collect::<Vec<String>>(),
        };
        let Expected::Written(expected) = &example.expected else {
            return Err("the windows were written".to_owned());
        };
        self.all_equal(expected, &windows)?;
        Ok(Verdict::Passed { round_trip: false })
    }

    fn all_equal(&self, expected: &[String], found: &[String]) -> Result<(), String> {
        if expected.len() != found.len() {
            let (expected, found) = (expected.len(), found.len());
            return Err(format!("expected {expected} records, got {found}"));
        }
        let mut pairs = expected.iter().zip(found);
        pairs.try_for_each(|(expected, found)| self.equal("the output", expected, found))
    }

    /// Returns whether the operations alone make the new record, and each has an exact inverse.
    fn is_exact(&self) -> bool {
        let steps = &self.steps;
        let exact = steps
            .ops
            .iter()
            .all(|op| op.reversibility() == Reversibility::Exact);
        exact && !steps.ops.is_empty() && steps.into.is_none() && steps.closure.is_none()
    }

    /// Applies the inverse operations to the output, the last one first.
    fn way_back(&self, output: &str, context: &Context<'_>) -> Result<String, String> {
        let mut document = Document::parse(output).map_err(|error| error.message)?;
        let mut scope = Scope::new(*context);
        // An operation that writes nothing (a filter) has nothing to undo.
        for op in self.steps.ops.iter().rev().filter(|op| !op.writes().is_empty()) {
            let name = op.name();
            let inverse = op
                .inverse()
                .ok_or_else(|| format!("`{name}` is exact, but has no inverse"))?;
            let effect = inverse.apply(&mut document, &mut scope);
            match effect.map_err(|refusal| format!("the inverse of `{name}` refused: {refusal}"))? {
                Effect::Changed | Effect::Unchanged => {}
                _ => {
                    return Err(format!(
                        "the inverse of `{name}` does not change exactly one record"
                    ));
                }
            }
        }
        Ok(document.to_json())
    }

    fn equal(&self, what: &str, expected: &str, found: &str) -> Result<(), String> {
        if expected == found {
            return Ok(());
        }
        let json = |text: &str| serde_json::from_str::<Json>(text).ok();
        if json(expected).is_some_and(|expected| Some(expected) == json(found)) {
            let names = |text: &str| json(text).map(|json| in_order(&json));
            if names(expected) != names(found) {
                return Err(format!(
                    "{what} has the right fields in the wrong order\n{}",
                    self.shown(expected, found)
                ));
            }
            return Err(format!(
                "{what} has the right values, but one of its strings is written with other escapes"
            ));
        }
        Err(format!("{what} differs\n{}", self.shown(expected, found)))
    }

    /// Shows the differing lines of two documents, with values at redacted paths masked.
    fn shown(&self, expected: &str, found: &str) -> String {
        let (expected, found) = (self.pretty(expected), self.pretty(found));
        let diff = similar::TextDiff::from_lines(&expected, &found);
        diff.unified_diff()
            .context_radius(2)
            .header("expected", "found")
            .to_string()
    }

    fn pretty(&self, data: &str) -> String {
        let Ok(mut document) = Document::parse(data) else {
            return "not a JSON object\n".to_owned();
        };
        for path in &self.settings.redact {
            for place in document.places(path) {
                if let Some(value) = document.at_mut(&place) {
                    *value = Value::text("(redacted)");
                }
            }
        }
        let json: Option<Json> = serde_json::from_str(&document.to_json()).ok();
        let pretty = json.and_then(|json| serde_json::to_string_pretty(&json).ok());
        pretty.unwrap_or_default() + "\n"
    }
}

/// Returns the records of an example with several, numbered from 1.
fn inputs_of(example: &Example) -> Result<Vec<Record>, String> {
    let list = Value::parse(&example.input).map_err(|error| error.message)?;
    let records = list.as_list().unwrap_or_default();
    let records = records.iter().zip(1_i64..).map(|(record, number)| Record {
        number: RecordNumber::new(number),
        id: format!("{}-{number}", example.id),
        data: record.to_json(),
    });
    Ok(records.collect())
}

/// Returns every name of a JSON value, in order.
fn in_order(json: &Json) -> Vec<String> {
    match json {
        Json::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| [vec![name.clone()], in_order(value)].concat())
            .collect(),
        Json::Array(list) => list.iter().flat_map(in_order).collect(),
        _ => Vec::new(),
    }
}

/// Checks that the refusal, or one of its violations, has the code.
fn refused_as(refusal: &Refusal, code: &str) -> Result<(), String> {
    let found = refusal.code == code || refusal.violations.iter().any(|violation| violation.code == code);
    found
        .then_some(())
        .ok_or_else(|| format!("expected the refusal `{code}`, got: {refusal}"))
}
