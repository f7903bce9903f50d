//! Values of Rust as records, in a store in memory, with a project that was compiled into the program.
//!
//! `cargo run --example rust_values`

use std::time::Duration;

use counterfoil::observe::Progress;
use counterfoil::project::EmbeddedProject;
use counterfoil::{ApplyOptions, Decimal, Environment, Store, StoreOptions, apply, include_stages};
use serde::{Deserialize, Serialize};

static SHOP: EmbeddedProject = include_stages!("../migrations/shop":
    "counterfoil.toml",
    "0001_nest_orders.toml",
    "order_v1.schema.json",
    "order_v2.schema.json",
);

/// The field `id` is the record's id. The type is an exact decimal, never a float.
#[derive(Serialize, Deserialize)]
struct Price {
    id: String,
    price: Decimal,
}

fn main() -> Result<(), counterfoil::Error> {
    // Gone with the program: for tests and for trying things.
    let mut store = Store::in_memory(StoreOptions::default(), Environment::default())?;
    let prices = ["4.10", "12.00", "0.99"].into_iter().enumerate();
    let prices = prices.map(|(number, price)| Price {
        id: format!("p{number}"),
        price: price.parse().expect("a decimal"),
    });
    let report = store.insert_all("prices", prices)?;
    println!("{} written", report.counts.written);

    let price: Price = store.get_as("prices", "p1")?.expect("it was written");
    println!("{}: {}", price.id, price.price);

    let mut progress =
        Progress::new().on_update(Duration::from_secs(1), |now| println!("{:?}%", now.percent));
    let applied = apply(
        &mut store,
        &SHOP.stages()?,
        &ApplyOptions::default(),
        &mut progress,
    )?;
    println!("{} pass of {}", applied.passes.len(), SHOP.stages()?.project());
    Ok(())
}
