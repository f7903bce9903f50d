//! Numbers and durations as the page shows them.

use std::borrow::Borrow;
use std::fmt;

/// Renders a number with separated thousands: a count, or the text of an exact amount.
pub(super) fn count(number: impl fmt::Display) -> String {
    let text = number.to_string();
    let (sign, digits) = text.split_at(usize::from(text.starts_with('-')));
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    if !whole.bytes().all(|digit| digit.is_ascii_digit()) {
        return text;
    }
    let mut grouped = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

/// Renders a duration in words.
pub(super) fn duration(micros: impl Borrow<u64>) -> String {
    let micros = *micros.borrow();
    match micros {
        0 => "0".to_owned(),
        1..1_000 => format!("{micros} \u{b5}s"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        1_000_000..60_000_000 => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
        _ => {
            let seconds = micros / 1_000_000;
            let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
            if hours > 0 {
                format!("{} h {minutes:02} min {seconds:02} s", count(hours))
            } else {
                format!("{minutes} min {seconds:02} s")
            }
        }
    }
}
