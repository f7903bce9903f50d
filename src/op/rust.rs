//! `rust`: calls a function that the program registered with the library.

use serde_json::json;

use super::kit::checked::Checked;
use super::{
    Effect, Effects, Form, FunctionOperation, Functions, Key, Manual, Operation, Reversibility, Settings,
};
use crate::expression::Scope;
use crate::lineage::{Dependence, Flow, Shape};
use crate::path::Path;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "rust",
    group: "record",
    summary: "calls a function that the program has registered with the library; it refuses with its own codes",
    keys: &[
        Key::required("function", Form::Text, "its name"),
        Key::required(
            "version",
            Form::Integer,
            "its version, from 1; a changed function needs a new version",
        ),
    ],
    refusals: &[],
    undo: "lossy: what the function does is not known",
    example: (
        r#"op = "rust"
function = "count_items"
version = 1"#,
        r#"{"items":[1,2]}"#,
        r#"{"items":[1,2],"count":2}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let name = settings.text("function").unwrap_or_default();
    let version = settings
        .integer("version", 1..=i64::from(u32::MAX))?
        .and_then(|version| u32::try_from(version).ok())
        .unwrap_or(1);
    let functions = settings.functions();
    match functions.get(name, version) {
        Some(function) => Ok(Box::new(function.clone())),
        None => Err(unknown(settings, functions, name, version)),
    }
}

fn unknown(settings: &Settings<'_>, functions: &Functions, name: &str, version: u32) -> Problem {
    let versions: Vec<String> = functions
        .iter()
        .filter(|known| known.name == name)
        .map(|known| known.version.to_string())
        .collect();
    if versions.is_empty() {
        let message = format!("no function `{name}` is registered");
        let problem = Problem::error("stage.unknown_function", settings.place_of("function"), message)
            .help("functions are registered by the Rust program that uses the library");
        return problem.did_you_mean(name, functions.iter().map(|known| known.name.as_str()));
    }
    let message = format!("the function `{name}` is not registered in version {version}");
    Problem::error("stage.unknown_function", settings.place_of("version"), message)
        .help(format!("registered: {}", versions.join(", ")))
}

fn known(paths: Option<&Checked<Vec<Path>>>) -> Vec<Path> {
    paths.and_then(Checked::known).cloned().unwrap_or_default()
}

impl Operation for FunctionOperation {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        (self.body)(document, scope.context())
    }

    fn reads(&self) -> Vec<Path> {
        known(self.reads.as_ref())
    }

    fn writes(&self) -> Vec<Path> {
        known(self.writes.as_ref())
    }

    fn lineage(&self, flow: &mut Flow) {
        if self.reads.is_none() || self.writes.is_none() {
            return flow.unknown();
        }
        let sources = flow.sources(&self.reads()).made(Dependence::Transformation);
        for path in self.writes() {
            flow.put_or_keep(&path, Shape::made(sources.clone()));
        }
        // The function may leave the record out, or give it another id.
        flow.filter(sources.clone());
        flow.rekey(flow.id().clone().and(&sources));
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Lossy
    }

    fn meaning(&self) -> serde_json::Value {
        json!({ "op": MANUAL.name, "function": self.name, "version": self.version })
    }

    fn problems(&self) -> Vec<Problem> {
        let given = [&self.reads, &self.writes].into_iter().flatten();
        given.flat_map(Checked::problems).collect()
    }

    /// The effects of a function are unknown. `each` may contain it, but accepts nothing except a change of the
    /// element.
    fn effects(&self) -> Effects {
        Effects::ANY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{changed, problem, read_with};
    use crate::record::Value;

    fn functions() -> Functions {
        let mut functions = Functions::new();
        functions.register(FunctionOperation::new("stamp", 2, |document, context| {
            document.set("id", Value::text(context.id));
            Ok(Effect::Changed)
        }));
        functions
    }

    #[test]
    fn a_registered_function_runs_under_its_name_and_version() {
        let toml = "op = 'rust'\nfunction = 'stamp'\nversion = 2";
        let operation = read_with(toml, &functions()).unwrap();
        assert_eq!(
            changed(&*operation, r#"{"a":1.0}"#).unwrap(),
            r#"{"a":1.0,"id":"r1"}"#
        );
        assert_eq!(
            operation.meaning(),
            json!({"op": "rust", "function": "stamp", "version": 2})
        );
    }

    #[test]
    fn a_function_or_version_that_is_not_registered_is_a_problem() {
        let problems = |toml| read_with(toml, &functions()).unwrap_err();
        let name = problems("op = 'rust'\nfunction = 'stampp'\nversion = 2");
        assert_eq!(name[0].code, "stage.unknown_function");
        assert_eq!(name[0].help.as_deref(), Some("did you mean `stamp`?"));
        let version = problems("op = 'rust'\nfunction = 'stamp'\nversion = 3");
        assert_eq!(version[0].help.as_deref(), Some("registered: 2"));
        assert!(problem("op = 'rust'\nfunction = 'x'\nversion = 0").starts_with("stage.out_of_range"));
    }
}
