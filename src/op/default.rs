//! `default`: writes a value where none exists.

use serde_json::json;

use super::kit::frame::{Frame, PATH};
use super::{Effect, Form, Key, Manual, Operation, PathText, Reversibility, Settings};
use crate::expression::{Evaluated, Expression, Scope, Template};
use crate::lineage::{Dependence, Flow};
use crate::path::Path;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// What counts as no value for [`SetDefault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The place does not exist.
    Missing,
    /// The value is null.
    Null,
    /// The value is an empty text, list or object.
    Empty,
}

impl Absent {
    const ALL: [Self; 3] = [Self::Missing, Self::Null, Self::Empty];

    fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Null => "null",
            Self::Empty => "empty",
        }
    }

    fn from_value(value: Option<&Value>) -> Option<Self> {
        match value {
            None => Some(Self::Missing),
            Some(value) if value.is_null() => Some(Self::Null),
            Some(value) => {
                let empty = value.as_text().is_some_and(|text| text.is_empty())
                    || value.as_list().is_some_and(|list| list.is_empty())
                    || value.as_object().is_some_and(|object| object.is_empty());
                empty.then_some(Self::Empty)
            }
        }
    }
}

/// `default`: writes a value where none exists. When a list along the path is missing, there is nothing to do.
///
/// ```toml
/// op = "default"
/// path = "currency"
/// value = "USD"
/// ```
/// Turns `{"amount":"6.00"}` into `{"amount":"6.00","currency":"USD"}`.
#[derive(Clone, Debug)]
pub struct SetDefault {
    frame: Frame,
    value: Template,
    when: Vec<Absent>,
}

impl SetDefault {
    /// Writes a fixed value when `path` does not exist.
    #[must_use]
    pub fn new(path: impl Into<PathText>, value: Value) -> Self {
        Self::computed(path, Template::Fixed(value))
    }

    /// Writes a value that may be computed; it is computed only when it is needed.
    #[must_use]
    pub fn computed(path: impl Into<PathText>, value: Template) -> Self {
        Self::from_frame(Frame::new(MANUAL.name, path), value)
    }

    fn from_frame(mut frame: Frame, value: Template) -> Self {
        frame.skip_missing();
        let when = vec![Absent::Missing];
        Self { frame, value, when }
    }

    /// Sets what counts as no value. Default: only a missing value.
    #[must_use]
    pub fn when(mut self, when: &[Absent]) -> Self {
        self.when = when.to_vec();
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let frame = Frame::read(settings)?;
        let mut op = Self::from_frame(frame, settings.required_template("value")?);
        if !settings.has("when") {
            return Ok(Box::new(op));
        }
        let names = || Absent::ALL.iter().map(|absent| absent.name());
        let known = |word: &&str| {
            let found = Absent::ALL.into_iter().find(|absent| absent.name() == *word);
            found.ok_or_else(|| {
                let message = format!(
                    "`{word}` is not one of: {}",
                    names().collect::<Vec<_>>().join(", ")
                );
                Problem::error("default.when", settings.place_of("when"), message).did_you_mean(word, names())
            })
        };
        op.when = settings
            .texts("when")
            .iter()
            .map(known)
            .collect::<Result<_, _>>()?;
        Ok(Box::new(op))
    }
}

impl SetDefault {
    /// Shows every place that counts as having no value. A list that is missing or null has no places; anything else
    /// that is not a list is refused.
    fn rewrite(
        &self,
        document: &mut Document,
        visit: &mut dyn FnMut(Option<&Value>) -> Option<Value>,
    ) -> Result<Effect, Refusal> {
        let walk = self.frame.walk().refuse_misfit();
        self.frame.rewrite(walk, document, |old, _| {
            let absent = Absent::from_value(old).filter(|absent| self.when.contains(absent));
            Ok(absent.and_then(|_| visit(old)))
        })
    }
}

impl Operation for SetDefault {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        // The value is computed only when it is needed, but before anything is changed.
        let mut needed = false;
        self.rewrite(document, &mut |_| {
            needed = true;
            None
        })?;
        if !needed {
            return Ok(Effect::Unchanged);
        }
        let Evaluated::Value(value) = self.value.value(document, scope)? else {
            return Ok(Effect::Unchanged);
        };
        self.rewrite(document, &mut |old| (old != Some(&value)).then(|| value.clone()))
    }

    fn reads(&self) -> Vec<Path> {
        [self.frame.reads(), self.value.reads()].concat()
    }

    fn writes(&self) -> Vec<Path> {
        self.frame.writes()
    }

    fn problems(&self) -> Vec<Problem> {
        self.frame.problems()
    }

    fn lineage(&self, flow: &mut Flow) {
        let before = flow.sources(&self.frame.reads());
        let value = self.value.lineage(flow);
        let value = value.decided(&before.deciding(Dependence::Conditional));
        for path in self.frame.writes() {
            flow.put_or_keep(&path, value.clone());
        }
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Lossy
    }

    fn expressions(&self) -> Vec<&Expression> {
        self.value.expressions()
    }

    fn meaning(&self) -> serde_json::Value {
        // In a fixed order: the order in a stage file has no meaning.
        let when = Absent::ALL.iter().filter(|absent| self.when.contains(absent));
        json!({
            "op": MANUAL.name,
            "path": self.frame.writes().first().map(Path::pointer),
            "value": self.value.meaning(),
            "when": when.map(|absent| absent.name()).collect::<Vec<_>>(),
        })
    }
}

/// The reference entry of `default`.
pub(super) static MANUAL: Manual = Manual {
    name: "default",
    group: "value",
    summary: "writes a value where none exists",
    keys: &[
        PATH,
        Key::required(
            "value",
            Form::Template,
            "the value; `omit` leaves the record unchanged",
        ),
        Key::optional(
            "when",
            Form::Texts,
            "[\"missing\"]",
            "what counts as no value: `missing`, `null`, `empty` (a string, list or object)",
        ),
    ],
    refusals: &["default.type", "default.blocked"],
    undo: "lossy: a default cannot be told from an original value",
    example: (
        r#"op = "default"
path = "currency"
value = "USD""#,
        r#"{"amount":"6.00"}"#,
        r#"{"amount":"6.00","currency":"USD"}"#,
    ),
    build: SetDefault::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    #[test]
    fn missing_null_and_empty_are_different() {
        let op = SetDefault::new("a", Value::text("x"));
        assert_eq!(run(&op, r#"{"b":1}"#).unwrap(), r#"{"b":1,"a":"x"}"#);
        for kept in [r#"{"a":null}"#, r#"{"a":""}"#, r#"{"a":[]}"#, r#"{"a":0}"#] {
            assert_eq!(run(&op, kept).unwrap(), kept);
        }
        let op = built(
            &MANUAL,
            "path = \"a\"\nvalue = \"x\"\nwhen = [\"null\", \"empty\"]",
            None,
        )
        .unwrap();
        for filled in [r#"{"a":null}"#, r#"{"a":""}"#, r#"{"a":[]}"#, r#"{"a":{}}"#] {
            assert_eq!(run(op.as_ref(), filled).unwrap(), r#"{"a":"x"}"#);
        }
        for kept in ["{}", r#"{"a":" "}"#, r#"{"a":0}"#, r#"{"a":false}"#] {
            assert_eq!(run(op.as_ref(), kept).unwrap(), kept);
        }
    }

    #[test]
    fn an_unknown_word_is_a_problem_with_a_suggestion() {
        let problem = built(&MANUAL, "path = \"a\"\nvalue = 1\nwhen = [\"nul\"]", None).unwrap_err();
        assert_eq!(problem.help.as_deref(), Some("did you mean `null`?"));
    }
}
