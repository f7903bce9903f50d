//! Tests of the promises of stages.

use super::{Lookup, Outcome, Stage};
use crate::context::Context;
use crate::environment::Secrets;
use crate::problem::Problem;
use crate::record::{Record, RecordNumber};

mod aggregate;
mod building;
mod checking;
mod dates;
mod language;
mod meaning;
mod merge;
mod problems;
mod schema;
mod transform;

/// The example stage of the design.
const ORDERS: &str = include_str!("0001_orders.toml");

fn lookup() -> Lookup {
    let schema = r#"{"type": "object", "required": ["order_id"]}"#;
    Lookup::texts([("order_v1.schema.json".to_owned(), schema.to_owned())].into())
}

fn parse(text: &str) -> Stage {
    match Stage::parse("0001_orders.toml", text, &lookup()) {
        Ok(stage) => stage,
        Err(problems) => panic!("{}", lines(&problems)),
    }
}

/// Renders the problems, a line each: the code, then the problem.
fn lines(problems: &[Problem]) -> String {
    let lines = problems
        .iter()
        .map(|problem| format!("{} {problem}\n", problem.code));
    lines.collect()
}

fn problems(text: &str) -> String {
    lines(&Stage::parse("0001_orders.toml", text, &lookup()).expect_err("the stage has problems"))
}

/// Renders what the stage makes of a record with the id `r1`: `id data` for each output, else the code.
fn outcome(stage: &Stage, data: &str) -> String {
    let record = Record {
        number: RecordNumber::new(1),
        id: "r1".to_owned(),
        data: data.to_owned(),
    };
    let context = Context {
        project: "shop",
        stage: stage.number(),
        id: "r1",
        salt: None,
        now_us: 0,
        secrets: &Secrets::default(),
        limits: crate::record::Limits::default(),
        probe: None,
        lookups: None,
    };
    let shown = |output: super::Output| format!("{} {}", output.id, output.data);
    match stage.transform(&record, &context) {
        Ok(Outcome::Write(output)) => shown(output),
        Ok(Outcome::Derive(outputs)) => outputs.into_iter().map(shown).collect::<Vec<_>>().join("\n"),
        Ok(Outcome::Filter(reason)) => format!("filtered {reason}"),
        Err(refusal) => refusal.to_json(),
    }
}
