//! Reading one `[[op]]` table.

use std::ops::Range;

use toml_edit::{Item, Table};

use super::functions::Functions;
use super::{Effect, MANUALS, Operation, Reversibility, Settings, manual};
use crate::expression::{Expression, Scope};
use crate::language::Language;
use crate::lineage::Flow;
use crate::path::Path;
use crate::problem::{Place, Problem};
use crate::reading::{Reading, type_in_words};
use crate::record::Document;
use crate::refusal::{Refusal, is_reserved};

/// Reads one `[[op]]` table. The operation's refusals name its place in the file as their rule, and have the code
/// that `refuse_as` gives, if it is there. What `op = "rust"` may call are `functions`.
///
/// # Errors
/// Every problem of the table: no `op`, an unknown one, unknown or missing keys, wrong types, bad paths.
pub fn read(
    table: &Table,
    reading: &Reading<'_>,
    functions: &Functions,
) -> Result<Box<dyn Operation>, Vec<Problem>> {
    read_at(table, table.span(), reading, functions)
}

/// Reads a table that stands at `span`.
pub(super) fn read_at(
    table: &Table,
    span: Option<Range<usize>>,
    reading: &Reading<'_>,
    functions: &Functions,
) -> Result<Box<dyn Operation>, Vec<Problem>> {
    let place = reading.place(span);
    let manual = named_manual(table, &place, reading).map_err(|problem| vec![problem])?;
    let mut settings = Settings::check_at(manual, table, place.clone(), reading, functions)?;
    let refuse_as = refuse_as(&settings).map_err(|problem| vec![problem])?;
    let built = (manual.build)(&mut settings);
    let mut problems = settings.reported();
    let inner = match built {
        Ok(inner) => inner,
        Err(problem) => {
            problems.insert(0, problem);
            return Err(problems);
        }
    };
    problems.extend(inner.problems().into_iter().map(|problem| Problem {
        place: problem.place.or_else(|| Some(place.clone())),
        ..problem
    }));
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Box::new(Placed {
        inner,
        rule: place.to_string(),
        refuse_as,
    }))
}

fn named_manual(
    table: &Table,
    place: &Place,
    reading: &Reading<'_>,
) -> Result<&'static super::Manual, Problem> {
    let Some(item) = table.get("op") else {
        let message = "an operation needs the key `op`: its name";
        return Err(Problem::error("stage.missing_key", place.clone(), message));
    };
    let here = item
        .span()
        .map_or_else(|| place.clone(), |span| reading.place(Some(span)));
    let Some(name) = item.as_str() else {
        let message = format!("`op` takes a text, not {}", type_in_words(item.type_name()));
        return Err(Problem::error("stage.wrong_type", here, message));
    };
    manual(name).ok_or_else(|| {
        Problem::error(
            "stage.unknown_op",
            here,
            format!("there is no operation `{name}`"),
        )
        .did_you_mean(name, MANUALS.iter().map(|manual| manual.name))
    })
}

fn refuse_as(settings: &Settings<'_>) -> Result<Option<String>, Problem> {
    let Some(item) = settings.item("refuse_as") else {
        return Ok(None);
    };
    code(settings, "refuse_as", item).map(Some)
}

/// A code of a stage file: lower-case words joined by points.
pub(super) fn code(settings: &Settings<'_>, name: &str, item: &Item) -> Result<String, Problem> {
    let text = item.as_str().unwrap_or_default();
    if is_reserved(text) {
        return Err(Problem::error(
            "stage.reserved_code",
            settings.place_of(name),
            reserved(text),
        ));
    }
    if is_code(text) {
        return Ok(text.to_owned());
    }
    let message = format!("`{name}` is not a code");
    Err(Problem::error("stage.bad_code", settings.place_of(name), message)
        .help("write lower-case words joined by points, for example `address.unparsed`"))
}

/// What is wrong with a code that only the ledger gives.
pub(super) fn reserved(code: &str) -> String {
    format!("`{code}` is a code of the ledger's own: choose another one")
}

/// The form of a code, as a pattern: what [`is_code`] checks.
pub(super) const CODE_PATTERN: &str = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$";

/// Whether a text has the form of a code.
pub(super) fn is_code(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.split('.').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        })
}

/// An operation of a stage file: its refusals say where it stands, and may have a name of their own.
#[derive(Debug)]
struct Placed {
    inner: Box<dyn Operation>,
    rule: String,
    refuse_as: Option<String>,
}

impl Operation for Placed {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        self.inner.apply(document, scope).map_err(|refusal| {
            let refusal = refusal.rule(&self.rule);
            match &self.refuse_as {
                Some(code) => refusal.named(code),
                None => refusal,
            }
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.inner.reads()
    }

    fn writes(&self) -> Vec<Path> {
        self.inner.writes()
    }

    fn lineage(&self, flow: &mut Flow) {
        self.inner.lineage(flow);
    }

    fn reversibility(&self) -> Reversibility {
        self.inner.reversibility()
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        Some(Box::new(Self {
            inner: self.inner.inverse()?,
            rule: self.rule.clone(),
            refuse_as: self.refuse_as.clone(),
        }))
    }

    /// The place is no part of the meaning: moving an operation down a line changes nothing.
    fn meaning(&self) -> serde_json::Value {
        let mut meaning = self.inner.meaning();
        if let (Some(code), Some(settings)) = (&self.refuse_as, meaning.as_object_mut()) {
            settings.insert("refuse_as".to_owned(), code.as_str().into());
        }
        meaning
    }

    fn language(&self) -> Language {
        self.inner.language()
    }

    fn expressions(&self) -> Vec<&Expression> {
        self.inner.expressions()
    }

    fn problems(&self) -> Vec<Problem> {
        self.inner.problems()
    }

    fn concerns_whole_record(&self) -> bool {
        self.inner.concerns_whole_record()
    }

    fn derives_from(&self) -> Option<Path> {
        self.inner.derives_from()
    }
}

#[cfg(test)]
mod tests {
    use super::is_code;
    use crate::op::testing::{applied, problem};

    #[test]
    fn an_unknown_operation_is_a_problem_that_says_which_was_meant() {
        assert_eq!(
            problem("op = 'renam'"),
            "stage.unknown_op t.toml:2:6 there is no operation `renam` (did you mean `rename`?)"
        );
        assert!(problem("from = 'a'").starts_with("stage.missing_key t.toml:1:1 "));
        assert_eq!(
            problem("op = 7"),
            "stage.wrong_type t.toml:2:6 `op` takes a text, not a whole number"
        );
    }

    #[test]
    fn a_word_that_is_none_of_the_choice_is_named_and_not_its_type() {
        for (settings, expected) in [
            (
                "emit = 'numeric'",
                "t.toml:4:8 `emit` takes one of: string, number; not `numeric` (did you mean `number`?)",
            ),
            (
                "emit = 3",
                "t.toml:4:8 `emit` takes one of: string, number, not a whole number",
            ),
            (
                "point = ';'",
                "t.toml:4:9 `point` takes one of: `.`, `,`; not `;`",
            ),
            (
                "places = 'x'",
                "t.toml:4:10 `places` takes a whole number, not a text",
            ),
        ] {
            assert_eq!(
                problem(&format!("op = 'decimal'\npath = 'a'\n{settings}")),
                format!("stage.wrong_type {expected}")
            );
        }
    }

    #[test]
    fn refuse_as_names_the_refusal_and_the_rule_is_its_place() {
        let toml = "op = 'rename'\nfrom = 'a'\nto = 'b'\nrefuse_as = 'account.unnamed'";
        assert_eq!(
            applied(toml, "{}").unwrap_err(),
            r#"{"code":"account.unnamed","violations":[{"code":"rename.missing","pointer":"/a","rule":"t.toml:1:1"}]}"#
        );
        assert!(
            problem("op = 'rename'\nfrom = 'a'\nto = 'b'\nrefuse_as = 'Bad code'")
                .starts_with("stage.bad_code")
        );
    }

    #[test]
    fn a_code_is_lower_case_words_joined_by_points() {
        for text in ["a", "items.length", "a1_b.2.c_"] {
            assert!(is_code(text), "{text}");
        }
        for text in ["", ".", "a.", "1a", "_a", "a..b", "A", "a b", "ä"] {
            assert!(!is_code(text), "{text}");
        }
    }
}
