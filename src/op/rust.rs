//! `rust`: a function that the program registered with the library.

use super::functions::{Functions, NAME};
use super::{Form, Key, Manual, Operation, Settings};
use crate::problem::Problem;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: NAME,
    group: "record",
    summary: "calls a function that the program registered with the library; it refuses under codes of its own",
    keys: &[
        Key::required("function", Form::Text, "its name"),
        Key::required(
            "version",
            Form::Integer,
            "its version, from 1: a changed function is another version",
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::op::testing::{changed, problem, read_with};
    use crate::op::{Effect, Function};
    use crate::record::Value;

    fn functions() -> Functions {
        let mut functions = Functions::new();
        functions.register(Function::new("stamp", 2, |document, context| {
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
