//! `plan` tells what `apply` does, and leaves no trace; `apply --plan` holds to it; `apply --rehearse` tries it all.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::support::project::{ProjectFolder, Said};
use crate::support::scenario::{Beginning, Template};

/// A shipped project without records, its store where the support expects it.
fn empty(name: &str) -> ProjectFolder {
    let project = ProjectFolder::new(&[]);
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(name),
        &project.path(""),
    );
    let settings = format!("name = \"{name}\"\nstore = \"store.db\"\nbatch_size = 50\n");
    project.write("counterfoil.toml", settings);
    project
}

/// A shipped project with its records loaded.
fn shipped(name: &str, database: &str, id: &str) -> ProjectFolder {
    let project = empty(name);
    let records = format!(
        "{}/migrations/{name}/records/{database}.ndjson",
        env!("CARGO_MANIFEST_DIR")
    );
    load(&project, database, &records, id);
    project
}

fn load(project: &ProjectFolder, database: &str, records: &str, id: &str) {
    let said = project.run(&["load", database, records, "--id", id]);
    done(&said);
}

/// It did what it was asked to, whether it refused records or not.
fn done(said: &Said) {
    assert!(matches!(said.code, Some(0 | 3)), "{said:?}");
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a shipped project") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_file() {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// Every file of a folder, byte for byte.
fn snapshot(project: &ProjectFolder) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(project.path("")).expect("a folder");
    let files = entries.map(|entry| entry.expect("an entry"));
    let files = files.filter(|entry| entry.file_type().expect("a type").is_file());
    let name = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    files
        .map(|entry| (name(&entry), fs::read(entry.path()).expect("its bytes")))
        .collect()
}

fn data(said: &Said) -> Json {
    let envelope: Json = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("an envelope: {said:?}"));
    envelope["data"].clone()
}

/// The outcomes of each stage: of a plan, or of the passes of an apply.
fn outcomes(stages: &Json) -> BTreeMap<u64, BTreeMap<String, u64>> {
    let mut outcomes = BTreeMap::new();
    for stage in stages.as_array().expect("stages or passes") {
        let sums: &mut BTreeMap<String, u64> = outcomes
            .entry(stage["stage"].as_u64().expect("a number"))
            .or_default();
        for (name, count) in stage["counts"].as_object().expect("counts") {
            *sums.entry(name.clone()).or_default() += count.as_u64().expect("a count");
        }
    }
    outcomes
}

/// Refused records by stage and code: of a plan, or of what stands in quarantine after an apply.
fn planned_refusals(plan: &Json) -> BTreeMap<(u64, String), u64> {
    let stages = plan["stages"].as_array().expect("stages").iter();
    let of_stage = |stage: &Json| {
        let number = stage["stage"].as_u64().expect("a number");
        let groups = stage["refusals"].as_array().expect("refusals").clone();
        groups.into_iter().map(move |group| {
            let code = group["code"].as_str().expect("a code").to_owned();
            ((number, code), group["records"].as_u64().expect("a count"))
        })
    };
    stages.flat_map(of_stage).collect()
}

fn actual_refusals(applied: &Json) -> BTreeMap<(u64, String), u64> {
    let refusals = applied["refusals"].as_array().expect("refusals").iter();
    let one = |refusal: &Json| {
        let code = refusal["code"].as_str().expect("a code").to_owned();
        let key = (refusal["stage"].as_u64().expect("a stage"), code);
        (key, refusal["records"].as_u64().expect("a count"))
    };
    refusals.map(one).collect()
}

/// Plans and applies, and compares.
fn assert_plan_is_what_apply_does(project: &ProjectFolder, options: &[&str]) -> (Json, Json) {
    let before = snapshot(project);
    let planned = project.run(&[&["plan", "--json"], options].concat());
    assert_eq!(before, snapshot(project), "a plan writes nothing");
    let size = before["store.db"].len() as u64;
    let applied = project.run(&[&["apply", "--json"], options].concat());
    assert_eq!(planned.code, applied.code, "{planned:?} {applied:?}");
    let (planned, applied) = (data(&planned), data(&applied));
    assert_eq!(outcomes(&planned["stages"]), outcomes(&applied["passes"]));
    assert_eq!(planned_refusals(&planned), actual_refusals(&applied));
    let grown = fs::metadata(project.store()).expect("a store").len() - size;
    let growth = planned["growth"].as_u64().expect("a growth");
    let near = grown / 2..=grown * 2;
    assert!(near.contains(&growth), "{growth} planned, {grown} grown");
    (planned, applied)
}

fn shop() -> ProjectFolder {
    shipped("shop", "orders_v1", "order_id")
}

fn bank() -> ProjectFolder {
    shipped("bank", "legacy_transactions", "tx_ref")
}

#[test]
fn a_plan_of_the_shop_is_what_apply_does() {
    let project = shop();
    let (planned, _) = assert_plan_is_what_apply_does(&project, &["--max-errors", "100%"]);
    let stage = &planned["stages"][0];
    assert_eq!(stage["passes"][0]["kind"], "first");
    let split = &stage["operations"][2];
    let refused = planned_refusals(&planned)[&(1, "address.unparsed".to_owned())];
    assert_eq!(
        (split["op"].as_str(), split["refused"].as_u64()),
        (Some("split"), Some(refused))
    );
    assert_eq!(split["reversibility"], "exact");
    let again = data(&project.run(&["plan", "--json"]));
    assert_eq!(
        (again["stages"].as_array().map(Vec::len), &again["up_to_date"]),
        (Some(0), &serde_json::json!([1]))
    );
}

#[test]
fn a_plan_of_the_bank_shows_later_stages_what_earlier_ones_would_write() {
    let project = bank();
    let options = ["--max-errors", "100%"];
    let (planned, _) = assert_plan_is_what_apply_does(&project, &options);
    assert_eq!(planned["stages"].as_array().map(Vec::len), Some(3));
    let sample = &planned["stages"][1]["samples"][0]["fields"];
    let added = sample
        .as_array()
        .expect("fields")
        .iter()
        .find(|field| field["pointer"] == "/currency");
    assert_eq!(added.expect("a field that is new")["after"], "\"USD\"");
    assert!(planned["stages"][1]["image_bytes"].as_u64() > Some(0));
    let lints = planned["stages"][1]["lints"].as_array().expect("lints");
    assert!(
        lints.iter().any(|lint| lint["code"] == "check.lossy"),
        "{lints:?}"
    );
    // A correction and some new records go through all three.
    let changed = r#"{"tx_ref":"TX-NEW-1","acct_no":"A1","tx_date":"2024-01-02","tx_amt":"12.50"}
{"tx_ref":"TX-NEW-2","acct_no":"A1","tx_date":"2024-01-02","tx_amt":"12.50"}
"#;
    project.write("more.ndjson", changed);
    load(
        &project,
        "legacy_transactions",
        &project.path("more.ndjson").display().to_string(),
        "tx_ref",
    );
    let (planned, _) = assert_plan_is_what_apply_does_with_little(&project);
    let read = outcomes(&planned["stages"])
        .values()
        .map(|counts| counts["read"])
        .collect::<Vec<_>>();
    assert_eq!(read, [2, 2, 2]);
    assert_eq!(planned["stages"][2]["passes"][0]["kind"], "later");
}

/// As above; a handful of records grows a file by whole pages, which no estimate tells.
fn assert_plan_is_what_apply_does_with_little(project: &ProjectFolder) -> (Json, Json) {
    let before = snapshot(project);
    let planned = data(&project.run(&["plan", "--json"]));
    assert_eq!(before, snapshot(project), "a plan writes nothing");
    let applied = data(&project.run(&["apply", "--json"]));
    assert_eq!(outcomes(&planned["stages"]), outcomes(&applied["passes"]));
    (planned, applied)
}

#[test]
fn a_plan_of_the_northwind_orders_is_what_apply_does() {
    let Ok(folder) = std::env::var("COUNTERFOIL_REAL_DATA") else {
        eprintln!("COUNTERFOIL_REAL_DATA names no folder with the Northwind orders: they are not planned");
        return;
    };
    let project = empty("shop");
    load(
        &project,
        "orders_v1",
        &format!("{folder}/shop/northwind_orders_v1.ndjson"),
        "order_id",
    );
    let (planned, _) = assert_plan_is_what_apply_does(&project, &["--max-errors", "100%"]);
    let counts = &outcomes(&planned["stages"])[&1];
    assert_eq!(
        (counts["read"], counts["written"], counts["refused"]),
        (830, 122, 708)
    );
}

#[test]
fn a_plan_says_where_apply_would_stop_and_counts_all_the_same() {
    let project = shop();
    let planned = project.run(&["plan", "--json", "--max-errors", "5"]);
    assert_eq!(planned.code, Some(3));
    let stage = data(&planned)["stages"][0].clone();
    assert_eq!(stage["stops"]["limit"], 5);
    assert_eq!(stage["stops"]["refused"], stage["counts"]["refused"]);
    assert_eq!(stage["counts"]["read"], stage["records"]);
    assert_eq!(project.run(&["apply", "--max-errors", "5"]).code, Some(6));
    // What was interrupted is planned to its end.
    let planned = data(&project.run(&["plan", "--json"]));
    assert_eq!(planned["stages"][0]["passes"][0]["kind"], "resumed");
    let left = planned["stages"][0]["counts"]["read"].as_u64().expect("a count");
    let applied = data(&project.run(&["apply", "--json", "--max-errors", "100%"]));
    let read = outcomes(&applied["passes"])[&1]["read"];
    assert!(left > 0 && left < read, "{left} of {read}");
}

#[test]
fn a_sample_is_spread_over_the_source_and_says_that_it_is_one() {
    let project = bank();
    let planned = data(&project.run(&["plan", "--json", "--sample", "30"]));
    for stage in planned["stages"].as_array().expect("stages") {
        let (tried, all) = (
            stage["counts"]["read"].as_u64().unwrap(),
            stage["records"].as_u64().unwrap(),
        );
        assert!(
            (20..=30).contains(&tried) && all > 100,
            "{tried} of {all} in {}",
            stage["slug"]
        );
    }
    let whole = data(&project.run(&["plan", "--json"]));
    let (some, all) = (
        planned["growth"].as_u64().unwrap(),
        whole["growth"].as_u64().unwrap(),
    );
    assert!(
        some > all / 2 && some < all * 2,
        "{some} from a sample, {all} from all"
    );
    let said = project.run(&["plan", "--sample", "30"]);
    assert!(said.out.contains("a sample: 30 of"), "{}", said.out);
    assert_eq!(project.run(&["plan", "--sample", "0"]).code, Some(2));
}

#[test]
fn nothing_holds_a_plan_up_and_a_plan_holds_nothing_up() {
    let project = bank();
    let lock = fs::File::options()
        .write(true)
        .open(project.path("store.db.lock"))
        .expect("the lock's file");
    lock.try_lock().expect("nobody holds it");
    assert_eq!(project.run(&["apply", "--wait", "0"]).code, Some(7));
    done(&project.run(&["plan"]));
}

#[test]
fn a_store_that_was_killed_in_the_middle_of_a_commit_can_be_planned() {
    let template = Template::new(Beginning::Loaded);
    let project = ProjectFolder::of_scenario(&template);
    // A journal that a killed process has left: the file's first page as it was, and a header that says so.
    let store = project.store();
    let connection = rusqlite::Connection::open(&store).expect("a store");
    connection
        .execute_batch("PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN; CREATE TABLE spilled(x); ")
        .expect("a write");
    connection
        .execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<5000) INSERT INTO spilled SELECT hex(randomblob(400)) FROM n", [])
        .expect("more than the cache holds");
    let (half, journal) = (
        fs::read(&store).unwrap(),
        fs::read(project.path("store.db-journal")).unwrap(),
    );
    connection.execute_batch("ROLLBACK").expect("undone");
    drop(connection);
    let whole = fs::read(&store).unwrap();
    fs::write(&store, half).unwrap();
    fs::write(project.path("store.db-journal"), journal).unwrap();
    let said = project.run(&["plan", "--json"]);
    assert!(matches!(said.code, Some(0 | 3)), "{said:?}");
    assert_eq!(
        whole,
        fs::read(&store).unwrap(),
        "what was half done is undone, and nothing else has changed"
    );
}

#[test]
fn apply_holds_to_a_plan() {
    let project = bank();
    let plan = project.path("plan.json").display().to_string();
    done(&project.run(&["plan", "--out", &plan]));
    // Interrupted, it goes on.
    let said = project.run(&["apply", "--plan", &plan, "--max-time", "0s"]);
    assert_eq!(said.code, Some(6), "{said:?}");
    done(&project.run(&["apply", "--plan", &plan]));
    done(&project.run(&["apply", "--plan", &plan]));
    // The data has moved.
    project.write(
        "more.ndjson",
        "{\"tx_ref\":\"N\",\"acct_no\":\"A\",\"tx_date\":\"2024-01-02\",\"tx_amt\":\"1.00\"}\n",
    );
    load(
        &project,
        "legacy_transactions",
        &project.path("more.ndjson").display().to_string(),
        "tx_ref",
    );
    let said = project.run(&["apply", "--plan", &plan, "--json"]);
    assert_eq!(said.code, Some(5), "{said:?}");
    let envelope: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(envelope["error"]["code"], "plan.moved");
    assert!(
        envelope["error"]["message"].as_str().unwrap().contains("`load`"),
        "{envelope}"
    );
    // A new plan, in the place of the old one; another option; another stage.
    done(&project.run(&["plan", "--out", &plan]));
    assert_eq!(
        project.run(&["apply", "--plan", &plan, "--to", "1"]).code,
        Some(5)
    );
    for other in [["--max-errors", "5"], ["--on-error", "stop"]] {
        let said = project.run(&[&["apply", "--plan", &plan], &other[..]].concat());
        assert_eq!(said.code, Some(5), "{said:?}");
        assert!(said.err.contains(&format!("without `{}`", other[0])), "{said:?}");
    }
    // No plan is written over what is no plan.
    let folder = project.path("").display().to_string();
    for taken in [
        "/dev/null",
        &folder,
        &project.path("more.ndjson").display().to_string(),
    ] {
        let said = project.run(&["plan", "--out", taken]);
        assert_eq!(said.code, Some(2), "{taken}: {said:?}");
    }
    // Of a sample there is no plan to hold to.
    assert_eq!(
        project.run(&["plan", "--sample", "1", "--out", &plan]).code,
        Some(2)
    );
    // A doctored one.
    let text = fs::read_to_string(&plan).unwrap();
    let pin = serde_json::from_str::<Json>(&text).unwrap()["pin"].clone();
    let mut doctored = vec![("\"tree_size\":", "\"tree_size\":1")];
    doctored.push(("\"slug\":\"compliance\"", "\"slug\":\"complaints\""));
    doctored.push(("\"version\":1", "\"version\":1,\"more\":1"));
    for (from, to) in doctored {
        let file = project.path("doctored.json").display().to_string();
        let compact = serde_json::to_string(&serde_json::json!({ "pin": pin })).unwrap();
        assert!(compact.contains(from), "{compact}");
        fs::write(&file, compact.replacen(from, to, 1)).unwrap();
        let said = project.run(&["apply", "--plan", &file]);
        assert!(matches!(said.code, Some(2 | 5)), "{to}: {said:?}");
    }
    let figures = project.path("figures.json").display().to_string();
    assert!(text.contains("\"refused\": 0"), "{text}");
    fs::write(&figures, text.replacen("\"refused\": 0", "\"refused\": 1", 1)).unwrap();
    let said = project.run(&["apply", "--plan", &figures]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("the figures of the plan"), "{said:?}");
    let stage = fs::read_to_string(project.path("0003_compliance.toml")).unwrap();
    project.write(
        "0003_compliance.toml",
        format!("{stage}\n[[op]]\nop = \"add\"\npath = \"more\"\nvalue = 1\n"),
    );
    let said = project.run(&["apply", "--plan", &plan]);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(
        said.err.contains("stage 3 (compliance) has another meaning"),
        "{}",
        said.err
    );
}

#[test]
fn what_is_no_plan_is_refused_and_not_overwritten() {
    let project = bank();
    for text in [
        "",
        "{}",
        "[]",
        "{\"pin\":{}}",
        "plan",
        "{\"pin\":{\"version\":1}}",
    ] {
        project.write("plan.json", text);
        let plan = project.path("plan.json").display().to_string();
        assert_eq!(project.run(&["apply", "--plan", &plan]).code, Some(2), "{text}");
        assert_eq!(project.run(&["plan", "--out", &plan]).code, Some(2), "{text}");
        assert_eq!(fs::read_to_string(&plan).unwrap(), text);
    }
    let nowhere = project.path("nowhere/plan.json").display().to_string();
    assert_eq!(project.run(&["plan", "--out", &nowhere]).code, Some(2));
    assert_eq!(project.run(&["apply", "--plan", &nowhere]).code, Some(2));
    assert_eq!(
        project
            .run(&["plan", "--out", &project.path("").display().to_string()])
            .code,
        Some(2)
    );
    // A plan of another store, and of a changed version.
    let other = bank();
    let plan = other.path("plan.json").display().to_string();
    done(&other.run(&["plan", "--out", &plan]));
    let said = project.run(&["apply", "--plan", &plan]);
    assert!(
        said.code == Some(5) && said.err.contains("another store"),
        "{said:?}"
    );
    let text = fs::read_to_string(&plan)
        .unwrap()
        .replace("\"version\": 1", "\"version\": 2");
    fs::write(&plan, text).unwrap();
    assert_eq!(other.run(&["apply", "--plan", &plan]).code, Some(2));
}

#[test]
fn a_plan_shows_nothing_that_a_stage_redacts() {
    const STAGE: &str = "[stage]\nsource = \"people\"\ntarget = \"people_v2\"\nredact = [\"ssn\", \"id_card.number\"]\nmax_errors = \"100%\"\n\
        [[op]]\nop = \"rename\"\nfrom = \"name\"\nto = \"full_name\"\n[[op]]\nop = \"convert\"\npath = \"age\"\nto = \"integer\"\n";
    let project = ProjectFolder::new(&[("0001_people.toml", STAGE)]);
    let people = "{\"id\":\"1\",\"name\":\"Ada\",\"age\":\"36\",\"ssn\":\"SECRET-1\",\"id_card\":{\"number\":\"SECRET-2\"}}\n\
        {\"id\":\"2\",\"name\":\"Bob\",\"age\":\"SECRET?\",\"ssn\":\"SECRET-3\",\"id_card\":{\"number\":\"SECRET-4\"}}\n";
    project.write("people.ndjson", people);
    load(
        &project,
        "people",
        &project.path("people.ndjson").display().to_string(),
        "id",
    );
    let plan = project.path("plan.json").display().to_string();
    let (text, json) = (
        project.run(&["plan", "--out", &plan]),
        project.run(&["plan", "--json"]),
    );
    for said in [
        &text.out,
        &text.err,
        &json.out,
        &fs::read_to_string(&plan).unwrap(),
    ] {
        assert!(!said.contains("SECRET"), "{said}");
    }
    assert!(
        text.out.contains("/full_name  \"Ada\"") && text.out.contains("convert.invalid"),
        "{}",
        text.out
    );
}

#[test]
fn a_drifted_stage_is_not_planned_unless_it_is_revised() {
    let project = bank();
    done(&project.run(&["apply"]));
    let stage = fs::read_to_string(project.path("0003_compliance.toml")).unwrap();
    project.write(
        "0003_compliance.toml",
        format!("{stage}\n[[op]]\nop = \"add\"\npath = \"more\"\nvalue = 1\n"),
    );
    assert_eq!(project.run(&["plan"]).code, Some(5));
    let planned = project.run(&["plan", "--revise", "--json"]);
    done(&planned);
    assert_eq!(data(&planned)["stages"][0]["passes"][0]["kind"], "revised");
}

#[test]
fn a_rehearsal_does_it_all_and_leaves_the_store_as_it_is() {
    for project in [shop(), bank()] {
        let before = snapshot(&project);
        let said = project.run(&["apply", "--rehearse", "--max-errors", "100%", "--json"]);
        assert!(matches!(said.code, Some(0 | 3)), "{said:?}");
        let rehearsed = data(&said);
        assert_eq!(before, snapshot(&project), "the store is as it was");
        let rehearsal = &rehearsed["rehearsal"];
        assert_eq!(rehearsal["verified"]["problems"], 0);
        assert_eq!(
            rehearsal["compared"]["differences"].as_array().map(Vec::len),
            Some(0)
        );
        assert!(rehearsal["compared"]["records"].as_u64() > Some(100));
        assert!(rehearsal["rolled_back"]["counts"]["read"].as_u64() > Some(100));
        let applied = data(&project.run(&["apply", "--max-errors", "100%", "--json"]));
        assert_eq!(outcomes(&rehearsed["passes"]), outcomes(&applied["passes"]));
        assert_eq!(rehearsed["reconciled"], applied["reconciled"]);
    }
}

#[test]
fn a_rehearsal_of_the_recomputing_shop_tells_what_is_left_unexplained() {
    let project = shipped("shop_recompute", "orders_v1", "order_id");
    let said = project.run(&["apply", "--rehearse", "--max-errors", "100%"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.err.contains("left unexplained") && said.out.contains("rehearsed:"),
        "{said:?}"
    );
}

#[test]
fn what_a_stage_in_place_had_refused_is_not_planned_again_where_an_earlier_stage_leaves_it_out() {
    let copy = "[stage]\nsource = \"a\"\ntarget = \"b\"\nwhere = \"= doc.n != 5\"\nmax_errors = \"100%\"\n";
    let in_place =
        "[stage]\nsource = \"b\"\nmax_errors = \"100%\"\n[contract.target.properties.n]\nmaximum = 9\n";
    let project = ProjectFolder::new(&[("0001_copy.toml", copy), ("0002_small.toml", in_place)]);
    let put = |n: u32| {
        project.write("a.ndjson", format!("{{\"id\":\"x\",\"n\":{n}}}\n"));
        let path = project.path("a.ndjson").display().to_string();
        done(&project.run(&["load", "a", &path, "--replace"]));
    };
    put(22);
    done(&project.run(&["apply"]));
    put(5);
    let planned = data(&project.run(&["plan", "--json"]));
    let applied = data(&project.run(&["apply", "--json"]));
    assert_eq!(outcomes(&planned["stages"]), outcomes(&applied["passes"]));
    assert_eq!(planned["stages"][1]["counts"]["filtered"], 1, "{planned}");
}

#[test]
fn what_is_derived_from_a_record_that_is_deleted_leaves_the_quarantine_of_a_later_stage_with_it() {
    let parts = "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n[[op]]\nop = \"derive\"\npath = \"items\"\n\
                 [[op]]\nop = \"rekey\"\nid = \"= doc.code\"\n";
    let small = "[stage]\nsource = \"b\"\nmax_errors = \"100%\"\n[[contract.rule]]\nname = \"small\"\nexpect = \"= doc.n < 5\"\n";
    let project = ProjectFolder::new(&[("0001_parts.toml", parts), ("0002_small.toml", small)]);
    let line = "{\"id\":\"1\",\"items\":[{\"code\":\"p\",\"n\":9},{\"code\":\"q\",\"n\":1}]}\n";
    project.write("a.ndjson", line);
    load(
        &project,
        "a",
        &project.path("a.ndjson").display().to_string(),
        "id",
    );
    done(&project.run(&["apply"]));
    done(&project.run(&["delete", "a", "1", "--reason", "left"]));
    let planned = data(&project.run(&["plan", "--json"]));
    let applied = data(&project.run(&["apply", "--json"]));
    assert_eq!(outcomes(&planned["stages"]), outcomes(&applied["passes"]));
    let listed = data(&project.run(&["quarantine", "list", "--json"]));
    assert_eq!(
        listed["records"],
        serde_json::json!([]),
        "nothing waits for a record that is gone"
    );
    project.write("0002_small.toml", small.replace("< 5", "< 50"));
    done(&project.run(&["apply", "--revise", "--reason", "more"]));
    let left = project.run(&["export", "b"]);
    assert_eq!(left.out, "", "{left:?}");
    assert_eq!(project.run(&["verify"]).code, Some(0));
}
