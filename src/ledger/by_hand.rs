//! What anybody can ask the ledger with the stock `sqlite3` shell, as text for a shell's double quotes. Nothing here is asked
//! by this program.

use super::renamed::AcceptedName;

use crate::record::BatchId;

/// Lists what is wrong with the chain; nothing.
pub(crate) const CHAIN: &str = "SELECT * FROM audit_chain_problem";

/// The texts of a batch's entries.
pub(crate) fn entries(batch: BatchId) -> String {
    format!("SELECT leaf_text FROM ledger_leaf WHERE batch={batch}")
}

/// The text of a batch's header, under the name that was hashed.
pub(crate) fn header(batch: BatchId, accepted: Option<&AcceptedName>) -> String {
    let header = match accepted {
        None => "header_text".to_owned(),
        // The name that was hashed, which was accepted. A shell reads `$[`, but nothing in a name.
        Some(name) => format!("json_set(header_text,'\\$[12]','{}')", name.renamed.slug),
    };
    format!("SELECT {header} FROM ledger_header WHERE batch={batch}")
}

/// The size and the root of the tree after a batch.
pub(crate) fn tree(batch: BatchId) -> String {
    format!("SELECT tree_size, lower(hex(tree_root)) FROM ledger_batch WHERE batch={batch}")
}

/// The note of the checkpoint of a size.
pub(crate) fn note(tree_size: u64) -> String {
    format!("SELECT note FROM ledger_checkpoint WHERE tree_size={tree_size}")
}
