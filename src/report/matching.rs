//! What the merges of a run compared, found and merged, from the notes and entries of their passes.

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::MergeOutcome;
use crate::ledger::merged::{Matching, ReviewQueue, SourceWins, deleted_in, model_of, note_of, queue, wins};
use crate::ledger::run_outcome::PassOutcome;
use crate::matching::MatchModel;
use crate::record::{PassId, RunId};

/// What a merge of a run came to.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StageMatching {
    /// Number of the pass.
    pub pass: PassId,
    /// Number of the stage.
    pub stage: u32,
    /// Name of the stage.
    pub slug: String,
    /// Database that it read.
    pub source: Option<String>,
    /// Database that it wrote.
    pub target: Option<String>,
    /// What came of the records.
    #[serde(flatten)]
    pub outcome: MergeOutcome,
    /// Where members of one golden record differ: how often a value survived, by the database in which its record
    /// began. Of records that earlier stages have copied, this is the one that they were loaded into.
    pub wins: Vec<SourceWins>,
    /// The model.
    pub model: Option<MatchModel>,
    /// Pairs of the stage that wait for a decision, as the store is now.
    pub queue: ReviewQueue,
}

/// Collects what the merges of a run came to.
pub(super) fn merges(
    connection: &Connection,
    run: RunId,
    project: Option<&str>,
    passes: &[PassOutcome],
) -> Result<Vec<StageMatching>> {
    let mut merges = Vec::new();
    for pass in passes
        .iter()
        .filter(|pass| matches!(pass.kind.as_str(), "apply" | "retry"))
    {
        let (Some(note), Some(stage), Some(project)) = (note_of(connection, pass.pass)?, pass.stage, project)
        else {
            continue;
        };
        let model = model_of(connection, &note.noted)?;
        merges.push(StageMatching {
            pass: pass.pass,
            stage,
            slug: pass.slug.clone().unwrap_or_default(),
            source: pass.source.clone(),
            target: pass.target.clone(),
            outcome: MergeOutcome {
                merged: pass.counts.merged,
                golden: pass.golden,
                alone: pass.counts.written,
                deleted: deleted_in(connection, pass.pass)?,
                matching: Some(Matching::from_noted(note.noted)),
            },
            wins: wins(connection, pass.pass, run)?,
            model: model.as_ref().map(MatchModel::new),
            queue: queue(connection, project, stage)?,
        });
    }
    Ok(merges)
}
