//! A golden record, made of its members. Pure, so that every core can do it, and that it can be made again.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::expression::Scope;
use crate::record::{Record, RecordNumber};
use crate::refusal::{Refusal, Violation};
use crate::stage::{Merge, Output, Stage};
use crate::store::Salted;

/// What the members of a cluster become.
pub(crate) struct MadeGolden {
    pub(crate) output: Output,
    /// The members whose values survived, by JSON Pointer.
    pub(super) won: BTreeMap<String, RecordNumber>,
    /// Codes of the stage's warnings.
    pub(super) codes: Vec<String>,
    /// Violations of which the stage only warns.
    pub(super) warned: Vec<Violation>,
}

/// Makes the golden record of members, ascending by their numbers: the first is the carrier. `id`: the id that it has
/// already; without it, its id derives from the carrier.
pub(crate) fn golden(
    (stage, merge): (&Stage, &Merge),
    context: Context<'_>,
    members: &[&Salted],
    id: Option<&str>,
) -> Result<MadeGolden, Refusal> {
    let Some(carrier) = members.first() else {
        return Err(Refusal::new("source.deleted", ""));
    };
    let records: Vec<&Record> = members.iter().map(|member| &member.record).collect();
    let mut scope = Scope::new(Context {
        id: &carrier.record.id,
        salt: carrier.salt,
        ..context
    });
    let (mut output, won) = stage.golden_of(merge, &records, &mut scope)?;
    if let Some(id) = id {
        id.clone_into(&mut output.id);
    }
    Ok(MadeGolden {
        output,
        won,
        codes: scope.warnings().iter().map(ToString::to_string).collect(),
        warned: scope.broken().to_vec(),
    })
}
