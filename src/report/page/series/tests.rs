use super::*;
use crate::report::series::tests::{sensor, stage};

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn an_axis_ends_at_round_numbers() {
    for (length, is) in [
        ("0", "1"),
        ("1", "0.5"),
        ("3.7", "1"),
        ("0.04", "0.01"),
        ("900", "500"),
        ("12345678", "5000000"),
    ] {
        assert_eq!(step(decimal(length)), Some(decimal(is)), "{length}");
    }
    assert_eq!(step(Decimal::MAX), None);
}

#[test]
fn a_gap_breaks_line_and_band_and_everything_stays_within_the_field() {
    let group = sensor(1, 288, 288);
    let row = SeriesRow::new(&group).unwrap();
    let gaps = row.gaps.matches('M').count();
    assert!(gaps >= 2);
    // No run of values is lost, whether it is long or a single window.
    assert!(
        row.line.matches('M').count() + 1 >= gaps
            && row.line.matches('M').count() == row.band.matches('M').count()
    );
    assert_eq!(row.rings.matches('M').count() as u64, group.anomalies);
    let numbers = regex::Regex::new(r"\d+").unwrap();
    assert!(
        numbers
            .find_iter(&row.line)
            .all(|number| number.as_str().parse::<u64>().unwrap() <= WIDTH)
    );
}

#[test]
fn a_thousand_sensors_have_twenty_four_charts_and_a_table_within_two_megabytes() {
    let stage = stage(1_000, 3_000);
    let rows = SeriesRows::new(&stage);
    assert_eq!((rows.rows.len(), rows.further.len(), rows.unlisted), (24, 976, 0));
    let bytes: usize = rows
        .rows
        .iter()
        .map(|row| row.line.len() + row.band.len() + row.rings.len() + row.gaps.len())
        .sum();
    assert!(bytes < 1_000_000, "{bytes}");
}
