//! Codes in stage files: of refusals, and of records that are left out.

use toml_edit::Item;

use super::settings::Settings;
use crate::problem::Problem;
use crate::refusal::is_reserved;

/// Reads a code of a stage file: lower-case words joined by points.
pub(crate) fn code(settings: &Settings<'_>, name: &str, item: &Item) -> Result<String, Problem> {
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
    let message = format!("`{name}` is not a valid code");
    Err(Problem::error("stage.bad_code", settings.place_of(name), message)
        .help("write lower-case words joined by dots, for example `address.unparsed`"))
}

/// Describes the problem of a code that is reserved for the ledger.
pub(crate) fn reserved(code: &str) -> String {
    format!("`{code}` is reserved for the ledger: choose another code")
}

/// The form of a code, as a pattern: what [`is_code`] checks.
pub(crate) const CODE_PATTERN: &str = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$";

/// Returns whether a text has the form of a code.
pub(crate) fn is_code(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.split('.').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::is_code;

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
