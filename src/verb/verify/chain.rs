//! Verifies the ledger against its own hashes: every leaf, every header, the chain, the tree, the counts and the
//! states.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::mpsc::sync_channel;

use rusqlite::Connection;

use super::outcome::{Finding, RENAMED, VerifyOptions, VerifyReport};
use super::{checkpoints, schema};
use crate::digest::{Hash, hex, sha256};
use crate::error::{Error, Result};
use crate::ledger::chain::{
    Batches, Recorded, batch_numbers, batches_of_stray_entries, batches_of_stray_erasures,
    batches_of_stray_images, out_of_order, stage_texts, without_batch, without_stage,
};
use crate::ledger::renamed::StageNames;
use crate::ledger::{Batch, Counts, Entry, EntryOutcome, Frontier, PassState, Sealed, leaf_hash, next_pass};
use crate::observe::StopSignal;
use crate::record::{BatchId, PassId, RecordNumber};
use crate::store::{Store, objects as tables};

/// State that is passed from batch to batch.
#[derive(Default)]
struct ChainState {
    batch: BatchId,
    head: Hash,
    frontier: Frontier,
    committed_us: i64,
    passes: HashMap<PassId, PassState>,
}

pub(super) fn verify(store: &Store, options: &VerifyOptions) -> Result<VerifyReport> {
    let mut report = VerifyReport {
        complete: true,
        ..VerifyReport::default()
    };
    let of_file = checkpoints::of_file(store, &mut report)?;
    // One transaction, so that what is compared is consistent even while others write.
    let connection = store.reader()?;
    let transaction = connection.unchecked_transaction()?;
    schema::verify(&transaction, &mut report)?;
    schema::structure(&transaction, &mut report);
    checkpoints::verify(&transaction, store, &of_file, &mut report)?;
    stages(&transaction, &mut report)?;
    let numbers = batch_numbers(&transaction)?;
    if numbers.is_empty() {
        let message = "there is no batch, not even the one that created the store".to_owned();
        report.found(from_ledger("chain.empty", message));
    }
    let names = StageNames::known(
        &transaction,
        tables::query_of_view("ledger_header"),
        &options.names,
    )?;
    let processed = side_by_side(store, &numbers, &names, &options.stop, &mut report)?;
    report.renamed = names.into_accepted();
    strays(&transaction, &mut report)?;
    report.tree_size = processed.frontier.size();
    report.tree_root = hex(&processed.frontier.root());
    Ok(report)
}

/// Renders and hashes the batches on every core, and consumes the results in the order of the chain.
fn side_by_side(
    store: &Store,
    numbers: &[BatchId],
    names: &StageNames,
    stop: &StopSignal,
    report: &mut VerifyReport,
) -> Result<ChainState> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut processed = ChainState::default();
    std::thread::scope(|scope| {
        let mut lanes = Vec::with_capacity(cores);
        for first in 0..cores.min(numbers.len()) {
            let connection = store.reader()?;
            let (hashed, lane) = sync_channel(AHEAD);
            lanes.push(lane);
            scope.spawn(move || {
                // A batch cannot be sent once the receiver is gone, after an error or a stop.
                hash_batches(&connection, numbers, names, (first, cores), |batch| {
                    hashed.send(batch).is_ok()
                });
            });
        }
        for (at, number) in numbers.iter().enumerate() {
            if stop.is_asked() {
                report.complete = false;
                break;
            }
            let hashed = lanes[at % cores].recv().map_err(|_| Error::Damaged {
                what: format!("the verification of batch {number} ended unexpectedly"),
            })?;
            report.batches += 1;
            match hashed {
                Ok(hashed) => {
                    report.entries += hashed.entries.unsigned_abs();
                    one(&hashed, &mut processed, report);
                }
                Err(error) => {
                    let message = format!("batch {number}: it cannot be read: {error}");
                    report.found(Finding::of_batch("chain.unreadable", *number, message));
                    processed.batch = *number;
                }
            }
        }
        Ok(processed)
    })
}

/// Maximum number of batches of one thread that wait for the receiver.
const AHEAD: usize = 2;

/// Hashes every `step`-th batch from a given place, until the receiver wants no more.
fn hash_batches(
    connection: &Connection,
    numbers: &[BatchId],
    names: &StageNames,
    (first, step): (usize, usize),
    mut tell: impl FnMut(Result<HashedBatch>) -> bool,
) {
    let work = |tell: &mut dyn FnMut(Result<HashedBatch>) -> bool| -> Result<()> {
        let transaction = connection.unchecked_transaction()?;
        let mut batches = Batches::new(&transaction, tables::query_of_view("ledger_header"))?;
        for number in numbers.iter().skip(first).step_by(step) {
            let mut hash = || -> Result<HashedBatch> {
                let (recorded, batch) = batches.read(*number, names)?;
                Ok(HashedBatch::new(recorded, batch))
            };
            if !tell(hash()) {
                break;
            }
        }
        Ok(())
    };
    if let Err(error) = work(&mut tell) {
        tell(Err(error));
    }
}

/// A batch with the hashes of its entries and its header.
struct HashedBatch {
    recorded: Recorded,
    entries: i64,
    counted: Counts,
    range: (Option<RecordNumber>, Option<RecordNumber>),
    sealed: Sealed,
    head: Hash,
}

impl HashedBatch {
    fn new(recorded: Recorded, batch: Batch) -> Self {
        let number = recorded.batch;
        Self {
            entries: i64::try_from(batch.entries.len()).unwrap_or(i64::MAX),
            counted: count(&batch.entries),
            range: range(&batch.entries),
            head: sha256(&[recorded.header_text.as_bytes(), b"\n"]),
            sealed: batch.seal(number),
            recorded,
        }
    }
}

/// Verifies one batch and updates the state. The recorded values are passed on, so that one fault is reported once.
fn one(hashed: &HashedBatch, processed: &mut ChainState, report: &mut VerifyReport) {
    let recorded = &hashed.recorded;
    let number = recorded.batch;
    let mut frontier = processed.frontier.clone();
    hashed.sealed.leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.push(leaf_hash(&recorded.header_text));
    let state = processed
        .passes
        .get(&recorded.pass)
        .copied()
        .unwrap_or(PassState::New);
    let next = next_pass(state, recorded.step);
    let chain = [
        (
            "chain.gap",
            number == processed.batch.next(),
            "the batch numbers have a gap before it",
        ),
        (
            "chain.previous_head",
            recorded.previous_head == processed.head,
            "it does not extend the batch before it",
        ),
        (
            "chain.time",
            recorded.committed_us >= processed.committed_us,
            "its time is earlier than that of the previous batch",
        ),
        (
            "chain.state",
            next.is_ok(),
            "its step cannot follow what the pass did before",
        ),
    ];
    let checks =
        chain
            .into_iter()
            .chain(of_entries(hashed))
            .chain(of_tree(recorded, &hashed.head, &frontier));
    for (code, holds, message) in checks {
        if !holds {
            report.found(Finding::of_batch(
                code,
                number,
                format!("batch {number}: {message}"),
            ));
        }
    }
    if let Some(renamed) = &recorded.renamed {
        let message = format!(
            "batch {number}: it was hashed under the name `{}` of stage {}, which the ledger now calls `{}`: the stage \
             file was renamed",
            renamed.slug, renamed.stage, renamed.recorded
        );
        report.found(Finding::of_batch(RENAMED, number, message));
    }
    processed.passes.insert(recorded.pass, next.unwrap_or(state));
    processed.batch = number;
    processed.head = recorded.head;
    processed.committed_us = recorded.committed_us;
    let recorded_frontier = u64::try_from(recorded.tree_size).ok();
    let recorded_frontier = recorded_frontier.and_then(|size| Frontier::from_bytes(size, &recorded.frontier));
    processed.frontier = recorded_frontier.unwrap_or(frontier);
}

/// A code, whether the check holds, and what it means if it does not.
type Check = (&'static str, bool, &'static str);

fn of_entries(hashed: &HashedBatch) -> [Check; 4] {
    let HashedBatch {
        recorded,
        entries,
        counted,
        range,
        sealed,
        ..
    } = hashed;
    [
        (
            "chain.entries",
            recorded.entries == *entries,
            "the number of its entries is not the one in its header",
        ),
        (
            "chain.entries_sha256",
            recorded.entries_sha256 == sealed.entries_sha256,
            "its entries do not match their hash",
        ),
        (
            "chain.counts",
            *entries == 0 || recorded.counts == *counted,
            "its counts do not match its entries",
        ),
        (
            "chain.range",
            recorded.range == *range,
            "its range of records does not match its entries",
        ),
    ]
}

fn of_tree(recorded: &Recorded, head: &Hash, frontier: &Frontier) -> [Check; 4] {
    let size = i64::try_from(frontier.size()).unwrap_or(i64::MAX);
    [
        (
            "chain.head",
            recorded.head == *head,
            "its header does not match its hash",
        ),
        ("tree.size", recorded.tree_size == size, "its tree size is wrong"),
        (
            "tree.root",
            recorded.tree_root == frontier.root(),
            "its tree root is wrong",
        ),
        (
            "tree.frontier",
            recorded.frontier == frontier.to_bytes(),
            "its frontier is wrong",
        ),
    ]
}

/// Returns the smallest and the largest source number.
fn range(entries: &[Entry]) -> (Option<RecordNumber>, Option<RecordNumber>) {
    let numbers = entries.iter().map(|entry| entry.record);
    (numbers.clone().min(), numbers.max())
}

/// Counts the outcomes of the source records: all parts of a record have the same one.
fn count(entries: &[Entry]) -> Counts {
    let mut counts = Counts::default();
    let mut last: Option<(RecordNumber, EntryOutcome)> = None;
    for entry in entries {
        if last.is_none_or(|(record, _)| record != entry.record) {
            counts.count(entry.outcome);
        }
        last = Some((entry.record, entry.outcome));
    }
    counts
}

/// Verifies the texts of the stages' revisions against their hashes, which the headers cover.
fn stages(connection: &Connection, report: &mut VerifyReport) -> Result<()> {
    for of in stage_texts(connection)? {
        let stage = of.stage;
        if sha256(&[of.text.as_bytes()]) != of.text_sha256
            || sha256(&[of.meaning.as_bytes()]) != of.meaning_sha256
        {
            let message = format!("the text of stage revision {stage} does not match its hash");
            report.found(from_ledger("stage.text", message));
        }
    }
    Ok(())
}

fn from_ledger(code: &'static str, message: String) -> Finding {
    Finding {
        code,
        batch: None,
        database: None,
        record: None,
        message,
    }
}

/// Reports rows that no batch accounts for.
fn strays(connection: &Connection, report: &mut VerifyReport) -> Result<()> {
    for (code, batches, message) in [
        (
            "chain.stray_entry",
            batches_of_stray_entries(connection)?,
            "there are entries of a batch that does not exist",
        ),
        (
            "chain.stray_erasure",
            batches_of_stray_erasures(connection)?,
            "there is an erasure that no run recorded",
        ),
        (
            "chain.stray_image",
            batches_of_stray_images(connection)?,
            "there is an image without an entry",
        ),
    ] {
        for batch in batches {
            report.found(Finding::of_batch(
                code,
                batch,
                format!("batch {batch}: {message}"),
            ));
        }
    }
    for what in without_batch(connection)? {
        let message = format!("there is a {what} without a batch");
        report.found(from_ledger("chain.stray", message));
    }
    for what in without_stage(connection)? {
        let message = format!("there is a {what}, which does not exist");
        report.found(from_ledger("chain.stray", message));
    }
    for what in out_of_order(connection)? {
        let message = format!("the number of {what} is out of order");
        report.found(from_ledger("chain.number", message));
    }
    Ok(())
}
