//! Reads one `[[op]]` table.

use super::code::code;
use super::operation::Operation;
use super::placed::PlacedOperation;
use super::settings::{Manual, OperationReader, Settings};
use crate::problem::Problem;
use crate::toml::{Problems, Section};

impl<'a> OperationReader<'a> {
    /// Reads the table of an operation.
    pub(crate) fn read(self, section: Section<'a>) -> Result<Box<dyn Operation>, Problems> {
        let place = section.place();
        let manual = self.named(&section)?;
        let mut settings = Settings::checked(manual, section.titled(manual.title()), self)?;
        let refuse_as = refuse_as(&settings)?;
        let built = (manual.build)(&mut settings);
        let reported = settings.reported();
        let inner = match built {
            Ok(inner) => inner,
            Err(problem) => return Err(Problems::from(problem).and(reported)),
        };
        let of_inner = inner.problems().into_iter().map(|problem| Problem {
            place: problem.place.or_else(|| Some(place.clone())),
            ..problem
        });
        Problems::none_or(reported.into_iter().chain(of_inner).collect(), || ())?;
        Ok(Box::new(PlacedOperation {
            inner,
            rule: place.to_string(),
            refuse_as,
        }))
    }

    /// Returns the manual of the operation that a table names.
    fn named(self, section: &Section<'_>) -> Result<&'static Manual, Problem> {
        let Some(item) = section.item("op") else {
            return Err(section.missing_key("op", "its name"));
        };
        let Some(name) = item.as_str() else {
            return Err(section.wrong_type("op", "a string"));
        };
        let known = self.manuals.iter().copied();
        known.clone().find(|manual| manual.name == name).ok_or_else(|| {
            let message = format!("there is no operation `{name}`");
            Problem::error("stage.unknown_op", section.place_of("op"), message)
                .did_you_mean(name, known.map(|manual| manual.name))
        })
    }
}

fn refuse_as(settings: &Settings<'_>) -> Result<Option<String>, Problem> {
    let Some(item) = settings.item("refuse_as") else {
        return Ok(None);
    };
    code(settings, "refuse_as", item).map(Some)
}

#[cfg(test)]
mod tests {
    use crate::op::tests::{applied, problem};

    #[test]
    fn an_unknown_operation_is_a_problem_that_says_which_was_meant() {
        assert_eq!(
            problem("op = 'renam'"),
            "stage.unknown_op t.toml:2:6 there is no operation `renam` (did you mean `rename`?)"
        );
        assert!(problem("from = 'a'").starts_with("stage.missing_key t.toml:1:1 "));
        assert_eq!(
            problem("op = 7"),
            "stage.wrong_type t.toml:2:6 `op` takes a string, not a whole number"
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
                "t.toml:4:10 `places` takes a whole number, not a string",
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
}
