//! Counterfoil moves JSON records through versioned stages and keeps an entry of every record it touches in an
//! append-only ledger, committed together with the data. From the entries it resumes, reconciles, rolls back and proves.
//!
//! The whole story, from an empty store and back:
//!
//! ```
//! use counterfoil::apply::{ApplyOptions, apply};
//! use counterfoil::history::trace;
//! use counterfoil::load::{LoadOptions, load};
//! use counterfoil::observe::Silent;
//! use counterfoil::record::Value;
//! use counterfoil::rollback::{RollbackOptions, Scope, rollback};
//! use counterfoil::stage::{Outcome, Stage, Stages};
//! use counterfoil::store::{Store, StoreOptions};
//! use counterfoil::surroundings::Surroundings;
//! use counterfoil::verify::{VerifyOptions, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("bank.db");
//! let mut store = Store::open_or_create(path, StoreOptions::default(), Surroundings::default())?;
//!
//! let lines = "{\"id\":\"tx-1\",\"amount\":6.00}\n{\"id\":\"tx-2\",\"amount\":29.9}\n";
//! load(&mut store, "tx_v1", "sample", lines.as_bytes(), &LoadOptions::default(), &mut Silent)?;
//!
//! let stage = Stage::new(1, "currency")
//!     .source("tx_v1")
//!     .target("tx_v2")
//!     .transform(|record, _context| {
//!         let mut document = record.document().expect("stored data is a JSON object");
//!         document.set("currency", Value::text("USD"));
//!         Ok(Outcome::write(record, &document))
//!     })
//!     .keeps_ids()
//!     .build()
//!     .map_err(counterfoil::Error::from)?;
//! let stages = Stages::new("bank", vec![stage]).map_err(counterfoil::Error::from)?;
//! let applied = apply(&mut store, &stages, &ApplyOptions::default(), &mut Silent)?;
//! assert_eq!(applied.passes[0].counts.written, 2);
//! let written = store.get("tx_v2", "tx-1")?.expect("it was written");
//! assert_eq!(written.data, r#"{"id":"tx-1","amount":6.00,"currency":"USD"}"#);
//!
//! let life = trace(&store, "tx_v2", "tx-1")?;
//! assert_eq!(life.iter().map(|step| step.kind.as_str()).collect::<Vec<_>>(), ["load", "apply"]);
//!
//! let everything = RollbackOptions { scope: Scope::All, ..RollbackOptions::default() };
//! rollback(&mut store, "bank", &everything, &mut Silent)?;
//! assert_eq!((store.count("tx_v1")?, store.count("tx_v2")?), (2, 0));
//! assert!(verify(&store, &VerifyOptions::default())?.is_sound());
//! # Ok(())
//! # }
//! ```
//!
//! # Layers
//! A module names only modules of its own layer and of those below it: records, expressions, operations and contracts,
//! stages, then the ledger and the store, then the verbs. The table in `ARCHITECTURE.md` lists them, and a test holds every
//! file to it. Each verb is a function of one shape, `verb(&mut store, what, &options, &mut observer)`.
//!
//! The library never prints, never reads the environment, and is synchronous: a verb returns when its work is
//! committed.

pub mod context;
pub mod contract;
mod datetime;
mod engine;
pub mod environment;
mod error;
pub mod expression;
pub mod input;
pub mod language;
pub mod ledger;
pub mod lineage;
pub mod note;
pub mod observe;
pub mod op;
pub mod output;
pub mod project;
pub mod query;
pub mod record;
pub mod report;
pub mod shown;
pub mod stage;
pub mod store;
mod toml;
mod verb;

pub use engine::{RunInfo, Stopped};
pub use error::{Error, Result};
#[doc(inline)]
pub use record::{digest, name, path, refusal};
pub use toml::{problem, reading};
pub use verb::database::Database;
pub use verb::{
    apply, backup, checkpoint, deviation, edit, history, interchange, load, plan, profile, prove, quarantine,
    reconcile, rehearse, rollback, validate, verify,
};
