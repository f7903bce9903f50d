//! Records in envelopes, `{"id":ID,"data":DATA}`, as `export --with-id` writes them: reading and detecting them.

use super::bytes::{BYTE_ORDER_MARK, is_blank};
use super::gathered::rejected;
use super::id::{describe, read_id, refuse};
use super::wrapped::text_length;
use super::{Options, Ready, Rejected};
use crate::record::{Document, Kind, Malformed, Value, admit, admit_record};

/// The name of the id in an envelope.
pub(crate) const ID: &str = "id";
/// The name of the record in an envelope.
const DATA: &str = "data";

/// Admits the record in an envelope, or returns why not.
pub(super) fn judge(raw: Vec<u8>, options: &Options, line: u64) -> Result<Ready, Rejected> {
    let document = match admit_record(&raw, &options.read_limits()) {
        Ok(admitted) => admitted.document,
        Err(fault) => return Err(malformed(&fault, line, raw)),
    };
    let Some((id, data)) = parts(&document) else {
        let expected = "`{\"id\":ID,\"data\":{...}}` and nothing else, as `export --with-id` writes it";
        return Err(rejected("envelope.fields", expected, line, raw));
    };
    let id = match read_id(Some(id), ID) {
        Ok(id) => id,
        Err(refusal) => return Err(refuse(refusal, line, raw)),
    };
    match admit(data.to_json().as_bytes(), &options.limits) {
        Ok(data) => Ok(Ready { id, data }),
        Err(fault) => Err(malformed(&fault, line, raw)),
    }
}

fn malformed(fault: &Malformed, line: u64, raw: Vec<u8>) -> Rejected {
    rejected(fault.code, describe(fault), line, raw)
}

/// Returns the id and the record, where an object is an envelope.
fn parts(document: &Document) -> Option<(&Value, &Value)> {
    let data = document.get(DATA).filter(|data| data.kind() == Kind::Object)?;
    let id = document.get(ID)?;
    (document.fields().len() == 2).then_some((id, data))
}

/// Whether an NDJSON input consists of envelopes, judged by its beginning: each complete line is one. Where not even
/// the first line is complete, it must begin as `export --with-id` writes it.
pub(crate) fn begins(head: &[u8], is_whole: bool) -> bool {
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let cut = if is_whole { None } else { lines.pop() };
    lines.retain(|line| !line.iter().all(|byte| is_blank(*byte)));
    if lines.is_empty() {
        return cut.is_some_and(begins_one);
    }
    lines.into_iter().all(is_one)
}

fn is_one(line: &[u8]) -> bool {
    let text = std::str::from_utf8(line).ok();
    let value = text.and_then(|text| Value::parse(text).ok());
    let object = value.as_ref().and_then(Value::as_object);
    object.is_some_and(|document| parts(&document).is_some())
}

/// Whether a truncated line begins with an id followed by a record.
fn begins_one(line: &[u8]) -> bool {
    let rest = line.strip_prefix(b"{\"id\":").unwrap_or_default();
    let length = match rest.first() {
        Some(b'"') => text_length(rest),
        _ => rest.iter().take_while(|byte| **byte != b',').count(),
    };
    rest.get(length..)
        .is_some_and(|rest| rest.starts_with(b",\"data\":{"))
}
