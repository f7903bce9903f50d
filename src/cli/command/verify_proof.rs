//! `verify-proof`: check a proof with the public key, and nothing else.

use std::path::PathBuf;

use counterfoil::ledger::Checkpoint;
use counterfoil::note::VerifyingKey;
use counterfoil::project::{PUBLIC_KEY_FILE, Project};
use counterfoil::prove::{NotProved, Proved, ProvedText, check_proof};
use serde_json::json;

use crate::cli::answer::{Answer, json as to_json};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::{bold, count, green, moment, short, shown, way};
use crate::cli::session::Session;

/// The longest proof that is read: a record of the largest size, with room to spare.
const LONGEST: u64 = 512 << 20;

/// Check a proof that `prove` wrote, and show what it proves.
///
/// Neither the store nor the project is needed. --key takes the signer's public key, or its file [default:
/// the project's `counterfoil.pub`]. The exit code is 8 if anything in the proof was changed.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil verify-proof proof.txt --key shop+c321f6c5+AW7d...")]
pub(crate) struct VerifyProof {
    /// File with the proof; `-` reads standard input.
    file: PathBuf,
}

impl VerifyProof {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let key = Self::key(session)?;
        match check_proof(&read(&self.file)?, &key).map_err(|error| refused(&error))? {
            ProvedText::Extends { old, new } => {
                let data = json!({ "consistent": true, "old_size": old.size, "new_size": new.size, "ledger": new.origin });
                Ok(Answer::new(data, consistent(&old, &new)))
            }
            ProvedText::Record(proved) => Ok(Answer::new(to_json(&proved), render(&proved))),
        }
    }

    fn key(session: &Session<'_>) -> Result<VerifyingKey, Failure> {
        match session.given_key() {
            Some(key) if key.to_string_lossy().contains('+') => VerifyingKey::parse(&key.to_string_lossy())
                .map_err(|error| {
                    Failure::usage(
                        "key.bad",
                        error.to_string(),
                        "it looks like `shop+c321f6c5+AW7d...`",
                    )
                }),
            Some(path) => Ok(Project::public_key(path)?),
            None => {
                let path = session.folder().join(PUBLIC_KEY_FILE);
                if !path.exists() {
                    let message = "no key to check with";
                    let hint = "give the public key, or its file, with --key";
                    return Err(Failure::usage("key.missing", message, hint));
                }
                Ok(Project::public_key(&path)?)
            }
        }
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let unreadable = |error: std::io::Error| {
        Failure::new(
            Exit::Failed,
            "input.unreadable",
            format!("{} cannot be read: {error}", path.display()),
        )
        .hint("name the file that `prove` wrote")
    };
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin()
            .lock()
            .take(LONGEST)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    } else {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(LONGEST).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    Ok(bytes)
}

fn refused(error: &NotProved) -> Failure {
    Failure::new(Exit::Unsound, "proof.refused", error.to_string())
        .hint("nothing is proved; request the proof again, and get the public key through another channel")
}

fn consistent(old: &Checkpoint, new: &Checkpoint) -> String {
    format!(
        "{} the ledger {} with {} leaves extends the one with {}: nothing in it was changed or removed\n",
        green("proved:"),
        shown(&new.origin),
        bold(&count(new.size)),
        bold(&count(old.size)),
    )
}

fn render(proved: &Proved) -> String {
    let what = match &proved.stage {
        Some(stage) => format!(
            "{} of stage {} {} of {}",
            proved.kind, stage.number, stage.slug, stage.project
        ),
        None => proved.kind.clone(),
    };
    let way = way(proved.source.as_deref(), proved.database.as_deref());
    let mut text = format!(
        "{} this entry is in the ledger that was signed\n",
        green("proved:")
    );
    let mut line = |name: &str, value: &str| text += &format!("  {name:<10}{}\n", shown(value));
    line("record", &format!("{} (part {})", proved.record, proved.part));
    line("outcome", proved.outcome);
    if let Some(reason) = &proved.reason {
        line("why", reason);
    }
    line("by", &format!("{what}, {way}"));
    if let Some(stage) = &proved.stage {
        line("text", &format!("SHA-256 {}", stage.text_sha256));
    }
    line("batch", &proved.batch.to_string());
    line("when", &moment(&proved.at));
    line("actor", &proved.actor);
    if let Some(why) = &proved.why {
        line("reason", why);
    }
    line(
        "ledger",
        &format!(
            "{}, {} leaves, root {}",
            proved.ledger,
            count(proved.size),
            short(&proved.root)
        ),
    );
    match &proved.disclosed {
        Some(disclosed) => line(
            disclosed.which.name(),
            &format!("{}  {}", disclosed.id, disclosed.data),
        ),
        None => line("content", "not disclosed"),
    }
    if let Some(readings) = proved.readings {
        line("readings", &format!("{}, as the entry says", count(readings)));
    }
    text
}
