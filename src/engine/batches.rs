//! The batches of a stage, whatever its kind.

use rusqlite::Connection;

use super::aggregate::AggregateProducer;
use super::bounds::Bounds;
use super::each::{Beginning, StageProducer};
use super::merge::MergeProducer;
use super::pass::Pass;
use super::pipeline::Producer;
use super::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::Batch;
use crate::record::RecordNumber;

/// Makes the batches of a pass of a stage.
pub(crate) enum StageBatches<'a> {
    /// Each record separately.
    Each(Box<StageProducer<'a>>),
    /// All records together: several become one.
    Merge(Box<MergeProducer<'a>>),
    /// All records together: they become windows.
    Aggregate(Box<AggregateProducer<'a>>),
}

impl<'a> StageBatches<'a> {
    /// Reads the state in which the pass finds its databases.
    pub(crate) fn begin(connection: &Connection, pass: &Pass, beginning: Beginning<'a>) -> Result<Self> {
        if let Some(aggregate) = beginning.stage.aggregate() {
            let aggregate = AggregateProducer::begin(connection, pass, aggregate, beginning)?;
            return Ok(Self::Aggregate(Box::new(aggregate)));
        }
        Ok(match beginning.stage.merge() {
            None => Self::Each(Box::new(StageProducer::begin(connection, pass, beginning)?)),
            Some(merge) => Self::Merge(Box::new(MergeProducer::begin(
                connection, pass, merge, beginning,
            )?)),
        })
    }

    /// Returns the newest record number that was given out.
    pub(crate) fn newest(&self) -> RecordNumber {
        match self {
            Self::Each(each) => each.newest(),
            Self::Merge(merge) => merge.newest(),
            Self::Aggregate(aggregate) => aggregate.newest(),
        }
    }

    /// Returns the number of bytes of the records that were read.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Each(each) => each.bytes(),
            Self::Merge(merge) => merge.bytes(),
            Self::Aggregate(aggregate) => aggregate.bytes(),
        }
    }
}

impl Producer for StageBatches<'_> {
    fn bound(&mut self, bounds: &Bounds) {
        match self {
            Self::Each(each) => each.bound(bounds),
            Self::Merge(merge) => merge.bound(bounds),
            Self::Aggregate(aggregate) => aggregate.bound(bounds),
        }
    }

    fn was_stopped(&self) -> bool {
        match self {
            Self::Each(each) => each.was_stopped(),
            Self::Merge(merge) => merge.was_stopped(),
            Self::Aggregate(aggregate) => aggregate.was_stopped(),
        }
    }

    fn next(&mut self, reader: &ReadConnection) -> Result<Option<Batch>> {
        match self {
            Self::Each(each) => each.next(reader),
            Self::Merge(merge) => merge.next(reader),
            Self::Aggregate(aggregate) => aggregate.next(reader),
        }
    }
}
