//! The hashes and signatures that protect a run, and commands that check them with the stock sqlite3 shell, sha256sum
//! and openssl.

use std::fmt::Write as _;

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::checkpoint::{batch_of_size, first_note_of};
use crate::ledger::read::origin;
use crate::ledger::seal::{self, Seal};
use crate::ledger::{AcceptedName, Checkpoint, by_hand};
use crate::record::{BatchId, RunId};
use crate::shown::word;
use crate::store::Store;

/// The hashes and signatures that protect a run.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// Identity of the ledger: the UUID of its first run.
    pub origin: String,
    /// Seal of the run's first batch.
    pub first: Seal,
    /// Seal of its last batch, which covers everything before.
    pub last: Seal,
    /// Signed checkpoint that covers the run; `None` if nothing was signed since.
    pub checkpoint: Option<SignedNote>,
    /// Commands that check it.
    pub checks: Vec<CheckByHand>,
}

/// A signed checkpoint.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct SignedNote {
    /// Size of the signed tree.
    pub tree_size: u64,
    /// Batch after which the tree had this size.
    pub batch: Option<BatchId>,
    /// The signed note.
    pub note: String,
    /// Name of the signer.
    pub signer: String,
    /// The public key that verifies it, if one is configured.
    pub key: Option<String>,
}

/// One check to do by hand.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct CheckByHand {
    /// What the check shows.
    pub what: &'static str,
    /// Command to type into a shell.
    pub command: String,
    /// Expected output; empty if the command must print nothing.
    pub prints: String,
}

/// Collects the evidence of a run.
pub(super) fn evidence(store: &Store, run: RunId) -> Result<Evidence> {
    let connection = store.connection();
    let (first, last) = (seal::first_of(connection, run)?, seal::last_of(connection, run)?);
    // The largest batch shows more than that of a reconciliation, which has no entries.
    let shown = seal::largest_of(connection, run)?;
    let checkpoint = signed(store, connection, last.tree_size)?;
    let path = store_word(&store.path().display().to_string());
    let accepted = crate::ledger::leaves::header(connection, shown.batch)?.1;
    let mut checks = by_sqlite(&path, &shown, &last, accepted.as_ref());
    checks.extend(checkpoint.as_ref().map(|note| by_openssl(&path, note)));
    checks.extend(by_ourselves(&path));
    Ok(Evidence {
        origin: origin(connection)?,
        first,
        last,
        checkpoint,
        checks,
    })
}

/// Returns the first checkpoint at or after a size.
fn signed(store: &Store, connection: &Connection, size: u64) -> Result<Option<SignedNote>> {
    let Some(note) = first_note_of(connection, size)? else {
        return Ok(None);
    };
    let Some(checkpoint) = Checkpoint::from_note(&note) else {
        return Ok(None);
    };
    let key = store.environment().keys.trusted();
    let signers = note
        .lines()
        .filter_map(|line| line.strip_prefix("\u{2014} ")?.split(' ').next());
    let signers: Vec<&str> = signers.collect();
    let ours = key.filter(|key| signers.contains(&key.name()));
    let signer = ours
        .map(crate::note::VerifyingKey::name)
        .or(signers.first().copied());
    Ok(Some(SignedNote {
        tree_size: checkpoint.size,
        batch: batch_of_size(connection, checkpoint.size)?.map(|closed| closed.batch),
        signer: signer.unwrap_or_default().to_owned(),
        key: ours.map(crate::note::VerifyingKey::to_text),
        note,
    }))
}

fn by_sqlite(path: &str, shown: &Seal, last: &Seal, accepted: Option<&AcceptedName>) -> Vec<CheckByHand> {
    let ask = |sql: &str| format!("sqlite3 -readonly {path} \"{sql}\"");
    let batch = shown.batch;
    vec![
        CheckByHand {
            what: "The entries of one batch hash to the value in its header",
            command: ask(&by_hand::entries(batch)) + " | sha256sum",
            prints: format!("{}  -", shown.entries_sha256),
        },
        CheckByHand {
            what: "Its header, with all counts, the actor and the reason, hashes to its head",
            command: ask(&by_hand::header(batch, accepted)) + " | sha256sum",
            prints: format!("{}  -", shown.head),
        },
        CheckByHand {
            what: "Every header includes the head before it, and no batch is missing",
            command: ask(by_hand::CHAIN),
            prints: String::new(),
        },
        CheckByHand {
            what: "The tree after the run has the size and root in this report",
            command: ask(&by_hand::tree(last.batch)),
            prints: format!("{}|{}", last.tree_size, last.tree_root),
        },
    ]
}

/// Returns the check of a checkpoint's signature. The first bytes of the key file identify an Ed25519 key (RFC 8410).
fn by_openssl(path: &str, note: &SignedNote) -> CheckByHand {
    let mut command = format!(
        "sqlite3 -readonly {path} \"{}\" > note.txt\n",
        by_hand::note(note.tree_size)
    );
    command += "sed '/^$/,$d' note.txt > signed.txt\n";
    let signed_by = format!("\u{2014} {} ", note.signer);
    let line = word(&signed_by);
    let _ = writeln!(
        command,
        "grep -F -- {line} note.txt | head -n 1 | cut -d ' ' -f 3 | base64 -d | tail -c 64 > signature.bin"
    );
    command += "{ printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'; \
                cut -d + -f 3- counterfoil.pub | base64 -d | tail -c 32; } > key.der\n";
    command += "openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in signed.txt -sigfile signature.bin";
    CheckByHand {
        what: "The checkpoint is signed with the key whose public half is your counterfoil.pub",
        command,
        prints: "Signature Verified Successfully".to_owned(),
    }
}

fn by_ourselves(path: &str) -> [CheckByHand; 2] {
    [
        CheckByHand {
            what: "Everything: every entry, header, image and row matches the ledger",
            command: format!("counterfoil --store {path} verify"),
            prints: "sound: everything matches the ledger".to_owned(),
        },
        CheckByHand {
            what: "One record, for someone who has only the public key; replace DATABASE and ID",
            command: format!(
                "counterfoil --store {path} prove DATABASE ID --output proof.txt\ncounterfoil verify-proof --key \
                 counterfoil.pub proof.txt"
            ),
            prints: "proved: this entry is in the ledger".to_owned(),
        },
    ]
}

/// Returns the store's path as a word of a command line; a name that begins with a hyphen would be an option.
fn store_word(path: &str) -> String {
    if path.starts_with('-') {
        word(&format!("./{path}")).into_owned()
    } else {
        word(path).into_owned()
    }
}
