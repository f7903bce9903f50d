//! What is measured of a field.

use std::borrow::Cow;

/// What is measured of one path, or of the elements of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    /// In the order of the fields of the window.
    pub(crate) takes: Vec<Take>,
    pub(crate) rounded: Rounded,
    /// Maximum number of values of a window that `median`, quantiles, `distinct` and `list` keep.
    pub(crate) exact: usize,
    /// Whether the values are decimals in strings, and so are the results.
    pub(crate) texts: bool,
}

/// A measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// Number of values that are not null.
    Count,
    Sum,
    Mean,
    Min,
    Max,
    /// Sample standard deviation.
    Std,
    /// Sample variance.
    Var,
    /// Value of the earliest reading.
    First,
    /// Value of the latest reading.
    Last,
    Median,
    /// A quantile, in thousandths: `p95` is 950.
    Quantile(u16),
    /// Number of different values.
    Distinct,
    /// Greatest less least.
    Range,
    /// Latest less earliest.
    Delta,
    /// All values, in an order.
    List(Order),
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By time, then by number.
    Time,
    /// By the value that comes with each, then by number: numbers by size before texts, null first.
    By,
}

/// How a result that is not exact is rounded, once, half to even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounded {
    /// To significant digits; zeros at the end are cut.
    Digits(u8),
    /// To decimal places, padded with zeros.
    Places(u8),
}

impl Take {
    /// Reads a name of [`name`](Self::name), as stage files write it, and nothing else. A list has no such name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "count" => Self::Count,
            "sum" => Self::Sum,
            "mean" => Self::Mean,
            "min" => Self::Min,
            "max" => Self::Max,
            "std" => Self::Std,
            "var" => Self::Var,
            "first" => Self::First,
            "last" => Self::Last,
            "median" => Self::Median,
            "distinct" => Self::Distinct,
            "range" => Self::Range,
            "delta" => Self::Delta,
            _ => Self::Quantile(thousandths(name.strip_prefix('p')?)?),
        })
    }

    /// Returns the name in stage files, with which names of results end: `mean`, `p95`, `p99.9`.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::Std => "std",
            Self::Var => "var",
            Self::First => "first",
            Self::Last => "last",
            Self::Median => "median",
            Self::Distinct => "distinct",
            Self::Range => "range",
            Self::Delta => "delta",
            Self::List(_) => "list",
            Self::Quantile(thousandths) => {
                let (whole, tenth) = (thousandths / 10, thousandths % 10);
                return Cow::Owned(match tenth {
                    0 => format!("p{whole}"),
                    tenth => format!("p{whole}.{tenth}"),
                });
            }
        })
    }

    /// Whether it is taken of numbers only; the others are taken of any value.
    pub(crate) fn needs_numbers(&self) -> bool {
        !matches!(
            self,
            Self::Count | Self::First | Self::Last | Self::Distinct | Self::List(_)
        )
    }
}

/// Reads `1` to `99` and `0.1` to `99.9`, each written in one way only, so that a result has one name.
fn thousandths(percent: &str) -> Option<u16> {
    let (whole, tenth) = match percent.split_once('.') {
        Some((whole, tenth)) => (whole, Some(tenth)),
        None => (percent, None),
    };
    let whole = match whole.as_bytes() {
        [digit @ b'0'..=b'9'] => u16::from(digit - b'0'),
        [ten @ b'1'..=b'9', one @ b'0'..=b'9'] => u16::from(ten - b'0') * 10 + u16::from(one - b'0'),
        _ => return None,
    };
    let tenth = match tenth.map(str::as_bytes) {
        None => 0,
        Some([digit @ b'1'..=b'9']) => u16::from(digit - b'0'),
        Some(_) => return None,
    };
    Some(whole * 10 + tenth).filter(|thousandths| *thousandths > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_take_has_one_name() {
        for name in [
            "count", "sum", "mean", "min", "max", "std", "var", "first", "last", "median", "distinct",
            "range", "delta", "p1", "p5", "p50", "p95", "p99", "p0.1", "p2.5", "p99.9",
        ] {
            assert_eq!(
                Take::parse(name).map(|take| take.name()),
                Some(Cow::Borrowed(name))
            );
        }
        assert_eq!(Take::parse("p95"), Some(Take::Quantile(950)));
        assert_eq!(Take::parse("p99.9"), Some(Take::Quantile(999)));
        for name in [
            "", "p", "p0", "p00", "p05", "p100", "p9.", "p.5", "p5.0", "p99.99", "p+5", "p-5", "p5 ", "P95",
            "Mean", "list", "p0.0", "avg", "p\u{665}",
        ] {
            assert_eq!(Take::parse(name), None, "{name}");
        }
    }
}
