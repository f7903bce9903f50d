//! What other tools read of a store: column lineage, OpenLineage events, PROV-JSON.

mod lineage;
