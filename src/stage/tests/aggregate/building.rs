//! Aggregates built in Rust.

use super::EVERYTHING;
use crate::record::Value;
use crate::stage::tests::parse;
use crate::stage::{
    Aggregate, AggregateAnomaly, AggregateBuilder, AggregateMeasure, AggregateRolling, OnConflict, Stage,
};

/// The windows of the stage that says everything.
fn windows() -> AggregateBuilder {
    Aggregate::every("15m")
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
}

fn measured(windows: AggregateBuilder) -> AggregateBuilder {
    windows
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
}

fn followed(windows: AggregateBuilder) -> AggregateBuilder {
    windows
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
        .field("both", "win.quality + \"/\" + win.site")
}

#[test]
fn a_stage_built_in_rust_does_the_same() {
    let stage = Stage::new(1, "orders")
        .source("readings_v1")
        .target("windows_v1")
        .on_conflict(OnConflict::Replace)
        .prepare("let floor = doc.place.floor;")
        .aggregate(followed(measured(windows())))
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
