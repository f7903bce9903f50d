//! The evidence: what is signed, what can be proved, and what is found where somebody tampers with it.

mod causes;
mod causes_at_random;
mod checkpoints;
mod damage;
mod one_verdict;
mod proof_changes;
mod proof_corpus;
mod proofs;
mod reconciling;
#[cfg(unix)]
mod renamed;
mod tampering;

use std::path::Path;

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::environment::Environment;
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Silent;
use counterfoil::store::{Store, StoreOptions};

pub(crate) use proof_corpus::real as real_proofs;

use crate::support::scenario;

/// A store of the scenario, with what it may know of the world.
pub(super) fn open_with(path: &Path, environment: Environment) -> Result<Store, counterfoil::Error> {
    let options = StoreOptions::default().batch_size(scenario::BATCH_SIZE);
    Store::open_or_create(path, options, environment)
}

/// The same, with the scenario's key.
pub(super) fn open(path: &Path) -> Result<Store, counterfoil::Error> {
    open_with(path, scenario::environment(3))
}

/// Loads a record more.
pub(super) fn load_one(store: &mut Store, id: &str) {
    let line = format!("{{\"id\":\"{id}\",\"amt\":\"1.00\",\"kind\":\"plain\",\"email\":\"e\"}}\n");
    let loaded = load(
        store,
        "a",
        id,
        line.as_bytes(),
        &LoadOptions::default(),
        &mut Silent,
    );
    loaded.expect("a load");
}

/// Applies the scenario's stages.
pub(super) fn apply_all(store: &mut Store) {
    apply(store, &scenario::stages(), &ApplyOptions::default(), &mut Silent).expect("an apply");
}
