//! What holds a run together, and how anybody checks it with the stock sqlite3 shell, sha256sum and openssl.

use std::fmt::Write as _;

use rusqlite::{Connection, Row};

use crate::error::Result;
use crate::ledger::checkpoint::{batch_of_size, first_note_of};
use crate::ledger::read::origin;
use crate::ledger::{AcceptedName, Checkpoint};
use crate::shown::word;
use crate::store::Store;

/// What holds a run together.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Evidence {
    /// The ledger's name: the uuid of its first run.
    pub origin: String,
    /// The header of the run's first batch.
    pub first: Seal,
    /// The header of its last batch, which covers everything before.
    pub last: Seal,
    /// The signed checkpoint that covers the run; `None` where nothing was signed since.
    pub checkpoint: Option<SignedNote>,
    /// How to check it.
    pub checks: Vec<CheckByHand>,
}

/// What closes a batch. Hashes are in hexadecimal.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Seal {
    /// The batch.
    pub batch: i64,
    /// How many stubs it has.
    pub entries: u64,
    /// The hash of the stubs' texts.
    pub entries_sha256: String,
    /// The hash of the header before.
    pub previous_head: String,
    /// The hash of its header.
    pub head: String,
    /// The size of the tree after it.
    pub tree_size: u64,
    /// The root over it.
    pub tree_root: String,
}

/// A signed checkpoint.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SignedNote {
    /// The size of the tree that is signed.
    pub tree_size: u64,
    /// The batch that closed it.
    pub batch: Option<i64>,
    /// The note.
    pub note: String,
    /// Who signed it.
    pub signer: String,
    /// The key that it is checked with here, where there is one.
    pub key: Option<String>,
}

/// One thing to check by hand.
#[derive(Clone, Debug, serde::Serialize)]
pub struct CheckByHand {
    /// What it shows.
    pub what: &'static str,
    /// What to type into a shell.
    pub command: String,
    /// What it must print; empty: nothing.
    pub prints: String,
}

const SEAL: &str =
    "SELECT batch, entries, lower(hex(entries_sha256)), lower(hex(previous_head)), lower(hex(head)),
   tree_size, lower(hex(tree_root)) FROM ledger_batch WHERE run=?1";

fn seal(row: &Row<'_>) -> rusqlite::Result<Seal> {
    Ok(Seal {
        batch: row.get(0)?,
        entries: row.get::<_, i64>(1)?.unsigned_abs(),
        entries_sha256: row.get(2)?,
        previous_head: row.get(3)?,
        head: row.get(4)?,
        tree_size: row.get::<_, i64>(5)?.unsigned_abs(),
        tree_root: row.get(6)?,
    })
}

/// What holds a run together.
pub(super) fn evidence(store: &Store, run: i64) -> Result<Evidence> {
    let connection = store.connection();
    let one = |order: &str| connection.query_row(&format!("{SEAL} ORDER BY {order} LIMIT 1"), [run], seal);
    let (first, last) = (one("batch")?, one("batch DESC")?);
    // The largest batch shows more than a reconciliation's, which has no stubs.
    let shown = one("entries DESC, batch DESC")?;
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

/// The first checkpoint at or after a size.
fn signed(store: &Store, connection: &Connection, size: u64) -> Result<Option<SignedNote>> {
    let Some(note) = first_note_of(connection, size)? else {
        return Ok(None);
    };
    let Some(checkpoint) = Checkpoint::of_note(&note) else {
        return Ok(None);
    };
    let key = store.surroundings().keys.trusted();
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
    let header = match accepted {
        None => "header_text".to_owned(),
        // The name that was hashed, which was accepted. A shell reads `$[`, but nothing in a name.
        Some(name) => format!("json_set(header_text,'\\$[12]','{}')", name.renamed.slug),
    };
    vec![
        CheckByHand {
            what: "The stubs of one batch hash to what its header names",
            command: ask(&format!("SELECT leaf_text FROM ledger_leaf WHERE batch={batch}")) + " | sha256sum",
            prints: format!("{}  -", shown.entries_sha256),
        },
        CheckByHand {
            what: "Its header, with all counts, who and why, hashes to its head",
            command: ask(&format!("SELECT {header} FROM ledger_header WHERE batch={batch}")) + " | sha256sum",
            prints: format!("{}  -", shown.head),
        },
        CheckByHand {
            what: "Every header names the one before, and no batch is missing",
            command: ask("SELECT * FROM audit_chain_problem"),
            prints: String::new(),
        },
        CheckByHand {
            what: "The tree after the run has the size and root of this page",
            command: ask(&format!(
                "SELECT tree_size, lower(hex(tree_root)) FROM ledger_batch WHERE batch={}",
                last.batch
            )),
            prints: format!("{}|{}", last.tree_size, last.tree_root),
        },
    ]
}

/// The signature under a checkpoint. The first bytes of the key file say that it is an Ed25519 key (RFC 8410).
fn by_openssl(path: &str, note: &SignedNote) -> CheckByHand {
    let mut command = format!(
        "sqlite3 -readonly {path} \"SELECT note FROM ledger_checkpoint WHERE tree_size={}\" > note.txt\n",
        note.tree_size
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
        what: "The checkpoint was signed with the key whose public half you were given as counterfoil.pub",
        command,
        prints: "Signature Verified Successfully".to_owned(),
    }
}

fn by_ourselves(path: &str) -> [CheckByHand; 2] {
    [
        CheckByHand {
            what: "All of it: every stub, header, image and row against the ledger",
            command: format!("counterfoil --store {path} verify"),
            prints: "sound: everything is as the ledger says".to_owned(),
        },
        CheckByHand {
            what: "One record, for somebody who has nothing but the public key; DATABASE and ID are yours to choose",
            command: format!(
                "counterfoil --store {path} prove DATABASE ID --output proof.txt\ncounterfoil verify-proof --key \
                 counterfoil.pub proof.txt"
            ),
            prints: "proved: this stub is in the ledger".to_owned(),
        },
    ]
}

/// The store as a word of a command line; a name that begins with a hyphen would be an option.
fn store_word(path: &str) -> String {
    if path.starts_with('-') {
        word(&format!("./{path}")).into_owned()
    } else {
        word(path).into_owned()
    }
}
