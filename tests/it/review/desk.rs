//! The desk of a clerk: a small register whose pairs wait for reasons that can be counted by hand, and what a clerk does.

use counterfoil::observe::Silent;
use counterfoil::record::{RecordNumber, RunId};
use counterfoil::review::{
    Decision, DecisionReport, PairDecision, QueueFilter, QueuedPair, Unmerge, UnmergeConflict,
    UnmergeOptions, UnmergeReport, decide, unmerge,
};
use counterfoil::{Result, RunInfo};

use crate::merges::register::BY_KEY;
use crate::support::world::World;

/// Before any field, a pair has -10 bits. An equal key makes it certain. An equal street or telephone number makes it
/// probable, and it waits; both make it certain too. What is missing says nothing.
pub(super) const WEIGHED: &str = r#"
[stage]
source = "register"
target = "people"
max_errors = 100

[merge]
learn = "given"
prior = 0.000976
classes = 2
caution = "none"

[[merge.field]]
name = "key"
value = "key"
kind = "code"

[[merge.field]]
name = "street"
value = "street"
kind = "code"

[[merge.field]]
name = "tel"
value = "tel"
kind = "code"

[[merge.weight]]
of = "key"
bits = [30, -1]

[[merge.weight]]
of = "street"
bits = [13, -2]

[[merge.weight]]
of = "tel"
bits = [13, -2]

[[merge.block]]
key = ["= key"]

[[merge.block]]
key = ["= street"]

[[merge.block]]
key = ["= tel"]

[merge.survive]
"ids" = "union"
"#;

/// A world in which pairs wait.
pub(super) fn weighed() -> World {
    World::new("review", &[("0001_people.toml", WEIGHED)])
}

/// A world in which equal keys are one.
pub(super) fn by_key() -> World {
    World::new("review", &[("0001_people.toml", BY_KEY)])
}

/// A record of the register: its id, and fields as `name=value`.
pub(super) fn line(described: &str) -> String {
    let mut words = described.split(' ');
    let id = words.next().expect("an id");
    let fields = words.map(|word| {
        let (name, value) = word.split_once('=').expect("a field and a value");
        format!(r#","{name}":"{value}""#)
    });
    format!(r#"{{"id":"{id}","ids":["{id}"]{}}}"#, fields.collect::<String>())
}

/// Loads records, each as [`line`] describes it, separated by commas.
pub(super) fn load(world: &mut World, described: &str) {
    let lines: Vec<String> = described.split(", ").map(line).collect();
    world.load("register", &lines);
}

pub(super) fn decision(a: i64, b: i64, decision: Decision) -> PairDecision {
    PairDecision::new(RecordNumber::new(a), RecordNumber::new(b), decision)
}

/// Decides as this person, whatever comes of it.
pub(super) fn decided_by(world: &mut World, decisions: &[PairDecision]) -> DecisionReport {
    let (store, stages) = (&mut world.store, &world.stages);
    decide(store, stages, 1, decisions, &RunInfo::new("review")).expect("a report")
}

/// Decides, which nothing speaks against.
#[track_caller]
pub(super) fn decides(world: &mut World, a: i64, b: i64, what: Decision) -> RunId {
    let before = world.rows("people");
    let report = decided_by(world, &[decision(a, b, what)]);
    assert_eq!(report.refused, [], "{a}+{b}");
    assert_eq!(report.decided.get(&what), Some(&1));
    assert_eq!(world.rows("people"), before, "a decision changes no row");
    world.is_sound();
    report.run.expect("a run")
}

/// Decides, which is refused; nothing is written. Returns why, and what to do.
#[track_caller]
pub(super) fn refused(world: &mut World, decisions: &[PairDecision]) -> String {
    let batches = "SELECT count(*) FROM ledger_batch";
    let before: i64 = world.asked(batches);
    let report = decided_by(world, decisions);
    assert_eq!(report.refused.len(), 1, "{report:?}");
    assert_eq!((report.run, report.decided.len()), (None, 0), "{report:?}");
    assert_eq!(world.asked::<i64>(batches), before, "all or nothing");
    let refused = &report.refused[0];
    format!("{}: {}; {}", refused.at, refused.message, refused.hint)
}

/// The queue.
pub(super) fn queue(world: &World) -> Vec<QueuedPair> {
    let project = world.stages.project();
    let queue = world.store.review_queue(project, &QueueFilter::default());
    queue.expect("a queue")
}

/// The queue, each pair with its band.
pub(super) fn waiting(world: &World) -> String {
    let pairs = queue(world).into_iter();
    let pairs: Vec<String> = pairs
        .map(|pair| format!("{} {}", pair.name(), pair.band))
        .collect();
    pairs.join(", ")
}

/// Takes apart, unless something has changed since.
pub(super) fn take_apart(
    world: &mut World,
    what: &Unmerge,
    policy: UnmergeConflict,
) -> Result<UnmergeReport> {
    let options = UnmergeOptions::default().on_conflict(policy);
    unmerge(&mut world.store, &world.stages, what, &options, &mut Silent)
}

/// A member leaves.
#[track_caller]
pub(super) fn leaves(world: &mut World, member: &str) -> UnmergeReport {
    let what = Unmerge::new("register", [member.to_owned()]);
    let report = take_apart(world, &what, UnmergeConflict::Abort).expect("a report");
    assert!(report.run.is_some() && report.left.is_empty(), "{report:?}");
    world.is_sound();
    report
}

/// What made each member part of its golden record.
pub(super) fn by(world: &World) -> String {
    let sql = "SELECT group_concat(member_id||':'||by,' ') FROM (SELECT * FROM audit_cross_reference ORDER BY member)";
    world.asked::<Option<String>>(sql).unwrap_or_default()
}

/// Every member is in one golden record, and each golden record has its row; no row is anybody else's.
#[track_caller]
pub(super) fn is_whole(world: &World) {
    let twice =
        "SELECT count(*) FROM (SELECT 1 FROM audit_cross_reference GROUP BY member HAVING count(*)>1)";
    assert_eq!(world.asked::<i64>(twice), 0, "a member is in two golden records");
    let lost = "SELECT (SELECT count(*) FROM audit_cross_reference c WHERE NOT EXISTS(
         SELECT 1 FROM audit_row r WHERE r.database='people' AND r.record=c.golden))
       +(SELECT count(*) FROM audit_row r WHERE r.database='people' AND NOT EXISTS(
         SELECT 1 FROM audit_cross_reference c WHERE c.golden=r.record))";
    assert_eq!(
        world.asked::<i64>(lost),
        0,
        "a golden record without members, or members without one"
    );
    let together = "SELECT count(*) FROM audit_review w JOIN audit_cross_reference a ON a.member=w.a
       JOIN audit_cross_reference b ON b.member=w.b WHERE a.golden=b.golden AND w.band<>'contract'";
    assert_eq!(
        world.asked::<i64>(together),
        0,
        "a pair waits though it is one already"
    );
    world.is_sound();
}

/// A row of a database by the number: its id and its data.
#[track_caller]
pub(super) fn row(world: &World, database: &str, number: i64) -> (String, String) {
    let rows = world.rows(database).into_iter();
    let row = rows.into_iter().find(|row| row.number.get() == number);
    let row = row.unwrap_or_else(|| panic!("{database} has no record {number}"));
    (row.id, row.data)
}
