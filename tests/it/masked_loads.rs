//! A mask that an export has written never takes the place of the value, whatever the format: the value stays, or the
//! record is refused where nobody knows which one is meant.

use crate::support::world::Scene;

const RECORDS: &str = "{\"id\":\"1\",\"card\":4111,\"n\":1,\"l\":[{\"k\":\"a\"}]}\n{\"id\":\"2\",\"card\":{\"no\":\"x\"},\"n\":2}\n\
                       {\"id\":\"3\",\"card\":null,\"n\":3}\n";

/// Records of which `redact` is redacted.
fn scene(redact: &str) -> Scene {
    let scene = Scene::named("p", &[]);
    scene.write(
        "0001_a.toml",
        format!("[stage]\nsource = \"r\"\ntarget = \"s\"\nredact = [{redact}]\n"),
    );
    scene.write("r.ndjson", RECORDS);
    scene.exits(&["load", "r", "r.ndjson"], 0);
    scene
}

fn revealed(scene: &Scene) -> String {
    scene.exits(&["export", "r", "--reveal"], 0).out
}

#[test]
fn a_masked_export_that_was_edited_keeps_the_values_behind_its_masks() {
    let scene = scene("\"card\"");
    let exported = scene.exits(&["export", "r"], 0);
    let told = "values of 3 records are masked at card; --reveal";
    assert!(exported.err.contains(told), "{}", exported.err);
    // Unchanged it is no other data; the mask may be written with escapes.
    scene.write(
        "same.ndjson",
        exported.out.replacen("[redacted]", "\\u005bredacted]", 1),
    );
    let same = scene.envelope(&["load", "r", "same.ndjson"]);
    assert_eq!(same["data"]["counts"]["unchanged"], 3, "{same}");
    scene.write("x.ndjson", exported.out.replace("\"n\":2", "\"n\":22"));
    let edited = scene.envelope(&["load", "r", "x.ndjson", "--replace"]);
    assert_eq!(edited["data"]["counts"]["written"], 1, "{edited}");
    assert_eq!(edited["data"]["counts"]["unchanged"], 2, "{edited}");
    assert_eq!(revealed(&scene), RECORDS.replace("\"n\":2", "\"n\":22"));
}

#[test]
fn a_masked_table_of_texts_keeps_the_values_behind_its_masks() {
    let scene = scene("\"card\"");
    let texts =
        "{\"id\":\"1\",\"card\":\"4111\",\"n\":\"1\"}\n{\"id\":\"2\",\"card\":\"4222\",\"n\":\"2\"}\n";
    scene.write("t.ndjson", texts);
    scene.exits(&["load", "t", "t.ndjson"], 0);
    let exported = scene.exits(&["export", "t", "--format", "csv"], 0).out;
    assert_eq!(exported, "id,card,n\n1,[redacted],1\n2,[redacted],2\n");
    for (name, options) in [
        ("a.csv", vec![]),
        ("b.csv", vec!["--types"]),
        ("c.csv", vec!["--types=text"]),
    ] {
        scene.write(name, exported.replace(",2\n", &format!(",2{name}\n")));
        let load = [&["load", "t", name, "--replace"], &options[..]].concat();
        scene.exits(&load, 0);
        let expected = texts.replace("\"n\":\"2\"", &format!("\"n\":\"2{name}\""));
        let now = scene.exits(&["export", "t", "--reveal"], 0).out;
        assert_eq!(now, expected, "{name}");
    }
}

#[test]
fn a_mask_whose_value_nobody_knows_refuses_the_record() {
    let scene = scene("\"l[*].k\", \"note\"");
    let before = revealed(&scene);
    let rows = [
        // Its element may have been moved.
        "{\"id\":\"1\",\"card\":4111,\"n\":1,\"l\":[{\"k\":\"[redacted]\"}]}",
        // The record has no such value.
        "{\"id\":\"2\",\"card\":{\"no\":\"x\",\"note\":\"[redacted]\"},\"n\":2}",
        // There is no such record.
        "{\"id\":\"4\",\"note\":\"[redacted]\"}",
    ];
    scene.write("m.ndjson", &(rows.join("\n") + "\n"));
    let loaded = scene.exits(&["load", "r", "m.ndjson", "--replace"], 3);
    assert!(loaded.out.contains("load.masked        3"), "{}", loaded.out);
    let list = scene.run(&["quarantine", "list"]).out;
    for place in ["/l/0/k", "/card/note", "/note", "`export --reveal`"] {
        assert!(list.contains(place), "{place}: {list}");
    }
    // A list in a cell, as a value and as the text of a new record.
    scene.write(
        "c.csv",
        "id,l\n1,\"[{\"\"k\"\":\"\"[redacted]\"\"}]\"\n5,\"[{\"\"k\"\":\"\"[redacted]\"\"}]\"\n",
    );
    scene.exits(&["load", "r", "c.csv", "--replace", "--types"], 3);
    scene.exits(&["load", "u", "c.csv"], 3);
    assert_eq!(revealed(&scene), before);
    assert_eq!(scene.exits(&["export", "u"], 0).out, "");
}
