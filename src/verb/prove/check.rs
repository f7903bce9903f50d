//! Checks a proof of either kind.

use super::parts::NotProved;
use super::proved::Proved;
use super::text::{Consistency, ConsistentCheckpoints, Proof};
use crate::ledger::Checkpoint;
use crate::note::VerifyingKey;

/// What a proof of either kind proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProvedText {
    /// The proof shows what was done to one record.
    Record(Box<Proved>),
    /// The proof shows that the ledger of one checkpoint extends that of another.
    Extends {
        /// Older checkpoint.
        old: Checkpoint,
        /// Newer checkpoint.
        new: Checkpoint,
    },
}

/// Checks the bytes of a proof of either kind. `docs/verify_proof.py` accepts exactly what this does.
///
/// # Errors
/// [`NotProved`] for bytes that are not a valid proof, whatever they are.
pub fn check_proof(bytes: &[u8], key: &VerifyingKey) -> Result<ProvedText, NotProved> {
    let text = std::str::from_utf8(bytes).map_err(|_| NotProved::Form("it is not valid UTF-8".to_owned()))?;
    if text.starts_with("counterfoil-consistency") {
        let ConsistentCheckpoints { old, new } = Consistency::parse(text)?.verify(key)?;
        return Ok(ProvedText::Extends { old, new });
    }
    Ok(ProvedText::Record(Box::new(Proof::parse(text)?.verify(key)?)))
}
