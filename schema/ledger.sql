-- The ledger, format e1/b1 (schema version 8). Earlier versions: version 1 had no audit_reconciliation; what is marked
-- came with versions 3 to 8. Their texts are in ledger_v3.sql to ledger_v7.sql. SQLite 3.37 and later read all of it, because
-- of STRICT: what came later, such as ->>, stands nowhere here.
--
-- Tree order is the primary-key order of ledger_entry (batch, record, part); each batch is closed by its header as one
-- more leaf. commitment = SHA-256(salt || id || 0x00 || data as stored). leaf = SHA-256(0x00 || text) and
-- node = SHA-256(0x01 || left || right), as in RFC 6962. entries_sha256 = SHA-256 of the leaf texts, each ended by LF;
-- head = SHA-256(header text || LF). hex(NULL) is '', so that a missing hash prints "".

-- A revision of a stage that was applied: its text as read, and its meaning (canonical JSON, hashed as it stands here).
CREATE TABLE ledger_stage(
  stage INTEGER PRIMARY KEY, project TEXT NOT NULL, number INTEGER NOT NULL, slug TEXT NOT NULL,
  source_text TEXT NOT NULL, text_sha256 BLOB NOT NULL CHECK(length(text_sha256)=32),
  meaning TEXT NOT NULL CHECK(json_valid(meaning)), meaning_sha256 BLOB NOT NULL CHECK(length(meaning_sha256)=32),
  UNIQUE(project, number, text_sha256, meaning_sha256)) STRICT;

-- One execution of a command that writes. Run 1 is init; its uuid names the ledger.
CREATE TABLE ledger_run(
  run INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, command TEXT NOT NULL, actor TEXT NOT NULL, host TEXT NOT NULL,
  tool TEXT NOT NULL, arguments TEXT NOT NULL CHECK(json_valid(arguments)), reason TEXT, started_us INTEGER NOT NULL) STRICT;

-- The work of one stage in one direction; several runs may continue it.
CREATE TABLE ledger_pass(
  pass INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK(kind IN('init','load','edit','apply','retry','waive','rollback','merge','erase','reconcile')),
  stage INTEGER REFERENCES ledger_stage, source TEXT, target TEXT,
  reverses INTEGER REFERENCES ledger_pass,  -- the pass that a rollback undoes; NULL where it undoes single records
  after_batch INTEGER,                      -- an increment reads what later batches wrote to the source; NULL: the whole table
  now_us INTEGER NOT NULL) STRICT;          -- what now() gives in every run that continues the pass
CREATE INDEX ledger_pass_reverses ON ledger_pass(reverses);  -- since version 3
-- Since version 4.
CREATE INDEX ledger_pass_stage ON ledger_pass(stage, kind, pass);
CREATE INDEX ledger_pass_target ON ledger_pass(target, pass);
CREATE INDEX ledger_pass_source ON ledger_pass(source, pass);
CREATE INDEX ledger_pass_route ON ledger_pass(stage, target, source);
CREATE INDEX ledger_pass_place ON ledger_pass(target, pass) WHERE source=target;
CREATE INDEX ledger_pass_hand ON ledger_pass(target, pass) WHERE kind IN('load','edit');

-- A slice of records committed atomically. read, written ... count source records; tree_* and frontier are those after
-- the header leaf.
CREATE TABLE ledger_batch(
  batch INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES ledger_run, pass INTEGER NOT NULL REFERENCES ledger_pass,
  step TEXT NOT NULL CHECK(step IN('data','index','note','end')), first_record INTEGER, last_record INTEGER, cursor TEXT,
  read INTEGER NOT NULL, written INTEGER NOT NULL, unchanged INTEGER NOT NULL, filtered INTEGER NOT NULL,
  refused INTEGER NOT NULL, merged INTEGER NOT NULL,
  entries INTEGER NOT NULL, committed_us INTEGER NOT NULL, body TEXT CHECK(body IS NULL OR json_valid(body)),
  entries_sha256 BLOB NOT NULL CHECK(length(entries_sha256)=32),
  previous_head BLOB NOT NULL CHECK(length(previous_head)=32), head BLOB NOT NULL CHECK(length(head)=32),
  tree_size INTEGER NOT NULL, tree_root BLOB NOT NULL CHECK(length(tree_root)=32),
  frontier BLOB NOT NULL CHECK(length(frontier)%32=0),
  CHECK(read=written+unchanged+filtered+refused+merged)) STRICT;
CREATE INDEX ledger_batch_pass ON ledger_batch(pass, batch);
CREATE INDEX ledger_batch_run ON ledger_batch(run, batch);  -- since version 3
-- Since version 4. Which passes have ended, which have refused something, which single
-- records a rollback has undone, which reconciliations have looked at all or left something unexplained, and which loads have read which bytes.
CREATE INDEX ledger_batch_end ON ledger_batch(pass) WHERE step='end';
CREATE INDEX ledger_batch_whole ON ledger_batch(pass) WHERE instr(body,'"whole":true');
CREATE INDEX ledger_batch_failed ON ledger_batch(pass) WHERE instr(body,'"holds":false');
CREATE INDEX ledger_batch_input ON ledger_batch(json_extract(body,'$.bytes'), json_extract(body,'$.sha256')) WHERE step='end' AND json_extract(body,'$.bytes') IS NOT NULL;
CREATE INDEX ledger_batch_refused ON ledger_batch(pass) WHERE refused>0;
CREATE INDEX ledger_batch_undoes ON ledger_batch(json_extract(body,'$.undoes')) WHERE json_extract(body,'$.undoes') IS NOT NULL;
-- Since version 4. The batches that are found by the range of their records, because they have many, and most of a range that
-- is no longer than 16,384:
-- the entries of all others stand in ledger_sparse.
CREATE INDEX ledger_batch_dense ON ledger_batch(last_record, first_record, batch)
 WHERE entries>256 AND last_record-first_record<4*entries AND last_record-first_record<16384;

-- Where a record number comes from. A 1:1 stage keeps the number. id and salt are NULL once erased; id is NULL for a
-- line that was refused at the door, and for a number that began with an entry about no row.
CREATE TABLE ledger_record(
  record INTEGER PRIMARY KEY, database TEXT NOT NULL, id TEXT, salt BLOB CHECK(length(salt)=16)) STRICT;

-- The entry of one record in one batch.
CREATE TABLE ledger_entry(
  batch INTEGER NOT NULL, record INTEGER NOT NULL, part INTEGER NOT NULL,
  outcome INTEGER NOT NULL CHECK(outcome BETWEEN 1 AND 5),  -- 1 written 2 unchanged 3 filtered (also waived, skipped) 4 refused (also conflict) 5 merged
  target INTEGER,                                           -- the record written, where it is another one
  input BLOB CHECK(length(input)=32),                       -- the source record, or a digest of several; NULL in place
  before BLOB CHECK(length(before)=32), after BLOB CHECK(length(after)=32),  -- the target's row before and after; NULL = no row
  reason TEXT,                                              -- JSON: codes, pointers, rule, line; never a value
  PRIMARY KEY(batch, record, part)) STRICT, WITHOUT ROWID;
-- Since version 8: what stages that aggregate write (their meaning has a key "aggregate"). Keys that are unknown are kept.
-- A window is a row under a number that is given out with its first entry: record is that number, part 0, target NULL; outcome 1 written,
-- 2 unchanged though its readings changed, 3 removed because no reading of it is left ("code":"aggregate.vanished") or left as a person has
-- changed it ("target.edited"), 4 refused. reason has {"inputs":58,"spans":[[1,58421]]}: how many readings it has, and
-- at most 8 ranges of record numbers [first,last] that cover them; if it is a refusal or says that a window was left, they stand at its end.
-- The image of kind 4 of a refused window is the window as it would have been written; "image" in its reason is the commitment to that, in hex.
-- input of a window: SHA-256 over lines, each ended by LF: the lower-case hex of a block's digest, the blocks ascending. A block's
-- digest is SHA-256 over such lines, each the lower-case hex of a reading's commitment, ascending by number, of the window's readings whose numbers
-- divided by 65,536 give the number of the block. NULL without readings.
-- A reading has an entry only if it was refused (outcome 4) or left out because it came late (3, "aggregate.late"), and once more
-- when that ends: counted (5, {"code":"aggregate.counted","window":N}, in the batch of the window N), left out by `where` (3, "where"), gone (3, "source.deleted"), waiting in a window that is held back (3, "aggregate.held").
-- body of the pass's note: {"readings":{"read":N,"counted":N,"filtered":N,"refused":N},"aggregate":{...}}. The counts of a batch count its entries.
-- cursor of its batches: {"scanned":N}, or {"deleted":N} for readings that are gone, N the last number; then {"window":N}, the last
-- window written, or {"gone":N}, a row that is a window no longer: those come first. Numbers only, because every proof shows it.
-- Since version 3. The entries that wrote a row under another number, and those of records that met another one in the
-- target: who waits for a place. Both are small, because most entries have neither.
CREATE INDEX ledger_entry_target ON ledger_entry(target) WHERE target IS NOT NULL;
CREATE INDEX ledger_entry_conflict ON ledger_entry(record) WHERE reason GLOB '{"code":"target.*';
-- Since version 4.
CREATE INDEX ledger_entry_refused ON ledger_entry(batch) WHERE outcome=4;
-- Since version 6. The entries that list pairs for a review.
CREATE INDEX ledger_entry_review ON ledger_entry(record) WHERE reason GLOB '*"review":[[]*';

-- Since version 4. What follows from the ledger, so that no look at one record or at what stands reads all of it: the
-- records of batches that are not dense, the passes that have not ended, the outcomes of the passes of a revision that stand,
-- and the batches that have written to each database, but for loads of what was there already. `verify` compares all of them with the ledger.
-- The batch of ledger_total is the newest that has changed the row: its guards ask for it, because a guard cannot know who
-- writes, and to add all up again would cost more with every batch.
CREATE TABLE ledger_sparse(record INTEGER NOT NULL, batch INTEGER NOT NULL, PRIMARY KEY(record, batch)) STRICT, WITHOUT ROWID;
CREATE TABLE ledger_open(pass INTEGER PRIMARY KEY) STRICT;
CREATE TABLE ledger_total(
  stage INTEGER PRIMARY KEY, batch INTEGER NOT NULL, read INTEGER NOT NULL, written INTEGER NOT NULL,
  unchanged INTEGER NOT NULL, filtered INTEGER NOT NULL, refused INTEGER NOT NULL, merged INTEGER NOT NULL) STRICT;
CREATE TABLE ledger_written(
  database TEXT NOT NULL, rollback INTEGER NOT NULL, batch INTEGER NOT NULL,  -- rollback: 1 where the pass is one
  PRIMARY KEY(database, rollback, batch)) STRICT, WITHOUT ROWID;
-- Since version 6. What the entries of stages that look into other databases say they have used: by the row of the
-- database, 0 where none was found; how: 'id' (only the row's id), 'row', 'golden' (row is a source record, golden is
-- what it was merged into; 0 otherwise), 'absent'.
CREATE TABLE ledger_lookup(
  database TEXT NOT NULL, row INTEGER NOT NULL, how TEXT NOT NULL, golden INTEGER NOT NULL, record INTEGER NOT NULL, batch INTEGER NOT NULL,
  PRIMARY KEY(database, row, how, golden, record, batch)) STRICT, WITHOUT ROWID;
CREATE TRIGGER ledger_batch_looks AFTER INSERT ON ledger_batch
 WHEN NEW.entries>0 AND EXISTS(SELECT 1 FROM ledger_pass p JOIN ledger_stage s USING(stage)
   WHERE p.pass=NEW.pass AND p.kind IN('apply','retry') AND instr(s.meaning,'"lookups":'))
 BEGIN INSERT INTO ledger_lookup SELECT DISTINCT d.key,
     CASE h.key WHEN 'absent' THEN 0 WHEN 'golden' THEN json_extract(CASE v.type WHEN 'array' THEN v.value END,'$[0]') ELSE v.value END, h.key,
     CASE h.key WHEN 'golden' THEN json_extract(CASE v.type WHEN 'array' THEN v.value END,'$[1]') ELSE 0 END, e.record, e.batch
   FROM ledger_entry e JOIN json_each(CASE WHEN json_valid(e.reason) THEN e.reason END,'$.lookup') d
     JOIN json_each(CASE d.type WHEN 'object' THEN d.value END) h JOIN json_each(CASE h.type WHEN 'array' THEN h.value END) v
   WHERE e.batch=NEW.batch AND instr(e.reason,'"lookup":'); END;
CREATE TRIGGER ledger_batch_writes AFTER INSERT ON ledger_batch
 WHEN NEW.read>0 AND EXISTS(SELECT 1 FROM ledger_pass WHERE pass=NEW.pass AND target IS NOT NULL AND (kind<>'load' OR NEW.read>NEW.unchanged))
 BEGIN INSERT INTO ledger_written SELECT target, kind='rollback', NEW.batch FROM ledger_pass WHERE pass=NEW.pass; END;
CREATE TRIGGER ledger_batch_sparse AFTER INSERT ON ledger_batch
 WHEN NEW.entries>0 AND NOT (NEW.entries>256 AND NEW.last_record-NEW.first_record<4*NEW.entries AND NEW.last_record-NEW.first_record<16384)
 BEGIN INSERT INTO ledger_sparse SELECT DISTINCT record, batch FROM ledger_entry WHERE batch=NEW.batch; END;
CREATE TRIGGER ledger_pass_opens AFTER INSERT ON ledger_pass BEGIN INSERT INTO ledger_open VALUES(NEW.pass); END;
CREATE TRIGGER ledger_batch_adds AFTER INSERT ON ledger_batch
 WHEN NEW.read>0 AND EXISTS(SELECT 1 FROM ledger_pass WHERE pass=NEW.pass AND kind IN('apply','retry','waive') AND stage IS NOT NULL)
 BEGIN INSERT INTO ledger_total
   SELECT stage, NEW.batch, NEW.read, NEW.written, NEW.unchanged, NEW.filtered, NEW.refused, NEW.merged
   FROM ledger_pass WHERE pass=NEW.pass
   ON CONFLICT(stage) DO UPDATE SET batch=NEW.batch, read=read+NEW.read, written=written+NEW.written,
     unchanged=unchanged+NEW.unchanged, filtered=filtered+NEW.filtered, refused=refused+NEW.refused, merged=merged+NEW.merged; END;
CREATE TRIGGER ledger_batch_takes_back AFTER INSERT ON ledger_batch
 WHEN NEW.step='end' AND EXISTS(SELECT 1 FROM ledger_pass WHERE pass=NEW.pass AND reverses IS NOT NULL)
 BEGIN UPDATE ledger_total SET
   batch=NEW.batch, read=ledger_total.read-u.read, written=ledger_total.written-u.written, unchanged=ledger_total.unchanged-u.unchanged,
   filtered=ledger_total.filtered-u.filtered, refused=ledger_total.refused-u.refused, merged=ledger_total.merged-u.merged
   FROM (SELECT q.stage, sum(b.read) AS read, sum(b.written) AS written, sum(b.unchanged) AS unchanged,
       sum(b.filtered) AS filtered, sum(b.refused) AS refused, sum(b.merged) AS merged
     FROM ledger_pass p JOIN ledger_pass q ON q.pass=p.reverses AND q.kind IN('apply','retry','waive') AND q.stage IS NOT NULL
     JOIN ledger_batch b ON b.pass=q.pass AND b.read>0 WHERE p.pass=NEW.pass GROUP BY q.stage) u
   WHERE u.stage=ledger_total.stage; END;
CREATE TRIGGER ledger_batch_ends AFTER INSERT ON ledger_batch WHEN NEW.step='end'
 BEGIN DELETE FROM ledger_open WHERE pass=NEW.pass; END;

-- What a rollback or a retry needs. 1: id || 0x00 || data of the old row. 2: a reverse patch, a JSON array of
-- [pointer, position, old text | null, new text | null]. 3: encrypted. 4: the refused input: id || 0x00 || data, or for
-- a load the line as read.
CREATE TABLE ledger_image(
  batch INTEGER NOT NULL, record INTEGER NOT NULL, part INTEGER NOT NULL, kind INTEGER NOT NULL CHECK(kind BETWEEN 1 AND 4),
  body BLOB NOT NULL, PRIMARY KEY(batch, record, part)) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_erasure(record INTEGER PRIMARY KEY, batch INTEGER NOT NULL, basis TEXT NOT NULL) STRICT;
CREATE TABLE ledger_checkpoint(tree_size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;

-- Guards. No INSERT trigger on ledger_entry: it would cost 1.5 us a row; a REPLACE there is found by the chain. Nor on
-- ledger_sparse: a row too many there is found by `verify`. Those of the tables that follow from the ledger have one line each,
-- because `verify` names them in one.
CREATE TRIGGER ledger_batch_insert BEFORE INSERT ON ledger_batch
 WHEN NEW.batch IS NOT (SELECT coalesce(max(batch),0)+1 FROM ledger_batch)
   OR NEW.previous_head IS NOT coalesce((SELECT head FROM ledger_batch ORDER BY batch DESC LIMIT 1), zeroblob(32))
   OR NEW.entries IS NOT (SELECT count(*) FROM ledger_entry WHERE batch=NEW.batch)
   OR NEW.tree_size IS NOT coalesce((SELECT tree_size FROM ledger_batch ORDER BY batch DESC LIMIT 1),0)+NEW.entries+1
   OR NEW.committed_us < coalesce((SELECT committed_us FROM ledger_batch ORDER BY batch DESC LIMIT 1), NEW.committed_us)
 BEGIN SELECT RAISE(ABORT,'ledger: batch does not extend the chain'); END;
CREATE TRIGGER ledger_stage_update BEFORE UPDATE ON ledger_stage BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_stage_delete BEFORE DELETE ON ledger_stage BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_run_update BEFORE UPDATE ON ledger_run BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_run_delete BEFORE DELETE ON ledger_run BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_pass_update BEFORE UPDATE ON ledger_pass BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_pass_delete BEFORE DELETE ON ledger_pass BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_batch_update BEFORE UPDATE ON ledger_batch BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_batch_delete BEFORE DELETE ON ledger_batch BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_entry_update BEFORE UPDATE ON ledger_entry BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_entry_delete BEFORE DELETE ON ledger_entry BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_sparse_update BEFORE UPDATE ON ledger_sparse BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_sparse_delete BEFORE DELETE ON ledger_sparse BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_written_update BEFORE UPDATE ON ledger_written BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_written_delete BEFORE DELETE ON ledger_written BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_written_insert BEFORE INSERT ON ledger_written WHEN NOT EXISTS(SELECT 1 FROM ledger_batch b JOIN ledger_pass p USING(pass) WHERE b.batch=NEW.batch AND p.target=NEW.database AND (p.kind='rollback')=NEW.rollback) BEGIN SELECT RAISE(ABORT,'ledger: the batch has not written there'); END;
CREATE TRIGGER ledger_lookup_update BEFORE UPDATE ON ledger_lookup BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_lookup_delete BEFORE DELETE ON ledger_lookup BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_lookup_insert BEFORE INSERT ON ledger_lookup WHEN NOT EXISTS(SELECT 1 FROM ledger_entry WHERE batch=NEW.batch AND record=NEW.record AND instr(reason,'"lookup":')) BEGIN SELECT RAISE(ABORT,'ledger: the record has looked up nothing'); END;
CREATE TRIGGER ledger_total_insert BEFORE INSERT ON ledger_total WHEN NEW.batch IS NOT (SELECT max(batch) FROM ledger_batch) OR NEW.stage IS NOT (SELECT p.stage FROM ledger_batch b JOIN ledger_pass p USING(pass) WHERE b.batch=NEW.batch) OR EXISTS(SELECT 1 FROM ledger_total WHERE stage=NEW.stage AND batch>=NEW.batch) BEGIN SELECT RAISE(ABORT,'ledger: only a new batch adds to what a stage has done'); END;
CREATE TRIGGER ledger_total_update BEFORE UPDATE ON ledger_total WHEN NEW.stage IS NOT OLD.stage OR NEW.batch IS NOT (SELECT max(batch) FROM ledger_batch) OR NEW.batch<=OLD.batch BEGIN SELECT RAISE(ABORT,'ledger: only a new batch changes what a stage has done'); END;
CREATE TRIGGER ledger_total_delete BEFORE DELETE ON ledger_total BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_open_insert BEFORE INSERT ON ledger_open WHEN NOT EXISTS(SELECT 1 FROM ledger_pass WHERE pass=NEW.pass) OR EXISTS(SELECT 1 FROM ledger_batch WHERE pass=NEW.pass AND step='end') BEGIN SELECT RAISE(ABORT,'ledger: no such pass is open'); END;
CREATE TRIGGER ledger_open_update BEFORE UPDATE ON ledger_open BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_open_delete BEFORE DELETE ON ledger_open WHEN NOT EXISTS(SELECT 1 FROM ledger_batch WHERE pass=OLD.pass AND step='end') BEGIN SELECT RAISE(ABORT,'ledger: the pass has not ended'); END;
CREATE TRIGGER ledger_erasure_update BEFORE UPDATE ON ledger_erasure BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_erasure_delete BEFORE DELETE ON ledger_erasure BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_checkpoint_update BEFORE UPDATE ON ledger_checkpoint BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_checkpoint_delete BEFORE DELETE ON ledger_checkpoint BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_image_update BEFORE UPDATE ON ledger_image BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;
CREATE TRIGGER ledger_image_delete BEFORE DELETE ON ledger_image
 WHEN NOT EXISTS(SELECT 1 FROM ledger_erasure WHERE record=OLD.record)
 BEGIN SELECT RAISE(ABORT,'ledger: only a recorded erasure removes an image'); END;
CREATE TRIGGER ledger_record_update BEFORE UPDATE ON ledger_record
 WHEN NEW.record IS NOT OLD.record OR NEW.database IS NOT OLD.database OR NEW.id IS NOT NULL OR NEW.salt IS NOT NULL
   OR NOT EXISTS(SELECT 1 FROM ledger_erasure WHERE record=OLD.record)
 BEGIN SELECT RAISE(ABORT,'ledger: only a recorded erasure shreds a record'); END;
CREATE TRIGGER ledger_record_delete BEFORE DELETE ON ledger_record BEGIN SELECT RAISE(ABORT,'ledger: append-only'); END;

-- The texts that are hashed.
CREATE VIEW ledger_leaf AS
 SELECT batch, record, part,
   json_array('e1',batch,record,part,outcome,target,lower(hex(input)),lower(hex(before)),lower(hex(after)),reason) AS leaf_text
 FROM ledger_entry ORDER BY batch, record, part;
CREATE VIEW ledger_header AS
 SELECT b.batch, b.head, json_array('b1',b.batch,r.uuid,r.command,r.actor,r.host,r.tool,r.arguments,r.reason,r.started_us,
   s.project,s.number,s.slug,lower(hex(s.text_sha256)),lower(hex(s.meaning_sha256)),
   b.pass,p.kind,p.source,p.target,p.reverses,p.after_batch,p.now_us,b.step,b.first_record,b.last_record,b.cursor,
   b.read,b.written,b.unchanged,b.filtered,b.refused,b.merged,b.entries,b.committed_us,b.body,
   lower(hex(b.entries_sha256)),lower(hex(b.previous_head))) AS header_text
 FROM ledger_batch b JOIN ledger_run r USING(run) JOIN ledger_pass p USING(pass) LEFT JOIN ledger_stage s USING(stage);

-- Since version 4. The passes that stand: no rollback of them has ended.
CREATE VIEW ledger_standing AS
 SELECT p.* FROM ledger_pass p
 WHERE NOT EXISTS(SELECT 1 FROM ledger_pass u JOIN ledger_batch x ON x.pass=u.pass AND x.step='end' WHERE u.reverses=p.pass);
-- Since version 4. What was refused, by its batch.
CREATE VIEW ledger_refused AS
 SELECT e.* FROM ledger_entry e INDEXED BY ledger_entry_refused WHERE e.outcome=4;
-- Since version 4. The entries of a record, each with the range in which it has to be looked for: ask for
-- record=N AND first_record<=N AND last_record>=N AND last_record<N+16384.
CREATE VIEW ledger_life AS
 SELECT s.record AS first_record, s.record AS last_record, e.* FROM ledger_sparse s
 CROSS JOIN ledger_entry e ON e.batch=s.batch AND e.record=s.record
 UNION ALL
 SELECT b.first_record, b.last_record, b.batch, e.record, e.part, e.outcome, e.target, e.input, e.before, e.after, e.reason FROM ledger_batch b INDEXED BY ledger_batch_dense
 CROSS JOIN ledger_entry e ON e.batch=b.batch
 WHERE b.entries>256 AND b.last_record-b.first_record<4*b.entries AND b.last_record-b.first_record<16384;
-- Since version 4. The entries about a row of a target, by the number of the row, in the same way.
CREATE VIEW ledger_row_life AS
 SELECT s.record AS row, s.record AS first_record, s.record AS last_record, e.* FROM ledger_sparse s
 CROSS JOIN ledger_entry e ON e.batch=s.batch AND e.record=s.record AND e.target IS NULL
 UNION ALL
 SELECT e.record, b.first_record, b.last_record, b.batch, e.record, e.part, e.outcome, e.target, e.input, e.before, e.after, e.reason FROM ledger_batch b INDEXED BY ledger_batch_dense
 CROSS JOIN ledger_entry e ON e.batch=b.batch AND e.target IS NULL
 WHERE b.entries>256 AND b.last_record-b.first_record<4*b.entries AND b.last_record-b.first_record<16384
 UNION ALL
 SELECT e.target, e.target, e.target, e.* FROM ledger_entry e WHERE e.target IS NOT NULL;
-- Since version 6. What stages have done to records in passes that stand, less what a rollback of single records has undone. Ask for a
-- record as in ledger_life.
CREATE VIEW ledger_stage_life AS
 SELECT f.first_record, f.last_record, t.project, t.number, f.batch, f.record, f.part, f.outcome, f.target, f.reason
 FROM ledger_life f CROSS JOIN ledger_batch c ON c.batch=f.batch CROSS JOIN ledger_standing q ON q.pass=c.pass
 CROSS JOIN ledger_stage t ON t.stage=q.stage
 WHERE q.kind IN('apply','retry') AND NOT EXISTS(SELECT 1 FROM ledger_batch x CROSS JOIN ledger_pass u ON u.pass=x.pass
   CROSS JOIN ledger_entry g ON g.batch=x.batch AND g.record=f.record AND g.part=f.part
   WHERE json_extract(x.body,'$.undoes')=+q.pass AND u.kind='rollback' AND u.reverses IS NULL AND NOT (g.outcome=4 AND g.before IS g.after));
-- Since version 6. The entry that says where a member of a merge stage stands: its newest one in a pass that stands. A refused one says
-- nothing, because it leaves the member where it was.
CREATE VIEW ledger_member AS
 SELECT m.project, m.number, m.source, m.database, m.batch, m.member, m.golden, m.outcome, m.after, m.reason FROM (
   -- Entries of batches that are not dense, and of those that are. Of all members SQLite begins with the stages, because
   -- likelihood() says that hardly any is a merge; of one member with ledger_sparse; of one golden record with ledger_entry_target.
   SELECT s.project, s.number, p.source, p.target AS database, p.pass, e.batch, f.record AS member, e.target AS golden,
     e.outcome, e.after, e.reason
   FROM ledger_sparse f JOIN ledger_entry e ON e.batch=f.batch AND e.record=f.record AND e.part=0
   JOIN ledger_batch b ON b.batch=f.batch JOIN ledger_standing p ON p.pass=b.pass JOIN ledger_stage s ON s.stage=p.stage
   WHERE likelihood(json_type(s.meaning,'$.merge') IS NOT NULL, 0.000001) AND p.kind IN('apply','retry') AND e.outcome<>4
   UNION ALL
   SELECT s.project, s.number, p.source, p.target, p.pass, e.batch, e.record, e.target, e.outcome, e.after, e.reason
   FROM ledger_batch b JOIN ledger_entry e ON e.batch=b.batch AND e.part=0
   JOIN ledger_standing p ON p.pass=b.pass JOIN ledger_stage s ON s.stage=p.stage
   WHERE likelihood(json_type(s.meaning,'$.merge') IS NOT NULL, 0.000001) AND p.kind IN('apply','retry') AND e.outcome<>4
     AND b.entries>256 AND b.last_record-b.first_record<4*b.entries AND b.last_record-b.first_record<16384) m
 WHERE NOT EXISTS(SELECT 1 FROM ledger_batch x CROSS JOIN ledger_pass u ON u.pass=x.pass
     CROSS JOIN ledger_entry g ON g.batch=x.batch AND g.record=m.member AND g.part=0
     WHERE json_extract(x.body,'$.undoes')=+m.pass AND u.kind='rollback' AND u.reverses IS NULL AND NOT (g.outcome=4 AND g.before IS g.after))
   AND NOT EXISTS(SELECT 1 FROM ledger_stage_life n
     WHERE n.record=m.member AND n.first_record<=+m.member AND n.last_record>=+m.member AND n.last_record<+m.member+16384
       AND n.batch>m.batch AND n.part=0 AND n.outcome<>4 AND n.project=m.project AND n.number=m.number);
-- Since version 7. What people have said about pairs of members, and what stands of it: two lines each time, one from the side of each
-- member. Ask for `other` or for both by their numbers; of all, SQLite begins with the stages, as in ledger_member.
CREATE VIEW ledger_decision AS
 SELECT s.project, s.number, p.source, b.run, b.committed_us, e.batch, e.record, e.part, e.target AS other,
   substr(json_extract(e.reason,'$.code'),8) AS decision, json_extract(e.reason,'$.note') AS note
 FROM ledger_stage s JOIN ledger_standing p ON p.stage=s.stage AND p.kind='merge' JOIN ledger_batch b ON b.pass=p.pass
 JOIN ledger_entry e ON e.batch=b.batch
 WHERE likelihood(json_type(s.meaning,'$.merge') IS NOT NULL, 0.000001) AND e.outcome=3 AND e.target IS NOT NULL AND e.reason GLOB '{"code":"review.*';
-- Since version 7. Of these, the decisions that count: the newest of each pair, from both sides. Notes and labels decide nothing.
CREATE VIEW ledger_decided AS
 SELECT d.* FROM ledger_decision d
 WHERE d.decision IN('accepted','rejected','never') AND NOT EXISTS(SELECT 1 FROM ledger_decision n
   WHERE n.other=d.other AND n.record=d.record AND n.project=d.project AND n.number=d.number
     AND n.decision IN('accepted','rejected','never') AND (n.batch,n.part)>(d.batch,d.part));
-- Since version 7. The pairs that standing entries of merge stages list for a review, each from the side of the member whose entry
-- it is. It reads only the entries that list pairs (ledger_entry_review).
CREATE VIEW ledger_listing AS
 SELECT s.project, s.number, p.source, p.pass, e.batch, e.record AS member, json_extract(v.value,'$.with') AS other,
   json_extract(v.value,'$.band') AS band, json_extract(v.value,'$.bits') AS bits, json_extract(v.value,'$.probability') AS probability
 FROM ledger_entry e INDEXED BY ledger_entry_review CROSS JOIN ledger_batch b ON b.batch=e.batch
 CROSS JOIN ledger_standing p ON p.pass=b.pass CROSS JOIN ledger_stage s ON s.stage=p.stage JOIN json_each(e.reason,'$.review') v
 WHERE e.reason GLOB '*"review":[[]*' AND e.part=0 AND e.outcome<>4 AND p.kind IN('apply','retry') AND json_type(s.meaning,'$.merge') IS NOT NULL
   AND NOT EXISTS(SELECT 1 FROM ledger_batch x CROSS JOIN ledger_pass u ON u.pass=x.pass
     CROSS JOIN ledger_entry g ON g.batch=x.batch AND g.record=e.record AND g.part=0
     WHERE json_extract(x.body,'$.undoes')=+p.pass AND u.kind='rollback' AND u.reverses IS NULL AND NOT (g.outcome=4 AND g.before IS g.after));
-- Since version 8. The entry that says where a window of a stage that aggregates stands: its newest one in a pass that stands. A refused one
-- says nothing, because it leaves the window as it was. `after` is NULL for one that is gone. Ask for all of a stage or for one record.
CREATE VIEW ledger_window AS
 SELECT w.project, w.number, w.source, w.database, w.pass, w.batch, w.record, w.outcome, json_extract(w.reason,'$.inputs') AS inputs,
   json_extract(w.reason,'$.spans') AS spans, w.input, w.after, w.reason FROM (
   -- As in ledger_member: of all windows SQLite begins with the stages, of one with ledger_sparse and with the range of a dense batch.
   SELECT s.project, s.number, p.source, p.target AS database, p.pass, e.batch, f.record, e.outcome, e.input, e.after, e.reason
   FROM ledger_sparse f JOIN ledger_entry e ON e.batch=f.batch AND e.record=f.record AND e.part=0
   JOIN ledger_batch b ON b.batch=f.batch JOIN ledger_standing p ON p.pass=b.pass JOIN ledger_stage s ON s.stage=p.stage
   WHERE likelihood(json_type(s.meaning,'$.aggregate') IS NOT NULL, 0.000001) AND p.kind IN('apply','retry') AND e.outcome<>4
     AND e.target IS NULL AND e.reason GLOB '*"inputs":*"spans":*'
   UNION ALL
   SELECT s.project, s.number, p.source, p.target, p.pass, e.batch, e.record, e.outcome, e.input, e.after, e.reason
   FROM ledger_batch b JOIN ledger_entry e ON e.batch=b.batch AND e.part=0
   JOIN ledger_standing p ON p.pass=b.pass JOIN ledger_stage s ON s.stage=p.stage
   WHERE likelihood(json_type(s.meaning,'$.aggregate') IS NOT NULL, 0.000001) AND p.kind IN('apply','retry') AND e.outcome<>4
     AND e.target IS NULL AND e.reason GLOB '*"inputs":*"spans":*'
     AND b.entries>256 AND b.last_record-b.first_record<4*b.entries AND b.last_record-b.first_record<16384) w
 WHERE NOT EXISTS(SELECT 1 FROM ledger_batch x CROSS JOIN ledger_pass u ON u.pass=x.pass
     CROSS JOIN ledger_entry g ON g.batch=x.batch AND g.record=w.record AND g.part=0
     WHERE json_extract(x.body,'$.undoes')=+w.pass AND u.kind='rollback' AND u.reverses IS NULL AND NOT (g.outcome=4 AND g.before IS g.after))
   AND NOT EXISTS(SELECT 1 FROM ledger_stage_life n
     WHERE n.record=w.record AND n.first_record<=+w.record AND n.last_record>=+w.record AND n.last_record<+w.record+16384
       AND n.batch>w.batch AND n.part=0 AND n.outcome<>4 AND n.project=w.project AND n.number=w.number);

-- For auditors: everything below is derived.
-- One line per entry.
CREATE VIEW audit_record AS
 SELECT e.record, e.part, e.batch, p.pass, p.kind, s.project, s.number, p.source, p.target AS database, e.target AS target_record,
   r.run, r.actor, strftime('%Y-%m-%dT%H:%M:%SZ', b.committed_us/1000000, 'unixepoch') AS at,
   CASE e.outcome WHEN 1 THEN 'written' WHEN 2 THEN 'unchanged' WHEN 3 THEN 'filtered' WHEN 4 THEN 'refused' ELSE 'merged' END AS outcome,
   e.reason, lower(hex(e.input)) AS input_hash, lower(hex(e.before)) AS before_hash, lower(hex(e.after)) AS after_hash
 FROM ledger_life e JOIN ledger_batch b ON b.batch=e.batch
 JOIN ledger_run r ON r.run=b.run JOIN ledger_pass p ON p.pass=b.pass LEFT JOIN ledger_stage s ON s.stage=p.stage;
-- One line per run that wrote.
CREATE VIEW audit_run AS
 SELECT r.run, r.uuid, r.command, r.actor, r.host, r.tool, r.arguments, r.reason,
   strftime('%Y-%m-%dT%H:%M:%SZ', r.started_us/1000000, 'unixepoch') AS started,
   strftime('%Y-%m-%dT%H:%M:%SZ', max(b.committed_us)/1000000, 'unixepoch') AS last_commit,
   min(b.batch) AS first_batch, max(b.batch) AS last_batch, sum(b.read) AS read, sum(b.written) AS written,
   sum(b.unchanged) AS unchanged, sum(b.filtered) AS filtered, sum(b.refused) AS refused, sum(b.merged) AS merged
 FROM ledger_run r JOIN ledger_batch b USING(run) GROUP BY r.run;
-- One line per pass: what it did, whether it ended, which rollback undid it. Since version 8 with the readings of a pass that aggregates,
-- of which most have no entry; NULL of any other pass.
CREATE VIEW audit_pass AS
 SELECT p.pass, p.kind, s.project, s.number, s.slug, p.stage, p.source, p.target, p.reverses, p.after_batch,
   count(DISTINCT b.run) AS runs, min(b.batch) AS first_batch, max(b.batch) AS last_batch,
   sum(b.read) AS read, sum(b.written) AS written, sum(b.unchanged) AS unchanged, sum(b.filtered) AS filtered,
   sum(b.refused) AS refused, sum(b.merged) AS merged, max(b.step='end') AS ended,
   (SELECT min(q.pass) FROM ledger_pass q JOIN ledger_batch x ON x.pass=q.pass AND x.step='end' WHERE q.reverses=p.pass) AS undone_by,
   max(json_extract(b.body,'$.readings.read')) AS readings_read, max(json_extract(b.body,'$.readings.counted')) AS readings_counted,
   max(json_extract(b.body,'$.readings.filtered')) AS readings_filtered, max(json_extract(b.body,'$.readings.refused')) AS readings_refused
 FROM ledger_pass p JOIN ledger_batch b USING(pass) LEFT JOIN ledger_stage s USING(stage) GROUP BY p.pass;
-- The standing refusals: refused by a pass that stands, and nothing has happened to the record in that stage (or load)
-- since.
CREATE VIEW audit_quarantine AS
 SELECT e.record, b.batch, p.pass, p.kind, s.project, s.number, s.slug, p.source, p.target AS database,
   n.id, json_extract(e.reason,'$.code') AS code, e.reason, e.target AS target_record,
   strftime('%Y-%m-%dT%H:%M:%SZ', b.committed_us/1000000, 'unixepoch') AS at
 FROM ledger_batch b CROSS JOIN ledger_standing p ON p.pass=b.pass LEFT JOIN ledger_stage s ON s.stage=p.stage
 CROSS JOIN ledger_refused e ON e.batch=b.batch LEFT JOIN ledger_record n ON n.record=e.record
 WHERE b.refused>0 AND e.reason IS NOT NULL AND p.kind IN('load','apply','retry')
   -- As ledger_life finds what has happened to a record, but without a look at what was before the refusal.
   AND NOT EXISTS(SELECT 1 FROM ledger_sparse f CROSS JOIN ledger_batch c ON c.batch=f.batch
   CROSS JOIN ledger_standing q ON q.pass=c.pass LEFT JOIN ledger_stage t ON t.stage=q.stage
   WHERE f.record=e.record AND f.batch>b.batch
     AND t.project IS s.project AND t.number IS s.number AND (s.stage IS NOT NULL OR q.target IS p.target)
     AND q.kind<>'merge' AND (q.kind<>'rollback' OR q.reverses IS NULL))
   AND NOT EXISTS(SELECT 1 FROM ledger_batch c INDEXED BY ledger_batch_dense
   CROSS JOIN ledger_standing q ON q.pass=c.pass LEFT JOIN ledger_stage t ON t.stage=q.stage
   WHERE c.entries>256 AND c.last_record-c.first_record<4*c.entries AND c.last_record-c.first_record<16384
     AND c.first_record<=+e.record AND c.last_record>=+e.record AND c.last_record<+e.record+16384 AND c.batch>b.batch
     AND t.project IS s.project AND t.number IS s.number AND (s.stage IS NOT NULL OR q.target IS p.target)
     AND q.kind<>'merge' AND (q.kind<>'rollback' OR q.reverses IS NULL)
     AND EXISTS(SELECT 1 FROM ledger_entry f WHERE f.batch=c.batch AND f.record=e.record));
-- One line per reconciliation of a stage: both sides, their difference, and what nothing explains. Amounts are texts:
-- exact decimals. The causes are a JSON array.
CREATE VIEW audit_reconciliation AS
 SELECT b.batch, b.run, r.actor, strftime('%Y-%m-%dT%H:%M:%SZ', b.committed_us/1000000, 'unixepoch') AS at,
   s.project, s.number, s.slug, p.source, p.target, json_extract(b.body,'$.whole') AS whole,
   json_extract(v.value,'$.name') AS name, json_extract(v.value,'$.source_records') AS source_records,
   json_extract(v.value,'$.source_amount') AS source_amount, json_extract(v.value,'$.target_records') AS target_records,
   json_extract(v.value,'$.target_amount') AS target_amount, json_extract(v.value,'$.difference') AS difference,
   json_extract(v.value,'$.causes') AS causes, json_extract(v.value,'$.unexplained') AS unexplained,
   json_extract(v.value,'$.discrepancies') AS discrepancies, json_extract(v.value,'$.holds') AS holds
 FROM ledger_pass p JOIN ledger_batch b USING(pass) JOIN ledger_run r USING(run) JOIN ledger_stage s USING(stage)
 JOIN json_each(b.body,'$.reconciled') v WHERE p.kind='reconcile';
-- Whole images, taken apart (kind 1, and kind 4 of stages).
CREATE VIEW audit_image AS
 SELECT i.batch, i.record, i.part, i.kind, p.kind AS pass_kind,
   CASE WHEN i.kind=1 OR (i.kind=4 AND p.stage IS NOT NULL) THEN CAST(substr(i.body,1,instr(i.body,x'00')-1) AS TEXT) END AS id,
   CASE WHEN i.kind=3 THEN NULL WHEN i.kind=1 OR (i.kind=4 AND p.stage IS NOT NULL)
     THEN CAST(substr(i.body,instr(i.body,x'00')+1) AS TEXT) ELSE CAST(i.body AS TEXT) END AS data
 FROM ledger_image i JOIN ledger_batch b USING(batch) JOIN ledger_pass p USING(pass);
-- Since version 5. The rows of all databases; made anew with every database, in the same transaction.
CREATE VIEW audit_row AS
 SELECT NULL AS database, NULL AS record, NULL AS id, NULL AS data WHERE 0;
-- Since version 5. The text that an entry has found (side 0: the source's row, in place the target's) and the one that it has left
-- (side 1), as far as the store still has them: ask for a batch, a record, a part and a side. Nothing is hashed here:
-- a text is known by its commitment, which is that of the row as it stands if no later entry has changed it, or of a whole image; or
-- reverse patches lead to it from one of these. What is put together is shown only where the row that it comes from, put
-- together in the same way, is that row byte for byte; of more than 100,000 characters, or with a name that needs an escape,
-- it is NULL. The rows are believed: `verify` proves them.
CREATE VIEW audit_text AS
 SELECT v.batch, v.record, v.part, v.side, (
  WITH RECURSIVE
   -- life: what has changed the row in its database, newest first, each as [batch, record, part, before, after, kind of image];
   -- way: the commitments that patches lead to, up to those whose text there is.
   way(hash, wanted, life) AS (
     SELECT wanted, wanted, life FROM (SELECT life, CASE WHEN v.hash IS NOT NULL THEN hex(v.hash) ELSE (
         -- In place of no row: the row that was taken out last waited in quarantine, or for its turn.
         SELECT json_extract(j.value,'$[3]') FROM json_each(life) j
         WHERE json_extract(j.value,'$[4]')='' AND json_extract(j.value,'$[0]')<=v.batch ORDER BY j.key LIMIT 1) END AS wanted
     FROM (SELECT json_group_array(json_array(batch,record,part,before,after,kind)) AS life FROM (
       SELECT f.batch, f.record, f.part, hex(f.before) AS before, hex(f.after) AS after, i.kind FROM (
         SELECT e.* FROM ledger_sparse s CROSS JOIN ledger_entry e ON e.batch=s.batch AND e.record=s.record AND e.target IS NULL
         WHERE s.record=v.row
         UNION ALL
         SELECT e.* FROM ledger_batch b INDEXED BY ledger_batch_dense
         CROSS JOIN ledger_entry e ON e.batch=b.batch AND e.record=v.row AND e.target IS NULL
         WHERE b.entries>256 AND b.last_record-b.first_record<4*b.entries AND b.last_record-b.first_record<16384
           AND b.first_record<=+v.row AND b.last_record>=+v.row AND b.last_record<+v.row+16384
         UNION ALL
         SELECT e.* FROM ledger_entry e WHERE e.target=v.row) f
       CROSS JOIN ledger_batch c ON c.batch=f.batch CROSS JOIN ledger_pass q ON q.pass=c.pass
       LEFT JOIN ledger_image i ON i.batch=f.batch AND i.record=f.record AND i.part=f.part
       WHERE q.target=v.database AND f.before IS NOT f.after ORDER BY f.batch DESC, f.after IS NULL)))
     UNION
     SELECT json_extract(j.value,'$[4]'), wanted, life FROM way JOIN json_each(life) j
     WHERE json_extract(j.value,'$[3]')=hash AND json_extract(j.value,'$[5]')=2 AND hash<>json_extract(life,'$[0][4]')
       AND NOT EXISTS(SELECT 1 FROM json_each(life) t
         WHERE json_extract(t.value,'$[3]')=hash AND json_extract(t.value,'$[5]') IN(1,4))),
   -- From there back, patch by patch.
   known(hash, data, wanted, life) AS (
     SELECT hash, coalesce(CASE WHEN hash=json_extract(life,'$[0][4]')
         THEN (SELECT t.data FROM audit_row t WHERE t.database=v.database AND t.record=v.row) END,
       (SELECT CAST(substr(i.body,instr(i.body,x'00')+1) AS TEXT) FROM json_each(life) j JOIN ledger_image i
         ON i.batch=json_extract(j.value,'$[0]') AND i.record=json_extract(j.value,'$[1]') AND i.part=json_extract(j.value,'$[2]')
         WHERE json_extract(j.value,'$[3]')=hash AND json_extract(j.value,'$[5]') IN(1,4) LIMIT 1)), wanted, life
     FROM way
     UNION
     SELECT json_extract(c.value,'$[3]'), (WITH
       -- The fields as they are written: of [text,text], which SQLite does not take apart, the first.
       field(at, name, text) AS (
         SELECT j.id, j.key, CASE WHEN instr(j.key,'"')=0 THEN json_extract(known.data,'$."'||j.key||'"','$."'||j.key||'"') END
         FROM json_each(CASE WHEN length(known.data)<=100000 AND json_valid(known.data) THEN known.data ELSE '{}' END) j),
       step(name, at, old, new) AS (
         SELECT replace(replace(substr(json_extract(j.value,'$[0]'),2),'~1','/'),'~0','~'), json_extract(j.value,'$[1]'),
           json_extract(j.value,'$[2]'), json_extract(j.value,'$[3]')
         FROM ledger_image i JOIN json_each(CASE WHEN json_valid(CAST(i.body AS TEXT)) THEN CAST(i.body AS TEXT) ELSE '[]' END) j
         WHERE i.batch=json_extract(c.value,'$[0]') AND i.record=json_extract(c.value,'$[1]') AND i.part=json_extract(c.value,'$[2]')),
       both(at, name, text, is_changed, old, new) AS MATERIALIZED (
         SELECT f.at, '"'||f.name||'":', substr(f.text,2,(length(f.text)-3)/2), s.name IS NOT NULL, s.old, s.new
         FROM field f LEFT JOIN step s ON s.name=f.name)
       SELECT CASE WHEN '{'||coalesce((SELECT group_concat(name||coalesce(new,text),',') FROM (SELECT name, new, text FROM both ORDER BY at)),'')||'}'=known.data
         THEN '{'||coalesce((SELECT group_concat(text,',') FROM (
           -- A field that has gone stands behind as many of those that are left as its place says.
           SELECT row_number() OVER (ORDER BY at)-1 AS x, 1 AS y, 0 AS z, name||CASE WHEN is_changed THEN old ELSE text END AS text
           FROM both WHERE old IS NOT NULL OR NOT is_changed
           UNION ALL SELECT at+1-row_number() OVER (ORDER BY at), 0, at, json_quote(name)||':'||old FROM step WHERE new IS NULL
           ORDER BY 1, 2, 3)),'')||'}' END), wanted, life
     FROM known JOIN json_each(life) c
     WHERE data IS NOT NULL AND json_extract(c.value,'$[4]')=hash AND json_extract(c.value,'$[5]')=2)
  SELECT data FROM known WHERE hash=wanted AND data IS NOT NULL LIMIT 1) AS data
 FROM (SELECT e.batch, e.record, e.part, k.side,
     CASE WHEN k.side=0 AND p.stage IS NOT NULL AND p.source<>p.target THEN p.source ELSE p.target END AS database,
     CASE WHEN k.side=0 AND p.stage IS NOT NULL AND p.source<>p.target THEN e.record ELSE coalesce(e.target,e.record) END AS row,
     CASE WHEN k.side=1 THEN e.after WHEN p.stage IS NOT NULL AND p.source<>p.target THEN e.input ELSE e.before END AS hash
   FROM ledger_entry e JOIN ledger_batch b ON b.batch=e.batch JOIN ledger_pass p ON p.pass=b.pass
   JOIN (SELECT 0 AS side UNION ALL SELECT 1) k) v;
-- Since version 5. One line per entry: what was read and what came of it, side by side. A hash without its text: the store
-- has the text no more (a rollback has taken it back), or audit_text does not put it together; then `changed` is the
-- reverse patch, where there is one. Neither: there was no row. `status` is what
-- became of the step by now: its outcome, `rolled back` where what it wrote was taken back, `removed` where it took a row
-- away, `restored` where a rollback has given one its earlier text. Ask for a record, a batch or a pass.
CREATE VIEW audit_step AS
 SELECT at, run, actor, batch, pass, kind, project, number, slug,
  coalesce(json_extract(systems,'$[0]'),source) AS source_system, coalesce(json_extract(systems,'$[1]'),database) AS target_system,
  source, database, record, part, target_record, id, original, transformed,
  CASE WHEN wrote='' OR outcome='refused' THEN outcome WHEN undone_by IS NOT NULL THEN 'rolled back'
    WHEN kind='rollback' OR (outcome IN('written','merged') AND wrote='removed') THEN wrote ELSE outcome END AS status, code, outcome, undone_by,
  original_hash, transformed_hash, changed, reason
 FROM (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', b.committed_us/1000000, 'unixepoch') AS at, r.run, r.actor, e.batch, p.pass, p.kind,
   s.project, s.number, s.slug, p.source, p.target AS database,
   (SELECT json_extract(f.body,'$.systems') FROM ledger_batch f WHERE f.pass=p.pass ORDER BY f.batch LIMIT 1) AS systems,
   e.record, e.part, coalesce(e.target,e.record) AS target_record, n.id,
   CASE WHEN i.kind=4 AND p.kind='load' THEN CAST(i.body AS TEXT)
     WHEN i.kind=4 OR (i.kind=1 AND e.input IS NULL) THEN CAST(substr(i.body,instr(i.body,x'00')+1) AS TEXT)
     WHEN coalesce(e.input,e.before) IS NOT NULL OR (p.stage IS NOT NULL AND p.source=p.target AND e.after IS NOT NULL)
     THEN (SELECT v.data FROM audit_text v WHERE v.batch=e.batch AND v.record=e.record AND v.part=e.part AND v.side=0) END AS original,
   CASE WHEN e.after IS NOT NULL
     THEN (SELECT v.data FROM audit_text v WHERE v.batch=e.batch AND v.record=e.record AND v.part=e.part AND v.side=1) END AS transformed,
   CASE e.outcome WHEN 1 THEN 'written' WHEN 2 THEN 'unchanged' WHEN 3 THEN 'filtered' WHEN 4 THEN 'refused' ELSE 'merged' END AS outcome,
   CASE WHEN e.before IS e.after THEN '' WHEN e.after IS NULL THEN 'removed' ELSE 'restored' END AS wrote,
   CASE WHEN EXISTS(SELECT 1 FROM ledger_pass u WHERE u.reverses=p.pass)
     OR EXISTS(SELECT 1 FROM ledger_batch x WHERE json_extract(x.body,'$.undoes')=+p.pass)
   THEN (SELECT min(u.pass) FROM (
       SELECT d.* FROM ledger_sparse f CROSS JOIN ledger_entry d ON d.batch=f.batch AND d.record=f.record AND d.part=e.part
       WHERE f.record=e.record AND f.batch>e.batch
       UNION ALL
       SELECT d.* FROM ledger_batch c INDEXED BY ledger_batch_dense
       CROSS JOIN ledger_entry d ON d.batch=c.batch AND d.record=e.record AND d.part=e.part
       WHERE c.entries>256 AND c.last_record-c.first_record<4*c.entries AND c.last_record-c.first_record<16384
         AND c.first_record<=+e.record AND c.last_record>=+e.record AND c.last_record<+e.record+16384 AND c.batch>e.batch) f
     CROSS JOIN ledger_batch x ON x.batch=f.batch CROSS JOIN ledger_pass u ON u.pass=x.pass
     WHERE u.kind='rollback' AND coalesce(u.reverses,json_extract(x.body,'$.undoes'))=p.pass
       AND NOT (f.outcome=4 AND f.before IS f.after)) END AS undone_by,
   json_extract(e.reason,'$.code') AS code, lower(hex(coalesce(e.input,e.before))) AS original_hash,
   lower(hex(e.after)) AS transformed_hash, CASE WHEN i.kind=2 THEN CAST(i.body AS TEXT) END AS changed, e.reason
  FROM (SELECT d.* FROM ledger_sparse f JOIN ledger_entry d ON d.batch=f.batch AND d.record=f.record
    UNION ALL
    SELECT d.* FROM ledger_batch c CROSS JOIN ledger_entry d ON d.batch=c.batch
    WHERE c.entries>256 AND c.last_record-c.first_record<4*c.entries AND c.last_record-c.first_record<16384) e
  JOIN ledger_batch b ON b.batch=e.batch JOIN ledger_run r ON r.run=b.run JOIN ledger_pass p ON p.pass=b.pass
  LEFT JOIN ledger_stage s ON s.stage=p.stage LEFT JOIN ledger_record n ON n.record=e.record
  LEFT JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part);
-- Since version 6. One line per member that stands in a golden record. `system` is the database in which the member began, `since` the batch
-- that brought it into the golden record, `by` what did: the stage (auto), an accepted pair (review), or a rule of the stage (rule).
-- Ask for a member or a golden record by its number.
CREATE VIEW audit_cross_reference AS
 SELECT m.project, m.number, (SELECT n.database FROM ledger_record n WHERE n.record=m.member) AS system,
   coalesce((SELECT t.id FROM audit_row t WHERE t.database=m.source AND t.record=m.member),
     (SELECT n.id FROM ledger_record n WHERE n.record=m.member)) AS member_id, m.member,
   coalesce((SELECT t.id FROM audit_row t WHERE t.database=m.database AND t.record=m.golden),
     (SELECT n.id FROM ledger_record n WHERE n.record=m.golden)) AS golden_id, m.golden,
   (SELECT min(g.batch) FROM ledger_entry g CROSS JOIN ledger_batch c ON c.batch=g.batch
    CROSS JOIN ledger_standing q ON q.pass=c.pass CROSS JOIN ledger_stage t ON t.stage=q.stage
    WHERE g.target=m.golden AND g.record=m.member AND g.part=0 AND g.batch<=m.batch AND g.outcome IN(1,2,5) AND g.after IS NOT NULL
      AND q.kind IN('apply','retry') AND t.project=m.project AND t.number=m.number
      -- It has not been elsewhere since.
      AND NOT EXISTS(SELECT 1 FROM ledger_stage_life n
        WHERE n.record=m.member AND n.first_record<=+m.member AND n.last_record>=+m.member AND n.last_record<+m.member+16384
          AND n.batch>g.batch AND n.batch<m.batch AND n.part=0 AND n.outcome<>4 AND n.target IS NOT m.golden
          AND n.project=m.project AND n.number=m.number)) AS since,
   CASE WHEN EXISTS(SELECT 1 FROM ledger_decided d
      WHERE d.other=m.member AND d.decision='accepted' AND d.project=m.project AND d.number=m.number
        AND EXISTS(SELECT 1 FROM ledger_member o WHERE o.member=d.record AND o.golden=m.golden AND o.outcome IN(1,2,5)
          AND o.project=m.project AND o.number=m.number)) THEN 'review'
    WHEN json_type(m.reason,'$.rule') IS NOT NULL THEN 'rule' ELSE 'auto' END AS by, m.source, m.database
 FROM ledger_member m WHERE m.outcome IN(1,2,5) AND m.golden IS NOT NULL AND m.after IS NOT NULL;
-- Since version 7. One line per thing that a person has said about a pair of members and that stands, a<b. `counts` is 1 where it is the
-- newest decision of the pair: accepted, rejected or never. Ask for both members by their numbers.
CREATE VIEW audit_decision AS
 SELECT d.project, d.number,
   d.record AS a, coalesce((SELECT t.id FROM audit_row t WHERE t.database=d.source AND t.record=d.record), (SELECT n.id FROM ledger_record n WHERE n.record=d.record)) AS a_id,
   d.other AS b, coalesce((SELECT t.id FROM audit_row t WHERE t.database=d.source AND t.record=d.other), (SELECT n.id FROM ledger_record n WHERE n.record=d.other)) AS b_id,
   d.decision, EXISTS(SELECT 1 FROM ledger_decided c WHERE c.other=d.other AND c.record=d.record AND c.batch=d.batch AND c.part=d.part) AS counts,
   d.note, r.reason, r.actor, d.run, d.batch, strftime('%Y-%m-%dT%H:%M:%SZ', d.committed_us/1000000, 'unixepoch') AS at, d.source
 FROM ledger_decision d CROSS JOIN ledger_run r ON r.run=d.run WHERE d.record<d.other;
-- Since version 6, in this form since version 7. One line per pair of members that waits for a decision, a<b: the newer entry of the two
-- lists it, and no decision settles it. A pair that was accepted or ruled out for ever does not wait; one that was rejected waits again
-- once a later entry lists it, and an accepted one if its golden record is refused. It waits `since` the first entry that has listed it without a break, after the newest decision.
-- `note` is the newest remark. Ask for both members by their numbers.
CREATE VIEW audit_review AS
 SELECT w.project, w.number, w.band, w.a, w.a_id, w.b, w.b_id, w.bits, w.probability, w.since,
   (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', x.committed_us/1000000, 'unixepoch') FROM ledger_batch x WHERE x.batch=w.since) AS at, w.source,
   json_extract(w.noted,'$[0]') AS note, json_extract(w.noted,'$[1]') AS note_actor, json_extract(w.noted,'$[2]') AS note_at
 FROM (SELECT r.project, r.number, r.band,
   r.a, coalesce((SELECT t.id FROM audit_row t WHERE t.database=r.source AND t.record=r.a), (SELECT n.id FROM ledger_record n WHERE n.record=r.a)) AS a_id,
   r.b, coalesce((SELECT t.id FROM audit_row t WHERE t.database=r.source AND t.record=r.b), (SELECT n.id FROM ledger_record n WHERE n.record=r.b)) AS b_id,
   r.bits, r.probability, r.source,
   coalesce(CASE WHEN r.band='contract' THEN (SELECT min(n.batch) FROM ledger_stage_life n
     WHERE n.record=r.member AND n.first_record<=+r.member AND n.last_record>=+r.member AND n.last_record<+r.member+16384
       AND n.batch<r.batch AND n.part=0 AND n.outcome=4 AND n.project=r.project AND n.number=r.number AND json_extract(n.reason,'$.cluster')=r.other
       AND json_extract(n.reason,'$.code')<>'merge.waits' AND json_extract(n.reason,'$.code') NOT GLOB 'target.*'
       AND n.batch>coalesce((SELECT d.batch FROM ledger_decided d
         WHERE d.other=r.b AND d.record=r.a AND d.project=r.project AND d.number=r.number),0)
       -- It has been refused with the same one ever since, but for what a decision did that was taken back.
       AND NOT EXISTS(SELECT 1 FROM ledger_stage_life k
         WHERE k.record=r.member AND k.first_record<=+r.member AND k.last_record>=+r.member AND k.last_record<+r.member+16384
           AND k.batch>n.batch AND k.batch<r.batch AND k.part=0 AND k.project=r.project AND k.number=r.number
           AND (k.outcome<>4 OR json_extract(k.reason,'$.cluster') IS NOT r.other)
           AND NOT EXISTS(SELECT 1 FROM ledger_entry d WHERE d.target=r.b AND d.record=r.a AND d.outcome=3 AND d.batch>n.batch AND d.batch<k.batch
             AND json_extract(d.reason,'$.code') IN('review.accepted','review.rejected','review.never'))))
   ELSE (SELECT min(l.batch) FROM ledger_listing l
     WHERE l.member IN(r.a,r.b) AND l.other IN(r.a,r.b) AND l.batch<r.batch AND l.project=r.project AND l.number=r.number
       AND l.batch>coalesce((SELECT d.batch FROM ledger_decided d
         WHERE d.other=r.b AND d.record=r.a AND d.project=r.project AND d.number=r.number),0)
       -- No entry of one of the two in between leaves it out, unless a decision did that was taken back. A pass has one of each.
       AND (l.pass=r.pass OR (NOT EXISTS(SELECT 1 FROM ledger_stage_life n
         WHERE n.record=r.a AND n.first_record<=+r.a AND n.last_record>=+r.a AND n.last_record<+r.a+16384
           AND n.batch>l.batch AND n.batch<r.batch AND n.part=0 AND n.outcome<>4 AND n.project=r.project AND n.number=r.number
           AND NOT EXISTS(SELECT 1 FROM ledger_entry k JOIN json_each(k.reason,'$.review') x
             WHERE k.batch=n.batch AND k.record IN(r.a,r.b) AND k.part=0 AND json_extract(x.value,'$.with') IN(r.a,r.b))
           AND NOT EXISTS(SELECT 1 FROM ledger_entry d WHERE d.target=r.b AND d.record=r.a AND d.outcome=3 AND d.batch>l.batch AND d.batch<n.batch
             AND json_extract(d.reason,'$.code') IN('review.accepted','review.rejected','review.never')))
       AND NOT EXISTS(SELECT 1 FROM ledger_stage_life n
         WHERE n.record=r.b AND n.first_record<=+r.b AND n.last_record>=+r.b AND n.last_record<+r.b+16384
           AND n.batch>l.batch AND n.batch<r.batch AND n.part=0 AND n.outcome<>4 AND n.project=r.project AND n.number=r.number
           AND NOT EXISTS(SELECT 1 FROM ledger_entry k JOIN json_each(k.reason,'$.review') x
             WHERE k.batch=n.batch AND k.record IN(r.a,r.b) AND k.part=0 AND json_extract(x.value,'$.with') IN(r.a,r.b))
           AND NOT EXISTS(SELECT 1 FROM ledger_entry d WHERE d.target=r.b AND d.record=r.a AND d.outcome=3 AND d.batch>l.batch AND d.batch<n.batch
             AND json_extract(d.reason,'$.code') IN('review.accepted','review.rejected','review.never')))))) END, r.batch) AS since,
   (SELECT json_array(d.note, u.actor, strftime('%Y-%m-%dT%H:%M:%SZ', d.committed_us/1000000, 'unixepoch'))
    FROM ledger_decision d CROSS JOIN ledger_run u ON u.run=d.run
    WHERE d.other=r.b AND d.record=r.a AND d.project=r.project AND d.number=r.number AND d.decision='noted'
    ORDER BY d.batch DESC, d.part DESC LIMIT 1) AS noted
  FROM (
   SELECT l.project, l.number, l.source, l.pass, l.batch, l.member AS a, l.other AS b, l.member, l.other, l.band, l.bits, l.probability
   FROM ledger_listing l WHERE l.member<l.other
   UNION ALL
   SELECT l.project, l.number, l.source, l.pass, l.batch, l.other, l.member, l.member, l.other, l.band, l.bits, l.probability
   FROM ledger_listing l WHERE l.member>l.other
     -- Of two entries of one batch, that of the smaller member counts.
     AND NOT EXISTS(SELECT 1 FROM ledger_entry g JOIN json_each(g.reason,'$.review') w
       WHERE g.batch=l.batch AND g.record=l.other AND g.part=0 AND json_extract(w.value,'$.with')=l.member)
   UNION ALL
   -- A cluster whose golden record was refused: its first member with each of the others.
   SELECT q.project, q.number, q.source, q.pass, q.batch, json_extract(q.reason,'$.cluster'), q.record, q.record, json_extract(q.reason,'$.cluster'), 'contract', NULL, NULL
   FROM audit_quarantine q WHERE q.kind IN('apply','retry') AND json_extract(q.reason,'$.cluster')<q.record
     AND q.code<>'merge.waits' AND q.code NOT GLOB 'target.*') r
  WHERE NOT EXISTS(SELECT 1 FROM ledger_stage_life n
     WHERE n.record=r.other AND n.first_record<=+r.other AND n.last_record>=+r.other AND n.last_record<+r.other+16384
       AND n.batch>r.batch AND n.part=0 AND n.outcome<>4 AND n.project=r.project AND n.number=r.number)
   AND NOT EXISTS(SELECT 1 FROM ledger_stage_life n
     WHERE n.record=r.member AND n.first_record<=+r.member AND n.last_record>=+r.member AND n.last_record<+r.member+16384
       AND n.batch>r.batch AND n.part=0 AND n.outcome<>4 AND n.project=r.project AND n.number=r.number)
   AND NOT EXISTS(SELECT 1 FROM ledger_decided d
     WHERE d.other=r.b AND d.record=r.a AND d.project=r.project AND d.number=r.number 
       AND (d.decision='never' OR d.batch>r.batch OR (d.decision='accepted' AND r.band<>'contract')))) w;
-- Since version 8. One line per window that stands: how many readings it has, the ranges of record numbers that cover them, and the digest
-- over their commitments. Ask for all of a stage or for one record.
CREATE VIEW audit_window AS
 SELECT w.project, w.number, w.database, w.record, coalesce((SELECT t.id FROM audit_row t WHERE t.database=w.database AND t.record=w.record),
     (SELECT n.id FROM ledger_record n WHERE n.record=w.record)) AS id,
   w.batch, w.pass, b.run, strftime('%Y-%m-%dT%H:%M:%SZ', b.committed_us/1000000, 'unixepoch') AS at, w.inputs, w.spans,
   lower(hex(w.input)) AS input_hash, w.source
 FROM ledger_window w CROSS JOIN ledger_batch b ON b.batch=w.batch WHERE w.after IS NOT NULL;
-- Empty in a sound ledger.
CREATE VIEW audit_chain_problem AS
 SELECT batch, 'previous_head does not match' AS problem
 FROM (SELECT batch, previous_head, lag(head,1,zeroblob(32)) OVER (ORDER BY batch) AS h FROM ledger_batch) WHERE previous_head IS NOT h
 UNION ALL SELECT batch, 'entry count differs' FROM ledger_batch b
 WHERE entries<>(SELECT count(*) FROM ledger_entry e WHERE e.batch=b.batch)
 UNION ALL SELECT batch, 'batch numbers have a gap' FROM (SELECT batch, row_number() OVER (ORDER BY batch) AS place FROM ledger_batch) WHERE batch<>place;
