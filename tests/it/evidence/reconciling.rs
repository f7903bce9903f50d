//! Both sides of a stage are measured, every difference is explained from the ledger, and what is left is found.

use std::path::Path;

use counterfoil::RunInfo;
use counterfoil::apply::{ApplyOptions, ApplyReport, apply};
use counterfoil::edit::Edit;
use counterfoil::ledger::StageState;
use counterfoil::load::LoadOptions;
use counterfoil::observe::{Event, Observer, StopSignal};
use counterfoil::quarantine::{Selected, waive};
use counterfoil::reconcile::{DifferenceCause, Reconciliation, StageReconciled};
use counterfoil::rollback::{RollbackOptions, RollbackScope};
use counterfoil::stage::{MaxErrors, Stages};
use counterfoil::store::StoreOptions;
use rust_decimal::Decimal;

use crate::support::world::{World, adds_up, environment, id_field, migration, shipped, stages};

const STAGE: &str = r#"
[stage]
source = "a"
target = "b"
where = '= doc.kind != "skipped"'
rounding = "half-even"

[[op]]
op = "decimal"
path = "amount"
places = 2
emit = "string"

[[reconcile]]
name = "by account"
source = "= decimal(doc.amount)"
target = "= decimal(doc.amount)"
by = { source = "= doc.account", target = "= doc.account" }
"#;

/// Adds a mark, and a cent to whatever says so: what nothing explains.
const IN_PLACE: &str = r#"
[stage]
source = "b"

[[op]]
op = "set"
path = "amount"
value = "= if doc.account == \"wrong\" { text(decimal(doc.amount) + 0.01) } else { doc.amount }"

[[reconcile]]
name = "in place"
source = "= decimal(doc.amount)"
target = "= decimal(doc.amount)"
by = { source = "= doc.account", target = "= doc.account" }
tolerance = "0.01"
"#;

fn books(texts: &[&str]) -> World {
    let mut books = World::with(exact(texts), StoreOptions::default(), environment());
    books.applying.max_errors = Some(MaxErrors::Count(1_000));
    books
}

fn exact(texts: &[&str]) -> Stages {
    let names = ["0001_exact.toml", "0002_mark.toml"];
    let files: Vec<(&str, &str)> = names.into_iter().zip(texts.iter().copied()).collect();
    stages("books", &files)
}

fn load(books: &mut World, lines: &[(&str, &str, &str, &str)]) {
    let line = |(id, account, amount, kind): &(&str, &str, &str, &str)| {
        let account = if *account == "null" {
            "null".to_owned()
        } else {
            format!("\"{account}\"")
        };
        format!("{{\"id\":\"{id}\",\"account\":{account},\"amount\":\"{amount}\",\"kind\":\"{kind}\"}}")
    };
    let lines: Vec<String> = lines.iter().map(line).collect();
    books.load("a", &lines);
}

fn reconciled(books: &mut World) -> Vec<StageReconciled> {
    let stages = books.reconcile();
    books.is_sound();
    stages
}

fn state(books: &World, stage: usize) -> StageState {
    let status = books.store.status(&books.stages).expect("a status");
    status.stages[stage].state
}

fn told(result: &Reconciliation) -> Vec<(DifferenceCause, u64, String)> {
    let told = result
        .causes
        .iter()
        .map(|cause| (cause.cause, cause.records, cause.amount.to_string()));
    told.collect()
}

#[test]
fn every_difference_is_explained_by_its_cause_to_the_last_digit() {
    let mut books = books(&[STAGE]);
    load(
        &mut books,
        &[
            ("1", "x", "10.00", "plain"),
            ("2", "x", "-3.50", "plain"),
            ("3", "null", "7.00", "plain"),
            ("4", "y", "1.125", "plain"),
            ("5", "y", "2.00", "skipped"),
            ("6", "z", "none", "plain"),
            ("7", "z", "0.00000000000000000000000000001", "plain"),
        ],
    );
    let applied = books.apply();
    let result = &applied.reconciled[0].reconciliations[0];
    adds_up(result);
    assert!(result.holds, "{result:#?}");
    assert_eq!(
        told(result),
        [
            (DifferenceCause::Refused, 2, "0".to_owned()),
            (DifferenceCause::Filtered, 1, "-2.00".to_owned()),
            (DifferenceCause::Rounding, 1, "-0.005".to_owned()),
        ]
    );
    // One of the refused has no amount that could be told; it is told of all the same.
    let refused = &result.causes[0];
    assert_eq!(
        (refused.unmeasured, &refused.ids),
        (2, &vec!["6".to_owned(), "7".to_owned()])
    );
    assert_eq!(
        (result.source.records, result.source.keys),
        (5, Some(3)),
        "null is a key of its own"
    );
    assert_eq!(
        (
            result.source.positive.to_string().as_str(),
            result.source.negative.to_string().as_str()
        ),
        ("20.125", "-3.50")
    );
    assert_eq!(
        (result.source.least, result.source.greatest),
        (Some(Decimal::new(-350, 2)), Some(Decimal::new(1000, 2)))
    );
    assert_eq!(state(&books, 0), StageState::Applied);
}

#[test]
fn what_changed_since_is_distinguished_from_what_the_stage_did() {
    let mut books = books(&[STAGE]);
    load(
        &mut books,
        &[
            ("1", "x", "10.00", "plain"),
            ("2", "x", "5.00", "plain"),
            ("3", "y", "1.00", "plain"),
        ],
    );
    books.apply();
    load(
        &mut books,
        &[("2", "x", "6.00", "plain"), ("4", "y", "2.00", "plain")],
    );
    let by_hand = r#"{"id":"1","account":"x","amount":"11.00","kind":"plain"}"#.to_owned();
    let put = [Edit::Put {
        id: "1".to_owned(),
        data: by_hand,
    }];
    books.edit("b", &put);
    let result = &reconciled(&mut books)[0].reconciliations[0];
    assert!(result.holds);
    assert_eq!(
        told(result),
        [
            (DifferenceCause::NotProcessed, 1, "-2.00".to_owned()),
            (DifferenceCause::EditedSince, 2, "0.00".to_owned())
        ]
    );
    // Carried, nothing is left of it but the edit in the target, which stands.
    books.apply();
    let result = &reconciled(&mut books)[0].reconciliations[0];
    assert_eq!(
        told(result),
        [(DifferenceCause::EditedSince, 1, "1.00".to_owned())]
    );
    books.edit("a", &[Edit::Delete { id: "3".to_owned() }]);
    let result = &reconciled(&mut books)[0].reconciliations[0];
    assert_eq!(
        told(result),
        [(DifferenceCause::EditedSince, 2, "2.00".to_owned())]
    );
}

#[test]
fn what_was_put_into_the_target_by_hand_has_no_source_and_is_reported() {
    let mut books = books(&[STAGE, IN_PLACE]);
    load(&mut books, &[("1", "x", "10.00", "plain")]);
    books.apply();
    let by_hand = r#"{"id":"9","account":"x","amount":"4.00","kind":"plain"}"#.to_owned();
    let put = [Edit::Put {
        id: "9".to_owned(),
        data: by_hand,
    }];
    books.edit("b", &put);
    let stages = reconciled(&mut books);
    let result = &stages[0].reconciliations[0];
    assert_eq!(
        told(result),
        [(DifferenceCause::EditedSince, 1, "4.00".to_owned())]
    );
    assert_eq!((result.source.records, result.target.records), (1, 2));
}

#[test]
fn what_nothing_explains_keeps_the_stage_from_being_applied_until_it_is_rolled_back() {
    let mut books = books(&[STAGE, IN_PLACE]);
    load(
        &mut books,
        &[
            ("1", "x", "10.00", "plain"),
            ("2", "wrong", "5.00", "plain"),
            ("3", "wrong", "1.00", "plain"),
        ],
    );
    let applied = books.apply();
    let [first, second] = &applied.reconciled[..] else {
        panic!("{applied:#?}")
    };
    assert!(first.is_reconciled() && !second.is_reconciled());
    let result = &second.reconciliations[0];
    adds_up(result);
    assert_eq!(
        (result.discrepancies, result.unexplained.to_string().as_str()),
        (1, "0.02")
    );
    assert_eq!(result.keys[0].key.as_deref(), Some("wrong"));
    assert_eq!(
        (state(&books, 0), state(&books, 1)),
        (StageState::Applied, StageState::Unreconciled)
    );
    let view = "SELECT group_concat(number || ' ' || name || ' ' || difference || ' ' || unexplained || ' ' || holds, '; ')
     FROM audit_reconciliation";
    let seen: String = books.asked(view);
    assert_eq!(seen, "1 by account 0.00 0 1; 2 in place 0.02 0.02 0");
    // The first stage is measured as it left the rows, though the second has changed them since.
    let again = reconciled(&mut books);
    assert!(again[0].is_reconciled() && !again[1].is_reconciled());
    // Of 0.01, which is what is allowed, nothing is said.
    let options = RollbackOptions::default().scope(RollbackScope::All);
    books.try_roll_back(&options).expect("a rollback");
    assert_eq!(state(&books, 1), StageState::Pending);
    load(&mut books, &[("3", "right", "1.00", "plain")]);
    let applied = books.apply();
    assert!(
        applied.reconciled.iter().all(StageReconciled::is_reconciled),
        "{applied:#?}"
    );
    assert_eq!(
        applied.reconciled[1].reconciliations[0].unexplained.to_string(),
        "0.01"
    );
    assert_eq!(state(&books, 1), StageState::Applied);
}

#[test]
fn an_increment_is_reconciled_alone_and_a_failed_one_is_remembered() {
    let mut books = books(&[STAGE, IN_PLACE]);
    load(
        &mut books,
        &[("1", "x", "10.00", "plain"), ("2", "x", "5.00", "plain")],
    );
    books.apply();
    load(
        &mut books,
        &[("3", "wrong", "1.00", "plain"), ("4", "wrong", "1.00", "plain")],
    );
    let applied = books.apply();
    let result = &applied.reconciled[1];
    assert!(!result.whole && !result.is_reconciled());
    assert_eq!(result.reconciliations[0].source.records, 2);
    load(&mut books, &[("5", "x", "1.00", "plain")]);
    assert!(books.apply().reconciled[1].is_reconciled());
    assert_eq!(
        state(&books, 1),
        StageState::Unreconciled,
        "what was found before stands"
    );
    let up_to_date = books.apply();
    assert!(
        up_to_date.reconciled.is_empty() && up_to_date.run.is_none(),
        "nothing is looked at twice"
    );
}

#[test]
fn a_waived_refusal_is_reported_as_waived() {
    let mut books = books(&[STAGE]);
    load(
        &mut books,
        &[("1", "x", "10.00", "plain"), ("2", "x", "3.00", "plain")],
    );
    let stricter =
        STAGE.to_owned() + "[contract]\ntarget = { properties = { amount = { pattern = \"^1\" } } }\n";
    books.stages = exact(&[&stricter]).into();
    books.apply();
    assert_eq!(
        told(&reconciled(&mut books)[0].reconciliations[0]),
        [(DifferenceCause::Refused, 1, "-3.00".to_owned())]
    );
    waive(
        &mut books.store,
        "books",
        &Selected::default(),
        &RunInfo::new("waive"),
    )
    .expect("a waiver");
    assert_eq!(
        told(&reconciled(&mut books)[0].reconciliations[0]),
        [(DifferenceCause::Waived, 1, "-3.00".to_owned())]
    );
}

/// Asks to stop as soon as a pass has ended.
struct StopAfterThePass(StopSignal);

impl Observer for StopAfterThePass {
    fn observe(&mut self, event: &Event) {
        if matches!(event, Event::PassEnded { .. }) {
            self.0.ask();
        }
    }
}

#[test]
fn what_was_interrupted_before_it_was_reconciled_is_reconciled_by_the_next_apply() {
    let mut books = books(&[STAGE]);
    load(&mut books, &[("1", "x", "10.00", "plain")]);
    let options = ApplyOptions::default();
    let mut stopping = StopAfterThePass(options.stop.clone());
    let stopped = apply(&mut books.store, &books.stages, &options, &mut stopping).expect("an apply");
    assert!(stopped.stopped.is_some() && stopped.reconciled.is_empty());
    let applied = books.apply();
    assert!(applied.passes.is_empty());
    assert!(applied.reconciled[0].is_reconciled() && applied.reconciled[0].whole);
}

#[test]
fn a_sum_that_needs_more_digits_than_there_are_is_refused_and_not_rounded() {
    let mut books = books(&[STAGE]);
    load(
        &mut books,
        &[
            ("1", "x", "99999999999999999999999999.00", "plain"),
            ("2", "y", "0.01", "plain"),
        ],
    );
    books.apply();
    let large: Vec<String> = (3..2_000).map(|id| id.to_string()).collect();
    let lines: Vec<_> = large
        .iter()
        .map(|id| (id.as_str(), "x", "99999999999999999999999999.00", "plain"))
        .collect();
    load(&mut books, &lines);
    let options = ApplyOptions::default();
    let refused = books.try_apply(&options).expect_err("too large a sum");
    assert!(refused.to_string().contains("more than 28 digits"), "{refused}");
}

/// What a shipped project makes of records.
fn carried(name: &str, records: &Path) -> ApplyReport {
    let project = shipped(name);
    let by_id = LoadOptions::default().id_field(id_field(&project, "orders_v1"));
    let mut world = World::with(project, StoreOptions::default(), environment());
    let input = std::fs::File::open(records).expect("the records");
    world.load_as("orders_v1", "records.ndjson", input, &by_id);
    world.applying.max_errors = Some(MaxErrors::Count(1_000));
    let report = world.apply();
    let results = report.reconciled.iter().flat_map(|stage| &stage.reconciliations);
    results.for_each(adds_up);
    report
}

#[test]
fn the_variant_that_recomputes_the_total_is_caught_with_its_sum() {
    let records = migration("shop").join("records/orders_v1.ndjson");
    let kept = carried("shop", &records);
    assert!(kept.reconciled[0].is_reconciled());
    let recomputed = carried("shop_recompute", &records);
    let [totals, revenue] = &recomputed.reconciled[0].reconciliations[..] else {
        panic!("{recomputed:#?}")
    };
    assert_eq!(
        (
            totals.holds,
            totals.discrepancies,
            totals.unexplained.to_string().as_str()
        ),
        (false, 28, "-14.75")
    );
    let first = &totals.keys[0];
    assert_eq!(
        (first.key.as_deref(), first.unexplained.to_string().as_str()),
        (Some("ORD-2024-001"), "-5.98")
    );
    assert_eq!(
        (revenue.holds, revenue.unexplained.to_string().as_str()),
        (false, "-14.75")
    );
}

#[test]
fn of_the_real_orders_those_refused_account_for_the_whole_difference() {
    let Ok(folder) = std::env::var("COUNTERFOIL_REAL_DATA") else {
        eprintln!("skipped: COUNTERFOIL_REAL_DATA does not say where the real data is");
        return;
    };
    let records = Path::new(&folder).join("shop/northwind_orders_v1.ndjson");
    let applied = carried("shop", &records);
    for result in &applied.reconciled[0].reconciliations {
        assert!(result.holds, "{result:#?}");
        assert_eq!(
            told(result),
            [(DifferenceCause::Refused, 708, result.difference.to_string())]
        );
        assert_eq!(result.difference.to_string(), "-1071379.84");
    }
}
