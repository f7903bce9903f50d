//! The texts of numbers as the first language read them: where an operation says that it needs no later language, it
//! reads every text as it did.

use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::language::Language;
use crate::op::tests::run;
use crate::op::{Bands, Operation as _, Round, ToDecimal};
use crate::record::{NumberText, Rounding, Value, exact_decimal};

const GROUPING: &[char] = &[',', '\'', '\u{2019}', '_', ' ', '\u{a0}', '\u{202f}'];

/// The exact decimal of a number as every reader began with it.
fn exact(text: &str) -> Option<Decimal> {
    let Some(at) = text.find(['e', 'E']) else {
        return Decimal::from_str_exact(text).ok();
    };
    let mut exact = Decimal::from_str_exact(&text[..at]).ok()?;
    if exact.is_zero() {
        return Some(exact);
    }
    let exponent: i32 = text[at + 1..].parse().ok()?;
    let scale = i64::from(exact.scale()) - i64::from(exponent);
    if scale >= 0 {
        exact.set_scale(u32::try_from(scale).ok()?).ok()?;
        return Some(exact);
    }
    exact.set_scale(0).ok()?;
    let ten = 10i128.checked_pow(u32::try_from(-scale).ok()?)?;
    exact.checked_mul(Decimal::try_from_i128_with_scale(ten, 0).ok()?)
}

/// What operations took for a number.
fn of_operations(number: &str) -> Option<Decimal> {
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let some_digits = |text: &str| !text.is_empty() && digits(text);
    let is_number = digits(whole)
        && some_digits(fraction)
        && (!whole.is_empty() || mantissa.contains('.'))
        && some_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    let exact = exact(number.strip_prefix('+').unwrap_or(number)).filter(|_| is_number)?;
    (exact.mantissa().unsigned_abs() < 10u128.pow(28)).then_some(exact)
}

/// What `decimal` took.
fn of_decimal(text: &str, strip: &str, parentheses: bool) -> Option<Decimal> {
    let symbol = |c: char| c.is_whitespace() || (!GROUPING.contains(&c) && strip.contains(c));
    let (mut rest, mut negative) = (text.trim_matches(symbol), false);
    let inside = rest.strip_prefix('(').and_then(|inside| inside.strip_suffix(')'));
    if let (true, Some(inside)) = (parentheses, inside) {
        (rest, negative) = (inside.trim_matches(symbol), true);
    } else if let Some(unsigned) = rest.strip_prefix(['+', '-']) {
        negative = rest.starts_with('-');
        rest = unsigned.trim_matches(symbol);
    }
    let (whole, fraction) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
    let digits = match whole.chars().find(|c| GROUPING.contains(c) && strip.contains(*c)) {
        None => rest.to_owned(),
        Some(mark) => {
            let all_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
            let mut groups = whole.split(mark);
            let first = groups.next()?;
            let whole_groups = (1..=3).contains(&first.len())
                && all_digits(first)
                && groups.all(|group| group.len() == 3 && all_digits(group));
            whole_groups.then(|| whole.replace(mark, "") + fraction)?
        }
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || digits.contains(['e', 'E']) {
        return None;
    }
    let mut exact = of_operations(&digits)?;
    exact.set_sign_negative(negative && !exact.is_zero());
    Some(exact)
}

fn read(op: &ToDecimal, text: &str) -> Option<String> {
    let json = run(op, &format!("{{\"a\":{}}}", serde_json::to_string(text).unwrap())).ok()?;
    Some(json[6..json.len() - 2].to_owned())
}

proptest! {
    #[test]
    fn decimal_reads_as_before_where_it_says_so(
        text in r"[ $]{0,2}[-+(]{0,2}[ $]{0,1}[0-9]{0,4}[,._' ]?[0-9]{0,16}[.,]?[0-9]{0,16}([eE][-+]?[0-9]{0,2})?[-)$ ]{0,2}",
        strip in r"[$€,'_ ]{0,2}",
        parentheses: bool,
    ) {
        let op = ToDecimal::new("a").strip(&strip);
        let op = if parentheses { op.parentheses_negative() } else { op };
        let (before, now) = (of_decimal(&text, &strip, parentheses), read(&op, &text));
        let before = before.map(|number| number.to_string());
        let grouped = strip.contains(|c| GROUPING.contains(&c));
        prop_assert_eq!(op.language() == Language::Two, grouped, "strip {:?}", strip);
        let is_otherwise = grouped && text.contains('0') && now.is_none();
        prop_assert!(before == now || is_otherwise, "{:?} by {:?}: {:?}, now {:?}", text, strip, before, now);
    }

    #[test]
    fn json_numbers_and_settings_are_read_as_before(
        text in r"[-+]?[0-9]{0,20}[._]?[0-9]{0,20}([eE][-+]?[0-9]{1,3})?",
        long in r"-?[0-9]{25,32}(\.[0-9]{0,4})?",
    ) {
        for text in [text, long] {
            if NumberText::JSON.takes(&text) {
                prop_assert_eq!(NumberText::JSON.read(&text).ok(), of_operations(&text), "{}", text);
                prop_assert_eq!(NumberText::CALCULATED.read(&text).ok(), exact(&text), "{}", text);
            }
            let key = NumberText::KEY.read(&text).ok();
            let normal = |number: Option<Decimal>| number.map(|number| number.normalize());
            prop_assert_eq!(normal(key), normal(of_operations(&text)), "{}", text);
            // Underscores that stand between no two digits, and an exponent without a number, were let through.
            if exact_decimal(&text).is_ok() {
                prop_assert_eq!(exact_decimal(&text).ok(), exact(&text), "{}", text);
            }
        }
    }
}

#[test]
fn what_is_read_otherwise_says_so() {
    let dollars = ToDecimal::new("a").strip("$");
    let groups = ToDecimal::new("a").strip("$,");
    assert_eq!(
        (dollars.language(), groups.language()),
        (Language::One, Language::Two)
    );
    assert_eq!(of_decimal("0,123", ",", false), Some(Decimal::from(123)));
    for text in ["0,123", "00,123", "012,345", "0,000"] {
        assert_eq!(read(&groups, text), None, "{text}");
    }
    let round = Round::new("a", 2, Rounding::HalfEven);
    let bands = Bands::new("a", "b").above(Decimal::ONE, Value::null());
    assert_eq!(
        (round.language(), bands.language()),
        (Language::Two, Language::Two)
    );
    assert_eq!(
        (of_operations(" 5"), of_operations("1e3")),
        (None, Some(Decimal::from(1000)))
    );
    assert_eq!(run(&round, r#"{"a":" 5"}"#).unwrap(), r#"{"a":"5.00"}"#);
    assert_eq!(run(&round, r#"{"a":"1e3"}"#).unwrap_err(), "round.invalid at /a");
    assert_eq!(run(&bands, r#"{"a":"1e3"}"#).unwrap_err(), "bands.invalid at /a");
    assert_eq!(run(&bands, r#"{"a":1e3}"#).unwrap(), r#"{"a":1e3,"b":null}"#);
}
