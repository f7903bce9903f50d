use std::path::Path;

use super::{PROJECT_FILE, Project};
use crate::environment::Secrets;
use crate::problem::Problem;
use crate::stage::Verdict;

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn lines(problems: &[Problem]) -> String {
    let lines = problems
        .iter()
        .map(|problem| format!("{} {problem}\n", problem.code));
    lines.collect()
}

fn stage(source: &str, target: &str) -> String {
    format!("[stage]\nsource = \"{source}\"\ntarget = \"{target}\"\n")
}

#[test]
fn a_new_project_opens_runs_and_takes_new_stages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop");
    let written = Project::scaffold(&path, "shop").unwrap();
    assert_eq!(written.len(), 3);
    let next = Project::new_stage(&path, "second").unwrap();
    assert!(next.ends_with("0002_second.toml"));
    let project = Project::open(&path).unwrap();
    assert_eq!(project.name(), "shop");
    assert_eq!(project.store_path(), path.join("counterfoil.db"));
    assert_eq!(lines(&project.check()), "");
    let (first, second) = (project.stages().get(1).unwrap(), project.stages().get(2).unwrap());
    assert_eq!((first.source(), first.target()), ("records_v1", "records_v2"));
    assert_eq!((second.source(), second.target()), ("records_v2", "records_v3"));
    for result in second.run_examples("shop", &Secrets::default()) {
        assert!(matches!(result.verdict, Verdict::Passed { .. }), "{result:?}");
    }
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let folder = project(&[(".gitignore", "mine"), ("0001_first.toml", &stage("a1", "a2"))]);
    assert_eq!(Project::scaffold(folder.path(), "shop").unwrap().len(), 1);
    assert_eq!(
        std::fs::read_to_string(folder.path().join(".gitignore")).unwrap(),
        "mine"
    );
    let again = Project::scaffold(folder.path(), "shop").unwrap_err();
    assert_eq!(again[0].code, "project.exists");
    assert_eq!(
        Project::new_stage(folder.path(), "Bad Name").unwrap_err()[0].code,
        "stage.bad_name"
    );
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        Project::new_stage(empty.path(), "x").unwrap_err()[0].code,
        "project.missing"
    );
    assert_eq!(
        Project::open(Path::new("/nowhere")).unwrap_err()[0].code,
        "project.missing"
    );
}

#[test]
fn the_problems_of_all_files_are_shown_together() {
    let folder = project(&[
        (PROJECT_FILE, "name = \"Shop\"\nstor = \"x\"\n"),
        ("0001_a.toml", "[stage]\n"),
        ("0003_b.toml", &stage("a1", "b")),
        ("0003_c.toml", &stage("b", "c")),
        ("4_d.toml", ""),
        ("notes.txt", "not a stage"),
        (".0001_a.toml", "left by an editor"),
    ]);
    snapbox::assert_data_eq!(
        lines(&Project::open(folder.path()).unwrap_err()),
        "\
project.bad_name counterfoil.toml:1:8: `Shop` is not a valid project name: use a-z, 0-9, _ and -, starting with a letter, at most 63 characters
stage.unknown_key counterfoil.toml:2:1: the file has no key `stor` (did you mean `store`?)
stage.missing_key 0001_a.toml:1:1: [stage] needs the key `source`: the database whose records it reads
project.duplicate_number `0003_b.toml` and `0003_c.toml` have the same number (give one of them the next free number)
stage.bad_file_name `4_d.toml` is not the name of a stage file (name a stage file like `0001_orders.toml`: four digits, `_` and a name of a-z, 0-9 and _)
"
    );
}

#[test]
fn a_secret_comes_from_the_file_that_the_settings_name() {
    let text =
        "name = \"shop\"\n[secret.salt]\nfile = \"salt.key\"\n[secret.pepper]\nfile = \"pepper.key\"\n";
    let folder = project(&[(PROJECT_FILE, text), ("salt.key", " grain \n")]);
    let settings = Project::settings_of(folder.path()).unwrap();
    let (secrets, warnings) = Project::secrets(folder.path(), &settings);
    assert_eq!(secrets.get("salt"), Some(" grain "));
    assert_eq!(secrets.get("pepper"), None);
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}")
    };
    assert_eq!(warning.code, "secret.unreadable");
    assert!(warning.message.contains("`pepper.key`"), "{warning:?}");
    assert!(!format!("{secrets:?}{settings:?}").contains("grain"));
    let problems = super::settings::parse("name = \"shop\"\n[secret.salt]\nfil = \"x\"\n").unwrap_err();
    assert_eq!(
        lines(&problems),
        "\
stage.missing_key counterfoil.toml:2:1: [secret.salt] needs the key `file`: the file that holds the secret and nothing else
stage.unknown_key counterfoil.toml:3:1: [secret.salt] has no key `fil` (did you mean `file`?)
"
    );
}

#[test]
fn a_database_has_the_system_that_its_settings_name() {
    let parse = |text: &str| super::settings::parse(&format!("name = \"shop\"\n{text}"));
    let settings = parse("[database.a]\nsystem = \"ERP\"\n[database.b]\nid = \"x\"\n").unwrap();
    let systems: Vec<(String, String)> = settings.systems().into_iter().collect();
    assert_eq!(systems, [("a".to_owned(), "ERP".to_owned())]);
    for text in ["\"\"", "\" \"", "\"a\\u0007\""] {
        let problems = parse(&format!("[database.a]\nsystem = {text}\n")).unwrap_err();
        assert_eq!(problems[0].code, "project.bad_system", "{text}");
    }
    let problems = parse("[database.a]\nsytem = \"ERP\"\n").unwrap_err();
    assert_eq!(
        lines(&problems),
        "stage.unknown_key counterfoil.toml:3:1: [database.a] has no key `sytem` (did you mean `system`?)\n"
    );
}

#[test]
fn a_declaration_that_no_stage_has_to_do_with_and_nearly_names_a_target_is_a_warning() {
    let described = |declared: &str| {
        let folder = project(&[
            (PROJECT_FILE, &format!("name = \"shop\"\n{declared}")),
            ("0001_a.toml", &stage("orders", "invoices")),
            ("0002_b.toml", &stage("invoices", "archive")),
        ]);
        lines(&Project::open(folder.path()).unwrap().check())
    };
    assert_eq!(
        described("[database.invoice]\nsystem = \"Shop\"\n"),
        "check.unknown_database counterfoil.toml:2:11: [database.invoice] is declared, but no stage reads or fills `invoice` \
         (did you mean [database.invoices]? If not, declare that one as well)\n"
    );
    for in_order in [
        "[database.invoices]\nsystem = \"Shop\"\n",
        "[database.customers]\nsystem = \"Shop\"\n",
        "[database.invoice]\nid = \"no\"\n[database.invoices]\nsystem = \"Shop\"\n",
        "[database.invoices_2019]\nid = \"no\"\n",
    ] {
        assert_eq!(described(in_order), "", "{in_order}");
    }
}

#[test]
fn settings_have_defaults_and_bounds() {
    let settings = super::settings::parse("name = \"shop\"\n").unwrap();
    assert_eq!(
        (settings.batch_size, settings.wait_seconds, settings.live),
        (5_000, 5, false)
    );
    let text = "name = \"shop\"\nstore = \"data/shop.db\"\nlive = true\n[limits]\ndepth = 9\n[database.orders_v1]\nid = \"order_id\"\n";
    let settings = super::settings::parse(text).unwrap();
    assert_eq!(settings.store, Path::new("data/shop.db"));
    assert_eq!(settings.limits.depth, 9);
    assert_eq!(settings.databases["orders_v1"].id.as_deref(), Some("order_id"));
    for wrong in [
        "batch_size = 0",
        "wait_seconds = -1",
        "live = 1",
        "store = \"../x.db\"",
        "store = \"/x.db\"",
        "store = \"\"",
        "[limits]\ndepth = 1000",
        "[database.ledger_x]",
        "[database]\nx = 1",
        "database = 1",
    ] {
        assert!(
            super::settings::parse(&format!("name = \"shop\"\n{wrong}\n")).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn gaps_are_allowed_and_a_near_name_of_a_database_is_a_warning() {
    let folder = project(&[
        (PROJECT_FILE, "name = \"shop\"\n"),
        ("0001_a.toml", &stage("orders_v1", "orders_v2")),
        ("0005_b.toml", &stage("order_v2", "orders_v3")),
        ("0006_c.toml", &stage("orders_v3", "orders_v4")),
    ]);
    let project = Project::open(folder.path()).unwrap();
    assert_eq!(project.stages().iter().count(), 3);
    assert_eq!(project.stages().get(5).unwrap().slug(), "b");
    assert_eq!(
        lines(&project.check()),
        "project.near_name 0005_b.toml:2:1: nothing fills `order_v2` (did you mean `orders_v2`? If not, declare [database.order_v2])\n"
    );
}
