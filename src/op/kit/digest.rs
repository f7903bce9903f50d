//! How operations write a digest: as hexadecimal text.

use serde_json::json;

use super::checked::Checked;
use super::form::{Form, Key};
use super::settings::Settings;
use crate::digest;
use crate::problem::Problem;
use crate::record::Value;
use crate::refusal::Refusal;

/// Form of a digest: some of its hexadecimal digits after a prefix.
#[derive(Clone, Debug)]
pub(crate) struct DigestForm {
    pub(crate) prefix: String,
    pub(crate) length: Checked<usize>,
    pub(crate) upper: bool,
}

impl Default for DigestForm {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            length: Checked::new(|| Ok(64)),
            upper: false,
        }
    }
}

impl DigestForm {
    pub(crate) const PREFIX: Key = Key::optional("prefix", Form::Text, "nothing", "text before the digits");
    pub(crate) const LENGTH: Key = Key::optional(
        "length",
        Form::Integer,
        "64",
        "how many hexadecimal digits to keep, 1 to 64",
    );
    pub(crate) const UPPER: Key =
        Key::optional("upper", Form::Boolean, "false", "write A to F instead of a to f");

    pub(crate) fn read(settings: &Settings<'_>) -> Result<Self, Problem> {
        let length = settings.integer("length", 1..=64)?.unwrap_or(64);
        Ok(Self {
            prefix: settings.text("prefix").unwrap_or_default().to_owned(),
            length: Checked::new(|| Ok(usize::try_from(length).expect("bounds were checked"))),
            upper: settings.boolean("upper", false),
        })
    }

    pub(crate) fn value(&self, digest: &[u8]) -> Result<Value, Refusal> {
        let mut text = digest::hex(digest);
        text.truncate(*self.length.get()?);
        if self.upper {
            text.make_ascii_uppercase();
        }
        Ok(Value::text(&(self.prefix.clone() + text.as_str())))
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        self.length.problems()
    }

    pub(crate) fn meaning(&self) -> serde_json::Value {
        json!({ "prefix": self.prefix, "length": self.length.known(), "upper": self.upper })
    }
}

/// The builder methods of an operation with a `form`.
macro_rules! digest_builders {
    ($operation:ident) => {
        impl $operation {
            /// Sets the text before the digits.
            #[must_use]
            pub fn prefix(mut self, prefix: &str) -> Self {
                self.form.prefix = prefix.to_owned();
                self
            }

            /// Keeps the given number of leading hexadecimal digits, 1 to 64.
            #[must_use]
            pub fn length(mut self, digits: usize) -> Self {
                self.form.length = $crate::op::kit::checked::Checked::new(|| {
                    $crate::problem::within("length", digits, 1..=64)
                });
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
pub(crate) use digest_builders;
