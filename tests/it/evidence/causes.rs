//! A cause is named only where the ledger has an entry of that kind; what is lost otherwise is unexplained.

use counterfoil::Purpose;
use counterfoil::apply::{ApplyOptions, ApplyReport, apply};
use counterfoil::edit::{Edit, edit};
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Silent;
use counterfoil::quarantine::{Selected, retry, waive};
use counterfoil::reconcile::{Cause, ReconcileOptions, Reconciliation, StageReconciled, reconcile};
use counterfoil::rollback::{RollbackOptions, Scope, rollback};
use counterfoil::stage::{Lookup, MaxErrors, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::surroundings::Surroundings;
use counterfoil::verify::{VerifyOptions, verify};
use rusqlite::Connection;
use rust_decimal::Decimal;

/// Copies `a` to `b`; an amount that is no number is refused.
pub(super) const COPY: &str = r#"
[stage]
source = "a"
target = "b"

[[op]]
op = "decimal"
path = "amt"
emit = "number"

[[reconcile]]
name = "amounts"
source = "= doc.amt"
target = "= doc.amt"
"#;

/// The target's id is another: two records may come to the same.
pub(super) const REKEYED: &str = r#"
[stage]
source = "a"
target = "b"
id = "= doc.k"
on_conflict = "replace"

[[reconcile]]
name = "amounts"
source = "= doc.amt"
target = "= doc.amt"
"#;

/// Marks the records of `b` in place, and refuses what is no number.
pub(super) const MARK: &str = r#"
[stage]
source = "b"

[[op]]
op = "decimal"
path = "amt"
emit = "number"

[[op]]
op = "add"
path = "seen"
value = true

[[reconcile]]
name = "marked"
source = "= doc.amt"
target = "= doc.amt"
"#;

/// One record for each of `parts`; ids that are there already are skipped.
pub(super) const PARTS: &str = r#"
[stage]
source = "a"
target = "b"
id = "= doc.id"
on_conflict = "skip"

[[op]]
op = "derive"
path = "parts"

[[reconcile]]
name = "parts"
source = "= doc.total"
target = "= doc.amt"
"#;

pub(super) struct Ledger {
    _folder: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) stages: Stages,
    loads: u32,
}

impl Ledger {
    pub(super) fn new(texts: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let names = ["0001_first.toml", "0002_second.toml"];
        let stage =
            |(name, text): (&&str, &&str)| Stage::parse(name, text, &Lookup::nothing()).expect("a stage");
        let stages = names.iter().zip(texts).map(stage).collect();
        Self {
            store: Store::open_or_create(path, StoreOptions::default(), Surroundings::default())
                .expect("a store"),
            _folder: folder,
            stages: Stages::new("causes", stages).expect("numbers"),
            loads: 0,
        }
    }

    /// A store with records of `a` that the stages have carried.
    fn applied(texts: &[&str], records: &[&str]) -> Self {
        let mut ledger = Self::new(texts);
        ledger.load("a", records);
        ledger.apply();
        ledger
    }

    pub(super) fn load(&mut self, database: &str, records: &[&str]) {
        self.loads += 1;
        let (name, text) = (self.loads.to_string(), records.join("\n"));
        let options = LoadOptions {
            replace: true,
            ..LoadOptions::default()
        };
        load(
            &mut self.store,
            database,
            &name,
            text.as_bytes(),
            &options,
            &mut Silent,
        )
        .expect("a load");
    }

    pub(super) fn options() -> ApplyOptions {
        ApplyOptions {
            max_errors: Some(MaxErrors::Count(1_000)),
            ..ApplyOptions::default()
        }
    }

    fn apply(&mut self) -> ApplyReport {
        apply(&mut self.store, &self.stages, &Self::options(), &mut Silent).expect("an apply")
    }

    fn edit(&mut self, database: &str, edits: &[Edit]) {
        edit(&mut self.store, database, edits, &Purpose::new("edit")).expect("an edit");
    }

    fn delete(&mut self, database: &str, id: &str) {
        self.edit(database, &[Edit::Delete { id: id.to_owned() }]);
    }

    fn put(&mut self, database: &str, id: &str, data: &str) {
        let (id, data) = (id.to_owned(), data.to_owned());
        self.edit(database, &[Edit::Put { id, data }]);
    }

    /// What somebody does to the file without this program.
    pub(super) fn behind(&self, sql: &str) {
        let store = Connection::open(self.store.path()).expect("the file");
        store.execute_batch(sql).expect("what the test does");
    }

    /// The same to the ledger itself, which its triggers refuse.
    fn rewrite(&self, sql: &str) {
        self.behind(&format!(
            "DROP TRIGGER ledger_entry_update; DROP TRIGGER ledger_entry_delete; {sql}"
        ));
    }

    pub(super) fn reconcile(&mut self) -> Vec<StageReconciled> {
        let report = reconcile(&mut self.store, &self.stages, &ReconcileOptions::default());
        let stages = report.expect("a reconciliation").stages;
        for result in stages.iter().flat_map(|stage| &stage.reconciliations) {
            let explained: Decimal = result.causes.iter().map(|cause| cause.amount).sum();
            assert_eq!(explained, result.difference, "{result:#?}");
            assert_eq!(result.target.amount - result.source.amount, result.difference);
        }
        stages
    }

    /// What the first `[[reconcile]]` of the first stage came to.
    fn first(&mut self) -> Reconciliation {
        self.reconcile().remove(0).reconciliations.remove(0)
    }

    fn is_sound(&self) -> bool {
        verify(&self.store, &VerifyOptions::default())
            .expect("a verification")
            .is_sound()
    }
}

fn because(reason: &str) -> Purpose {
    Purpose {
        reason: Some(reason.to_owned()),
        ..Purpose::new("apply")
    }
}

/// Every cause with its ids and its amount, and whether it holds.
fn told(result: &Reconciliation) -> (String, bool) {
    let causes = result.causes.iter().map(|cause| {
        let by = if cause.by.is_empty() {
            String::new()
        } else {
            format!(" by {}", cause.by.join(","))
        };
        format!(
            "{} {}{by} {}",
            cause.cause.name(),
            cause.ids.join(","),
            cause.amount
        )
    });
    (causes.collect::<Vec<_>>().join("; "), result.holds)
}

fn says(result: &Reconciliation, causes: &str, holds: bool) {
    assert_eq!(told(result), (causes.to_owned(), holds), "{result:#?}");
}

const THREE: [&str; 3] = [
    r#"{"id":"1","amt":1.5}"#,
    r#"{"id":"2","amt":2.5}"#,
    r#"{"id":"3","amt":3.5}"#,
];

#[test]
fn a_row_that_is_deleted_behind_the_ledger_is_unexplained() {
    let mut ledger = Ledger::applied(&[COPY], &THREE);
    ledger.behind("DELETE FROM b WHERE id='2'");
    let result = ledger.first();
    says(&result, "unexplained 2 -2.5", false);
    assert_eq!(
        (result.discrepancies, result.unexplained.to_string().as_str()),
        (1, "-2.5")
    );
    assert!(!ledger.is_sound());
}

#[test]
fn a_row_that_is_changed_behind_the_ledger_is_unexplained() {
    let mut ledger = Ledger::applied(&[COPY], &THREE);
    ledger.behind(r#"UPDATE b SET data='{"id":"2","amt":200.5}' WHERE id='2'"#);
    says(&ledger.first(), "unexplained 2 198.0", false);
}

#[test]
fn two_rows_that_are_lost_behind_the_ledger_do_not_make_up_for_each_other() {
    let tolerant = COPY.to_owned() + "tolerance = \"5\"\n";
    let mut ledger = Ledger::applied(&[&tolerant], &[THREE[0], r#"{"id":"4","amt":-1.5}"#]);
    ledger.behind("DELETE FROM b");
    let result = ledger.first();
    says(&result, "unexplained 1,4 0.0", false);
    assert_eq!((result.discrepancies, result.behind), (0, 2));
}

#[test]
fn a_source_that_is_deleted_behind_the_ledger_is_unexplained() {
    let mut ledger = Ledger::applied(&[COPY], &THREE);
    ledger.behind("DELETE FROM a WHERE id='2'");
    says(&ledger.first(), "unexplained 2 2.5", false);
}

#[test]
fn a_row_that_is_deleted_by_hand_is_edited_since() {
    let mut ledger = Ledger::applied(&[COPY], &THREE);
    ledger.delete("b", "2");
    says(&ledger.first(), "edited since 2 -2.5", true);
    assert!(ledger.is_sound());
}

#[test]
fn a_source_that_is_deleted_by_hand_is_edited_until_the_stage_has_carried_that() {
    let mut ledger = Ledger::applied(&[COPY], &THREE);
    ledger.delete("a", "2");
    says(&ledger.first(), "edited since 2 2.5", true);
    ledger.apply();
    says(&ledger.first(), "", true);
}

#[test]
fn an_edit_vouches_for_nothing_that_happened_behind_the_ledger_after_it() {
    let mut ledger = Ledger::applied(&[COPY], &THREE);
    ledger.put("b", "2", r#"{"id":"2","amt":2.75}"#);
    says(&ledger.first(), "edited since 2 0.25", true);
    ledger.behind("DELETE FROM b WHERE id='2'");
    says(&ledger.first(), "unexplained 2 -2.5", false);
}

#[test]
fn an_edit_vouches_for_nothing_that_happened_behind_the_ledger_before_it() {
    let mut ledger = Ledger::applied(&[COPY], &THREE);
    ledger.behind(r#"UPDATE b SET data='{"id":"2","amt":0.5}' WHERE id='2'"#);
    ledger.delete("b", "2");
    says(&ledger.first(), "unexplained 2 -2.5", false);
}

#[test]
fn an_edit_vouches_for_nothing_that_the_stage_has_lost() {
    let wrong = COPY.replace(
        "[[reconcile]]",
        "[[op]]\nop = \"set\"\npath = \"amt\"\nvalue = \"= doc.amt - 1\"\n[[reconcile]]",
    );
    let mut ledger = Ledger::applied(&[&wrong], &THREE[..1]);
    ledger.put("b", "1", r#"{"id":"1","amt":10}"#);
    says(&ledger.first(), "edited since 1 9.5; unexplained 1 -1.0", false);
}

#[test]
fn an_edit_that_was_taken_back_is_no_cause() {
    let mut ledger = Ledger::applied(&[COPY], &THREE);
    ledger.put("b", "2", r#"{"id":"2","amt":7}"#);
    ledger.put("b", "2", r#"{"id":"2","amt":2.5}"#);
    says(&ledger.first(), "", true);
}

#[test]
fn what_a_later_stage_changes_is_its_own_affair() {
    let doubled = MARK.replace(
        "value = true",
        "value = true\n\n[[op]]\nop = \"set\"\npath = \"amt\"\nvalue = \"= doc.amt * 2\"",
    );
    let mut ledger = Ledger::applied(&[COPY, &doubled], &THREE[..1]);
    let stages = ledger.reconcile();
    says(&stages[0].reconciliations[0], "", true);
    says(&stages[1].reconciliations[0], "unexplained 1 1.5", false);
    // What the stage has done on top of an edit is no part of the edit.
    let mut ledger = Ledger::new(&[COPY, &doubled]);
    ledger.load("a", &THREE[..1]);
    let first = Stage::parse("0001_first.toml", COPY, &Lookup::nothing()).expect("a stage");
    let both = std::mem::replace(
        &mut ledger.stages,
        Stages::new("causes", vec![first]).expect("numbers"),
    );
    ledger.apply();
    ledger.put("b", "1", r#"{"id":"1","amt":4.5}"#);
    ledger.stages = both;
    ledger.apply();
    says(&ledger.first(), "edited since 1 3.0", true);
}

#[test]
fn a_row_of_a_stage_in_place_that_changes_behind_the_ledger_cannot_be_explained() {
    let mut ledger = Ledger::applied(&[COPY, MARK], &THREE);
    ledger.behind("DELETE FROM b WHERE id='2'");
    let stages = ledger.reconcile();
    says(&stages[0].reconciliations[0], "unexplained 2 -2.5", false);
    // What it had read stood in the row itself.
    let marked = &stages[1].reconciliations[0];
    says(marked, "unexplained 2 0", false);
    assert_eq!(marked.causes[0].unmeasured, 1);
}

#[test]
fn a_replaced_row_is_told_with_the_record_that_has_its_place() {
    let records = [
        r#"{"id":"1","k":"x","amt":0.1}"#,
        r#"{"id":"2","k":"x","amt":0.2}"#,
        r#"{"id":"3","k":"y","amt":1e3}"#,
    ];
    let mut ledger = Ledger::new(&[REKEYED]);
    ledger.load("a", &records);
    let applied = ledger.apply();
    says(
        &applied.reconciled[0].reconciliations[0],
        "replaced 1 by 2 -0.1",
        true,
    );
    says(&ledger.first(), "replaced 1 by 2 -0.1", true);
    // Codes are parsed: a reason may say more.
    ledger.rewrite(
        r#"UPDATE ledger_entry SET reason='{"holder":2,"code":"target.replaced"}' WHERE reason LIKE '%replaced%'"#,
    );
    says(&ledger.first(), "replaced 1 by 2 -0.1", true);
    // Without the entry nothing explains it.
    ledger.behind("DELETE FROM ledger_entry WHERE reason LIKE '%replaced%'");
    says(&ledger.first(), "unexplained 1 -0.1", false);
}

#[test]
fn what_a_later_pass_replaces_is_told_by_that_pass() {
    let mut ledger = Ledger::applied(&[REKEYED], &[r#"{"id":"1","k":"x","amt":0.1}"#]);
    ledger.load("a", &[r#"{"id":"2","k":"x","amt":0.2}"#]);
    let applied = ledger.apply();
    assert!(!applied.reconciled[0].whole);
    says(
        &applied.reconciled[0].reconciliations[0],
        "replaced 1 by 2 -0.1",
        true,
    );
    let last = RollbackOptions {
        scope: Scope::Run(applied.run.expect("a run")),
        ..RollbackOptions::default()
    };
    rollback(&mut ledger.store, "causes", &last, &mut Silent).expect("a rollback");
    says(&ledger.first(), "not carried yet 2 -0.2", true);
}

#[test]
fn a_record_that_was_skipped_for_another_is_told_so() {
    let skip = REKEYED.replace("\"replace\"", "\"skip\"");
    let records = [
        r#"{"id":"1","k":"x","amt":0.1}"#,
        r#"{"id":"2","k":"x","amt":0.2}"#,
    ];
    let mut ledger = Ledger::applied(&[&skip], &records);
    says(&ledger.first(), "skipped 2 -0.2", true);
}

#[test]
fn a_part_that_was_skipped_explains_its_own_amount_and_no_more() {
    let record = r#"{"id":"1","total":7,"parts":[{"id":"p","amt":1},{"id":"q","amt":2},{"id":"r","amt":4}]}"#;
    let mut ledger = Ledger::applied(&[PARTS], &[record]);
    says(&ledger.first(), "", true);
    ledger.rewrite(
        r#"UPDATE ledger_entry SET outcome=3, after=NULL, reason='{"code":"target.exists","holder":17}'
             WHERE part=2 AND reason IS NULL;
           DELETE FROM b WHERE id='q'"#,
    );
    says(&ledger.first(), "skipped 1 -2", true);
    ledger.behind("DELETE FROM b WHERE id='r'");
    says(&ledger.first(), "skipped 1 -2; unexplained 1 -4", false);
}

#[test]
fn of_a_refused_correction_the_old_copy_stands_and_is_stale() {
    let mut ledger = Ledger::applied(&[COPY], &THREE);
    let strict = COPY.to_owned() + "[contract]\nsource = { properties = { amt = { maximum = 9 } } }\n";
    ledger.stages = Ledger::new(&[&strict]).stages;
    let revised = ApplyOptions {
        revise: true,
        purpose: because("stricter"),
        ..Ledger::options()
    };
    ledger.load("a", &[r#"{"id":"2","amt":20}"#]);
    let applied = apply(&mut ledger.store, &ledger.stages, &revised, &mut Silent).expect("an apply");
    assert_eq!(applied.passes[0].counts.refused, 1);
    let result = ledger.first();
    says(&result, "stale 2 -17.5", true);
    assert_eq!(result.target.records, 3, "the copy is measured: it stands");
    // The copy is lost behind the ledger: the refusal does not vouch for it.
    ledger.behind("DELETE FROM b WHERE id='2'");
    says(&ledger.first(), "unexplained 2 -20", false);
}

#[test]
fn a_stale_copy_that_is_deleted_by_hand_leaves_a_refusal_and_an_edit() {
    let mut ledger = Ledger::applied(&[COPY], &THREE);
    ledger.load("a", &[r#"{"id":"2","amt":"two"}"#]);
    ledger.apply();
    let result = ledger.first();
    says(&result, "stale 2 2.5", true);
    assert_eq!(result.causes[0].unmeasured, 1);
    ledger.delete("b", "2");
    let (causes, holds) = told(&ledger.first());
    assert!(holds && causes.ends_with("edited since 2 -2.5"), "{causes}");
    assert!(causes.starts_with("refused 2"), "no copy stands: {causes}");
}

#[test]
fn what_is_refused_and_waived_in_place_keeps_its_amount() {
    let strict = MARK.to_owned() + "[contract]\nsource = { properties = { amt = { maximum = 3 } } }\n";
    let mut ledger = Ledger::applied(&[COPY, &strict], &THREE);
    says(&ledger.reconcile()[1].reconciliations[0], "refused 3 -3.5", true);
    waive(
        &mut ledger.store,
        "causes",
        &Selected::default(),
        &Purpose::new("waive"),
    )
    .expect("a waiver");
    let stages = ledger.reconcile();
    says(&stages[0].reconciliations[0], "", true);
    says(&stages[1].reconciliations[0], "waived 3 -3.5", true);
}

#[test]
fn what_is_let_in_from_quarantine_in_place_needs_no_explanation() {
    let mut ledger = Ledger::applied(
        &[
            COPY,
            &(MARK.to_owned() + "[contract]\nsource = { properties = { amt = { maximum = 3 } } }\n"),
        ],
        &THREE,
    );
    ledger.stages = Ledger::new(&[COPY, MARK]).stages;
    let revised = ApplyOptions {
        revise: true,
        purpose: because("3.5 is allowed"),
        ..Ledger::options()
    };
    retry(
        &mut ledger.store,
        &ledger.stages,
        &Selected::default(),
        &revised,
        &mut Silent,
    )
    .expect("a retry");
    let stages = ledger.reconcile();
    says(&stages[1].reconciliations[0], "", true);
    assert_eq!(stages[1].reconciliations[0].source.records, 3);
}

/// Copies whatever it is.
const ANYTHING: &str = r#"
[stage]
source = "a"
target = "b"

[[reconcile]]
name = "amounts"
source = "= decimal(doc.amt)"
target = "= decimal(doc.amt)"
"#;

#[test]
fn an_amount_that_nobody_can_read_on_either_side_is_explained_by_that() {
    let mut ledger = Ledger::applied(&[ANYTHING], &[THREE[0], r#"{"id":"9","amt":"nine"}"#]);
    let result = ledger.first();
    says(&result, "unreadable 9 0", true);
    assert_eq!(result.causes[0].unmeasured, 1);
}

#[test]
fn an_amount_that_can_be_read_on_one_side_is_not() {
    let lossy = ANYTHING.replace(
        "[[reconcile]]",
        "[[op]]\nop = \"set\"\npath = \"amt\"\nvalue = \"= if doc.id == \\\"2\\\" { \\\"lost\\\" } else { doc.amt }\"\n[[reconcile]]",
    );
    let mut ledger = Ledger::applied(&[&lossy], &THREE);
    let result = ledger.first();
    says(&result, "unexplained 2 -2.5", false);
    assert_eq!(result.causes[0].unmeasured, 1);
}

#[test]
fn where_nothing_could_be_measured_nothing_is_reconciled() {
    let slip = ANYTHING.replace("decimal(doc.amt)", "decimal(doc.amount)");
    let mut ledger = Ledger::applied(&[&slip], &THREE);
    let result = ledger.first();
    says(&result, "unexplained 1,2,3 0", false);
    assert_eq!(result.causes[0].unmeasured, 3);
}

#[test]
fn an_unreadable_record_that_changes_behind_the_ledger_is_unexplained() {
    let mut ledger = Ledger::applied(&[ANYTHING], &[THREE[0], r#"{"id":"9","amt":"nine"}"#]);
    ledger.behind(r#"UPDATE b SET data='{"id":"9","amt":"ten"}' WHERE id='9'"#);
    says(&ledger.first(), "unexplained 9 0", false);
}

#[test]
fn what_an_earlier_stage_writes_anew_waits_for_the_next() {
    let second = COPY
        .replace("\"b\"", "\"c\"")
        .replace("source = \"a\"", "source = \"b\"");
    let mut ledger = Ledger::applied(&[COPY, &second], &THREE);
    ledger.load("a", &[r#"{"id":"2","amt":7}"#]);
    let first = ApplyOptions {
        to: Some(1),
        ..Ledger::options()
    };
    apply(&mut ledger.store, &ledger.stages, &first, &mut Silent).expect("an apply");
    let stages = ledger.reconcile();
    says(&stages[0].reconciliations[0], "", true);
    says(&stages[1].reconciliations[0], "not carried yet 2 -4.5", true);
    ledger.apply();
    says(&ledger.reconcile()[1].reconciliations[0], "", true);
}

/// Headers and lines of one source: the lines are to add up to what the header says.
const LINES: &str = r#"
[stage]
source = "a"
target = "b"
where = '= doc.model == "line"'

[into]
invoice = "= doc.invoice"
amount = "= doc.price"

[[reconcile]]
name = "lines"
source = '= if doc.model == "invoice" { doc.total } else { 0 }'
target = "= doc.amount"
by = { source = '= if doc.model == "invoice" { text(doc.pk) } else { "none" }', target = "= text(doc.invoice)" }

[[reconcile]]
name = "all of it"
source = '= if doc.model == "invoice" { doc.total } else { 0 }'
target = "= doc.amount"
"#;

#[test]
fn lines_make_up_for_the_header_that_was_filtered_where_they_add_up_to_it() {
    let records = [
        r#"{"id":"i1","model":"invoice","pk":1,"total":3.97}"#,
        r#"{"id":"l1","model":"line","invoice":1,"price":1.98}"#,
        r#"{"id":"l2","model":"line","invoice":1,"price":1.99}"#,
    ];
    let mut ledger = Ledger::applied(&[LINES], &records);
    let [lines, all] = &ledger.reconcile().remove(0).reconciliations[..] else {
        panic!("two")
    };
    says(lines, "filtered i1 -3.97; counterpart of filtered l1 3.97", true);
    assert_eq!(lines.causes[1].records, 2);
    assert_eq!(lines.causes[1].cause, Cause::Counterpart);
    // Without a key it could be any other record that makes up for the header.
    says(all, "filtered i1 -3.97; unexplained l1,l2 3.97", false);
    ledger.load(
        "a",
        &[
            r#"{"id":"i2","model":"invoice","pk":2,"total":5.00}"#,
            r#"{"id":"l3","model":"line","invoice":2,"price":4.99}"#,
        ],
    );
    ledger.apply();
    let result = ledger.first();
    assert_eq!((result.holds, result.discrepancies), (false, 1));
    assert_eq!(result.keys[0].key.as_deref(), Some("2"));
    assert_eq!(result.keys[0].difference.to_string(), "-0.01");
}
