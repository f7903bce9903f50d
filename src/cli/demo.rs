//! stub
use super::{answer::Answer, failure::Failure, session::Session};
/// Demo.
#[derive(clap::Args, Debug)]
pub(crate) struct Demo { name: String }
impl Demo { pub(crate) fn run(&self, _: &Session<'_>) -> Result<Answer, Failure> { let _ = &self.name; Ok(Answer::new(serde_json::Value::Null, "")) } }
