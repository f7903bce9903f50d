//! Stages that look into other databases: what they find, what happens when that changes, and records that wait.

mod golden;
mod random;
mod rows;
mod stages;
