//! CSV that goes out, is changed by a spreadsheet, and comes back: nothing is lost or rewritten without a word.

use proptest::prelude::*;

use crate::support::world::Scene;

const TYPED: &str = "{\"id\":\"1\",\"title\":\"A\",\"director\":null,\"rating\":6.10}\n\
                     {\"id\":\"2\",\"title\":\"B\",\"director\":\"d7\",\"rating\":8}\n\
                     {\"id\":\"3\",\"title\":\"C\",\"director\":null,\"rating\":7,\"tags\":[1,\"=x\"],\"old\":true}\n";

/// A table of those records in which one cell was edited, and numbers were written as a spreadsheet does.
const EDITED: &str =
    "id,title,director,rating,tags,old\n1,A,,6.1,,\n2,Bb,d7,8,,\n3,C,,7,\"[1,\"\"=x\"\"]\",TRUE\n";

#[test]
fn an_edited_table_does_not_make_texts_of_typed_records() {
    let scene = Scene::named("p", &[]);
    scene.write("r.ndjson", TYPED);
    scene.write("back.csv", EDITED);
    scene.exits(&["load", "r", "r.ndjson"], 0);
    let before = scene.run(&["export", "r"]).out;
    let refused = scene.exits(&["load", "r", "back.csv", "--replace"], 2);
    assert!(
        refused.err.contains("`rating`") || refused.err.contains("`director`"),
        "{}",
        refused.err
    );
    let step = "`counterfoil load r back.csv --replace --types`";
    assert!(refused.err.contains(step), "{}", refused.err);
    assert_eq!(scene.run(&["export", "r"]).out, before);
    let report = scene.envelope(&["load", "r", "back.csv", "--replace", "--types"]);
    assert_eq!(report["data"]["counts"]["written"], 1, "{report}");
    assert_eq!(report["data"]["counts"]["unchanged"], 2, "{report}");
    assert_eq!(
        scene.run(&["export", "r"]).out,
        before.replace("\"title\":\"B\"", "\"title\":\"Bb\"")
    );
    // Whoever wants texts says so; the same file is no longer known.
    scene.exits(&["load", "r", "back.csv", "--replace", "--types=text"], 0);
    assert!(scene.run(&["export", "r"]).out.contains("\"rating\":\"6.1\""));
}

#[test]
fn a_row_that_would_make_texts_is_refused_behind_the_first_batch_too() {
    let scene = Scene::named("p", &[]);
    scene.write(
        "r.ndjson",
        "{\"id\":\"1\",\"v\":\"a\"}\n{\"id\":\"2\",\"v\":\"b\"}\n{\"id\":\"3\",\"v\":3}\n",
    );
    scene.write("back.csv", "id,v\n1,aa\n2,bb\n3,33\n");
    scene.exits(&["load", "r", "r.ndjson"], 0);
    let loaded = scene.exits(&["load", "r", "back.csv", "--replace", "--batch-size", "1"], 3);
    assert!(loaded.out.contains("load.types"), "{}", loaded.out);
    assert!(loaded.err.contains("--replace --types`"), "{}", loaded.err);
    let expected = "{\"id\":\"1\",\"v\":\"aa\"}\n{\"id\":\"2\",\"v\":\"bb\"}\n{\"id\":\"3\",\"v\":3}\n";
    assert_eq!(scene.run(&["export", "r"]).out, expected);
    scene.exits(&["load", "r", "back.csv", "--replace", "--types"], 0);
    assert_eq!(scene.run(&["export", "r"]).out, expected.replace(":3}", ":33}"));
    assert!(scene.run(&["quarantine", "list"]).out.contains("is empty"));
}

#[test]
fn cells_are_values_of_the_kinds_that_are_there() {
    let scene = Scene::named("p", &[]);
    scene.write(
        "r.ndjson",
        "{\"id\":\"1\",\"n\":1.50,\"b\":true,\"t\":\"007\",\"o\":{\"x\":1,\"y\":\"z\"},\"keep\":[0]}\n{\"id\":\"2\",\"n\":null,\"t\":\"\",\"m\":1}\n{\"id\":\"3\",\"m\":\"x\"}\n",
    );
    scene.exits(&["load", "r", "r.ndjson"], 0);
    scene.write(
        "back.csv",
        "id,n,b,t,o.x,m\n1,2.5,FALSE,008,7,\n2,3,,x,,4\n3,many,,,,x\n4,5,true,=t,9,\n5,6,true,t,9,new\n",
    );
    let loaded = scene.exits(&["load", "r", "back.csv", "--replace", "--types"], 3);
    assert!(loaded.out.contains("load.types        2"), "{}", loaded.out);
    assert_eq!(
        scene.run(&["export", "r"]).out,
        "{\"id\":\"1\",\"n\":2.5,\"b\":false,\"t\":\"008\",\"o\":{\"x\":7,\"y\":\"z\"},\"keep\":[0]}\n\
         {\"id\":\"2\",\"n\":3,\"t\":\"x\",\"m\":4}\n{\"id\":\"3\",\"m\":\"x\"}\n\
         {\"id\":\"4\",\"n\":5,\"b\":true,\"t\":\"=t\",\"o\":{\"x\":9}}\n"
    );
    let list = scene.run(&["quarantine", "list"]).out;
    assert!(
        list.contains("line 4 at /n, expected a number") && list.contains("of several types"),
        "{list}"
    );
}

#[test]
fn what_is_masked_in_a_table_stays_what_it_was() {
    let scene = Scene::named("p", &[]);
    scene.write(
        "0001_a.toml",
        "[stage]\nsource = \"r\"\ntarget = \"s\"\nredact = [\"card\"]\n",
    );
    scene.write("r.ndjson", "{\"id\":\"1\",\"card\":\"4111\",\"n\":1}\n");
    scene.exits(&["load", "r", "r.ndjson"], 0);
    scene.run(&["export", "r", "--format", "csv", "--output", "out.csv"]);
    scene.exits(&["load", "r", "out.csv", "--replace", "--types"], 0);
    assert!(scene.run(&["export", "r", "--reveal"]).out.contains("4111"));
}

#[test]
fn null_empty_and_missing_are_distinguished_or_reported() {
    let scene = Scene::named("p", &[]);
    let lines = "{\"id\":\"1\",\"a\":null}\n{\"id\":\"2\",\"a\":\"\"}\n{\"id\":\"3\"}\n";
    scene.write("a.ndjson", lines);
    scene.exits(&["load", "r", "a.ndjson"], 0);
    let columns = ["export", "r", "--format", "csv", "--columns", "id,a"];
    let plain = scene.exits(&columns, 0);
    assert!(
        plain.err.contains("1 null, 1 empty text, 1 missing field"),
        "{}",
        plain.err
    );
    let apart = scene.exits(&[&columns[..], &["--null", "NULL", "--missing", "-"]].concat(), 0);
    assert_eq!(apart.out, "id,a\n1,NULL\n2,\n3,-\n");
    assert!(!apart.err.contains("an empty cell stands for"), "{}", apart.err);
    scene.write("a.csv", &apart.out);
    scene.exits(&["load", "back", "a.csv", "--null", "NULL", "--missing", "-"], 0);
    assert_eq!(scene.run(&["export", "back"]).out, lines);
    scene.write("b.ndjson", "{\"id\":\"1\",\"a\":\"NULL\"}\n");
    scene.exits(&["load", "b", "b.ndjson"], 0);
    let taken = scene.exits(&["export", "b", "--format", "csv", "--null", "NULL"], 2);
    assert!(taken.err.contains("the text for `null`"), "{}", taken.err);
}

#[test]
fn a_formula_goes_out_as_a_text_and_comes_back() {
    let scene = Scene::named("p", &[]);
    let lines = "{\"id\":\"=1\",\"a\":\"=cmd|' /C calc'!A0\",\"n\":-5.00}\n{\"id\":\"2\",\"a\":\"'=quoted\",\"n\":\"-5.00\"}\n\
                 {\"id\":\"3\",\"a\":\"@x\",\"n\":\"+49 1\"}\n";
    scene.write("a.ndjson", lines);
    scene.exits(&["load", "r", "a.ndjson"], 0);
    let table = scene.exits(&["export", "r", "--format", "csv"], 0).out;
    assert_eq!(
        table,
        "id,a,n\n'=1,'=cmd|' /C calc'!A0,-5.00\n2,''=quoted,-5.00\n3,'@x,'+49 1\n"
    );
    let raw = scene.exits(&["export", "r", "--format", "csv", "--raw"], 0).out;
    assert_eq!(
        raw,
        "id,a,n\n=1,=cmd|' /C calc'!A0,-5.00\n2,'=quoted,-5.00\n3,@x,+49 1\n"
    );
    for (text, raw) in [(&table, false), (&raw, true)] {
        scene.write("back.csv", text);
        let database = if raw { "rawly" } else { "guarded" };
        let mut load = vec!["load", database, "back.csv"];
        load.extend(raw.then_some("--raw"));
        scene.exits(&load, 0);
        let back = scene.run(&["export", database]).out;
        assert_eq!(
            back,
            lines.replace("-5.00}", "\"-5.00\"}").replace("\"\"", "\""),
            "{database}"
        );
    }
}

#[test]
fn an_open_quote_says_which_lines_it_has_taken() {
    let scene = Scene::named("p", &[]);
    scene.write("open.csv", "id,v\n1,a\n2,\"open\n3,c\n4,d\n");
    let loaded = scene.exits(&["load", "r", "open.csv"], 3);
    let told = "the quote that opens on line 3 is not closed, so lines 3 to 5 were read as one row";
    assert!(loaded.err.contains(told), "{}", loaded.err);
    let list = scene.run(&["quarantine", "list"]).out;
    assert!(list.contains("lines 3 to 5"), "{list}");
    let report = scene.envelope(&["report"]);
    let example = &report["data"]["refused"]["causes"][0]["examples"][0];
    assert_eq!((&example["line"], &example["last_line"]), (&3.into(), &5.into()));
    let page = scene.run(&["report", "--html", "-"]).out;
    assert!(page.contains("\"Where\">lines 3 to 5"), "{page}");
    scene.write("closed.csv", "id,v\n1,\"open\n2,b\n3,\"c\"\n4,d\n");
    let loaded = scene.exits(&["load", "s", "closed.csv"], 3);
    let told =
        "the quote that opens on line 2 is closed by a later one, so lines 2 to 4 were read as one row";
    assert!(loaded.err.contains(told), "{}", loaded.err);
    scene.write("meant.csv", "id,v\n1,\"two\nlines\"\n2,b\n");
    scene.exits(&["load", "t", "meant.csv"], 0);
}

#[test]
fn a_table_by_semicolons_or_tabs_is_loaded_by_the_command_that_is_named() {
    let scene = Scene::named("p", &[]);
    scene.write("in.csv", "id;name\n1;Ann\n2;\"Bob; Jr\"\n");
    for id in [&[][..], &["--id", "id;name"]] {
        let refused = scene.exits(&[&["load", "r", "in.csv"], id].concat(), 2);
        assert!(
            refused
                .err
                .contains("`counterfoil load r in.csv '--separator=;'`"),
            "{}",
            refused.err
        );
    }
    let named = scene.envelope(&["load", "r", "in.csv"])["error"]["hint"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(named, "`counterfoil load r in.csv '--separator=;'`");
    scene.exits(&["load", "r", "in.csv", "--separator=;"], 0);
    let lines = "{\"id\":\"1\",\"name\":\"Ann\"}\n{\"id\":\"2\",\"name\":\"Bob; Jr\"}\n";
    assert_eq!(scene.run(&["export", "r"]).out, lines);
    scene.write("in.tsv", "id\tname\n1\tAnn\n2\tBob; Jr\n");
    scene.write("in.txt", "id\tname\n1\tAnn\n2\tBob; Jr\n");
    scene.exits(&["load", "s", "in.tsv"], 0);
    scene.exits(&["load", "t", "in.txt", "--format", "tsv"], 0);
    for database in ["s", "t"] {
        assert_eq!(scene.run(&["export", database]).out, lines);
    }
    let tabs = scene.exits(&["load", "u", "in.txt", "--format", "csv"], 2);
    assert!(tabs.err.contains("--separator=tab"), "{}", tabs.err);
    let slip = scene.exits(&["load", "u", "in.tsv", "--format", "ndjson", "--null", "x"], 2);
    assert!(slip.err.contains("apply only to CSV"), "{}", slip.err);
}

#[test]
fn an_object_around_a_list_is_loaded_by_the_command_that_is_named() {
    let scene = Scene::named("p", &[]);
    let document = "{\"type\":\"FeatureCollection\",\"metadata\":{\"count\":2},\"features\":[{\"id\":\"q1\",\"mag\":2.0},\n{\"id\":\"q2\",\"mag\":1.6}],\"end\":[1]}";
    scene.write("quakes.json", document);
    let refused = scene.exits(&["load", "q", "quakes.json"], 2);
    assert!(
        refused
            .err
            .contains("`counterfoil load q quakes.json --records=/features`"),
        "{}",
        refused.err
    );
    assert!(!scene.run(&["quarantine", "list"]).out.contains("json.syntax"));
    scene.exits(
        &[
            "load",
            "q",
            "quakes.json",
            "--records=/features",
            "--batch-size",
            "1",
        ],
        0,
    );
    assert_eq!(
        scene.run(&["export", "q"]).out,
        "{\"id\":\"q1\",\"mag\":2.0}\n{\"id\":\"q2\",\"mag\":1.6}\n"
    );
    let none = scene.run(&["load", "q", "quakes.json", "--records=/none"]);
    assert!(none.err.contains("there is no list at `/none`"), "{}", none.err);
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "['=+@\\-]{0,2}[a-z0-9,;\"\\n ]{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        "-?[1-9][0-9]{0,3}(\\.[0-9]{1,3})?",
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("[1,{\"a\":\"=1\"}]".to_owned()),
        Just("{\"x\":null}".to_owned()),
    ]
}

fn records(typed: bool) -> impl Strategy<Value = String> {
    let text = "['=+@\\-]{0,2}[a-z0-9,;\"\\n ]{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap());
    let value = if typed { value().boxed() } else { text.boxed() };
    let field = prop::option::weighted(0.8, value);
    prop::collection::vec([field.clone(), field.clone(), field], 1..12).prop_map(|rows| {
        let line = |(at, values): (usize, [Option<String>; 3])| {
            let fields = values.into_iter().zip(["a", "b", "c"]);
            let fields: String = fields
                .filter_map(|(value, name)| Some(format!(",\"{name}\":{}", value?)))
                .collect();
            format!("{{\"id\":\"r{at}\"{fields}}}\n")
        };
        rows.into_iter().enumerate().map(line).collect()
    })
}

const COLUMNS: [&str; 8] = [
    "export",
    "r",
    "--format",
    "csv",
    "--columns",
    "id,a,b,c",
    "--output",
    "out.csv",
];

/// The database with a record that has every column, so that none is unknown.
fn stored(lines: &str) -> (Scene, String) {
    let scene = Scene::named("p", &[]);
    let lines = lines.to_owned() + "{\"id\":\"all\",\"a\":\"x\",\"b\":\"y\",\"c\":\"z\"}\n";
    scene.write("r.ndjson", &lines);
    scene.exits(&["load", "r", "r.ndjson"], 0);
    (scene, lines)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn texts_come_back_as_they_went_out(lines in records(false)) {
        let (scene, lines) = stored(&lines);
        scene.exits(&[&COLUMNS[..], &["--missing", "(none)"]].concat(), 0);
        scene.exits(&["load", "back", "out.csv", "--missing", "(none)"], 0);
        prop_assert_eq!(scene.run(&["export", "back"]).out, lines);
    }

    #[test]
    fn typed_records_come_back_unchanged(lines in records(true)) {
        let (scene, lines) = stored(&lines);
        scene.exits(&COLUMNS, 0);
        let report = scene.envelope(&["load", "r", "out.csv", "--replace", "--types"]);
        prop_assert_eq!(&report["data"]["counts"]["written"], 0, "{}", report);
        prop_assert_eq!(&report["data"]["counts"]["refused"], 0, "{}", report);
        prop_assert_eq!(scene.run(&["export", "r"]).out, lines);
    }
}

#[test]
fn the_texts_that_an_export_recommends_are_texts_that_no_record_has() {
    let scene = Scene::named("p", &[]);
    let records = "{\"id\":\"1\",\"x\":null,\"y\":\"\"}\n{\"id\":\"2\",\"y\":\"NULL\"}\n";
    scene.write("a.ndjson", records);
    assert_eq!(scene.run(&["load", "a", "a.ndjson"]).code, 0);
    let said = scene.run(&[
        "export",
        "a",
        "--format",
        "csv",
        "--columns",
        "id,x,y",
        "--output",
        "o.csv",
    ]);
    let recommended = "export a --format csv --columns id,x,y --null '<null>' --missing '<missing>'";
    assert!(said.err.contains(recommended), "{}", said.err);
    let words = ["export", "a", "--format", "csv", "--columns", "id,x,y"];
    let apart = scene.run(&[&words[..], &["--null", "<null>", "--missing", "<missing>"]].concat());
    assert_eq!(
        (apart.code, apart.out.as_str()),
        (0, "id,x,y\n1,<null>,\n2,<missing>,NULL\n"),
        "{}",
        apart.err
    );
    // A text that a record has is refused, and whole rows only were written.
    let taken = scene.run(&[&words[..], &["--null", "NULL", "--missing", "MISSING"]].concat());
    assert_ne!(taken.code, 0);
    assert_eq!(taken.out, "id,x,y\n1,NULL,\n");
}

#[test]
fn what_a_file_has_no_column_for_is_not_lost_without_a_word() {
    let scene = Scene::named("p", &[]);
    scene.write(
        "a.ndjson",
        "{\"id\":\"1\",\"c\":{\"n\":\"x\"},\"a\":\"1\",\"b\":\"z\"}\n",
    );
    assert_eq!(scene.run(&["load", "a", "a.ndjson"]).code, 0);
    scene.write("all.csv", "id,c.n,a,b\n1,x,1,z\n");
    scene.write("few.csv", "id,a\n1,2\n");
    let kept = scene.run(&["load", "a", "few.csv", "--replace", "--types"]);
    assert_eq!(kept.code, 0, "{}", kept.err);
    assert!(!kept.err.contains("lost fields"), "{}", kept.err);
    let lost = scene.run(&["load", "a", "few.csv", "--replace", "--again"]);
    assert_eq!(lost.code, 0, "{}", lost.err);
    assert!(
        lost.err
            .contains("1 record of a lost fields for which the file has no column (the first: `c`)"),
        "{}",
        lost.err
    );
    assert_eq!(scene.run(&["export", "a"]).out, "{\"id\":\"1\",\"a\":\"2\"}\n");
}
