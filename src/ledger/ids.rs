//! The numbers of runs, passes, batches and records as SQLite knows them: integers.

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::record::{BatchId, PassId, RecordNumber, RunId};

macro_rules! integers {
    ($($name:ident)+) => {$(
        #[doc(hidden)]
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.get()))
            }
        }

        #[doc(hidden)]
        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map(Self::new)
            }
        }
    )+};
}

integers! { RunId PassId BatchId RecordNumber }

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, params};

    use super::{BatchId, RecordNumber};

    #[test]
    fn a_number_goes_through_sqlite_as_the_integer_that_it_is() {
        let connection = Connection::open_in_memory().unwrap();
        let sql = "SELECT ?1, typeof(?1), ?2, typeof(?2)";
        let all = connection
            .query_row(sql, params![RecordNumber::MAX, None::<BatchId>], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .unwrap();
        let expected: (RecordNumber, String, Option<BatchId>, String) =
            (RecordNumber::MAX, "integer".into(), None, "null".into());
        assert_eq!(all, expected);
        assert!(
            connection
                .query_row("SELECT '7'", [], |row| row.get::<_, BatchId>(0))
                .is_err()
        );
    }
}
