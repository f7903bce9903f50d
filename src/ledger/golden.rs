//! Golden records with their members, as they stand: what the newest standing entry of each member says.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use crate::error::Result;
use crate::matching::{Bits, Probability};
use crate::record::{BatchId, RecordNumber};
use crate::shown::utc;

/// What the entry of a member says of its place: never a value of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct MemberPlace {
    /// The score of its strongest pair with another member; `None` if it is alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<Bits>,
    /// The score of its weakest pair with another member, if it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weakest: Option<Bits>,
    /// The fields in which the strongest pair agrees, the strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// Pairs with records outside that wait for a decision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub review: Vec<WaitingPair>,
    /// Where members differ, whose value survived, by JSON Pointer; the first member says so for all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub won: BTreeMap<String, RecordNumber>,
    /// The other members of the golden record in the same batch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<RecordNumber>,
}

/// A pair that waits for a decision, from one of its sides.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct WaitingPair {
    /// The other record.
    pub with: RecordNumber,
    /// The score.
    pub bits: Bits,
    /// The probability that the two are one.
    pub probability: Probability,
    /// Why it waits: `near`, `chain`, `conflict` or `joins`.
    pub band: String,
}

impl MemberPlace {
    /// Renders it as part of the reason of an entry.
    pub(crate) fn to_reason(&self) -> serde_json::Map<String, serde_json::Value> {
        match serde_json::json!(self) {
            serde_json::Value::Object(fields) => fields,
            _ => serde_json::Map::new(),
        }
    }

    /// Reads it from the reason of an entry; nothing if the reason says nothing of it.
    pub(crate) fn from_reason(reason: &str) -> Self {
        serde_json::from_str(reason).unwrap_or_default()
    }

    /// Says for each place at which members differ whose value survived, without names inside redacted values.
    pub(crate) fn cut(&mut self, cut: impl Fn(&str) -> String) {
        let mut won = BTreeMap::new();
        for (pointer, member) in std::mem::take(&mut self.won) {
            won.entry(cut(&pointer)).or_insert(member);
        }
        self.won = won;
    }
}

/// Returns the pairs that entries before a batch list for a review, settled since or not: of two that fit a third, each may
/// wait because of the other.
pub(crate) fn listed_pairs(
    connection: &Connection,
    before: BatchId,
) -> Result<Vec<(RecordNumber, RecordNumber)>> {
    let sql = "SELECT e.record, json_extract(v.value,'$.with') FROM ledger_entry e JOIN json_each(e.reason,'$.review') v
         WHERE e.reason GLOB '*\"review\":[[]*' AND e.batch<?1";
    let mut statement = connection.prepare_cached(sql)?;
    let pairs = statement.query_map([before], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(pairs.collect::<rusqlite::Result<_>>()?)
}

/// A golden record with its members.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct GoldenRecord {
    /// Project of the stage.
    pub project: String,
    /// Number of the stage that merges.
    pub stage: u32,
    /// Database of the golden record.
    pub database: String,
    /// Number of the golden record.
    pub record: RecordNumber,
    /// Its id.
    pub id: Option<String>,
    /// Its members, in order of their numbers.
    pub members: Vec<GoldenMember>,
}

/// A member of a golden record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct GoldenMember {
    /// Number of the record.
    pub record: RecordNumber,
    /// Database that the stage read it from.
    pub database: String,
    /// Its id there.
    pub id: Option<String>,
    /// Batch since which it has been a member.
    pub since: BatchId,
    /// Time of that batch, ISO 8601 in UTC.
    pub at: String,
    /// What brought it there: `auto`, `rule` or `review`.
    pub decided_by: String,
    /// What speaks for it.
    #[serde(flatten)]
    pub place: MemberPlace,
}

/// The members of golden records, from the newest entry of each; a condition on `x` follows.
macro_rules! members {
    ($which:literal) => {
        concat!(
            "SELECT x.project, x.number, x.database, x.golden, x.golden_id, x.member, x.source, x.member_id, x.since, x.by,
               (SELECT b.committed_us FROM ledger_batch b WHERE b.batch=x.since),
               (SELECT m.reason FROM ledger_member m WHERE m.member=x.member AND m.project=x.project AND m.number=x.number)
             FROM audit_cross_reference x WHERE ",
            $which,
            " ORDER BY x.project, x.number, x.golden, x.member"
        )
    };
}

/// Returns the golden records that a record is in, or is, each with all its members.
pub(crate) fn golden_of(connection: &Connection, record: RecordNumber) -> Result<Vec<GoldenRecord>> {
    let mut numbers = vec![record];
    let mut statement =
        connection.prepare_cached("SELECT DISTINCT golden FROM audit_cross_reference WHERE member=?1")?;
    let of_member = statement.query_map([record], |row| row.get(0))?;
    numbers.extend(of_member.collect::<rusqlite::Result<Vec<RecordNumber>>>()?);
    let mut goldens = Vec::new();
    for number in numbers {
        let mut statement = connection.prepare_cached(members!("x.golden=?1"))?;
        let mut rows = statement.query([number])?;
        while let Some(row) = rows.next()? {
            add(&mut goldens, row)?;
        }
    }
    Ok(goldens)
}

fn add(goldens: &mut Vec<GoldenRecord>, row: &Row<'_>) -> rusqlite::Result<()> {
    let golden = GoldenRecord {
        project: row.get(0)?,
        stage: row.get(1)?,
        database: row.get(2)?,
        record: row.get(3)?,
        id: row.get(4)?,
        members: Vec::new(),
    };
    let reason: Option<String> = row.get(11)?;
    let member = GoldenMember {
        record: row.get(5)?,
        database: row.get(6)?,
        id: row.get(7)?,
        since: row.get(8)?,
        decided_by: row.get(9)?,
        at: utc(row.get(10)?),
        place: reason
            .as_deref()
            .map(MemberPlace::from_reason)
            .unwrap_or_default(),
    };
    match goldens.last_mut() {
        Some(last)
            if (last.stage, last.record, &last.project) == (golden.stage, golden.record, &golden.project) =>
        {
            last.members.push(member);
        }
        _ => goldens.push(GoldenRecord {
            members: vec![member],
            ..golden
        }),
    }
    Ok(())
}

/// Returns what an entry of a merge stage says of its member's place, with the other members; `None` for other entries.
pub(crate) fn place_of(
    connection: &Connection,
    (batch, record, part): (BatchId, RecordNumber, i64),
    target: Option<RecordNumber>,
    reason: Option<&str>,
) -> Result<Option<MemberPlace>> {
    let mut place = reason.map(MemberPlace::from_reason).unwrap_or_default();
    let sql =
        "SELECT o.record FROM ledger_entry o JOIN ledger_entry e ON e.batch=?1 AND e.record=?2 AND e.part=?3
     WHERE +o.batch=?1 AND o.target=?4 AND o.part=0 AND o.after IS NOT NULL AND o.record<>?2
       AND e.part=0 AND e.outcome=5 AND o.outcome=5 ORDER BY o.record";
    if let Some(target) = target {
        let mut statement = connection.prepare_cached(sql)?;
        let with = statement.query_map(rusqlite::params![batch, record, part, target], |row| row.get(0))?;
        place.with = with.collect::<rusqlite::Result<_>>()?;
    }
    Ok((place != MemberPlace::default()).then_some(place))
}

/// Cuts the places in the reason of a member.
pub(crate) fn with_won_cut(reason: String, cut: impl Fn(&str) -> String) -> String {
    let mut place = MemberPlace::from_reason(&reason);
    let Ok(mut fields) = serde_json::from_str::<serde_json::Value>(&reason) else {
        return reason;
    };
    if place.won.is_empty() {
        return reason;
    }
    place.cut(cut);
    fields["won"] = serde_json::json!(place.won);
    fields.to_string()
}
