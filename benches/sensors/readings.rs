//! Readings of sensors, made up: the same on every machine, and the first n are the same however many are asked for.
//!
//! Each sensor measures at its own moment of every interval, give or take a fifth of it. One reading in a hundred is missing,
//! one temperature in two hundred is null, and one reading in a thousand comes late, by up to an hour.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::error::Error;

use chrono::{DateTime, SecondsFormat};

/// How many sensors there are, and how often they measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A thousand sensors, every five seconds.
    Dense,
    /// A thousand sensors, every minute.
    Sparse,
    /// As many sensors as readings.
    Many,
    /// A third as many sensors as readings, every five minutes.
    Thrice,
}

impl Shape {
    /// Reads a shape by its name.
    pub(crate) fn named(name: &str) -> Result<Self, Box<dyn Error>> {
        match name {
            "dense" => Ok(Self::Dense),
            "sparse" => Ok(Self::Sparse),
            "many" => Ok(Self::Many),
            "thrice" => Ok(Self::Thrice),
            _ => Err(format!("there is no shape `{name}`: dense, sparse, many, thrice").into()),
        }
    }

    /// Sensors, and milliseconds between two readings of one.
    fn measure(self, count: u64) -> (u64, u64) {
        match self {
            Self::Dense => (1_000, 5_000),
            Self::Sparse => (1_000, 60_000),
            Self::Many => (count + count / 50 + 1, 3_600_000),
            Self::Thrice => (count / 3 + 1, 300_000),
        }
    }
}

/// 2026-03-01T00:00:00Z, in milliseconds.
const BEGIN: u64 = 1_772_323_200_000;
const HOUR: u64 = 3_600_000;

/// So many readings, as lines of NDJSON in the order in which they arrive.
pub(crate) fn readings(count: u64, shape: Shape) -> impl Iterator<Item = String> {
    let (sensors, every) = shape.measure(count);
    let taken = usize::try_from(count).expect("as many as fit into memory");
    let mut random = Random(1);
    let mut late = BinaryHeap::new();
    let mut number = 0;
    let arrivals = (0..).flat_map(move |interval: u64| {
        let mut arrived = Vec::new();
        let now = interval * every;
        while late.peek().is_some_and(|Reverse((due, _, _))| *due <= now) {
            arrived.extend(late.pop().map(|Reverse((_, _, line))| line));
        }
        for sensor in 0..sensors {
            if random.below(100) == 0 {
                continue;
            }
            number += 1;
            let moment = now + sensor * 37 % (every * 4 / 5) + random.below(every / 5);
            let line = reading(&format!("r{number:08}"), sensor, moment, &mut random);
            if random.below(1_000) == 0 {
                late.push(Reverse((now + random.below(HOUR), number, line)));
            } else {
                arrived.push(line);
            }
        }
        arrived
    });
    arrivals.take(taken)
}

/// Late readings, all of one hour in the middle of the others, or of the time that these take.
pub(crate) fn late(count: u64, of: u64, shape: Shape) -> impl Iterator<Item = String> {
    let (sensors, every) = shape.measure(of);
    let whole = of.div_ceil(sensors) * every;
    let span = whole.min(HOUR);
    let begin = (whole - span) / 2;
    let mut random = Random(2);
    (1..=count).map(move |number| {
        let moment = begin + random.below(span);
        let sensor = random.below(sensors);
        reading(&format!("l{number:08}"), sensor, moment, &mut random)
    })
}

fn reading(id: &str, sensor: u64, moment: u64, random: &mut Random) -> String {
    let instant = i64::try_from(BEGIN + moment)
        .ok()
        .and_then(DateTime::from_timestamp_millis);
    let instant = instant.expect("a year of four digits");
    let time = instant.to_rfc3339_opts(SecondsFormat::Millis, true);
    let temperature = if random.below(200) == 0 {
        "null".to_owned()
    } else {
        // Now and then a sensor says something quite different.
        let spike = if random.below(20_000) == 0 { 4_000 } else { 0 };
        hundredths(1_200 + sensor * 13 % 1_500 + random.below(200) + spike)
    };
    let humidity = 300 + random.below(400);
    format!(
        "{{\"id\":\"{id}\",\"sensor_id\":{sensor},\"timestamp\":\"{time}\",\"temperature\":{temperature},\
         \"humidity\":{}.{},\"pressure\":{}}}",
        humidity / 10,
        humidity % 10,
        hundredths(99_000 + random.below(4_000))
    )
}

fn hundredths(value: u64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

/// The generator `SplitMix64`, as in `orders.rs`.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
