//! What a run refused, by cause, with examples that show places and rules; values only where they are asked for, and then
//! masked as quarantine shows them.

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

/// The most violations that are shown of one record.
const VIOLATIONS: usize = 5;
/// The most characters that are shown of an id, and of a record.
const ID: usize = 200;
const INPUT: usize = 4_000;

/// What a run refused.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Refused {
    /// The records.
    pub records: u64,
    /// Those of them that still stand in quarantine.
    pub standing: u64,
    /// By pass and code, the most frequent first.
    pub causes: Vec<RefusedCause>,
}

impl Refused {
    /// Whether any record is shown.
    pub(super) fn shows_examples(&self) -> bool {
        self.causes.iter().any(|cause| !cause.examples.is_empty())
    }

    /// Whether examples show the records as they were read.
    pub(super) fn shows_inputs(&self) -> bool {
        let mut examples = self.causes.iter().flat_map(|cause| &cause.examples);
        examples.any(|example| example.input.is_some())
    }
}

/// What one pass refused with one code.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RefusedCause {
    /// The pass.
    pub pass: PassId,
    /// Its kind.
    pub kind: String,
    /// The stage; `None`: a load, at the door.
    pub stage: Option<u32>,
    /// The stage's name.
    pub slug: Option<String>,
    /// The code.
    pub code: String,
    /// The records.
    pub records: u64,
    /// Those of them that still stand in quarantine.
    pub standing: u64,
    /// What the pass read in this run.
    pub read: u64,
    /// The first of them.
    pub examples: Vec<RefusalExample>,
}

/// One refused record.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RefusalExample {
    /// Its number.
    pub record: RecordNumber,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// The line of the input, where a load refused it.
    pub line: Option<u64>,
    /// The last of its lines, where it goes over several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_line: Option<NonZeroU64>,
    /// The same in words.
    #[serde(skip)]
    pub lines_text: Option<String>,
    /// What is wrong with it: places, expectations and rules, no values.
    pub violations: Vec<Violation>,
    /// How many more violations it has.
    pub more: u64,
    /// What the reason names by its number, with its id, where that may be shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<Named>,
    /// The record as it was read, masked; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<RefusedInput>,
}

/// What a run refused.
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

/// A reason as the ledger has it; of one that tells no violations its code.
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

/// A refusal, as an example shows it.
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
    // A stage that redacts a path may have come after the one that refused.
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

/// A text that is not longer than a page can show.
fn clipped(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{} \u{2026}", &text[..at]),
        None => text,
    }
}
