//! A file is known by its bytes: loaded to its end it is not loaded again by itself, cut off it goes on, whatever it is
//! called, and another file of its name is another file.

use counterfoil::load::LoadOptions;
use counterfoil::observe::Silent;
use counterfoil::record::RunId;
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};
use sha2::{Digest as _, Sha256};

use super::{Loads, counts, records};

#[test]
fn a_file_that_was_loaded_to_its_end_is_known_and_not_loaded_again() {
    let mut loads = Loads::new();
    let monday = records("m", 1, 5) + "\n\n";
    let first = loads.replacing("mon.ndjson", &monday);
    assert!(first.processed && first.known.is_none());
    let body = loads.text("SELECT body FROM ledger_batch WHERE step='end' ORDER BY batch DESC LIMIT 1");
    let body: serde_json::Value = serde_json::from_str(&body).expect("a remark");
    let sha256 = hex::encode(Sha256::digest(monday.as_bytes()));
    assert_eq!(
        body["sha256"],
        sha256.as_str(),
        "of all of it, blank lines included"
    );
    assert_eq!(body["bytes"], monday.len());

    loads.replacing("tue.ndjson", "{\"id\":\"m1\",\"v\":\"tuesday\"}\n");
    let batches = loads.batches();
    for name in ["mon.ndjson", "copy.ndjson"] {
        let report = loads.replacing(name, &monday);
        let known = report.known.expect("it is known");
        assert!(!report.processed && report.run.is_none(), "{name}");
        assert_eq!(
            (known.run, known.sha256),
            (first.run.expect("a run"), sha256.clone())
        );
    }
    assert_eq!(loads.batches(), batches, "nothing is written");
    assert_eq!(loads.data("m1"), "{\"id\":\"m1\",\"v\":\"tuesday\"}");

    let again = LoadOptions::default().replace(true).again(true);
    let report = loads.file_with("mon.ndjson", &monday, &again);
    assert!(report.processed && report.known.is_none());
    assert_eq!(report.counts, counts(5, 1, 4));
    loads.is_sound();
}

#[test]
fn what_is_read_otherwise_or_longer_or_was_taken_back_is_another_load() {
    let mut loads = Loads::new();
    let text = "{\"id\":\"1\",\"key\":\"k\"}\n";
    let first = loads.file("x.ndjson", text);
    let by_key = LoadOptions::default().id_field("key");
    assert!(
        loads.file_with("x.ndjson", text, &by_key).processed,
        "under another id"
    );
    let longer = loads.file("x.ndjson", &(text.to_owned() + "{\"id\":\"2\"}\n"));
    assert_eq!(longer.counts, counts(2, 1, 1), "with more at its end");
    assert!(!loads.file("x.ndjson", text).processed);
    let options = RollbackOptions::default().scope(RollbackScope::Run(first.run.expect("a run")));
    rollback(&mut loads.store, "none", &options, &mut Silent).expect("a rollback");
    assert!(
        loads.file("x.ndjson", text).processed,
        "what was taken back may come again"
    );
    loads.is_sound();
}

#[test]
fn a_stream_is_known_once_it_is_read() {
    let mut loads = Loads::new();
    let text = records("m", 1, 3);
    assert!(loads.stream("-", &text).expect("a load").known.is_none());
    let report = loads.stream("-", &text).expect("a load");
    assert_eq!((report.processed, report.counts), (true, counts(3, 0, 3)));
    assert_eq!(report.known.expect("it is known").run, 2);
    assert!(
        !loads.file("m.ndjson", &text).processed,
        "the file of a stream is known too"
    );
    loads.is_sound();
}

#[test]
fn a_cut_load_does_not_stand_in_the_way_of_another_file_of_its_name() {
    let (monday, tuesday) = (records("m", 1, 9), records("t", 1, 3));
    let mut loads = Loads::new();
    loads.cut("daily.ndjson", &monday, 2);
    let report = loads.file("daily.ndjson", &tuesday);
    assert!(report.stopped.is_none() && !report.resumed);
    assert_eq!(report.counts, counts(3, 3, 0));
    let [open] = report.open.as_slice() else {
        panic!("{:?}", report.open)
    };
    assert_eq!(
        (open.source.as_deref(), open.lines, open.begun_in),
        (Some("daily.ndjson"), Some(4), RunId::new(2))
    );
    assert_eq!(open.go_on, ["load", "a", "daily.ndjson"]);
    assert!(
        !loads.file("daily.ndjson", &tuesday).processed,
        "every later night"
    );

    // Monday's file goes on under any name, and from where it was.
    let report = loads.file("monday.ndjson", &monday);
    assert!(report.resumed && report.overtaken);
    assert_eq!(report.begun_as.as_deref(), Some("daily.ndjson"));
    assert_eq!(report.counts, counts(9, 9, 0));
    assert!(report.open.is_empty() && loads.store.unfinished().expect("a list").is_empty());
    assert!(
        !loads.file("daily.ndjson", &monday).processed,
        "and is known as a whole then"
    );
    loads.is_sound();
}

#[test]
fn of_a_cut_file_that_has_grown_the_rest_is_loaded() {
    let mut loads = Loads::new();
    loads.cut("log.ndjson", &records("m", 1, 6), 1);
    let report = loads.file("log.ndjson", &records("m", 1, 9));
    assert!(report.resumed);
    assert_eq!(report.counts, counts(9, 9, 0));
    loads.is_sound();
}

#[test]
fn giving_up_ends_what_has_the_name_and_says_what_it_was() {
    let (monday, tuesday) = (records("m", 1, 9), records("t", 1, 9));
    let mut loads = Loads::new();
    loads.cut("daily.ndjson", &monday, 2);
    loads.cut("daily.ndjson", &tuesday, 1);
    loads.cut("other.ndjson", &records("o", 1, 9), 1);
    let restart = LoadOptions::default().restart(true);
    let report = loads.file_with("daily.ndjson", &tuesday, &restart);
    let mut given_up: Vec<_> = report
        .given_up
        .iter()
        .map(|load| (load.begun_in, load.lines, load.stay()))
        .collect();
    given_up.sort_unstable();
    assert_eq!(
        given_up,
        [(RunId::new(2), Some(4), 4), (RunId::new(3), Some(2), 2)]
    );
    assert_eq!(report.counts, counts(9, 7, 2), "from its beginning");
    assert_eq!(report.open.len(), 1, "the other file's load stands");
    assert!(
        loads.file("daily.ndjson", &monday).processed,
        "what was given up is not known"
    );
    loads.is_sound();
}

#[test]
fn a_stream_that_begins_otherwise_is_another_one_and_one_that_changes_later_is_refused() {
    let mut loads = Loads::new();
    let monday = records("m", 1, 9);
    loads.cut("-", &monday, 2);
    let report = loads.stream("-", &records("t", 1, 9)).expect("another stream");
    assert_eq!((report.resumed, report.counts), (false, counts(9, 9, 0)));
    assert_eq!(report.open.len(), 1);
    let short = loads.stream("-", "{\"id\":\"x\"}\n").expect("a shorter one");
    assert!(!short.resumed);
    let changed = records("m", 1, 2) + &records("t", 1, 9);
    let error = loads
        .stream("-", &changed)
        .expect_err("changed behind its first batch");
    assert_eq!(error.code(), "input.changed");
    let report = loads.stream("-", &monday).expect("the same stream");
    assert_eq!((report.resumed, report.counts), (true, counts(9, 9, 0)));
    loads.is_sound();
}

#[test]
fn a_load_that_is_being_taken_back_does_not_go_on() {
    let mut loads = Loads::new();
    let text = records("m", 1, 9);
    let cut = loads.cut("m.ndjson", &text, 2);
    let options = RollbackOptions::default().scope(RollbackScope::Run(cut.run.expect("a run")));
    rollback(&mut loads.store, "none", &options, &mut Silent).expect("a rollback");
    let report = loads.file("m.ndjson", &text);
    assert_eq!((report.resumed, report.counts), (false, counts(9, 9, 0)));
    loads.is_sound();
}
