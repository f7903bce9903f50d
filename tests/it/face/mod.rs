//! What a program meets that uses the library: errors that `?` takes, Rust values in and out, a store without a file, and
//! stages that it carries in itself.

mod embedded;
mod memory;
mod problems;
mod values;

use counterfoil::environment::Environment;
use counterfoil::store::{Store, StoreOptions};

fn in_memory() -> Store {
    Store::in_memory(StoreOptions::default(), Environment::default()).expect("a store in memory")
}
