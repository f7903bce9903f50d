//! Whatever happens by this program, every difference has a cause; whatever happens behind it has none.

use counterfoil::RunInfo;
use counterfoil::apply::apply;
use counterfoil::edit::{Edit, edit};
use counterfoil::observe::Silent;
use counterfoil::quarantine::{Selected, retry, waive};
use counterfoil::reconcile::StageReconciled;
use counterfoil::rollback::{ConflictPolicy, RollbackOptions, RollbackScope, rollback};
use rusqlite::Connection;

use super::causes::{COPY, MARK, PARTS, REKEYED, over};
use crate::support::world::World;

/// Some, and those that have found something.
const SEEDS: [u64; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1004, 1079];

/// A row of numbers that is the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A record of `a`: its amount is nothing that another one has, or no number.
fn record(dice: &mut Dice) -> (String, String) {
    let (id, k) = (dice.below(6), dice.below(4));
    let amount = match dice.below(6) {
        0 => "\"none\"".to_owned(),
        _ => format!("{}.{:02}", 1 + dice.below(1_000_000), dice.below(100)),
    };
    let (one, other) = (1 + dice.below(1_000_000), 1 + dice.below(1_000_000));
    let parts = format!("[{{\"id\":\"k{k}\",\"amt\":{one}}},{{\"id\":\"q{id}\",\"amt\":{other}}}]");
    let data = format!(
        "{{\"id\":\"{id}\",\"k\":\"k{k}\",\"amt\":{amount},\"total\":{},\"parts\":{parts}}}",
        one + other
    );
    (id.to_string(), data)
}

/// One command. That it is refused is an answer too; what matters is what it leaves.
fn happen(ledger: &mut World, dice: &mut Dice) -> String {
    let database = ["a", "b"][usize::from(dice.below(4) == 0)];
    let run_info = RunInfo::new("random");
    match dice.below(12) {
        0..=2 => {
            let records: Vec<String> = (0..=dice.below(3)).map(|_| record(dice).1).collect();
            let lines: Vec<&str> = records.iter().map(String::as_str).collect();
            ledger.load("a", &lines);
            format!("load a {records:?}")
        }
        3 => {
            let (id, data) = record(dice);
            let told = format!("put {database} {data}");
            let put = [Edit::Put { id, data }];
            format!(
                "{told}: {}",
                edit(&mut ledger.store, database, &put, &run_info).is_ok()
            )
        }
        4 => {
            let id = dice.below(6).to_string();
            let told = format!("delete {database} {id}");
            let delete = [Edit::Delete { id }];
            format!(
                "{told}: {}",
                edit(&mut ledger.store, database, &delete, &run_info).is_ok()
            )
        }
        5 => {
            let all = Selected::default();
            format!(
                "waive: {}",
                waive(&mut ledger.store, "causes", &all, &run_info).is_ok()
            )
        }
        6 => {
            let all = Selected::default();
            let retried = retry(
                &mut ledger.store,
                &ledger.stages,
                &all,
                &ledger.applying,
                &mut Silent,
            );
            format!("retry: {}", retried.is_ok())
        }
        7 => {
            let options = RollbackOptions::default()
                .scope(if dice.below(2) == 0 {
                    RollbackScope::Last
                } else {
                    RollbackScope::All
                })
                .on_conflict(ConflictPolicy::Skip);
            let back = rollback(&mut ledger.store, "causes", &options, &mut Silent);
            format!("rollback {:?}: {}", options.scope, back.is_ok())
        }
        8 => {
            let first = ledger.applying.clone().to(1);
            let applied = apply(&mut ledger.store, &ledger.stages, &first, &mut Silent);
            format!("apply --to 1: {}", applied.is_ok())
        }
        _ => {
            let applied = apply(&mut ledger.store, &ledger.stages, &ledger.applying, &mut Silent);
            let reconciled = applied.map(|report| report.reconciled).unwrap_or_default();
            assert!(
                reconciled.iter().all(StageReconciled::is_reconciled),
                "what apply has carried: {reconciled:#?}"
            );
            format!("apply: {} reconciled", reconciled.len())
        }
    }
}

fn told(stages: &[StageReconciled], story: &[String]) -> String {
    format!("{stages:#?}\n{}", story.join("\n"))
}

fn at_random(texts: &[&str], seed: u64) {
    let (mut ledger, mut dice, mut story) = (over(texts), Dice(seed), Vec::new());
    for _ in 0..14 {
        story.push(happen(&mut ledger, &mut dice));
        let stages = ledger.reconcile();
        assert!(
            stages.iter().all(StageReconciled::is_reconciled),
            "seed {seed}: {}",
            told(&stages, &story)
        );
    }
    // What the first stage has carried, and stands in the target.
    let sql = "SELECT b.record FROM b JOIN ledger_entry e ON e.record=b.record AND e.input IS NOT NULL
     AND e.after IS NOT NULL JOIN a ON a.record=b.record WHERE json_type(b.data,'$.amt') IN ('real','integer')
     ORDER BY b.record LIMIT 1";
    let row = Connection::open(ledger.store.path())
        .and_then(|store| store.query_row(sql, [], |row| row.get::<_, i64>(0)));
    let before = ledger.reconcile();
    if let (Ok(row), false) = (row, before.is_empty()) {
        ledger.behind(&format!("DELETE FROM b WHERE record={row}"));
        let stages = ledger.reconcile();
        assert!(
            !stages.iter().all(StageReconciled::is_reconciled),
            "seed {seed}: row {row} is lost: {}",
            told(&stages, &story)
        );
    }
}

/// The same, and what is no number is refused.
fn strict(stage: &str) -> String {
    stage.replace(
        "[[reconcile]]",
        "[[op]]\nop = \"decimal\"\npath = \"amt\"\nemit = \"number\"\n\n[[reconcile]]",
    )
}

#[test]
fn of_a_copy_that_a_stage_in_place_marks() {
    for seed in SEEDS {
        at_random(&[COPY, MARK], seed);
    }
}

#[test]
fn of_records_that_replace_each_other() {
    for seed in SEEDS {
        at_random(&[&strict(REKEYED)], seed);
    }
}

#[test]
fn of_records_that_are_skipped_for_each_other() {
    let skip = strict(&REKEYED.replace("\"replace\"", "\"skip\""));
    for seed in SEEDS {
        at_random(&[&skip], seed);
    }
}

#[test]
fn of_records_that_become_several() {
    let [refuse, replace] = ["refuse", "replace"].map(|conflict| PARTS.replace("skip", conflict));
    for seed in SEEDS {
        for conflict in [PARTS, &refuse, &replace] {
            at_random(&[conflict, MARK], seed);
        }
    }
}
