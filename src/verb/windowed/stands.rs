//! Where windows and readings stand.

use super::{PROJECT, STAGE, Said, Series, VerifyOptions, put, verify};
use crate::ledger::EntryOutcome;
use crate::ledger::windows::{
    StandingWindow, left_readings, not_counted, refused_windows, standing, standing_of_all,
};
use crate::record::{RecordNumber, RecordSet};

impl Series {
    /// Every window that stands, from the ledger's one pass over all; each is also what the question for one says.
    fn windows(&self) -> Vec<StandingWindow> {
        let mut windows = Vec::new();
        let found = standing_of_all(self.connection(), PROJECT, STAGE, |window| {
            windows.push(window);
            Ok(())
        });
        found.expect("a ledger");
        for window in &windows {
            let alone = standing(self.connection(), PROJECT, STAGE, window.record);
            assert_eq!(alone.expect("a ledger").as_ref(), Some(window));
        }
        // The views say the same, for all and for each.
        let shown = "record||' '||batch||' '||outcome||' '||inputs||' '||spans||' '||lower(hex(input))||' '||lower(hex(after))";
        let all = self.told(&format!(
            "SELECT {shown} FROM ledger_window WHERE project='p' AND number=1 ORDER BY record"
        ));
        let mine: Vec<String> = windows.iter().map(told).collect();
        assert_eq!(all, mine);
        for window in &windows {
            let alone = format!("SELECT {shown} FROM ledger_window WHERE record={}", window.record);
            assert_eq!(self.told(&alone), [told(window)]);
        }
        windows
    }

    /// `number: inputs spans` of each window that `audit_window` shows, which are the rows that stand.
    fn audited(&self) -> Vec<String> {
        let rows = self.told("SELECT record||' '||id FROM windows ORDER BY record");
        let shown = "SELECT record||' '||id FROM audit_window WHERE database='windows' AND run IS NOT NULL AND at IS NOT NULL ORDER BY record";
        assert_eq!(self.told(shown), rows);
        self.told("SELECT record||': '||inputs||' '||spans FROM audit_window ORDER BY record")
    }

    fn left(&self) -> Vec<i64> {
        of(&left_readings(self.connection(), PROJECT, STAGE).expect("a ledger"))
    }

    fn not_counted(&self) -> Vec<i64> {
        of(&not_counted(self.connection(), PROJECT, STAGE)
            .expect("a ledger")
            .all)
    }

    fn refused_windows(&self) -> Vec<String> {
        let refused = refused_windows(self.connection(), PROJECT, STAGE).expect("a ledger");
        let told = refused.iter().map(|window| {
            format!(
                "{} {} {}",
                window.record.number, window.record.id, window.record.data
            )
        });
        told.collect()
    }
}

fn told(window: &StandingWindow) -> String {
    let spans: Vec<[i64; 2]> = window
        .spans
        .iter()
        .map(|(from, to)| [from.get(), to.get()])
        .collect();
    format!(
        "{} {} {} {} {} {} {}",
        window.record,
        window.batch,
        window.outcome as i64,
        window.inputs,
        serde_json::to_string(&spans).expect("numbers"),
        window.input.map(hex::encode).unwrap_or_default(),
        window.after.map(hex::encode).unwrap_or_default()
    )
}

fn of(records: &RecordSet) -> Vec<i64> {
    records.iter().map(RecordNumber::get).collect()
}

#[test]
fn a_window_stands_where_its_newest_entry_says_that_is_no_refusal_and_was_not_rolled_back() {
    let mut series = Series::new(6);
    series.aggregate(&[
        Said::New("7/a", "{\"n\":2}", &[1, 2]),
        Said::New("7/b", "{\"n\":1}", &[3]),
        Said::New("7/c", "{\"n\":0}", &[]),
    ]);
    assert_eq!(series.audited(), ["7: 2 [[1,2]]", "8: 1 [[3,3]]", "9: 0 []"]);
    let first = series.windows();
    series.assert_sound();
    let increment = series.aggregate(&[
        Said::Now(7, "{\"n\":3}", &[1, 2, 6]),
        Said::Vanished(8),
        Said::RefusedWindow(Some(9), "7/c", "{\"n\":1}", &[4]),
        Said::New("7/d", "{\"n\":1}", &[5]),
    ]);
    assert_eq!(series.audited(), ["7: 3 [[1,6]]", "9: 0 []", "10: 1 [[5,5]]"]);
    let second = series.windows();
    assert_eq!((second[1].outcome, second[1].inputs), (EntryOutcome::Filtered, 0));
    assert_eq!((second[1].after, second[2].clone()), (None, first[2].clone()));
    assert_eq!(series.refused_windows(), ["9 7/c {\"n\":1}"]);
    series.assert_sound();
    series.roll_back(increment);
    assert_eq!(series.windows(), first);
    assert_eq!(series.audited(), ["7: 2 [[1,2]]", "8: 1 [[3,3]]", "9: 0 []"]);
    assert!(series.refused_windows().is_empty());
    let gone = standing(series.connection(), PROJECT, STAGE, RecordNumber::new(10));
    assert_eq!(gone.expect("a ledger"), None);
    let figures = "SELECT group_concat(readings_read||' '||readings_counted||' '||readings_filtered||' '||readings_refused)
       ||' '||count(*) FROM audit_pass";
    assert_eq!(series.told(figures), ["9 7 1 1,9 7 1 1 5"]);
    series.assert_sound();
}

#[test]
fn a_reading_has_an_entry_until_it_is_counted() {
    let mut series = Series::new(5);
    series.aggregate(&[
        Said::New("7/a", "{\"n\":1}", &[1]),
        Said::Refused(2),
        Said::Refused(3),
        Said::Late(4),
        Said::RefusedWindow(None, "7/b", "{\"n\":2}", &[5]),
    ]);
    assert_eq!(series.left(), vec![4]);
    assert_eq!(series.not_counted(), [2, 3, 4]);
    assert_eq!(series.refused_windows(), ["7 7/b {\"n\":2}"]);
    series.assert_sound();
    series.edit(&[put(2, "21.0")]);
    let increment = series.aggregate(&[
        Said::Now(6, "{\"n\":3}", &[1, 2, 4]),
        Said::Counted(2, 6),
        Said::Counted(4, 6),
        Said::RefusedWindow(None, "7/c", "{\"n\":2}", &[5]),
    ]);
    assert_eq!(series.left(), Vec::<i64>::new());
    assert_eq!(series.not_counted(), [3]);
    assert_eq!(series.refused_windows(), ["7 7/b {\"n\":2}", "8 7/c {\"n\":2}"]);
    series.assert_sound();
    series.roll_back(increment);
    assert_eq!(series.left(), vec![4]);
    assert_eq!(series.not_counted(), [2, 3, 4]);
    series.assert_sound();
}

#[test]
fn windows_of_dense_and_of_sparse_batches_stand_in_the_order_of_their_numbers() {
    let mut series = Series::new(3);
    let ids: Vec<String> = (0..400).map(|at| format!("7/{at:03}")).collect();
    let new: Vec<Said<'_>> = ids.iter().map(|id| Said::New(id, "{\"n\":1}", &[1])).collect();
    series.aggregate(&new);
    let dense = "SELECT entries||' '||(SELECT count(*) FROM ledger_sparse s WHERE s.batch=b.batch) FROM ledger_batch b WHERE entries=400";
    assert_eq!(series.told(dense), ["400 0"]);
    let changed: Vec<Said<'_>> = (0..300)
        .map(|at| Said::Now(4 + at, "{\"n\":2}", &[1, 2]))
        .collect();
    series.aggregate(&changed);
    series.aggregate(&[
        Said::Now(403, "{\"n\":2}", &[2]),
        Said::Vanished(4),
        Said::New("8/0", "{\"n\":1}", &[3]),
        Said::Now(100, "{\"n\":1}", &[3]),
    ]);
    let windows = series.windows();
    assert_eq!(windows.len(), 401);
    assert!(windows.is_sorted_by_key(|window| window.record));
    let inputs: Vec<u64> = windows.iter().map(|window| window.inputs).collect();
    assert_eq!(inputs.iter().sum::<u64>(), 298 * 2 + 102);
    assert_eq!((inputs[0], inputs[1], inputs[96], inputs[399]), (0, 2, 1, 1));
    series.assert_sound();
}

#[test]
fn an_image_of_a_refused_window_that_was_changed_is_found() {
    let mut series = Series::new(1);
    series.aggregate(&[Said::RefusedWindow(None, "7/a", "{\"n\":1}", &[1])]);
    series.assert_sound();
    let forge = "DROP TRIGGER ledger_image_update; UPDATE ledger_image SET body=CAST('7/a'||char(0)||'{\"n\":2}' AS BLOB)";
    series.connection().execute_batch(forge).expect("a forged image");
    let report = verify(&series.store, &VerifyOptions::default()).expect("a verdict");
    let codes: Vec<&str> = report.findings.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["schema.differs", "image.differs"]);
}
