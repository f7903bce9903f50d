//! What is believed of a field before any data is seen. It matters for small sets; large ones outweigh it.

use crate::matching::settings::{Kind, Role};

/// Returns how often two unrelated members agree in a field of the kind.
pub(crate) fn agreement(kind: Kind) -> f64 {
    match kind {
        Kind::Given => 1.0 / 150.0,
        Kind::Surname | Kind::Zip => 1.0 / 1_000.0,
        Kind::Birth => 1.0 / 20_000.0,
        Kind::Ssn => 1.0 / 5_000_000.0,
        Kind::Phone => 1.0 / 500_000.0,
        Kind::Email => 1.0 / 2_000_000.0,
        Kind::Street => 1.0 / 5_000.0,
        Kind::House => 1.0 / 80.0,
        Kind::City => 1.0 / 300.0,
        Kind::Text => 1.0 / 100.0,
        Kind::State => 1.0 / 8.0,
        Kind::Code => 1.0 / 4.0,
    }
}

/// Returns how often unrelated members are merely similar, by level; `agreement` is that of equality.
pub(crate) fn similarity(agreement: f64, level: usize) -> f64 {
    let mut share = (agreement * 2.0).max(0.000_5);
    for _ in 0..level {
        share *= 3.0;
    }
    share.min(0.2)
}

/// Returns the shares of equality, of all similar levels together, of exchange and of difference among records of one
/// person.
pub(crate) fn among_same(kind: Kind) -> [f64; 4] {
    match kind {
        Kind::Ssn => [0.86, 0.05, 0.0, 0.09],
        Kind::Birth => [0.86, 0.10, 0.0, 0.04],
        Kind::Given => [0.78, 0.12, 0.04, 0.06],
        Kind::Surname => [0.80, 0.12, 0.0, 0.08],
        Kind::Phone | Kind::Email => [0.75, 0.05, 0.0, 0.20],
        _ => [0.80, 0.08, 0.0, 0.12],
    }
}

/// Returns the same among members of one household: what is shared agrees, what identifies does by chance.
pub(crate) fn among_household(role: Role, agreement: f64) -> [f64; 4] {
    match role {
        Role::Shared => [0.88, 0.05, 0.000_1, 0.07],
        _ => [agreement + 0.01, 0.04, 0.000_1, 0.95 - agreement],
    }
}
