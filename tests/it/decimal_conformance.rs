//! Exact decimals agree with the General Decimal Arithmetic test cases, wherever 28 digits are enough.

use std::cmp::Ordering;
use std::path::Path;

use counterfoil::record::{Rounding, exact_decimal};
use rust_decimal::Decimal;

/// The most digits that Counterfoil promises.
const DIGITS: i64 = 28;

/// A number of the test cases: sign, coefficient and exponent, read without the code under test.
#[derive(Clone, Debug)]
struct Number {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Number {
    fn read(text: &str) -> Option<Self> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            negative,
            digits: all.trim_start_matches('0').to_owned(),
            exponent: exponent.parse::<i64>().ok()? - i64::try_from(fraction.len()).ok()?,
        })
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    fn count(&self) -> i64 {
        i64::try_from(self.digits.len()).expect("a test case is short")
    }

    /// Whether 28 digits are enough to write it out.
    fn fits(&self) -> bool {
        self.is_zero()
            || (self.count() + self.exponent.max(0) <= DIGITS && (-DIGITS..=DIGITS).contains(&self.exponent))
    }

    /// The decimal by the code under test, whose text must say the same number.
    fn decimal(&self) -> Decimal {
        let sign = if self.negative { "-" } else { "" };
        let text = format!("{sign}0{}E{}", self.digits, self.exponent);
        let decimal = exact_decimal(&text).unwrap_or_else(|_| panic!("{text} fits {DIGITS} digits"));
        assert!(self.equals(decimal), "{text} became {decimal}");
        decimal
    }

    /// Equal as numbers; zero has no sign.
    fn equals(&self, decimal: Decimal) -> bool {
        let other = Self::read(&decimal.to_string()).expect("a decimal is a number");
        let bare = |number: &Self| {
            let significant = number.digits.trim_end_matches('0');
            let cut = i64::try_from(number.digits.len() - significant.len()).expect("short");
            (significant.to_owned(), number.exponent + cut)
        };
        match (self.is_zero(), other.is_zero()) {
            (false, false) => self.negative == other.negative && bare(self) == bare(&other),
            (left, right) => left == right,
        }
    }
}

/// One line of a file, under the directives that hold there.
#[derive(Debug)]
struct Case {
    line: String,
    operation: String,
    left: Number,
    right: Number,
    expected: Number,
    precision: i64,
    /// `None` for a rounding that Counterfoil does not have.
    rounding: Option<Rounding>,
    is_inexact: bool,
}

/// The cases whose operands and result are finite numbers within the limits of their exponents.
fn cases(text: &str) -> Vec<Case> {
    let (mut precision, mut rounding, mut cases) = (9, None, Vec::new());
    for line in text.lines() {
        let line = line.split("--").next().unwrap_or_default().trim();
        if let Some((directive, value)) = line.split_once(':') {
            match (directive.to_ascii_lowercase().as_str(), value.trim()) {
                ("precision", value) => precision = value.parse().expect("a precision is a number"),
                ("rounding", "half_even") => rounding = Some(Rounding::HalfEven),
                ("rounding", "half_up") => rounding = Some(Rounding::HalfUp),
                ("rounding", _) => rounding = None,
                _ => {}
            }
            continue;
        }
        let words: Vec<&str> = line
            .split_whitespace()
            .map(|word| word.trim_matches('\''))
            .collect();
        let [_, operation, left, right, "->", expected, conditions @ ..] = words.as_slice() else {
            continue;
        };
        let beyond = [
            "Invalid_operation",
            "Overflow",
            "Underflow",
            "Subnormal",
            "Clamped",
        ];
        if conditions.iter().any(|condition| beyond.contains(condition)) {
            continue;
        }
        let numbers = (Number::read(left), Number::read(right), Number::read(expected));
        if let (Some(left), Some(right), Some(expected)) = numbers {
            cases.push(Case {
                line: line.to_owned(),
                operation: operation.to_ascii_lowercase(),
                left,
                right,
                expected,
                precision,
                rounding,
                is_inexact: conditions.contains(&"Inexact"),
            });
        }
    }
    cases
}

impl Case {
    /// Checks the case; `false` where it needs more than 28 digits or another rounding.
    fn holds(&self) -> bool {
        match self.operation.as_str() {
            "quantize" => self.quantizes(),
            "compare" if self.left.fits() && self.right.fits() => {
                let expected = match (self.expected.is_zero(), self.expected.negative) {
                    (true, _) => Ordering::Equal,
                    (_, true) => Ordering::Less,
                    (_, false) => Ordering::Greater,
                };
                assert_eq!(
                    self.left.decimal().cmp(&self.right.decimal()),
                    expected,
                    "{}",
                    self.line
                );
                true
            }
            "add" | "subtract" | "multiply" => self.calculates(),
            _ => false,
        }
    }

    fn calculates(&self) -> bool {
        let (left, right) = (&self.left, &self.right);
        let lowest = left.exponent.min(right.exponent).min(0);
        let highest = (left.count() + left.exponent).max(right.count() + right.exponent) + 1;
        let is_exact = match self.operation.as_str() {
            "multiply" => {
                left.count() + right.count() <= DIGITS
                    && (left.exponent.min(0) + right.exponent.min(0)) >= -DIGITS
            }
            _ => highest - lowest <= DIGITS,
        };
        if !left.fits() || !right.fits() || !is_exact {
            return false;
        }
        let (left, right) = (left.decimal(), right.decimal());
        let exact = match self.operation.as_str() {
            "add" => left.checked_add(right),
            "subtract" => left.checked_sub(right),
            _ => left.checked_mul(right),
        };
        let exact = exact.unwrap_or_else(|| panic!("{}: within 28 digits", self.line));
        let digits = i64::try_from(exact.mantissa().unsigned_abs().to_string().len()).expect("short");
        let result = match (self.is_inexact, self.rounding) {
            (false, _) => exact,
            (true, None) => return false,
            (true, Some(rounding)) => {
                let Ok(places) = u32::try_from(i64::from(exact.scale()) - (digits - self.precision)) else {
                    return false;
                };
                rounding.round(exact, places).expect("fewer digits than before")
            }
        };
        assert!(self.expected.equals(result), "{}: {result}", self.line);
        true
    }

    fn quantizes(&self) -> bool {
        let Ok(places) = u32::try_from(-self.right.exponent) else {
            return false;
        };
        let rounding = match (self.rounding, self.is_inexact) {
            (Some(rounding), _) => rounding,
            (None, false) => Rounding::HalfEven,
            (None, true) => return false,
        };
        if !self.left.fits() || !self.expected.fits() || i64::from(places) > DIGITS {
            return false;
        }
        let result = rounding.round(self.left.decimal(), places);
        let result = result.unwrap_or_else(|_| panic!("{}: within 28 digits", self.line));
        assert!(self.expected.equals(result), "{}: {result}", self.line);
        assert_eq!(result.scale(), places, "{}", self.line);
        assert!(
            !(result.is_zero() && result.is_sign_negative()),
            "{}: zero has no sign",
            self.line
        );
        true
    }
}

#[test]
fn every_applicable_case_of_general_decimal_arithmetic_agrees() {
    let Some(data) = std::env::var_os("COUNTERFOIL_REAL_DATA") else {
        println!("skipped: COUNTERFOIL_REAL_DATA does not name the folder with the conformance files");
        return;
    };
    // How many cases applied when this was written: fewer would mean that the reader above lost some.
    for (name, at_least) in [
        ("add", 1160),
        ("subtract", 454),
        ("multiply", 169),
        ("compare", 471),
        ("quantize", 337),
    ] {
        let file = Path::new(&data).join(format!("conformance/decimal/{name}.decTest"));
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let cases = cases(&text);
        let held = cases.iter().filter(|case| case.holds()).count();
        println!("{name}: {held} of {} finite cases apply and agree", cases.len());
        assert!(held >= at_least, "{name}: only {held} cases applied");
    }
}
