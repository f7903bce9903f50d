//! What was written to the readings since a batch.

use super::{INPUT, SOURCE, Said, Series, delete, put};
use crate::ledger::readings::{Versions, each_write, versions_since};
use crate::record::{BatchId, RecordNumber};

impl Series {
    /// The numbers that were written after a batch, ascending, each once.
    fn written(&self, after: BatchId) -> Vec<i64> {
        let mut written = Vec::new();
        let found = each_write(self.connection(), INPUT, after, BatchId::MAX, |record, _| {
            written.push(record.get());
        });
        found.expect("a ledger");
        written.sort_unstable();
        written.dedup();
        written
    }

    fn versions(&self, reading: i64, after: BatchId) -> Versions {
        versions_since(self.connection(), SOURCE, RecordNumber::new(reading), after).expect("a ledger")
    }

    /// The values that a reading has had after a batch, all of which are known.
    fn values(&self, reading: i64, after: BatchId) -> Vec<String> {
        let versions = self.versions(reading, after);
        assert!(versions.are_complete);
        versions.texts.iter().map(|text| value(text)).collect()
    }
}

fn value(text: &str) -> String {
    let (_, rest) = text.split_once("\"value\":").expect("a value");
    rest.split(',').next().unwrap_or_default().to_owned()
}

#[test]
fn what_stands_and_was_written_after_a_batch_is_told_and_what_came_and_went_is_not() {
    let mut series = Series::new(5);
    let read = series.aggregate(&[Said::New("7/a", "{\"n\":1}", &[1])]);
    let after = series.batch_of(read);
    assert!(series.written(after).is_empty());
    assert_eq!(series.written(BatchId::BEFORE_FIRST), [1, 2, 3, 4, 5]);
    series.edit(&[put(1, "21.0"), put(6, "22.0"), delete(3)]);
    assert_eq!(series.written(after), [1, 3, 7]);
    let undone = series.edit(&[put(2, "23.0"), put(1, "24.0")]);
    assert_eq!(series.written(after), [1, 2, 3, 7]);
    let between = series.batch_of(undone);
    series.roll_back(undone);
    assert_eq!(series.written(after), [1, 3, 7]);
    // Who has read what is taken back hears of the rollback.
    assert_eq!(series.written(between), [1, 2]);
    // Windows are nothing that was written to the readings.
    series.aggregate(&[Said::Now(6, "{\"n\":2}", &[1, 2])]);
    assert_eq!(series.written(after), [1, 3, 7]);
    series.assert_sound();
}

#[test]
fn the_texts_of_a_reading_since_a_batch_end_with_the_one_as_of_the_batch() {
    let mut series = Series::new(3);
    let read = series.aggregate(&[Said::New("7/a", "{\"n\":1}", &[1])]);
    let after = series.batch_of(read);
    assert_eq!(series.values(1, after), [""; 0]);
    series.edit(&[put(1, "21.0"), delete(2), put(9, "30.0")]);
    series.edit(&[put(1, "22.0"), delete(9)]);
    assert_eq!(series.values(1, after), ["21.0", "20.0"]);
    assert_eq!(series.values(2, after), ["20.0"]);
    // The reading 9 has the number 5, the window the number 4.
    assert_eq!(series.values(5, after), ["30.0"]);
    assert_eq!(series.values(3, after), [""; 0]);
    series.edit(&[put(2, "31.0")]);
    series.assert_sound();
}

#[test]
fn a_text_that_a_rollback_has_taken_back_is_missing_only_to_who_has_read_it() {
    let mut series = Series::new(2);
    let read = series.aggregate(&[Said::New("7/a", "{\"n\":1}", &[1])]);
    let after = series.batch_of(read);
    let undone = series.edit(&[put(1, "21.0")]);
    let between = series.batch_of(undone);
    series.edit(&[put(2, "25.0")]);
    series.roll_back(undone);
    // The row is as it was, and was another one in between, which nobody has read.
    assert_eq!(series.values(1, after), ["20.0"]);
    let versions = series.versions(1, between);
    assert_eq!((versions.texts.len(), versions.are_complete), (0, false));
    series.edit(&[put(1, "26.0")]);
    assert_eq!(series.values(1, after), ["20.0", "20.0"]);
}
