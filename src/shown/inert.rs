//! The escaper of every page: the templates name it in `askama.toml`.

use std::fmt;

use super::{escape, hides};

/// Escapes markup, and makes characters visible that would hide or reorder the text around them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inert;

impl askama::filters::Escaper for Inert {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, letter) in text.char_indices() {
            if hides(letter) {
                askama::filters::Html.write_escaped_str(&mut dest, &text[plain..at])?;
                write!(dest, "{}", escape(letter))?;
                plain = at + letter.len_utf8();
            }
        }
        askama::filters::Html.write_escaped_str(dest, &text[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use askama::filters::Escaper as _;

    #[test]
    fn whatever_is_shown_is_inert() {
        let mut shown = String::new();
        let hostile = "<script>\"'&\u{0}\u{1b}[2J\u{202e}a\nb\u{feff}</script>\u{1F600}é";
        Inert.write_escaped_str(&mut shown, hostile).unwrap();
        assert!(
            !shown.contains(['<', '>', '"', '\'']) && !shown.chars().any(hides),
            "{shown}"
        );
        assert!(
            shown.contains(r"\u{202e}a\nb\u{feff}") && shown.ends_with("\u{1F600}é"),
            "{shown}"
        );
    }
}
