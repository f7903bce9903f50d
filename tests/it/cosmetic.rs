//! What may change without drift may change without harm: name, comments, description, examples, line ends, the order of
//! keys and how they are written, where project and store lie. After each such change everything goes on as before, and
//! the ledger stays sound, can be proved and taken back.

use std::fs;

use counterfoil::op::Rename;
use counterfoil::prove::ProveOptions;
use counterfoil::rollback::RollbackScope;
use counterfoil::stage::{Stage, Stages};
use counterfoil::store::Store;
use counterfoil::verify::{VerifyOptions, verify};

use crate::support::scenario::{PROJECT, signing_key};
use crate::support::world::{Scene, World, copy_tree, stages};

const COPY: &str = r#"# Copies.
[stage]
description = "Copies what is there"
source = "records_v1"
target = "records_v2"
where = "= doc.v >= 0"
redact = ["secret"]
prepare = '''
let twice = doc.v * 2;
let lines = `a
b`;
'''

[into]
id = "= doc.id"
v = "= doc.v"
twice = "= twice"
lines = "= lines"
text = """
one
two"""

[contract]
target = "v2.schema.json"

[[contract.rule]]
name = "it is twice as much"
expect = "= doc.twice == doc.v * 2"

[[reconcile]]
name = "sum"
source = "= doc.v"
target = "= doc.v"

[[example]]
name = "one"
input = '''{"id":"1","v":1}'''
output = '''{"id":"1","v":1,"twice":2,"lines":"a\nb","text":"one\ntwo"}'''
"#;

const IN_PLACE: &str = r#"[stage]
source = "records_v2"

[[op]]
op = "rename"
from = "v"
to = "value"

[[op]]
op = "set"
path = "seen"
value = "yes"
"#;

const SCHEMA: &str =
    r#"{"type":"object","required":["id","v"],"properties":{"v":{"type":"integer","minimum":0}}}"#;

fn project() -> Scene {
    let project = Scene::project(&[
        ("0001_copy.toml", COPY),
        ("0002_finish.toml", IN_PLACE),
        ("v2.schema.json", SCHEMA),
        ("counterfoil.key", &signing_key().to_text()),
        (
            "counterfoil.pub",
            &format!("{}\n", signing_key().verifying().to_text()),
        ),
    ]);
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(project.path("counterfoil.key"), owner_only).expect("it is ours");
    project
}

fn run(project: &Scene, what: &str, arguments: &[&str]) -> String {
    let said = project.run(arguments);
    assert_eq!(said.code, 0, "{what}: {arguments:?}: {said:?}");
    said.out
}

fn load_one(project: &Scene, what: &str, id: &str) {
    let name = format!("{id}.ndjson");
    project.write(&name, format!("{{\"id\":\"{id}\",\"v\":{id}}}\n"));
    let file = project.path(&name).display().to_string();
    run(project, what, &["load", "records_v1", &file]);
}

fn prove_one(project: &Scene, what: &str, id: &str) {
    let proof = run(project, what, &["prove", "records_v2", id]);
    project.write("proof.txt", proof);
    let file = project.path("proof.txt").display().to_string();
    run(project, what, &["verify-proof", &file]);
}

/// All that may be done after a change, and each time whether the ledger is sound.
fn goes_on(project: &Scene, what: &str) {
    run(project, what, &["test"]);
    run(project, what, &["verify"]);
    let status = run(project, what, &["--json", "status"]);
    assert!(!status.contains("drift"), "{what}: {status}");
    load_one(project, what, "2");
    run(project, what, &["plan"]);
    for step in [&["apply"][..], &["reconcile"], &["rollback", "--yes"], &["apply"]] {
        run(project, what, step);
        run(project, what, &["verify"]);
    }
    for id in ["1", "2"] {
        prove_one(project, what, id);
    }
    for step in [&["rollback", "--all", "--yes"][..], &["apply"]] {
        run(project, what, step);
        run(project, what, &["verify"]);
    }
    let records = run(project, what, &["export", "records_v2"]);
    assert_eq!(records.lines().count(), 2, "{what}: {records}");
}

/// Does a change after the first apply, and everything else after the change.
fn changed(what: &str, change: impl FnOnce(&Scene)) {
    let project = project();
    load_one(&project, what, "1");
    run(&project, what, &["apply"]);
    change(&project);
    goes_on(&project, what);
}

/// A change of the text of both stage files.
fn rewritten(what: &str, rewrite: impl Fn(&str) -> String) {
    changed(what, |project| {
        for (name, text) in [("0001_copy.toml", COPY), ("0002_finish.toml", IN_PLACE)] {
            let new = rewrite(text);
            assert_ne!(new, text, "{what}");
            project.write(name, new);
        }
    });
}

fn renamed(project: &Scene, from: &str, to: &str) {
    fs::rename(project.path(from), project.path(to)).expect("it is ours");
}

#[test]
fn a_stage_may_get_another_name() {
    changed("a name", |project| {
        renamed(project, "0001_copy.toml", "0001_better_name.toml");
        renamed(project, "0002_finish.toml", "0002_copy.toml");
        let status = run(project, "a name", &["status"]);
        assert!(
            status.contains("1 better_name") && status.contains("2 copy"),
            "{status}"
        );
    });
    changed("a name and a comment, and back", |project| {
        renamed(project, "0001_copy.toml", "0001_other.toml");
        project.write("0001_other.toml", format!("# Once more.\n{COPY}"));
        load_one(project, "a name", "3");
        run(project, "a name", &["apply"]);
        run(project, "a name", &["verify"]);
        fs::remove_file(project.path("0001_other.toml")).expect("it is ours");
        project.write("0001_back.toml", COPY);
        run(project, "a name", &["rollback", "--all", "--yes"]);
        run(
            project,
            "a name",
            &["delete", "records_v1", "3", "--reason", "it was one too many"],
        );
    });
}

#[test]
fn a_reconciliation_may_get_another_name() {
    let named = COPY.replace("name = \"sum\"", "name = \"the sum of all values\"");
    assert_ne!(named, COPY);
    changed("the name of a reconciliation", |project| {
        project.write("0001_copy.toml", &named);
        let status = run(project, "the name of a reconciliation", &["status"]);
        assert!(!status.contains("CHANGED"), "{status}");
    });
    changed("the name of a reconciliation, and back", |project| {
        project.write("0001_copy.toml", &named);
        load_one(project, "there", "3");
        run(project, "there", &["apply"]);
        let reconciled = run(project, "there", &["reconcile"]);
        assert!(reconciled.contains("the sum of all values"), "{reconciled}");
        project.write("0001_copy.toml", COPY);
        run(project, "back", &["apply"]);
        run(
            project,
            "back",
            &["delete", "records_v1", "3", "--reason", "it was one too many"],
        );
    });
    let project = project();
    load_one(&project, "a plan", "1");
    let plan = project.path("plan.json").display().to_string();
    run(&project, "a plan", &["plan", "--out", &plan]);
    project.write("0001_copy.toml", named);
    run(&project, "a plan", &["apply", "--plan", &plan]);
}

#[test]
fn a_plan_is_run_under_another_name() {
    let project = project();
    load_one(&project, "a plan", "1");
    let plan = project.path("plan.json").display().to_string();
    run(&project, "a plan", &["plan", "--out", &plan]);
    renamed(&project, "0001_copy.toml", "0001_better_name.toml");
    run(&project, "a plan", &["apply", "--plan", &plan]);
    run(&project, "a plan", &["verify"]);
}

#[test]
fn a_pass_that_stopped_goes_on_under_another_name() {
    let project = project();
    let lines: String = (1..=100)
        .map(|id| format!("{{\"id\":\"{id}\",\"v\":{id}}}\n"))
        .collect();
    project.write("many.ndjson", lines);
    let file = project.path("many.ndjson").display().to_string();
    run(&project, "many", &["load", "records_v1", &file]);
    let said = project.run(&["apply", "--max-time", "0s"]);
    assert_eq!(said.code, 6, "{said:?}");
    renamed(&project, "0001_copy.toml", "0001_better_name.toml");
    run(&project, "many", &["apply"]);
    run(&project, "many", &["verify"]);
    prove_one(&project, "many", "77");
    run(&project, "many", &["rollback", "--all", "--yes"]);
    run(&project, "many", &["verify"]);
}

#[test]
fn comments_descriptions_and_examples_may_change() {
    rewritten("a comment", |text| format!("{text}\n# The end.\n"));
    rewritten("white space", |text| {
        let wider = ["source", "target", "op", "from", "to", "id", "v", "path"];
        let text = wider.iter().fold(text.to_owned(), |text, key| {
            text.replace(&format!("\n{key} = "), &format!("\n  {key}\t=   "))
        });
        text.replace("\n\n", " \n\n\n")
    });
    rewritten("a description", |text| {
        text.replace("Copies what", "Takes over what")
            .replace("[stage]\nsource", "[stage]\ndescription = \"New\"\nsource")
    });
    changed("an example", |project| {
        project.write(
            "0001_copy.toml",
            COPY.split("[[example]]").next().expect("a text"),
        );
    });
}

#[test]
fn line_ends_and_a_byte_order_mark_may_change() {
    // Where a text goes over several lines its line ends are part of it, and that is a change of meaning, which is told.
    changed("line ends", |project| {
        project.write("0002_finish.toml", IN_PLACE.replace('\n', "\r\n"));
        project.write("0001_copy.toml", COPY.replace('\n', "\r\n"));
        let said = project.run(&["apply"]);
        assert_eq!(said.code, 5, "{said:?}");
        let (before, after) = COPY.split_once("prepare").expect("a key");
        let (inside, after) = after.split_once("[contract]").expect("a table");
        let ends = |text: &str| text.replace('\n', "\r\n");
        project.write(
            "0001_copy.toml",
            format!("{}prepare{inside}[contract]{}", ends(before), ends(after)),
        );
    });
    rewritten("a byte order mark", |text| format!("\u{feff}{text}"));
    rewritten("no last line end", |text| text.trim_end().to_owned());
}

#[test]
fn keys_may_stand_in_another_order_and_be_written_otherwise() {
    changed("the order of keys", |project| {
        let text = COPY.replace(
            "source = \"records_v1\"\ntarget = \"records_v2\"\n",
            "target = \"records_v2\"\nsource = \"records_v1\"\n",
        );
        project.write("0001_copy.toml", text);
        let text = IN_PLACE.replace("from = \"v\"\nto = \"value\"\n", "to = \"value\"\nfrom = \"v\"\n");
        project.write("0002_finish.toml", text);
    });
    changed("the order of tables", |project| {
        let (before, after) = COPY.split_once("[into]").expect("a table");
        let (into, rest) = after.split_once("[contract]").expect("a table");
        project.write(
            "0001_copy.toml",
            format!("[contract]{rest}\n{before}\n[into]{into}"),
        );
    });
    changed("quotes and dots", |project| {
        project.write(
            "0001_copy.toml",
            COPY.replace("source = \"records_v1\"", "\"source\" = 'records_v1'"),
        );
        let text = IN_PLACE
            .replace("[stage]\n", "")
            .replace("source", "stage.source")
            .replace("path =", "'path' =");
        let text = text
            .replace("[[op]]", "[[ \"op\" ]]")
            .replace("\"yes\"", "\"\\u0079es\"");
        project.write("0002_finish.toml", text);
    });
}

#[test]
fn the_file_of_a_contract_may_be_written_otherwise() {
    changed("a schema", |project| {
        let text = "{\r\n  \"properties\": { \"v\": { \"minimum\": 0, \"type\": \"integer\" } },\r\n  \"required\": [ \"id\", \"v\" ],\r\n  \"type\": \"object\"\r\n}\r\n";
        project.write("v2.schema.json", text);
    });
    changed("the name of a schema's file", |project| {
        renamed(project, "v2.schema.json", "other.schema.json");
        project.write(
            "0001_copy.toml",
            COPY.replace("v2.schema.json", "other.schema.json"),
        );
    });
}

#[test]
fn project_and_store_may_lie_elsewhere() {
    changed("the store", |project| {
        fs::create_dir(project.path("data")).expect("a folder");
        for ending in ["", ".checkpoints"] {
            renamed(
                project,
                &format!("store.db{ending}"),
                &format!("data/new.db{ending}"),
            );
        }
        let text = fs::read_to_string(project.path("counterfoil.toml")).expect("a text");
        project.write("counterfoil.toml", text.replace("store.db", "data/new.db"));
    });
    // The project: all of it copied into another folder.
    let old = project();
    load_one(&old, "the folder", "1");
    run(&old, "the folder", &["apply"]);
    let new = Scene::project(&[]);
    copy_tree(old.path("").as_path(), new.path("").as_path());
    drop(old);
    goes_on(&new, "the folder");
}

#[test]
fn stages_built_in_rust_may_get_another_name_and_description() {
    let mut world = World::signed(5, stages(PROJECT, &[]));
    let stage = |slug: &str| {
        Stage::new(1, slug)
            .source("a")
            .target("b")
            .op(Rename::new("v", "value"))
    };
    for (at, stage) in [
        stage("first"),
        stage("second"),
        stage("second").description("It is the same."),
        stage("first"),
    ]
    .into_iter()
    .enumerate()
    {
        world.stages = Stages::new(PROJECT, vec![stage.build().expect("a stage")])
            .expect("stages")
            .into();
        world.load("a", &[format!("{{\"id\":\"{at}\",\"v\":{at}}}")]);
        let sound = |store: &Store| {
            let report = verify(store, &VerifyOptions::default()).expect("a verification");
            assert!(
                report.is_sound() && report.renamed.is_empty(),
                "{at}: {:?}",
                report.findings
            );
        };
        world.apply();
        sound(&world.store);
        let proof = world
            .store
            .prove("b", &at.to_string(), &ProveOptions::default())
            .expect("a proof");
        proof.verify(&signing_key().verifying()).expect("it holds");
        world.roll_back(RollbackScope::Last);
        sound(&world.store);
        world.apply();
        sound(&world.store);
    }
}
