//! A register whose members are merged by hand: what a merge stage writes, without the stage. The tests hold what reads
//! the ledger to it: the worked example of an entry with many sources for one row.

mod look_ups;
mod read;
mod remake;
mod review;
mod story;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::digest::{Hash, Salt, commitment, derived_salt};
use crate::edit::{Edit, edit};
use crate::engine::{Pass, Run, RunInfo};
use crate::environment::Environment;
use crate::ledger::read::{LedgerTable, largest, salt};
use crate::ledger::{
    Batch, BatchKind, Change, Entry, EntryOutcome, Image, ImageKind, NewRecord, PassKind, StageRow,
    TableChange, before_image, whole,
};
use crate::observe::Silent;
use crate::record::{PassId, Record, RecordNumber};
use crate::rollback::{RollbackOptions, RollbackScope, rollback};
use crate::store::{Store, StoreOptions, Table};
use crate::verify::{VerifyOptions, verify};

const PROJECT: &str = "p";
const STAGE: u32 = 4;
const SOURCE: &str = "register";
const TARGET: &str = "people";
const TEXT: &str =
    "[stage]\nsource = \"register\"\ntarget = \"people\"\n\n[merge]\nidentity = { given = \"given\" }\n";

/// A cluster of members, as a merge leaves it.
#[derive(Clone, Debug, Default)]
struct Cluster<'c> {
    /// The golden record that it has; a new one if `None`.
    golden: Option<i64>,
    members: &'c [i64],
    /// The data of the golden record; unchanged if `None`.
    data: Option<&'c str>,
    /// The golden records that it takes the place of.
    gone: &'c [i64],
    /// Whether its members have left another one.
    left: bool,
    /// The pairs that it lists for a review: a member, the other one, and the band.
    review: &'c [(i64, i64, &'c str)],
}

/// What a person says of a pair of members: what follows `review.`, the pair, and a note.
type Said<'s> = (&'s str, (i64, i64), Option<&'s str>);

/// A row with its salt, or the salt of a number without a row.
struct Row {
    salt: Salt,
    row: Option<Record>,
}

impl Row {
    fn hash(&self) -> Option<Hash> {
        let row = self.row.as_ref()?;
        Some(commitment(&self.salt, &row.id, &row.data))
    }
}

struct Register {
    _folder: TempDir,
    store: Store,
}

impl Register {
    /// A register with members of these names: `m1`, `m2` ...
    fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open_or_create(path, StoreOptions::default(), Environment::default());
        let mut register = Self {
            _folder: folder,
            store: store.expect("a store"),
        };
        let puts: Vec<Edit> = (1..).zip(names).map(|(number, name)| put(number, name)).collect();
        edit(&mut register.store, SOURCE, &puts, &RunInfo::new("edit")).expect("an edit");
        register
    }

    /// Corrects a member.
    fn correct(&mut self, member: i64, name: &str) {
        let put = [put(member, name)];
        edit(&mut self.store, SOURCE, &put, &RunInfo::new("edit")).expect("an edit");
    }

    fn connection(&self) -> &Connection {
        self.store.connection()
    }

    /// Merges: one pass of a model, one batch of these clusters, and the end.
    fn merge(&mut self, clusters: &[Cluster<'_>]) -> PassId {
        self.merge_by(stage(), clusters)
    }

    fn merge_by(&mut self, stage: StageRow, clusters: &[Cluster<'_>]) -> PassId {
        let mut run = Run::begin(&mut self.store, &RunInfo::new("apply")).expect("a run");
        let mut pass = run.new_pass(PassKind::Apply, Some(stage)).expect("a pass");
        pass.row.source = Some(SOURCE.to_owned());
        pass.row.target = Some(TARGET.to_owned());
        let mut note = Batch::new(BatchKind::Note);
        note.remark("merge", serde_json::json!({}));
        run.commit(&mut pass, note).expect("a note");
        let batch = batch(run.connection(), clusters);
        run.commit(&mut pass, batch).expect("a batch");
        finish(run, &mut pass)
    }

    /// Refuses a member, as a stage does.
    fn refuse(&mut self, member: i64) -> PassId {
        self.refuse_for(&[member], "{\"code\":\"contract.broken\",\"violations\":[]}")
    }

    /// Refuses the members of a cluster, the first of them first, as a stage does whose golden record breaks its contract.
    fn refuse_together(&mut self, members: &[i64]) -> PassId {
        let reason =
            serde_json::json!({ "code": "contract.target", "violations": [], "cluster": members[0] });
        self.refuse_for(members, &reason.to_string())
    }

    fn refuse_for(&mut self, members: &[i64], reason: &str) -> PassId {
        let mut run = Run::begin(&mut self.store, &RunInfo::new("apply")).expect("a run");
        let mut pass = run.new_pass(PassKind::Apply, Some(stage())).expect("a pass");
        pass.row.source = Some(SOURCE.to_owned());
        pass.row.target = Some(TARGET.to_owned());
        let mut batch = Batch::new(BatchKind::Data);
        for member in members {
            let row = row(run.connection(), SOURCE, *member);
            let mut entry = Entry::new(RecordNumber::new(*member), 0, EntryOutcome::Refused);
            entry.input = row.hash();
            entry.reason = Some(reason.to_owned());
            let row = row.row.expect("a member");
            batch.images.push(Image {
                record: row.number,
                part: 0,
                kind: ImageKind::Refused,
                body: whole(&row.id, &row.data),
            });
            batch.add(entry);
        }
        run.commit(&mut pass, batch).expect("a batch");
        finish(run, &mut pass)
    }

    /// Says something of pairs of members; `code` is what follows `review.`.
    fn decide(&mut self, code: &str, pairs: &[(i64, i64)]) -> PassId {
        let said: Vec<Said<'_>> = pairs.iter().map(|pair| (code, *pair, None)).collect();
        self.say(&said)
    }

    /// Notes something about a pair.
    fn note(&mut self, pair: (i64, i64), text: &str) -> PassId {
        self.say(&[("noted", pair, Some(text))])
    }

    /// Says all of this in one batch, as a review does.
    fn say(&mut self, said: &[Said<'_>]) -> PassId {
        let run_info = RunInfo::new("review").reason("seen".to_owned());
        let mut run = Run::begin(&mut self.store, &run_info).expect("a run");
        let mut pass = run.new_pass(PassKind::Merge, Some(stage())).expect("a pass");
        pass.row.source = Some(SOURCE.to_owned());
        let mut batch = Batch::new(BatchKind::End);
        for (code, (a, b), note) in said {
            for (member, other) in [(*a, *b), (*b, *a)] {
                let record = RecordNumber::new(member);
                let part = batch
                    .entries
                    .iter()
                    .filter(|entry| entry.record == record)
                    .count();
                let part = i64::try_from(part).expect("a small number");
                let mut entry = Entry::new(record, part, EntryOutcome::Filtered);
                entry.target = Some(RecordNumber::new(other));
                entry.input = row(run.connection(), SOURCE, member).hash();
                let mut reason = serde_json::json!({ "code": format!("review.{code}") });
                if let Some(note) = note {
                    reason["note"] = (*note).into();
                }
                entry.reason = Some(reason.to_string());
                // A record counts once in a batch.
                if part == 0 {
                    batch.add(entry);
                } else {
                    batch.entries.push(entry);
                }
            }
        }
        run.commit(&mut pass, batch).expect("a batch");
        run.finish().expect("a finished run");
        pass.row.pass
    }

    /// Rolls a run back that did nothing but this pass.
    fn roll_back(&mut self, pass: PassId) {
        let sql = "SELECT run FROM ledger_batch WHERE pass=?1";
        let run = self.connection().query_row(sql, [pass], |row| row.get(0));
        self.roll_back_of(RollbackScope::Run(run.expect("a run")));
    }

    /// Takes a pass back that has written no row, whatever was built on it.
    fn take_back(&mut self, pass: PassId) {
        let run = Run::begin(&mut self.store, &RunInfo::new("rollback")).expect("a run");
        let mut back = run.new_pass(PassKind::Rollback, Some(stage())).expect("a pass");
        back.row.source = Some(SOURCE.to_owned());
        back.row.reverses = Some(pass);
        finish(run, &mut back);
    }

    fn roll_back_of(&mut self, scope: RollbackScope) {
        let options = RollbackOptions::default().scope(scope);
        rollback(&mut self.store, PROJECT, &options, &mut Silent).expect("a rollback");
    }

    fn assert_sound(&self) {
        let report = verify(&self.store, &VerifyOptions::default()).expect("a verdict");
        assert!(report.is_sound(), "{:#?}", report.findings);
        let problems = self.told("SELECT * FROM audit_chain_problem");
        assert_eq!(problems, [""; 0]);
    }

    /// The answer to a query, a text for each row.
    fn told(&self, sql: &str) -> Vec<String> {
        let mut statement = self.connection().prepare(sql).expect(sql);
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells = (0..columns).map(|at| row.get(at).map(of_cell));
            Ok(cells.collect::<rusqlite::Result<Vec<String>>>()?.join("|"))
        });
        rows.and_then(Iterator::collect).expect(sql)
    }

    fn people(&self) -> Vec<String> {
        if !Table::from_name(TARGET)
            .and_then(|table| table.exists(self.connection()))
            .expect("a schema")
        {
            return Vec::new();
        }
        self.told("SELECT record, id, data FROM people ORDER BY record")
    }

    /// `member=golden` and what else `audit_cross_reference` shows, one for each member.
    fn cross_reference(&self) -> Vec<String> {
        self.told(
            "SELECT member||'='||golden||' '||by||CASE WHEN member_id='m'||member AND system='register' AND number=4
               AND golden_id=(SELECT id FROM people p WHERE p.record=golden) THEN '' ELSE ' wrong' END
             FROM audit_cross_reference ORDER BY member",
        )
    }

    /// The batch since which a member stands in its golden record.
    fn since(&self, member: i64) -> i64 {
        let sql = "SELECT since FROM audit_cross_reference WHERE member=?1";
        let since = self.connection().query_row(sql, [member], |row| row.get(0));
        since.expect("one line")
    }

    /// How SQLite finds the lines of a view.
    fn plan(&self, sql: &str) -> String {
        let mut statement = self
            .connection()
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .expect(sql);
        let lines = statement.query_map([], |row| row.get::<_, String>(3));
        let lines: rusqlite::Result<Vec<String>> = lines.and_then(Iterator::collect);
        lines.expect(sql).join("\n")
    }

    /// The first batch of a pass that has entries.
    fn batch_of(&self, pass: PassId) -> i64 {
        let sql = "SELECT min(batch) FROM ledger_batch WHERE pass=?1 AND entries>0";
        let batch = self.connection().query_row(sql, [pass], |row| row.get(0));
        batch.expect("one batch")
    }

    /// The batch since which a pair waits; `None` if it does not.
    fn waits_since(&self, (a, b): (i64, i64)) -> Option<i64> {
        let sql = format!(
            "SELECT since, at=strftime('%Y-%m-%dT%H:%M:%SZ', committed_us/1000000, 'unixepoch')
             FROM audit_review JOIN ledger_batch ON batch=since WHERE a={a} AND b={b}"
        );
        let lines = self.told(&sql);
        assert!(lines.len() < 2, "{lines:?}");
        let (since, is_its_time) = lines.first()?.split_once('|')?;
        assert_eq!(is_its_time, "1");
        Some(since.parse().expect("a number"))
    }

    /// What stands of what was said of a pair, the oldest first; `!` behind what counts.
    fn decisions(&self, (a, b): (i64, i64)) -> Vec<String> {
        self.told(&format!(
            "SELECT decision||iif(counts,'!','') FROM audit_decision WHERE a={a} AND b={b} AND a_id='m'||a AND b_id='m'||b
               AND project='p' AND number=4 AND source='register' ORDER BY batch"
        ))
    }

    fn reviews(&self) -> Vec<String> {
        self.told(
            "SELECT a||'-'||b||' '||band FROM audit_review WHERE a_id='m'||a AND b_id='m'||b ORDER BY a, b",
        )
    }
}

fn of_cell(value: rusqlite::types::Value) -> String {
    match value {
        rusqlite::types::Value::Null => String::new(),
        rusqlite::types::Value::Integer(integer) => integer.to_string(),
        rusqlite::types::Value::Real(real) => real.to_string(),
        rusqlite::types::Value::Text(text) => text,
        rusqlite::types::Value::Blob(bytes) => hex::encode(bytes),
    }
}

fn put(number: i64, name: &str) -> Edit {
    Edit::Put {
        id: format!("m{number}"),
        data: format!(
            "{{\"id\":\"m{number}\",\"given\":\"{name}\",\"ward\":\"as it was read, long enough for a patch\"}}"
        ),
    }
}

/// The revision of the stage, with a meaning that is not that of its text: it is not missing where it is not applied.
fn stage() -> StageRow {
    let meaning = "{\"merge\":{\"identity\":{\"given\":\"given\"}},\"number\":4,\"redact\":[],\"source\":\"register\",\"target\":\"people\"}";
    StageRow {
        stage: 0,
        project: PROJECT.to_owned(),
        number: STAGE,
        slug: "one_person".to_owned(),
        source_text: TEXT.to_owned(),
        text_sha256: crate::digest::sha256(&[TEXT.as_bytes()]),
        meaning: meaning.to_owned(),
        meaning_sha256: crate::digest::sha256(&[meaning.as_bytes()]),
    }
}

fn finish(mut run: Run<'_>, pass: &mut Pass) -> PassId {
    run.commit(pass, Batch::new(BatchKind::End)).expect("an end");
    run.finish().expect("a finished run");
    pass.row.pass
}

fn row(connection: &Connection, database: &str, number: i64) -> Row {
    let number = RecordNumber::new(number);
    let table = Table::from_name(database).expect("a name");
    let found = table.by_number(connection, number).expect("a table");
    let salt = salt(connection, number).expect("a ledger").expect("a salt");
    Row {
        salt,
        row: found.map(|found| found.record),
    }
}

/// The one batch that leaves these clusters.
fn batch(connection: &Connection, clusters: &[Cluster<'_>]) -> Batch {
    let mut batch = Batch::new(BatchKind::Data);
    if !Table::from_name(TARGET)
        .and_then(|table| table.exists(connection))
        .expect("a schema")
    {
        batch.shape = vec![TableChange::CreateTable, TableChange::CreateIndex];
    }
    let mut newest: RecordNumber = largest(connection, LedgerTable::Record).expect("a ledger");
    for cluster in clusters {
        let founder = row(connection, SOURCE, cluster.members[0]);
        let (golden, old) = if let Some(golden) = cluster.golden {
            (RecordNumber::new(golden), row(connection, TARGET, golden))
        } else {
            newest = newest.next();
            let salt = derived_salt(&founder.salt, STAGE, 0);
            (newest, Row { salt, row: None })
        };
        place(&mut batch, cluster, (golden, &old), &founder);
        let carrier = RecordNumber::new(cluster.members[0]);
        for member in cluster.members {
            let input = row(connection, SOURCE, *member).hash();
            batch.add(of_member(&batch, cluster, (*member, input), (golden, &old)));
        }
        for (part, gone) in (1..).zip(cluster.gone) {
            let old = row(connection, TARGET, *gone);
            remove(&mut batch, (carrier, part), RecordNumber::new(*gone), &old);
        }
    }
    batch
}

/// Writes the golden record of a cluster.
fn place(batch: &mut Batch, cluster: &Cluster<'_>, (golden, old): (RecordNumber, &Row), founder: &Row) {
    let Some(data) = cluster.data else { return };
    let carrier = RecordNumber::new(cluster.members[0]);
    let (record, data) = (golden, data.to_owned());
    let Some(row) = &old.row else {
        let id = format!("PAT-{}", founder.row.as_ref().expect("a founder").id);
        batch.records.push(NewRecord {
            record,
            database: TARGET.to_owned(),
            id: Some(id.clone()),
            salt: old.salt,
        });
        batch.changes.push(Change::Insert { record, id, data });
        return;
    };
    let (kind, body) = before_image((&row.id, &row.data), (&row.id, &data));
    batch.images.push(Image {
        record: carrier,
        part: 0,
        kind,
        body,
    });
    let id = row.id.clone();
    batch.changes.push(Change::Update { record, id, data });
}

fn of_member(
    batch: &Batch,
    cluster: &Cluster<'_>,
    (member, input): (i64, Option<Hash>),
    (golden, old): (RecordNumber, &Row),
) -> Entry {
    let written = batch.changes.iter().find_map(|change| match change {
        Change::Insert { record, id, data } | Change::Update { record, id, data } if *record == golden => {
            Some(commitment(&old.salt, id, data))
        }
        _ => None,
    });
    let after = written.or(old.hash());
    let is_carrier = member == cluster.members[0];
    let outcome = match cluster.members.len() {
        1 if written.is_none() => EntryOutcome::Unchanged,
        1 => EntryOutcome::Written,
        _ => EntryOutcome::Merged,
    };
    let mut entry = Entry::new(RecordNumber::new(member), 0, outcome);
    entry.target = Some(golden);
    entry.input = input;
    entry.before = if is_carrier { old.hash() } else { after };
    entry.after = after;
    entry.reason = reason(cluster, member);
    entry
}

fn reason(cluster: &Cluster<'_>, member: i64) -> Option<String> {
    let review: Vec<serde_json::Value> = cluster
        .review
        .iter()
        .filter(|(of, ..)| *of == member)
        .map(|(_, with, band)| serde_json::json!({"with": with, "bits": 2.3, "probability": 0.83, "band": band}))
        .collect();
    let code = if cluster.left {
        "merge.left"
    } else {
        "merge.member"
    };
    let mut reason = serde_json::json!({ "code": code });
    if cluster.members.len() > 1 {
        reason["bits"] = 21.4.into();
        reason["by"] = serde_json::json!(["given"]);
    }
    if !review.is_empty() {
        reason["review"] = review.into();
    }
    let says_more = reason.as_object().is_some_and(|reason| reason.len() > 1);
    (says_more || cluster.left).then(|| reason.to_string())
}

/// Removes a golden record that another one has taken the place of.
fn remove(batch: &mut Batch, (record, part): (RecordNumber, i64), gone: RecordNumber, old: &Row) {
    let row = old.row.as_ref().expect("a golden record");
    batch.images.push(Image {
        record,
        part,
        kind: ImageKind::Whole,
        body: whole(&row.id, &row.data),
    });
    batch.changes.push(Change::Delete { record: gone });
    let mut entry = Entry::new(record, part, EntryOutcome::Merged);
    entry.target = Some(gone);
    entry.before = old.hash();
    entry.reason = Some(serde_json::json!({ "code": "merge.joined" }).to_string());
    batch.entries.push(entry);
}
