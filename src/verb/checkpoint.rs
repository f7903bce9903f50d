//! The verb `checkpoint`: signs the current state of the ledger. Every run signs it at its end; this verb is for a run
//! that was killed before that, for a store that is older than its key, and for a store that was restored on purpose.

use crate::engine::{Run, RunInfo};
use crate::error::{Error, Result};
use crate::ledger::checkpoint::newest_note;
use crate::ledger::renamed::unaccepted;
use crate::ledger::{Batch, BatchKind, Checkpoint, PassKind, Renamed};
use crate::name::StageName;
use crate::store::{Store, checkpoints, objects};

/// A signed statement about the ledger.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SignedCheckpoint {
    /// Identity of the ledger: the UUID of its first run.
    pub origin: String,
    /// Number of leaves, that is, entries and batch headers.
    pub size: u64,
    /// Root over the leaves, in hexadecimal.
    pub root: String,
    /// Text of the signed note.
    pub note: String,
}

/// Signs the current state of the ledger, unless it is signed already.
///
/// # Errors
/// [`Error::Invalid`] when there is no key.
pub fn checkpoint(store: &mut Store) -> Result<SignedCheckpoint> {
    need_key(store)?;
    let run = Run::begin(store, &RunInfo::new("checkpoint"))?;
    run.sign()?;
    signed(run.store())
}

/// Accepts a store that was restored from a copy, or the first checkpoint by a new key. The file of checkpoints that
/// contradicts it is moved aside under another name, and the ledger records who accepted the store and why.
///
/// Open the store [`unchecked`](crate::store::StoreOptions::unchecked).
///
/// # Errors
/// [`Error::Invalid`] when there is no key or no reason.
pub fn accept_restored(store: &mut Store, run_info: &RunInfo) -> Result<SignedCheckpoint> {
    need_key(store)?;
    need_reason(run_info, "a restored store is accepted")?;
    let mut run = Run::begin(store, run_info)?;
    let mut pass = run.new_pass(PassKind::Edit, None)?;
    let mut batch = Batch::new(BatchKind::End);
    batch.body = Some(serde_json::json!({ "accepted": "restored" }).to_string());
    run.commit(&mut pass, batch)?;
    checkpoints::put_aside(run.store())?;
    run.sign()?;
    signed(run.store())
}

/// Accepts that batches were hashed under another name of their stage than the ledger keeps, because the stage's file
/// was renamed. The ledger records who accepted it and why, and from then on these batches are read with the name that
/// was hashed. No existing data changes. Only names that reproduce the existing hashes exactly are accepted; the
/// candidates are the names that the ledger has for the stage, and `names`.
///
/// # Errors
/// [`Error::Invalid`] when there is no such batch, or no reason.
pub fn accept_renamed(store: &mut Store, names: &[StageName], run_info: &RunInfo) -> Result<Vec<Renamed>> {
    need_reason(run_info, "other stage names are accepted")?;
    let mut run = Run::begin(store, run_info)?;
    let found = unaccepted(run.connection(), objects::query_of_view("ledger_header"), names)?;
    if found.is_empty() {
        return Err(Error::invalid(
            "no batch is known to be hashed under another name of its stage",
            "`counterfoil verify` reports what is wrong; give a former name of a stage file with `--name STAGE NAME`",
        ));
    }
    let mut pass = run.new_pass(PassKind::Edit, None)?;
    let mut batch = Batch::new(BatchKind::End);
    batch.body = Some(serde_json::json!({ "renamed": found }).to_string());
    run.commit(&mut pass, batch)?;
    run.finish()?;
    Ok(found)
}

fn need_reason(run_info: &RunInfo, what: &str) -> Result<()> {
    if run_info
        .reason
        .as_deref()
        .is_some_and(|reason| !reason.trim().is_empty())
    {
        return Ok(());
    }
    Err(Error::invalid(
        format!("{what} only with a reason, which the ledger records"),
        "give one with `--reason TEXT`",
    ))
}

fn need_key(store: &Store) -> Result<()> {
    if store.environment().keys.signer().is_some() {
        return Ok(());
    }
    let was_signed = newest_note(store.connection())?.is_some();
    Err(Error::invalid(
        "there is no key to sign with",
        if was_signed {
            checkpoints::KEY_LOST
        } else {
            "create one with `counterfoil checkpoint --new-key`, or name its file with `--key FILE`"
        },
    ))
}

impl Store {
    /// Returns the newest checkpoint of the store; `None` when none was signed.
    pub fn newest_checkpoint(&self) -> Result<Option<SignedCheckpoint>> {
        let note = newest_note(self.connection())?;
        Ok(note.and_then(|note| {
            let checkpoint = Checkpoint::from_note(&note)?;
            Some(SignedCheckpoint {
                origin: checkpoint.origin,
                size: checkpoint.size,
                root: crate::digest::hex(&checkpoint.root),
                note,
            })
        }))
    }
}

fn signed(store: &Store) -> Result<SignedCheckpoint> {
    store.newest_checkpoint()?.ok_or_else(|| Error::Damaged {
        what: "the checkpoint that was just written is missing".to_owned(),
    })
}
