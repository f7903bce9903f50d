//! What other tools read of a store: the lineage of columns, OpenLineage events, PROV-JSON.

mod lineage;
mod openlineage;
mod prov;
mod schemas;
mod stores;
mod truth;
