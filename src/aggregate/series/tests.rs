mod naive;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::aggregate::measure::Rounded;

const MINUTE: i64 = 60_000_000;
const WINDOWS: Windows = Windows::Fixed {
    length: MINUTE,
    origin: 0,
};
const DIGITS: Rounded = Rounded::Digits(17);

fn rules(empty: Empty) -> SeriesRules {
    SeriesRules {
        empty,
        measures: vec![None, Some("0".into())],
        fills: Vec::new(),
        rolling: Vec::new(),
        anomalies: Vec::new(),
    }
}

fn z(over: u64, k: i64) -> Anomaly {
    let rule = Rule::Z {
        over: Over::Windows(over),
        min_periods: over,
        k: Decimal::from(k),
        min_deviation: Decimal::ZERO,
    };
    Anomaly {
        of: 0,
        rule,
        scored: true,
    }
}

fn rolling(of: usize, over: Over, takes: &[Take], min_periods: u64) -> Rolling {
    Rolling {
        of,
        over,
        takes: takes.to_vec(),
        min_periods,
        rounded: DIGITS,
    }
}

fn window(minute: i64, value: Option<&str>) -> Measured {
    Measured {
        start: minute * MINUTE,
        rows: 3,
        values: vec![
            value.map(Into::into),
            Some(if value.is_some() { "3" } else { "0" }.into()),
        ],
    }
}

fn texts(values: &[Option<Box<str>>]) -> Vec<&str> {
    values
        .iter()
        .map(|value| value.as_deref().unwrap_or("null"))
        .collect()
}

fn shown(rules: &SeriesRules, windows: &[Measured]) -> Vec<Shown> {
    let (mut series, mut shown) = (Series::new(rules, &WINDOWS), Vec::new());
    for window in windows {
        series.push(window.clone(), &mut |window| shown.push(window));
    }
    shown
}

#[test]
fn one_of_twelve_that_differs_is_marked_and_the_mean_is_exact() {
    let mut rules = rules(Empty::Skip);
    rules.anomalies.push(z(12, 2));
    rules
        .rolling
        .push(rolling(0, Over::Windows(12), &[Take::Mean, Take::Std], 12));
    let values = std::iter::repeat_n("20.0", 11).chain(["21.0"]);
    let windows: Vec<_> = (0..)
        .zip(values)
        .map(|(at, value)| window(at, Some(value)))
        .collect();
    let shown = shown(&rules, &windows);
    let last = shown.last().unwrap();
    assert_eq!(
        texts(&last.rolling),
        ["20.083333333333333", "0.28867513459481288"]
    );
    // (12 * 21 - 241)^2 * 12 * 11 = 15,972 and 2^2 * 12^2 * 11 = 6,336; the score is 11 / sqrt(12).
    assert_eq!(last.anomalies, [(true, Some("3.17543".into()))]);
    assert!(
        shown[..11]
            .iter()
            .all(|window| window.anomalies == [(false, None)])
    );
    assert!(
        shown[..11]
            .iter()
            .all(|window| texts(&window.rolling) == ["null", "null"])
    );
}

#[test]
fn a_distance_of_exactly_k_deviations_is_not_marked() {
    // The greatest possible score of n values is (n - 1) / sqrt(n): of four it is 3 / 2.
    let mut rules = rules(Empty::Skip);
    rules.anomalies.push(z(4, 2));
    let windows = [("0.1", 0), ("0.1", 1), ("0.1", 2), ("0.5", 3)].map(|(value, at)| window(at, Some(value)));
    let mut marks = |sharp: Decimal, deviation: Decimal| {
        if let Rule::Z { k, min_deviation, .. } = &mut rules.anomalies[0].rule {
            (*k, *min_deviation) = (sharp, deviation);
        }
        shown(&rules, &windows)[3].anomalies[0].clone()
    };
    assert_eq!(
        marks(Decimal::new(15, 1), Decimal::ZERO),
        (false, Some("1.5".into()))
    );
    let below = Decimal::new(14_999_999, 7);
    assert_eq!(marks(below, Decimal::ZERO), (true, Some("1.5".into())));
    // It is 0.3 from the mean of 0.2.
    assert!(!marks(below, Decimal::new(3, 1)).0 && marks(below, Decimal::new(2_999, 4)).0);
}

#[test]
fn nothing_stays_of_a_large_value_that_has_passed() {
    let mut rules = rules(Empty::Skip);
    rules.rolling.push(rolling(
        0,
        Over::Windows(3),
        &[Take::Sum, Take::Std, Take::Max],
        1,
    ));
    let values = ["1e27", "0.0000000000000000000000000001", "3.25", "3.25", "3.25"];
    let windows: Vec<_> = (0..)
        .zip(values)
        .map(|(at, value)| window(at, Some(value)))
        .collect();
    let shown = shown(&rules, &windows);
    assert_eq!(texts(&shown[4].rolling), ["9.75", "0", "3.25"]);
    assert_eq!(
        texts(&shown[1].rolling),
        [
            "1000000000000000000000000000.0000000000000000000000000001",
            "707106781186547520000000000",
            "1e27"
        ]
    );
}

#[test]
fn empty_windows_have_counts_and_fills_that_count_for_nothing() {
    let mut rules = rules(Empty::Emit { limit: 3 });
    rules.fills.push(Fill {
        of: 0,
        with: FillWith::Carry { limit: Some(2) },
    });
    rules
        .rolling
        .push(rolling(0, Over::Windows(4), &[Take::Count, Take::Mean], 0));
    rules
        .rolling
        .push(rolling(1, Over::Time(2 * MINUTE), &[Take::Sum], 0));
    let windows = [window(0, Some("5")), window(4, Some("7"))];
    let shown = shown(&rules, &windows);
    let seen: Vec<_> = shown
        .iter()
        .map(|window| {
            (
                window.rows,
                texts(&window.values),
                window.filled.len(),
                texts(&window.rolling),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (3, vec!["5", "3"], 0, vec!["1", "5", "3"]),
            (0, vec!["5", "0"], 1, vec!["1", "5", "3"]),
            (0, vec!["5", "0"], 1, vec!["1", "5", "0"]),
            (0, vec!["null", "0"], 0, vec!["1", "5", "0"]),
            (3, vec!["7", "3"], 0, vec!["1", "7", "3"]),
        ]
    );
}

#[test]
fn after_a_gap_that_stays_open_the_series_begins_anew_and_says_so() {
    let mut rules = rules(Empty::Emit { limit: 3 });
    rules
        .rolling
        .push(rolling(0, Over::Windows(100), &[Take::Sum], 0));
    let mut series = Series::new(&rules, &WINDOWS);
    let mut sums = Vec::new();
    let anew = [0, 4, 9, 10].map(|at| {
        series.push(window(at, Some("1")), &mut |shown| {
            sums.push(shown.rolling[0].clone().unwrap());
        })
    });
    assert_eq!(anew, [false, false, true, false]);
    assert_eq!(
        sums.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        ["1", "1", "1", "1", "2", "1", "2"]
    );
}

#[test]
fn decimals_in_strings_give_strings_and_what_is_no_number_counts_for_nothing() {
    let mut rules = rules(Empty::Skip);
    let takes = [Take::Count, Take::Sum, Take::Mean, Take::Max, Take::Range];
    rules.rolling.push(rolling(0, Over::Windows(3), &takes, 0));
    let values = ["\"1.50\"", "\"2\"", "\"n/a\"", "true", "1e999999999"];
    let windows: Vec<_> = (0..)
        .zip(values)
        .map(|(at, value)| window(at, Some(value)))
        .collect();
    let shown = shown(&rules, &windows);
    assert_eq!(
        texts(&shown[2].rolling),
        ["2", "\"3.50\"", "\"1.75\"", "\"2\"", "\"0.50\""]
    );
    assert_eq!(texts(&shown[4].rolling), ["0", "null", "null", "null", "null"]);
}

#[test]
fn a_change_is_settled_when_the_twelfth_window_has_passed_it() {
    let mut rules = rules(Empty::Emit { limit: 100 });
    rules.anomalies.push(z(12, 2));
    let mut series = Series::new(&rules, &WINDOWS);
    let pushed = |series: &mut Series<'_>, at: i64| {
        series.push(window(at, Some("1")), &mut |_| {});
        series.is_settled()
    };
    assert!((0..5).all(|at| pushed(&mut series, at)));
    series.changes();
    assert!(!series.is_settled());
    let settled: Vec<bool> = (5..18).map(|at| pushed(&mut series, at)).collect();
    assert_eq!(settled.iter().position(|settled| *settled), Some(11));
    // A gap that stays open settles everything but the window after it.
    series.changes();
    assert!(!pushed(&mut series, 18) && pushed(&mut series, 1_000));
}

#[test]
fn a_change_without_rules_is_settled_with_the_next_window_that_ends_the_empty_ones() {
    for (empty, settled) in [
        (Empty::Skip, [true, true]),
        (Empty::Emit { limit: 9 }, [false, true]),
    ] {
        let rules = rules(empty);
        let mut series = Series::new(&rules, &WINDOWS);
        series.changes();
        let seen = [0, 3].map(|at| {
            series.push(window(at, None), &mut |_| {});
            series.is_settled()
        });
        assert_eq!(seen, settled);
    }
}

fn any_value() -> impl Strategy<Value = Option<String>> {
    let short = (-40_i64..40, 0_u32..3).prop_map(|(digits, places)| Decimal::new(digits, places).to_string());
    let long = (1_i128..10_i128.pow(17), 0_u32..20)
        .prop_map(|(digits, places)| Decimal::from_i128_with_scale(digits, places).to_string());
    let huge = (1_u64..10_000).prop_map(|digits| format!("{digits}{}", "0".repeat(36)));
    prop_oneof![
        2 => Just(None),
        8 => short.prop_map(Some),
        2 => long.prop_map(Some),
        1 => huge.prop_map(Some),
    ]
}

/// Windows with readings: how far each is from the one before, and its value.
fn any_windows() -> impl Strategy<Value = Vec<Measured>> {
    let step = prop_oneof![8 => Just(1_i64), 3 => 2_i64..5, 1 => 5_i64..12];
    vec((step, any_value()), 1..28).prop_map(|steps| {
        let mut minute = 0;
        let windows = steps.iter().map(|(step, value)| {
            minute += step;
            window(minute, value.as_deref())
        });
        windows.collect()
    })
}

fn any_over() -> impl Strategy<Value = Over> {
    prop_oneof![
        (1_u64..8).prop_map(Over::Windows),
        (1_i64..8 * MINUTE).prop_map(Over::Time)
    ]
}

fn any_rolling() -> impl Strategy<Value = Rolling> {
    let takes = proptest::sample::subsequence(
        vec![
            Take::Count,
            Take::Sum,
            Take::Mean,
            Take::Min,
            Take::Max,
            Take::Std,
            Take::Var,
            Take::Range,
        ],
        1..8,
    );
    let rounded = prop_oneof![
        (1_u8..18).prop_map(Rounded::Digits),
        (0_u8..6).prop_map(Rounded::Places)
    ];
    (0_usize..2, any_over(), takes, 0_u64..5, rounded).prop_map(|(of, over, takes, min_periods, rounded)| {
        Rolling {
            of,
            over,
            takes,
            min_periods,
            rounded,
        }
    })
}

fn any_anomaly() -> impl Strategy<Value = Anomaly> {
    let decimal = || (0_i64..30).prop_map(|tenths| Decimal::new(tenths, 1));
    let z = (any_over(), 0_u64..5, decimal(), decimal()).prop_map(|(over, min_periods, k, min_deviation)| {
        Rule::Z {
            over,
            min_periods,
            k,
            min_deviation,
        }
    });
    let outside = (option::of(decimal()), option::of(decimal())).prop_map(|(below, above)| Rule::Outside {
        min: below,
        max: above.map(|above| above + below.unwrap_or_default()),
    });
    (0_usize..2, prop_oneof![3 => z, 1 => outside], any::<bool>()).prop_map(|(of, rule, scored)| Anomaly {
        of,
        rule,
        scored,
    })
}

fn any_rules() -> impl Strategy<Value = SeriesRules> {
    let empty = prop_oneof![
        Just(Empty::Skip),
        (0_u64..8).prop_map(|limit| Empty::Emit { limit })
    ];
    let with = prop_oneof![
        option::of(0_u64..4).prop_map(|limit| FillWith::Carry { limit }),
        Just(FillWith::Value("-1".into()))
    ];
    let fill = option::of(with.prop_map(|with| Fill { of: 0, with }));
    (empty, fill, vec(any_rolling(), 0..3), vec(any_anomaly(), 0..3)).prop_map(
        |(empty, fill, rolling, anomalies)| SeriesRules {
            fills: fill.into_iter().collect(),
            rolling,
            anomalies,
            ..rules(empty)
        },
    )
}

/// What becomes of a window: nothing, another value, gone, or another one before it where there is room.
#[derive(Clone, Debug)]
enum Edit {
    Keep,
    Value(Option<String>),
    Remove,
    Before(Option<String>),
}

fn any_edits() -> impl Strategy<Value = Vec<Edit>> {
    vec(
        prop_oneof![
            12 => Just(Edit::Keep),
            1 => any_value().prop_map(Edit::Value),
            1 => Just(Edit::Remove),
            1 => any_value().prop_map(Edit::Before),
        ],
        28,
    )
}

/// Returns the windows after the edits, each with whether it, or one before it that is gone, has changed.
fn edited(windows: &[Measured], edits: &[Edit]) -> Vec<(Measured, bool)> {
    let (mut after, mut is_gone) = (Vec::new(), false);
    let minute = |at: usize| windows[at].start / MINUTE;
    for (at, (window_before, edit)) in windows.iter().zip(edits).enumerate() {
        match edit {
            Edit::Keep => after.push((window_before.clone(), std::mem::take(&mut is_gone))),
            Edit::Value(value) => {
                is_gone = false;
                after.push((window(minute(at), value.as_deref()), true));
            }
            Edit::Remove => is_gone = true,
            Edit::Before(value) => {
                let mut before = minute(at) - 1;
                if at == 0 {
                    // As long before as it may be.
                    before = minute(0) - 7;
                }
                if at == 0 || before > minute(at - 1) {
                    is_gone = false;
                    after.push((window(before, value.as_deref()), true));
                }
                after.push((window_before.clone(), std::mem::take(&mut is_gone)));
            }
        }
    }
    after
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn windows_come_out_as_computed_from_scratch(rules in any_rules(), windows in any_windows()) {
        prop_assert_eq!(shown(&rules, &windows), naive::shown(&rules, &WINDOWS, &windows));
    }

    #[test]
    fn what_is_looked_back_to_is_enough(rules in any_rules(), windows in any_windows(), at in 0_usize..28) {
        let at = at % windows.len();
        let mut from = at;
        let mut look_back = LookBack::new(&rules, &WINDOWS, windows[at].start);
        while from > 0 {
            from -= 1;
            if look_back.is_enough(&windows[from]) {
                break;
            }
        }
        let after = |fed: &[Measured], dropped: usize| {
            let (mut series, mut shown) = (Series::new(&rules, &WINDOWS), Vec::new());
            for (position, window) in fed.iter().enumerate() {
                series.push(window.clone(), &mut |window| shown.extend((position >= dropped).then_some(window)));
            }
            shown
        };
        prop_assert_eq!(after(&windows[from..], at - from), after(&windows, at));
    }

    #[test]
    fn nothing_differs_after_a_change_is_settled(
        rules in any_rules(),
        windows in any_windows(),
        edits in any_edits(),
    ) {
        let before = shown(&rules, &windows);
        let edited = edited(&windows, &edits);
        let fed: Vec<Measured> = edited.iter().map(|(window, _)| window.clone()).collect();
        let after = shown(&rules, &fed);
        // Up to the window before the next change: the empty ones after it may differ, and so may those that are gone.
        let until = |at: usize| {
            let next = (at + 1..edited.len()).find(|next| edited[*next].1).unwrap_or(edited.len());
            fed[next - 1].start
        };
        let mut series = Series::new(&rules, &WINDOWS);
        for (at, (window, has_changed)) in edited.iter().enumerate() {
            if *has_changed {
                series.changes();
            }
            series.push(window.clone(), &mut |_| {});
            if series.is_settled() {
                let until = until(at);
                let rest = |shown: &[Shown]| -> Vec<Shown> {
                    let rest = shown.iter().filter(|shown| shown.start > window.start && shown.start <= until);
                    rest.cloned().collect()
                };
                prop_assert_eq!(rest(&after), rest(&before));
            }
        }
    }
}
