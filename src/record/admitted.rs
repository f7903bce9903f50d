//! What comes through the door as a record, opened.

use super::{Document, Limits, Malformed, admit};

/// A record that the door has let in.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    /// What is stored.
    pub(crate) data: String,
    pub(crate) document: Document,
}

/// As [`admit`], for what has to be a record: a JSON object.
pub(crate) fn admit_record(bytes: &[u8], limits: &Limits) -> Result<Admitted, Malformed> {
    let data = admit(bytes, limits)?;
    let document = Document::parse(&data)?;
    Ok(Admitted { data, document })
}
