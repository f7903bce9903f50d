//! Every window computed from scratch, with fractions, over the list of all windows.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};
use rust_decimal::Decimal;

use crate::aggregate::{
    Empty, FillWith, Measured, Over, Rolling, Rounded, Rule, SeriesRules, Shown, Take, Windows,
};

/// A fraction; the denominator is positive.
#[derive(Clone, Debug)]
struct Fraction(BigInt, BigInt);

impl Fraction {
    fn of(number: i64) -> Self {
        Self(number.into(), 1.into())
    }

    fn decimal(decimal: Decimal) -> Self {
        Self(decimal.mantissa().into(), ten(decimal.scale()))
    }

    fn plus(&self, other: &Self) -> Self {
        Self(&self.0 * &other.1 + &other.0 * &self.1, &self.1 * &other.1)
    }

    fn minus(&self, other: &Self) -> Self {
        Self(&self.0 * &other.1 - &other.0 * &self.1, &self.1 * &other.1)
    }

    fn times(&self, other: &Self) -> Self {
        Self(&self.0 * &other.0, &self.1 * &other.1)
    }

    fn over(&self, number: usize) -> Self {
        Self(self.0.clone(), &self.1 * number)
    }

    fn compare(&self, other: &Self) -> Ordering {
        (&self.0 * &other.1).cmp(&(&other.0 * &self.1))
    }

    fn size(&self) -> Self {
        Self(self.0.magnitude().clone().into(), self.1.clone())
    }

    /// Returns a whole number of units of so many places; these may be negative.
    fn scaled(&self, places: i64) -> Self {
        let zeros = ten(u32::try_from(places.unsigned_abs()).unwrap());
        match places {
            0.. => Self(&self.0 * zeros, self.1.clone()),
            _ => Self(self.0.clone(), &self.1 * zeros),
        }
    }
}

fn ten(power: u32) -> BigInt {
    BigInt::from(10).pow(power)
}

/// A value: its fraction, its places, and its text.
#[derive(Clone)]
struct Value(Fraction, u32, Box<str>);

fn value(json: &str) -> Value {
    let text = json.trim_matches('"');
    let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let places = u32::try_from(places).unwrap();
    let digits: BigInt = text.replace('.', "").parse().unwrap();
    Value(Fraction(digits, ten(places)), places, json.into())
}

fn plain(units: &BigInt, places: u32) -> String {
    let digits = units.magnitude().to_string();
    let sign = if units.sign() == Sign::Minus { "-" } else { "" };
    let wide = format!("{digits:0>width$}", width = places as usize + 1);
    let (whole, fraction) = wide.split_at(wide.len() - places as usize);
    let point = if places > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

/// Returns the whole number nearest to a number (or to its square root), of two the even one.
fn nearest(number: &Fraction, is_root: bool) -> BigInt {
    let size = number.size();
    let mut low = &size.0 / &size.1;
    if is_root {
        low = low.sqrt();
    }
    let half = Fraction(&low * 2 + 1, 2.into());
    let half = if is_root { half.times(&half) } else { half };
    let up = match size.compare(&half) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => low.bit(0),
    };
    let nearest = if up { low + 1 } else { low };
    if number.0.sign() == Sign::Minus {
        -nearest
    } else {
        nearest
    }
}

fn round(number: &Fraction, is_root: bool, rounded: Rounded) -> String {
    let units = |places: i64| {
        let places = if is_root { 2 * places } else { places };
        nearest(&number.scaled(places), is_root)
    };
    match rounded {
        Rounded::Places(places) => plain(&units(i64::from(places)), u32::from(places)),
        Rounded::Digits(_) if number.0.sign() == Sign::NoSign => "0".to_owned(),
        Rounded::Digits(digits) => {
            // From far too many places downwards: the first with no more digits.
            let fits = (-80..=120_i64)
                .rev()
                .find(|places| units(*places).magnitude().to_string().len() <= usize::from(digits));
            let places = fits.unwrap();
            let text = match u32::try_from(places) {
                Ok(places) => plain(&units(i64::from(places)), places),
                Err(_) => (units(places) * ten(u32::try_from(-places).unwrap())).to_string(),
            };
            match text.split_once('.') {
                Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                None => text,
            }
        }
    }
}

fn mean(values: &[Value]) -> Fraction {
    let sum = values
        .iter()
        .fold(Fraction::of(0), |sum, value| sum.plus(&value.0));
    sum.over(values.len())
}

fn variance(values: &[Value]) -> Fraction {
    let mean = mean(values);
    let squares = values.iter().map(|value| {
        let distance = value.0.minus(&mean);
        distance.times(&distance)
    });
    let sum = squares.fold(Fraction::of(0), |sum, square| sum.plus(&square));
    sum.over(values.len() - 1)
}

fn measure(values: &[Value], take: &Take, rule: &Rolling) -> Option<Box<str>> {
    if (values.len() as u64) < rule.min_periods {
        return None;
    }
    let least = || values.iter().min_by(|left, right| left.0.compare(&right.0));
    // Of equal ones the first.
    let greatest = || values.iter().rev().max_by(|left, right| left.0.compare(&right.0));
    let exact =
        |number: &Fraction, places: u32| plain(&nearest(&number.scaled(i64::from(places)), false), places);
    let number = match take {
        Take::Count => return Some(values.len().to_string().into()),
        Take::Min => return Some(least()?.2.clone()),
        Take::Max => return Some(greatest()?.2.clone()),
        Take::Range => {
            let (least, greatest) = (least()?, greatest()?);
            exact(&greatest.0.minus(&least.0), least.1.max(greatest.1))
        }
        _ if values.is_empty() => return None,
        Take::Sum => {
            let places = values.iter().map(|value| value.1).max()?;
            let sum = values
                .iter()
                .fold(Fraction::of(0), |sum, value| sum.plus(&value.0));
            exact(&sum, places)
        }
        Take::Mean => round(&mean(values), false, rule.rounded),
        Take::Var if values.len() > 1 => round(&variance(values), false, rule.rounded),
        Take::Std if values.len() > 1 => round(&variance(values), true, rule.rounded),
        _ => return None,
    };
    let is_text = values.last()?.2.starts_with('"');
    Some(if is_text { format!("\"{number}\"") } else { number }.into())
}

fn marked(own: Option<&str>, values: &[Value], rule: &Rule) -> (bool, Option<Box<str>>) {
    let Some(own) = own.map(value) else {
        return (false, None);
    };
    match rule {
        Rule::Z {
            min_periods,
            k,
            min_deviation,
            ..
        } => {
            if (values.len() as u64) < *min_periods || values.len() < 2 {
                return (false, None);
            }
            let (distance, variance) = (own.0.minus(&mean(values)).size(), variance(values));
            if variance.0.sign() == Sign::NoSign {
                return (false, None);
            }
            let square = distance.times(&distance);
            let k = Fraction::decimal(*k);
            let is_marked = square.compare(&k.times(&k).times(&variance)).is_gt()
                && distance.compare(&Fraction::decimal(*min_deviation)).is_gt();
            let square = Fraction(square.0 * variance.1, square.1 * variance.0);
            (is_marked, Some(round(&square, true, Rounded::Digits(6)).into()))
        }
        Rule::Outside { min, max } => {
            let below = min.map(|min| (Fraction::decimal(min).minus(&own.0), min.scale()));
            let above = max.map(|max| (own.0.minus(&Fraction::decimal(max)), max.scale()));
            let distances = [below, above].into_iter().flatten();
            let mut far = distances.filter(|(distance, _)| distance.0.sign() == Sign::Plus);
            match far.next() {
                None => (false, Some("0".into())),
                Some((distance, places)) => {
                    let places = places.max(own.1);
                    let units = nearest(&distance.scaled(i64::from(places)), false);
                    (true, Some(plain(&units, places).into()))
                }
            }
        }
    }
}

/// A window of the list of all, empty ones included, and how often the series has begun anew before it.
struct Listed {
    window: Measured,
    anew: usize,
}

fn listed(rules: &SeriesRules, windows: &Windows, measured: &[Measured]) -> Vec<Listed> {
    let (mut all, mut anew): (Vec<Listed>, usize) = (Vec::new(), 0);
    for window in measured {
        let Windows::Fixed { length, .. } = windows else {
            panic!("the tests have fixed windows")
        };
        if let (Empty::Emit { limit }, Some(last)) = (rules.empty, all.last().map(|last| last.window.start)) {
            let empties = (window.start - last) / length - 1;
            if empties.unsigned_abs() > limit {
                anew += 1;
            } else {
                all.extend((1..=empties).map(|at| Listed {
                    window: Measured {
                        start: last + at * length,
                        rows: 0,
                        values: rules.measures.clone(),
                    },
                    anew,
                }));
            }
        }
        all.push(Listed {
            window: window.clone(),
            anew,
        });
    }
    all
}

/// Returns the windows that are shown.
pub(super) fn shown(rules: &SeriesRules, windows: &Windows, measured: &[Measured]) -> Vec<Shown> {
    let all = listed(rules, windows, measured);
    let one = |at: usize| {
        let Listed { window, anew } = &all[at];
        let series: Vec<&Measured> = all[..=at]
            .iter()
            .filter(|other| other.anew == *anew)
            .map(|other| &other.window)
            .collect();
        let values = |of: usize, over: Over| -> Vec<Value> {
            let within = series.iter().enumerate().filter(|(position, other)| match over {
                Over::Windows(count) => (series.len() - position) as u64 <= count,
                Over::Time(length) => other.start > window.start - length,
            });
            within
                .filter_map(|(_, other)| other.values[of].as_deref().map(value))
                .collect()
        };
        let rolling = rules.rolling.iter().flat_map(|rule| {
            let values = values(rule.of, rule.over);
            rule.takes.iter().map(move |take| measure(&values, take, rule))
        });
        let anomalies = rules.anomalies.iter().map(|anomaly| {
            let values = match anomaly.rule {
                Rule::Z { over, .. } => values(anomaly.of, over),
                Rule::Outside { .. } => Vec::new(),
            };
            let (is_marked, score) = marked(window.values[anomaly.of].as_deref(), &values, &anomaly.rule);
            (is_marked, score.filter(|_| anomaly.scored))
        });
        let (mut shown, mut filled) = (window.values.clone(), Vec::new());
        for fill in rules.fills.iter().filter(|fill| window.values[fill.of].is_none()) {
            let with = match &fill.with {
                FillWith::Value(value) => Some(value.clone()),
                FillWith::Carry { limit } => {
                    let mut earlier = series.iter().rev().enumerate();
                    let found =
                        earlier.find_map(|(back, other)| Some((back as u64, other.values[fill.of].clone()?)));
                    found
                        .filter(|(back, _)| limit.is_none_or(|limit| *back <= limit))
                        .map(|(_, value)| value)
                }
            };
            if let Some(with) = with {
                shown[fill.of] = Some(with);
                filled.push(fill.of);
            }
        }
        filled.sort_unstable();
        Shown {
            start: window.start,
            rows: window.rows,
            values: shown,
            filled,
            rolling: rolling.collect(),
            anomalies: anomalies.collect(),
        }
    };
    (0..all.len()).map(one).collect()
}
