//! The part of a stage's meaning that its aggregate determines: every setting, with defaults filled in, in a fixed order.

use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use super::compiled::{Aggregate, From, GroupField, MeasureField, Measured, Windowing};
use super::words::{LATE, word_of};
use crate::aggregate::{Anomaly, Empty, Fill, FillWith, Over, Rolling, Rounded, Rule, Take, Unit, Windows};
use crate::language::Language;
use crate::path::Path;

impl Aggregate {
    pub(in crate::stage) fn meaning(&self) -> Json {
        let series = &self.series;
        let anomalies = series.anomalies.iter().zip(&self.anomalies);
        let fields = self.fields.iter();
        let mut names = self.rolling.iter();
        let mut rolling = Vec::with_capacity(series.rolling.len());
        for rule in &series.rolling {
            let names: Vec<&String> = names.by_ref().take(rule.takes.len()).collect();
            rolling.push(self.rolling(rule, &names));
        }
        let empty = match series.empty {
            Empty::Emit { limit } => json!({ "emit": limit }),
            Empty::Skip => "skip".into(),
        };
        json!({
            "by": self.by.iter().map(group).collect::<Vec<_>>(),
            "windows": self.windowing.as_ref().map(windowing),
            "rows": self.rows,
            "measures": self.measures.iter().map(measure).collect::<Vec<_>>(),
            "empty": empty,
            "fill": series.fills.iter().map(|rule| self.fill(rule)).collect::<Vec<_>>(),
            "rolling": rolling,
            "anomalies": anomalies.map(|(rule, names)| self.anomaly(rule, names)).collect::<Vec<_>>(),
            "fields": fields.map(|field| json!([field.name, field.expression.source()])).collect::<Vec<_>>(),
            "late": word_of(&LATE, self.late),
            "closed_after": self.closed_after,
            "hold": self.hold,
            "memory": self.memory,
        })
    }

    /// Returns the earliest language in which the times of readings are read alike.
    pub(in crate::stage) fn language(&self) -> Language {
        let formats = self.windowing.iter().flat_map(|windowing| &windowing.formats);
        formats.map(|_| Language::Two).max().unwrap_or(Language::One)
    }

    /// Returns the name of a result.
    pub(super) fn result_name(&self, at: usize) -> &str {
        self.results().nth(at).map_or("", |(name, _)| name)
    }

    fn fill(&self, rule: &Fill) -> Json {
        let with = match &rule.with {
            FillWith::Carry { limit } => json!({ "carry": limit }),
            FillWith::Value(json) => {
                json!({ "value": serde_json::from_str::<Json>(json).unwrap_or_default() })
            }
        };
        json!([self.result_name(rule.of), with])
    }

    fn rolling(&self, rule: &Rolling, names: &[&String]) -> Json {
        json!({
            "of": self.result_name(rule.of),
            "over": over(rule.over),
            "take": rule.takes.iter().map(Take::name).collect::<Vec<_>>(),
            "as": names,
            "min_periods": rule.min_periods,
            "rounded": rounded(rule.rounded),
        })
    }

    fn anomaly(&self, anomaly: &Anomaly, (name, score): &(String, Option<String>)) -> Json {
        let rule = match &anomaly.rule {
            Rule::Z {
                over: windows,
                min_periods,
                k,
                min_deviation,
            } => json!({ "z": {
                "over": over(*windows),
                "min_periods": min_periods,
                "k": k.normalize().to_string(),
                "min_deviation": min_deviation.normalize().to_string(),
            } }),
            Rule::Outside { min, max } => json!({ "outside": {
                "min": min.map(|min| min.normalize().to_string()),
                "max": max.map(|max| max.normalize().to_string()),
            } }),
        };
        json!({ "name": name, "of": self.result_name(anomaly.of), "rule": rule, "score": score })
    }
}

fn group(field: &GroupField) -> Json {
    let from = match &field.from {
        From::Path(path) => json!({ "path": path.pointer() }),
        From::Expression(expression) => json!({ "expression": expression.source() }),
    };
    json!([field.name, from])
}

fn windowing(windowing: &Windowing) -> Json {
    let zone = |zone: Option<Tz>| zone.map(Tz::name);
    let every = match &windowing.windows {
        Windows::Fixed { length, origin } => json!({ "fixed": length, "origin": origin }),
        Windows::Daily { length, zone } => json!({ "daily": length, "zone": zone.name() }),
        Windows::Calendar {
            unit,
            count,
            zone,
            origin,
        } => {
            json!({ "calendar": unit_word(*unit), "count": count, "zone": zone.name(), "origin": origin.to_string() })
        }
    };
    json!({
        "time": windowing.time.pointer(),
        "formats": windowing.formats,
        "time_zone": zone(windowing.time_zone),
        "every": every,
        "name": windowing.name,
        "label": if windowing.labels_end { "right" } else { "left" },
        "closed": "left",
        "end": windowing.end,
        "local": windowing.local.as_ref().map(|(name, zone)| json!([name, zone.name()])),
    })
}

fn unit_word(unit: Unit) -> &'static str {
    match unit {
        Unit::Day => "day",
        Unit::Week => "week",
        Unit::Month => "month",
        Unit::Quarter => "quarter",
        Unit::Year => "year",
    }
}

fn measure(field: &MeasureField) -> Json {
    let measure = &field.measure;
    match &field.of {
        Measured::Path(path) => json!({
            "of": path.pointer(),
            "take": measure.takes.iter().map(Take::name).collect::<Vec<_>>(),
            "as": field.names,
            "rounded": rounded(measure.rounded),
            "exact": measure.exact,
            "values": if measure.texts { "text" } else { "number" },
        }),
        Measured::List { parts, values, order } => json!({
            "list": parts.iter().map(Path::pointer).collect::<Vec<_>>(),
            "values": values,
            "order": order.as_ref().map(Path::pointer),
            "as": field.names,
            "limit": measure.exact,
        }),
    }
}

fn rounded(rounded: Rounded) -> Json {
    match rounded {
        Rounded::Digits(digits) => json!({ "digits": digits }),
        Rounded::Places(places) => json!({ "places": places }),
    }
}

fn over(over: Over) -> Json {
    match over {
        Over::Windows(windows) => json!({ "windows": windows }),
        Over::Time(microseconds) => json!({ "time": microseconds }),
    }
}
