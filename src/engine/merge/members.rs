//! Reading the members of a merge: every record of the source, as what is compared of it.

use crate::context::Context;
use crate::engine::cores::in_portions;
use crate::engine::pipeline::BATCH_BYTES;
use crate::engine::reader::ReadConnection;
use crate::error::Result;
use crate::expression::Scope;
use crate::matching::{Features, FeaturesBuilder};
use crate::record::RecordNumber;
use crate::refusal::Refusal;
use crate::stage::{MemberFeatures, Merge, Stage};
use crate::store::{Salted, Table};

/// Number of records that are read at a time.
const SLICE: usize = 5_000;
/// Number of records that a core takes at a time.
const PORTION: usize = 250;

/// The records of the source.
pub(super) struct Members {
    /// Those that are compared, in order of their numbers.
    pub(super) features: Features,
    /// Those that the stage leaves out or refuses, ascending.
    pub(super) out: Vec<RecordNumber>,
    pub(super) bytes: u64,
}

/// Reads all records of the source.
pub(super) fn read(
    reader: &ReadConnection,
    source: &Table,
    stage: &Stage,
    merge: &Merge,
    context: Context<'_>,
) -> Result<Members> {
    let mut builder = FeaturesBuilder::new(merge.settings());
    let (mut out, mut bytes, mut after) = (Vec::new(), 0, RecordNumber::BEFORE_FIRST);
    loop {
        let slice = reader.read(|connection| source.after(connection, after, SLICE, BATCH_BYTES))?;
        let Some(last) = slice.last() else { break };
        after = last.record.number;
        let compared = |portion: &[Salted]| -> Vec<Option<MemberFeatures>> {
            let member = |salted: &Salted| admitted(stage, context, salted).ok().flatten();
            portion.iter().map(member).collect()
        };
        let found = in_portions(&slice, PORTION, compared)?;
        for (salted, member) in slice.iter().zip(found.into_iter().flatten()) {
            bytes += salted.record.data.len() as u64;
            match member {
                Some(member) => member.push_to(&mut builder, &salted.record),
                None => out.push(salted.record.number),
            }
        }
    }
    let features = builder.build();
    Ok(Members { features, out, bytes })
}

/// Returns what is compared of a record; `None` if the stage leaves it out.
pub(super) fn admitted(
    stage: &Stage,
    context: Context<'_>,
    salted: &Salted,
) -> Result<Option<MemberFeatures>, Refusal> {
    let mut scope = Scope::new(Context {
        id: &salted.record.id,
        salt: salted.salt,
        ..context
    });
    stage.member_in(&salted.record, &mut scope)
}

/// Returns whether a stage merges a record with others: it neither leaves it out nor refuses it.
pub(crate) fn is_member(stage: &Stage, context: Context<'_>, salted: &Salted) -> bool {
    matches!(admitted(stage, context, salted), Ok(Some(_)))
}
