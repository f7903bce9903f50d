//! `hash` and the form that it shares with `hmac`: a digest as hexadecimal text.

use serde_json::json;

use super::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::given::Given;
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::digest;
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// How a digest is written: some hexadecimal digits of it after a prefix.
#[derive(Clone, Debug)]
pub(super) struct DigestForm {
    pub(super) prefix: String,
    pub(super) length: Given<usize>,
    pub(super) upper: bool,
}

impl Default for DigestForm {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            length: Given::new(|| Ok(64)),
            upper: false,
        }
    }
}

impl DigestForm {
    pub(super) const PREFIX: Key =
        Key::optional("prefix", Form::Text, "nothing", "what stands before the digits");
    pub(super) const LENGTH: Key = Key::optional(
        "length",
        Form::Integer,
        "64",
        "how many hexadecimal digits are kept, 1 to 64",
    );
    pub(super) const UPPER: Key =
        Key::optional("upper", Form::Boolean, "false", "writes A to F instead of a to f");

    pub(super) fn read(settings: &Settings<'_>) -> Result<Self, Problem> {
        let length = settings.integer("length", 1..=64)?.unwrap_or(64);
        Ok(Self {
            prefix: settings.text("prefix").unwrap_or_default().to_owned(),
            length: Given::new(|| Ok(usize::try_from(length).expect("bounds were checked"))),
            upper: settings.boolean("upper", false),
        })
    }

    pub(super) fn value(&self, digest: &[u8]) -> Result<Value, Refusal> {
        let mut text = digest::hex(digest);
        text.truncate(*self.length.get()?);
        if self.upper {
            text.make_ascii_uppercase();
        }
        Ok(Value::text(&(self.prefix.clone() + text.as_str())))
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        self.length.problems()
    }

    pub(super) fn meaning(&self) -> serde_json::Value {
        json!({ "prefix": self.prefix, "length": self.length.known(), "upper": self.upper })
    }
}

/// The builder methods of an operation with a `form`.
macro_rules! digest_builders {
    ($operation:ident) => {
        impl $operation {
            /// What stands before the digits.
            #[must_use]
            pub fn prefix(mut self, prefix: &str) -> Self {
                self.form.prefix = prefix.to_owned();
                self
            }

            /// Keeps so many hexadecimal digits from the front, 1 to 64.
            #[must_use]
            pub fn length(mut self, digits: usize) -> Self {
                self.form.length =
                    $crate::op::given::Given::new(|| $crate::op::given::within("length", digits, 1..=64));
                self
            }

            /// Writes A to F instead of a to f.
            #[must_use]
            pub fn upper(mut self) -> Self {
                self.form.upper = true;
                self
            }
        }
    };
}
pub(super) use digest_builders;

/// `hash`: the SHA-256 of a text's UTF-8, or of a number's text. Whoever can guess the text can check the guess: for
/// what identifies a person, take [`HmacText`](super::HmacText).
///
/// ```toml
/// op = "hash"
/// path = "ssn"
/// length = 12
/// ```
/// Turns `{"ssn":"123-45-6789"}` into `{"ssn":"01a54629efb9"}`.
#[derive(Clone, Debug)]
pub struct HashText {
    frame: Frame,
    form: DigestForm,
}

frame_builders!(HashText, to);
digest_builders!(HashText);

impl HashText {
    /// All 64 hexadecimal digits, small, in the place of the value.
    #[must_use]
    pub fn new(path: impl Into<PathText>) -> Self {
        Self {
            frame: Frame::new(MANUAL.name, path),
            form: DigestForm::default(),
        }
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        Ok(Box::new(Self {
            frame: Frame::read(settings)?,
            form: DigestForm::read(settings)?,
        }))
    }
}

impl Operation for HashText {
    frame_methods!(beside: form);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        self.frame.apply(document, |value, place| {
            let text = self.frame.text_or_number(value, place)?;
            self.form.value(&digest::sha256(&[text.as_bytes()]))
        })
    }

    fn meaning(&self) -> serde_json::Value {
        self.frame.meaning(self.form.meaning())
    }
}

/// The reference entry of `hash`.
pub(super) static MANUAL: Manual = Manual {
    name: "hash",
    group: "value",
    summary: "writes the SHA-256 of a text as hexadecimal digits",
    keys: &[
        PATH,
        TO,
        DigestForm::PREFIX,
        DigestForm::LENGTH,
        DigestForm::UPPER,
        MISSING,
        NULL,
    ],
    refusals: &[
        "hash.missing",
        "hash.null",
        "hash.type",
        "hash.exists",
        "hash.blocked",
    ],
    undo: "lossy in place, on purpose; with `to` the text stays",
    example: (
        r#"op = "hash"
path = "ssn"
length = 12"#,
        r#"{"ssn":"123-45-6789"}"#,
        r#"{"ssn":"01a54629efb9"}"#,
    ),
    build: HashText::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::{built, run};

    #[test]
    fn the_unkeyed_patient_id_of_the_reference_is_reproduced() {
        let settings = "path = \"ssn\"\nto = \"id\"\nprefix = \"PAT-\"\nlength = 12\nupper = true";
        let op = built(&MANUAL, settings, None).unwrap();
        let after = run(op.as_ref(), r#"{"ssn":"123-45-6789"}"#).unwrap();
        assert_eq!(after, r#"{"ssn":"123-45-6789","id":"PAT-01A54629EFB9"}"#);
        let rust = HashText::new("ssn").to("id");
        assert_eq!(rust.prefix("PAT-").length(12).upper().meaning(), op.meaning());
        let problem = built(&MANUAL, "path = \"a\"\nlength = 0", None).unwrap_err();
        assert_eq!(problem.code, "stage.out_of_range");
    }
}
