//! What a merge warns of: what the stage reads and no member has, models that are worth little, and members that were
//! compared with no other. And the next steps after what it refuses.

use crate::support::world::Scene;

const FIELDS: &str = r#"
[stage]
source = "register"
target = "people"

[merge]
identity = { given = "given", birth = "birth" }
shared = { surname = "surname", zip = "zip" }
"#;

/// Every path that it names after the ten lines is misspelt.
const MISSPELT: &str = r#"
[stage]
source = "register"
target = "people"

[merge]
identity = { given = "givenname", birth = "birth" }
shared = { surname = "= doc.last.trim()", zip = "zip" }

[[merge.block]]
key = ["= birth"]

[[merge.block]]
key = ["= doc.citty"]

[merge.cluster]
one_per = "= doc.sytem"

[merge.survive]
"adress.zip" = "newest"
phone = { by = "newest", of = "= doc.updatd" }
zip = "longest"
"#;

const KEYED: &str = r#"
[stage]
source = "register"
target = "people"

[merge]
by = { blood = "blood", zip = "zipcode" }
"#;

fn person(number: usize, given: &str) -> String {
    format!(
        r#"{{"id":"{number}","given":"{given}","surname":"Berg","birth":"1950-01-02","zip":"1000","phone":"1"}}"#
    )
}

/// The lines of a screen that begin with a word.
fn lines<'s>(screen: &'s str, word: &str) -> Vec<&'s str> {
    let lines = screen.lines().map(str::trim_start);
    lines.filter(|line| line.starts_with(word)).collect()
}

#[test]
fn what_the_stage_reads_and_no_member_has_is_named_by_plan_apply_and_report() {
    let scene = Scene::named("warned", &[("0001_people.toml", MISSPELT)]);
    scene.load("register", &[person(1, "Anna"), person(2, "Anna")], &[]);
    let expected = [
        "warning: no member has a value for the field `given` (`givenname`)",
        "warning: no member has a value for the field `surname` (`= doc.last.trim()`)",
        "warning: a key of [[merge.block]] has no effect: no member has a value for its part `= doc.citty`",
        "warning: `one_per` has no effect: its expression `= doc.sytem` gives no value for any member",
        "warning: the rule of [merge.survive] for `adress.zip` has no effect: no member has this field",
        "warning: a rule of [merge.survive] has no effect: no member has a value for its `of`, `updatd`",
        "warning: the model was learned from 1 compared pair only, which is too few to rely on: look at every merged \
         pair, or apply the stage to more records",
    ];
    let plan = scene.exits(&["plan"], 0);
    assert_eq!(lines(&plan.out, "warning:"), expected);
    let envelope = scene.envelope(&["apply"]);
    let merge = &envelope["data"]["passes"][0]["merge"];
    assert_eq!(merge["absent"][0]["name"], "given", "{merge}");
    assert_eq!(merge["absent"][0]["from"], "givenname", "{merge}");
    assert_eq!(merge["learned_from"], 1, "{merge}");
    let report = scene.exits(&["report"], 0);
    assert_eq!(lines(&report.out, "warning:"), expected);
    scene.exits(&["report", "--html", "report.html"], 0);
    let page = std::fs::read_to_string(scene.path("report.html")).expect("the page");
    assert!(page.contains("no member has a value for the field `given`"));
    // A later pass judges with the model that was learned; what is misspelt still is.
    scene.load("register", &[person(3, "Anna")], &[]);
    let later = scene.exits(&["apply"], 0);
    assert_eq!(lines(&later.out, "warning:"), expected[..6]);
}

#[test]
fn a_part_of_a_key_that_no_member_has_is_named() {
    let scene = Scene::named("warned", &[("0001_people.toml", KEYED)]);
    scene.load("register", &[person(1, "Anna"), person(2, "Anna")], &[]);
    let said = scene.exits(&["apply"], 0);
    assert_eq!(
        lines(&said.out, "warning:"),
        [
            "warning: no member has a value for `blood` in `by`, so none is merged",
            "warning: no member has a value for `zipcode` in `by`, so none is merged",
        ]
    );
}

#[test]
fn a_stage_whose_fields_are_there_and_records_without_any_are_not_warned_of() {
    let scene = Scene::named("warned", &[("0001_people.toml", FIELDS)]);
    scene.load("register", &[person(1, "Anna"), person(2, "Bert")], &[]);
    let said = scene.exits(&["apply"], 0);
    assert!(
        lines(&said.out, "warning: no member").is_empty() && !said.out.contains("no effect"),
        "{}",
        said.out
    );
    let empty = Scene::named("warned", &[("0001_people.toml", MISSPELT)]);
    empty.load("register", &[person(1, "Anna")], &[]);
    empty.exits(&["delete", "register", "1", "--reason", "none is left"], 0);
    let said = empty.exits(&["apply"], 0);
    assert!(lines(&said.out, "warning:").is_empty(), "{}", said.out);
}

#[test]
fn many_members_that_are_compared_with_no_other_raise_an_alarm() {
    let scene = Scene::named("warned", &[("0001_people.toml", FIELDS)]);
    let people: Vec<String> = (0..1_001).map(|number| person(number, "Anna")).collect();
    scene.load("register", &people, &[]);
    let plan = scene.exits(&["plan"], 0);
    let alarms = lines(&plan.out, "ALARM:");
    let alarm = "ALARM: 1,001 records were compared with no other, and equal ones among them are not merged";
    assert!(alarms.len() == 1 && alarms[0].starts_with(alarm), "{}", plan.out);
    let merge = scene.envelope(&["plan"])["data"]["stages"][0]["merge"].clone();
    assert_eq!(merge["alarm"], true, "{merge}");
}

#[test]
fn a_refused_golden_record_is_tried_again_with_all_its_members() {
    let stages = [
        (
            "0001_register.toml",
            "[stage]\nsource = \"a\"\ntarget = \"register\"\nid = \"= `A:${doc.id}`\"\n",
        ),
        (
            "0002_people.toml",
            "[stage]\nsource = \"register\"\ntarget = \"people\"\n[merge]\nby = { k = \"k\" }\n\
             [merge.survive]\nb = \"fail\"\n",
        ),
    ];
    let scene = Scene::named("warned", &stages);
    let lines = [
        r#"{"id":"1","k":"1","b":"x"}"#,
        r#"{"id":"2","k":"1","b":"y"}"#,
        r#"{"id":"3","k":"2","b":"z"}"#,
    ];
    scene.load("a", &lines, &[]);
    let stopped = scene.run(&["apply"]);
    let again =
        "one member of each golden record may be enough; `counterfoil quarantine retry` tries them again";
    assert!(stopped.err.contains(again), "{stopped:?}");
    let status = scene.run(&["status"]);
    assert!(status.err.contains(again), "{status:?}");
    // A record is found by the id that it has where it was read, not only by the one that it began with.
    let listed = scene.run(&["quarantine", "list"]);
    assert!(listed.out.contains("its id in register is `A:1`"), "{listed:?}");
    let shown = scene.exits(&["quarantine", "show", "A:1"], 0);
    assert!(shown.out.starts_with("record 1 1\n"), "{shown:?}");
    // The hint is right: the correction of one member releases both.
    scene.load("a", &[r#"{"id":"2","k":"1","b":"x"}"#], &["--replace"]);
    scene.run(&["apply"]);
    let merged = scene.envelope(&["status"]);
    assert_eq!(merged["data"]["stages"][1]["quarantined"], 0, "{merged}");
    // A member is not a record of the target, and the hint names the one that it is in.
    let missing = scene.run(&["query", "people", "--id", "A:1"]);
    let golden = scene.envelope(&["query", "people", "--with-id"])["data"]["records"].clone();
    let ids: Vec<&str> = golden
        .as_array()
        .expect("records")
        .iter()
        .filter_map(|row| row["id"].as_str())
        .collect();
    let is_named = |id: &&&str| {
        missing
            .err
            .contains(&format!("it is a member of the golden record `{id}`"))
    };
    assert_eq!(ids.iter().filter(is_named).count(), 1, "{missing:?} {ids:?}");
    // A stage that another one has read is rolled back after that one.
    let beneath = scene.run(&["rollback", "--stage", "1", "--yes"]);
    assert!(
        beneath
            .err
            .contains("first `counterfoil rollback --stage 2`; or `counterfoil rollback --to 0`"),
        "{beneath:?}"
    );
}

#[test]
fn a_record_that_waits_for_a_look_up_needs_no_retry() {
    let stages = [
        (
            "0001_people.toml",
            "[stage]\nsource = \"a\"\ntarget = \"people\"\n",
        ),
        (
            "0002_visits.toml",
            "[stage]\nsource = \"v\"\ntarget = \"visits\"\n[[op]]\nop = \"lookup\"\npath = \"p\"\nthrough = \"people\"\n\
             as = \"row\"\n",
        ),
    ];
    let scene = Scene::named("warned", &stages);
    scene.load("a", &[r#"{"id":"1"}"#], &[]);
    scene.load("v", &[r#"{"id":"v1","p":"2"}"#], &[]);
    let said = scene.run(&["apply"]);
    assert!(
        said.err
            .contains("records that wait for a look-up need nothing: the first `counterfoil apply`")
            && !said.err.contains("quarantine retry"),
        "{said:?}"
    );
}

#[test]
fn lines_that_are_not_json_are_answered_with_the_option_for_csv() {
    use std::io::Write as _;
    let scene = Scene::named("warned", &[("0001_people.toml", FIELDS)]);
    let mut load = scene.piped(&["load", "register", "-"]);
    let mut input = load.stdin.take().expect("a pipe");
    input.write_all(b"id,given\n1,Anna\n").expect("the input is read");
    drop(input);
    let output = load.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        err.contains("if the input is CSV, name its format: `counterfoil load register - --format=csv`"),
        "{err}"
    );
}
