//! The promises of expressions, trap by trap.

use std::time::Instant;

use super::*;
use crate::context::Context;
use crate::environment::Secrets;
use crate::record::Rounding;

mod functions;
mod load;
mod order;
mod slips;
mod stage;
mod types;
mod values;

const ORDER: &str = concat!(
    r#"{"name":"Mary Ann Smith","price":2.50,"quantity":3,"zero":-0,"big":1E2,"paid":true,"note":null,"#,
    r#""ids":"a, b,,c","status":1,"long":12345678901234567890123456789012,"#,
    r#""items":[{"price":1.10,"n":2},{"price":2.00,"n":1}],"customer":{"z":6.00,"a":{"deep":"\u0041"}}}"#
);

fn reading() -> Reading<'static> {
    Reading {
        rounding: Some(Rounding::HalfEven),
        ..Reading::new("0001_test.toml", "")
    }
}

fn compile(source: &str) -> Result<Expression, Problem> {
    let reading = reading();
    Expression::compile(source, &reading.place(None), &reading)
}

fn problem(source: &str) -> Problem {
    compile(source).expect_err(source)
}

fn evaluate(source: &str) -> Result<Evaluated, Refusal> {
    evaluate_for(source, ORDER)
}

/// The value for a record, also of what is known to refuse every record; that it does is checked.
fn evaluate_for(source: &str, record: &str) -> Result<Evaluated, Refusal> {
    let first = Reading {
        language: crate::language::Language::One,
        ..reading()
    };
    let expression = Expression::compile(source, &first.place(None), &first);
    let expression = expression.unwrap_or_else(|problem| panic!("{source}: {problem}"));
    let secrets: Secrets = [("pepper".to_owned(), "key".to_owned())].into_iter().collect();
    let context = Context {
        project: "shop",
        stage: 1,
        id: "ORD-1",
        salt: None,
        now_us: 1_700_000_000_000_000,
        secrets: &secrets,
        limits: crate::record::Limits::default(),
        probe: None,
        lookups: None,
    };
    let value = expression.value(&Document::parse(record).unwrap(), &mut Scope::new(context));
    if let Err(problem) = compile(source) {
        assert_eq!(problem.code, "expression.never", "{source}");
        assert!(
            value.is_err(),
            "{source} is said to refuse every record: {problem}"
        );
    }
    value
}

/// The JSON text of the value; `omit` as a word.
fn json(source: &str) -> String {
    match evaluate(source).unwrap_or_else(|refusal| panic!("{source}: {refusal}")) {
        Evaluated::Value(value) => value.to_json(),
        Evaluated::Omit => "omit".to_owned(),
    }
}

fn refused(source: &str) -> Refusal {
    match evaluate(source) {
        Err(refusal) => refusal,
        Ok(value) => panic!("{source} gave {value:?}"),
    }
}

fn all(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(json(source), *expected, "{source}");
    }
}

fn all_refused(code: &str, sources: &[&str]) {
    for source in sources {
        assert_eq!(refused(source).code, code, "{source}");
    }
}

fn all_problems(code: &str, sources: &[&str]) {
    for source in sources {
        assert_eq!(problem(source).code, code, "{source}");
    }
}
