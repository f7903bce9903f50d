//! A cause is named only where the ledger has an entry of that kind; what is lost otherwise is unexplained.

mod amounts;
mod behind;
mod conflicts;
mod edits;
mod refusals;

use counterfoil::reconcile::Reconciliation;
use counterfoil::stage::MaxErrors;
use counterfoil::verify::{VerifyOptions, verify};

use crate::support::world::World;

/// Copies `a` to `b`; an amount that is no number is refused.
pub(super) const COPY: &str = r#"
[stage]
source = "a"
target = "b"

[[op]]
op = "decimal"
path = "amt"
emit = "number"

[[reconcile]]
name = "amounts"
source = "= doc.amt"
target = "= doc.amt"
"#;

/// The target's id is another: two records may come to the same.
pub(super) const REKEYED: &str = r#"
[stage]
source = "a"
target = "b"
id = "= doc.k"
on_conflict = "replace"

[[reconcile]]
name = "amounts"
source = "= doc.amt"
target = "= doc.amt"
"#;

/// Marks the records of `b` in place, and refuses what is no number.
pub(super) const MARK: &str = r#"
[stage]
source = "b"

[[op]]
op = "decimal"
path = "amt"
emit = "number"

[[op]]
op = "add"
path = "seen"
value = true

[[reconcile]]
name = "marked"
source = "= doc.amt"
target = "= doc.amt"
"#;

/// One record for each of `parts`; ids that are there already are skipped.
pub(super) const PARTS: &str = r#"
[stage]
source = "a"
target = "b"
id = "= doc.id"
on_conflict = "skip"

[[op]]
op = "derive"
path = "parts"

[[reconcile]]
name = "parts"
source = "= doc.total"
target = "= doc.amt"
"#;

/// An empty store with these stages, which let any number of records be refused.
pub(super) fn over(texts: &[&str]) -> World {
    let names = ["0001_first.toml", "0002_second.toml"];
    let files: Vec<(&str, &str)> = names.into_iter().zip(texts.iter().copied()).collect();
    let mut world = World::new("causes", &files);
    world.applying.max_errors = Some(MaxErrors::Count(1_000));
    world
}

/// A store with records of `a` that the stages have carried.
fn applied(texts: &[&str], records: &[&str]) -> World {
    let mut ledger = over(texts);
    ledger.load("a", records);
    ledger.apply();
    ledger
}

/// What somebody does to the ledger itself, which its triggers refuse.
fn rewrite(ledger: &World, sql: &str) {
    ledger.behind(&format!(
        "DROP TRIGGER ledger_entry_update; DROP TRIGGER ledger_entry_delete; {sql}"
    ));
}

/// What the first `[[reconcile]]` of the first stage came to.
fn measured(ledger: &mut World) -> Reconciliation {
    ledger.reconcile().remove(0).reconciliations.remove(0)
}

fn is_sound(ledger: &World) -> bool {
    let report = verify(&ledger.store, &VerifyOptions::default());
    report.expect("a verification").is_sound()
}

/// Every cause with its ids and its amount, and whether it holds.
fn told(result: &Reconciliation) -> (String, bool) {
    let causes = result.causes.iter().map(|cause| {
        let by = if cause.by.is_empty() {
            String::new()
        } else {
            format!(" by {}", cause.by.join(","))
        };
        format!(
            "{} {}{by} {}",
            cause.cause.name(),
            cause.ids.join(","),
            cause.amount
        )
    });
    (causes.collect::<Vec<_>>().join("; "), result.holds)
}

fn says(result: &Reconciliation, causes: &str, holds: bool) {
    assert_eq!(told(result), (causes.to_owned(), holds), "{result:#?}");
}

const THREE: [&str; 3] = [
    r#"{"id":"1","amt":1.5}"#,
    r#"{"id":"2","amt":2.5}"#,
    r#"{"id":"3","amt":3.5}"#,
];

/// Copies whatever it is.
const ANYTHING: &str = r#"
[stage]
source = "a"
target = "b"

[[reconcile]]
name = "amounts"
source = "= decimal(doc.amt)"
target = "= decimal(doc.amt)"
"#;
