use super::TEN_LINES;
use crate::environment::Secrets;
use crate::stage::Verdict;
use crate::stage::tests::parse;

/// Runs the examples; returns a line for each.
fn ran(text: &str) -> String {
    let results = parse(text).run_examples("plant", &Secrets::default());
    let lines = results.into_iter().map(|result| match result.verdict {
        Verdict::Passed { round_trip } => format!("{}: passed {round_trip}\n", result.name),
        Verdict::Failed(why) => format!("{}: {why}\n", result.name),
    });
    lines.collect()
}

#[test]
fn an_example_makes_windows_of_its_inputs() {
    let text = format!(
        "{TEN_LINES}{}",
        r#"
[contract]
target = { properties = { temperature_max = { maximum = 100 } } }
[[example]]
name = "two readings of one window"
inputs = '''[
  {"sensor_id":7,"timestamp":"2026-03-01T00:00:00Z","temperature":20},
  {"sensor_id":7,"timestamp":"2026-03-01T00:04:59Z","temperature":21}
]'''
outputs = '''[{"sensor_id":7,"window":"2026-03-01T00:00:00Z","sample_count":2,"temperature_mean":20.5,"temperature_min":20,
  "temperature_max":21,"temperature_std":0.70710678118654752,"humidity_mean":null,"humidity_min":null,"humidity_max":null,
  "pressure_mean":null}]'''
[[example]]
name = "no time"
inputs = '[{"sensor_id":7}]'
refused = "aggregate.time"
[[example]]
name = "too hot"
inputs = '[{"sensor_id":7,"timestamp":"2026-03-01T00:00:00Z","temperature":101}]'
refused = "contract.target"
[[example]]
name = "nothing"
inputs = "[]"
outputs = "[]"
[[example]]
name = "one too few"
inputs = '[{"sensor_id":7,"timestamp":"2026-03-01T00:00:00Z"}]'
outputs = "[]"
[[example]]
name = "is refused"
inputs = '[{"sensor_id":7}]'
outputs = "[]"
"#
    );
    snapbox::assert_data_eq!(ran(&text), snapbox::file!["examples.txt"].raw());
}
