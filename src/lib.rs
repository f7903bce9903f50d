//! Counterfoil moves JSON records through versioned stages and keeps a stub of every record it touches in an
//! append-only ledger, committed together with the data.

pub mod context;
pub mod contract;
pub mod digest;
pub mod expression;
pub mod input;
pub mod op;
pub mod output;
pub mod path;
pub mod problem;
pub mod query;
pub mod reading;
pub mod record;
pub mod refusal;
pub mod stage;
pub mod surroundings;
