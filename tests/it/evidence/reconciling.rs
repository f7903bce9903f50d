//! Both sides of a stage are measured, every difference is explained from the ledger, and what is left is found.

use std::path::{Path, PathBuf};

use counterfoil::Purpose;
use counterfoil::apply::{ApplyOptions, ApplyReport, apply};
use counterfoil::edit::{Edit, edit};
use counterfoil::ledger::StageState;
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::{Event, Observer, Silent, StopSignal};
use counterfoil::quarantine::{Selected, waive};
use counterfoil::reconcile::{Cause, ReconcileOptions, Reconciliation, StageReconciled, reconcile};
use counterfoil::rollback::{RollbackOptions, Scope, rollback};
use counterfoil::stage::{Lookup, MaxErrors, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::surroundings::Surroundings;
use counterfoil::verify::{VerifyOptions, verify};
use rusqlite::Connection;
use rust_decimal::Decimal;

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

struct Books {
    _folder: tempfile::TempDir,
    store: Store,
    stages: Stages,
    loads: u32,
}

fn stages(texts: &[&str]) -> Stages {
    let names = ["0001_exact.toml", "0002_mark.toml"];
    let stage = |(name, text): (&&str, &&str)| Stage::parse(name, text, &Lookup::nothing()).expect("a stage");
    Stages::new("books", names.iter().zip(texts).map(stage).collect()).expect("numbers")
}

impl Books {
    fn new(texts: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        Self {
            store: Store::open_or_create(path, StoreOptions::default(), Surroundings::default())
                .expect("a store"),
            _folder: folder,
            stages: stages(texts),
            loads: 0,
        }
    }

    fn load(&mut self, lines: &[(&str, &str, &str, &str)]) {
        let line = |(id, account, amount, kind): &(&str, &str, &str, &str)| {
            let account = if *account == "null" {
                "null".to_owned()
            } else {
                format!("\"{account}\"")
            };
            format!("{{\"id\":\"{id}\",\"account\":{account},\"amount\":\"{amount}\",\"kind\":\"{kind}\"}}\n")
        };
        let text: String = lines.iter().map(line).collect();
        self.loads += 1;
        let options = LoadOptions {
            replace: true,
            ..LoadOptions::default()
        };
        let name = self.loads.to_string();
        load(
            &mut self.store,
            "a",
            &name,
            text.as_bytes(),
            &options,
            &mut Silent,
        )
        .expect("a load");
    }

    fn apply(&mut self) -> ApplyReport {
        let options = ApplyOptions {
            max_errors: Some(MaxErrors::Count(1_000)),
            ..ApplyOptions::default()
        };
        apply(&mut self.store, &self.stages, &options, &mut Silent).expect("an apply")
    }

    fn reconcile(&mut self) -> Vec<StageReconciled> {
        let report = reconcile(&mut self.store, &self.stages, &ReconcileOptions::default());
        let stages = report.expect("a reconciliation").stages;
        stages
            .iter()
            .flat_map(|stage| &stage.reconciliations)
            .for_each(adds_up);
        let verified = verify(&self.store, &VerifyOptions::default()).expect("a verification");
        assert!(verified.is_sound(), "{:?}", verified.findings);
        stages
    }

    fn state(&self, stage: usize) -> StageState {
        let status = counterfoil::history::status(&self.store, &self.stages).expect("a status");
        status.stages[stage].state
    }
}

/// Nothing gets lost between the causes.
fn adds_up(result: &Reconciliation) {
    let explained: Decimal = result.causes.iter().map(|cause| cause.amount).sum();
    assert_eq!(explained, result.difference, "{result:#?}");
    assert_eq!(
        result.target.amount - result.source.amount,
        result.difference,
        "{result:#?}"
    );
    assert_eq!(
        result.source.positive + result.source.negative,
        result.source.amount
    );
}

fn told(result: &Reconciliation) -> Vec<(Cause, u64, String)> {
    let told = result
        .causes
        .iter()
        .map(|cause| (cause.cause, cause.records, cause.amount.to_string()));
    told.collect()
}

#[test]
fn every_difference_is_explained_by_its_cause_to_the_last_digit() {
    let mut books = Books::new(&[STAGE]);
    books.load(&[
        ("1", "x", "10.00", "plain"),
        ("2", "x", "-3.50", "plain"),
        ("3", "null", "7.00", "plain"),
        ("4", "y", "1.125", "plain"),
        ("5", "y", "2.00", "skipped"),
        ("6", "z", "none", "plain"),
        ("7", "z", "0.00000000000000000000000000001", "plain"),
    ]);
    let applied = books.apply();
    let result = &applied.reconciled[0].reconciliations[0];
    adds_up(result);
    assert!(result.holds, "{result:#?}");
    assert_eq!(
        told(result),
        [
            (Cause::Refused, 2, "0".to_owned()),
            (Cause::Filtered, 1, "-2.00".to_owned()),
            (Cause::Rounding, 1, "-0.005".to_owned()),
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
    assert_eq!(books.state(0), StageState::Applied);
}

#[test]
fn what_changed_since_is_told_apart_from_what_the_stage_did() {
    let mut books = Books::new(&[STAGE]);
    books.load(&[
        ("1", "x", "10.00", "plain"),
        ("2", "x", "5.00", "plain"),
        ("3", "y", "1.00", "plain"),
    ]);
    books.apply();
    books.load(&[("2", "x", "6.00", "plain"), ("4", "y", "2.00", "plain")]);
    let by_hand = r#"{"id":"1","account":"x","amount":"11.00","kind":"plain"}"#.to_owned();
    let put = [Edit::Put {
        id: "1".to_owned(),
        data: by_hand,
    }];
    edit(&mut books.store, "b", &put, &Purpose::new("edit")).expect("an edit");
    let result = &books.reconcile()[0].reconciliations[0];
    assert!(result.holds);
    assert_eq!(
        told(result),
        [
            (Cause::NotCarried, 1, "-2.00".to_owned()),
            (Cause::EditedSince, 2, "0.00".to_owned())
        ]
    );
    // Carried, nothing is left of it but the edit in the target, which stands.
    books.apply();
    let result = &books.reconcile()[0].reconciliations[0];
    assert_eq!(told(result), [(Cause::EditedSince, 1, "1.00".to_owned())]);
    edit(
        &mut books.store,
        "a",
        &[Edit::Delete { id: "3".to_owned() }],
        &Purpose::new("edit"),
    )
    .expect("an edit");
    let result = &books.reconcile()[0].reconciliations[0];
    assert_eq!(told(result), [(Cause::EditedSince, 2, "2.00".to_owned())]);
}

#[test]
fn what_was_put_into_the_target_by_hand_has_no_source_and_is_told_of() {
    let mut books = Books::new(&[STAGE, IN_PLACE]);
    books.load(&[("1", "x", "10.00", "plain")]);
    books.apply();
    let by_hand = r#"{"id":"9","account":"x","amount":"4.00","kind":"plain"}"#.to_owned();
    let put = [Edit::Put {
        id: "9".to_owned(),
        data: by_hand,
    }];
    edit(&mut books.store, "b", &put, &Purpose::new("edit")).expect("an edit");
    let stages = books.reconcile();
    let result = &stages[0].reconciliations[0];
    assert_eq!(told(result), [(Cause::EditedSince, 1, "4.00".to_owned())]);
    assert_eq!((result.source.records, result.target.records), (1, 2));
}

#[test]
fn what_nothing_explains_keeps_the_stage_from_being_applied_until_it_is_rolled_back() {
    let mut books = Books::new(&[STAGE, IN_PLACE]);
    books.load(&[
        ("1", "x", "10.00", "plain"),
        ("2", "wrong", "5.00", "plain"),
        ("3", "wrong", "1.00", "plain"),
    ]);
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
        (books.state(0), books.state(1)),
        (StageState::Applied, StageState::Unreconciled)
    );
    let view = "SELECT group_concat(number || ' ' || name || ' ' || difference || ' ' || unexplained || ' ' || holds, '; ')
     FROM audit_reconciliation";
    let seen: String = Connection::open(books.store.path())
        .and_then(|store| store.query_row(view, [], |row| row.get(0)))
        .expect("the view");
    assert_eq!(seen, "1 by account 0.00 0 1; 2 in place 0.02 0.02 0");
    // The first stage is measured as it left the rows, though the second has changed them since.
    let again = books.reconcile();
    assert!(again[0].is_reconciled() && !again[1].is_reconciled());
    // Of 0.01, which is what is allowed, nothing is said.
    let options = RollbackOptions {
        scope: Scope::All,
        ..RollbackOptions::default()
    };
    rollback(&mut books.store, "books", &options, &mut Silent).expect("a rollback");
    assert_eq!(books.state(1), StageState::Pending);
    books.load(&[("3", "right", "1.00", "plain")]);
    let applied = books.apply();
    assert!(
        applied.reconciled.iter().all(StageReconciled::is_reconciled),
        "{applied:#?}"
    );
    assert_eq!(
        applied.reconciled[1].reconciliations[0].unexplained.to_string(),
        "0.01"
    );
    assert_eq!(books.state(1), StageState::Applied);
}

#[test]
fn an_increment_is_reconciled_alone_and_a_failed_one_is_remembered() {
    let mut books = Books::new(&[STAGE, IN_PLACE]);
    books.load(&[("1", "x", "10.00", "plain"), ("2", "x", "5.00", "plain")]);
    books.apply();
    books.load(&[("3", "wrong", "1.00", "plain"), ("4", "wrong", "1.00", "plain")]);
    let applied = books.apply();
    let result = &applied.reconciled[1];
    assert!(!result.whole && !result.is_reconciled());
    assert_eq!(result.reconciliations[0].source.records, 2);
    books.load(&[("5", "x", "1.00", "plain")]);
    assert!(books.apply().reconciled[1].is_reconciled());
    assert_eq!(
        books.state(1),
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
fn a_waived_refusal_is_told_as_waived() {
    let mut books = Books::new(&[STAGE]);
    books.load(&[("1", "x", "10.00", "plain"), ("2", "x", "3.00", "plain")]);
    let stricter =
        STAGE.to_owned() + "[contract]\ntarget = { properties = { amount = { pattern = \"^1\" } } }\n";
    books.stages = stages(&[&stricter]);
    books.apply();
    assert_eq!(
        told(&books.reconcile()[0].reconciliations[0]),
        [(Cause::Refused, 1, "-3.00".to_owned())]
    );
    waive(
        &mut books.store,
        "books",
        &Selected::default(),
        &Purpose::new("waive"),
    )
    .expect("a waiver");
    assert_eq!(
        told(&books.reconcile()[0].reconciliations[0]),
        [(Cause::Waived, 1, "-3.00".to_owned())]
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
    let mut books = Books::new(&[STAGE]);
    books.load(&[("1", "x", "10.00", "plain")]);
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
    let mut books = Books::new(&[STAGE]);
    books.load(&[
        ("1", "x", "99999999999999999999999999.00", "plain"),
        ("2", "y", "0.01", "plain"),
    ]);
    books.apply();
    let large: Vec<String> = (3..2_000).map(|id| id.to_string()).collect();
    let lines: Vec<_> = large
        .iter()
        .map(|id| (id.as_str(), "x", "99999999999999999999999999.00", "plain"))
        .collect();
    books.load(&lines);
    let options = ApplyOptions::default();
    let refused = apply(&mut books.store, &books.stages, &options, &mut Silent).expect_err("too large a sum");
    assert!(refused.to_string().contains("more than 28 digits"), "{refused}");
}

fn project(name: &str) -> counterfoil::project::Project {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(name);
    counterfoil::project::Project::open(&folder).expect("a shipped project")
}

fn carried(name: &str, database: &str, records: &Path, id: &str) -> (tempfile::TempDir, ApplyReport) {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("store.db");
    let mut store =
        Store::open_or_create(path, StoreOptions::default(), Surroundings::default()).expect("a store");
    let input = std::fs::File::open(records).expect("the records");
    let options = LoadOptions {
        id_field: id.to_owned(),
        ..LoadOptions::default()
    };
    load(
        &mut store,
        database,
        "records.ndjson",
        input,
        &options,
        &mut Silent,
    )
    .expect("a load");
    let options = ApplyOptions {
        max_errors: Some(MaxErrors::Count(1_000)),
        ..ApplyOptions::default()
    };
    let report = apply(&mut store, project(name).stages(), &options, &mut Silent).expect("an apply");
    report
        .reconciled
        .iter()
        .flat_map(|stage| &stage.reconciliations)
        .for_each(adds_up);
    (folder, report)
}

#[test]
fn the_variant_that_recomputes_the_total_is_caught_with_its_sum() {
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/shop/records/orders_v1.ndjson");
    let (_folder, kept) = carried("shop", "orders_v1", &records, "order_id");
    assert!(kept.reconciled[0].is_reconciled());
    let (_folder, recomputed) = carried("shop_recompute", "orders_v1", &records, "order_id");
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
    let (_folder, applied) = carried("shop", "orders_v1", &records, "order_id");
    for result in &applied.reconciled[0].reconciliations {
        assert!(result.holds, "{result:#?}");
        assert_eq!(
            told(result),
            [(Cause::Refused, 708, result.difference.to_string())]
        );
        assert_eq!(result.difference.to_string(), "-1071379.84");
    }
}
