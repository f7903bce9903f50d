//! Parts that several ledger queries share: how the entries of one record are found.

/// The entries of a record, or of a row, in one of the views of its life: the look-up that reads no other entry.
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
// The unary `+` keeps SQLite from searching a range when it has the number.
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

/// What stages have done to a record or a row in standing passes: `f` is the entry, `c` its batch, `q` the pass, `t`
/// the stage.
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

/// Whether an entry concerns only a place (a code that begins with `target.`): its record does not own the row that it
/// names.
macro_rules! is_about_place {
    ($entry:literal) => {
        concat!("coalesce(", $entry, ".reason,'') GLOB '{\"code\":\"target.*'")
    };
}

/// Whether an entry of a pass `p` is that of a window of a stage that aggregates, refused or not: 1 or 0.
macro_rules! is_of_window {
    ($entry:literal) => {
        concat!(
            "(",
            $entry,
            ".target IS NULL AND json_type(CASE WHEN json_valid(",
            $entry,
            ".reason) THEN ",
            $entry,
            ".reason END,'$.spans') IS NOT NULL AND EXISTS(SELECT 1 FROM ledger_stage a
               WHERE a.stage=p.stage AND json_type(CASE WHEN json_valid(a.meaning) THEN a.meaning END,'$.aggregate') IS NOT NULL))"
        )
    };
}

/// The completed rollbacks of a whole pass: `u` is the rollback, `x` its last batch. Passes without one stand
/// (`ledger_standing`).
macro_rules! rollbacks_of {
    ($pass:literal) => {
        $crate::ledger::sql::rollbacks_of!("", $pass)
    };
    ($schema:literal, $pass:literal) => {
        concat!(
            " FROM ",
            $schema,
            "ledger_pass u JOIN ",
            $schema,
            "ledger_batch x ON x.pass=u.pass AND x.step='end' WHERE u.reverses=",
            $pass
        )
    };
}

/// Whether a pass was undone.
macro_rules! undone {
    ($($of:literal),+) => {
        concat!("EXISTS(SELECT 1", $crate::ledger::sql::rollbacks_of!($($of),+), ")")
    };
}

/// The pass that undid a pass; null if there is none.
macro_rules! undone_by {
    ($pass:literal) => {
        concat!(
            "(SELECT min(u.pass)",
            $crate::ledger::sql::rollbacks_of!($pass),
            ")"
        )
    };
}

/// Whether a rollback of single records has undone an entry of a pass. An entry that it had to leave unchanged still
/// stands.
macro_rules! undone_singly {
    ($pass:literal, $entry:literal) => {
        $crate::ledger::sql::undone_singly!($pass, "", $entry)
    };
    ($pass:literal, $column:literal, $entry:literal) => {
        concat!(
            "EXISTS(SELECT 1 FROM ledger_batch x CROSS JOIN ledger_pass u ON u.pass=x.pass
               CROSS JOIN ledger_entry g ON g.batch=x.batch AND g.record=",
            $entry,
            ".record AND g.part=",
            $entry,
            ".part
               WHERE json_extract(x.body,'$.undoes')=+",
            $pass,
            $column,
            " AND u.kind='rollback' AND u.reverses IS NULL AND NOT (g.outcome=4 AND g.before IS g.after))"
        )
    };
}

/// Whether an entry stands in its stage: its pass applied or retried, which no rollback has undone (the pass is one of
/// `ledger_standing`), and no rollback of single records has undone the entry. Where a record stands is what the newest of
/// its standing entries says, and there are two answers:
/// - with refusals, for the stage's next pass, which has to know what it refused: `merged::members`;
/// - without, for everybody else: a refused record is where it was before. So the views `ledger_member` and
///   `ledger_stage_life`, and `CrossReference`, which asks for all parts of a record.
macro_rules! stands {
    ($pass:literal, $entry:literal) => {
        concat!(
            $pass,
            ".kind IN('apply','retry') AND NOT ",
            $crate::ledger::sql::undone_singly!($pass, ".pass", $entry)
        )
    };
}

pub(crate) use {
    is_about_place, is_of_window, of_range, of_record, of_row, rollbacks_of, standing_life, stands, undone,
    undone_by, undone_singly,
};
