//! What `export --with-id` writes, `load --with-id` reads; without it, envelopes do not become records without a word.

use crate::support::world::Scene;

const RECORDS: &str = "{\"key\":\"a\\\"b\",\"x\":6.00}\n{\"key\":\"c\",\"x\":{\"id\":1}}\n";

fn scene() -> Scene {
    let scene = Scene::named("p", &[("r.ndjson", RECORDS)]);
    scene.exits(&["load", "r", "r.ndjson", "--id", "key"], 0);
    scene.run(&["export", "r", "--with-id", "--output", "e.ndjson"]);
    scene
}

#[test]
fn envelopes_are_noticed_and_the_command_that_is_named_reads_them() {
    let scene = scene();
    let refused = scene.exits(&["load", "back", "e.ndjson"], 2);
    let step = "`counterfoil load back e.ndjson --with-id`";
    assert!(refused.err.contains(step), "{}", refused.err);
    let none = scene.exits(&["query", "back"], 1);
    assert!(none.err.contains("no database `back`"), "{}", none.err);
    scene.exits(&["load", "back", "e.ndjson", "--with-id"], 0);
    assert_eq!(scene.run(&["export", "back"]).out, RECORDS);
    let ids = scene.run(&["export", "back", "--with-id"]).out;
    assert!(ids.starts_with("{\"id\":\"a\\\"b\",\"data\":{\"key\""), "{ids}");
    // Nothing has to be written twice, and who means the lines themselves says so.
    let again = scene.envelope(&["load", "r", "e.ndjson", "--with-id"]);
    assert_eq!(again["data"]["counts"]["unchanged"], 2, "{again}");
    scene.exits(&["load", "lines", "e.ndjson", "--format", "ndjson"], 0);
    assert!(scene.run(&["export", "lines"]).out.contains("\"data\":{\"key\""));
}

#[test]
fn a_long_envelope_is_noticed_by_how_it_begins_and_other_records_are_none() {
    let scene = scene();
    let long = "x".repeat(10_000);
    scene.write(
        "long.ndjson",
        format!("{{\"id\":7,\"data\":{{\"t\":\"{long}\"}}}}\n"),
    );
    let refused = scene.exits(&["load", "a", "long.ndjson"], 2);
    assert!(refused.err.contains("--with-id`"), "{}", refused.err);
    scene.exits(&["load", "a", "long.ndjson", "--with-id"], 0);
    assert_eq!(scene.run(&["export", "a"]).out, format!("{{\"t\":\"{long}\"}}\n"));
    scene.write(
        "others.ndjson",
        "{\"id\":1,\"data\":{\"a\":1}}\n{\"id\":2,\"data\":{\"a\":1},\"more\":true}\n{\"id\":3,\"data\":[]}\n",
    );
    scene.exits(&["load", "b", "others.ndjson"], 0);
}

#[test]
fn a_line_that_is_no_envelope_is_refused_and_its_neighbours_are_read() {
    let scene = scene();
    let lines = "{\"id\":1,\"data\":{\"a\":1}}\n{\"id\":2,\"a\":1}\n{\"id\":null,\"data\":{}}\n{\"data\":{\"a\":4},\"id\":\"4\"}\n";
    scene.write("e.ndjson", lines);
    let loaded = scene.exits(&["load", "b", "e.ndjson", "--with-id"], 3);
    for code in ["envelope.fields", "id.null"] {
        assert!(loaded.out.contains(code), "{}", loaded.out);
    }
    assert_eq!(scene.run(&["export", "b"]).out, "{\"a\":1}\n{\"a\":4}\n");
    scene.write("t.csv", "id,data\n1,x\n");
    let table = scene.exits(&["load", "b", "t.csv", "--with-id"], 2);
    assert!(table.err.contains("no envelopes"), "{}", table.err);
}
