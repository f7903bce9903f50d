//! Queries that anybody can run against the ledger with the stock `sqlite3` shell, as text for a shell's double quotes.
//! This program itself runs none of them.

use super::renamed::AcceptedName;

use crate::record::BatchId;

/// Lists what is wrong with the chain; gives no rows for a sound one.
pub(crate) const CHAIN: &str = "SELECT * FROM audit_chain_problem";

/// Query for the texts of a batch's entries.
pub(crate) fn entries(batch: BatchId) -> String {
    format!("SELECT leaf_text FROM ledger_leaf WHERE batch={batch}")
}

/// Query for the text of a batch's header, under the name that was hashed.
pub(crate) fn header(batch: BatchId, accepted: Option<&AcceptedName>) -> String {
    let header = match accepted {
        None => "header_text".to_owned(),
        // The hashed name, which was accepted. A shell interprets `$[`, but nothing in a name.
        Some(name) => format!("json_set(header_text,'\\$[12]','{}')", name.renamed.slug),
    };
    format!("SELECT {header} FROM ledger_header WHERE batch={batch}")
}

/// Query for the size and the root of the tree after a batch.
pub(crate) fn tree(batch: BatchId) -> String {
    format!("SELECT tree_size, lower(hex(tree_root)) FROM ledger_batch WHERE batch={batch}")
}

/// Query for the note of the checkpoint with this tree size.
pub(crate) fn note(tree_size: u64) -> String {
    format!("SELECT note FROM ledger_checkpoint WHERE tree_size={tree_size}")
}
