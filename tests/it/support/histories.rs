//! How laws over random histories are tried: every day the same few, and as many others as are asked for.

use std::str::FromStr;

use proptest::test_runner::{Config, RngSeed};

/// The number that a variable of the environment asks for.
///
/// # Panics
/// When it is no number.
pub(crate) fn asked<T: FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    let asked = text.parse().ok();
    assert!(asked.is_some(), "{variable} is a number, not {text:?}");
    asked
}

/// So many histories of this seed every day; `COUNTERFOIL_MODEL_CASES` and `COUNTERFOIL_MODEL_SEED` ask for others.
pub(crate) fn histories(everyday: u32, seed: u64) -> Config {
    Config {
        cases: asked("COUNTERFOIL_MODEL_CASES").unwrap_or(everyday),
        rng_seed: RngSeed::Fixed(asked("COUNTERFOIL_MODEL_SEED").unwrap_or(seed)),
        max_shrink_iters: 1_000,
        failure_persistence: None,
        ..Config::default()
    }
}
