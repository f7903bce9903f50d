//! What somebody who can write to the file does to a store's rows and ledger, past the triggers: one line each.

/// The guards are taken out, the statements run, and the guards put back.
pub(super) struct Tampered {
    pub(super) base: &'static str,
    pub(super) what: &'static str,
    pub(super) sql: &'static str,
}

const fn done(base: &'static str, what: &'static str, sql: &'static str) -> Tampered {
    Tampered { base, what, sql }
}

pub(super) const ROWS: [Tampered; 8] = [
    done(
        "eventful",
        "an amount of a row changed",
        "UPDATE b SET data=replace(data,'20.50','20.51') WHERE record=20",
    ),
    done(
        "eventful",
        "a row's id changed",
        "UPDATE b SET id='someone' WHERE record=20",
    ),
    done(
        "shop",
        "a blank added behind a row",
        "UPDATE orders_v1 SET data=data||' ' WHERE record=3",
    ),
    done("eventful", "a row deleted", "DELETE FROM b WHERE record=21"),
    done(
        "eventful",
        "a row added",
        "INSERT INTO b SELECT 9999,'forged',data FROM b WHERE record=20",
    ),
    done(
        "derived",
        "the data of two rows swapped",
        "UPDATE c SET data=(SELECT d.data FROM c d WHERE d.record=(SELECT min(record)+max(record)-c.record FROM c)) WHERE record IN(SELECT min(record) FROM c UNION SELECT max(record) FROM c)",
    ),
    done(
        "v4",
        "a row of an old store changed",
        "UPDATE records_v2 SET data=replace(data,'1','2') WHERE record=(SELECT min(record) FROM records_v2 WHERE data LIKE '%1%')",
    ),
    done(
        "rolled_back",
        "a row put back that a rollback had taken away",
        "INSERT INTO b SELECT record,id,data FROM a WHERE record=20",
    ),
];

pub(super) const ENTRIES: [Tampered; 6] = [
    done(
        "eventful",
        "the first entry deleted",
        "DELETE FROM ledger_entry WHERE batch=2 AND record=1",
    ),
    done(
        "malformed",
        "a reason changed",
        "UPDATE ledger_entry SET reason=replace(reason,'\"line\":29','\"line\":30') WHERE record=29",
    ),
    done(
        "rekeyed",
        "an entry said to be about another row",
        "UPDATE ledger_entry SET target=4 WHERE record=2 AND batch>4",
    ),
    done(
        "eventful",
        "an entry added to a batch",
        "INSERT INTO ledger_entry SELECT batch,record,7,outcome,target,input,before,after,reason FROM ledger_entry WHERE batch=2 AND record=3",
    ),
    done(
        "shop",
        "an entry added for a batch that does not exist",
        "INSERT INTO ledger_entry(batch,record,part,outcome) VALUES(999,1,0,1)",
    ),
    done(
        "shop",
        "a commitment cut short",
        "UPDATE ledger_entry SET after=x'00' WHERE record=2",
    ),
];

pub(super) const BATCHES: [Tampered; 6] = [
    done(
        "derived",
        "the link to the batch before changed",
        "UPDATE ledger_batch SET previous_head=zeroblob(32) WHERE batch=3",
    ),
    done(
        "shop",
        "the first batch cut off",
        "DELETE FROM ledger_batch WHERE batch=1",
    ),
    done(
        "eventful",
        "a batch in the middle taken out with its entries",
        "DELETE FROM ledger_entry WHERE batch=15; DELETE FROM ledger_image WHERE batch=15; DELETE FROM ledger_batch WHERE batch=15",
    ),
    done(
        "quarantine",
        "the newest batch cut off with its entries",
        "DELETE FROM ledger_entry WHERE batch=(SELECT max(batch) FROM ledger_batch); DELETE FROM ledger_batch WHERE batch=(SELECT max(batch) FROM ledger_batch)",
    ),
    done(
        "applied",
        "two batches with their entries swapped",
        "UPDATE ledger_entry SET batch=-batch WHERE batch IN(5,6); UPDATE ledger_entry SET batch=CASE batch WHEN -5 THEN 6 ELSE 5 END WHERE batch<0; UPDATE ledger_batch SET batch=-batch WHERE batch IN(5,6); UPDATE ledger_batch SET batch=CASE batch WHEN -5 THEN 6 ELSE 5 END WHERE batch<0",
    ),
    done(
        "one_back",
        "a root of the tree changed",
        "UPDATE ledger_batch SET tree_root=zeroblob(32) WHERE batch=2",
    ),
];

pub(super) const RUNS: [Tampered; 7] = [
    done(
        "eventful",
        "a run done by somebody else",
        "UPDATE ledger_run SET actor='nobody' WHERE run=3",
    ),
    done(
        "applied",
        "the text of a stage changed",
        "UPDATE ledger_stage SET source_text=source_text||'#' WHERE stage=1",
    ),
    done(
        "applied",
        "the meaning of a stage changed with its hash",
        "UPDATE ledger_stage SET meaning='{}', meaning_sha256=x'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a' WHERE stage=1",
    ),
    done(
        "renamed",
        "the acceptance of a name taken back",
        "UPDATE ledger_batch SET body=replace(body,'tidy','neat') WHERE body LIKE '%tidy%'",
    ),
    done(
        "shop",
        "the runs numbered otherwise",
        "UPDATE ledger_run SET run=run+100 WHERE run>1; UPDATE ledger_batch SET run=run+100 WHERE run>1",
    ),
    done(
        "bank",
        "the revisions of stages numbered otherwise",
        "UPDATE ledger_stage SET stage=stage+100; UPDATE ledger_pass SET stage=stage+100; UPDATE ledger_total SET stage=stage+100",
    ),
    done(
        "malformed",
        "a load said to be of a stage that does not exist",
        "UPDATE ledger_pass SET stage=1 WHERE kind='load'",
    ),
];

/// What every hash is computed anew after, so that one rule alone is broken.
pub(super) const RESEALED: [Tampered; 4] = [
    done(
        "shop",
        "the last batch dated before the others, and hashed anew",
        "UPDATE ledger_batch SET committed_us=0 WHERE batch=(SELECT max(batch) FROM ledger_batch)",
    ),
    done(
        "shop",
        "the records of a load made its end, and hashed anew",
        "UPDATE ledger_batch SET step='end' WHERE batch=2",
    ),
    done(
        "dense",
        "a record that a load has written counted as unchanged, and hashed anew",
        "UPDATE ledger_batch SET written=written-1, unchanged=unchanged+1 WHERE batch=2",
    ),
    done(
        "shop",
        "the range of a batch widened, and hashed anew",
        "UPDATE ledger_batch SET last_record=last_record+1 WHERE batch=2",
    ),
];

pub(super) const RECORDS: [Tampered; 18] = [
    done(
        "eventful",
        "a salt changed",
        "UPDATE ledger_record SET salt=zeroblob(16) WHERE record=20",
    ),
    done(
        "shop",
        "the id that a record began with changed",
        "UPDATE ledger_record SET id='other' WHERE record=2",
    ),
    done(
        "derived",
        "a record said to come from another database",
        "UPDATE ledger_record SET database='a' WHERE database='c'",
    ),
    done(
        "eventful",
        "the origin of a record that never was",
        "INSERT INTO ledger_record VALUES(9999,'a','ghost',zeroblob(16))",
    ),
    done(
        "shop",
        "the origin of a record in a database that never was",
        "INSERT INTO ledger_record VALUES(9999,'nowhere','ghost',zeroblob(16))",
    ),
    done(
        "rekeyed",
        "a byte of a whole image changed",
        "UPDATE ledger_image SET body=CAST(replace(CAST(body AS TEXT),'v','w') AS BLOB) WHERE kind=1 AND record=1",
    ),
    done(
        "eventful",
        "the old text of a reverse patch changed",
        "UPDATE ledger_image SET body=CAST(replace(CAST(body AS TEXT),'7.00','7.02') AS BLOB) WHERE kind=2 AND CAST(body AS TEXT) LIKE '%7.00%'",
    ),
    done(
        "eventful",
        "the new text of a reverse patch changed",
        "UPDATE ledger_image SET body=CAST(replace(CAST(body AS TEXT),'7.01','7.02') AS BLOB) WHERE kind=2 AND CAST(body AS TEXT) LIKE '%7.01%'",
    ),
    done(
        "eventful",
        "an image deleted",
        "DELETE FROM ledger_image WHERE (batch,record)=(SELECT batch,record FROM ledger_image WHERE kind=2 LIMIT 1)",
    ),
    done(
        "applied",
        "a refused record changed",
        "UPDATE ledger_image SET body=CAST(replace(CAST(body AS TEXT),'none','nine') AS BLOB) WHERE kind=4 AND record=37",
    ),
    done(
        "eventful",
        "an image without an entry",
        "INSERT INTO ledger_image VALUES(2,999,0,1,x'00')",
    ),
    done(
        "shop",
        "an erasure that nobody made",
        "INSERT INTO ledger_erasure VALUES(2,2,'none')",
    ),
    done(
        "shop",
        "a reverse patch of a change that nobody made",
        "INSERT INTO ledger_image SELECT batch,record,part,2,CAST('[[\"/n\",0,\"1\",\"2\"]]' AS BLOB) FROM ledger_entry WHERE batch=2 AND record=3",
    ),
    done(
        "unfinished",
        "a refused input of a record that was not refused",
        "INSERT INTO ledger_image SELECT batch,record,part,4,CAST('{}' AS BLOB) FROM ledger_entry WHERE batch=2 AND record=1",
    ),
    done(
        "malformed",
        "a refused line changed, and its salt taken away",
        "UPDATE ledger_record SET salt=NULL WHERE record=29; UPDATE ledger_image SET body=CAST('{}' AS BLOB) WHERE record=29",
    ),
    done(
        "malformed",
        "a refused line changed, and the origin of its number taken out",
        "DELETE FROM ledger_record WHERE record=29; UPDATE ledger_image SET body=CAST('{}' AS BLOB) WHERE record=29",
    ),
    done(
        "quarantine",
        "a refused input taken out",
        "DELETE FROM ledger_image WHERE (batch,record,part)=(SELECT batch,record,part FROM ledger_image WHERE kind=4 ORDER BY 1, 2 LIMIT 1)",
    ),
    done(
        "shop",
        "an image of a kind that does not exist",
        "INSERT INTO ledger_image SELECT batch,record,part,9,x'00' FROM ledger_entry WHERE batch=2 AND record=3",
    ),
];

pub(super) const DERIVED: [Tampered; 4] = [
    done(
        "eventful",
        "a record's batch left out of the index of sparse batches",
        "DELETE FROM ledger_sparse WHERE record=20",
    ),
    done(
        "dense",
        "a dense batch listed as a sparse one",
        "INSERT INTO ledger_sparse VALUES(7,2)",
    ),
    done(
        "unfinished",
        "an open pass listed as ended",
        "DELETE FROM ledger_open",
    ),
    done(
        "quarantine",
        "a sum of what a stage has done changed",
        "UPDATE ledger_total SET written=written+1, refused=refused-1",
    ),
];
