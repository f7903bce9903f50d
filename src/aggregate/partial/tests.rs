use num_bigint::BigInt;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::aggregate::exact::tests::{naive, sums};
use crate::aggregate::measure::{Order, Rounded};

fn measure(takes: &[&str], rounded: Rounded, texts: bool) -> Measure {
    Measure {
        takes: takes
            .iter()
            .map(|take| Take::parse(take).expect("a take"))
            .collect(),
        rounded,
        exact: 10_000,
        texts,
    }
}

fn numbers(takes: &[&str]) -> Measure {
    measure(takes, Rounded::Digits(17), false)
}

/// Adds values one after the other, a second apart.
fn of(measure: &Measure, values: &[&str]) -> Partial {
    let mut partial = Partial::default();
    for (at, json) in (1..).zip(values) {
        let value = Measurement::read(measure, (*json).into());
        let value = value.unwrap_or_else(|rejected| panic!("{json}: {rejected:?}"));
        partial.add(measure, RecordNumber::new(at), at * 1_000_000, &value, None);
    }
    partial
}

fn results(measure: &Measure, partial: &Partial) -> Vec<Result<Option<String>, TooMany>> {
    measure
        .takes
        .iter()
        .map(|take| partial.result(measure, take))
        .collect()
}

fn result(take: &str, values: &[&str]) -> Option<String> {
    let measure = numbers(&[take]);
    of(&measure, values)
        .result(&measure, &measure.takes[0])
        .expect("few values")
}

/// Writes it and reads it again.
fn through_a_file(partial: &Partial) -> Partial {
    let mut bytes = Vec::new();
    partial.encode(&mut bytes);
    bytes.push(7);
    let mut rest = &bytes[..];
    let read = Partial::decode(&mut rest).expect("as written");
    assert_eq!(rest, [7]);
    assert_eq!(&read, partial);
    for end in 0..bytes.len() - 1 {
        assert_eq!(Partial::decode(&mut &bytes[..end]), None);
    }
    read
}

/// Adds values in parts that end at these positions, each through a file, and puts them together: one after the other, or
/// from the end.
fn in_parts(measure: &Measure, values: &[(i64, String)], ends: &[usize], from_end: bool) -> Partial {
    let mut ends: Vec<usize> = ends.iter().map(|end| end % (values.len() + 1)).collect();
    ends.extend([0, values.len()]);
    ends.sort_unstable();
    let mut parts: Vec<Partial> = Vec::new();
    for pair in ends.windows(2) {
        let mut part = Partial::default();
        for (at, (time, json)) in values.iter().enumerate().take(pair[1]).skip(pair[0]) {
            let number = RecordNumber::new(i64::try_from(at).unwrap() + 1);
            let value = Measurement::read(measure, json.into()).expect("a value");
            part.add(measure, number, *time, &value, Some(json));
        }
        parts.push(through_a_file(&part));
    }
    let merge = |mut a: Partial, b: Partial| {
        a.merge(measure, b);
        through_a_file(&a)
    };
    if from_end {
        parts
            .into_iter()
            .rev()
            .reduce(|later, earlier| merge(earlier, later))
            .unwrap()
    } else {
        parts.into_iter().reduce(merge).unwrap()
    }
}

/// Texts of numbers as readings may have them, equal ones among them.
fn texts() -> impl Strategy<Value = String> {
    let long = 10i128.pow(28) - 1;
    prop_oneof![
        6 => (-99i64..99, 0u32..3).prop_map(|(digits, places)| Decimal::new(digits, places).to_string()),
        2 => (any::<i64>(), 0u32..=28).prop_map(|(digits, places)| Decimal::new(digits, places).to_string()),
        1 => (-long..=long, 0u32..=28).prop_map(|(digits, places)| Decimal::from_i128_with_scale(digits, places).to_string()),
        2 => (-99i32..99, -20i32..25).prop_map(|(digits, exponent)| format!("{digits}e{exponent}")),
        1 => prop_oneof![Just("-0"), Just("-0.00"), Just("0e5"), Just("1E2"), Just("100.0"), Just("100")].prop_map(str::to_owned),
    ]
}

/// What the takes of [`ALL`] must give, calculated from all values at once.
fn expected(values: &[(i64, String)], rounded: Rounded) -> Vec<Option<String>> {
    let decimals: Vec<Decimal> = values
        .iter()
        .map(|(_, json)| Number::read(false, json).unwrap().decimal)
        .collect();
    let (n, sum, squares) = sums(&decimals);
    let (some, more) = (!values.is_empty(), values.len() > 1);
    let spread = &n * &squares - sum.pow(2);
    let pairs: BigInt = &n * (&n - 1);
    let one = BigInt::from(1);
    let kept = |numbers: &[Decimal]| {
        Rounded::Places(
            numbers
                .iter()
                .map(|number| u8::try_from(number.scale()).unwrap())
                .max()
                .unwrap_or(0),
        )
    };
    let wide = |number: Decimal| BigInt::from(number.mantissa()) * BigInt::from(10).pow(28 - number.scale());
    let less = |a: usize, b: usize| {
        let (a, b) = (decimals[a], decimals[b]);
        naive(&(wide(a) - wide(b)), &one, 28, kept(&[a, b]), false)
    };
    let at = |position: Option<usize>| position.map(|position| values[position].1.clone());
    let positions = || 0..values.len();
    // Of equal ones, the one with the lowest number; the last one has the highest.
    let min = positions().min_by(|a, b| decimals[*a].cmp(&decimals[*b]).then(a.cmp(b)));
    let max = positions().max_by(|a, b| decimals[*a].cmp(&decimals[*b]).then(b.cmp(a)));
    let first = positions().min_by_key(|position| (values[*position].0, *position));
    let last = positions().max_by_key(|position| (values[*position].0, *position));
    let mut sorted: Vec<BigInt> = decimals.iter().map(|number| wide(*number)).collect();
    sorted.sort();
    let quantile = |thousandths: usize| {
        let rank = (sorted.len().checked_sub(1)?) * thousandths;
        let (low, above) = (rank / 1000, rank % 1000);
        let high = &sorted[(low + 1).min(sorted.len() - 1)];
        let sum: BigInt = &sorted[low] * (1000 - above) + high * above;
        Some(naive(&sum, &BigInt::from(1000), 28, rounded, false))
    };
    let quantiles = [500, 950, 999, 1].map(quantile);
    sorted.dedup();
    let mut all = vec![
        Some(values.len().to_string()),
        some.then(|| naive(&sum, &one, 28, kept(&decimals), false)),
        some.then(|| naive(&sum, &n, 28, rounded, false)),
        at(min),
        at(max),
        more.then(|| naive(&spread, &pairs, 28, rounded, true)),
        more.then(|| naive(&spread, &pairs, 56, rounded, false)),
        at(first),
        at(last),
        Some(sorted.len().to_string()),
        max.zip(min).map(|(a, b)| less(a, b)),
        last.zip(first).map(|(a, b)| less(a, b)),
    ];
    all.extend(quantiles);
    all
}

const ALL: [&str; 16] = [
    "count", "sum", "mean", "min", "max", "std", "var", "first", "last", "distinct", "range", "delta",
    "median", "p95", "p99.9", "p0.1",
];

proptest! {
    #[test]
    fn results_are_exact_however_the_values_are_split(
        values in prop::collection::vec((0i64..9, texts()), 0..24),
        ends in prop::collection::vec(0usize..30, 0..5),
        from_end: bool,
        rounded in prop_oneof![Just(Rounded::Digits(17)), (1u8..30).prop_map(Rounded::Digits), (0u8..30).prop_map(Rounded::Places)],
    ) {
        let measure = measure(&ALL, rounded, false);
        let partial = in_parts(&measure, &values, &ends, from_end);
        let results: Vec<_> = results(&measure, &partial).into_iter().map(|result| result.expect("few values")).collect();
        prop_assert_eq!(results, expected(&values, rounded));
    }

    #[test]
    fn lists_are_ordered_however_the_values_are_split(
        values in prop::collection::vec((0i64..5, 0i64..5), 0..12),
        ends in prop::collection::vec(0usize..30, 0..5),
        from_end: bool,
    ) {
        let measure = Measure {
            takes: vec![Take::List(Order::Time), Take::List(Order::By), Take::Distinct],
            ..numbers(&[])
        };
        let texts: Vec<_> = values.iter().map(|(time, value)| (*time, value.to_string())).collect();
        let partial = in_parts(&measure, &texts, &ends, from_end);
        let listed = |key: fn(&(i64, i64)) -> i64| {
            let mut sorted = values.clone();
            sorted.sort_by_key(key);
            let texts: Vec<_> = sorted.iter().map(|(_, value)| value.to_string()).collect();
            format!("[{}]", texts.join(","))
        };
        prop_assert_eq!(partial.result(&measure, &measure.takes[0]), Ok(Some(listed(|value| value.0))));
        prop_assert_eq!(partial.result(&measure, &measure.takes[1]), Ok(Some(listed(|value| value.1))));
    }

    #[test]
    fn damaged_bytes_do_no_harm(values in prop::collection::vec((0i64..9, texts()), 0..6), at: prop::sample::Index, byte: u8) {
        let mut bytes = Vec::new();
        in_parts(&measure(&ALL, Rounded::Digits(17), false), &values, &[], false).encode(&mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let read = Partial::decode(&mut &bytes[..]);
        prop_assert!(read.is_none_or(|read| read.bytes() > 0));
    }
}

#[test]
fn whole_numbers_stay_whole() {
    for (take, values, expected) in [
        ("mean", &["1", "2"][..], Some("1.5")),
        ("mean", &["2", "2"], Some("2")),
        ("sum", &["1", "2"], Some("3")),
        ("sum", &["1.50", "1.5"], Some("3.00")),
        ("sum", &["1e2", "-0"], Some("100")),
        (
            "sum",
            &["9999999999999999999999999999", "9999999999999999999999999999"],
            Some("19999999999999999999999999998"),
        ),
        ("median", &["1", "3"], Some("2")),
        ("median", &["4", "1", "2.50", "3"], Some("2.75")),
        ("p90", &["10", "20"], Some("19")),
        ("max", &["7", "7.0", "70e-1"], Some("7")),
        ("min", &["70e-1", "7.0"], Some("70e-1")),
        ("min", &["-0", "0"], Some("-0")),
        ("range", &["21.4", "20.15"], Some("1.25")),
        ("delta", &["5", "2", "1"], Some("-4")),
        ("std", &["5"], None),
        ("sum", &[], None),
        ("count", &[], Some("0")),
        ("distinct", &[], Some("0")),
        ("first", &["{\"a\":1}", "2"], Some("{\"a\":1}")),
        (
            "distinct",
            &[
                "7",
                "7.0",
                "\"7\"",
                "70e-1",
                "true",
                "\"\\u0037\"",
                "-0",
                "0.0",
                "1e999",
                "10e998",
            ],
            Some("5"),
        ),
    ] {
        assert_eq!(result(take, values).as_deref(), expected, "{take} {values:?}");
    }
}

#[test]
fn texts_are_measured_as_decimals_and_give_texts() {
    let measure = measure(
        &["mean", "min", "max", "sum", "count", "distinct", "delta", "last"],
        Rounded::Digits(17),
        true,
    );
    let partial = of(&measure, &["\"1.50\"", "\" +1.5\"", "\"\\u0031\"", "\"007\""]);
    let results: Vec<_> = results(&measure, &partial)
        .into_iter()
        .map(|result| result.unwrap().unwrap())
        .collect();
    let expected = [
        "\"2.75\"",
        "\"\\u0031\"",
        "\"007\"",
        "\"11.00\"",
        "4",
        "3",
        "\"5.50\"",
        "\"007\"",
    ];
    assert_eq!(results, expected);
    through_a_file(&partial);
}

#[test]
fn what_is_no_number_is_rejected() {
    let [plain, any] = [
        numbers(&["mean"]),
        numbers(&["count", "first", "last", "distinct"]),
    ];
    let texts = measure(&["mean"], Rounded::Digits(17), true);
    for (measure, json, expected) in [
        (&plain, "9999999999999999999999999999", Ok(())),
        (&plain, "10000000000000000000000000000", Err(Rejected::TooLong)),
        (&plain, "1e28", Err(Rejected::TooLong)),
        (&plain, "1e-29", Err(Rejected::TooLong)),
        (&plain, "true", Err(Rejected::NotNumber)),
        (&plain, "\"5\"", Err(Rejected::NotNumber)),
        (&plain, "[5]", Err(Rejected::NotNumber)),
        (&texts, "\"5\"", Ok(())),
        (&texts, "5", Err(Rejected::NotNumber)),
        (&texts, "\"5e3\"", Err(Rejected::NotNumber)),
        (&texts, "\"", Err(Rejected::NotNumber)),
        (&any, "{\"a\":[]}", Ok(())),
        (&any, "1e99999999999999999999", Ok(())),
    ] {
        let read = Measurement::read(measure, json.into());
        assert_eq!(read.map(|_| ()), expected, "{json}");
    }
}

#[test]
fn more_values_than_are_kept_are_not_kept() {
    let takes = [Take::Median, Take::Distinct, Take::List(Order::Time)];
    let measure = Measure {
        takes: takes.to_vec(),
        exact: 3,
        ..numbers(&[])
    };
    let [three, four, same] = [
        &["1", "2", "3"][..],
        &["1", "2", "3", "4"],
        &["1", "1", "1", "1.0"],
    ]
    .map(|values| of(&measure, values));
    assert!(results(&measure, &three).iter().all(Result::is_ok));
    assert!(results(&measure, &four).iter().all(Result::is_err));
    assert_eq!(
        results(&measure, &same),
        [Err(TooMany), Ok(Some("1".to_owned())), Err(TooMany)]
    );
    assert!(through_a_file(&four).bytes() < three.bytes());
    let mut merged = three.clone();
    merged.merge(&measure, of(&measure, &["4"]));
    assert_eq!(results(&measure, &merged), results(&measure, &four));
    let mut merged = four.clone();
    merged.merge(&measure, Partial::default());
    assert_eq!(merged, four);
}

#[test]
fn a_list_by_a_value_has_null_first_then_numbers_then_texts() {
    let by = Take::List(Order::By);
    let measure = Measure {
        takes: vec![by.clone()],
        ..numbers(&[])
    };
    let mut partial = Partial::default();
    let orders = [
        Some("\"b\""),
        Some("1e2"),
        Some("true"),
        None,
        Some("-5"),
        Some("99"),
        Some("\"\\u0061\""),
        Some("null"),
        Some("-50"),
        Some("0.5"),
        Some("99.0"),
    ];
    for (at, order) in (1..).zip(orders) {
        let value = Measurement::element(at.to_string().into());
        partial.add(&measure, RecordNumber::new(at), 0, &value, order);
    }
    assert_eq!(
        partial.result(&measure, &by),
        Ok(Some("[4,8,9,5,10,6,11,2,7,1,3]".to_owned()))
    );
    assert_eq!(
        Partial::default().result(&measure, &by),
        Ok(Some("[]".to_owned()))
    );
    through_a_file(&partial);
}

#[test]
fn a_partial_is_small_and_says_how_large_it_is() {
    let measure = numbers(&["mean", "min", "max", "std"]);
    let mut partial = of(&measure, &["21.4", "-21.37", "25"]);
    assert!(partial.bytes() <= 200, "{}", partial.bytes());
    let mut bytes = Vec::new();
    partial.encode(&mut bytes);
    assert!(bytes.len() <= 40, "{}", bytes.len());
    partial = of(&numbers(&["median", "distinct"]), &["1"; 1000]);
    assert!((8000..20_000).contains(&partial.bytes()), "{}", partial.bytes());
}

/// What a value costs. A figure to look at, not to hold: `cargo test --release --lib cost_of_a_value -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn cost_of_a_value() {
    let measure = numbers(&["mean", "min", "max", "std"]);
    let texts: Vec<String> = (0..6000i64)
        .map(|at| Decimal::new(2000 + at * 7919 % 997, 2 - u32::from(at % 10 == 0)).to_string())
        .collect();
    let begin = std::time::Instant::now();
    let mut length = 0;
    for _ in 0..200 {
        for window in texts.chunks(60) {
            let mut partial = Partial::default();
            for json in window {
                let value = Measurement::read(&measure, json.into()).unwrap();
                partial.add(&measure, RecordNumber::new(1), 0, &value, None);
            }
            length += partial.bytes();
        }
    }
    let adding = begin.elapsed();
    let windows: Vec<Partial> = texts
        .chunks(60)
        .map(|window| of(&measure, &window.iter().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    let begin = std::time::Instant::now();
    for partial in windows.iter().cycle().take(20_000) {
        length += results(&measure, partial).len();
    }
    println!(
        "{} ns a value, {} ns a window's results ({length})",
        adding.as_nanos() / 1_200_000,
        begin.elapsed().as_nanos() / 20_000
    );
}
