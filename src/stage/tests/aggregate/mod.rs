//! Tests of stages that aggregate.

use super::{lines, parse, problems};
use crate::context::Context;
use crate::environment::Secrets;
use crate::record::{Record, RecordNumber};
use crate::stage::Stage;

mod bad;
mod building;
mod check;
mod documented;
mod examples;
mod good;
mod readings;

/// The shortest stage with windows of time.
const TEN_LINES: &str = r#"
[stage]
description = "Five-minute windows of every sensor"
source = "readings_v1"
target = "windows_v1"

[aggregate]
by       = "sensor_id"
time     = "timestamp"
every    = "5m"
measures = { temperature = ["mean", "min", "max", "std"], humidity = ["mean", "min", "max"], pressure = "mean" }
"#;

/// A stage that says everything that can be said.
const EVERYTHING: &str = r#"
[stage]
source = "readings_v1"
target = "windows_v1"
on_conflict = "replace"
prepare = "let floor = doc.place.floor;"

[aggregate]
by = ["device.id", { site = "= doc.get(\"site\") ?? \"none\"", floor = "= floor" }]
time = { path = "at", formats = ["%d.%m.%Y %H:%M:%S"], zone = "Europe/Berlin" }
every = "15m"
zone = "Europe/Berlin"
origin = "2026-01-01T00:05:00Z"
closed = "left"
label = "left"
name = "begins"
end = "ends"
local = "begins_local"
rows = "readings"
empty = "emit"
gap = 50
late = "leave"
closed_after = "2h"
hold = "10m"
memory = "64 MiB"

[aggregate.measures]
temperature = ["mean", "min", "max", "std", "sum", "count", "p95", "median"]
"engine.rpm" = { as = "rpm", take = ["mean", "var"], digits = 6 }
price = { take = ["sum", "mean"], places = 2, values = "text", exact = 5 }
state = ["first", "last", "distinct"]
lines = { list = ["sku", "quantity"], order = "line_no", limit = 3 }
skus = { list = "sku" }
all = { list = [] }

[aggregate.fill]
temperature_mean = { with = "carry", limit = 3 }
rpm_mean = 0
state_last = "carry"
temperature_min = { value = "unknown" }

[[aggregate.rolling]]
of = "temperature_mean"
over = 3
take = ["mean", "std"]
min_periods = 2
places = 1

[[aggregate.rolling]]
of = "rpm_mean"
over = "1h"
take = "max"
as = "rpm_hour"

[[aggregate.anomaly]]
name = "odd"
of = "temperature_mean"
over = 12
k = 2
min_deviation = "0.5"
score = "odd_score"

[[aggregate.anomaly]]
name = "hot"
of = "temperature_max"
rule = "outside"
max = 85

[aggregate.fields]
quality = '= if win.readings >= 2 { "good" } else { "poor" }'
gaps = "= win.filled.len()"
both = '= win.quality + "/" + win.site'
"#;

/// Parses the ten lines with `rest` after them.
fn aggregating(rest: &str) -> Stage {
    parse(&format!("{TEN_LINES}{rest}"))
}

/// Returns the windows of these readings, a line each: the id, then the data; or the refusal.
fn windows(stage: &Stage, readings: &[&str]) -> String {
    let records = readings.iter().zip(1_i64..).map(|(data, number)| Record {
        number: RecordNumber::new(number),
        id: format!("r{number}"),
        data: (*data).to_owned(),
    });
    let records: Vec<Record> = records.collect();
    let secrets = Secrets::default();
    match stage.windows(&records, &Context::new("plant", 1, &secrets)) {
        Ok(windows) => {
            let lines = windows
                .into_iter()
                .map(|window| format!("{} {}\n", window.id, window.data));
            lines.collect()
        }
        Err(refusal) => refusal.to_json() + "\n",
    }
}
