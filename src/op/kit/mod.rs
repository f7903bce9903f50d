//! The building blocks of operations, and their reader. Nothing here depends on a particular operation.

pub(super) mod checked;
pub(super) mod code;
pub(super) mod cut;
pub(super) mod dates;
pub(super) mod digest;
pub(super) mod fixed;
pub(super) mod form;
pub(super) mod frame;
pub(super) mod function;
pub(super) mod layer;
pub(super) mod missing;
pub(super) mod number;
pub(super) mod operation;
pub(super) mod placed;
pub(super) mod read;
pub(super) mod reference;
pub(super) mod schema;
pub(super) mod settings;
pub(super) mod survivor;
pub(super) mod trail;
pub(super) mod transfer;
pub(super) mod walk;
