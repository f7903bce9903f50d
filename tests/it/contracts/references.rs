//! What a record refers to must be there.

use super::{COPY, apply, ids, load, load_with, people, refused, rule, set};
use crate::support::world::Scene;

#[test]
fn what_a_record_refers_to_must_be_there_by_id_by_key_or_in_its_own_database() {
    let contract = rule(
        "[[contract.references]]\nname = \"the town is known\"\nvalue = \"= doc.get('town')\"\nto = \"towns\"\n\
         [[contract.references]]\nname = \"the code is known\"\nvalue = \"= doc.get('code')\"\nto = \"towns\"\nkey = \"= doc.code\"\n\
         [[contract.references]]\nname = \"the boss is known\"\nvalue = \"= doc.get('boss')\"\nto = \"people\"\n",
    );
    let project = people(&contract);
    load(
        &project,
        "towns",
        &[r#"{"id":"1","code":"X"}"#, r#"{"id":"rome","code":7}"#],
    );
    let lines = [
        r#"{"id":"a","town":"rome","boss":"a"}"#,
        r#"{"id":"b","town":1,"code":7.0,"boss":"a"}"#,
        r#"{"id":"c","town":["rome","1",null]}"#,
        r#"{"id":"d","town":["rome","oslo"]}"#,
        r#"{"id":"e","town":{"x":1}}"#,
        r#"{"id":"f","code":"7"}"#,
        r#"{"id":"g","boss":"z"}"#,
        r#"{"id":"h","boss":"g"}"#,
        r#"{"id":"i","town":null}"#,
    ];
    load(&project, "people_v1", &lines);
    apply(&project, &["--batch-size", "2"]);
    assert_eq!(ids(&project, "people"), set(&["a", "b", "c", "i"]));
    assert!(
        refused(&project)
            .values()
            .all(|what| what == "contract.references")
    );
    let shown = project.run(&["quarantine", "show", "f"]);
    assert!(shown.out.contains("the key of a record in towns"), "{shown:?}");
}

#[test]
fn a_plan_sees_what_an_earlier_stage_would_write_where_a_later_one_refers_to_it() {
    let towns = "[stage]\nsource = \"towns_v1\"\ntarget = \"towns\"\n";
    let people = format!(
        "{COPY}[contract.target.properties.town]\nx-references = \"towns\"\n[contract.target.properties.n]\nx-unique = true\n"
    );
    let project = Scene::project(&[("0001_towns.toml", towns), ("0002_people.toml", &people)]);
    load(&project, "towns_v1", &[r#"{"id":"rome"}"#]);
    let lines = [
        r#"{"id":"a","town":"rome","n":1}"#,
        r#"{"id":"b","town":"oslo"}"#,
        r#"{"id":"c","n":1}"#,
    ];
    load(&project, "people_v1", &lines);
    apply(&project, &[]);
    let expected = [
        ("b".to_owned(), "contract.references/town".to_owned()),
        ("c".to_owned(), "contract.unique/n".to_owned()),
    ];
    assert_eq!(refused(&project), expected.into());
}

#[test]
fn a_record_cannot_refer_to_what_its_own_correction_takes_away() {
    let contract = rule(
        "[[contract.references]]\nname = \"the parent is known\"\nvalue = \"= doc.get('parent')\"\nto = \"people\"\nkey = \"= doc.code\"\n",
    );
    let project = people(&contract);
    load(&project, "people_v1", &[r#"{"id":"a","code":"x"}"#]);
    apply(&project, &[]);
    load_with(
        &project,
        "people_v1",
        &[r#"{"id":"a","code":"y","parent":"x"}"#],
        &["--replace"],
    );
    apply(&project, &[]);
    assert_eq!(
        refused(&project),
        [("a".into(), "contract.references".into())].into()
    );
    assert_eq!(project.run(&["validate", "people"]).code, 0);
}

#[test]
fn a_reference_to_a_database_that_is_probably_a_slip_is_reported_by_check() {
    let refers = |to: &str| {
        format!(
            "[[contract.references]]\nname = \"the town is known\"\nvalue = \"= doc.town\"\nto = \"{to}\"\n"
        )
    };
    let towns = "[stage]\nsource = \"towns_v1\"\ntarget = \"townships\"\n";
    let check = |to: &str| {
        let people = format!("{COPY}{}", refers(to));
        Scene::project(&[("0001_towns.toml", towns), ("0002_people.toml", &people)]).run(&["check", "--json"])
    };
    let said = check("towships");
    assert!(
        said.out.contains("project.near_name") && said.out.contains("did you mean `townships`"),
        "{said:?}"
    );
    assert!(!check("townships").out.contains("near_name"));
    assert!(!check("towns_v1").out.contains("near_name"));
}
