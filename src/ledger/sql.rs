//! Parts of the statements that more than one question to the ledger has: how the entries of one record are found.

/// The entries of a record, or of a row, in one of the views that give its life: the look-up that needs no other entry.
macro_rules! of_record {
    ($entry:literal, $record:literal) => {
        concat!(
            $entry,
            ".record=",
            $record,
            $crate::ledger::sql::of_range!($entry, $record)
        )
    };
}
macro_rules! of_row {
    ($entry:literal, $row:literal) => {
        concat!(
            $entry,
            ".row=",
            $row,
            $crate::ledger::sql::of_range!($entry, $row)
        )
    };
}
// The sign keeps SQLite from looking for a range where it has the number.
macro_rules! of_range {
    ($entry:literal, $number:literal) => {
        concat!(
            " AND ",
            $entry,
            ".first_record<=+",
            $number,
            " AND ",
            $entry,
            ".last_record>=+",
            $number,
            " AND ",
            $entry,
            ".last_record<+",
            $number,
            "+16384"
        )
    };
}

/// What stages have done to a record, or to a row, in passes that stand: `f` the entry, `c` its batch, `q` the pass, `t` the
/// stage.
macro_rules! standing_life {
    () => {
        $crate::ledger::sql::standing_life!("ledger_life")
    };
    ($view:literal) => {
        concat!(
            $view,
            " f CROSS JOIN ledger_batch c ON c.batch=f.batch CROSS JOIN ledger_standing q ON q.pass=c.pass",
            " CROSS JOIN ledger_stage t ON t.stage=q.stage"
        )
    };
}

pub(crate) use {of_range, of_record, of_row, standing_life};
