//! Fault 16: hostile names, as names of databases, fields, records, stages and files: refused, or bound as plain text.

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde_json::json;

use crate::support::invariants::assert_sound;
use crate::support::world::{Said, Scene};

/// Two hundred texts and more that mean something to SQL, a shell, a file system, JSON, TOML, a terminal or a person.
fn hostile() -> BTreeSet<String> {
    let kernels = [
        "'",
        "\"",
        "`",
        "]",
        ";",
        "--",
        "/*",
        "%",
        "_%",
        "\\",
        "\\'",
        "\\\"",
        "?",
        "?1",
        ":id",
        "@id",
        "$id",
        "#",
        "x'00'",
        "NULL",
        "null",
        "1=1",
        "' OR '1'='1",
        "\" OR \"\"=\"",
        "'; DROP TABLE a;--",
        "\"; DROP TABLE \"a\";--",
        "a\"(x); DROP TABLE a;--",
        "') UNION SELECT sql FROM sqlite_schema--",
        "'; ATTACH 'x' AS x;--",
        "'; PRAGMA writable_schema=1;--",
        "a;DELETE FROM ledger_entry",
        "sqlite_schema",
        "ledger_entry",
        "audit_record",
        "a.id",
        "main.a",
        "temp.a",
        "rowid",
        "select",
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        ".",
        "~",
        "C:\\x",
        "a/b",
        "\u{2025}/x",
        "$(id)",
        "`id`",
        "${x}",
        "%s%n",
        "{{x}}",
        "{x}",
        "__proto__",
        "constructor",
        "a\nb",
        "a\rb",
        "a\tb",
        "\u{1b}[31mred",
        "\u{8}\u{8}",
        "\u{202e}abc",
        "\u{feff}a",
        "\u{200b}a",
        "\u{430}",
        "\u{ff41}",
        "e\u{301}",
        "\u{e9}",
        "\u{1f4a9}",
        "\u{ffff}",
        "= doc.id",
        "=1+1",
        "@SUM(1)",
        "-1",
        "+1",
        "a b",
        " a",
        "a ",
        "A",
        "1",
        "0",
        "true",
        "[0]",
        "a[*]",
        "a.b",
        "/a/b",
        "~0",
        "~1",
        "$serde_json::private::Number",
        "$serde_json::private::RawValue",
    ];
    let decorated = |kernel: &str| {
        [
            kernel.to_owned(),
            format!("a{kernel}"),
            format!("{kernel} OR 1=1 --"),
            kernel.repeat(20),
        ]
    };
    kernels.into_iter().flat_map(decorated).collect()
}

fn schema(project: &Scene) -> Vec<String> {
    let connection = Connection::open(project.store()).expect("a store");
    let sql = "SELECT type||' '||name||' '||coalesce(sql,'') FROM sqlite_schema ORDER BY 1";
    let mut statement = connection.prepare(sql).expect("a valid query");
    let rows = statement.query_map([], |row| row.get(0)).expect("a schema");
    rows.collect::<Result<_, _>>().expect("texts")
}

const STAGE: &str =
    "[stage]\nsource = \"a\"\ntarget = \"b\"\n\n[[op]]\nop = \"rename\"\nfrom = \"n\"\nto = \"number\"\n";

/// Tables of the two databases and their indexes, beside those of the ledger.
const OF_DATABASES: usize = 4;

#[test]
fn hostile_ids_fields_and_values_are_plain_text_all_the_way() {
    let names = hostile();
    assert!(names.len() > 200, "{}", names.len());
    let project = Scene::project(&[("0001_move.toml", STAGE)]);
    // As text, because the parser of these tests has private names of its own for a number.
    let record = |name: &String, number: &str| {
        let (text, field) = (json!(name), json!(format!("field {name}")));
        format!("{{\"id\":{text},\"{number}\":1,\"v\":{text},{field}:{{{text}:[{text}]}}}}")
    };
    let lines: String = names.iter().map(|name| record(name, "n") + "\n").collect();
    project.write("a.ndjson", lines);
    let file = project.path("a.ndjson");
    let loaded = project.run(&["load", "a", file.to_str().expect("a path that is text")]);
    assert_eq!(loaded.code, 0, "{loaded:?}");
    let applied = project.run(&["apply"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    let before = schema(&project);
    let exported = project.run(&["export", "b", "--with-id"]);
    for (line, name) in exported.out.lines().zip(&names) {
        let expected = record(name, "number");
        assert_eq!(line, format!("{{\"id\":{},\"data\":{expected}}}", json!(name)));
    }
    assert_eq!(exported.out.lines().count(), names.len());
    for name in names.iter().filter(|name| !name.starts_with('-')) {
        let found = project.run(&["query", "b", "--id", name, "--with-id", "--json"]);
        assert_eq!(found.code, 0, "{name:?}: {found:?}");
        let text = json!(name).to_string();
        let id = format!("\"id\":{}", counterfoil::shown::json(&text));
        assert!(found.out.contains(&id), "{name:?}: {found:?}");
    }
    let ledger = before
        .iter()
        .filter(|line| line.contains("ledger_") || line.contains("audit_"))
        .count();
    assert_eq!(before.len(), ledger + OF_DATABASES, "{before:#?}");
    assert_eq!(schema(&project), before);
    assert_sound(&project.store(), 0, "hostile names");
}

#[test]
fn hostile_names_of_databases_and_stages_are_refused_and_nothing_is_made() {
    let project = Scene::project(&[("0001_move.toml", STAGE)]);
    project.write("a.ndjson", "{\"id\":\"x\",\"n\":1}\n");
    let file = project.path("a.ndjson");
    let file = file.to_str().expect("a path that is text");
    assert_eq!(project.run(&["load", "a", file]).code, 0);
    let before = schema(&project);
    let files = || {
        let entries = std::fs::read_dir(project.path(".")).expect("a folder");
        entries
            .map(|entry| entry.expect("a file").file_name())
            .collect::<BTreeSet<_>>()
    };
    let there = files();
    // What begins with `-` is an option to any command; `aa...` is a name like any other.
    let fit = |name: &String| counterfoil::name::is_database_name(name);
    // The commands that read take turns: each of them gets a third of the names.
    for (turn, name) in hostile().iter().filter(|name| !fit(name)).enumerate() {
        let reads = [
            &["export", "--", name][..],
            &["query", "--", name],
            &["trace", "--", name, name],
        ];
        for arguments in [&["load", "--", name, file][..], reads[turn % reads.len()]] {
            let said = project.run(arguments);
            assert!(matches!(said.code, 1 | 2), "{arguments:?}: {said:?}");
            assert!(
                !said.err.contains('\u{1b}') && !said.err.contains('\u{8}'),
                "{arguments:?}: {said:?}"
            );
        }
    }
    for name in hostile()
        .iter()
        .filter(|name| counterfoil::name::check_stage(name).is_err())
    {
        let said = project.run(&["new", "--", name]);
        assert_eq!(said.code, 2, "{name:?}: {said:?}");
    }
    assert_eq!(schema(&project), before);
    assert_eq!(files(), there);
    assert_sound(&project.store(), 0, "hostile names of databases");
}

#[test]
fn a_stage_with_hostile_names_is_exit_4_and_leads_to_no_other_file() {
    let secret = tempfile::tempdir().expect("a folder");
    let outside = secret.path().join("secret.json");
    std::fs::write(&outside, "{\"secret\":\"not for anybody\"}").expect("a file");
    let outside = outside.to_str().expect("a path that is text");
    let mut stages: Vec<String> = [
        "../secret.json",
        "/etc/passwd",
        outside,
        "a\\u0000b",
        "./../x",
        "..\\\\x",
    ]
    .iter()
    .map(|name| format!("{STAGE}\n[contract]\ntarget = \"{name}\"\n"))
    .collect();
    for name in hostile()
        .iter()
        .filter(|name| !counterfoil::name::is_database_name(name))
    {
        // JSON's escapes are TOML's too.
        stages.push(format!("[stage]\nsource = {}\ntarget = \"b\"\n", json!(name)));
    }
    for stage in stages {
        let project = Scene::project(&[("0001_hostile.toml", &stage)]);
        let said = project.run(&["apply"]);
        assert_eq!(said.code, 4, "{stage}: {said:?}");
        assert!(!said.err.contains("not for anybody"), "{said:?}");
        assert!(!project.store().exists(), "{stage}");
    }
}

#[test]
fn hostile_headers_of_a_table_are_names_of_fields_and_no_more() {
    let project = Scene::project(&[]);
    let names: Vec<String> = hostile()
        .into_iter()
        .filter(|name| !name.contains(['\n', '\r']))
        .collect();
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let header: Vec<String> = names.iter().map(quoted).collect();
    let row: Vec<String> = names
        .iter()
        .map(|_| "\"'; DROP TABLE a;--\"".to_owned())
        .collect();
    let table = format!("key,{}\n1,{}\n", header.join(","), row.join(","));
    let mut child = project.piped(&["load", "a", "-", "--format", "csv", "--id", "key"]);
    let mut input = child.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut input, table.as_bytes()).expect("it is read");
    drop(input);
    let said = Said::of(child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, 0, "{said:?}");
    let exported = project.run(&["export", "a"]);
    let fields: Vec<String> = names
        .iter()
        .map(|name| format!("{}:\"'; DROP TABLE a;--\"", json!(name)))
        .collect();
    assert_eq!(exported.out, format!("{{\"key\":\"1\",{}}}\n", fields.join(",")));
    assert_sound(&project.store(), 0, "a table with hostile headers");
}
