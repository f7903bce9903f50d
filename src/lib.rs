//! Counterfoil moves JSON records through versioned stages and keeps a stub of every record it touches in an
//! append-only ledger, committed together with the data.

pub mod apply;
pub mod context;
pub mod contract;
pub mod database;
pub mod digest;
pub mod edit;
pub mod error;
pub mod expression;
pub mod history;
pub mod input;
pub mod ledger;
pub mod load;
pub mod name;
pub mod observe;
pub mod op;
pub mod output;
pub mod path;
mod pattern;
mod pipeline;
pub mod problem;
pub mod project;
pub mod quarantine;
pub mod query;
pub mod reading;
pub mod record;
pub mod refusal;
pub mod rollback;
mod run;
pub mod stage;
pub mod store;
pub mod surroundings;
pub mod verify;

pub use error::{Error, Result};
pub use pipeline::Stopped;
pub use run::Purpose;
