//! Hints about records: loading, asking for them, quarantine, edits.

use super::world::World;
use super::{ANY, GOOD, MIXED, copying, in_all_ways, in_place, redacted};

in_all_ways!(
    records_that_are_there_with_other_data,
    ids_that_repeat_within_one_file,
    records_without_an_id,
    lines_that_are_no_records,
    a_line_that_is_corrected,
    lines_that_cannot_be_tried_again,
    lines_that_repeat_are_shown,
    refused_records,
    a_refused_record_in_place,
    a_row_that_left_in_place,
    a_place_that_another_record_has,
    a_row_that_was_changed_by_hand,
    a_deleted_record,
    a_deletion_that_is_taken_back,
    an_id_that_was_deleted,
    an_id_that_never_was,
    an_id_of_another_database,
    a_redacted_field,
    the_next_page,
    a_file_beside_the_project,
    a_name_that_is_mistyped,
    everything_in_quarantine,
);

fn records_that_are_there_with_other_data(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.load("in_v1", "the other.ndjson", "{\"id\":\"a\",\"amount\":9}\n");
    assert_eq!(said.code, 3);
    world.works(&said, "--replace --again", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("\"amount\":9"));
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
}

fn ids_that_repeat_within_one_file(world: &World) {
    let lines = "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"a\",\"amount\":2}\n";
    let said = world.load("in_v1", "twice.ndjson", lines);
    assert_eq!(said.code, 3);
    // To write over would let the last one win, and nobody knows whether it is the right one.
    assert!(!said.err.contains("--replace"), "{}", said.err);
    assert!(said.err.contains("twice"), "{}", said.err);
    let listed = world.works(&said, "quarantine list", &[]);
    assert!(listed.out.contains("line 2"), "{}", listed.out);
    // Both kinds in one file.
    let lines = "{\"id\":\"a\",\"amount\":5}\n{\"id\":\"z\",\"amount\":1}\n{\"id\":\"z\",\"amount\":2}\n";
    let said = world.load("in_v1", "both.ndjson", lines);
    assert_eq!(said.code, 3);
    world.named(&said, "--replace");
    assert!(said.err.contains("twice"), "{}", said.err);
}

fn records_without_an_id(world: &World) {
    let said = world.load(
        "in_v1",
        "numbered.ndjson",
        "{\"number\":\"a\"}\n{\"number\":\"b\"}\n",
    );
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("--id FIELD") && said.err.contains("number"),
        "{}",
        said.err
    );
    world.done(&["load", "in_v1", &world.file("numbered.ndjson"), "--id", "number"]);
    assert_eq!(world.done(&["export", "in_v1"]).out.lines().count(), 2);
}

fn lines_that_are_no_records(world: &World) {
    let said = world.load("in_v1", "broken.ndjson", "{\"id\":\"a\"}\nEND OF FILE\n");
    assert_eq!(said.code, 3);
    world.works(&said, "quarantine list", &[]);
    world.works(&said, "quarantine waive --code json.syntax", &[]);
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
}

fn a_line_that_is_corrected(world: &World) {
    assert_eq!(
        world
            .load("in_v1", "broken.ndjson", "{\"id\":\"a\"}\n{\"id\":\"b\"\n")
            .code,
        3
    );
    let list = world.done(&["quarantine", "list"]);
    let said = world.works(&list, "quarantine show", &[]);
    world.write("broken.ndjson", "{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
    world.works(&said, " load in_v1", &[]);
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
    // Or it is let go.
    assert_eq!(world.load("in_v1", "worse.ndjson", "{\"id\":\n").code, 3);
    let list = world.done(&["quarantine", "list"]);
    let said = world.works(&list, "quarantine show", &[]);
    world.works(&said, "quarantine waive", &[]);
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
}

fn lines_that_cannot_be_tried_again(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    assert_eq!(
        world
            .load(
                "in_v1",
                "broken.ndjson",
                "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"b\"\n"
            )
            .code,
        3
    );
    world.done(&["apply"]);
    let said = world.ends(2, &["quarantine", "retry"]);
    // No circle: what it names is not the retry again.
    world.write(
        "broken.ndjson",
        "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"b\",\"amount\":2}\n",
    );
    world.works(&said, " load in_v1", &[]);
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
}

fn lines_that_repeat_are_shown(world: &World) {
    let lines = "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"a\",\"amount\":2}\n";
    assert_eq!(world.load("in_v1", "twice.ndjson", lines).code, 3);
    let list = world.done(&["quarantine", "list"]);
    let said = world.works(&list, "quarantine show", &[]);
    assert!(!said.err.contains("--replace"), "{}", said.err);
    world.write(
        "twice.ndjson",
        "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"a2\",\"amount\":2}\n",
    );
    world.works(&said, " load in_v1", &[]);
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
}

fn refused_records(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "mixed.ndjson", MIXED);
    let said = world.ends(3, &["apply"]);
    let list = world.works(&said, "quarantine list", &[]);
    let shown = world.works(&list, "quarantine show", &[]);
    world.write(
        "mended.ndjson",
        "{\"id\":\"b\",\"amount\":2}\n{\"id\":\"c\",\"amount\":3}\n",
    );
    world.done(&["load", "in_v1", &world.file("mended.ndjson"), "--replace"]);
    world.works(&shown, "quarantine retry --id b", &[]);
    world.works(&said, "quarantine retry", &[]);
    assert_eq!(world.done(&["export", "in_v2"]).out.lines().count(), 3);
    // The status of a monitor.
    world.loads("in_v1", "more.ndjson", "{\"id\":\"z\"}\n");
    world.ends(3, &["apply"]);
    let said = world.ends(3, &["status", "--check"]);
    world.works(&said, "quarantine list", &[]);
    let said = world.done(&["status"]);
    world.works(&said, "quarantine list", &[]);
    let shown = world.done(&["quarantine", "show", "z"]);
    world.works(&shown, "quarantine waive", &[]);
}

fn a_refused_record_in_place(world: &World) {
    world.write("0001_place.toml", &in_place("in_v1"));
    world.loads(
        "in_v1",
        "mixed.ndjson",
        "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"the b\"}\n",
    );
    world.ends(3, &["apply"]);
    let said = world.done(&["quarantine", "show", "the b"]);
    world.write("mended.ndjson", "{\"id\":\"the b\",\"amount\":2}\n");
    let file = format!("'{}'", world.file("mended.ndjson"));
    world.works(&said, "load in_v1 FILE", &[("FILE", &file)]);
    world.done(&["apply"]);
    assert_eq!(world.done(&["export", "in_v1"]).out.lines().count(), 2);
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
}

fn a_row_that_left_in_place(world: &World) {
    world.write("0001_place.toml", &in_place("in_v1"));
    world.loads(
        "in_v1",
        "mixed.ndjson",
        "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"b\"}\n",
    );
    let said = world.ends(3, &["apply"]);
    world.works(&said, "quarantine show b", &[]);
    // The stage is corrected instead.
    world.write(
        "0001_place.toml",
        &in_place("in_v1").replace("has(doc, \"amount\")", "true"),
    );
    let again = world.ends(5, &["quarantine", "retry"]);
    world.works(&again, "apply --revise", &[]);
    assert_eq!(world.done(&["export", "in_v1"]).out.lines().count(), 2);
}

fn a_place_that_another_record_has(world: &World) {
    let rekeyed = copying("in_v1", "in_v2", ANY) + "\n[[op]]\nop = \"rekey\"\nid = \"= doc.key\"\n";
    world.write("0001_copy.toml", &rekeyed);
    let lines =
        "{\"id\":\"a\",\"key\":\"one key\",\"amount\":1}\n{\"id\":\"b\",\"key\":\"one key\",\"amount\":2}\n";
    world.loads("in_v1", "keys.ndjson", lines);
    world.ends(3, &["apply"]);
    let said = world.done(&["quarantine", "show", "b"]);
    world.works(&said, "delete in_v2 'one key'", &[]);
    world.works(&said, " apply", &[]);
    assert!(world.done(&["export", "in_v2"]).out.contains("\"b\""));
}

fn a_row_that_was_changed_by_hand(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "good.ndjson", GOOD);
    world.done(&["apply"]);
    world.write("hand.ndjson", "{\"id\":\"a\",\"amount\":70}\n");
    world.done(&["load", "in_v2", &world.file("hand.ndjson"), "--replace"]);
    world.write("new.ndjson", "{\"id\":\"a\",\"amount\":8}\n");
    world.done(&["load", "in_v1", &world.file("new.ndjson"), "--replace"]);
    world.ends(3, &["apply"]);
    let said = world.done(&["quarantine", "show", "a"]);
    world.works(&said, "delete in_v2 a", &[]);
    world.works(&said, " apply", &[]);
    assert!(world.done(&["export", "in_v2"]).out.contains("\"amount\":8"));
}

fn a_deleted_record(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "good.ndjson", GOOD);
    world.done(&["apply"]);
    let said = world.done(&["delete", "in_v1", "a", "--reason", "twice"]);
    world.works(&said, " apply", &[]);
    assert_eq!(world.done(&["export", "in_v2"]).out.lines().count(), 1);
}

fn a_deletion_that_is_taken_back(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.done(&["delete", "in_v1", "a", "--reason", "twice"]);
    world.works(&said, "rollback --run", &[]);
    assert_eq!(world.done(&["export", "in_v1"]).out.lines().count(), 2);
}

fn an_id_that_was_deleted(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    world.done(&["delete", "in_v1", "a", "--reason", "twice"]);
    for asked in [
        &["query", "in_v1", "--id", "a"][..],
        &["delete", "in_v1", "a", "--reason", "x"][..],
    ] {
        let said = world.ends(1, asked);
        let told = world.works(&said, "trace in_v1 a", &[]);
        assert!(told.out.contains("edit"), "{}", told.out);
    }
}

fn an_id_that_never_was(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    for asked in [
        &["query", "in_v1", "--id", "nobody"][..],
        &["trace", "in_v1", "nobody"][..],
        &["delete", "in_v1", "nobody", "--reason", "x"][..],
        &["prove", "in_v1", "nobody"][..],
        &["rollback", "--record", "in_v1", "nobody", "--yes"][..],
    ] {
        let said = world.ends(1, asked);
        world.works(&said, "query in_v1", &[]);
    }
}

fn an_id_of_another_database(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    world.loads("others", "others.ndjson", "{\"id\":\"the x\"}\n");
    for asked in [
        &["query", "in_v1", "--id", "the x"][..],
        &["trace", "in_v1", "the x"][..],
    ] {
        let said = world.ends(1, asked);
        world.works(&said, "trace others", &[]);
    }
}

fn a_redacted_field(world: &World) {
    redacted(world);
    let said = world.ends(2, &["query", "in_v2", "--where", "doc.name == \"Ann\""]);
    let shown = world.works(&said, "export DATABASE --reveal", &[("DATABASE", "in_v2")]);
    assert!(shown.out.contains("Ann"), "{}", shown.out);
}

fn the_next_page(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.done(&["query", "in_v1", "--limit", "1"]);
    let after = said.err.split("--after ").nth(1).expect("a number").trim();
    let next = world.done(&["query", "in_v1", "--limit", "1", "--after", after]);
    assert!(
        next.out.contains("\"b\"") && !next.out.contains("\"a\""),
        "{}",
        next.out
    );
}

fn a_file_beside_the_project(world: &World) {
    world.write("good.ndjson", GOOD);
    if world.way != super::world::Way::Directory {
        return;
    }
    let said = world.ends(1, &["load", "in_v1", "good.ndjson"]);
    let meant = said
        .err
        .split("did you mean ")
        .nth(1)
        .expect("a name")
        .trim()
        .trim_end_matches('?');
    world.done(&["load", "in_v1", meant]);
}

fn a_name_that_is_mistyped(world: &World) {
    world.loads("orders_v1", "good.ndjson", GOOD);
    let said = world.ends(1, &["query", "order_v1"]);
    let meant = said.err.split("did you mean `").nth(1).expect("a name");
    world.done(&["query", meant.split('`').next().expect("a name")]);
}

fn everything_in_quarantine(world: &World) {
    assert_eq!(world.load("in_v1", "broken.ndjson", "{\"id\":\n").code, 3);
    let said = world.ends(2, &["quarantine", "waive", "--reason", "x"]);
    assert!(said.err.contains("--all"), "{}", said.err);
    world.done(&["quarantine", "waive", "--all", "--reason", "x"]);
}
