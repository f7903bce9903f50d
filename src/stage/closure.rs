//! A function of the program as the last step of a stage.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::outcome::Outcome;
use crate::context::Context;
use crate::record::Record;
use crate::refusal::Refusal;

/// The type of such a function: it makes what is written of a record, or refuses the record.
pub(super) type Transform = dyn Fn(&Record, &Context<'_>) -> Result<Outcome, Refusal> + Send + Sync;

/// A function of the program as the last step of a stage. Only the program knows what the function does, so its version
/// represents it in the stage's meaning.
#[derive(Clone)]
pub(super) struct Closure {
    pub(super) transform: Arc<Transform>,
    pub(super) version: u32,
    pub(super) keeps_ids: bool,
}

impl Closure {
    pub(super) fn meaning(&self) -> Json {
        json!({ "version": self.version, "keeps_ids": self.keeps_ids })
    }
}

impl fmt::Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a function of version {}", self.version)
    }
}
