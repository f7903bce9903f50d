//! An admitted record, parsed.

use super::{Document, Limits, Malformed, admit};

/// A record that passed admission.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    /// The text to store.
    pub(crate) data: String,
    pub(crate) document: Document,
}

/// As [`admit`], for a text that must be a record: a JSON object.
pub(crate) fn admit_record(bytes: &[u8], limits: &Limits) -> Result<Admitted, Malformed> {
    let data = admit(bytes, limits)?;
    let document = Document::parse(&data)?;
    Ok(Admitted { data, document })
}
