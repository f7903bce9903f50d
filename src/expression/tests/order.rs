//! The order of values does not decide a type error: `in`, `==` and `switch` against a naive model, over permutations;
//! and against what the first language made of them, wherever an expression says that it needs no later one.

use proptest::prelude::*;

use super::*;
use crate::language::Language;

#[derive(Clone, Debug, PartialEq)]
enum Plain {
    Null,
    Boolean(bool),
    Number(i64),
    Text(&'static str),
    List(Vec<Plain>),
}

/// Whether it is equal, where the two can be compared.
type Answer = Result<bool, ()>;

impl Plain {
    /// As JSON and as an expression have it; only null differs.
    fn written(&self, null: &str) -> String {
        match self {
            Self::Null => null.to_owned(),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("\"{text}\""),
            Self::List(list) => {
                let parts: Vec<String> = list.iter().map(|part| part.written(null)).collect();
                format!("[{}]", parts.join(","))
            }
        }
    }

    fn equals(&self, other: &Self) -> Answer {
        match (self, other) {
            (Self::List(left), Self::List(right)) if left.len() != right.len() => Ok(false),
            (Self::List(left), Self::List(right)) => {
                let pairs: Vec<Answer> = left
                    .iter()
                    .zip(right)
                    .map(|(left, right)| left.equals(right))
                    .collect();
                if pairs.contains(&Err(())) {
                    Err(())
                } else {
                    Ok(!pairs.contains(&Ok(false)))
                }
            }
            _ if std::mem::discriminant(self) == std::mem::discriminant(other) => Ok(self == other),
            _ => Err(()),
        }
    }

    /// As the first language compared: until the first pair that differs.
    fn equalled(&self, other: &Self) -> Answer {
        match (self, other) {
            (Self::List(left), Self::List(right)) => {
                let mut pairs = left.iter().zip(right);
                let all = pairs.try_fold(true, |all, (left, right)| Ok(all && left.equalled(right)?));
                if left.len() == right.len() { all } else { Ok(false) }
            }
            _ => self.equals(other),
        }
    }
}

fn is_in(wanted: &Plain, list: &[Plain]) -> Answer {
    let answers: Vec<Answer> = list.iter().map(|one| one.equals(wanted)).collect();
    if answers.contains(&Ok(true)) {
        Ok(true)
    } else if answers.is_empty() || answers.contains(&Ok(false)) {
        Ok(false)
    } else {
        Err(())
    }
}

fn was_in(wanted: &Plain, list: &[Plain]) -> Answer {
    list.iter()
        .try_fold(false, |found, one| Ok(found || one.equalled(wanted)?))
}

/// What a switch over the cases gives: the number of the case, or of none.
fn switched(subject: &Plain, cases: &[Plain]) -> Result<Option<usize>, ()> {
    if let Some(at) = cases.iter().position(|case| case == subject) {
        return Ok(Some(at));
    }
    let others: Vec<Answer> = cases
        .iter()
        .filter(|case| **case != Plain::Null)
        .map(|case| case.equals(subject))
        .collect();
    if others.is_empty() || others.contains(&Ok(false)) {
        Ok(None)
    } else {
        Err(())
    }
}

fn was_switched(subject: &Plain, cases: &[Plain]) -> Result<Option<usize>, ()> {
    for (at, case) in cases.iter().enumerate() {
        let takes = if *case == Plain::Null {
            *subject == Plain::Null
        } else {
            case.equalled(subject)?
        };
        if takes {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn scalar() -> impl Strategy<Value = Plain> {
    prop_oneof![
        Just(Plain::Null),
        any::<bool>().prop_map(Plain::Boolean),
        (0i64..3).prop_map(Plain::Number),
        prop_oneof![Just("a"), Just("b")].prop_map(Plain::Text),
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    prop_oneof![3 => scalar(), 1 => prop::collection::vec(scalar(), 0..3).prop_map(Plain::List)]
}

/// What an expression makes of `{"a":..,"l":..,"m":..}`; every refusal has the code of unlike types.
fn outcome(expression: &Expression, values: [&Plain; 3]) -> Result<String, String> {
    let [a, l, m] = values.map(|value| value.written("null"));
    let document = Document::parse(&format!(r#"{{"a":{a},"l":{l},"m":{m}}}"#)).unwrap();
    let secrets = Secrets::default();
    let context = Context {
        project: "shop",
        stage: 1,
        id: "1",
        now_us: 0,
        secrets: &secrets,
        limits: crate::record::Limits::default(),
        probe: None,
        lookups: None,
        salt: None,
    };
    match expression.value(&document, &mut Scope::new(context)) {
        Ok(Evaluated::Value(value)) => Ok(value.to_json()),
        Ok(Evaluated::Omit) => panic!("nothing is left out"),
        Err(refusal) => {
            assert_eq!(refusal.code, "expression.types");
            Err(refusal.violations[0].expected.clone().unwrap_or_default())
        }
    }
}

fn same(given: &Result<String, String>, answer: Answer) -> bool {
    match (given, answer) {
        (Ok(json), Ok(answer)) => *json == answer.to_string(),
        (Err(_), Err(())) => true,
        _ => false,
    }
}

/// Some permutations of so many things.
fn permutations(length: usize) -> Vec<Vec<usize>> {
    let forward: Vec<usize> = (0..length).collect();
    let mut all = vec![forward.iter().rev().copied().collect()];
    for by in 0..length {
        let mut turned = forward.clone();
        turned.rotate_left(by);
        all.push(turned.clone());
        if length > 2 {
            turned.swap(0, length - 1);
            all.push(turned);
        }
    }
    all.push(forward);
    all
}

fn permuted(list: &[Plain], order: &[usize]) -> Vec<Plain> {
    order.iter().map(|at| list[*at].clone()).collect()
}

fn literal(source: &str) -> Option<Expression> {
    match compile(source) {
        Ok(expression) => Some(expression),
        // An expression that refuses every record is reported beforehand.
        Err(problem) if problem.code == "expression.never" => None,
        Err(problem) => panic!("{source}: {problem}"),
    }
}

proptest! {
    #[test]
    fn no_order_decides_what_is_in_a_list(wanted in plain(), list in prop::collection::vec(plain(), 0..5)) {
        let lookup = compile("doc.a in doc.l").unwrap();
        prop_assert_eq!(lookup.language(), Language::Two);
        let mut given = None;
        for order in permutations(list.len()) {
            let list = permuted(&list, &order);
            let found = outcome(&lookup, [&wanted, &Plain::List(list.clone()), &Plain::Null]);
            prop_assert!(same(&found, is_in(&wanted, &list)), "{:?} in {:?}: {:?}", wanted, list, found);
            let before = given.get_or_insert_with(|| found.clone());
            prop_assert_eq!(&*before, &found, "the words too");
            let written = list.iter().map(|one| one.written("()")).collect::<Vec<_>>().join(", ");
            if let Some(expression) = literal(&format!("doc.a in [{written}]")) {
                prop_assert_eq!(&outcome(&expression, [&wanted, &Plain::Null, &Plain::Null]), &found);
                if expression.language() == Language::One {
                    prop_assert_eq!(was_in(&wanted, &list), is_in(&wanted, &list), "{}", written);
                }
            }
        }
    }

    #[test]
    fn no_order_decides_whether_lists_are_equal(pairs in prop::collection::vec((plain(), plain()), 0..5), more in plain()) {
        let (left, right): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let equal = compile("doc.l == doc.m").unwrap();
        let mut given = None;
        for order in permutations(left.len()) {
            let (left, right) = (Plain::List(permuted(&left, &order)), Plain::List(permuted(&right, &order)));
            let found = outcome(&equal, [&Plain::Null, &left, &right]);
            prop_assert!(same(&found, left.equals(&right)), "{:?} == {:?}: {:?}", left, right, found);
            let before = given.get_or_insert_with(|| found.clone());
            prop_assert_eq!(&*before, &found, "the words too");
            for source in [format!("doc.l == {}", right.written("()")), format!("doc.l != [{}]", more.written("()"))] {
                let Some(expression) = literal(&source) else { continue };
                let right = if source.contains("==") { right.clone() } else { Plain::List(vec![more.clone()]) };
                if expression.language() == Language::One {
                    prop_assert_eq!(left.equalled(&right), left.equals(&right), "{} of {:?}", source, left);
                }
            }
        }
    }

    #[test]
    fn no_order_decides_which_case_is_taken(subject in scalar(), cases in prop::collection::vec(scalar(), 1..5)) {
        let mut distinct: Vec<Plain> = Vec::new();
        for case in cases {
            if !distinct.contains(&case) {
                distinct.push(case);
            }
        }
        for order in permutations(distinct.len()) {
            let cases = permuted(&distinct, &order);
            let arms: Vec<String> = cases.iter().enumerate().map(|(at, case)| format!("{} => {at}", case.written("()"))).collect();
            let expression = compile(&format!("switch doc.a {{ {}, _ => 9 }}", arms.join(", "))).unwrap();
            let answer = switched(&subject, &cases);
            let found = outcome(&expression, [&subject, &Plain::Null, &Plain::Null]);
            let expected = answer.map(|taken| taken.unwrap_or(9).to_string());
            prop_assert_eq!(found.clone().map_err(|_| ()), expected, "{:?} among {:?}", subject, cases);
            if expression.language() == Language::One {
                prop_assert_eq!(was_switched(&subject, &cases), answer, "{:?} among {:?}", subject, cases);
            }
            let either: Vec<String> = cases.iter().map(|case| case.written("()")).collect();
            let expression = compile(&format!("switch doc.a {{ {} => true, _ => false }}", either.join(" | "))).unwrap();
            let found = outcome(&expression, [&subject, &Plain::Null, &Plain::Null]);
            prop_assert!(same(&found, answer.map(|taken| taken.is_some())), "{:?} among {:?}", subject, cases);
        }
    }
}

#[test]
fn what_cannot_differ_needs_no_later_language() {
    for (source, language) in [
        ("doc.a in [\"new\", \"paid\"]", Language::One),
        ("doc.a in [1, \"paid\"]", Language::Two),
        ("doc.a in [doc.b]", Language::Two),
        ("\"x\" in \"xyz\"", Language::One),
        ("doc.a in doc.b", Language::Two),
        ("doc.a == \"x\"", Language::One),
        ("doc.a == doc.n * 2", Language::One),
        ("doc.a == sum(doc.l)", Language::One),
        ("doc.a != ()", Language::One),
        ("doc.a == []", Language::One),
        ("doc.a == [1, 2]", Language::Two),
        ("doc.a == doc.b", Language::Two),
        ("switch doc.a { 1 => 2, _ => 3 }", Language::One),
        ("switch doc.a { () => 0, 1 => 2, _ => 3 }", Language::One),
        ("switch doc.a { 1 => 2, () => 0, _ => 3 }", Language::Two),
        ("switch doc.a { 1 => 2, \"a\" => 0, _ => 3 }", Language::Two),
        ("decimal(doc.a)", Language::Two),
        ("decimal(doc.n * 2)", Language::One),
        ("decimal(\"12.50\")", Language::One),
        ("decimal(\".5\")", Language::Two),
        ("integer(doc.a) + 1", Language::Two),
        ("doc.a * 2 + round(doc.b, 2)", Language::One),
    ] {
        assert_eq!(compile(source).unwrap().language(), language, "{source}");
    }
}
