//! The reference table of operations for the documentation, generated from their manuals.

use std::fmt::Write as _;

use super::form::Form;
use super::settings::Manual;

const GROUPS: [(&str, &str); 4] = [
    ("shape", "Moving and renaming fields."),
    ("value", "Changing values."),
    ("collection", "Working on lists."),
    (
        "record",
        "Working on whole records. One record becomes at most 10,000 records of 16 MiB in all (or of the maximum size \
         of a single record, if that is larger); otherwise it is refused.",
    ),
];

/// Returns the reference of all operations as Markdown: per group a section, per operation its keys with their
/// defaults, its refusal codes, and how it can be undone.
pub(crate) fn reference(manuals: &[&Manual]) -> String {
    let mut out = String::from(
        "# Operations\n\n\
         Generated from the code by `UPDATE_DOCS=1 cargo test reference`; do not edit by hand.\n\n\
         Every operation also takes `refuse_as`, a code that replaces the codes of its refusals. Paths are written \
         `a.b`, `items[*].price`, `\"odd.key\"`, or as a JSON Pointer that begins with `/`.\n\n\
         If a path does not exist, because a list or an object along it is missing, null or of another type, the \
         record is refused, unless the operation has `missing = \"skip\"`. An operation on values that writes its \
         result elsewhere (`to`, `into`) is undone exactly, by `remove`, if it refuses a missing path and cannot \
         create a parent object.\n\n\
         Tests run the examples. Their stage rounds half-even, and its secret `pepper` is `key`.\n",
    );
    for (group, summary) in GROUPS {
        let mut of_group = manuals.iter().filter(|manual| manual.group == group).peekable();
        if of_group.peek().is_none() {
            continue;
        }
        let _ = write!(out, "\n## {group}\n\n{summary}\n");
        of_group.for_each(|manual| section(&mut out, manual));
    }
    out
}

fn section(out: &mut String, manual: &Manual) {
    let _ = write!(out, "\n### `{}`\n\n{}.\n\n", manual.name, capital(manual.summary));
    let (settings, input, output) = manual.example;
    let _ = write!(
        out,
        "```toml\n[[op]]\n{settings}\n```\n\n`{input}` becomes `{output}`\n\n"
    );
    out.push_str("| key | value | if absent | meaning |\n|---|---|---|---|\n");
    for key in manual.keys {
        let absent = if key.required { "**required**" } else { key.default };
        let cells = [
            format!("`{}`", key.name),
            form(key.form),
            absent.to_owned(),
            key.summary.to_owned(),
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    let codes: Vec<String> = manual.refusals.iter().map(|code| format!("`{code}`")).collect();
    let refuses = if codes.is_empty() {
        "no code of its own".to_owned()
    } else {
        codes.join(", ")
    };
    let _ = write!(out, "\nRefuses: {refuses}. Undo: {}.\n", manual.undo);
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn form(form: Form) -> String {
    match form {
        Form::Path => "a path".to_owned(),
        Form::Paths => "a list of paths".to_owned(),
        Form::Text => "a string".to_owned(),
        Form::Texts => "a list of strings".to_owned(),
        Form::Choice(words) => words.join(" or "),
        Form::Boolean => "true or false".to_owned(),
        Form::Integer => "a whole number".to_owned(),
        Form::Template => "a value, or `= expression`".to_owned(),
        Form::Expression => "an expression, `= ...`".to_owned(),
        Form::Table => "a table".to_owned(),
        Form::Tables => "a list of tables".to_owned(),
        Form::PathTable => "a table of names and paths".to_owned(),
        Form::Operations => "a list of operations".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::GROUPS;
    use crate::op::kit::code::is_code;
    use crate::op::{MANUALS, reference};

    #[test]
    fn the_documentation_is_the_reference() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
            std::fs::write(path, reference()).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == reference(),
            "docs/operations.md is old: run `UPDATE_DOCS=1 cargo test reference`"
        );
    }

    #[test]
    fn every_manual_is_complete_and_its_name_is_its_own() {
        for (at, manual) in MANUALS.iter().enumerate() {
            assert!(
                GROUPS.iter().any(|(group, _)| *group == manual.group),
                "{}",
                manual.name
            );
            assert!(
                MANUALS[..at].iter().all(|other| other.name != manual.name),
                "{}",
                manual.name
            );
            let (settings, input, output) = manual.example;
            for text in [manual.summary, manual.undo, settings, input, output] {
                assert!(
                    !text.is_empty() && !text.ends_with('.'),
                    "{}: {text}",
                    manual.name
                );
            }
            for code in manual.refusals {
                assert!(is_code(code), "{}: {code}", manual.name);
            }
            for key in manual.keys {
                assert!(
                    !key.summary.is_empty() && key.required == key.default.is_empty(),
                    "{}.{}: a key that may be absent says what holds then",
                    manual.name,
                    key.name
                );
            }
        }
    }
}
