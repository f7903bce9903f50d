//! Decisions about pairs of members of a merge stage: the entries of passes of kind `merge`.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::digest::Hash;
use crate::error::Result;
use crate::record::{BatchId, RecordNumber};

/// What a person has decided about a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The two are one.
    Accepted,
    /// The two are not one, as they were.
    Rejected,
    /// The two are not one, whatever becomes of them.
    Never,
}

impl Verdict {
    /// Returns what the reason of an entry decides; `None` for a note or a label.
    fn of_code(code: &str) -> Option<Self> {
        match code {
            "review.accepted" => Some(Self::Accepted),
            "review.rejected" => Some(Self::Rejected),
            "review.never" => Some(Self::Never),
            _ => None,
        }
    }
}

/// The decision about a pair that counts: the newest that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PairVerdict {
    pub(crate) verdict: Verdict,
    /// The batch of the decision.
    pub(crate) batch: BatchId,
    /// What the two were when it was made: the commitments to their rows, the smaller number first; `None` for no row.
    pub(crate) seen: [Option<Hash>; 2],
    /// Which of the two a person has taken out of the golden record of both, in the same order: by this decision, or by an
    /// earlier one that it confirms.
    pub(crate) left: [bool; 2],
    /// What those were when they left.
    pub(crate) left_as: [Option<Hash>; 2],
}

/// The decisions that count, by pair; the smaller number comes first.
pub(crate) type Verdicts = BTreeMap<(RecordNumber, RecordNumber), PairVerdict>;

/// Returns the pair of two records, the smaller number first.
pub(crate) fn in_order(a: RecordNumber, b: RecordNumber) -> (RecordNumber, RecordNumber) {
    (a.min(b), a.max(b))
}

/// Returns the decisions about pairs of a merge stage that count, of batches before one.
pub(crate) fn verdicts(
    connection: &Connection,
    project: &str,
    number: u32,
    before: BatchId,
) -> Result<Verdicts> {
    let sql = "SELECT e.record, e.target, json_extract(e.reason,'$.code'), b.batch, e.input, json_extract(e.reason,'$.left') IS 1
         FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind='merge'
         CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.batch<?3 CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE s.project=?1 AND s.number=?2 AND e.target IS NOT NULL ORDER BY +b.batch";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, number, before])?;
    let mut verdicts = Verdicts::new();
    while let Some(row) = rows.next()? {
        let (record, other): (RecordNumber, RecordNumber) = (row.get(0)?, row.get(1)?);
        let code: Option<String> = row.get(2)?;
        let Some(verdict) = code.as_deref().and_then(Verdict::of_code) else {
            continue;
        };
        let batch: BatchId = row.get(3)?;
        let found = PairVerdict {
            verdict,
            batch,
            seen: [None; 2],
            left: [false; 2],
            left_as: [None; 2],
        };
        let of_pair = verdicts.entry(in_order(record, other)).or_insert(found);
        // Both entries of a pair are in one batch.
        if of_pair.batch != batch {
            let was = std::mem::replace(of_pair, found);
            if verdict != Verdict::Accepted {
                (of_pair.left, of_pair.left_as) = (was.left, was.left_as);
            }
        }
        let side = usize::from(record > other);
        of_pair.seen[side] = row.get(4)?;
        if row.get(5)? {
            (of_pair.left[side], of_pair.left_as[side]) = (true, of_pair.seen[side]);
        }
    }
    Ok(verdicts)
}

/// Returns the pairs that were accepted by decisions which were taken back; of batches before one.
pub(crate) fn taken_back(
    connection: &Connection,
    project: &str,
    number: u32,
    before: BatchId,
) -> Result<BTreeSet<(RecordNumber, RecordNumber)>> {
    let sql = "SELECT DISTINCT e.record, e.target FROM ledger_stage s CROSS JOIN ledger_pass p ON p.stage=s.stage AND p.kind='merge'
         CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.batch<?3 CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE s.project=?1 AND s.number=?2 AND e.record<e.target AND e.reason GLOB '{\"code\":\"review.accepted\"*'
           AND EXISTS(SELECT 1 FROM ledger_pass q JOIN ledger_batch x ON x.pass=q.pass WHERE q.reverses=p.pass AND x.batch<?3)";
    let mut statement = connection.prepare_cached(sql)?;
    let pairs = statement.query_map(params![project, number, before], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(pairs.collect::<rusqlite::Result<_>>()?)
}

/// Returns the text of a decision about a pair.
pub(crate) fn text_of(
    connection: &Connection,
    batch: BatchId,
    (a, b): (RecordNumber, RecordNumber),
) -> Result<Option<String>> {
    let sql =
        "SELECT json_extract(reason,'$.note') FROM ledger_entry WHERE batch=?1 AND record=?2 AND target=?3";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![batch, a, b], |row| row.get(0));
    Ok(found.optional()?.flatten())
}

/// Who made a decision, and in which run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) run: crate::record::RunId,
    pub(crate) actor: String,
    /// Commit time in microseconds since 1970.
    pub(crate) committed_us: i64,
}

/// Returns who wrote a batch; `None` for one that is not written yet.
pub(crate) fn decided_by(connection: &Connection, batch: BatchId) -> Result<Option<Decided>> {
    let sql = "SELECT r.run, r.actor, b.committed_us FROM ledger_batch b JOIN ledger_run r USING(run) WHERE b.batch=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([batch], |row| {
        Ok(Decided {
            run: row.get(0)?,
            actor: row.get(1)?,
            committed_us: row.get(2)?,
        })
    });
    Ok(found.optional()?)
}

/// Members that accepted pairs link, each with the first of its group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Linked {
    first: BTreeMap<RecordNumber, RecordNumber>,
}

impl Linked {
    /// Links the members of all accepted pairs.
    pub(crate) fn new(verdicts: &Verdicts) -> Self {
        let mut linked = Self::default();
        for ((a, b), found) in verdicts {
            if found.verdict == Verdict::Accepted {
                linked.link(*a, *b);
            }
        }
        linked
    }

    /// Returns the first record of the group that a record is in.
    pub(crate) fn root(&self, record: RecordNumber) -> RecordNumber {
        let mut at = record;
        while let Some(above) = self.first.get(&at).filter(|above| **above != at) {
            at = *above;
        }
        at
    }

    fn link(&mut self, a: RecordNumber, b: RecordNumber) {
        let (a, b) = in_order(self.root(a), self.root(b));
        self.first.insert(b, a);
    }

    /// Returns the pairs that are decided to be two although accepted pairs link them.
    pub(crate) fn contradicted(&self, verdicts: &Verdicts) -> Vec<(RecordNumber, RecordNumber)> {
        let is_linked = |((a, b), found): &(&(RecordNumber, RecordNumber), &PairVerdict)| {
            found.verdict != Verdict::Accepted && self.root(*a) == self.root(*b)
        };
        verdicts.iter().filter(is_linked).map(|(pair, _)| *pair).collect()
    }
}

/// Returns the accepted pairs that link two records, one after the other, the fewest; empty if none do.
pub(crate) fn chain(
    verdicts: &Verdicts,
    from: RecordNumber,
    to: RecordNumber,
) -> Vec<(RecordNumber, RecordNumber)> {
    let mut next: BTreeMap<RecordNumber, Vec<RecordNumber>> = BTreeMap::new();
    for ((a, b), found) in verdicts {
        if found.verdict == Verdict::Accepted {
            next.entry(*a).or_default().push(*b);
            next.entry(*b).or_default().push(*a);
        }
    }
    let mut came_from = BTreeMap::from([(from, from)]);
    let mut queue = std::collections::VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        for other in next.get(&at).into_iter().flatten() {
            if !came_from.contains_key(other) {
                came_from.insert(*other, at);
                queue.push_back(*other);
            }
        }
    }
    let (mut pairs, mut at) = (Vec::new(), to);
    while at != from {
        let Some(before) = came_from.get(&at) else {
            return Vec::new();
        };
        pairs.push(in_order(*before, at));
        at = *before;
    }
    pairs.reverse();
    pairs
}
