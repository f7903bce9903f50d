//! Input that nobody meant: records, tables, stage files, expressions, schemas, dates and proofs, made at random or by changing
//! real ones. Whatever it is, the answer is a result or a refusal with its reason: no panic, and no wait.
//!
//! The everyday cases are always the same. `COUNTERFOIL_FUZZ_CASES=N` tries so many of each kind instead, and
//! `COUNTERFOIL_FUZZ_SEED=N` other ones:
//!
//! ```sh
//! COUNTERFOIL_FUZZ_CASES=20000 COUNTERFOIL_FUZZ_SEED=1 cargo test --test it fuzz
//! ```
//!
//! Readers by themselves are fuzzed where they stand (`src/input/tests`, `src/datetime/tests.rs`, `src/contract/tests`), and
//! well-formed expressions in `src/expression/tests`; here is what reaches them through the public face.

mod admission;
mod expressions;
mod json;
mod proofs;
mod schemas;
mod stage_files;
mod tables;
mod texts;
mod timestamps;

use std::cell::Cell;
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::support::histories::asked;

/// What takes longer hangs, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(10);

/// As [`fuzz`], for input of which some has to come through and some has to be refused; `comes_through` says which. Without both,
/// the input is not what it was meant to be.
fn judge<S: Strategy>(everyday: u32, strategy: S, comes_through: impl Fn(S::Value) -> bool) {
    let counts = [Cell::new(0_u32), Cell::new(0)];
    fuzz(everyday, strategy, |value| {
        let count = &counts[usize::from(comes_through(value))];
        count.set(count.get() + 1);
    });
    let counts = counts.map(Cell::into_inner);
    let least = counts.iter().sum::<u32>() / 200;
    assert!(
        counts.iter().all(|count| *count >= least),
        "refused, passed: {counts:?}"
    );
}

/// Tries what a strategy makes, so many times on every day, and shows the smallest case that fails.
fn fuzz<S: Strategy>(everyday: u32, strategy: S, holds: impl Fn(S::Value)) {
    let config = Config {
        cases: asked("COUNTERFOIL_FUZZ_CASES").unwrap_or(everyday),
        rng_seed: RngSeed::Fixed(asked("COUNTERFOIL_FUZZ_SEED").unwrap_or(2026)),
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&strategy, |value| {
        let begun = Instant::now();
        holds(value);
        let took = begun.elapsed();
        assert!(took < PATIENCE, "{took:?}");
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
