//! Dates mean what Python's `datetime` and GNU `date` say, but for the differences that docs/dates.md names. The corpus
//! is made by tests/fixtures/dates/generate.py, and checked in: without Python the same cases are compared.

mod corpus;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use counterfoil::environment::Secrets;
use counterfoil::expression::Scope;
use counterfoil::op::{FormatDate, Operation, ParseDate};
use counterfoil::record::Document;

use crate::support::world::context;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn fixtures() -> PathBuf {
    root().join("tests/fixtures/dates")
}

/// What docs/dates.md says.
fn manual() -> String {
    fs::read_to_string(root().join("docs/dates.md")).expect("docs/dates.md")
}

/// What an operation makes of a text at `v`, or the code of its refusal.
fn applied(op: &dyn Operation, text: &str) -> Result<String, String> {
    let secrets = Secrets::default();
    let mut scope = Scope::new(context("dates", "1", &secrets));
    let mut document = Document::parse(&serde_json::json!({ "v": text }).to_string()).expect("an object");
    match op.apply(&mut document, &mut scope) {
        Ok(_) => {
            let made: serde_json::Value = serde_json::from_str(&document.to_json()).expect("JSON");
            Ok(made["v"].as_str().expect("a text").to_owned())
        }
        Err(refusal) => Err(refusal.code.into_owned()),
    }
}

/// The operation that reads a format, times without an offset in UTC; `None` where the format is refused.
fn reader(format: &str) -> Option<ParseDate> {
    let op = ParseDate::new("v", &[format], Some("UTC"));
    op.problems().is_empty().then_some(op)
}

/// The operation that writes a format.
fn writer(format: &str) -> Option<FormatDate> {
    let op = FormatDate::new("v", format);
    op.problems().is_empty().then_some(op)
}
