//! The refusals of a run, by cause, with examples that show places and rules. Values are shown only on request, and are
//! then masked as in the quarantine's output.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use super::options::ReportOptions;
use crate::error::Result;
use crate::history::HiddenIds;
use crate::ledger::refusers::{RefusalOfRun, each_refusal_of_run, standing_since};
use crate::ledger::run_outcome::PassOutcome;
use crate::ledger::run_record::RunBatches;
use crate::path::Path;
use crate::quarantine::{Named, Naming, Quarantined, RefusedInput};
use crate::record::{PassId, REDACTED, RecordNumber, RunId};
use crate::refusal::{Refusal, Violation};
use crate::store::Store;

/// Maximum number of violations shown for a record.
const VIOLATIONS: usize = 5;
/// Maximum number of characters shown of an id, and of a record.
const ID: usize = 200;
const INPUT: usize = 4_000;

/// The refusals of a run.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Refused {
    /// Number of refused records.
    pub records: u64,
    /// Number of them that are still in quarantine.
    pub standing: u64,
    /// Causes by pass and code, most frequent first.
    pub causes: Vec<RefusedCause>,
}

impl Refused {
    /// Returns whether any record is shown.
    pub(super) fn shows_examples(&self) -> bool {
        self.causes.iter().any(|cause| !cause.examples.is_empty())
    }

    /// Returns whether examples show the records as they were read.
    pub(super) fn shows_inputs(&self) -> bool {
        let mut examples = self.causes.iter().flat_map(|cause| &cause.examples);
        examples.any(|example| example.input.is_some())
    }
}

/// The refusals of one pass with one code.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RefusedCause {
    /// Pass that refused.
    pub pass: PassId,
    /// Kind of the pass.
    pub kind: String,
    /// Stage that refused; `None` for a load, which rejected them at admission.
    pub stage: Option<u32>,
    /// Name of the stage.
    pub slug: Option<String>,
    /// Code of the refusals.
    pub code: String,
    /// Number of refused records.
    pub records: u64,
    /// Number of them that are still in quarantine.
    pub standing: u64,
    /// Number of records that the pass read in this run.
    pub read: u64,
    /// The first refused records.
    pub examples: Vec<RefusalExample>,
}

/// One refused record.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RefusalExample {
    /// Record number.
    pub record: RecordNumber,
    /// Id of the record, if it has one.
    pub id: Option<String>,
    /// Line of the input, if a load refused it.
    pub line: Option<u64>,
    /// Last of its lines, if it spans several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_line: Option<NonZeroU64>,
    /// Its lines in words.
    #[serde(skip)]
    pub lines_text: Option<String>,
    /// Its violations: places, expectations and rules, without values.
    pub violations: Vec<Violation>,
    /// Number of its further violations.
    pub more: u64,
    /// Records that the reason names by number, with their ids, if these may be shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<Named>,
    /// The record as it was read, masked; only on request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<RefusedInput>,
}

/// Collects the refusals of a run.
pub(super) fn refused(
    store: &Store,
    run: RunId,
    batches: RunBatches,
    passes: &[PassOutcome],
    options: &ReportOptions,
) -> Result<Refused> {
    let connection = store.connection();
    let standing = standing_since(connection, batches.first)?;
    let mut redact = store.redacted_paths()?;
    redact.extend(options.redact.iter().cloned());
    let mut naming = Naming::new(store, &redact);
    let hidden = HiddenIds::new(store, [], &redact)?;
    let mut causes: BTreeMap<(PassId, String), RefusedCause> = BTreeMap::new();
    each_refusal_of_run(connection, run, |refusal| {
        let reason = read(&refusal.reason);
        let key = (refusal.pass, reason.code.to_string());
        let cause = causes.entry(key.clone()).or_insert_with(|| cause(&key, passes));
        cause.records += 1;
        let stands = standing.get(&refusal.by);
        cause.standing += u64::from(stands.is_some_and(|records| records.contains(&refusal.record)));
        if cause.examples.len() < options.examples {
            let is_hidden = refusal
                .began_in
                .as_ref()
                .is_some_and(|database| hidden.hides(database));
            let shown = ShownRefusal {
                id: refusal.id.as_ref().map(|id| {
                    if is_hidden {
                        REDACTED.to_owned()
                    } else {
                        id.clone()
                    }
                }),
                reason,
                refusal,
            };
            cause.examples.push(example(
                store,
                &mut naming,
                cause,
                shown,
                &redact,
                options.inputs,
            )?);
        }
        Ok(())
    })?;
    let mut causes: Vec<RefusedCause> = causes.into_values().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.records));
    Ok(Refused {
        records: causes.iter().map(|cause| cause.records).sum(),
        standing: causes.iter().map(|cause| cause.standing).sum(),
        causes,
    })
}

/// Reads a reason from the ledger; one without violations is reduced to its code.
fn read(reason: &str) -> Refusal {
    serde_json::from_str(reason).unwrap_or_else(|_| {
        let told: Option<serde_json::Value> = serde_json::from_str(reason).ok();
        let code = told.and_then(|told| Some(told.get("code")?.as_str()?.to_owned()));
        Refusal {
            code: code.unwrap_or_else(|| "unreadable".to_owned()).into(),
            violations: Vec::new(),
            line: None,
            last_line: None,
            halts: false,
            holder: None,
        }
    })
}

fn cause(key: &(PassId, String), passes: &[PassOutcome]) -> RefusedCause {
    let pass = passes.iter().find(|pass| pass.pass == key.0);
    RefusedCause {
        pass: key.0,
        kind: pass.map(|pass| pass.kind.clone()).unwrap_or_default(),
        stage: pass.and_then(|pass| pass.stage),
        slug: pass.and_then(|pass| pass.slug.clone()),
        code: key.1.clone(),
        records: 0,
        standing: 0,
        read: pass.map_or(0, |pass| pass.counts.read),
        examples: Vec::new(),
    }
}

/// A refusal in its shown form.
struct ShownRefusal {
    id: Option<String>,
    reason: Refusal,
    refusal: RefusalOfRun,
}

fn example(
    store: &Store,
    naming: &mut Naming<'_>,
    cause: &RefusedCause,
    shown: ShownRefusal,
    redact: &[Path],
    inputs: bool,
) -> Result<RefusalExample> {
    let ShownRefusal {
        id,
        reason,
        refusal: of,
    } = shown;
    let id = id.map(|id| clipped(id, ID));
    // A stage that redacts a path may have been added after the one that refused.
    let mut refusal = reason.cut_at(redact);
    let quarantined = Quarantined {
        record: of.record,
        id: None,
        stage: cause.stage,
        slug: None,
        source: None,
        database: of.database,
        batch: of.batch,
        at: String::new(),
        reason: refusal.clone(),
    };
    let named = naming.named(&quarantined)?;
    let input = if inputs {
        let input = store.refused_input(&quarantined, redact)?;
        Some(RefusedInput {
            id: input.id.map(|id| clipped(id, ID)),
            data: input.data.map(|data| clipped(data, INPUT)),
            withheld: input.withheld,
        })
    } else {
        None
    };
    let more = refusal.violations.len().saturating_sub(VIOLATIONS) as u64;
    refusal.violations.truncate(VIOLATIONS);
    Ok(RefusalExample {
        record: of.record,
        id,
        lines_text: refusal.lines_text(),
        line: refusal.line,
        last_line: refusal.last_line,
        violations: refusal.violations,
        more,
        named,
        input,
    })
}

/// Shortens a text to what a page can show.
fn clipped(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{} \u{2026}", &text[..at]),
        None => text,
    }
}
