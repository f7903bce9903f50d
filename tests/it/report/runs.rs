//! How every kind of run ended, as the ledger stands now.

use super::{list, number, page, read, shipped, text};

#[test]
fn every_kind_of_run_says_how_it_ended_as_the_ledger_stands_now() {
    let scene = shipped("shop", "orders_v1");
    let ending = |run: &str| {
        let summary = scene.envelope(&["report", run])["data"]["summary"].clone();
        assert!(page(&scene, run).ends_with("</html>\n"));
        text(&summary["ending"]).to_owned()
    };
    assert_eq!([ending("1"), ending("2")], ["done", "done"]);
    let stopped = scene.run(&["apply", "--batch-size", "20", "--max-errors", "0"]);
    assert_eq!(stopped.code, 6, "{}", stopped.err);
    assert_eq!(ending("3"), "interrupted");
    assert!(page(&scene, "3").contains("<strong>unfinished</strong>"));
    assert_eq!(scene.run(&["apply", "--max-errors", "100%"]).code, 3);
    assert_eq!([ending("3"), ending("4")], ["refused_left", "refused_left"]);
    let whole = &scene.envelope(&["report", "3"])["data"]["outcomes"][0]["whole"];
    assert_eq!((number(&whole["read"]), number(&whole["written"])), (295, 272));
    let edited = scene.run(&["delete", "orders_v1", "ORD-2024-003", "--reason", "a test order"]);
    assert_eq!(edited.code, 0, "{}", edited.err);
    assert_eq!(ending("5"), "done");
    scene.run(&["apply"]);
    assert_eq!(ending("6"), "done");
    assert_eq!(scene.run(&["rollback", "--all", "--yes"]).code, 0);
    assert_eq!(
        [ending("3"), ending("4"), ending("7")],
        ["undone", "undone", "done"]
    );
    let undone = read(&page(&scene, "4"));
    assert!(
        undone.contains("Records of this run have been rolled back") && undone.contains("by ada"),
        "{undone}"
    );
}

#[test]
fn what_a_later_run_refuses_again_is_not_called_done() {
    let scene = shipped("shop", "orders_v1");
    assert_eq!(scene.run(&["apply"]).code, 3);
    let refused = || scene.envelope(&["report", "3"])["data"]["refused"].clone();
    assert_eq!(
        (number(&refused()["records"]), number(&refused()["standing"])),
        (23, 23)
    );
    // All but one are refused again, by the retry.
    let order = scene.run(&["query", "orders_v1", "--id", "ORD-2024-033"]).out;
    scene.write(
        "corrected.ndjson",
        order.replace("\"quantities\":\"1,2\"", "\"quantities\":\"1,2,3\""),
    );
    scene.run(&["load", "orders_v1", "corrected.ndjson", "--replace"]);
    assert_eq!(scene.run(&["quarantine", "retry"]).code, 3);
    assert_eq!(number(&refused()["standing"]), 22);
    scene.run(&[
        "quarantine",
        "waive",
        "--code",
        "map.unknown",
        "--reason",
        "abroad",
    ]);
    let report = scene.envelope(&["report", "3"]);
    assert_eq!(
        report["data"]["summary"]["ending_told"],
        "19 of 23 refused records are still in quarantine"
    );
    let lengths = list(&report["data"]["refused"]["causes"])
        .iter()
        .find(|cause| cause["code"] == "items.length");
    assert_eq!(number(&lengths.unwrap()["standing"]), 2);
}

#[test]
fn an_interrupted_run_that_was_taken_back_does_not_wait_to_go_on() {
    let scene = shipped("shop", "orders_v1");
    assert_eq!(
        scene
            .run(&["apply", "--batch-size", "20", "--max-errors", "0"])
            .code,
        6
    );
    let rolled = scene.run(&["rollback", "--yes"]);
    assert_eq!(rolled.code, 0, "{}", rolled.err);
    let summary = &scene.envelope(&["report", "3"])["data"]["summary"];
    assert_eq!(summary["ending"], "undone");
    assert_eq!(
        summary["ending_told"],
        "all of what it wrote has been rolled back"
    );
}
