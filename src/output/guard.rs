//! Protects cells that a spreadsheet would execute, and restores them on reading.

use std::borrow::Cow;

/// Whether a spreadsheet that opens the cell would take it for a formula. A plain number is not a formula, whatever its
/// sign.
fn would_run(cell: &str) -> bool {
    let begins = [
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    cell.starts_with(begins) && !is_plain_number(cell)
}

/// `-5.00`, `+5`, `1e-7`: digits with a sign, a fraction and an exponent.
fn is_plain_number(cell: &str) -> bool {
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned_cell = unsigned(cell);
    let (amount, exponent) = match unsigned_cell.split_once(['e', 'E']) {
        Some((amount, exponent)) => (amount, Some(unsigned(exponent))),
        None => (unsigned_cell.as_str(), None),
    };
    let (whole, fraction) = match amount.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (amount, None),
    };
    is_digits(whole) && fraction.is_none_or(is_digits) && exponent.as_deref().is_none_or(is_digits)
}

/// Returns the part of a text that is inspected: the text after any leading quotes. A text that has quotes before a
/// formula looks like a guarded one, and is guarded once more.
fn behind_quotes(cell: &str) -> &str {
    cell.trim_start_matches('\'')
}

/// Returns the cell, prefixed with a quote where a spreadsheet would execute it.
pub(crate) fn guarded(cell: Cow<'_, str>) -> Cow<'_, str> {
    if would_run(behind_quotes(&cell)) {
        return Cow::Owned(format!("'{cell}"));
    }
    cell
}

/// Returns the original text of a cell that was [guarded].
pub(crate) fn bare(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if would_run(behind_quotes(cell)) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_formula_is_guarded_and_a_number_is_not() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-", "'-"),
            ("-5,00", "'-5,00"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("'=1", "''=1"),
            ("-5.00", "-5.00"),
            ("+5", "+5"),
            ("-1e-7", "-1e-7"),
            ("'tis", "'tis"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(guarded(Cow::Borrowed(text)), cell);
            assert_eq!(bare(cell), text);
        }
    }

    proptest! {
        #[test]
        fn what_goes_out_comes_back(text in "['=+@0-9.eE\\-\\t\\ra-c]{0,8}") {
            let cell = guarded(Cow::Borrowed(&text));
            prop_assert_eq!(bare(&cell), text.as_str());
            prop_assert!(!would_run(&cell));
        }
    }
}
