use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;
use crate::record::{Record, RecordNumber, Value};

fn holds(document: &str, path: &str, operator: Is, operand: impl Into<Operand>) -> bool {
    let condition = Condition::new(path, operator, operand).unwrap();
    condition.matches(&Document::parse(document).unwrap())
}

#[test]
fn numbers_of_any_length_compare_exactly() {
    let huge = "9".repeat(40);
    let (over, under) = (format!("1e1{}", "0".repeat(40)), format!("1e{huge}"));
    let (over_again, far_below) = (format!("10e{huge}"), format!("1e-{huge}"));
    for (left, right, expected) in [
        ("0", "-0.000e5", Ordering::Equal),
        ("1E+2", "100.0", Ordering::Equal),
        ("0.001", "1e-3", Ordering::Equal),
        ("-2", "-10", Ordering::Greater),
        (
            "12345678901234567890123456789012345",
            "12345678901234567890123456789012346",
            Ordering::Less,
        ),
        (
            "0.1000000000000000000000000000000000000001",
            "0.1",
            Ordering::Greater,
        ),
        (&over, &over_again, Ordering::Equal),
        (&over, &under, Ordering::Greater),
        (&far_below, "0", Ordering::Greater),
        (&far_below, "1e-400", Ordering::Less),
        ("1e0000000000000000000000000000000000001", "10", Ordering::Equal),
    ] {
        assert_eq!(compare_numbers(left, right), expected, "{left} {right}");
        assert_eq!(compare_numbers(right, left), expected.reverse(), "{right} {left}");
    }
}

#[test]
fn unlike_kinds_are_neither_equal_nor_ordered_and_missing_is_not_null() {
    let document = r#"{"n":1,"t":"1","z":null,"b":true,"l":[1.0],"o":{"x":1,"y":2}}"#;
    assert!(!holds(document, "n", Is::Equal, "1") && holds(document, "n", Is::NotEqual, "1"));
    assert!(!holds(document, "n", Is::Less, "2") && !holds(document, "n", Is::AtLeast, "0"));
    assert!(!holds(document, "t", Is::Between, (0, 9)) && !holds(document, "b", Is::AtMost, true));
    assert!(holds(document, "z", Is::Equal, Value::null()) && holds(document, "z", Is::Exists, true));
    assert!(!holds(document, "q", Is::Equal, Value::null()) && holds(document, "q", Is::Exists, false));
    assert!(!holds(document, "q", Is::NotEqual, 1) && !holds(document, "q", Is::NotIn, [1]));
    let negated = !Condition::new("q", Is::Equal, 1).unwrap();
    assert!(negated.matches(&Document::parse(document).unwrap()));
    assert!(holds(document, "l", Is::Equal, Value::parse("[1]").unwrap()));
    assert!(holds(
        document,
        "o",
        Is::Equal,
        Value::parse(r#"{"y":2.0,"x":1}"#).unwrap()
    ));
}

#[test]
fn a_time_compares_as_an_instant_with_texts_that_are_times() {
    let time = |text: &str| text.parse::<Time>().unwrap();
    let noon = time("2024-01-31T12:00:00Z");
    let document = r#"{"a":"2024-01-31T14:00:00+02:00","b":"2024-01-31T13:59:59.999999999+02:00","d":"2024-01-31","l":"2024-01-31T12:00:00",
        "leap":"2024-01-31T12:00:60Z","n":1706702400,"t":"noon","list":["x","2024-01-31T07:00:01-05:00"]}"#;
    for operator in [Is::Equal, Is::AtLeast, Is::AtMost] {
        assert!(holds(document, "a", operator, noon), "{operator}");
    }
    assert!(!holds(document, "a", Is::NotEqual, noon) && !holds(document, "a", Is::Less, noon));
    // As texts, the reverse.
    assert!(holds(document, "b", Is::Less, noon) && !holds(document, "b", Is::Less, "2024-01-31T12:00:00Z"));
    assert!(
        holds(document, "a", Is::Between, (noon, noon)) && !holds(document, "b", Is::Between, (noon, noon))
    );
    assert!(holds(document, "a", Is::In, [time("2020-01-01T00:00:00Z"), noon]));
    assert!(holds(document, "b", Is::NotIn, vec![noon]) && holds(document, "list[*]", Is::Greater, noon));
    for other in ["d", "l", "leap", "n", "t"] {
        for operator in [Is::Equal, Is::Greater, Is::AtLeast, Is::Less, Is::AtMost] {
            assert!(!holds(document, other, operator, noon), "{other} {operator}");
        }
        assert!(holds(document, other, Is::NotEqual, noon), "{other}");
    }
    assert_eq!(
        time("2024-01-31T14:00:00.500+02:00").to_string(),
        "2024-01-31T12:00:00.500Z"
    );
    for none in [
        "2024-01-31",
        "2024-01-31T12:00:00",
        "2024-01-31T12:00:60Z",
        "10000-01-01T00:00:00Z",
        "",
    ] {
        assert!(matches!(none.parse::<Time>(), Err(QueryError::Time)), "{none}");
    }
    for operator in [Is::Like, Is::Regex, Is::StartsWith, Is::Exists] {
        assert!(matches!(
            Condition::new("a", operator, noon),
            Err(QueryError::Operand { .. })
        ));
    }
}

#[test]
fn patterns_see_the_decoded_text_whole() {
    let document = "{\"t\":\"a.c\\n\\u00e9%\",\"n\":12}";
    assert!(holds(document, "t", Is::Like, "a.c%") && holds(document, "t", Is::Like, "a.__é_"));
    assert!(!holds(document, "t", Is::Like, "A.c%") && !holds(document, "t", Is::Like, "a_"));
    assert!(!holds(document, "n", Is::Like, "%") && !holds(document, "n", Is::StartsWith, "1"));
    assert!(holds(document, "t", Is::Regex, r"\.c\n") && holds(document, "t", Is::StartsWith, "a."));
}

#[test]
fn a_path_of_many_asks_for_one_element() {
    let document = r#"{"items":[{"p":1},{"p":2},{}]}"#;
    assert!(holds(document, "items[*].p", Is::Equal, 2) && holds(document, "items[*].p", Is::NotEqual, 2));
    assert!(
        !holds(document, "items[*].p", Is::Greater, 2) && holds(document, "items[*].q", Is::Exists, false)
    );
}

#[test]
fn a_query_that_means_nothing_is_an_error_when_it_is_built() {
    let error = |operator, operand: Operand| Condition::new("a", operator, operand).unwrap_err();
    assert!(matches!(error(Is::Regex, "(".into()), QueryError::Pattern { .. }));
    assert!(matches!(
        error(Is::Regex, "(a{1000}){1000}".into()),
        QueryError::Pattern { .. }
    ));
    for (operator, operand) in [
        (Is::In, Operand::from("a")),
        (Is::Equal, [1].into()),
        (Is::Between, 1.into()),
        (Is::Like, 1.into()),
        (Is::Exists, "yes".into()),
    ] {
        assert!(
            matches!(error(operator, operand), QueryError::Operand { .. }),
            "{operator}"
        );
    }
    assert!(matches!(
        Condition::new("a..b", Is::Equal, 1),
        Err(QueryError::Path(_))
    ));
    assert!(matches!(
        Query::new().sort("a[*]", Order::Ascending),
        Err(QueryError::SortByMany { .. })
    ));
    for name in Is::names() {
        assert_eq!(name.parse::<Is>().unwrap().to_string(), name);
    }
    assert!(matches!("==".parse::<Is>(), Err(QueryError::Operator { .. })));
}

/// A small value for the naive model: numbers are in hundredths.
#[derive(Clone, Debug, PartialEq)]
enum Model {
    Missing,
    Null,
    Boolean(bool),
    Number(i64),
    Text(String),
}

impl Model {
    /// Returns the JSON text; a number in one of several spellings.
    fn json(&self, spelling: u8) -> Option<String> {
        Some(match self {
            Self::Missing => return None,
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Text(text) => format!("\"{text}\""),
            Self::Number(hundredths) => match spelling % 3 {
                0 => format!("{hundredths}e-2"),
                1 => format!(
                    "{}{}.{:02}",
                    if *hundredths < 0 { "-" } else { "" },
                    hundredths.abs() / 100,
                    hundredths.abs() % 100
                ),
                _ => format!("{hundredths}.0E-002"),
            },
        })
    }

    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => Some(left.cmp(right)),
            (Self::Text(left), Self::Text(right)) => Some(left.chars().cmp(right.chars())),
            _ => None,
        }
    }

    fn rank(&self) -> (u8, i64, &str) {
        match self {
            Self::Missing => (0, 0, ""),
            Self::Null => (1, 0, ""),
            Self::Boolean(value) => (2, (*value).into(), ""),
            Self::Number(number) => (3, *number, ""),
            Self::Text(text) => (4, 0, text),
        }
    }

    fn holds(&self, operator: Is, operand: &Self, second: &Self) -> bool {
        let order = self.compare(operand);
        match operator {
            Is::Exists => *self != Self::Missing,
            _ if *self == Self::Missing => false,
            Is::Equal => self == operand,
            Is::NotEqual => self != operand,
            Is::Greater => order == Some(Ordering::Greater),
            Is::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Is::Less => order == Some(Ordering::Less),
            Is::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Is::In => self == operand || self == second,
            Is::NotIn => self != operand && self != second,
            Is::Between => self.holds(Is::AtLeast, operand, second) && self.holds(Is::AtMost, second, second),
            Is::Like | Is::Regex | Is::StartsWith => unreachable!("not asked of the model"),
        }
    }
}

fn model() -> impl Strategy<Value = Model> {
    prop_oneof![
        Just(Model::Null),
        any::<bool>().prop_map(Model::Boolean),
        (-300i64..300).prop_map(Model::Number),
        (-3i64..3).prop_map(Model::Number),
        "[ab\u{e9}\u{1f600}]{0,2}".prop_map(Model::Text),
    ]
}

fn model_or_missing() -> impl Strategy<Value = Model> {
    prop_oneof![4 => model(), 1 => Just(Model::Missing)]
}

proptest! {
    #[test]
    fn every_operator_agrees_with_a_naive_model(
        value in model_or_missing(), operand in model(), second in model(), spellings in any::<[u8; 3]>(),
    ) {
        let field = value.json(spellings[0]).map_or("{}".to_owned(), |json| format!("{{\"v\":{json}}}"));
        let document = Document::parse(&field).unwrap();
        let parse = |model: &Model, spelling| Value::parse(&model.json(spelling).unwrap()).unwrap();
        let (first, last) = (parse(&operand, spellings[1]), parse(&second, spellings[2]));
        for operator in [Is::Equal, Is::NotEqual, Is::Greater, Is::AtLeast, Is::Less, Is::AtMost, Is::In, Is::NotIn, Is::Between, Is::Exists] {
            let given = match operator {
                Is::In | Is::NotIn => Operand::Many(vec![first.clone().into(), last.clone().into()]),
                Is::Between => Operand::Range(first.clone().into(), last.clone().into()),
                Is::Exists => true.into(),
                _ => Operand::One(first.clone().into()),
            };
            let condition = Condition::new("v", operator, given).unwrap();
            let expected = value.holds(operator, &operand, &second);
            prop_assert_eq!(condition.matches(&document), expected, "{} {} {:?}", field, operator, operand);
            prop_assert_eq!((!condition).matches(&document), !expected);
        }
    }

    #[test]
    fn a_selection_is_the_whole_sort_cut_at_the_limit(
        values in prop::collection::vec((model_or_missing(), model_or_missing()), 0..40),
        limit in prop::option::of(0usize..12),
        after in prop::option::of(0i64..12),
        descending in any::<bool>(),
        sorts in 0usize..3,
    ) {
        let order = if descending { Order::Descending } else { Order::Ascending };
        let mut query = Query::new();
        for path in ["a", "b"].into_iter().take(sorts) {
            query = query.sort(path, order).unwrap();
        }
        if let Some(limit) = limit { query = query.limit(limit); }
        if let Some(after) = after { query = query.after(RecordNumber::new(after)); }
        let mut selection = Selection::new(&query);
        for (number, (a, b)) in (1..).zip(&values) {
            let fields = [("a", a), ("b", b)].into_iter();
            let fields = fields.filter_map(|(name, model)| Some(format!("\"{name}\":{}", model.json(0)?)));
            let data = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
            if selection.offer(Record { number: RecordNumber::new(number), id: number.to_string(), data }).unwrap().is_break() {
                break;
            }
        }
        let mut expected: Vec<(i64, &(Model, Model))> = (1..).zip(&values).collect();
        expected.retain(|(number, _)| after.is_none_or(|after| *number > after));
        expected.sort_by(|left, right| {
            let keys = |pair: &(Model, Model)| [pair.0.clone(), pair.1.clone()];
            let (left, right) = (keys(left.1), keys(right.1));
            let ordering = left.iter().map(Model::rank).take(sorts).cmp(right.iter().map(Model::rank).take(sorts));
            if descending { ordering.reverse() } else { ordering }
        });
        expected.truncate(limit.unwrap_or(usize::MAX));
        let numbers: Vec<i64> = selection.into_records().iter().map(|record| record.number.get()).collect();
        prop_assert_eq!(numbers, expected.iter().map(|(number, _)| *number).collect::<Vec<_>>());
    }
}
