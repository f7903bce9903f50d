use super::*;

fn exact(text: &str) -> Exact {
    Exact::read(text).unwrap()
}

fn name() -> RuleName {
    RuleName {
        name: "r".to_owned(),
        tolerance: Decimal::ZERO,
        has_keys: true,
    }
}

fn side(on: On, key: &str, amounts: &[&str], cause: Option<DifferenceCause>) -> Balance {
    let mut balance = Balance::default();
    for amount in amounts {
        balance.add(
            on,
            &Amounts::one(&exact(amount)),
            Some(&Some(key.to_owned())),
            cause,
        );
    }
    balance
}

fn of(parts: Vec<Balance>, limit: usize) -> Reconciliation {
    let mut balances = Balances::within(1, limit, 10);
    for part in parts {
        balances.merge(vec![part]).unwrap();
    }
    balances.results(&[name()]).unwrap().remove(0)
}

#[test]
fn a_key_does_not_make_up_for_another_whether_or_not_the_keys_fit_in_memory() {
    let parts = || {
        vec![
            side(On::Source, "a", &["0.1", "0.2"], None),
            side(On::Source, "b", &["5"], None),
            side(On::Target, "a", &["0.4"], None),
            side(On::Target, "b", &["4.9"], None),
        ]
    };
    let found = of(parts(), 1 << 20);
    assert_eq!(found, of(parts(), 0));
    assert_eq!((found.discrepancies, found.holds), (2, false));
    assert_eq!(found.difference, Decimal::ZERO);
    assert_eq!(found.keys[0].key.as_deref(), Some("a"));
    assert_eq!(found.keys[0].unexplained.to_string(), "0.1");
    assert_eq!((found.source.keys, found.target.keys), (Some(2), Some(2)));
    assert_eq!(found.source.least.unwrap().to_string(), "0.1");
    assert_eq!(found.source.greatest.unwrap().to_string(), "5");
}

#[test]
fn a_cause_explains_its_part_only() {
    let mut filtered = side(On::Source, "a", &["3"], Some(DifferenceCause::Filtered));
    filtered.count(DifferenceCause::Filtered, 1, Some("x"), 10);
    let source = side(On::Source, "a", &["1", "-2"], None);
    let found = of(
        vec![
            filtered.clone(),
            source.clone(),
            side(On::Target, "a", &["-1"], None),
        ],
        0,
    );
    assert!(found.holds, "{found:?}");
    assert_eq!(found.causes[0].amount.to_string(), "-3");
    assert_eq!(
        (
            found.source.positive.to_string(),
            found.source.negative.to_string()
        ),
        ("4".into(), "-2".into())
    );
    let found = of(vec![filtered, source, side(On::Target, "a", &["-2"], None)], 0);
    assert_eq!(
        (found.holds, found.unexplained.to_string()),
        (false, "-1".to_owned())
    );
}

#[test]
fn sums_are_compared_beyond_the_digits_that_are_shown() {
    let long = "9999999999999999999999999999.1";
    let source = side(On::Source, "a", &[long, "0.00000000000000000001"], None);
    let found = of(vec![source.clone(), side(On::Target, "a", &[long], None)], 0);
    assert_eq!(
        (found.holds, found.unexplained.to_string()),
        (false, "-0.00000000000000000001".to_owned())
    );
    let same = "9999999999999999999999999999.10000000000000000001";
    assert!(of(vec![source, side(On::Target, "a", &[same], None)], 0).holds);
}
