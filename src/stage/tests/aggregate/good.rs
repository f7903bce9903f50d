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

#[test]
fn a_stage_built_in_rust_does_the_same() {
    use crate::record::Value;
    use crate::stage::{Aggregate, AggregateAnomaly, AggregateMeasure, AggregateRolling, OnConflict, Stage};
    let aggregate = Aggregate::every("15m")
        .by("device.id")
        .by_value("site", "= doc.get(\"site\") ?? \"none\"")
        .by_value("floor", "= floor")
        .time_in("at", ["%d.%m.%Y %H:%M:%S"], Some("Europe/Berlin"))
        .zone("Europe/Berlin")
        .origin("2026-01-01T00:05:00Z")
        .name("begins")
        .end("ends")
        .local("begins_local")
        .rows("readings")
        .gap(50)
        .leave_late("2h")
        .hold("10m")
        .memory(64 << 20)
        .measure(
            "temperature",
            ["mean", "min", "max", "std", "sum", "count", "p95", "median"],
        )
        .measures(
            AggregateMeasure::of("engine.rpm", ["mean", "var"])
                .named("rpm")
                .digits(6),
        )
        .measures(
            AggregateMeasure::of("price", ["sum", "mean"])
                .places(2)
                .texts()
                .exact(5),
        )
        .measure("state", ["first", "last", "distinct"])
        .measures(
            AggregateMeasure::list("lines", ["sku", "quantity"])
                .order("line_no")
                .exact(3),
        )
        .measures(AggregateMeasure::values("skus", "sku"))
        .measures(AggregateMeasure::list("all", []))
        .carry("temperature_mean", Some(3))
        .fill("rpm_mean", &Value::integer(0))
        .carry("state_last", None)
        .fill("temperature_min", &Value::text("unknown"))
        .rolling(
            AggregateRolling::windows("temperature_mean", 3, ["mean", "std"])
                .min_periods(2)
                .places(1),
        )
        .rolling(AggregateRolling::time("rpm_mean", "1h", ["max"]).named(["rpm_hour"]))
        .anomaly(
            AggregateAnomaly::z("odd", "temperature_mean", 12, 2)
                .min_deviation("0.5".parse::<rust_decimal::Decimal>().unwrap())
                .score("odd_score"),
        )
        .anomaly(AggregateAnomaly::outside(
            "hot",
            "temperature_max",
            None,
            Some(85.into()),
        ))
        .field("quality", "if win.readings >= 2 { \"good\" } else { \"poor\" }")
        .field("gaps", "win.filled.len()")
        .field("both", "win.quality + \"/\" + win.site");
    let stage = Stage::new(1, "orders")
        .source("readings_v1")
        .target("windows_v1")
        .on_conflict(OnConflict::Replace)
        .prepare("let floor = doc.place.floor;")
        .aggregate(aggregate)
        .build()
        .unwrap();
    assert_eq!(stage.meaning(), parse(EVERYTHING).meaning());
    let totals = Stage::new(1, "totals")
        .source("a1")
        .id("doc.s")
        .aggregate(Aggregate::totals().hold("x"));
    let problems = totals.build().unwrap_err();
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(
        codes,
        [
            "aggregate.needs_time",
            "stage.duration",
            "aggregate.no_target",
            "aggregate.excludes"
        ]
    );
}
