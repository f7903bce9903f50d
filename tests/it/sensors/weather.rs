//! A year of three weather stations, with the windows that pandas and the two-pass rule for anomalies make of it; and the
//! reference's own way, which mixes all stations.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::{number, parsed};
use crate::support::world::Scene;

const MEASURES: [&str; 8] = [
    "temperature_mean",
    "temperature_min",
    "temperature_max",
    "temperature_std",
    "humidity_mean",
    "humidity_min",
    "humidity_max",
    "pressure_mean",
];
const EVERY: i64 = 6 * 3_600;
const OVER: usize = 12;

/// The stage, with what it groups by.
fn stage(by: &str) -> String {
    let measure = |path: &str, takes: &str| format!("{path} = {{ take = [{takes}] }}\n");
    format!(
        "[stage]\nsource = \"readings\"\ntarget = \"windows\"\n\n\
         [aggregate]\nby = {by}\ntime = \"timestamp\"\nevery = \"6h\"\n\n[aggregate.measures]\n{}{}{}\n\
         [aggregate.fields]\ndata_quality = '= if win.sample_count >= 5 {{ \"good\" }} else {{ \"poor\" }}'\n\n\
         [[aggregate.anomaly]]\nname = \"temperature_anomaly\"\nof = \"temperature_mean\"\nover = {OVER}\nk = 2\n",
        measure("temperature", r#""mean", "min", "max", "std""#),
        measure("humidity", r#""mean", "min", "max""#),
        measure("pressure", r#""mean""#),
    )
}

/// The folder of the data; `None`, said aloud, where its place is not given.
fn folder() -> Option<PathBuf> {
    let Some(place) = std::env::var_os("COUNTERFOIL_REAL_DATA") else {
        eprintln!("skipped: COUNTERFOIL_REAL_DATA does not say where the real data is");
        return None;
    };
    Some(PathBuf::from(place).join("sensors"))
}

/// The rows of a CSV file without quotes, by column.
fn rows(text: &str) -> impl Iterator<Item = BTreeMap<&str, &str>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    lines.map(move |line| header.iter().copied().zip(line.split(',')).collect())
}

/// The readings, which have no id, as lines of NDJSON; each is identified by its line. Five pressures are `1e3`.
fn lines(text: &str) -> Vec<String> {
    let line = |(at, row): (usize, BTreeMap<&str, &str>)| {
        let values = ["temperature", "humidity", "pressure"].map(|name| {
            let value = if row[name].is_empty() { "null" } else { row[name] };
            format!("\"{name}\":{value}")
        });
        let (sensor, time, values) = (row["sensor_id"], row["timestamp"], values.join(","));
        format!("{{\"id\":\"w{at}\",\"sensor_id\":{sensor},\"timestamp\":\"{time}\",{values}}}")
    };
    rows(text).enumerate().map(line).collect()
}

#[track_caller]
fn near(found: Option<f64>, expected: Option<f64>, what: &dyn std::fmt::Debug) {
    let is_near = match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9,
        (found, expected) => found == expected,
    };
    assert!(is_near, "{what:?}: found {found:?}, expected {expected:?}");
}

#[test]
fn every_window_of_the_year_is_that_of_pandas_and_the_same_ones_are_anomalies() {
    let Some(folder) = folder() else { return };
    let scene = Scene::named("weather", &[("0001_windows.toml", &stage("\"sensor_id\""))]);
    let text = fs::read_to_string(folder.join("nyc_weather_2013.csv")).expect("the readings");
    scene.load("readings", &lines(&text), &[]);
    scene.exits_sound(&["apply"], 0);

    let found = parsed(&scene.rows("windows"));
    let text = fs::read_to_string(folder.join("nyc_weather_6h_expected.csv")).expect("the windows");
    let mut anomalies = 0;
    let mut expected = 0;
    for row in rows(&text) {
        expected += 1;
        let key = (row["sensor_id"].to_owned(), row["timestamp"].to_owned());
        let window = found.get(&key).unwrap_or_else(|| panic!("no window {key:?}"));
        for name in MEASURES {
            let value = (!row[name].is_empty()).then(|| row[name].parse().expect("a number"));
            near(number(&window[name]), value, &(&key, name));
        }
        assert_eq!(window["sample_count"].to_string(), row["sample_count"], "{key:?}");
        assert_eq!(window["data_quality"], row["data_quality"], "{key:?}");
        let is_anomaly = row["temperature_anomaly"] == "True";
        assert_eq!(window["temperature_anomaly"], is_anomaly, "{key:?}");
        anomalies += usize::from(is_anomaly);
    }
    assert_eq!((found.len(), expected, anomalies), (4_365, 4_365, 190));
}

/// What is in one window of all stations: numbers in ten thousandths, so that sums are exact.
#[derive(Default)]
struct Mixed {
    readings: usize,
    temperature: Vec<i128>,
    humidity: Vec<i128>,
    pressure: Vec<i128>,
}

const PARTS: f64 = 1e4;

fn parts(text: &str) -> Option<i128> {
    if text.is_empty() {
        return None;
    }
    let text = if text == "1e3" { "1000" } else { text };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 4, "{text}");
    Some(format!("{whole}{fraction:0<4}").parse().expect("a number"))
}

/// The sum of the squared deviations, times the number of values.
fn squares(values: &[i128]) -> i128 {
    let sum: i128 = values.iter().sum();
    let count = i128::try_from(values.len()).expect("a few");
    count * values.iter().map(|value| value * value).sum::<i128>() - sum * sum
}

impl Mixed {
    fn mean(values: &[i128]) -> Option<f64> {
        let sum: i128 = values.iter().sum();
        (!values.is_empty()).then(|| sum as f64 / values.len() as f64 / PARTS)
    }

    fn deviation(values: &[i128]) -> Option<f64> {
        let pairs = values.len() * values.len().saturating_sub(1);
        (pairs > 0).then(|| (squares(values) as f64 / pairs as f64).sqrt() / PARTS)
    }

    fn measures(&self) -> [Option<f64>; 8] {
        let least = |values: &[i128]| values.iter().min().map(|value| *value as f64 / PARTS);
        let greatest = |values: &[i128]| values.iter().max().map(|value| *value as f64 / PARTS);
        let (temperature, humidity) = (&self.temperature[..], &self.humidity[..]);
        [
            Self::mean(temperature),
            least(temperature),
            greatest(temperature),
            Self::deviation(temperature),
            Self::mean(humidity),
            least(humidity),
            greatest(humidity),
            Self::mean(&self.pressure),
        ]
    }
}

/// Whether the last mean is further from the mean of all than twice their deviation; in billionths, squared instead of
/// taking a root, and far enough from the bound that the rounding to billionths decides nothing.
fn is_marked(means: &[i128]) -> bool {
    let count = i128::try_from(means.len()).expect("a few");
    let (sum, last) = (means.iter().sum::<i128>(), means[means.len() - 1]);
    let away = (count * last - sum).pow(2) * (count - 1);
    let bound = 4 * count * squares(means);
    assert!(
        (away - bound).abs() > bound / 1_000_000_000,
        "too near to the bound to be decided here"
    );
    away > bound
}

fn mixed(text: &str) -> BTreeMap<i64, Mixed> {
    let mut windows: BTreeMap<i64, Mixed> = BTreeMap::new();
    for row in rows(text) {
        let time = chrono::DateTime::parse_from_rfc3339(row["timestamp"]).expect("a time");
        let window = windows
            .entry(time.timestamp().div_euclid(EVERY) * EVERY)
            .or_default();
        window.readings += 1;
        window.temperature.extend(parts(row["temperature"]));
        window.humidity.extend(parts(row["humidity"]));
        window.pressure.extend(parts(row["pressure"]));
    }
    windows
}

#[test]
fn all_stations_together_make_one_series_as_in_the_reference() {
    let Some(folder) = folder() else { return };
    let scene = Scene::named("weather", &[("0001_windows.toml", &stage("[]"))]);
    let text = fs::read_to_string(folder.join("nyc_weather_2013.csv")).expect("the readings");
    scene.load("readings", &lines(&text), &[]);
    scene.exits_sound(&["apply"], 0);

    let expected = mixed(&text);
    let found = scene.rows("windows");
    assert_eq!(found.len(), expected.len());
    let (mut means, mut anomalies) = (Vec::new(), 0);
    for (line, (start, mixed)) in found.iter().zip(&expected) {
        let window: Json = serde_json::from_str(line).expect("a window");
        let time = chrono::DateTime::from_timestamp(*start, 0).expect("a time");
        assert_eq!(window["window"], time.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        assert_eq!(window["sample_count"].to_string(), mixed.readings.to_string());
        for (name, value) in MEASURES.iter().zip(mixed.measures()) {
            near(number(&window[*name]), value, &(start, name));
        }
        let (sum, count) = (mixed.temperature.iter().sum::<i128>(), mixed.temperature.len());
        means.push(sum * 100_000 / i128::try_from(count).expect("a few"));
        let marked = means.len() >= OVER && is_marked(&means[means.len() - OVER..]);
        assert_eq!(window["temperature_anomaly"], marked, "{line}");
        anomalies += usize::from(marked);
    }
    assert_eq!((found.len(), anomalies), (MIXED_WINDOWS, MIXED_ANOMALIES));
}

/// As pandas finds them with the code of the reference.
const MIXED_WINDOWS: usize = 1_455;
const MIXED_ANOMALIES: usize = 54;
