//! How an input of bytes is read: as the options say, or as its name and its first bytes suggest.

use std::io::Read;

use super::fault::unreadable;
use super::options::LoadOptions;
use crate::engine::Run;
use crate::error::{Error, Result};
use crate::input::{Cells, ENVELOPE_ID, Format, Options, begins_with_envelopes, noticed, option};

/// Number of bytes of an input that are inspected before it is read.
const HEAD_BYTES: usize = 4096;

/// Returns the first bytes of an input, enough to guess its format.
pub(super) fn first_bytes(name: &str, input: &mut impl Read) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    let read = input.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head);
    read.map_err(|error| unreadable(name, &error))?;
    Ok(head)
}

/// Returns how an input is read.
///
/// # Errors
/// [`Error::ReadOtherwise`] when the input is not a list of records but an object around one, and the options do not
/// say so.
pub(super) fn reading(run: &Run<'_>, name: &str, head: &[u8], options: &LoadOptions) -> Result<Options> {
    let guessed = || match &options.records {
        Some(_) => Format::Array,
        None => Format::guess(Some(name), head),
    };
    let format = options.format.unwrap_or_else(guessed);
    let mut cells = options.cells.clone();
    if cells.separator.is_none() && Format::is_by_tabs(name) {
        cells.separator = Some(b'\t');
    }
    if format != Format::Csv && cells != Cells::default() {
        return Err(Error::invalid(
            format!("{name} is read as JSON, but the options for cells apply only to CSV"),
            "add `--format csv`, or leave it out",
        ));
    }
    if options.with_id && format == Format::Csv {
        return Err(Error::invalid(
            format!("{name} is read as CSV, which has no envelopes"),
            "leave out `--with-id`, or add `--format ndjson`",
        ));
    }
    let is_whole = head.len() < HEAD_BYTES;
    if options.format.is_none()
        && format == Format::Lines
        && let Some(pointer) = noticed(head, is_whole, &options.id_field)
    {
        let problem = format!("this is a single JSON object with a list at `{pointer}`; nothing was loaded");
        return Err(Error::read_otherwise(
            "input.wrapped",
            name,
            problem,
            vec![option("records", &pointer)],
        ));
    }
    if options.format.is_none()
        && format == Format::Lines
        && !options.with_id
        && begins_with_envelopes(head, is_whole)
    {
        let problem = "each line has an id and a record as its data, as `export --with-id` writes it; nothing was loaded \
                       (`--format ndjson` takes the lines themselves as records)";
        let options = vec![option("with-id", "true")];
        return Err(Error::read_otherwise("input.envelopes", name, problem, options));
    }
    Ok(Options {
        format,
        limits: run.store().options().limits,
        id_field: if options.with_id {
            ENVELOPE_ID.to_owned()
        } else {
            options.id_field.clone()
        },
        with_id: options.with_id,
        cells,
        records: options.records.clone(),
    })
}
