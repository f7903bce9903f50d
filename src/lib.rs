//! Counterfoil moves JSON records through versioned stages. For every record it touches, it appends an entry to a
//! ledger, in the transaction that writes the data. From the ledger it resumes, reconciles, rolls back and proves.
//!
//! ```
//! use counterfoil::op::Set;
//! use counterfoil::{ApplyOptions, Environment, LoadOptions, RollbackOptions, Silent, Stage, Stages, Store};
//! use counterfoil::{StoreOptions, Value, VerifyOptions, apply, load, rollback, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("bank.db");
//! let mut store = Store::open_or_create(path, StoreOptions::default(), Environment::default())?;
//! let input = r#"{"id":"tx-1","amount":6.00}"#.as_bytes();
//! load(&mut store, "tx_v1", "sample", input, &LoadOptions::default(), &mut Silent)?;
//! let currency = Stage::new(1, "currency").source("tx_v1").target("tx_v2");
//! let stage = currency.op(Set::new("currency", Value::text("USD"))).build()?;
//! let stages = Stages::new("bank", vec![stage])?;
//! apply(&mut store, &stages, &ApplyOptions::default(), &mut Silent)?;
//! for step in store.trace("tx_v2", "tx-1")? { println!("{} {}", step.kind, step.outcome); }
//! rollback(&mut store, "bank", &RollbackOptions::default(), &mut Silent)?;
//! assert!(verify(&store, &VerifyOptions::default())?.is_sound());
//! # Ok(())
//! # }
//! ```
//!
//! # Where to find what
//! - **A [`Store`]** is one SQLite file with logical databases of records and the ledger. [`Store::database`] reads and
//!   writes single records, [`Store::query`] selects them.
//! - **A [`Stage`]** changes the records of one database, in place or into another. It is read from a TOML file
//!   ([`Project::open`], [`Stage::parse`]) or built in Rust ([`Stage::new`]) from operations ([`op`]) and closures.
//! - **Verbs** are functions of one shape, `verb(&mut store, what, &options, &mut observer)`: [`load()`], [`apply()`],
//!   [`retry`], [`rollback()`], [`plan()`], [`reconcile()`]. [`verify()`] only reads, and takes no observer. Options
//!   start from their `Default`. A verb returns when its work is committed.
//! - **The ledger is read** by methods of the store: [`Store::status`], [`Store::history`], [`Store::trace`],
//!   [`Store::quarantine`], [`Store::prove`], [`Store::report`] and others.
//! - **An [`Observer`]** gets an event after every batch; [`Silent`] ignores them.
//! - **A refused record is not an [`Error`]**: the verb counts it, keeps it in quarantine, and continues.
//!
//! The names that most programs need are re-exported here; each module has the rest of its subject.
//!
//! # What to know before use
//! - The library is synchronous. It never prints and never reads the environment: clock, randomness, actor, keys and
//!   secrets come in an [`Environment`].
//! - One process writes to a store at a time; others can read meanwhile.
//! - This crate switches on features of `serde_json` for your whole program; see below.
//!
//! # Features that this crate switches on
//! Cargo unifies the features that all crates of a program ask for. This crate asks `serde_json` for three, so they
//! apply to every use of `serde_json` in the program, including code that does not use counterfoil:
//!
//! - `arbitrary_precision`: a [`serde_json::Number`] keeps its text, `1.10` is not `1.1`, and numbers of any length
//!   are read. `Number`s are compared by their text, and `as_f64` and its kin parse it. Code that reads a number
//!   without saying which type it wants (`#[serde(flatten)]`, `#[serde(untagged)]`, `#[serde(tag = "..")]`, a
//!   `Deserialize` by `deserialize_any`) sees a map with one private key and may refuse it; fields of `u64`, `f64` and
//!   the like do not change.
//! - `preserve_order`: a [`serde_json::Map`] keeps the order in which its keys came, instead of sorting them.
//! - `raw_value`: [`serde_json::value::RawValue`] exists; nothing else changes.
//!
//! A [`Decimal`] is read from numbers and from texts alike: this crate switches on the feature of `rust_decimal` for
//! that too. The types of other crates in this crate's signatures are re-exported ([`Decimal`], [`Uuid`],
//! [`serde_json`], [`rust_decimal`]), so that you need not match versions. The signatures have no types of further
//! crates.
//!
//! # Compatibility
//! Options, reports, events and errors are `#[non_exhaustive]`: a later version may add fields and variants. Options
//! are therefore built with setters, all of one shape:
//!
//! ```
//! use counterfoil::rollback::{ConflictPolicy, RollbackOptions, RollbackScope};
//!
//! let options = RollbackOptions::default()
//!     .scope(RollbackScope::Stage(3))
//!     .on_conflict(ConflictPolicy::Skip)
//!     .batch_size(1_000);
//! assert_eq!(options.batch_size, Some(1_000));
//! ```
//!
//! Enums that a program is expected to match completely stay exhaustive, for instance [`rollback::RollbackScope`],
//! [`rollback::ConflictPolicy`], [`stage::Outcome`], [`ledger::StageState`] and [`history::FileState`]: every `match`
//! on them must handle a new variant, and a `_` would silently treat it as an old one. The parts of a [`prove::Proof`]
//! stay exhaustive too, because the format of proofs is fixed.

mod aggregate;
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
pub mod lookup;
pub mod matching;
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
pub use verb::database::Database;

#[doc(no_inline)]
pub use self::apply::{ApplyOptions, apply, retry};
#[doc(no_inline)]
pub use self::load::{LoadOptions, load};
#[doc(no_inline)]
pub use self::plan::{PlanOptions, plan};
#[doc(no_inline)]
pub use self::reconcile::{ReconcileOptions, reconcile};
#[doc(no_inline)]
pub use self::rollback::{RollbackOptions, RollbackScope, rollback};
#[doc(no_inline)]
pub use self::verify::{VerifyOptions, verify};
#[doc(no_inline)]
pub use environment::Environment;
#[doc(no_inline)]
pub use observe::{Observer, Silent};
#[doc(no_inline)]
pub use project::Project;
#[doc(no_inline)]
pub use record::{
    BatchId, Document, PassId, Record, RecordNumber, RunId, Value, digest, name, path, refusal,
};
#[doc(no_inline)]
pub use stage::{Outcome, Stage, Stages};
#[doc(no_inline)]
pub use store::{Store, StoreOptions};

#[doc(inline)]
pub use rust_decimal::{self, Decimal};
pub use serde_json;
pub(crate) use toml::reading;
pub use toml::{Problems, problem};
pub use uuid::Uuid;
pub use verb::{
    apply, backup, checkpoint, deviation, edit, history, interchange, load, plan, profile, prove, quarantine,
    reconcile, rehearse, review, rollback, validate, verify,
};
