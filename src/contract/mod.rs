//! Contracts: what a record must satisfy before and after a stage.
