//! What a proof proves, read from its leaves.

use serde_json::value::RawValue;

use super::parts::{NotProved, Opening, Which};
use crate::digest::hex;
use crate::ledger::Checkpoint;
use crate::record::{BatchId, RecordNumber};

/// What a proof proves.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Proved {
    /// Identity of the ledger: the UUID of its first run.
    pub ledger: String,
    /// Size of the signed ledger.
    pub size: u64,
    /// Root of the signed ledger, in hexadecimal.
    pub root: String,
    /// Number of the batch.
    pub batch: BatchId,
    /// Number of the source record.
    pub record: RecordNumber,
    /// Part of a derived record; otherwise 0.
    pub part: i64,
    /// Outcome of the record.
    pub outcome: &'static str,
    /// Reason of the outcome, if there is one: codes and places, never a value.
    pub reason: Option<String>,
    /// Kind of the pass.
    pub kind: String,
    /// Stage of the pass, if it has one.
    pub stage: Option<ProvedStage>,
    /// Source of the record.
    pub source: Option<String>,
    /// Database that was written.
    pub database: Option<String>,
    /// Actor of the run.
    pub actor: String,
    /// Reason of the run, in the operator's words.
    pub why: Option<String>,
    /// Time of the commit, in UTC.
    pub at: String,
    /// The disclosed record.
    pub disclosed: Option<Disclosed>,
    /// Number of the readings that a window was made of, if their commitments are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readings: Option<u64>,
}

/// A stage, as a header names it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ProvedStage {
    /// Name of the project.
    pub project: String,
    /// Number of the stage.
    pub number: u64,
    /// Name of the stage.
    pub slug: String,
    /// SHA-256 of the stage's text, in hexadecimal.
    pub text_sha256: String,
}

/// A disclosed record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Disclosed {
    /// The entry's commitment that it opens.
    pub which: Which,
    /// Id of the record.
    pub id: String,
    /// Data of the record.
    pub data: String,
}

/// A field of a leaf. Leaves are flat, so that there is only one way to read them, in any language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LeafField {
    Null,
    Number(i64),
    Text(String),
}

impl LeafField {
    fn read(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        match text.as_bytes().first()? {
            b'n' => Some(Self::Null),
            b'"' => serde_json::from_str(text).ok().map(Self::Text),
            // A fraction, an exponent, a list or an object is not a whole number.
            _ => text.parse().ok().map(Self::Number),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// Returns the fields of a leaf, as many as the format has.
pub(super) fn fields(text: &str, tag: &str, count: usize) -> Result<Vec<LeafField>, NotProved> {
    let raw: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let fields: Option<Vec<LeafField>> = raw.into_iter().map(LeafField::read).collect();
    fields
        .filter(|fields| fields.len() == count && fields[0].text() == Some(tag))
        .ok_or_else(|| NotProved::Form(format!("a leaf is not a `{tag}` of this format")))
}

impl Proved {
    /// Reads the fields of an entry and of its header.
    pub(super) fn from_checkpoint(
        checkpoint: &Checkpoint,
        entry: &[LeafField],
        header: &[LeafField],
        (opening, readings): (Option<&Opening>, Option<u64>),
    ) -> Result<Self, NotProved> {
        let form = || NotProved::Form("its leaves do not have the fields of this format".to_owned());
        let text = |field: &LeafField| field.text().map(str::to_owned);
        let number = |field: &LeafField| field.number().ok_or_else(form);
        let outcome = match entry[4].number() {
            Some(1) => "written",
            Some(2) => "unchanged",
            Some(3) => "filtered",
            Some(4) => "refused",
            Some(5) => "merged",
            _ => return Err(form()),
        };
        let stage_number = header[11].number().and_then(|number| u64::try_from(number).ok());
        let stage = match (text(&header[10]), stage_number, text(&header[12])) {
            (Some(project), Some(number), Some(slug)) => Some(ProvedStage {
                project,
                number,
                slug,
                text_sha256: text(&header[13]).unwrap_or_default(),
            }),
            _ => None,
        };
        Ok(Self {
            ledger: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: hex(&checkpoint.root),
            batch: BatchId::new(number(&entry[1])?),
            record: RecordNumber::new(number(&entry[2])?),
            part: number(&entry[3])?,
            outcome,
            reason: text(&entry[9]),
            kind: text(&header[16]).ok_or_else(form)?,
            stage,
            source: text(&header[17]),
            database: text(&header[18]),
            actor: text(&header[4]).ok_or_else(form)?,
            why: text(&header[8]),
            at: moment(number(&header[33])?).ok_or_else(form)?,
            disclosed: opening.map(|opening| Disclosed {
                which: opening.which,
                id: opening.id.clone(),
                data: opening.data.clone(),
            }),
            readings,
        })
    }
}

/// Formats a time in the years 1 to 9999, which every language can represent.
fn moment(us: i64) -> Option<String> {
    let time = chrono::DateTime::from_timestamp_micros(us)?;
    let is_of_four_digits = (1..=9999).contains(&chrono::Datelike::year(&time));
    is_of_four_digits.then(|| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}
