use super::{EVERYTHING, TEN_LINES, aggregating, windows};
use crate::stage::tests::{outcome, parse};
use crate::stage::{Cardinality, TargetField};

const READINGS: [&str; 5] = [
    r#"{"sensor_id":7,"timestamp":"2026-03-01T00:00:01Z","temperature":20.5,"humidity":40,"pressure":1000}"#,
    r#"{"sensor_id":7.0,"timestamp":"2026-03-01T01:04:59+01:00","temperature":21.50,"humidity":null,"pressure":1001}"#,
    r#"{"sensor_id":"7","timestamp":"2026-03-01T00:05:00Z","temperature":1,"humidity":2,"pressure":3}"#,
    r#"{"sensor_id":7,"timestamp":"2026-03-01T00:15:00Z","temperature":1e1,"humidity":2,"pressure":3}"#,
    r#"{"timestamp":"2026-03-01T00:05:00.5Z","humidity":2,"note":"no temperature"}"#,
];

#[test]
fn ten_lines_make_windows() {
    snapbox::assert_data_eq!(
        windows(&aggregating(""), &READINGS),
        snapbox::file!["ten_lines.txt"].raw()
    );
}

#[test]
fn windows_have_all_that_a_stage_asks_for() {
    let stage = parse(EVERYTHING);
    let reading = |minute: u32, rest: &str| {
        format!(
            r#"{{"device":{{"id":"a/1"}},"place":{{"floor":3}},"at":"01.03.2026 12:{minute:02}:30",{rest},"line_no":{}}}"#,
            60 - minute
        )
    };
    let readings = [
        reading(
            6,
            r#""temperature":20.5,"engine":{"rpm":900},"price":"1.10","state":"on","sku":"x","quantity":1"#,
        ),
        reading(
            7,
            r#""temperature":21.5,"engine":{"rpm":905},"price":"2.205","state":"off","sku":"y""#,
        ),
        reading(
            55,
            r#""temperature":90,"engine":{"rpm":100},"state":"on","sku":"x","site":"north""#,
        ),
        reading(56, r#""temperature":20,"sku":"z""#),
        reading(25, r#""temperature":20,"sku":"z""#),
    ];
    let readings: Vec<&str> = readings.iter().map(String::as_str).collect();
    snapbox::assert_data_eq!(windows(&stage, &readings), snapbox::file!["everything.txt"].raw());
}

#[test]
fn without_time_each_group_has_one_total() {
    let totals = |by: &str| {
        let text = format!(
            "[stage]\nsource = \"lines\"\ntarget = \"orders\"\n[aggregate]\n{by}rows = \"lines\"\n\
             [aggregate.measures]\namount = {{ take = \"sum\", values = \"text\" }}\n\
             items = {{ list = [\"sku\", \"n\"], order = \"n\" }}\nskus = {{ list = \"sku\" }}\n"
        );
        windows(
            &parse(&text),
            &[
                r#"{"order":"A/1","amount":"1.10","sku":"x","n":10}"#,
                r#"{"order":"A/1","amount":"2.20","sku":"y","n":9}"#,
                r#"{"order":"7","amount":"5","n":1}"#,
                r#"{"order":7,"amount":null}"#,
            ],
        )
    };
    let found = [
        totals("by = \"order\"\n"),
        totals("by = []\n"),
        totals("by = [\"order\", \"n\"]\n"),
    ]
    .join("\n");
    snapbox::assert_data_eq!(found, snapbox::file!["totals.txt"].raw());
}

#[test]
fn a_stage_that_aggregates_makes_one_of_many_and_nothing_of_one() {
    let stage = aggregating("");
    assert_eq!(stage.cardinality(), Cardinality::ManyToOne);
    assert!(stage.aggregate().is_some() && !stage.takes_over_ids() && stage.keeps_first_ids());
    let refused = outcome(&stage, READINGS[0]);
    assert!(refused.contains("aggregate.single"), "{refused}");
}

#[test]
fn the_meaning_has_every_default() {
    let meanings = [TEN_LINES, EVERYTHING].map(|text| {
        let meaning: serde_json::Value = serde_json::from_str(parse(text).meaning()).unwrap();
        serde_json::to_string_pretty(&meaning["aggregate"]).unwrap()
    });
    snapbox::assert_data_eq!(meanings.join("\n") + "\n", snapbox::file!["meaning.txt"].raw());
    let stage = parse(EVERYTHING);
    assert!(crate::stage::Stage::as_applied(1, "orders", stage.source_text(), stage.meaning()).is_some());
    let other = aggregating("gap = 5\n");
    assert_ne!(other.meaning(), aggregating("").meaning());
    assert_eq!(
        aggregating("gap = 100000\nempty = \"emit\"\n").meaning(),
        aggregating("").meaning()
    );
}

#[test]
fn the_lineage_of_a_window_leads_to_its_readings() {
    let lineage = parse(EVERYTHING).lineage();
    let mut found = String::new();
    for (field, sources) in &lineage.fields {
        let field = match field {
            TargetField::Others => "others".to_owned(),
            TargetField::Id => "id".to_owned(),
            TargetField::Field(path) => path.to_string(),
        };
        let sources = sources.iter().map(|source| match &source.origin {
            crate::lineage::SourceField::Field(path) => format!("{path} {:?}", source.dependence),
            other => format!("{other:?} {:?}", source.dependence),
        });
        let sources = sources.collect::<Vec<_>>().join(", ");
        found.extend([&field, ": ", &sources, "\n"]);
    }
    snapbox::assert_data_eq!(found, snapbox::file!["lineage.txt"].raw());
}
