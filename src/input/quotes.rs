//! The quotes of a CSV row: where one opens, which lines it spans, and what follows it. The parser itself accepts all
//! of that.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use crate::refusal::Refusal;

/// The state of the quotes of a row, updated byte by byte.
pub(super) struct Quotes {
    separator: u8,
    at: QuoteState,
    /// The lines of the row so far, from 0.
    line: u64,
    /// The line on which the last quote opened.
    opened: u64,
    /// The line of the first quote that spans a line ending.
    spanning: Option<u64>,
    behind: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum QuoteState {
    /// Before a field.
    Begin,
    Plain,
    Quoted,
    /// After a quote inside quotes: the end of them, or half of a doubled quote.
    Closed,
}

impl Quotes {
    pub(super) fn new(separator: u8) -> Self {
        Self {
            separator,
            at: QuoteState::Begin,
            line: 0,
            opened: 0,
            spanning: None,
            behind: false,
        }
    }

    /// Starts the next row.
    pub(super) fn begin(&mut self) {
        *self = Self::new(self.separator);
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.at = match (self.at, byte) {
                (QuoteState::Begin, b'"') => {
                    self.opened = self.line;
                    QuoteState::Quoted
                }
                (QuoteState::Quoted, b'"') => QuoteState::Closed,
                (QuoteState::Quoted, b'\n') => {
                    self.spanning.get_or_insert(self.opened);
                    self.line += 1;
                    QuoteState::Quoted
                }
                (QuoteState::Quoted, _) | (QuoteState::Closed, b'"') => QuoteState::Quoted,
                (QuoteState::Closed, b'\r' | b'\n') => QuoteState::Begin,
                (_, byte) if *byte == self.separator => QuoteState::Begin,
                (QuoteState::Closed, _) => {
                    self.behind = true;
                    QuoteState::Plain
                }
                (QuoteState::Begin | QuoteState::Plain, _) => QuoteState::Plain,
            };
        }
    }

    /// Whether the row has ended inside quotes.
    pub(super) fn are_open(&self) -> bool {
        self.at == QuoteState::Quoted
    }

    /// Whether a quoted field continues after its closing quote, as in `"bad"tail`: the parser would join both.
    pub(super) fn go_on_behind(&self) -> bool {
        self.behind
    }

    /// Adds to the refusal which lines the refused row contains.
    pub(super) fn explain(&self, refusal: &mut Refusal, lines: RangeInclusive<u64>) {
        let (first, last) = lines.into_inner();
        refusal.last_line = NonZeroU64::new(last);
        let open = if self.are_open() {
            Some(self.opened)
        } else {
            self.spanning
        };
        let Some(open) = open else { return };
        let ends = if self.are_open() {
            "is not closed"
        } else {
            "is closed by a later one"
        };
        let Some(violation) = refusal.violations.last_mut() else {
            return;
        };
        let expected = violation.expected.take().unwrap_or_default();
        violation.expected = Some(format!(
            "{expected}: the quote that opens on line {} {ends}, so lines {first} to {last} were read as one row",
            first + open
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::Quotes;

    fn fed(row: &str) -> Quotes {
        let mut quotes = Quotes::new(b',');
        quotes.feed(row.as_bytes());
        quotes
    }

    #[test]
    fn what_stands_behind_a_closing_quote_is_seen_and_nothing_else_is() {
        for row in [r#"6,"bad"tail"#, r#""a"b,1"#, r#""a" ,1"#, r#"1,"x""y"z"#] {
            assert!(fed(row).go_on_behind(), "{row}");
        }
        for row in [
            r#"6,"good""#,
            r#""a","b""#,
            r#"a"b,c"#,
            r#""a""b",1"#,
            "\"a\nb\",2\r\n",
            r#""""#,
            "",
            ",",
            r#"x,"open"#,
        ] {
            assert!(!fed(row).go_on_behind(), "{row}");
        }
    }

    #[test]
    fn an_open_quote_is_seen_with_its_line() {
        for (row, open) in [
            (r#"1,"open"#, true),
            (r#"1,"a""b"#, true),
            (r#"1,"closed""#, false),
            (r#"1,a"b"#, false),
            ("\"a\n\",\"b\nc", true),
        ] {
            assert_eq!(fed(row).are_open(), open, "{row}");
        }
        let quotes = fed("\"a\n\",\"b\nc");
        assert_eq!((quotes.opened, quotes.spanning, quotes.line), (1, Some(0), 2));
    }
}
