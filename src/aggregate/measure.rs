//! What is measured of a field.

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
