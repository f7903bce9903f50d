//! Proofs as texts, and what they prove. This file does not access a store.

use super::parts::{BlockReadings, Included, NotProved, Opening, Which};
use super::proved::{LeafField, Proved, fields};
use crate::digest::{Hash, Salt, commitment, digest_of_lines, hex};
use crate::ledger::proof::{is_consistent, is_included};
use crate::ledger::{Checkpoint, leaf_hash};
use crate::note::{BadNote, VerifyingKey};
use crate::record::BatchId;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// First line of a proof about a record.
const PROOF: &str = "counterfoil-proof v1";
/// First line of a proof about one window, with its readings.
const WITH_READINGS: &str = "counterfoil-proof v2";
/// First line of a proof about two checkpoints.
const CONSISTENCY: &str = "counterfoil-consistency v1";

/// A proof about one record. [`Store::prove`](crate::store::Store::prove) returns it, and [`Proof::parse`] reads its
/// text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Leaf of the entry.
    pub entry: Included,
    /// The record, if it was disclosed.
    pub opening: Option<Opening>,
    /// The commitments of the readings that a window was made of, block by block; empty if they are not listed.
    pub readings: Vec<BlockReadings>,
    /// Leaf of the batch's header.
    pub header: Included,
    /// Signed checkpoint.
    pub note: String,
}

/// A proof that the ledger of one checkpoint extends that of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// Hashes of the consistency proof of RFC 6962, 2.1.2.
    pub path: Vec<Hash>,
    /// Older signed checkpoint.
    pub old: String,
    /// Newer signed checkpoint.
    pub new: String,
}

impl Proof {
    /// Reads a proof.
    ///
    /// # Errors
    /// [`NotProved::Form`] when the text is not such a proof.
    pub fn parse(text: &str) -> Result<Self, NotProved> {
        let lists = text.starts_with(WITH_READINGS);
        let (lines, note) = begun(text, if lists { WITH_READINGS } else { PROOF })?;
        let mut lines = Lines(lines);
        let (entry, index) = (lines.take("entry")?, lines.number("index")?);
        let entry = Included {
            text: entry.to_owned(),
            index,
            path: lines.path()?,
        };
        let opening = if lines.next_is("opening") {
            Some(lines.opening()?)
        } else {
            None
        };
        let readings = if lists { lines.readings()? } else { Vec::new() };
        let (header, index) = (lines.take("header")?, lines.number("index")?);
        let header = Included {
            text: header.to_owned(),
            index,
            path: lines.path()?,
        };
        lines.end()?;
        let proof = Self {
            entry,
            opening,
            readings,
            header,
            note: note.to_owned(),
        };
        as_written(text, &proof.to_string())?;
        Ok(proof)
    }

    /// Checks everything, the signature first, and returns what is proved.
    ///
    /// # Errors
    /// [`NotProved`] for the first check that fails.
    pub fn verify(&self, key: &VerifyingKey) -> Result<Proved, NotProved> {
        let checkpoint = opened(&self.note, key)?;
        self.is_in(&checkpoint).map_err(NotProved::NotIncluded)?;
        let entry = fields(&self.entry.text, "e1", 10)?;
        let header = fields(&self.header.text, "b1", 37)?;
        // The entries of a batch come right before its header.
        let entries = header[32]
            .number()
            .and_then(|entries| u64::try_from(entries).ok());
        let first = self.header.index.checked_sub(entries.unwrap_or_default());
        let is_within = first.is_some_and(|first| (first..self.header.index).contains(&self.entry.index));
        if entry[1] != header[1] || !is_within {
            return Err(NotProved::OtherBatch);
        }
        if let Some(opening) = &self.opening {
            let commitment = hex(&commitment(&opening.salt, &opening.id, &opening.data));
            if entry[opening.which.place()].text() != Some(&*commitment) {
                return Err(NotProved::Opening);
            }
        }
        let readings = self.readings_of(&entry)?;
        Proved::from_checkpoint(&checkpoint, &entry, &header, (self.opening.as_ref(), readings))
    }

    /// Checks that the listed readings are those that the entry says, and returns their number; `None` if none are listed.
    fn readings_of(&self, entry: &[LeafField]) -> Result<Option<u64>, NotProved> {
        // A whole number, and nothing that only equals one.
        #[derive(serde::Deserialize)]
        struct Reason {
            inputs: u64,
        }
        if self.readings.is_empty() {
            return Ok(None);
        }
        let reason = entry[9]
            .text()
            .and_then(|reason| serde_json::from_str::<Reason>(reason).ok());
        let count: usize = self.readings.iter().map(Vec::len).sum();
        let blocks: Vec<Hash> = self.readings.iter().map(|block| digest_of_lines(block)).collect();
        let digest = hex(&digest_of_lines(&blocks));
        let are_those =
            reason.is_some_and(|reason| reason.inputs == count as u64) && entry[6].text() == Some(&*digest);
        are_those.then_some(Some(count as u64)).ok_or(NotProved::Readings)
    }

    /// Checks that both leaves lead to a checkpoint's root; the error names the one that does not.
    fn is_in(&self, checkpoint: &Checkpoint) -> Result<(), &'static str> {
        let tree = (checkpoint.size, &checkpoint.root);
        let holds = |leaf: &Included| is_included(&leaf_hash(&leaf.text), leaf.index, tree, &leaf.path);
        let mut leaves = [("entry", &self.entry), ("header", &self.header)].into_iter();
        leaves
            .find(|(_, leaf)| !holds(leaf))
            .map_or(Ok(()), |(what, _)| Err(what))
    }

    /// Returns whether both leaves lead to the root of the proof's own checkpoint; the signature is not checked.
    pub(super) fn leads_to_checkpoint(&self) -> bool {
        Checkpoint::from_note(&self.note).is_some_and(|checkpoint| self.is_in(&checkpoint).is_ok())
    }

    /// Returns the batch of the header.
    pub(super) fn batch(&self) -> Option<BatchId> {
        fields(&self.header.text, "b1", 37).ok()?[1]
            .number()
            .map(BatchId::new)
    }
}

impl std::fmt::Display for Proof {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            out,
            "{}",
            if self.readings.is_empty() {
                PROOF
            } else {
                WITH_READINGS
            }
        )?;
        writeln!(out, "entry {}\nindex {}", self.entry.text, self.entry.index)?;
        write_path(out, &self.entry.path)?;
        if let Some(opening) = &self.opening {
            let id = serde_json::to_string(&opening.id).expect("a text always has a JSON text");
            writeln!(
                out,
                "opening {}\nsalt {}",
                opening.which.name(),
                hex(&opening.salt)
            )?;
            writeln!(out, "id {id}\ndata {}", opening.data)?;
        }
        for block in &self.readings {
            writeln!(out, "block {}", block.len())?;
            block
                .iter()
                .try_for_each(|reading| writeln!(out, "reading {}", hex(reading)))?;
        }
        writeln!(out, "header {}\nindex {}", self.header.text, self.header.index)?;
        write_path(out, &self.header.path)?;
        write!(out, "\n{}", self.note)
    }
}

impl Consistency {
    /// Reads a consistency proof.
    ///
    /// # Errors
    /// [`NotProved::Form`] when the text is not such a proof.
    pub fn parse(text: &str) -> Result<Self, NotProved> {
        let (lines, notes) = begun(text, CONSISTENCY)?;
        let mut lines = Lines(lines);
        let path = lines.path()?;
        lines.end()?;
        // The first note ends with its signatures, before an empty line.
        let parts = notes
            .match_indices("\n\n")
            .nth(1)
            .map(|(at, _)| notes.split_at(at + 1));
        let (old, new) =
            parts.ok_or_else(|| NotProved::Form("it does not have two checkpoints".to_owned()))?;
        let proof = Self {
            path,
            old: old.to_owned(),
            new: new[1..].to_owned(),
        };
        as_written(text, &proof.to_string())?;
        Ok(proof)
    }

    /// Checks both signatures and that the newer ledger extends the older one; returns both.
    ///
    /// # Errors
    /// [`NotProved`] for the first check that fails.
    pub fn verify(&self, key: &VerifyingKey) -> Result<ConsistentCheckpoints, NotProved> {
        let (old, new) = (opened(&self.old, key)?, opened(&self.new, key)?);
        let trees = ((old.size, &old.root), (new.size, &new.root));
        if old.origin != new.origin || !is_consistent(trees.0, trees.1, &self.path) {
            return Err(NotProved::Inconsistent);
        }
        Ok(ConsistentCheckpoints { old, new })
    }
}

/// Two checkpoints of one ledger, the newer of which extends the older.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistentCheckpoints {
    /// Older checkpoint.
    pub old: Checkpoint,
    /// Newer checkpoint.
    pub new: Checkpoint,
}

impl std::fmt::Display for Consistency {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "{CONSISTENCY}")?;
        write_path(out, &self.path)?;
        write!(out, "\n{}\n{}", self.old, self.new)
    }
}

/// Requires the canonical text: if a proof could be written in two ways, two people could hold different ones.
fn as_written(text: &str, written: &str) -> Result<(), NotProved> {
    if text == written {
        return Ok(());
    }
    Err(NotProved::Form("it is not in the format of a proof".to_owned()))
}

fn write_path(out: &mut std::fmt::Formatter<'_>, path: &[Hash]) -> std::fmt::Result {
    path.iter()
        .try_for_each(|hash| writeln!(out, "path {}", BASE64_STANDARD.encode(hash)))
}

/// Returns the lines of a proof after the first, and the text after the empty line.
fn begun<'t>(text: &'t str, first: &str) -> Result<(Vec<&'t str>, &'t str), NotProved> {
    let form = |problem: String| NotProved::Form(problem);
    let rest = text
        .strip_prefix(first)
        .and_then(|rest| rest.strip_prefix('\n'))
        .ok_or_else(|| form(format!("it does not begin with the line `{first}`")))?;
    let (lines, note) = match rest.strip_prefix('\n') {
        Some(note) => ("", note),
        None => rest
            .split_once("\n\n")
            .ok_or_else(|| form("it has no checkpoint after an empty line".to_owned()))?,
    };
    Ok((
        lines.split('\n').filter(|line| !line.is_empty()).rev().collect(),
        note,
    ))
}

fn opened(note: &str, key: &VerifyingKey) -> Result<Checkpoint, NotProved> {
    let text = key.open(note).map_err(NotProved::Checkpoint)?;
    Checkpoint::parse(text).ok_or(NotProved::Checkpoint(BadNote::Form(
        "its text is not a checkpoint",
    )))
}

/// The remaining lines, the next one last.
struct Lines<'t>(Vec<&'t str>);

impl<'t> Lines<'t> {
    fn next_is(&self, word: &str) -> bool {
        let next = self.0.last().and_then(|line| line.strip_prefix(word));
        next.is_some_and(|rest| rest.starts_with(' '))
    }

    fn take(&mut self, word: &str) -> Result<&'t str, NotProved> {
        let line = self
            .0
            .pop()
            .and_then(|line| line.strip_prefix(word)?.strip_prefix(' '));
        line.ok_or_else(|| NotProved::Form(format!("the line `{word} ...` is missing")))
    }

    fn number(&mut self, word: &str) -> Result<u64, NotProved> {
        let text = self.take(word)?;
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        let number = text.parse().ok().filter(|_| plain);
        number.ok_or_else(|| NotProved::Form(format!("`{word}` is not a number")))
    }

    fn path(&mut self) -> Result<Vec<Hash>, NotProved> {
        let mut path = Vec::new();
        while self.next_is("path") {
            let hash = BASE64_STANDARD.decode(self.take("path")?).ok();
            let hash = hash.and_then(|hash| hash.try_into().ok());
            path.push(hash.ok_or_else(|| NotProved::Form("a hash of a path is not valid".to_owned()))?);
        }
        Ok(path)
    }

    fn readings(&mut self) -> Result<Vec<BlockReadings>, NotProved> {
        let mut blocks = Vec::new();
        while self.next_is("block") {
            let (count, mut block) = (self.number("block")?, BlockReadings::new());
            while self.next_is("reading") {
                let (text, mut hash) = (self.take("reading")?, Hash::default());
                let is_small = text.bytes().all(|byte| !byte.is_ascii_uppercase());
                let is_hash = hex::decode_to_slice(text, &mut hash).is_ok() && is_small;
                block.push(
                    is_hash.then_some(hash).ok_or_else(|| {
                        NotProved::Form("a reading is not a hash in hexadecimal".to_owned())
                    })?,
                );
            }
            if count == 0 || block.len() as u64 != count {
                return Err(NotProved::Form(
                    "a block does not have as many readings as it says".to_owned(),
                ));
            }
            blocks.push(block);
        }
        if blocks.is_empty() {
            return Err(NotProved::Form("it lists no readings".to_owned()));
        }
        Ok(blocks)
    }

    fn opening(&mut self) -> Result<Opening, NotProved> {
        let form = |problem: &str| NotProved::Form(problem.to_owned());
        let name = self.take("opening")?;
        let which = Which::ALL.into_iter().find(|which| which.name() == name);
        let which = which.ok_or_else(|| form("it opens a commitment that no entry has"))?;
        let mut salt = Salt::default();
        let text = self.take("salt")?;
        let is_small = text.bytes().all(|byte| !byte.is_ascii_uppercase());
        hex::decode_to_slice(text, &mut salt)
            .ok()
            .filter(|()| is_small)
            .ok_or_else(|| form("the salt is not 16 bytes in hexadecimal"))?;
        let id = serde_json::from_str(self.take("id")?).map_err(|_| form("the id is not a string"))?;
        let data = self.take("data")?.to_owned();
        Ok(Opening {
            which,
            salt,
            id,
            data,
        })
    }

    fn end(self) -> Result<(), NotProved> {
        match self.0.last() {
            None => Ok(()),
            Some(_) => Err(NotProved::Form(
                "it has lines that do not belong there".to_owned(),
            )),
        }
    }
}
