use num_bigint::BigInt;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::rounding::{quotient, root};
use super::{Exact, Moments, Whole};
use crate::aggregate::measure::Rounded;

const DIGITS: Rounded = Rounded::Digits(17);

fn big(number: i64) -> BigInt {
    BigInt::from(number)
}

fn ten(exponent: u32) -> BigInt {
    big(10).pow(exponent)
}

/// Writes a fraction times 10^-`places` (or its root, with its own places) the slow way: tries every position of the
/// last digit, from the left, until there are as many digits as wanted.
pub(in crate::aggregate) fn naive(
    numerator: &BigInt,
    denominator: &BigInt,
    places: u32,
    rounded: Rounded,
    is_root: bool,
) -> String {
    let negative = *numerator < big(0);
    let size = if negative { -numerator } else { numerator.clone() };
    let denominator = denominator * ten(places * if is_root { 2 } else { 1 });
    let rounded_at = |last: i64| {
        let factor = ten(u32::try_from(last.unsigned_abs()).unwrap() * if is_root { 2 } else { 1 });
        let (a, b) = if last < 0 {
            (size.clone(), &denominator * factor)
        } else {
            (&size * factor, denominator.clone())
        };
        let mut cut = &a / &b;
        if is_root {
            cut = cut.sqrt();
        }
        // (cut + 1/2) against a / b, or its square.
        let half: BigInt = &cut * 2 + 1;
        let (left, right) = if is_root {
            (a * 4, half.pow(2) * b)
        } else {
            (a * 2, half * b)
        };
        let up = left > right || (left == right && cut.bit(0));
        (cut.clone(), cut + i32::from(up))
    };
    let (last, number) = match rounded {
        Rounded::Places(last) => (i64::from(last), rounded_at(last.into()).1),
        Rounded::Digits(_) if size == big(0) => return "0".to_owned(),
        Rounded::Digits(digits) => {
            let from = (-200..400)
                .find(|last| rounded_at(*last).0 >= ten(u32::from(digits) - 1))
                .unwrap();
            (from, rounded_at(from).1)
        }
    };
    let mut text = number.to_string();
    if last < 0 {
        text.push_str(&"0".repeat(usize::try_from(-last).unwrap()));
    } else if last > 0 {
        let last = usize::try_from(last).unwrap();
        text = format!("{text:0>width$}", width = last + 1);
        text.insert(text.len() - last, '.');
        if let Rounded::Digits(_) = rounded {
            text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
    }
    if negative && number != big(0) {
        format!("-{text}")
    } else {
        text
    }
}

/// Whole numbers of all lengths, small ones and round ones more often.
fn wholes() -> impl Strategy<Value = BigInt> {
    prop_oneof![
        (-30i64..30).prop_map(BigInt::from),
        any::<i64>().prop_map(BigInt::from),
        (any::<i64>(), 0u32..64).prop_map(|(number, drop)| BigInt::from(number >> drop)),
        any::<i128>().prop_map(BigInt::from),
        (any::<i128>(), any::<i128>()).prop_map(|(a, b)| BigInt::from(a) * b),
        (any::<i8>(), 0u32..60).prop_map(|(number, zeros)| ten(zeros) * number),
        (-1i64..=1, 0u32..60).prop_map(|(more, zeros)| ten(zeros) + more),
    ]
}

fn roundings() -> impl Strategy<Value = Rounded> {
    prop_oneof![
        Just(DIGITS),
        (1u8..40).prop_map(Rounded::Digits),
        (0u8..40).prop_map(Rounded::Places),
    ]
}

fn decimals() -> impl Strategy<Value = Decimal> {
    let long = 10i128.pow(28) - 1;
    prop_oneof![
        4 => (-9999i64..9999, 0u32..4).prop_map(|(digits, places)| Decimal::new(digits, places)),
        1 => (any::<i64>(), 0u32..=28).prop_map(|(digits, places)| Decimal::new(digits, places)),
        1 => (-long..=long, 0u32..=28).prop_map(|(digits, places)| Decimal::from_i128_with_scale(digits, places)),
    ]
}

/// n, S and Q, with 28 and 56 places.
pub(in crate::aggregate) fn sums(numbers: &[Decimal]) -> (BigInt, BigInt, BigInt) {
    let (mut sum, mut squares) = (big(0), big(0));
    for number in numbers {
        let digits = BigInt::from(number.mantissa()) * ten(28 - number.scale());
        sum += &digits;
        squares += digits.pow(2);
    }
    (BigInt::from(numbers.len()), sum, squares)
}

fn moments(numbers: &[Decimal]) -> Moments {
    let mut moments = Moments::default();
    for number in numbers {
        moments.add(&(*number).into());
    }
    moments
}

proptest! {
    #[test]
    fn a_quotient_is_rounded_once(a in wholes(), b in wholes(), places in 0u32..60, rounded in roundings()) {
        prop_assume!(b > big(0));
        let text = quotient(&a.clone().into(), &b.clone().into(), places, rounded);
        prop_assert_eq!(text, naive(&a, &b, places, rounded, false));
    }

    #[test]
    fn a_root_is_rounded_once(a in wholes(), b in wholes(), places in 0u32..60, rounded in roundings()) {
        prop_assume!(a >= big(0) && b > big(0));
        let text = root(&a.clone().into(), &b.clone().into(), places, rounded);
        prop_assert_eq!(text, naive(&a, &b, places, rounded, true));
    }

    #[test]
    fn a_square_has_its_root(root_of in 0i64..1_000_000_000, places in 0u32..30, rounded in roundings()) {
        // Of a number that has a five where it is cut, the root is halfway.
        let number = BigInt::from(root_of).pow(2);
        let text = root(&number.clone().into(), &Whole::Word(1), places, rounded);
        prop_assert_eq!(text, naive(&number, &big(1), places, rounded, true));
    }

    #[test]
    fn moments_are_those_of_the_numbers(
        numbers in prop::collection::vec(decimals(), 0..20),
        gone in prop::collection::vec(decimals(), 0..4),
        rounded in roundings(),
    ) {
        let mut all = moments(&gone);
        all.merge(moments(&numbers));
        for number in &gone {
            all.remove(&(*number).into());
        }
        let (n, sum, squares) = sums(&numbers);
        let spread = &n * &squares - sum.pow(2);
        let pairs: BigInt = &n * (&n - 1);
        let (some, more) = (!numbers.is_empty(), numbers.len() > 1);
        prop_assert_eq!(all.mean(rounded), some.then(|| naive(&sum, &n, 28, rounded, false)));
        prop_assert_eq!(all.var(rounded), more.then(|| naive(&spread, &pairs, 56, rounded, false)));
        prop_assert_eq!(all.std(rounded), more.then(|| naive(&spread, &pairs, 28, rounded, true)));
        let places = numbers.iter().map(Decimal::scale).max().unwrap_or(0);
        let kept = Rounded::Places(u8::try_from(places).unwrap());
        prop_assert_eq!(all.sum_with(places), some.then(|| naive(&sum, &big(1), 28, kept, false)));
        let plain = moments(&numbers);
        prop_assert_eq!(plain.sum().map(|sum| sum.text()), all.sum_with(places));
    }

    #[test]
    fn beyond_is_what_the_formula_says(
        numbers in prop::collection::vec(decimals(), 0..12),
        number in decimals(),
        k in 0i64..40,
        deviation in 0i64..300,
    ) {
        let (n, sum, squares) = sums(&numbers);
        let distance: BigInt = &n * BigInt::from(number.mantissa()) * ten(28 - number.scale()) - &sum;
        let left: BigInt = distance.pow(2) * &n * (&n - 1) * 100;
        let right: BigInt = big(k).pow(2) * n.pow(2) * (&n * squares - sum.pow(2));
        let far: BigInt = distance.magnitude().clone().into();
        let beyond = left > right && far * 100 > BigInt::from(deviation) * ten(28) * &n;
        let is = moments(&numbers).is_beyond(&number.into(), &Decimal::new(k, 1), &Decimal::new(deviation, 2));
        prop_assert_eq!(is, beyond);
    }

    #[test]
    fn exact_decimals_are_compared_by_value_and_written_as_read(a in decimals(), b in decimals()) {
        let [x, y] = [a, b].map(Exact::from);
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        let zero = a.is_zero();
        prop_assert_eq!(x.text(), if zero { a.abs().to_string() } else { a.to_string() });
        prop_assert_eq!(&Exact::read(&x.text()), &Some(x.clone()));
        let difference = x.minus(&y);
        prop_assert_eq!(difference.places(), a.scale().max(b.scale()));
        prop_assert_eq!(y.minus(&x.minus(&Exact::default())).minus(&Exact::default()), y.minus(&x));
        let mut back = Moments::default();
        back.add(&difference);
        back.add(&y);
        prop_assert_eq!(back.sum(), Some(x));
    }
}

#[test]
fn numbers_are_as_short_as_they_are_exact() {
    let of = |numbers: &[&str]| {
        let mut moments = Moments::default();
        for number in numbers {
            moments.add(&Exact::read(number).expect("a number"));
        }
        moments
    };
    for (numbers, mean, std) in [
        (&["1", "2"][..], "1.5", Some("0.70710678118654752")),
        (&["2", "2.00"], "2", Some("0")),
        (&["-0.0", "0"], "0", Some("0")),
        (&["39.125"], "39.125", None),
        (
            &["1e27", "2"],
            "500000000000000000000000000",
            Some("707106781186547520000000000"),
        ),
        (
            &["1e-28", "0"],
            "0.00000000000000000000000000005",
            Some("0.000000000000000000000000000070710678118654752"),
        ),
        (
            &["9999999999999999999999999999", "-9999999999999999999999999999"],
            "0",
            Some("14142135623730950000000000000"),
        ),
    ] {
        let moments = of(numbers);
        assert_eq!(moments.mean(DIGITS).as_deref(), Some(mean), "{numbers:?}");
        assert_eq!(moments.std(DIGITS).as_deref(), std, "{numbers:?}");
    }
    assert_eq!(of(&["1", "2"]).mean(Rounded::Places(2)).as_deref(), Some("1.50"));
    assert_eq!(
        of(&["-0.001", "0"]).mean(Rounded::Places(2)).as_deref(),
        Some("0.00")
    );
    assert_eq!(of(&["0.125"]).mean(Rounded::Places(2)).as_deref(), Some("0.12"));
    assert_eq!(of(&[]).mean(DIGITS), None);
    assert_eq!(of(&[]).sum(), None);
    // The window of the design: 15,972 > 6,336.
    let mut window = vec!["20"; 11];
    window.push("21");
    let moments = of(&window);
    let [k, none] = [Decimal::TWO, Decimal::ZERO];
    assert!(moments.is_beyond(&Exact::read("21").unwrap(), &k, &none));
    assert!(!moments.is_beyond(&Exact::read("20").unwrap(), &k, &none));
    assert!(!moments.is_beyond(&Exact::read("21").unwrap(), &k, &Decimal::ONE));
    assert_eq!(
        moments
            .score(&Exact::read("21").unwrap(), Rounded::Digits(6))
            .as_deref(),
        Some("3.17543")
    );
    assert_eq!(
        of(&["2", "2"]).score(&Exact::read("2").unwrap(), Rounded::Digits(6)),
        None
    );
}

#[test]
fn only_numbers_are_exact() {
    for (json, text) in [
        ("12.50", "12.50"),
        ("\"12.50\"", "12.50"),
        ("\" +12.50\"", "12.50"),
        ("1e2", "100"),
        (
            "-12345678901234567890123456789012345678901234567890.5",
            "-12345678901234567890123456789012345678901234567890.5",
        ),
        (
            "\"0.00000000000000000000000000000000000000001\"",
            "0.00000000000000000000000000000000000000001",
        ),
    ] {
        assert_eq!(
            Exact::read(json).map(|exact| exact.text()).as_deref(),
            Some(text),
            "{json}"
        );
    }
    for json in [
        "", "\"", "\"\"", "null", "true", "-", ".", "\"1", "1.", "NaN", "[1]", "1e99", "--1", "\"-\"",
    ] {
        assert_eq!(Exact::read(json), None, "{json}");
    }
}
