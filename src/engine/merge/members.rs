//! Reading the members of a merge: every record of the source, as what is compared of it.

use super::excess::too_much;
use super::place::Gone;
use crate::context::Context;
use crate::engine::cores::in_portions;
use crate::engine::pipeline::BATCH_BYTES;
use crate::engine::reader::ReadConnection;
use crate::error::{Error, Result};
use crate::expression::Scope;
use crate::matching::{Features, FeaturesBuilder, Threads};
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
    /// Whether any member has what the stage reads there, in the order of [`Merge::watched`].
    pub(super) has: Vec<bool>,
}

/// Reads all records of the source; `None` if the threads have to stop.
pub(super) fn read(
    reader: &ReadConnection,
    source: &Table,
    stage: &Stage,
    merge: &Merge,
    context: Context<'_>,
    threads: Threads<'_>,
) -> Result<Option<Members>> {
    let mut builder = FeaturesBuilder::new(merge.settings());
    let mut has = vec![false; merge.watched().count()];
    let (mut out, mut bytes, mut after) = (Vec::new(), 0, RecordNumber::BEFORE_FIRST);
    loop {
        if threads.are_stopped() {
            return Ok(None);
        }
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
                Some(member) => {
                    member
                        .push_to(&mut builder, &salted.record)
                        .map_err(|excess| too_much(stage, &excess))?;
                    has.iter_mut().zip(&member.has).for_each(|(any, one)| *any |= one);
                }
                None => out.push(salted.record.number),
            }
        }
    }
    let features = builder.build();
    Ok(Some(Members {
        features,
        out,
        bytes,
        has,
    }))
}

/// Returns the place of a record among the features.
pub(super) fn index_of(features: &Features, record: RecordNumber) -> Option<usize> {
    let (mut low, mut high) = (0, features.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        match features.number(middle).cmp(&record.get()) {
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
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

/// Returns why a record is in no cluster.
pub(super) fn gone(
    stage: &Stage,
    context: Context<'_>,
    record: RecordNumber,
    source: Option<&Salted>,
) -> Result<Gone> {
    let Some(source) = source else {
        return Ok(Gone::Filtered("source.deleted"));
    };
    match admitted(stage, context, source) {
        Ok(None) => Ok(Gone::Filtered("where")),
        Err(refusal) => Ok(Gone::Refused(refusal)),
        Ok(Some(_)) => Err(Error::Damaged {
            what: format!(
                "record {record} has changed in `{}` while it was merged",
                stage.source()
            ),
        }),
    }
}
