//! What other tools read of a store: the lineage of columns, OpenLineage events, PROV-JSON.

#[cfg(feature = "cli")]
mod command;
mod lineage;
mod openlineage;
mod prov;
mod schemas;
mod stores;
mod truth;
