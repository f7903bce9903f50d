//! Functions of identity and secrecy, and the refusal.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::call::{Call, Function, Needs, Result};
use crate::digest;
use crate::expression::datum::Datum;
use crate::expression::fault::Fault;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "sha256",
        signature: "sha256(text)",
        summary: "the SHA-256 of a string in UTF-8, in hexadecimal",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: |call| {
            let hash = digest::sha256(&[call.text(0)?.as_bytes()]);
            Ok(Datum::text(&digest::hex(&hash)))
        },
    },
    Function {
        name: "hmac",
        signature: "hmac(secret, text)",
        summary: "the HMAC-SHA-256 of a string under a secret, in hexadecimal",
        least: 2,
        most: 2,
        needs: Needs::Nothing,
        body: hmac,
    },
    Function {
        name: "uuid5",
        signature: "uuid5(part)",
        summary: "the UUIDv5 of project, stage, source id and part: stable across runs and machines",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: |call| Ok(Datum::text(&call.context.uuid(&call.text(0)?))),
    },
    Function {
        name: "secret",
        signature: "secret(name)",
        summary: "the secret of that name; refuses as `expression.secret_missing`",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: |call| {
            let secret = call.context.secrets.get(&call.text(0)?);
            let missing = || Fault::new("expression.secret_missing", "a secret with that name");
            secret.map(Datum::text).ok_or_else(missing)
        },
    },
    Function {
        name: "refuse",
        signature: "refuse(code[, pointer])",
        summary: "refuses the record with a literal code: `refuse(\"address.unparsed\", \"/address\")`",
        least: 1,
        most: 2,
        needs: Needs::Code,
        body: refuse,
    },
];

fn hmac(call: &Call<'_>) -> Result<Datum> {
    let (secret, text) = (call.text(0)?, call.text(1)?);
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|_| Fault::new("expression.argument", "a secret"))?;
    hmac.update(text.as_bytes());
    Ok(Datum::text(&digest::hex(&hmac.finalize().into_bytes())))
}

/// The compiler accepts only literal texts, so no value of the record can become a code or a pointer.
fn refuse(call: &Call<'_>) -> Result<Datum> {
    let pointer = match call.argument(1) {
        Some(pointer) => pointer.as_text()?.into_owned(),
        None => String::new(),
    };
    Err(Fault::declared(call.text(0)?.into_owned(), pointer))
}

/// Whether a text is a refusal code: words of lower-case letters, digits and `_`, joined by dots.
pub(in crate::expression) fn is_code(text: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word
                .chars()
                .all(|character| matches!(character, 'a'..='z' | '0'..='9' | '_'))
    };
    text.split('.').all(word)
}
