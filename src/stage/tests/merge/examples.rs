use super::{parse, problems};
use crate::environment::Secrets;
use crate::stage::Verdict;

const BY: &str = r#"
[stage]
source = "register"
target = "people"
where = "= !has(doc, \"void\")"
[merge]
by = { first = "first", last = "last", birth = "dob" }
[merge.survive]
allergies = "union"
blood = "fail"
"#;

/// Runs the examples; returns a line for each that does not hold.
fn failed(text: &str) -> String {
    let results = parse(text).run_examples("hospital", &Secrets::default());
    let failed = results.into_iter().filter_map(|result| match result.verdict {
        Verdict::Passed { .. } => None,
        Verdict::Failed(why) => Some(format!("{}: {why}\n", result.name)),
    });
    failed.collect()
}

#[test]
fn an_example_merges_its_inputs() {
    let text = format!(
        "{BY}{}",
        r#"
[[example]]
name = "two of three are one person"
inputs = '''[
  {"first":"Ann","last":"Ray","dob":"1985-03-02","allergies":["nuts"]},
  {"first":"Bob","last":"Ray","dob":"1985-03-02"},
  {"first":"Void","last":"Ray","dob":"1985-03-02","void":true},
  {"first":"ANN","last":"Ray ","dob":"02.03.1985","allergies":["dust"],"phone":"1"}
]'''
outputs = '''[
  {"first":"ANN","last":"Ray ","dob":"02.03.1985","allergies":["nuts","dust"],"phone":"1"},
  {"first":"Bob","last":"Ray","dob":"1985-03-02"}
]'''
[[example]]
name = "blood types that differ"
inputs = '''[
  {"first":"Ann","last":"Ray","dob":"1985-03-02","blood":"A"},
  {"first":"Ann","last":"Ray","dob":"1985-03-02","blood":"B"}
]'''
refused = "merge.differs"
[[example]]
name = "what is absent matches nothing"
inputs = '''[{"first":"Ann","last":"Ray"},{"first":"Ann","last":"Ray"}]'''
outputs = '''[{"first":"Ann","last":"Ray"},{"first":"Ann","last":"Ray"}]'''
[[example]]
name = "nothing"
inputs = "[]"
outputs = "[]"
"#
    );
    snapbox::assert_data_eq!(failed(&text), "");
}

#[test]
fn an_example_that_does_not_hold_says_why() {
    let text = format!(
        "{BY}{}",
        r#"
[[example]]
name = "one too many"
inputs = '''[{"first":"Ann","last":"Ray","dob":"1985-03-02"},{"first":"Ann","last":"Ray","dob":"1985-03-02"}]'''
outputs = '''[{"first":"Ann"},{"first":"Ann"}]'''
[[example]]
name = "a list is not compared"
inputs = '''[{"first":["Ann"]}]'''
outputs = "[]"
"#
    );
    let expected = "\
one too many: expected 2 records, got 1
a list is not compared: a record was refused: merge.not_a_text at /first: expected a text, a number or a boolean to compare
";
    snapbox::assert_data_eq!(failed(&text), expected);
}

#[test]
fn an_example_of_a_merge_has_lists() {
    let of = |rest: &str| problems(&format!("{BY}[[example]]\nname = \"x\"\n{rest}"));
    let found: Vec<String> = [
        "input = '{}'\noutput = '{}'\n",
        "inputs = '{}'\noutputs = '[]'\n",
        "inputs = '[1]'\noutputs = '[]'\n",
        "inputs = '[]'\n",
        "inputs = '[]'\noutputs = '['\n",
    ]
    .iter()
    .map(|rest| of(rest))
    .collect();
    let found = found.join("\n") + "\n";
    snapbox::assert_data_eq!(found, snapbox::file!["examples.txt"].raw());
}

/// People of different names, and one who appears twice with a slip in the name.
#[test]
fn the_ten_lines_merge_a_person_and_no_household() {
    let person = |first: &str, last: &str, dob: &str, ssn: &str, street: &str| {
        format!(
            r#"{{"name":{{"first":"{first}","last":"{last}"}},"dob":"{dob}","ssn_key":"{ssn}","address":{{"street":"{street}","city":"Springfield","zip":"01234"}}}}"#
        )
    };
    let inputs = [
        person(
            "Catherine",
            "Whitaker",
            "1985-03-02",
            "078-05-1120",
            "12 Main Street",
        ),
        person("Joel", "Whitaker", "2011-09-17", "219-09-9999", "12 Main Street"),
        person("Catherin", "Whitaker", "1985-03-02", "078-05-1120", "12 Main St"),
        person("Ulrika", "Okafor", "1961-12-24", "457-55-5462", "7 Elm Road"),
    ];
    let outputs = [inputs[0].clone(), inputs[1].clone(), inputs[3].clone()];
    let text = format!(
        "{}[merge.survive]\ndefault = \"first\"\n[[example]]\nname = \"a family\"\ninputs = '''[{}]'''\noutputs = '''[{}]'''\n",
        super::TEN_LINES,
        inputs.join(","),
        outputs.join(",")
    );
    snapbox::assert_data_eq!(failed(&text), "");
}

#[test]
fn the_example_of_the_documentation_holds() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/stages.md");
    let text = std::fs::read_to_string(path).unwrap();
    let example = text
        .split("```toml\n")
        .find(|block| block.starts_with("[[example]]\n") && block.contains("inputs"));
    let example = example.and_then(|block| block.split("```").next()).unwrap();
    assert_eq!(failed(&format!("{BY}{example}")), "");
    let broken = example.replacen("555 0101", "555 0102", 1);
    assert_ne!(failed(&format!("{BY}{broken}")), "");
}
