//! Stages that aggregate.

mod reconcile;
