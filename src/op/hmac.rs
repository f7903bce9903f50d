//! `hmac`: replaces a value with a keyed digest, which cannot be found by trying all texts.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::kit::digest::{DigestForm, digest_builders};
use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::kit::trail::Trail;
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

/// `hmac`: the HMAC-SHA-256 of a text's UTF-8, or of a number's text, under a named secret. The secret itself is
/// neither in the stage nor in the ledger; without it every record is refused.
///
/// ```toml
/// op = "hmac"
/// path = "ssn"
/// secret = "pepper"
/// length = 12
/// ```
/// Turns `{"ssn":"123-45-6789"}` into `{"ssn":"440e40f8f840"}`.
#[derive(Clone, Debug)]
pub struct HmacText {
    frame: Frame,
    secret: String,
    form: DigestForm,
}

frame_builders!(HmacText, to);
digest_builders!(HmacText);

impl HmacText {
    /// Replaces the value at `path` with all 64 hexadecimal digits, in lower case. `secret` is the secret's name.
    #[must_use]
    pub fn new(path: impl Into<PathText>, secret: &str) -> Self {
        Self {
            frame: Frame::new(MANUAL.name, path),
            secret: secret.to_owned(),
            form: DigestForm::default(),
        }
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        Ok(Box::new(Self {
            frame: Frame::read(settings)?,
            secret: settings.text("secret").unwrap_or_default().to_owned(),
            form: DigestForm::read(settings)?,
        }))
    }
}

impl Operation for HmacText {
    frame_methods!(beside: form);

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let secrets = scope.context().secrets;
        // An empty secret is not a secret: anyone could compute the digest.
        let secret = secrets.get(&self.secret).filter(|secret| !secret.is_empty());
        let Some(secret) = secret else {
            let source = self.frame.source()?;
            let refusal = self.frame.refuse("secret_missing", &Trail::Record.below(source));
            return Err(refusal.expected(format!("the secret `{}`", self.secret)));
        };
        let keyed = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        self.frame.apply(document, |value, place| {
            let text = self.frame.text_or_number(value, place)?;
            let digest = keyed.clone().chain_update(text.as_bytes()).finalize();
            self.form.value(&digest.into_bytes())
        })
    }

    fn disguises(&self) -> bool {
        true
    }

    fn meaning(&self) -> serde_json::Value {
        let mut meaning = self.frame.meaning(self.form.meaning());
        meaning["secret"] = json!(self.secret);
        meaning
    }
}

/// The reference entry of `hmac`.
pub(super) static MANUAL: Manual = Manual {
    name: "hmac",
    group: "value",
    summary: "computes the HMAC-SHA-256 of a string under a named secret, in hexadecimal digits",
    keys: &[
        PATH,
        TO,
        Key::required(
            "secret",
            Form::Text,
            "the name of the secret; a stage never contains the secret itself",
        ),
        DigestForm::PREFIX,
        DigestForm::LENGTH,
        DigestForm::UPPER,
        MISSING,
        NULL,
    ],
    refusals: &[
        "hmac.missing",
        "hmac.null",
        "hmac.type",
        "hmac.secret_missing",
        "hmac.exists",
        "hmac.blocked",
    ],
    undo: "lossy in place, on purpose; with `to` the original stays",
    example: (
        r#"op = "hmac"
path = "ssn"
secret = "pepper"
length = 12"#,
        r#"{"ssn":"123-45-6789"}"#,
        r#"{"ssn":"440e40f8f840"}"#,
    ),
    build: HmacText::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    #[test]
    fn it_is_hmac_sha_256_under_the_named_secret() {
        let text = "The quick brown fox jumps over the lazy dog";
        let json = format!(r#"{{"a":"{text}"}}"#);
        let expected = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        let op = HmacText::new("a", "pepper");
        assert_eq!(run(&op, &json).unwrap(), format!(r#"{{"a":"{expected}"}}"#));
        let op = built(&MANUAL, "path = \"a\"\nsecret = \"salt\"", None).unwrap();
        assert_eq!(run(op.as_ref(), &json).unwrap_err(), "hmac.secret_missing at /a");
        assert!(!op.meaning().to_string().contains("key"));
    }
}
