//! Hints of loads: they speak of this load, and repeat how it was given.

use super::world::World;
use super::{GOOD, in_all_ways};

in_all_ways!(
    ids_that_repeated_in_an_older_load,
    many_older_refusals,
    rows_that_a_quote_has_taken,
    fields_of_this_load,
    another_separator_than_was_given,
    commas_in_a_file_of_tabs,
    what_was_given_is_given_again,
    a_cell_for_what_is_missing,
    a_load_that_reprocesses,
    a_line_of_a_load_that_replaces,
    a_line_that_others_have_overtaken,
    ids_that_repeat_where_they_replace,
    an_id_that_comes_again_after_an_interruption,
    a_hidden_id_that_repeats,
    cells_of_another_kind,
    rows_of_texts,
);

/// Lines of one id with other data each: all but the first are refused.
fn repeated(id: &str, times: usize) -> String {
    (0..times)
        .map(|at| format!("{{\"id\":\"{id}\",\"amount\":{at}}}\n"))
        .collect()
}

fn ids_that_repeated_in_an_older_load(world: &World) {
    assert_eq!(world.load("others", "mon.ndjson", &repeated("a", 2)).code, 3);
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.load("in_v1", "tue.ndjson", "{\"id\":\"a\",\"amount\":9}\n");
    assert_eq!(said.code, 3);
    assert!(!said.err.contains("twice"), "{}", said.err);
    world.works(&said, "--replace --again", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("\"amount\":9"));
}

fn many_older_refusals(world: &World) {
    assert_eq!(
        world.load("in_v1", "mon.ndjson", &repeated("many", 1_001)).code,
        3
    );
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.load("in_v1", "tue.ndjson", "{\"id\":\"a\",\"amount\":9}\n");
    world.works(&said, "--replace --again", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("\"amount\":9"));
}

fn rows_that_a_quote_has_taken(world: &World) {
    let rows: String = (0..1_001).map(|at| format!("{at},\"x\"y\n")).collect();
    assert_eq!(
        world.load("in_v1", "mon.csv", &format!("id,name\n{rows}")).code,
        3
    );
    let said = world.load("in_v1", "tue.csv", "id,name\nt,\"open\nu,x\nv,\"y\n");
    assert_eq!(said.code, 3);
    assert!(said.err.contains("lines 2 to 4"), "{}", said.err);
    // What an older load of the same name had, the next one does not tell.
    let said = world.load("in_v1", "tue.csv", "id,name\nt,\"x\"y\n");
    assert!(said.code == 3 && !said.err.contains("lines 2"), "{}", said.err);
}

fn fields_of_this_load(world: &World) {
    let older = "{\"old\":1}\n".repeat(1_001);
    assert_eq!(world.load("in_v1", "mon.ndjson", &older).code, 3);
    let said = world.load("in_v1", "tue.ndjson", "{\"number\":1}\n");
    assert!(said.err.contains("has the fields number"), "{}", said.err);
}

fn another_separator_than_was_given(world: &World) {
    world.write("in.csv", "id;name\na;Ann\n");
    let file = world.file("in.csv");
    let said = world.run(&["load", "in_v1", &file, "--separator=|"]);
    assert_ne!(said.code, 0);
    world.works(&said, "--separator=;", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("Ann"));
}

fn commas_in_a_file_of_tabs(world: &World) {
    let rows: String = (0..60_000).map(|at| format!("{at},k{at}\n")).collect();
    world.write("many.tsv", &format!("id,key\n{rows}"));
    let file = world.file("many.tsv");
    let load = ["load", "in_v1", &file, "--batch-size", "1"];
    let said = world.interrupted(&[&load[..], &["--separator=,"]].concat());
    assert!(said.err.contains("stopped on request"), "{}", said.err);
    let otherwise = world.ends(2, &load[..3]);
    let option = otherwise.err.split("continue with `").nth(1).expect("an option");
    assert!(option.starts_with("--separator=,`"), "{}", otherwise.err);
    let said = world.done(&["status"]);
    world.works(&said, " load in_v1", &[]);
    assert_eq!(world.done(&["export", "in_v1"]).out.lines().count(), 60_000);
}

fn what_was_given_is_given_again(world: &World) {
    let key = "{\"key\":\"a\",\"name\":\"Bob\"}\n";
    world.write("in.ndjson", key);
    world.done(&["load", "in_v1", &world.file("in.ndjson"), "--id", "key"]);
    world.write("in.csv", "key;name\na;Ann\n");
    let file = world.file("in.csv");
    let given = [
        "--id",
        "key",
        "--replace",
        "--restart",
        "--reason",
        "it was wrong",
    ];
    let said = world.run(&[&["load", "in_v1", &file][..], &given[..]].concat());
    let named = world.named(&said, "--separator=;");
    for option in ["--id=key", "--replace", "--restart", "'--reason=it was wrong'"] {
        assert!(named.contains(option), "{named}");
    }
    world.works(&said, "--separator=;", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("Ann"));
}

fn a_cell_for_what_is_missing(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    world.write("in.csv", "id,amount\na,9\n");
    let file = world.file("in.csv");
    let said = world.run(&["load", "in_v1", &file, "--replace", "--missing=-"]);
    assert_ne!(said.code, 0);
    world.works(&said, "--types", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("\"amount\":9"));
}

fn a_load_that_reprocesses(world: &World) {
    let lines: String = (0..60_000)
        .map(|at| format!("{{\"id\":\"{at}\",\"key\":\"k{at}\"}}\n"))
        .collect();
    world.write("many.ndjson", &lines);
    let file = world.file("many.ndjson");
    let given = ["--replace", "--reprocess", "--batch-size", "1"];
    let said = world.interrupted(&[&["load", "in_v1", &file][..], &given[..]].concat());
    assert!(said.err.contains("stopped on request"), "{}", said.err);
    let said = world.done(&["status"]);
    world.named(&said, "--replace --reprocess");
    world.works(&said, " load in_v1", &[]);
}

/// A line that is no record, in a file that writes over a record.
fn broken_where_it_replaces(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    world.write("next.ndjson", "{\"id\":\"a\",\"amount\":5}\n{\"id\":\"b\"\n");
    let said = world.ends(3, &["load", "in_v1", &world.file("next.ndjson"), "--replace"]);
    world.works(&said, "quarantine list", &[]);
}

fn a_line_of_a_load_that_replaces(world: &World) {
    broken_where_it_replaces(world);
    let said = world.done(&["quarantine", "show", "--record", "3"]);
    world.write(
        "next.ndjson",
        "{\"id\":\"a\",\"amount\":5}\n{\"id\":\"b\",\"amount\":6}\n",
    );
    world.works(&said, "--replace", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("\"amount\":6"));
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
}

fn a_line_that_others_have_overtaken(world: &World) {
    broken_where_it_replaces(world);
    world.write("newer.ndjson", "{\"id\":\"a\",\"amount\":7}\n");
    world.done(&["load", "in_v1", &world.file("newer.ndjson"), "--replace"]);
    // To give `--replace` again would write over what is newer, and nobody has asked for that.
    let said = world.done(&["quarantine", "show", "--record", "3"]);
    assert!(!world.named(&said, " load in_v1").contains("--replace"));
}

fn ids_that_repeat_where_they_replace(world: &World) {
    world.write(
        "twice.ndjson",
        "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"b\",\"amount\":2}\n{\"id\":\"a\",\"amount\":3}\n{\"id\":\"b\",\"amount\":2}\n",
    );
    let file = world.file("twice.ndjson");
    for size in ["1", "2", "1000"] {
        let load = [
            "load",
            "in_v1",
            &file,
            "--replace",
            "--again",
            "--batch-size",
            size,
        ];
        let said = world.ends(3, &load);
        assert!(said.err.contains("twice"), "{}", said.err);
        assert!(!said.err.contains("--replace"), "{}", said.err);
        // Which of the two is right nobody knows: the first stays, however often it is loaded.
        let kept = world.done(&["export", "in_v1"]).out;
        assert!(
            kept.contains("\"amount\":1") && !kept.contains("\"amount\":3"),
            "{kept}"
        );
    }
    let list = world.done(&["quarantine", "list"]);
    assert!(
        list.out.contains("line 3") && !list.out.contains("line 4"),
        "{}",
        list.out
    );
    let said = world.works(&list, "quarantine show", &[]);
    assert!(
        said.err.contains("twice") && !said.err.contains("--again"),
        "{}",
        said.err
    );
    world.write(
        "twice.ndjson",
        "{\"id\":\"a\",\"amount\":3}\n{\"id\":\"b\",\"amount\":2}\n",
    );
    world.works(&said, "--replace", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("\"amount\":3"));
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
}

fn an_id_that_comes_again_after_an_interruption(world: &World) {
    let mut lines: String = (0..60_000)
        .map(|at| format!("{{\"id\":\"{at}\",\"key\":\"k{at}\"}}\n"))
        .collect();
    lines += "{\"id\":\"0\",\"key\":\"another\"}\n";
    world.write("many.ndjson", &lines);
    let file = world.file("many.ndjson");
    let said = world.interrupted(&["load", "in_v1", &file, "--replace", "--batch-size", "1"]);
    assert!(said.err.contains("stopped on request"), "{}", said.err);
    let said = world.done(&["status"]);
    let said = world.leads_to(3, &said, " load in_v1", &[]);
    assert!(said.err.contains("twice"), "{}", said.err);
    assert!(!world.done(&["export", "in_v1"]).out.contains("another"));
}

fn a_hidden_id_that_repeats(world: &World) {
    let stage = super::copying("in_v1", "in_v2", "redact = [\"id\"]");
    world.write("0001_copy.toml", &stage);
    world.write("twice.ndjson", &repeated("a", 2));
    let said = world.ends(3, &["load", "in_v1", &world.file("twice.ndjson"), "--replace"]);
    assert!(said.err.contains("twice"), "{}", said.err);
    assert!(!said.err.contains("--again"), "{}", said.err);
}

fn cells_of_another_kind(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    world.write("in.csv", "id,amount\na,nine\n");
    let file = world.file("in.csv");
    let said = world.ends(3, &["load", "in_v1", &file, "--types"]);
    assert!(said.err.contains("correct them, then"), "{}", said.err);
    let list = world.done(&["quarantine", "list"]);
    let shown = world.works(&list, "quarantine show", &[]);
    world.write("in.csv", "id,amount\na,9\n");
    // Corrected, it is other data than the record has.
    world.works(&shown, " load in_v1", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("\"amount\":9"));
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
    // The load says the same.
    world.write("in.csv", "id,amount\na,ten\n");
    let said = world.ends(3, &["load", "in_v1", &file, "--types", "--replace"]);
    assert!(said.err.contains("correct them, then"), "{}", said.err);
    world.write("in.csv", "id,amount\na,10\n");
    world.works(&said, "--replace", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("\"amount\":10"));
}

fn rows_of_texts(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    world.write("in.csv", "id,amount\nnew,7\na,9\n");
    let file = world.file("in.csv");
    let said = world.ends(3, &["load", "in_v1", &file, "--replace", "--batch-size", "1"]);
    let list = world.done(&["quarantine", "list"]);
    let shown = world.works(&list, "quarantine show", &[]);
    // No cell has to be corrected: it is read otherwise.
    assert!(!shown.err.contains("correct"), "{}", shown.err);
    world.works(&shown, "--types --replace", &[]);
    assert!(world.done(&["export", "in_v1"]).out.contains("\"amount\":9"));
    assert!(
        world
            .done(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
    world.named(&said, "--replace");
}
