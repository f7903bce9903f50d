//! What a stage may look up, and where: what `check` refuses, what it means, what its examples say.

use counterfoil::environment::Secrets;
use counterfoil::op::{LookUp, Unfound};
use counterfoil::stage::{Lookup, Stage, Stages, Verdict};

fn stage(number: u32, text: &str) -> Result<Stage, Vec<String>> {
    let parsed = Stage::parse(&format!("{number:04}_s.toml"), text, &Lookup::default());
    parsed.map_err(|problems| problems.iter().map(|problem| problem.code.to_string()).collect())
}

const LOOKS: &str = "[[op]]\nop = \"lookup\"\npath = \"p\"\nthrough = \"people\"\n";

fn looking(route: &str) -> String {
    format!("[stage]\n{route}\n{LOOKS}")
}

#[test]
fn a_stage_looks_only_into_what_is_filled_before_it_and_never_in_place() {
    let codes = |text: &str| stage(1, text).expect_err("problems");
    assert_eq!(codes(&looking("source = \"a\"")), ["stage.lookup_in_place"]);
    assert_eq!(
        codes(&looking("source = \"a\"\ntarget = \"people\"")),
        ["stage.lookup_target"]
    );
    let text = "[stage]\nsource = \"a\"\ntarget = \"b\"\n[[contract.rule]]\nname = \"r\"\nexpect = \"= lookup(\\\"people\\\", doc.p) != ()\"\n";
    assert_eq!(codes(text), ["stage.lookup_outside"]);
    let fills = "[stage]\nsource = \"raw\"\ntarget = \"people\"\n";
    let ends = looking("source = \"a\"\ntarget = \"b\"");
    let both = |first: &str, second: &str| {
        let stages = vec![
            stage(1, first).expect("a stage"),
            stage(2, second).expect("a stage"),
        ];
        Stages::new("demo", stages)
            .map(drop)
            .map_err(|problems| problems[0].code)
    };
    assert_eq!(both(fills, &ends), Ok(()));
    assert_eq!(both(&ends, fills), Err("stage.lookup_order"));
    let circle = "[stage]\nsource = \"b\"\ntarget = \"people\"\n";
    assert_eq!(both(circle, &ends), Err("stage.circle"));
}

#[test]
fn what_is_looked_up_is_known_before_any_record_is_seen() {
    let problem = |call: &str| {
        let text = format!("[stage]\nsource = \"a\"\ntarget = \"b\"\n[into]\nx = '= {call}'\n");
        stage(1, &text).expect_err("problems")
    };
    assert_eq!(problem("lookup(doc.db, doc.p)"), ["expression.lookup"]);
    assert_eq!(problem("lookup(\"No\", doc.p)"), ["expression.lookup"]);
    assert_eq!(
        problem("lookup(\"people\", doc.p, \"other\")"),
        ["expression.lookup"]
    );
    assert_eq!(
        problem("lookup(\"people\", doc.p, \"row\", \"a[*]\")"),
        ["expression.path"]
    );
}

#[test]
fn a_stage_depends_on_what_it_looks_into_and_says_so_in_its_meaning() {
    let from_file = stage(1, &looking("source = \"a\"\ntarget = \"b\"")).expect("a stage");
    assert!(from_file.depends_on("people") && !from_file.depends_on("persons"));
    assert!(from_file.meaning().contains(r#""lookups":["people"]"#));
    let built = Stage::new(1, "s")
        .source("a")
        .target("b")
        .op(LookUp::new("p", "people"))
        .build();
    assert_eq!(built.expect("a stage").lookups(), from_file.lookups());
    let without = stage(1, "[stage]\nsource = \"a\"\ntarget = \"b\"\n").expect("a stage");
    assert!(!without.meaning().contains("lookups"));
    let in_place = Stage::new(1, "s")
        .source("a")
        .op(LookUp::new("p", "people").unfound(Unfound::Keep))
        .build();
    assert_eq!(in_place.expect_err("a problem")[0].code, "stage.lookup_in_place");
}

#[test]
fn an_example_says_what_is_found() {
    let text = format!(
        "{}\n[[example]]\nname = \"found\"\ninput = '{{\"p\":\"A:1\"}}'\nlookups = {{ people = {{ \"A:1\" = \"PAT-1\" }} }}\noutput = '{{\"p\":\"PAT-1\"}}'\n\
         [[example]]\nname = \"not found\"\ninput = '{{\"p\":\"A:2\"}}'\nlookups = {{ people = {{ \"A:1\" = \"PAT-1\" }} }}\nrefused = \"lookup.waiting\"\n",
        looking("source = \"a\"\ntarget = \"b\"")
    );
    let stage = stage(1, &text).expect("a stage");
    for example in stage.run_examples("demo", &Secrets::default()) {
        assert!(
            matches!(example.verdict, Verdict::Passed { .. }),
            "{}: {:?}",
            example.name,
            example.verdict
        );
    }
    let wrong = text.replace("lookups = { people", "lookups = { persons");
    assert_eq!(
        self::stage(1, &wrong).expect_err("problems"),
        ["stage.bad_example"; 2]
    );
}
