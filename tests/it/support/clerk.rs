//! What a clerk does with the register of people: decides pairs, takes golden records apart, and takes all of it back. The
//! same in every store that is the same, and again after a kill.

use std::collections::BTreeSet;
use std::path::Path;

use counterfoil::observe::Observer;
use counterfoil::record::{RecordNumber, RunId};
use counterfoil::review::{
    Decision, PairDecision, QueueFilter, Unmerge, UnmergeOptions, decide as decide_pairs,
    unmerge as take_apart,
};
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};
use counterfoil::store::Store;
use counterfoil::{Result, RunInfo};
use rusqlite::Connection;
use serde_json::Value as Json;

use super::people::{PROJECT, stages};

/// How often each decision is made, of pairs that wait; the last two are about pairs that are one.
const DECISIONS: [Decision; 6] = [
    Decision::Accept,
    Decision::Reject,
    Decision::Accept,
    Decision::Never,
    Decision::Reject,
    Decision::Never,
];

/// Decides pairs that wait and pairs that are one, no two about the same golden records; what is decided already, again.
pub(crate) fn decide(store: &mut Store, path: &Path) -> Result<()> {
    let mut decisions = decided(path);
    if decisions.is_empty() {
        decisions = chosen(store, path)?;
        assert_eq!(decisions.len(), DECISIONS.len(), "pairs to decide");
    }
    let report = decide_pairs(store, &stages(), 1, &decisions, &RunInfo::new("review"))?;
    assert_eq!(report.refused, []);
    Ok(())
}

/// The decisions that count.
fn decided(path: &Path) -> Vec<PairDecision> {
    let sql = "SELECT json_group_array(json_array(a, b, decision)) FROM
       (SELECT * FROM audit_decision WHERE counts=1 ORDER BY batch, a, b)";
    let said = |found: &Json| {
        let decision = match found[2].as_str() {
            Some("accepted") => Decision::Accept,
            Some("rejected") => Decision::Reject,
            Some("never") => Decision::Never,
            other => panic!("{other:?} decides nothing"),
        };
        pair(&found[0], &found[1], decision)
    };
    asked(path, sql).iter().map(said).collect()
}

fn pair(a: &Json, b: &Json, decision: Decision) -> PairDecision {
    let number = |number: &Json| RecordNumber::new(number.as_i64().expect("a number"));
    PairDecision::new(number(a), number(b), decision)
}

fn chosen(store: &Store, path: &Path) -> Result<Vec<PairDecision>> {
    let clusters = clusters(path);
    let golden_of = |member: &Json| clusters.iter().position(|(_, members)| members.contains(member));
    let mut used = BTreeSet::new();
    let mut is_new = |a: &Json, b: &Json| {
        let goldens = BTreeSet::from([golden_of(a), golden_of(b)]);
        let is_new = used.is_disjoint(&goldens);
        used.extend(goldens);
        is_new
    };
    let mut pairs = Vec::new();
    for waiting in store.review_queue(PROJECT, &QueueFilter::default())? {
        let (a, b) = (waiting.a.record.get().into(), waiting.b.record.get().into());
        if pairs.len() < 4 && is_new(&a, &b) {
            pairs.push((a, b));
        }
    }
    for (_, members) in &clusters {
        if pairs.len() < DECISIONS.len() && members.len() == 2 && is_new(&members[0], &members[1]) {
            pairs.push((members[0].clone(), members[1].clone()));
        }
    }
    let decisions = pairs.iter().zip(DECISIONS);
    Ok(decisions.map(|((a, b), decision)| pair(a, b, decision)).collect())
}

/// The golden records of several members: the id, and the numbers of the members.
fn clusters(path: &Path) -> Vec<(String, Vec<Json>)> {
    let sql = "SELECT json_group_array(json_array(golden_id, json(members))) FROM (
       SELECT golden_id, json_group_array(member) AS members FROM (SELECT * FROM audit_cross_reference ORDER BY golden, member)
       GROUP BY golden ORDER BY golden)";
    let one = |found: &Json| {
        let members = found[1].as_array().expect("members").clone();
        (found[0].as_str().expect("an id").to_owned(), members)
    };
    asked(path, sql).iter().map(one).collect()
}

/// The founder of the first golden record of three and more leaves it, and the first one of two falls apart.
pub(crate) fn unmerge(store: &mut Store, path: &Path, observer: &mut dyn Observer) -> Result<()> {
    let sql = "WITH golden AS (SELECT golden, min(member) AS first, max(member) AS last, count(*) AS members
         FROM audit_cross_reference GROUP BY golden)
       SELECT json_group_array((SELECT c.member_id FROM audit_cross_reference c WHERE c.member=leaving)) FROM (
         SELECT * FROM (SELECT first AS leaving FROM golden WHERE members>2 ORDER BY golden LIMIT 1)
         UNION ALL SELECT * FROM (SELECT last FROM golden WHERE members=2 ORDER BY golden LIMIT 1))";
    let members = asked(path, sql);
    assert_eq!(members.len(), 2, "golden records of several members");
    let members = members
        .iter()
        .map(|member| member.as_str().expect("an id").to_owned());
    let what = Unmerge::new("register", members);
    let report = take_apart(store, &stages(), &what, &UnmergeOptions::default(), observer)?;
    assert_eq!(report.golden.len(), 2);
    Ok(())
}

/// Every golden record of several members falls apart.
pub(crate) fn unmerge_all(store: &mut Store, path: &Path, observer: &mut dyn Observer) -> Result<()> {
    let several = clusters(path)
        .into_iter()
        .filter(|(_, members)| members.len() > 1);
    let ids: Vec<String> = several.map(|(id, _)| id).collect();
    assert!(ids.len() > 2, "golden records of several members");
    let what = Unmerge::new("people", ids);
    take_apart(store, &stages(), &what, &UnmergeOptions::default(), observer).map(drop)
}

/// Rolls back the merge, with all its passes, and then each decision, the newest first.
pub(crate) fn take_back(store: &mut Store, path: &Path, observer: &mut dyn Observer) -> Result<()> {
    // Also where nothing is merged any more: what a killed one has not signed, the next one signs. One that was killed on the way
    // goes on first.
    let begun = "SELECT json_array(count(*)) FROM ledger_open WHERE NOT EXISTS(
       SELECT 1 FROM ledger_standing WHERE kind IN('apply','retry'))";
    if asked(path, begun) == [0] {
        super::people::take_back(store, observer)?;
    }
    let runs = "SELECT json_group_array(run) FROM (SELECT DISTINCT b.run FROM ledger_standing p JOIN ledger_batch b USING(pass)
       WHERE p.kind='merge' ORDER BY b.run DESC)";
    for run in asked(path, runs) {
        let run = RunId::new(run.as_i64().expect("a run"));
        let options = RollbackOptions::default().scope(RollbackScope::Run(run));
        rollback(store, PROJECT, &options, observer)?;
    }
    Ok(())
}

/// The list that a query gives.
fn asked(path: &Path, sql: &str) -> Vec<Json> {
    let connection = Connection::open(path).expect("a store opens");
    let list: String = connection.query_row(sql, [], |row| row.get(0)).expect(sql);
    serde_json::from_str(&list).expect("a list")
}
