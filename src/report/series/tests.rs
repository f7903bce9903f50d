use super::*;
use rust_decimal::Decimal;

const MINUTE: i64 = 60_000_000;
const BEGIN: i64 = 1_772_323_200_000_000;

fn words_of(minutes: i64) -> String {
    Windows::utc(BEGIN + minutes * 5 * MINUTE)
}

/// A day of a sensor in windows of five minutes (or as many as asked for): a wave, some gaps, some anomalies.
pub(in crate::report) fn sensor(number: u32, windows: i64, most: i64) -> GroupSeries {
    let five = Windows::Fixed {
        length: 5 * MINUTE,
        origin: 0,
    };
    let scale = Scale::new(&five, BEGIN, BEGIN + (most - 1) * 5 * MINUTE);
    let mut chart = SeriesChart::new(&scale);
    let (mut empty, mut anomalies) = (0, 0);
    for at in 0..windows {
        let phase = (at * 7 + i64::from(number) * 13).rem_euclid(200);
        let wave = if phase < 100 { phase } else { 200 - phase };
        if (at + i64::from(number) * 5).rem_euclid(97) < 6 {
            empty += 1;
            continue;
        }
        let is_marked = (at * 31 + i64::from(number)).rem_euclid(251) < i64::from(25 - number.min(24)) / 4;
        anomalies += u64::from(is_marked);
        let spike = if is_marked { 140 } else { 0 };
        let mean = 1_800 + wave * 3 + (at * 37).rem_euclid(11) + spike;
        let text = |hundredths: i64| Decimal::new(hundredths, 2).to_string();
        let (mean, low, high) = (text(mean), text(mean - 22 - wave / 4), text(mean + 31));
        chart.add(
            &scale,
            BEGIN + at * 5 * MINUTE,
            Some(&mean),
            Some([Some(&low), Some(&high)]),
            is_marked,
        );
    }
    GroupSeries {
        group: format!("sensor-{number:04}"),
        windows: windows.unsigned_abs(),
        empty,
        readings: 58 * (windows.unsigned_abs() - empty),
        anomalies,
        first: words_of(0),
        last: words_of(windows - 1),
        chart: (number <= 24).then_some(chart),
    }
}

/// A stage with so many sensors, of so many windows each.
pub(in crate::report) fn stage(sensors: u32, windows: i64) -> StageSeries {
    let groups: Vec<GroupSeries> = (1..=sensors)
        .map(|number| sensor(number, windows, windows))
        .collect();
    StageSeries {
        pass: PassId::new(3),
        stage: 1,
        slug: "windows".to_owned(),
        source: Some("readings_v1".to_owned()),
        target: Some("windows_v1".to_owned()),
        measure: Some("temperature_mean".to_owned()),
        band: Some(["temperature_min".to_owned(), "temperature_max".to_owned()]),
        redacted: false,
        group_count: u64::from(sensors),
        windows: groups.iter().map(|group| group.windows).sum(),
        empty: groups.iter().map(|group| group.empty).sum(),
        anomalies: groups.iter().map(|group| group.anomalies).sum(),
        groups,
    }
}

#[test]
fn each_window_has_a_column_until_there_are_too_many_and_no_anomaly_is_lost() {
    for (windows, columns, one_each) in [
        (1, 1, true),
        (288, 288, true),
        (600, 600, true),
        (4_000, 600, false),
    ] {
        let group = sensor(1, windows, windows);
        let chart = group.chart.unwrap();
        assert_eq!(
            (chart.columns.len(), chart.one_each),
            (columns, one_each),
            "{windows}"
        );
        let drawn = chart.columns.iter().flatten();
        assert_eq!(
            drawn
                .clone()
                .map(|column| column.marked.len() as u64)
                .sum::<u64>(),
            group.anomalies
        );
        let with_values: u64 = drawn.map(|column| u64::from(column.windows)).sum();
        assert_eq!(with_values, group.windows - group.empty);
    }
}

#[test]
fn a_group_is_named_by_its_values() {
    for (group, named) in [("[7]", "7"), ("[\"a\",null,1.5]", "a, null, 1.5"), ("[]", "all")] {
        assert_eq!(words(group), named);
    }
}
