//! A database that was never loaded is an empty source: the stage succeeds, the stages after it go on, and the next load
//! flows as an increment. A name that is probably mistyped is told of.

use crate::support::world::Scene;

fn copy(source: &str, target: &str) -> String {
    format!(
        "[stage]\nsource = \"{source}\"\ntarget = \"{target}\"\n\n[[op]]\nop = \"set\"\npath = \"seen\"\nvalue = \"yes\"\n\n[contract]\nsource = {{ required = [\"id\"] }}\n\n[[reconcile]]\nname = \"count\"\nsource = \"= 1\"\ntarget = \"= 1\"\n"
    )
}

const IN_PLACE: &str =
    "[stage]\nsource = \"paper\"\n\n[[op]]\nop = \"set\"\npath = \"read\"\nvalue = \"yes\"\n";

/// Stage 1 reads what is never loaded, stage 2 what is, stage 3 changes in place what is never loaded, and stage 4 carries
/// it on.
fn project() -> Scene {
    let stages = [
        ("0001_fax.toml", copy("faxes_in", "letters")),
        ("0002_mail.toml", copy("mails_in", "mails")),
        ("0003_paper.toml", IN_PLACE.to_owned()),
        ("0004_on.toml", copy("paper", "archive")),
    ];
    let stages = stages.each_ref().map(|(name, text)| (*name, text.as_str()));
    Scene::project(&stages)
}

fn load(project: &Scene, database: &str, id: &str) {
    let name = format!("{database}{id}.ndjson");
    project.write(&name, format!("{{\"id\":\"{id}\"}}\n"));
    let file = project.path(&name).display().to_string();
    project.exits_sound(&["load", database, &file], 0);
}

fn databases(project: &Scene) -> Vec<String> {
    let store = rusqlite::Connection::open(project.store()).expect("a store");
    let mut names = store
        .prepare("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'ledger%' ORDER BY 1")
        .expect("a query");
    let names = names.query_map([], |row| row.get(0)).expect("rows");
    names.collect::<Result<_, _>>().expect("names")
}

#[test]
fn what_was_never_loaded_is_a_success_and_the_next_load_flows_as_an_increment() {
    let project = project();
    load(&project, "mails_in", "m1");
    project.exits_sound(&["plan"], 0);
    let said = project.exits_sound(&["apply"], 0);
    assert!(
        said.err
            .contains("stage 1 reads `faxes_in`, which does not exist yet and is read as empty"),
        "{said:?}"
    );
    assert_eq!(
        databases(&project),
        ["archive", "letters", "mails", "mails_in"],
        "no stage makes its own source"
    );
    // Each pass has ended, and there is nothing more to do.
    let sql = "SELECT count(*) FROM audit_pass WHERE kind='apply' AND ended AND (number=2 OR read=0)";
    let store = rusqlite::Connection::open(project.store()).expect("a store");
    assert_eq!(
        store
            .query_row::<i64, _, _>(sql, [], |row| row.get(0))
            .expect("a view"),
        4
    );
    drop(store);
    let status = project.exits_sound(&["status"], 0).out;
    assert_eq!(
        status.lines().filter(|line| line.contains("applied")).count(),
        4,
        "{status}"
    );
    let said = project.exits_sound(&["apply"], 0);
    assert!(said.out.contains("up to date"), "{said:?}");
    for verb in [
        &["reconcile"][..],
        &["validate", "faxes_in"],
        &["profile", "faxes_in"],
        &["apply", "--rehearse"],
        &["plan", "--sample", "2"],
    ] {
        project.exits_sound(verb, 0);
    }
    load(&project, "faxes_in", "f1");
    load(&project, "paper", "p1");
    let said = project.exits_sound(&["plan"], 0);
    assert!(!said.err.contains("does not exist yet"), "{said:?}");
    project.exits_sound(&["apply"], 0);
    for (database, line) in [
        ("letters", "{\"id\":\"f1\",\"seen\":\"yes\"}\n"),
        ("paper", "{\"id\":\"p1\",\"read\":\"yes\"}\n"),
        ("archive", "{\"id\":\"p1\",\"read\":\"yes\",\"seen\":\"yes\"}\n"),
    ] {
        assert_eq!(project.exits_sound(&["export", database], 0).out, line);
    }
    project.exits_sound(&["rollback", "--all", "--yes"], 0);
    assert_eq!(
        project.exits_sound(&["export", "paper"], 0).out,
        "{\"id\":\"p1\"}\n"
    );
    project.exits_sound(&["apply"], 0);
}

#[test]
fn stages_over_nothing_at_all_are_applied_tried_and_taken_back() {
    let project = project();
    project.exits_sound(&["apply"], 0);
    for verb in [
        &["plan"][..],
        &["status"],
        &["reconcile"],
        &["apply", "--rehearse"],
    ] {
        project.exits_sound(verb, 0);
    }
    project.exits_sound(&["rollback", "--all", "--yes"], 0);
    project.exits_sound(&["plan"], 0);
    project.exits_sound(&["apply"], 0);
    load(&project, "paper", "p1");
    project.exits_sound(&["apply"], 0);
    assert_eq!(
        project.exits_sound(&["export", "archive"], 0).out,
        "{\"id\":\"p1\",\"read\":\"yes\",\"seen\":\"yes\"}\n"
    );
    project.exits_sound(&["rollback", "--stage", "4", "--yes"], 0);
    project.exits_sound(&["rollback", "--stage", "3", "--yes"], 0);
    assert_eq!(
        project.exits_sound(&["export", "paper"], 0).out,
        "{\"id\":\"p1\"}\n"
    );
}

#[test]
fn a_mistyped_source_is_reported_by_every_reader() {
    let project = Scene::project(&[("0001_copy.toml", &copy("ordesr", "orders_v2"))]);
    load(&project, "orders", "1");
    for verb in ["check", "plan", "apply", "status"] {
        let said = project.exits_sound(&[verb], 0);
        let text = said.out + &said.err;
        assert!(
            text.contains("stage 1 reads `ordesr`, which does not exist yet"),
            "{verb}: {text}"
        );
        assert!(text.contains("did you mean `orders`?"), "{verb}: {text}");
    }
    // What is declared, or filled by another stage, is no mistake; and what was loaded is there.
    project.write("0001_copy.toml", copy("orders", "orders_v2"));
    project.write(
        "counterfoil.toml",
        "name = \"faults\"\nstore = \"store.db\"\n\n[database.returns]\n",
    );
    project.write("0002_later.toml", copy("returns", "returned"));
    project.write("0003_last.toml", copy("returned", "ended"));
    let said = project.exits_sound(&["check"], 0);
    assert!(!said.out.contains("does not exist yet"), "{said:?}");
}

#[test]
fn a_name_on_the_command_line_is_known_where_a_stage_has_it_and_else_a_mistake() {
    let project = project();
    load(&project, "mails_in", "m1");
    for verb in ["query", "export", "profile"] {
        let said = project.run(&[verb, "mails_im"]);
        assert!(
            said.code == 1 && said.err.contains("did you mean `mails_in`?"),
            "{verb}: {said:?}"
        );
        let said = project.exits_sound(&[verb, "faxes_in"], 0);
        assert!(
            said.err.contains("`faxes_in` does not exist yet"),
            "{verb}: {said:?}"
        );
    }
    assert_eq!(project.exits_sound(&["export", "letters"], 0).out, "");
    let said = project.run(&["query", "faxes_in", "--id", "f1"]);
    assert!(
        said.code == 1 && said.err.contains("no record with the id"),
        "{said:?}"
    );
    let said = project.run(&["delete", "faxes_in", "f1", "--reason", "by mistake"]);
    assert!(
        said.code == 1 && said.err.contains("no record with the id"),
        "{said:?}"
    );
    assert_eq!(databases(&project), ["mails_in"]);
}
