//! The verbs: the functions that a program, or a person through the command, calls. Each decides, produces batches and
//! lets the engine commit them, or only reads. No verb uses the internals of another; what two of them need is in a
//! lower layer.

pub mod apply;
pub mod backup;
pub mod checkpoint;
pub(crate) mod database;
pub mod deviation;
pub mod edit;
pub mod history;
mod init;
pub mod interchange;
pub mod load;
#[cfg(test)]
mod merged;
pub mod plan;
pub mod profile;
pub mod prove;
pub mod quarantine;
pub mod reconcile;
pub mod rehearse;
pub mod review;
pub mod rollback;
mod typed;
pub mod validate;
pub mod verify;
#[cfg(test)]
mod windowed;
