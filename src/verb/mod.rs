//! The verbs: what a program, or a person by the command, asks for. Each decides, makes batches and lets the engine commit
//! them, or only reads. None names the inside of another; what two of them need lies below.

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
pub mod plan;
pub mod profile;
pub mod prove;
pub mod quarantine;
pub mod reconcile;
pub mod rehearse;
pub mod rollback;
mod typed;
pub mod validate;
pub mod verify;
