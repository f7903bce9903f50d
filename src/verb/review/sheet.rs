//! The queue as a sheet for a spreadsheet: a row for each pair, in which a person fills in a decision and a reason. What
//! comes back is read whole or not at all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Cursor, Read, Write};

use super::bad_lines::BadLines;
use super::{ComparedPair, Decision, PairDecision, PairName, QueuedPair};
use crate::error::{Error, Result};
use crate::input::{Cells, Format, HeaderError, Incoming, OpenError, Options, Reader, Rejected};
use crate::output::guarded;
use crate::record::{Document, Limits, RecordNumber};
use crate::shown::line;

/// What tells a spreadsheet that a file is UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// The columns in front: those that are read, and the ids for the person.
const FRONT: [&str; 5] = ["pair", "a", "b", "decision", "reason"];
/// The columns that say how the pair waits.
const QUEUE: [&str; 4] = ["band", "probability", "since", "note"];
/// The most that is read of a sheet.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// The most that is read of a row.
const MAX_ROW_BYTES: usize = 4 * 1024 * 1024;
/// The most decisions in one sheet.
const MAX_ROWS: usize = 100_000;
/// What is looked at to find the separator.
const HEAD_BYTES: u64 = 64 * 1024;

/// A row of a sheet that decides something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SheetRow {
    /// The line of the file on which the row begins, from 1.
    pub line: u64,
    /// What it decides.
    pub decision: PairDecision,
}

/// Writes pairs as CSV: the columns `pair,a,b,decision,reason`, how the pair waits, and the values of every compared
/// field of either member. `decision` and `reason` are empty, for a person to fill in; the columns behind them are for
/// reading only. The text is UTF-8 with a byte order mark, as spreadsheets need it. A cell that a spreadsheet would execute gets a single quote prefix, and characters that would hide or
/// reorder text are written as escapes.
pub fn write_sheet(out: &mut dyn Write, pairs: &[(QueuedPair, ComparedPair)]) -> io::Result<()> {
    let mut fields: Vec<&str> = Vec::new();
    for field in pairs.iter().flat_map(|(_, compared)| &compared.fields) {
        if !fields.contains(&field.name.as_str()) {
            fields.push(&field.name);
        }
    }
    // Without it, spreadsheets read the file in an old encoding and garble names.
    out.write_all(BYTE_ORDER_MARK)?;
    let mut sheet = csv::Writer::from_writer(out);
    let names = FRONT.iter().chain(&QUEUE).map(|name| (*name).to_owned());
    let of_fields = fields
        .iter()
        .flat_map(|name| ["a", "b"].map(|side| format!("{name} ({side})")));
    write_row(&mut sheet, names.chain(of_fields))?;
    for (queued, compared) in pairs {
        let id = |id: &Option<String>| id.clone().unwrap_or_default();
        let front = [
            queued.versioned_name(),
            id(&queued.a.id),
            id(&queued.b.id),
            String::new(),
            String::new(),
        ];
        let queue = [
            queued.band.clone(),
            (queued.probability.map(|probability| probability.to_string())).unwrap_or_default(),
            queued.at.clone(),
            (queued.note.as_ref().map(|note| note.text.clone())).unwrap_or_default(),
        ];
        let values = fields.iter().flat_map(|name| {
            let field = compared.fields.iter().find(|field| field.name == *name);
            let (a, b) = field.map_or((None, None), |field| (field.a.clone(), field.b.clone()));
            [a.unwrap_or_default(), b.unwrap_or_default()]
        });
        write_row(&mut sheet, front.into_iter().chain(queue).chain(values))?;
    }
    sheet.flush()
}

fn write_row(sheet: &mut csv::Writer<&mut dyn Write>, cells: impl Iterator<Item = String>) -> io::Result<()> {
    for cell in cells {
        sheet.write_field(guarded(line(&cell)).as_bytes())?;
    }
    sheet.write_record(None::<&[u8]>).map_err(io::Error::from)
}

/// Reads the decisions of a sheet that [`write_sheet`] or the page of the queue has written, as a person or a spreadsheet
/// has saved it: separated by commas or semicolons, in UTF-8, whatever the order of the columns. Only `pair`, `decision`
/// and `reason` are read, and the ids in `a` and `b`, so that a decision that slipped to another row is found. `input` is the name of the sheet, for errors.
///
/// A decision is `accept`, `reject`, `never`, `same` or `different`, in any case and with any blanks around it. Without
/// one, a reason is a remark, and a row with neither decides nothing.
///
/// # Errors
/// [`Error::Invalid`] that names every line that cannot be read or contradicts another one (the first twenty, and how many
/// more): the sheet is read whole or not at all. [`Error::Input`] if the file cannot be read.
pub fn read_sheet(input: &str, source: impl Read) -> Result<Vec<SheetRow>> {
    let unreadable = |error: io::Error| Error::Input {
        input: input.to_owned(),
        problem: error.to_string(),
    };
    let mut source = source.take(MAX_BYTES + 1);
    let mut head = Vec::new();
    (source.by_ref().take(HEAD_BYTES).read_to_end(&mut head)).map_err(unreadable)?;
    let separator = separator_of(&head).map_err(|problem| refused(input, &problem))?;
    let options = Options::new(Format::Csv)
        .id_field("pair")
        .cells(Cells::default().separator(separator))
        .limits(Limits {
            bytes: MAX_ROW_BYTES,
            ..Limits::default()
        });
    let mut reader = match Reader::new(Cursor::new(head).chain(source), options) {
        Ok(reader) => reader,
        Err(OpenError::Io(error)) => return Err(unreadable(error)),
        Err(other) => return Err(refused(input, &of_header(&other))),
    };
    let columns = reader.columns();
    for name in ["pair", "decision"] {
        if !columns.iter().any(|column| column == name) {
            return Err(refused(input, &no_column(name)));
        }
    }
    let mut rows = Rows::new(separator);
    while let Some(incoming) = reader.next().transpose().map_err(unreadable)? {
        rows.add(incoming);
        if rows.decided.len() > MAX_ROWS {
            return Err(refused(
                input,
                &format!("it decides more than {MAX_ROWS} pairs; split it"),
            ));
        }
    }
    if reader.finish().map_err(unreadable)?.offset > MAX_BYTES {
        let limit = MAX_BYTES / 1024 / 1024;
        return Err(refused(
            input,
            &format!("it is larger than {limit} MiB; split it"),
        ));
    }
    rows.bad.into_result(input)?;
    Ok(rows.decided)
}

/// The error for a sheet of which no line can be read.
fn refused(input: &str, problem: &str) -> Error {
    Error::invalid(
        format!("{input} cannot be read: {problem}"),
        "nothing was applied; correct the file, or export the list again with `counterfoil review list --csv FILE`",
    )
}

fn no_column(name: &str) -> String {
    format!("its first line names no column `{name}`")
}

const NOT_UTF8: &str = "it is not in UTF-8; in the spreadsheet, save it as `CSV UTF-8`";

fn of_header(error: &OpenError) -> String {
    match error {
        OpenError::Header(HeaderError::NoId { .. }) => no_column("pair"),
        OpenError::Header(HeaderError::NotUtf8) => NOT_UTF8.to_owned(),
        OpenError::Header(HeaderError::Separated { .. }) => OTHER_SEPARATOR.to_owned(),
        OpenError::Header(header) => format!("its first line {header}"),
        other => other.to_string(),
    }
}

const OTHER_SEPARATOR: &str =
    "its columns are not separated by commas or semicolons; in the spreadsheet, save it as `CSV UTF-8`";

/// Returns the separator with which the header names a pair.
fn separator_of(head: &[u8]) -> Result<u8, String> {
    // UTF-16, as a spreadsheet saves `Unicode text`, with or without its mark.
    let first_line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || first_line.contains(&0) {
        return Err(NOT_UTF8.to_owned());
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if head.trim_ascii().is_empty() {
        return Err("it is empty".to_owned());
    }
    let names_a_pair = |separator: &u8| {
        let mut reader = csv::ReaderBuilder::new().delimiter(*separator).from_reader(head);
        let header = reader.byte_headers();
        header.is_ok_and(|header| header.iter().any(|name| name == b"pair"))
    };
    match [b',', b';', b'\t', b'|'].into_iter().find(names_a_pair) {
        Some(separator @ (b',' | b';')) => Ok(separator),
        Some(_) => Err(OTHER_SEPARATOR.to_owned()),
        None => Err(no_column("pair")),
    }
}

/// What has been read of a sheet.
struct Rows {
    separator: u8,
    decided: Vec<SheetRow>,
    /// Where each pair was decided.
    seen: HashMap<(RecordNumber, RecordNumber), usize>,
    bad: BadLines,
}

impl Rows {
    fn new(separator: u8) -> Self {
        Self {
            separator,
            decided: Vec::new(),
            seen: HashMap::new(),
            bad: BadLines::default(),
        }
    }

    fn add(&mut self, incoming: Incoming) {
        let line = incoming.line;
        let read = match incoming.body {
            Ok(ready) => decision_of(&ready.id, &ready.data),
            Err(rejected) => self.of_rejected(&rejected),
        };
        match read {
            Ok(Some(decision)) => self.decide(line, decision),
            Ok(None) => {}
            Err(problem) => self.bad.add(line, problem),
        }
    }

    fn decide(&mut self, line: u64, decision: PairDecision) {
        match self.seen.entry((decision.a, decision.b)) {
            Entry::Vacant(place) => {
                place.insert(self.decided.len());
                self.decided.push(SheetRow { line, decision });
            }
            Entry::Occupied(place) => {
                let first = &self.decided[*place.get()];
                if first.decision != decision {
                    let what = if first.decision.decision == decision.decision {
                        "with another reason or version"
                    } else {
                        "otherwise"
                    };
                    let problem = format!(
                        "line {} decides the same pair {what}: keep one of the two",
                        first.line
                    );
                    self.bad.add(line, problem);
                }
            }
        }
    }

    /// Returns the problem of a row that is none; a row of nothing but separators is blank.
    fn of_rejected(&self, rejected: &Rejected) -> Result<Option<PairDecision>, String> {
        let is_blank = |byte: &u8| *byte == self.separator || *byte == b'"' || byte.is_ascii_whitespace();
        let expected = rejected
            .refusal
            .violations
            .first()
            .and_then(|violation| violation.expected.clone());
        Err(match (&*rejected.refusal.code, expected) {
            ("id.empty", _) if rejected.raw.iter().all(is_blank) => return Ok(None),
            ("id.empty" | "id.nul" | "id.size", _) => BAD_NAME.to_owned(),
            ("csv.utf8", _) => {
                "this line is not in UTF-8; in the spreadsheet, save the file as `CSV UTF-8`".to_owned()
            }
            ("json.size", _) => {
                format!("this row does not end within {MAX_ROW_BYTES} bytes; is a quote missing?")
            }
            (_, Some(expected)) => format!("expected {expected}"),
            (code, None) => format!("this row cannot be read ({code})"),
        })
    }
}

const BAD_NAME: &str = "the name of the pair cannot be read: it is two numbers and a version, as in 4+9.1f3a9c02; export the \
                        list again";
const NO_VERSION: &str = "the name of the pair has lost its version, without which it may decide about records that have \
                          changed since; export the list again";
const BAD_DECISION: &str = "is not a decision: write accept, reject or never (for a sample, same or different), or leave \
                            the cell empty";

/// Returns what a row decides.
fn decision_of(pair: &str, data: &str) -> Result<Option<PairDecision>, String> {
    let row = Document::parse(data).map_err(|fault| fault.to_string())?;
    let cell = |name: &str| {
        let text = row.get(name).and_then(crate::record::Value::as_text);
        text.unwrap_or_default().trim().to_owned()
    };
    // The smaller number first, as it was written: the ids beside it are in that order.
    let name = PairName::parse(pair.trim()).filter(|name| pair.trim().starts_with(&format!("{}+", name.a)));
    let name = name.ok_or(BAD_NAME)?;
    let version = name.version.ok_or(NO_VERSION)?;
    let has_ids = ["a", "b"].iter().all(|name| row.get(name).is_some());
    let ids = has_ids.then(|| ["a", "b"].map(cell));
    let reason = Some(cell("reason")).filter(|reason| !reason.is_empty());
    let decision = match (&*cell("decision").to_lowercase(), &reason) {
        ("", None) => return Ok(None),
        ("", Some(_)) => Decision::Note,
        (word, _) => Decision::from_word(word).ok_or_else(|| format!("`{word}` {BAD_DECISION}"))?,
    };
    Ok(Some(
        PairDecision::new(name.a, name.b, decision)
            .note(reason)
            .version(Some(version))
            .ids(ids),
    ))
}

#[cfg(test)]
mod tests;
