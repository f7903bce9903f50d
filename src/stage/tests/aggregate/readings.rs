use super::{TEN_LINES, aggregating, windows};
use crate::context::Context;
use crate::environment::Secrets;
use crate::stage::Stage;
use crate::stage::tests::parse;

fn read(stage: &Stage, data: &str) -> String {
    let secrets = Secrets::default();
    let context = || Context::new("plant", 1, &secrets);
    let aggregate = stage.aggregate().unwrap();
    match stage.reading_in(aggregate, data, context) {
        Ok(Some(reading)) => format!(
            "{} {} {} {:?} {:?}",
            reading.group, reading.time, reading.window, reading.values, reading.orders
        ),
        Ok(None) => "filtered".to_owned(),
        Err(refusal) => refusal.to_json(),
    }
}

#[test]
fn a_reading_that_cannot_be_read_is_refused_with_every_reason() {
    let stage = aggregating("");
    let found: Vec<String> = [
        r#"{"sensor_id":[7],"timestamp":"today","temperature":"warm","humidity":true,"pressure":12345678901234567890123456789.5}"#,
        r#"{"sensor_id":7}"#,
        r#"{"sensor_id":7,"timestamp":null}"#,
        r#"{"sensor_id":7,"timestamp":20260301}"#,
        r#"{"sensor_id":7,"timestamp":"2026-03-01T00:05:00"}"#,
        r#"{"sensor_id":7,"timestamp":"2026-02-30T00:05:00Z"}"#,
        r#"{"sensor_id":7,"timestamp":"9999-12-31T23:59:59Z"}"#,
        r#"{"sensor_id":"a\u0000","timestamp":"2026-03-01T00:05:00Z"}"#,
    ]
    .iter()
    .map(|data| read(&stage, data))
    .collect();
    snapbox::assert_data_eq!(found.join("\n") + "\n", snapbox::file!["refused.txt"].raw());
}

#[test]
fn a_reading_is_read_alike_with_and_without_a_document() {
    let text = "[stage]\nsource = \"a1\"\ntarget = \"a2\"\nWHERE[aggregate]\nby = [\"s.id\", \"kind\"]\ntime = \"at\"\n\
                every = \"5m\"\n[aggregate.measures]\n\"m.t\" = \"mean\"\nh = \"max\"\n\
                lines = { list = [\"sku\", \"m.t\"], order = \"no\" }\nall = { list = [] }\n";
    let fast = parse(&text.replace("WHERE", ""));
    let slow = parse(&text.replace("WHERE", "where = \"= true\"\n"));
    for data in [
        r#"{"s":{"id":7},"kind":"a","at":"2026-03-01T00:05:00Z","m":{"t":1.50},"h":2,"sku":"x","no":3}"#,
        r#"{"h":2,"m":{"x":[1,{"t":2}],"t":1e1},"at":"2026-03-01T00:05:00.1234567Z","kind":"\u0041","s":{"id":null}}"#,
        r#"{"\u0068":2,"at":"2026-03-01T00:05:00Z","s":{"\u0069d":"x"}}"#,
        r#"{"s":7,"m":[1],"at":"2026-03-01T00:05:00Z"}"#,
        r#"{"s":{"id":7.10},"m":{"t":null},"at":"2026-03-01T00:\u00305:00Z","no":"z"}"#,
        r#"{"m":{"t":"x"},"h":{},"at":7}"#,
        "{}",
    ] {
        let (one, other) = (read(&fast, data), read(&slow, data));
        assert_eq!(one, other, "{data}");
    }
}

#[test]
fn a_window_is_read_as_it_was_written() {
    for rest in [
        "",
        "label = \"right\"\n",
        "name = \"w\"\nend = \"e\"\n[aggregate.fill]\nhumidity_mean = 0\n",
    ] {
        let stage = parse(&format!("{TEN_LINES}{rest}"));
        let aggregate = stage.aggregate().unwrap();
        let written = windows(
            &stage,
            &[
                r#"{"sensor_id":"a/b","timestamp":"2026-03-01T00:05:00Z","temperature":20.50}"#,
                r#"{"sensor_id":"a/b","timestamp":"2026-03-01T00:17:00Z","temperature":20.50,"humidity":3}"#,
            ],
        );
        let rows: Vec<(&str, &str)> = written.lines().filter_map(|line| line.split_once(' ')).collect();
        assert_eq!(rows.len(), 3);
        for (id, data) in rows {
            let row = aggregate.window_in(data).unwrap();
            assert_eq!(aggregate.window_id(&row.group, row.measured.start), id);
            assert!(id.starts_with(&aggregate.group_prefix(&row.group)));
        }
        let first = aggregate
            .window_in(written.lines().next().unwrap().split_once(' ').unwrap().1)
            .unwrap();
        assert_eq!(first.measured.rows, 1);
        assert_eq!(first.measured.values[1].as_deref(), Some("20.50"));
        // Filled values are not measured ones.
        assert_eq!(first.measured.values[4], None);
        assert_eq!(aggregate.window_in("{\"sensor_id\":7}"), None);
    }
}

#[test]
#[ignore = "a measurement: cargo test --release --lib reading_takes -- --ignored --nocapture"]
fn reading_takes_little_time() {
    let stage = aggregating("");
    let aggregate = stage.aggregate().unwrap();
    let data = r#"{"sensor_id":123,"timestamp":"2026-03-01T00:00:01.123Z","temperature":20.53,"humidity":40.1,"pressure":1000.25}"#;
    let secrets = Secrets::default();
    let context = || Context::new("plant", 1, &secrets);
    let started = std::time::Instant::now();
    let count = 1_000_000_u32;
    for _ in 0..count {
        let reading = stage.reading_in(aggregate, std::hint::black_box(data), context);
        assert!(std::hint::black_box(reading).is_ok());
    }
    println!(
        "{} ns a reading",
        started.elapsed().as_nanos() / u128::from(count)
    );
}
