//! `hash`: replaces a value with a digest as hexadecimal text.

use super::kit::digest::{DigestForm, digest_builders};
use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::{Effect, Manual, Operation, PathText, Settings};
use crate::digest;
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

/// `hash`: the SHA-256 of a text's UTF-8, or of a number's text. Anyone who can guess the text can check the guess: for
/// values that identify a person, use [`HmacText`](super::HmacText).
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
    /// Replaces the value at `path` with all 64 hexadecimal digits, in lower case.
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

    fn disguises(&self) -> bool {
        true
    }

    fn meaning(&self) -> serde_json::Value {
        self.frame.meaning(self.form.meaning())
    }
}

/// The reference entry of `hash`.
pub(super) static MANUAL: Manual = Manual {
    name: "hash",
    group: "value",
    summary: "computes the SHA-256 of a string, in hexadecimal digits",
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
    undo: "lossy in place, on purpose; with `to` the original stays",
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
    use crate::op::tests::{built, run};

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
