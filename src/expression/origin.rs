//! From a position in an expression to the place in the stage file.

use std::sync::Arc;

use crate::problem::Place;
use crate::reading::Reading;

/// A place in the stage file: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SourcePosition {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// Where each character of an expression is in the stage file. TOML texts have quotes, an omitted first line break and
/// escapes, so a column inside the expression is not a column of the file.
#[derive(Debug)]
pub(super) struct SourceMap {
    file: Arc<str>,
    start: SourcePosition,
    /// By line of the source and column in it, both from 0; empty if the text at the place is not a TOML text.
    spots: Vec<Vec<SourcePosition>>,
}

impl SourceMap {
    pub(super) fn new(source: &str, place: &Place, reading: &Reading<'_>) -> Self {
        let spot = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let start = SourcePosition {
            line: spot(place.line),
            column: spot(place.column),
        };
        Self {
            file: Arc::clone(&place.file),
            start,
            spots: spots(source, start, reading.text).unwrap_or_default(),
        }
    }

    pub(super) fn file(&self) -> &Arc<str> {
        &self.file
    }

    pub(super) fn start(&self) -> SourcePosition {
        self.position_of(1, 1)
    }

    /// The place of a line and column of the source, both from 1.
    pub(super) fn position_of(&self, line: usize, column: usize) -> SourcePosition {
        let (line, column) = (line.max(1) - 1, column.max(1) - 1);
        if let Some(row) = self.spots.get(line)
            && let Some(spot) = row.get(column).or_else(|| row.last())
        {
            return *spot;
        }
        // The parser counts too many lines when a text in backticks contains a carriage return.
        if line >= self.spots.len()
            && let Some(end) = self.spots.last().and_then(|row| row.last())
        {
            return *end;
        }
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        SourcePosition {
            line: self.start.line.saturating_add(number(line)),
            column: if line == 0 {
                self.start.column.saturating_add(number(column))
            } else {
                number(column + 1)
            },
        }
    }

    pub(super) fn place(&self, spot: SourcePosition) -> Place {
        Place {
            file: Arc::clone(&self.file),
            line: spot.line as usize,
            column: spot.column as usize,
        }
    }
}

/// Walks the TOML text that begins at `start` and records where each character of the source is in the file.
fn spots(source: &str, start: SourcePosition, text: &str) -> Option<Vec<Vec<SourcePosition>>> {
    let line_at = start.line.checked_sub(1)? as usize;
    let line_start = match line_at {
        0 => 0,
        _ => text.match_indices('\n').nth(line_at - 1)?.0 + 1,
    };
    let column_at = start.column.checked_sub(1)? as usize;
    let skip = text[line_start..].char_indices().nth(column_at)?.0;
    let toml = &text[line_start + skip..];
    let decoded = decode(toml, start)?;
    let plain: String = decoded.iter().map(|(character, _)| *character).collect();
    let begin = plain.find(source)?;
    let first = plain[..begin].chars().count();
    let mut rows = vec![Vec::new()];
    for (character, spot) in &decoded[first..first + source.chars().count()] {
        rows.last_mut()?.push(*spot);
        if *character == '\n' {
            rows.push(Vec::new());
        }
    }
    let end = decoded.get(first + source.chars().count()).or(decoded.last())?;
    rows.last_mut()?.push(end.1);
    Some(rows)
}

/// The characters of a TOML text with their places; `None` when there is no quote.
fn decode(toml: &str, start: SourcePosition) -> Option<Vec<(char, SourcePosition)>> {
    let quote = ["'''", "\"\"\"", "'", "\""]
        .into_iter()
        .find(|quote| toml.starts_with(quote))?;
    let mut at = LineCursor {
        rest: &toml[quote.len()..],
        spot: SourcePosition {
            column: start.column + u32::try_from(quote.len()).ok()?,
            ..start
        },
    };
    if quote.len() == 3 {
        at.skip_line_break();
    }
    let mut decoded = Vec::new();
    while !at.rest.is_empty() && !at.rest.starts_with(quote) {
        let spot = at.spot;
        let character = at.take()?;
        if character != '\\' || quote.starts_with('\'') {
            decoded.push((character, spot));
            continue;
        }
        let digits = match at.take()? {
            'u' => 4,
            'U' => 8,
            'x' => 2,
            'n' => {
                decoded.push(('\n', spot));
                continue;
            }
            't' => {
                decoded.push(('\t', spot));
                continue;
            }
            blank if blank.is_whitespace() => {
                while at.rest.starts_with(char::is_whitespace) {
                    at.take()?;
                }
                continue;
            }
            other => {
                decoded.push((other, spot));
                continue;
            }
        };
        let code: String = (0..digits).map_while(|_| at.take()).collect();
        decoded.push((char::from_u32(u32::from_str_radix(&code, 16).ok()?)?, spot));
    }
    Some(decoded)
}

/// A walk through a text that counts lines and columns.
struct LineCursor<'t> {
    rest: &'t str,
    spot: SourcePosition,
}

impl LineCursor<'_> {
    fn take(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        if character == '\n' {
            self.spot = SourcePosition {
                line: self.spot.line + 1,
                column: 1,
            };
        } else {
            self.spot.column += 1;
        }
        Some(character)
    }

    fn skip_line_break(&mut self) {
        if self.rest.starts_with("\r\n") {
            self.take();
        }
        if self.rest.starts_with('\n') {
            self.take();
        }
    }
}
