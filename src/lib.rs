//! Counterfoil moves JSON records through versioned stages and keeps a stub of every record it touches in an
//! append-only ledger, committed together with the data. From the stubs it resumes, reconciles, rolls back and proves.
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
//! A module names only modules of its own layer and of those below it; a test holds it. From the bottom:
//!
//! 1. what a record is: [`record`], [`path`], [`digest`], [`refusal`], [`problem`], [`name`], [`note`], [`surroundings`],
//!    [`language`], [`context`], [`reading`], [`shown`], dates, patterns, [`lineage`]
//! 2. [`expression`]
//! 3. [`op`] and [`contract`]
//! 4. [`stage`] and [`project`]; nothing up to here knows a database, a clock or a file, stage files aside
//! 5. [`Error`], and above it the [`ledger`], the [`store`] and [`observe`]
//! 6. [`input`], [`output`] and [`query`]
//! 7. the run, which alone writes, and the pipeline of a thread that reads and one that commits
//! 8. the verbs: [`load`](mod@load), [`edit`], [`plan`](mod@plan), [`apply`](mod@apply), [`rehearse`](mod@rehearse),
//!    [`rollback`](mod@rollback), [`quarantine`], [`history`], [`reconcile`](mod@reconcile), [`validate`](mod@validate),
//!    [`profile`](mod@profile), [`verify`](mod@verify), [`backup`], [`checkpoint`](mod@checkpoint), [`prove`](mod@prove),
//!    [`deviation`], [`report`](mod@report), [`interchange`], each a function of one shape,
//!    `verb(&mut store, what, &options, &mut observer)`
//!
//! The library never prints, never reads the environment, and is synchronous: a verb returns when its work is
//! committed.

pub mod apply;
pub mod backup;
pub mod checkpoint;
pub mod context;
pub mod contract;
mod database;
mod datetime;
pub mod deviation;
pub mod digest;
pub mod edit;
mod error;
pub mod expression;
pub mod history;
pub mod input;
pub mod interchange;
pub mod language;
pub mod ledger;
pub mod lineage;
pub mod load;
pub mod name;
pub mod note;
pub mod observe;
pub mod op;
pub mod output;
pub mod path;
mod pattern;
mod pipeline;
pub mod plan;
pub mod problem;
pub mod profile;
pub mod project;
pub mod prove;
pub mod quarantine;
pub mod query;
pub mod reading;
pub mod reconcile;
pub mod record;
pub mod refusal;
pub mod rehearse;
pub mod report;
pub mod rollback;
mod run;
pub mod shown;
pub mod stage;
pub mod store;
pub mod surroundings;
pub mod validate;
pub mod verify;

pub use database::Database;
pub use error::{Error, Result};
pub use pipeline::Stopped;
pub use run::Purpose;
