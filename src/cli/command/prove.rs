//! `prove`: proves one record to someone who has neither the store nor this program.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use counterfoil::project::PUBLIC_KEY_FILE;
use counterfoil::prove::{Opening, ProveOptions};
use counterfoil::record::{BatchId, Record, RecordNumber};
use counterfoil::store::Store;
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::files::NewFile;
use crate::cli::masking::{Noted, masked_noting, redactions};
use crate::cli::render::{shown, word};
use crate::cli::session::Session;
use crate::cli::words::hashed_under;

/// Write a proof of what was done to one record.
///
/// The proof is one text: the record's entry, its batch, and their paths to a signed checkpoint.
///
/// `counterfoil verify-proof` or the script `docs/verify_proof.py` checks it with nothing but the public key.
/// The record itself is included only with --disclose.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil prove orders_v2 ORD-2024-001 --disclose --output proof.txt\n  counterfoil prove --since 20023"
)]
pub(crate) struct Prove {
    /// A database that holds or held the record.
    #[arg(required_unless_present = "since", requires = "id")]
    database: Option<String>,
    /// The record's id in that database.
    id: Option<String>,
    /// Batch of the entry to prove, as `counterfoil trace` shows it [default: the newest entry that changed
    /// the record].
    #[arg(long, value_name = "BATCH")]
    entry: Option<BatchId>,
    /// Include the record: its id, its data, and the salt of its commitments.
    #[arg(long)]
    disclose: bool,
    /// List the commitments of the readings that a window was made of.
    #[arg(long)]
    inputs: bool,
    /// Prove instead that the last signed ledger extends the one that was signed with this many leaves.
    #[arg(long, value_name = "LEAVES", conflicts_with_all = ["database", "entry", "disclose", "inputs"])]
    since: Option<u64>,
    /// Write to a new file instead of stdout.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Prove {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let store = session.open_to_read()?;
        let mut remark = None;
        let proof = match (self.since, &self.database, &self.id) {
            (Some(size), ..) => store.prove_consistency(size)?.to_string(),
            (None, Some(database), Some(id)) => {
                let options = ProveOptions::default()
                    .batch(self.entry)
                    .disclose(self.disclose)
                    .inputs(self.inputs);
                let proof = store.prove(database, id, &options)?;
                if let Some(opening) = &proof.opening {
                    refuse_redacted(session, &store, opening)?;
                }
                remark = store.accepted_name(&proof)?.map(|name| {
                    let under = hashed_under(&name.renamed);
                    format!(
                        "{under}, so the proof uses that name; batch {} accepts it",
                        name.accepted_in
                    )
                });
                proof.to_string()
            }
            _ => unreachable!("clap asks for both"),
        };
        let data = json!({ "proof": proof });
        let Some(path) = &self.output else {
            return Ok(Answer::new(data, proof).warnings(remark));
        };
        let mut file = NewFile::begin(path)?;
        file.write_all(proof.as_bytes())
            .map_err(|error| Failure::output(&error))?;
        file.finish()?;
        let wrote = format!("Wrote {}.\n", shown(&path.display().to_string()));
        let answer = Answer::new(data, wrote).warnings(remark);
        Ok(answer.hint(next(session, path)))
    }
}

/// Returns how to check the proof: it needs only the public half of the key.
fn next(session: &Session<'_>, proof: &Path) -> String {
    let public = session.inside(Path::new(PUBLIC_KEY_FILE));
    let (proof, key) = (proof.display().to_string(), public.display().to_string());
    let key = if public.is_file() {
        word(&key)
    } else {
        "KEY".into()
    };
    let check = format!(
        "`counterfoil verify-proof {} --key {key}` checks it",
        word(&proof)
    );
    if key == "KEY" {
        format!("{check}, where KEY is the signer's public key or its file")
    } else {
        check
    }
}

/// Refuses to disclose a record with redacted values: these appear in no output, and an incomplete record proves
/// nothing.
fn refuse_redacted(session: &Session<'_>, store: &Store, opening: &Opening) -> Result<(), Failure> {
    let record = Record {
        number: RecordNumber::BEFORE_FIRST,
        id: opening.id.clone(),
        data: opening.data.clone(),
    };
    let mut found = Noted::default();
    masked_noting(record, &redactions(session, store)?, &mut found)?;
    let Some(path) = found.paths.first() else {
        return Ok(());
    };
    let failure = Failure::new(
        Exit::Failed,
        "prove.redacted",
        format!("the record has `{path}`, which a stage redacts, so it is not disclosed"),
    );
    Err(failure.hint(
        "prove it without --disclose: the proof remains valid, and anyone who has the record can compare it",
    ))
}
