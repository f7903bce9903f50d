//! What a stage redacts appears in no output, and what must stay out of the ledger does.

use super::super::support::world::Scene;

const NAMES: [&str; 4] = ["Lovelace", "Hopper", "Hamilton", "Lamarr"];

#[test]
fn a_redacted_value_appears_in_no_output() {
    let scene = Scene::clinic();
    for arguments in [
        &["load", "records_v1", "readings.ndjson"][..],
        &["-v", "apply"],
        &["status"],
        &["quarantine", "list"],
        &["quarantine", "show", "r3"],
        &["quarantine", "show", "--record", "5"],
        &["query", "records_v1", "--pretty"],
        &["query", "records_v2", "--where", "doc.patient > 1"],
        &["trace", "records_v1", "r1"],
        &["export", "records_v1"],
        &["export", "records_v2", "--format", "csv"],
        &["trace", "records_v1", "r1", "--format", "prov-json"],
        &["history"],
        &["history", "--format", "openlineage"],
        &["verify"],
        &["rollback", "--all", "--yes"],
    ] {
        for json in [false, true] {
            let arguments = if json {
                [&["--json"], arguments].concat()
            } else {
                arguments.to_vec()
            };
            let ran = scene.run(&arguments);
            for name in NAMES {
                assert!(
                    !ran.out.contains(name) && !ran.err.contains(name),
                    "{arguments:?}: {}",
                    ran.out
                );
            }
        }
    }
    let revealed = scene.run(&["export", "records_v1", "--reveal"]);
    assert!(
        NAMES.iter().all(|name| revealed.out.contains(name)),
        "{}",
        revealed.out
    );
}

#[test]
fn a_redacted_value_is_found_out_neither_by_testing_nor_by_sorting() {
    let scene = Scene::clinic();
    scene.run(&["load", "records_v1", "readings.ndjson"]);
    for (arguments, code) in [
        (&["--where", "doc.patient < \"M\""][..], 2),
        (&["--where", "doc[\"patient\"].len() > 3"], 2),
        (&["--where", "has(doc, \"patient\")"], 2),
        (&["--sort", "patient"], 2),
        (&["--sort", "ward"], 0),
    ] {
        let ran = scene.run(&[&["query", "records_v1"], arguments].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.out, ran.err);
    }
    // What cannot be seen in the expression sees the masked record.
    let ran = scene.run(&[
        "query",
        "records_v1",
        "--where",
        "let d = doc; let f = \"pat\" + \"ient\"; d[f] == \"Lovelace\"",
    ]);
    assert_eq!(ran.out, "", "{}", ran.err);
    let exported = scene.run(&["export", "records_v1"]);
    assert!(exported.err.contains("masked at patient;"), "{}", exported.err);
    scene.write("plain.ndjson", "{\"id\":\"1\"}\n");
    scene.run(&["load", "plain", "plain.ndjson"]);
    let exported = scene.run(&["export", "plain"]);
    assert!(!exported.err.contains("masked"), "{}", exported.err);
}

#[test]
fn what_was_redacted_once_is_masked_where_the_stage_file_is_out_of_reach() {
    let scene = Scene::clinic();
    scene.run(&["load", "records_v1", "readings.ndjson"]);
    scene.run(&["apply"]);
    std::fs::create_dir(scene.path("elsewhere")).unwrap();
    let ran = scene.run(&[
        "-C",
        "elsewhere",
        "--store",
        "counterfoil.db",
        "query",
        "records_v1",
    ]);
    assert!(
        ran.code == 0 && !ran.out.contains("Lovelace") && ran.out.contains("[redacted]"),
        "{}",
        ran.out
    );
}

#[test]
fn ids_and_secrets_do_not_go_into_the_arguments_of_a_run() {
    let scene = Scene::clinic();
    scene.run(&["load", "records_v1", "readings.ndjson"]);
    let deleted = scene
        .command(&["delete", "records_v1", "r1", "--reason", "asked for"])
        .env("COUNTERFOIL_SECRET_KEY", "open sesame")
        .output()
        .unwrap();
    assert_eq!(deleted.status.code(), Some(0));
    let store = std::fs::read(scene.path("counterfoil.db")).unwrap();
    assert!(!store.windows(11).any(|window| window == b"open sesame"));
    let history = scene.envelope(&["history", "--limit", "1"]);
    let arguments = &history["data"]["runs"][0]["arguments"];
    assert_eq!(
        arguments.to_string(),
        r#"["records_v1","<id>","--reason","asked for"]"#
    );
    scene.run(&["apply"]);
    let waived = scene.run(&["quarantine", "waive", "--id=r3", "--reason", "x"]);
    assert_eq!(waived.code, 0, "{}", waived.err);
    let history = scene.envelope(&["history", "--limit", "1"]);
    let arguments = &history["data"]["runs"][0]["arguments"];
    assert_eq!(arguments.to_string(), r#"["--id=<id>","--reason","x"]"#);
}

#[test]
fn names_below_what_is_redacted_are_values_too() {
    let scene = Scene::named("p", &[]);
    let stage = "[stage]\nsource=\"r\"\ntarget=\"s\"\nmax_errors=\"100%\"\nredact=[\"n\", \"m[*].a\"]\n[contract]\n\
                 target={properties={n={additionalProperties={type=\"integer\"}}, m={items={properties={a={additionalProperties={type=\"integer\"}}}}}}}\n";
    scene.write("0001_a.toml", stage);
    scene.write(
        "r.ndjson",
        "{\"id\":\"1\",\"n\":{\"123-45-6789\":\"x\"},\"m\":[{\"a\":{\"987-65-4321\":\"y\"}}]}\n",
    );
    scene.run(&["load", "r", "r.ndjson"]);
    let applied = scene.run(&["apply"]);
    assert_eq!(applied.code, 3, "{}", applied.err);
    for command in [
        &["quarantine", "list"][..],
        &["quarantine", "show", "1"],
        &["trace", "r", "1"],
        &["--json", "quarantine", "list"],
    ] {
        let told = scene.run(command);
        let told = told.out + &told.err;
        assert!(
            !told.contains("123-45") && !told.contains("987-65"),
            "{command:?}: {told}"
        );
    }
    let store = rusqlite::Connection::open(scene.path("counterfoil.db")).unwrap();
    let reason: String = store
        .query_row("SELECT reason FROM ledger_entry WHERE outcome=4", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(
        reason.contains(r#""pointer":"/n""#) && reason.contains(r#""pointer":"/m/0/a""#),
        "{reason}"
    );
    assert!(!reason.contains("123-45"), "{reason}");
}
