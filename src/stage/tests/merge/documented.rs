use super::TEN_LINES;
use crate::reading::Reading;
use crate::stage::json_schema;
use crate::toml::to_json;

#[test]
fn the_documented_kinds_are_those_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/stages.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- kinds: generated -->\n", "<!-- kinds: end -->");
    let (before, rest) = text.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let made = format!(
        "{before}{begin}\n{}\n{end}{after}",
        crate::stage::merge::kinds_table()
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(
        kept == made,
        "docs/stages.md is out of date: run this test with UPDATE_DOCS=1"
    );
}

#[test]
fn stages_that_merge_satisfy_the_schema_and_bad_ones_do_not() {
    let schema = json_schema();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let json = |text: &str| {
        let document = toml_edit::Document::parse(text).unwrap();
        to_json(document.as_item(), &Reading::new("0001_orders.toml", text)).unwrap()
    };
    let everything = format!("{TEN_LINES}{}", super::good::EVERYTHING);
    let by = "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n[merge]\nby = { first = \"a\" }\n";
    for good in [TEN_LINES, &everything, by] {
        let json = json(good);
        let errors = validator.iter_errors(&json);
        let errors: Vec<String> = errors
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{good}\n{errors:?}");
    }
    for (old, new) in [
        ("classes = 2", "classes = 4"),
        ("caution = \"low\"", "caution = \"lo\""),
        ("auto = 0.995", "auto = 1.5"),
        ("kind = \"surname\"", "kind = \"surnam\""),
        ("role = \"hint\"", "role = \"hnt\""),
        ("swap = \"given\"", "swop = \"given\""),
        ("\"= surname\", ", "\"surname\", "),
        ("then = \"never\"", "then = \"nevr\""),
        ("\"allergies\" = \"union\"", "\"allergies\" = \"unon\""),
        ("whole = true", "whole = 1"),
        ("memory = \"64 MiB\"", "memory = \"64 MB\""),
        ("join = \"all\"", "jin = \"all\""),
    ] {
        let bad = everything.replacen(old, new, 1);
        assert_ne!(bad, everything, "{old}");
        assert!(!validator.is_valid(&json(&bad)), "{old} -> {new}");
    }
}
