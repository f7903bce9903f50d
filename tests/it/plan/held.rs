//! `apply --plan` does what was planned, or nothing.

use std::fs;

use serde_json::Value as Json;

use super::{bank, done, load};

#[test]
fn apply_holds_to_a_plan() {
    let project = bank();
    let plan = project.path("plan.json").display().to_string();
    done(&project.run(&["plan", "--out", &plan]));
    // Interrupted, it goes on.
    let said = project.run(&["apply", "--plan", &plan, "--max-time", "0s"]);
    assert_eq!(said.code, 6, "{said:?}");
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
    assert_eq!(said.code, 5, "{said:?}");
    let envelope: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(envelope["error"]["code"], "plan.moved");
    assert!(
        envelope["error"]["message"].as_str().unwrap().contains("`load`"),
        "{envelope}"
    );
    // A new plan, in the place of the old one; another option; another stage.
    done(&project.run(&["plan", "--out", &plan]));
    assert_eq!(project.run(&["apply", "--plan", &plan, "--to", "1"]).code, 5);
    for other in [["--max-errors", "5"], ["--on-error", "stop"]] {
        let said = project.run(&[&["apply", "--plan", &plan], &other[..]].concat());
        assert_eq!(said.code, 5, "{said:?}");
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
        assert_eq!(said.code, 2, "{taken}: {said:?}");
    }
    // Of a sample there is no plan to hold to.
    assert_eq!(project.run(&["plan", "--sample", "1", "--out", &plan]).code, 2);
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
        assert!(matches!(said.code, 2 | 5), "{to}: {said:?}");
    }
    let figures = project.path("figures.json").display().to_string();
    assert!(text.contains("\"refused\": 0"), "{text}");
    fs::write(&figures, text.replacen("\"refused\": 0", "\"refused\": 1", 1)).unwrap();
    let said = project.run(&["apply", "--plan", &figures]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("the figures of the plan"), "{said:?}");
    let stage = fs::read_to_string(project.path("0003_compliance.toml")).unwrap();
    project.write(
        "0003_compliance.toml",
        format!("{stage}\n[[op]]\nop = \"add\"\npath = \"more\"\nvalue = 1\n"),
    );
    let said = project.run(&["apply", "--plan", &plan]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(
        said.err.contains("stage 3 (compliance) has changed"),
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
        assert_eq!(project.run(&["apply", "--plan", &plan]).code, 2, "{text}");
        assert_eq!(project.run(&["plan", "--out", &plan]).code, 2, "{text}");
        assert_eq!(fs::read_to_string(&plan).unwrap(), text);
    }
    let nowhere = project.path("nowhere/plan.json").display().to_string();
    assert_eq!(project.run(&["plan", "--out", &nowhere]).code, 2);
    assert_eq!(project.run(&["apply", "--plan", &nowhere]).code, 2);
    assert_eq!(
        project
            .run(&["plan", "--out", &project.path("").display().to_string()])
            .code,
        2
    );
    // A plan of another store, and of a changed version.
    let other = bank();
    let plan = other.path("plan.json").display().to_string();
    done(&other.run(&["plan", "--out", &plan]));
    let said = project.run(&["apply", "--plan", &plan]);
    assert!(said.code == 5 && said.err.contains("another store"), "{said:?}");
    let text = fs::read_to_string(&plan)
        .unwrap()
        .replace("\"version\": 1", "\"version\": 2");
    fs::write(&plan, text).unwrap();
    assert_eq!(other.run(&["apply", "--plan", &plan]).code, 2);
}
