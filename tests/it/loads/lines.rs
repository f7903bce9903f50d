//! A refused line keeps the id that could be read, and leaves quarantine when it passes, with the load that brought it.

use counterfoil::RunInfo;
use counterfoil::edit::{Edit, edit};
use counterfoil::input::Format;
use counterfoil::load::LoadOptions;
use counterfoil::observe::Silent;
use counterfoil::path::Path;
use counterfoil::quarantine::Selected;
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};

use super::{Loads, counts};

const BROKEN: &str =
    "{\"id\":\"A\",\"v\":1}\n{\"id\":\"B\",\"v\":\n{\"id\":\"A\",\"v\":2}\nnonsense\n{\"id\":\"C\"}\n";
const MENDED: &str = "{\"id\":\"A\",\"v\":1}\n{\"id\":\"B\",\"v\":2}\n{\"id\":\"D\",\"v\":2}\n{\"id\":\"E\"}\n{\"id\":\"C\"}\n";

fn some(line: u64, id: &str) -> (u64, Option<String>) {
    (line, Some(id.to_owned()))
}

fn again() -> LoadOptions {
    LoadOptions::default().again(true)
}

fn take_back(loads: &mut Loads, run: Option<counterfoil::record::RunId>) {
    let options = RollbackOptions::default().scope(RollbackScope::Run(run.expect("a run")));
    rollback(&mut loads.store, "none", &options, &mut Silent).expect("a rollback");
    loads.is_sound();
}

#[test]
fn a_refused_line_keeps_its_id_and_names_file_and_database() {
    let mut loads = Loads::new();
    let report = loads.file("x.ndjson", BROKEN);
    assert_eq!(report.counts.refused, 3);
    assert_eq!(loads.standing(), [some(2, "B"), some(3, "A"), (4, None)]);
    for refused in loads.quarantine() {
        let names = (refused.source.as_deref(), refused.database.as_deref());
        assert_eq!(names, (Some("x.ndjson"), Some("a")));
    }
    let by_id = Selected::default().id("B".to_owned());
    let found = loads.store.quarantine("none", &by_id, 9).expect("a list");
    assert_eq!(found.len(), 1, "it is found under its id");
    let traced = loads.store.trace("a", "B").expect("a life");
    assert_eq!(traced.len(), 1);
    loads.is_sound();
}

#[test]
fn a_row_of_csv_keeps_the_id_of_its_first_column_alone() {
    let mut loads = Loads::new();
    let csv = "id,name\n1,a,b\n2\n\"3\",\"x\"y\n4,ok\n\"5\"x,z,z\n";
    loads.file("first.csv", csv);
    // Of a row of one field, nothing tells that it ends there.
    assert_eq!(
        loads.standing(),
        [some(2, "1"), (3, None), some(4, "3"), (6, None)]
    );
    let mut loads = Loads::new();
    loads.file("second.csv", "name,id\na,b,1\nc,2\n");
    assert_eq!(loads.standing(), [(2, None)], "which of them would it be");
    loads.is_sound();
}

#[test]
fn an_id_that_a_stage_redacts_is_not_kept() {
    let mut loads = Loads::new();
    let options = LoadOptions::default().redact(vec![Path::field("id")]);
    loads.file_with("x.ndjson", BROKEN, &options);
    assert_eq!(loads.standing(), [(2, None), (3, None), (4, None)]);
    // The place tells all the same.
    let report = loads.file_with("x.ndjson", MENDED, &options);
    assert_eq!((report.counts.filtered, loads.standing().len()), (3, 0));
    loads.is_sound();
}

#[test]
fn a_line_that_passes_leaves_quarantine_with_the_load_that_brought_it() {
    let mut loads = Loads::new();
    loads.file("x.ndjson", BROKEN);
    let report = loads.file("x.ndjson", MENDED);
    // The third line is another record now: the one that was refused there is still missing.
    assert_eq!(
        (
            report.counts.read,
            report.counts.written,
            report.counts.unchanged,
            report.counts.filtered
        ),
        (8, 3, 2, 3)
    );
    assert!(loads.standing().is_empty());
    let run = report.run.expect("a run");
    let sql = format!(
        "SELECT count(*) FROM ledger_entry e JOIN ledger_batch b USING(batch) WHERE b.run={run} AND e.outcome=3
         AND e.before IS NULL AND e.after IS NULL AND e.reason->>'$.code'='load.passed'
         AND e.reason->>'$.record' IN (SELECT record FROM a)"
    );
    assert_eq!(loads.number(&sql), 3, "the entry says for which record");
    loads.is_sound();
    take_back(&mut loads, report.run);
    assert_eq!(
        loads.standing(),
        [some(2, "B"), some(3, "A"), (4, None)],
        "it stands refused again"
    );
}

#[test]
fn a_record_passes_under_its_id_wherever_it_stands() {
    let mut loads = Loads::new();
    loads.file("x.ndjson", BROKEN);
    let moved = "{\"id\":\"Z\"}\n{\"id\":\"Y\"}\n{\"id\":\"B\",\"v\":2}\n";
    let report = loads.file("x.ndjson", moved);
    assert_eq!((report.counts.written, report.counts.filtered), (3, 1));
    assert_eq!(loads.standing(), [some(3, "A"), (4, None)]);
    // Not of another file, and not where the line itself comes again.
    loads.file("y.ndjson", "{\"id\":\"A\",\"v\":1}\n");
    loads.file_with("x.ndjson", BROKEN, &again());
    assert_eq!(loads.standing(), [some(2, "B"), some(3, "A"), (4, None)]);
    loads.is_sound();
}

#[test]
fn what_was_written_over_passes() {
    let mut loads = Loads::new();
    let there = "{\"id\":\"A\",\"v\":1}\n";
    let other = "{\"id\":\"A\",\"v\":2}\n";
    loads.file("there.ndjson", there);
    loads.file("x.ndjson", other);
    assert_eq!(loads.standing(), [some(1, "A")]);
    let options = again().replace(true);
    let report = loads.file_with("x.ndjson", other, &options);
    assert_eq!((report.counts.written, report.counts.filtered), (1, 1));
    assert_eq!(loads.standing(), []);
    loads.is_verified();
}

#[test]
fn what_comes_twice_is_not_written_over() {
    let mut loads = Loads::new();
    loads.file("x.ndjson", BROKEN);
    let refused = loads.standing();
    let options = again().replace(true);
    let report = loads.file_with("x.ndjson", BROKEN, &options);
    assert_eq!((report.counts.written, report.counts.filtered), (0, 0));
    assert_eq!(loads.standing(), refused);
    loads.is_verified();
}

#[test]
fn another_file_of_the_name_corrects_no_line_without_an_id() {
    let mut loads = Loads::new();
    loads.file("daily.ndjson", "{\"id\":\"A\"}\nnonsense\n{\"id\":\"B\"}\n");
    loads.file("daily.ndjson", "{\"id\":\"C\"}\n{\"id\":\"D\"}\n{\"id\":\"E\"}\n");
    assert_eq!(
        loads.standing(),
        [(2, None)],
        "tuesday's second line is not monday's"
    );
    let report = loads.file("daily.ndjson", "{\"id\":\"A\"}\n{\"id\":\"F\"}\n{\"id\":\"B\"}\n");
    assert_eq!((report.counts.filtered, loads.standing().len()), (1, 0));
    loads.is_sound();
}

#[test]
fn elements_on_one_line_have_no_place() {
    let mut loads = Loads::new();
    let array = LoadOptions::default().format(Format::Array);
    loads.file_with("x.json", "[{\"id\":\"A\"},7,{\"id\":\"B\",\"v\":}]", &array);
    assert_eq!(loads.standing(), [(1, None), some(1, "B")]);
    loads.file_with("x.json", "[{\"id\":\"A\"},7,{\"id\":\"B\",\"v\":1}]", &array);
    assert_eq!(loads.standing(), [(1, None)]);
    loads.is_sound();
}

#[test]
fn a_mended_file_that_is_cut_anywhere_settles_the_same_lines() {
    // Lines settle at their place, at the end of the input, and come again.
    let broken = BROKEN.to_owned() + "{\"id\":\"F\",\"v\":\n{\"id\":\"G\",\"v\":\nmore nonsense\n";
    let mended = MENDED.replace("\"D\"", "\"F\"")
        + "{\"id\":\"H\"}\n{\"id\":\"G\",\"v\":\nmore nonsense\n{\"id\":\"I\"}\n";
    let rows = |loads: &Loads| {
        loads.text(
            "SELECT group_concat(text,';') FROM (SELECT b.pass||' '||b.step||' '||coalesce(b.cursor,'')||' '||
             coalesce(b.body,'')||' '||coalesce((SELECT group_concat(e.record||','||e.outcome||','||coalesce(e.reason,''),'|')
             FROM ledger_entry e WHERE e.batch=b.batch),'') AS text FROM ledger_batch b ORDER BY b.batch)",
        )
    };
    let mut whole = Loads::new();
    whole.file("x.ndjson", &broken);
    whole.file("x.ndjson", &mended);
    assert_eq!(whole.standing(), [some(7, "G"), (8, None)]);
    let batches = whole.number("SELECT count(*) FROM ledger_batch WHERE pass=3 AND step='data'");
    assert!(
        batches > 5,
        "the last batch is that of the lines that settle at the end"
    );
    for cut in 1..=batches {
        let mut loads = Loads::new();
        loads.file("x.ndjson", &broken);
        loads.cut("x.ndjson", &mended, usize::try_from(cut).expect("a few"));
        loads.is_sound();
        let report = loads.file("x.ndjson", &mended);
        assert!(report.resumed, "cut after batch {cut}");
        assert_eq!(rows(&loads), rows(&whole), "cut after batch {cut}");
        loads.is_sound();
    }
}

#[test]
fn a_load_of_what_is_unchanged_counts_only_its_records() {
    let mut loads = Loads::new();
    loads.file("x.ndjson", "{\"id\":\"A\"}\n");
    assert_eq!(
        loads.file_with("x.ndjson", "{\"id\":\"A\"}\n", &again()).counts,
        counts(1, 0, 1)
    );
}

#[test]
fn a_record_that_was_deleted_is_found_beneath_the_lines_that_were_refused_under_its_id() {
    let mut loads = Loads::new();
    loads.file("x.ndjson", BROKEN);
    let delete = [Edit::Delete { id: "A".to_owned() }];
    edit(&mut loads.store, "a", &delete, &RunInfo::new("delete")).expect("a deletion");
    // Its number, and not that of the refused line, which is larger.
    let options = RollbackOptions::default().scope(RollbackScope::Record {
        database: "a".to_owned(),
        id: "A".to_owned(),
    });
    rollback(&mut loads.store, "none", &options, &mut Silent).expect("a rollback");
    assert_eq!(loads.data("A"), "{\"id\":\"A\",\"v\":1}");
    let traced = loads.store.trace("a", "A").expect("a life");
    let outcomes: Vec<&str> = traced.iter().map(|step| step.outcome.as_str()).collect();
    assert_eq!(outcomes, ["written", "refused", "written", "written"]);
    loads.is_sound();
}
