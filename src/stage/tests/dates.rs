//! Dates in stages of the first language.

use super::*;

/// A stage that reads and writes dates in a format.
fn text(format: &str) -> String {
    format!(
        "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n[[op]]\nop = \"parse_date\"\npath = \"d\"\nformats = [\"{format}\"]\n\
         [[op]]\nop = \"format_date\"\npath = \"d\"\nformat = \"{format}\"\n\
         [[op]]\nop = \"set\"\npath = \"e\"\nvalue = '= date(doc.e, \"{format}\").format_date(\"{format}\")'\n"
    )
}

#[test]
fn a_format_that_means_nothing_today_stands_in_what_was_applied() {
    let meaning = Stage::parse("0001_dates.toml", &text("%F"), &Lookup::nothing())
        .expect("a stage")
        .meaning()
        .to_owned();
    assert!(meaning.contains("\"language\":2"), "{meaning}");
    let meaning = meaning.replace(",\"language\":2", "").replace("%F", "%v");
    let applied = Stage::as_applied(1, "dates", &text("%v"), &meaning).expect("the stage that was applied");
    assert_eq!(applied.meaning(), meaning);
    let problems =
        Stage::parse("0001_dates.toml", &text("%v"), &Lookup::nothing()).expect_err("refused today");
    let found: Vec<_> = problems
        .iter()
        .map(|problem| (problem.code, problem.place.as_ref().map(|place| place.line)))
        .collect();
    assert_eq!(
        found,
        [
            ("date.format", Some(7)),
            ("date.format", Some(11)),
            ("expression.format", Some(15))
        ]
    );
    for problem in problems {
        assert!(problem.help.is_some_and(|help| help.contains("%e-%b-%Y")));
    }
}
