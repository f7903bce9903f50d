//! A path with `[*]` that leads nowhere means the same to every operation.

use crate::op::tests::{read_as, run};
use crate::op::{Form, Functions, Key, MANUALS};
use crate::record::Rounding;

/// Every operation that can skip what is missing, below the elements of `a`.
const BELOW: &[(&str, &str)] = &[
    ("rename", "from='a[*].x'\nto='a[*].y'"),
    ("move", "from='a[*].x'\nto='a[*].y'"),
    ("copy", "from='a[*].x'\nto='a[*].y'"),
    ("remove", "path='a[*].x'"),
    ("nest", "fields=['a[*].x']\ninto='a[*].y'"),
    ("flatten", "path='a[*].x'"),
    ("wrap", "path='a[*].x'"),
    ("unwrap", "path='a[*].x'"),
    ("each", "path='a[*].x'\nops=[]"),
    ("filter", "path='a[*].x'\nwhere='= true'"),
    ("dedupe", "path='a[*].x'"),
    ("convert", "path='a[*].x'\nto='text'"),
    ("decimal", "path='a[*].x'"),
    ("round", "path='a[*].x'\nplaces=2"),
    ("map", "path='a[*].x'\nvalues={}"),
    ("split", "path='a[*].x'\nat=','"),
    ("split", "path='a[*].x'\nat=','\ninto=['a[*].y']"),
    ("join", "path='a[*].x'\nwith=','"),
    ("join", "from=['a[*].x', 'a[*].y']\nto='a[*].z'\nwith=','"),
    ("replace", "path='a[*].x'\npattern='b'\nwith=''"),
    ("trim", "path='a[*]'"),
    ("trim", "path='a[*].x'\nto='a[*].y'"),
    ("case", "path='a[*].x'\nstyle='upper'"),
    ("parse_date", "path='a[*].x'\nformats=['%Y-%m-%d']"),
    ("format_date", "path='a[*].x'\nformat='%Y'"),
    ("hash", "path='a[*].x'"),
    ("hmac", "path='a[*].x'\nsecret='pepper'"),
    ("bands", "path='a[*].x'\nto='a[*].y'\nbands=[]"),
    ("partition", "time='a[*].x'"),
];

fn outcome(name: &str, settings: &str, json: &str) -> Result<String, String> {
    let body = format!("op='{name}'\n{settings}");
    let declared = |reading: &mut crate::reading::Reading<'_>| reading.rounding = Some(Rounding::HalfEven);
    let operation = read_as(&body, &Functions::default(), declared)
        .unwrap_or_else(|problems| panic!("{body}: {problems:?}"));
    run(&*operation, json)
}

#[test]
fn a_list_that_is_missing_or_none_is_refused_unless_missing_is_skipped() {
    for manual in MANUALS {
        let may_skip = |key: &Key| matches!(key.form, Form::Choice(words) if words.contains(&"skip"));
        let skips = manual
            .keys
            .iter()
            .any(|key| key.name == "missing" && may_skip(key));
        let tried = BELOW.iter().any(|(name, _)| *name == manual.name);
        assert_eq!(skips, tried, "{}", manual.name);
    }
    for (name, settings) in BELOW {
        let skip = format!("{settings}\nmissing='skip'");
        let value = MANUALS
            .iter()
            .any(|manual| manual.name == *name && manual.group == "value");
        let (null, other) = if value {
            ("null", "type")
        } else {
            ("missing", "blocked")
        };
        for (json, reason) in [
            ("{}", "missing"),
            (r#"{"a":null}"#, null),
            (r#"{"a":"text"}"#, other),
            (r#"{"a":{"x":1}}"#, other),
        ] {
            let refused = format!("{name}.{reason} at /a");
            assert_eq!(
                outcome(name, settings, json),
                Err(refused),
                "{name} {settings} {json}"
            );
            assert_eq!(outcome(name, &skip, json).as_deref(), Ok(json), "{name} {skip}");
        }
    }
}

#[test]
fn every_element_that_is_refused_is_reported() {
    let refused = outcome(
        "rename",
        "from='a[*].x'\nto='a[*].y'",
        r#"{"a":[{},{"x":1},{},7]}"#,
    );
    let places = "rename.missing at /a/0/x, rename.missing at /a/2/x, rename.blocked at /a/3";
    assert_eq!(refused.unwrap_err(), places);
}
