-- Queries on a store, for the stock sqlite3 shell (3.40 or later). They do not need Counterfoil:
--
--     sqlite3 -readonly counterfoil.db ".read audit.sql"
--
-- runs all of them with the parameters below; or open the store, paste the parameters, and run one query at a time. The
-- last queries use the databases of the shipped project `bank`; replace the names with your own. A comment says which
-- results may or must be empty.

.headers on
.parameter init
.parameter set :record "(SELECT min(record) FROM ledger_record)"
.parameter set :project "(SELECT min(project) FROM ledger_stage)"
.parameter set :number "(SELECT min(number) FROM ledger_stage)"
.parameter set :batch "(SELECT min(first_batch) FROM audit_pass WHERE kind='apply')"

.print "\n# Who wrote to this store, when, with what and why?"
SELECT run, started, last_commit, actor, host, tool, command, arguments, reason, read, written, refused FROM audit_run;

.print "\n# What was done, pass by pass, and does it stand?"
-- A pass is the work of one stage in one direction; several runs may continue it. `undone_by` is the rollback.
SELECT pass, kind, number, slug, source, target, read, written, unchanged, filtered, refused, merged,
  CASE WHEN undone_by IS NOT NULL THEN 'undone by pass ' || undone_by WHEN ended THEN 'stands' ELSE 'unfinished' END AS state
FROM audit_pass ORDER BY pass;

.print "\n# Who rolled back what, and why?"
-- A rollback undoes a whole pass, or one record (`rollback --record`). Empty: nothing was rolled back.
SELECT a.pass, CASE WHEN a.reverses IS NOT NULL THEN 'pass ' || a.reverses ELSE (SELECT 'record ' || e.record
    FROM ledger_batch o JOIN ledger_entry e USING(batch) WHERE o.pass = a.pass LIMIT 1) END AS undone,
  coalesce(u.number, a.number) AS stage, a.target AS database, r.actor, r.reason, a.written AS restored
FROM audit_pass a LEFT JOIN audit_pass u ON u.pass = a.reverses
JOIN ledger_batch b ON b.batch = a.last_batch JOIN ledger_run r USING(run) WHERE a.kind = 'rollback' ORDER BY a.pass;

.print "\n# What happened to one record, by whom and why?"
-- The record's number identifies it across databases: a stage that copies keeps it, even if it changes the id.
SELECT a.at, a.actor, a.kind, a.number AS stage, a.source, a.database, a.outcome, r.reason AS why, a.batch
FROM audit_record a JOIN ledger_run r USING(run) WHERE a.record = :record ORDER BY a.batch, a.part;

.print "\n# What did each step read of one record, and what came of it?"
-- Original and transformed JSON, byte for byte, with the systems that counterfoil.toml names. Select one record, batch, pass or
-- run: each entry takes about a third of a millisecond. docs/audit.md says when a text is NULL beside its hash.
SELECT at, source_system, target_system, kind, number AS stage, status, code, original, transformed, original_hash, transformed_hash
FROM audit_step WHERE record = :record ORDER BY batch, part;

.print "\n# Where did one record come from?"
SELECT record, database AS first_database, id AS first_id FROM ledger_record WHERE record = :record;

.print "\n# What were its values before each change in place?"
-- The old row is kept whole (kind 1) or, if that is shorter, as a reverse patch (kind 2): a JSON array of
-- [pointer, position, old text, new text], position -1 for a field that was not there. All texts are JSON as written.
SELECT b.batch, s.number AS stage, r.actor, k.field, k.was FROM (
  SELECT i.batch, i.record, '/' || f.key AS field, i.data -> ('$."' || f.key || '"') AS was
  FROM audit_image i JOIN json_each(i.data) f WHERE i.kind = 1 AND i.record = :record
  UNION ALL
  SELECT i.batch, i.record, json_extract(step.value, '$[0]'), json_extract(step.value, '$[2]')
  FROM ledger_image i JOIN json_each(CAST(i.body AS TEXT)) step WHERE i.kind = 2 AND i.record = :record) k
JOIN ledger_batch b USING(batch) JOIN ledger_run r USING(run) JOIN ledger_pass p USING(pass)
LEFT JOIN ledger_stage s USING(stage) ORDER BY b.batch, k.field;

.print "\n# What stands refused, by stage and code?"
-- Empty: nothing is in quarantine.
SELECT number AS stage, slug, code, count(*) AS records FROM audit_quarantine GROUP BY number, slug, code ORDER BY 4 DESC;

.print "\n# Why was each of them refused, violation by violation?"
-- Empty: nothing is in quarantine.
SELECT q.number AS stage, q.record, q.id, q.at, json_extract(v.value, '$.code') AS code,
  json_extract(v.value, '$.pointer') AS pointer, json_extract(v.value, '$.expected') AS expected,
  json_extract(v.value, '$.rule') AS rule
FROM audit_quarantine q JOIN json_each(q.reason, '$.violations') v ORDER BY q.batch, q.record, v.key;

.print "\n# What did the refused records look like?"
-- Empty: nothing is in quarantine.
SELECT q.id, q.code, i.data FROM audit_quarantine q JOIN audit_image i USING(batch, record) WHERE i.kind = 4;

.print "\n# Which texts of which stages were applied?"
-- To hash a text yourself (writefile is a function of the sqlite3 shell):
--     sqlite3 -readonly counterfoil.db "SELECT writefile('stage.toml', source_text) FROM ledger_stage WHERE stage=2"
--     sha256sum stage.toml
-- Likewise `meaning`, the parsed stage with its defaults filled in, hashes to meaning_sha256.
SELECT stage, project, number, slug, lower(hex(text_sha256)) AS text_sha256, lower(hex(meaning_sha256)) AS meaning_sha256,
  length(source_text) AS characters FROM ledger_stage ORDER BY project, number, stage;

.print "\n# Which revision of a stage wrote which records?"
SELECT p.stage AS revision, s.slug, p.kind, min(e.record) AS first_record, max(e.record) AS last_record, count(*) AS records
FROM ledger_pass p JOIN ledger_stage s USING(stage) JOIN ledger_batch b USING(pass) JOIN ledger_entry e USING(batch)
WHERE s.project = :project AND s.number = :number AND e.outcome IN (1, 5) GROUP BY p.pass ORDER BY p.pass;

.print "\n# Is the chain whole?"
-- Must be empty.
SELECT batch, problem FROM audit_chain_problem;

.print "\n# What do the entries of a batch hash to?"
-- The query shows three of them. To hash all: sqlite3 -readonly counterfoil.db "SELECT leaf_text FROM ledger_leaf WHERE batch=7" | sha256sum
-- gives entries_sha256 of batch 7, which its header names.
SELECT leaf_text FROM ledger_leaf WHERE batch = :batch ORDER BY record, part LIMIT 3;

.print "\n# What does the header of a batch hash to?"
-- To hash it: sqlite3 -readonly counterfoil.db "SELECT header_text FROM ledger_header WHERE batch=7" | sha256sum
-- gives head of batch 7, which the header of batch 8 names as its previous head.
SELECT header_text FROM ledger_header WHERE batch = :batch;

.print "\n# What must they hash to?"
SELECT batch, lower(hex(entries_sha256)) AS entries_sha256, lower(hex(head)) AS head,
  lower(hex(previous_head)) AS previous_head, tree_size, lower(hex(tree_root)) AS tree_root
FROM ledger_batch WHERE batch = :batch;

.print "\n# Do the entries add up to what the batches say?"
-- Must be empty.
SELECT b.batch, b.written, sum(e.outcome = 1) AS entries_written, b.refused, sum(e.outcome = 4) AS entries_refused
FROM ledger_batch b JOIN ledger_entry e USING(batch) JOIN ledger_pass p USING(pass)
WHERE p.kind IN ('load', 'apply', 'retry') AND e.part = 0 GROUP BY b.batch
HAVING b.written <> entries_written OR b.refused <> entries_refused;

.print "\n# How many records went in, and what became of them?"
SELECT number AS stage, slug, sum(read) AS read, sum(written) AS written, sum(unchanged) AS unchanged,
  sum(filtered) AS filtered, sum(refused) AS refused, sum(merged) AS merged,
  sum(read) - sum(written + unchanged + filtered + refused + merged) AS unaccounted
FROM audit_pass WHERE kind IN ('load', 'apply', 'retry') AND undone_by IS NULL GROUP BY number, slug ORDER BY number;

.print "\n# Do both sides of each stage agree, and what explains the difference?"
-- Empty: no stage has a reconciliation. Amounts are exact decimals, as texts; holds = 0: something is unexplained.
SELECT number AS stage, name, source_records, source_amount, target_records, target_amount, difference, unexplained, holds, causes
FROM audit_reconciliation ORDER BY batch;

.print "\n# Which golden record does a member stand in, since when, and who joined them?"
-- Empty: no stage merges. Ask for one member or one golden record by its number (member = 7, golden = 4711): of all members
-- it takes about two seconds per hundred thousand. `system` is the database in which the member began; `by` is auto (the stage),
-- review (an accepted pair) or rule.
SELECT number AS stage, system, member_id, member, golden_id, golden, since, by FROM audit_cross_reference ORDER BY golden, member;

.print "\n# Which pairs wait for a decision, the likeliest first?"
-- Empty: no stage merges, or every pair was accepted, rejected or ruled out. `at` is the time since which the pair waits.
SELECT number AS stage, band, a_id, b_id, bits, probability, at, since, note, note_actor FROM audit_review ORDER BY probability DESC, a, b;

.print "\n# Who decided which pairs, when and why, and which decisions count?"
-- Empty: nobody has decided or noted anything, or all of it was rolled back. counts = 1: it is the newest decision about the pair.
SELECT number AS stage, a_id, b_id, decision, counts, note, reason, actor, at, batch FROM audit_decision ORDER BY batch, a, b;

.print "\n# Which windows stand, of how many readings, and which records do these come from?"
-- Empty: no stage aggregates. `spans` are ranges of record numbers that cover the readings; `input_hash` is the digest over their commitments.
SELECT number AS stage, database, record, id, inputs, spans, at, batch, input_hash FROM audit_window ORDER BY record LIMIT 20;

.print "\n# How many readings were counted, left out and refused, pass by pass?"
-- Empty: no stage aggregates. read = counted + filtered + refused.
SELECT pass, number AS stage, readings_read, readings_counted, readings_filtered, readings_refused FROM audit_pass
WHERE readings_read IS NOT NULL ORDER BY pass;

.print "\n# What was written to a stage's source and not yet carried through?"
-- Empty: `apply` would find nothing to do.
WITH applied AS (
  SELECT number, slug, source, max(last_batch) AS last_batch FROM audit_pass
  WHERE project = :project AND kind IN ('apply', 'retry') AND undone_by IS NULL GROUP BY number)
SELECT a.number AS stage, a.slug, a.source, p.kind AS written_by, n.id, e.record, e.batch
FROM applied a JOIN audit_pass p ON p.target = a.source AND p.last_batch > a.last_batch AND p.undone_by IS NULL
  AND p.kind <> 'rollback' AND (p.number IS NULL OR p.number < a.number)
JOIN ledger_batch b ON b.pass = p.pass AND b.batch > a.last_batch JOIN ledger_entry e ON e.batch = b.batch
LEFT JOIN ledger_record n ON n.record = e.record WHERE e.outcome IN (1, 5) ORDER BY a.number, e.batch, e.record;

.print "\n# What was erased, and on what basis?"
-- Empty: nothing was erased.
SELECT e.record, e.basis, e.batch, r.actor, r.reason FROM ledger_erasure e JOIN ledger_batch b USING(batch)
JOIN ledger_run r USING(run);

.print "\n# Which checkpoints were signed?"
-- Empty: none was. A note is C2SP text: origin, tree size, root in base64, signatures.
SELECT c.tree_size, b.batch, c.note FROM ledger_checkpoint c LEFT JOIN ledger_batch b USING(tree_size) ORDER BY c.tree_size;

-- The remaining queries use the databases `legacy_transactions` and `transactions` of the shipped project `bank`. In any
-- other store the shell reports that there are no such tables, until you replace the names with your own.

.parameter set :record "(SELECT record FROM transactions WHERE id='T005')"
.parameter set :project "'bank'"
.parameter set :number 2
.parameter set :batch "(SELECT min(first_batch) FROM audit_pass WHERE project='bank' AND number=2 AND kind='apply')"

.print "\n# Bank: whose amount did a stage change, from what, and what is it now?"
SELECT k.record, n.id, k.was, t.data -> '$.amount' AS is_now FROM (
  SELECT batch, record, data -> '$.amount' AS was FROM audit_image WHERE kind = 1
  UNION ALL
  SELECT i.batch, i.record, json_extract(step.value, '$[2]')
  FROM ledger_image i JOIN json_each(CAST(i.body AS TEXT)) step
  WHERE i.kind = 2 AND json_extract(step.value, '$[0]') = '/amount') k
JOIN ledger_batch b USING(batch) JOIN ledger_pass p USING(pass) JOIN ledger_stage s USING(stage)
JOIN ledger_record n USING(record) JOIN transactions t USING(record)
WHERE p.kind = 'apply' AND s.project = :project AND s.number = :number AND k.was <> is_now ORDER BY k.record;

.print "\n# Bank: is a row still what the ledger says it is?"
-- The commitment is SHA-256(salt || id || 00 || data). Hash these bytes and compare:
--     sqlite3 -readonly counterfoil.db "SELECT hex(n.salt)||hex(t.id)||'00'||hex(t.data) FROM transactions t
--       JOIN ledger_record n USING(record) WHERE t.id='T005'" | xxd -r -p | sha256sum
SELECT lower(hex(n.salt) || hex(t.id) || '00' || hex(t.data)) AS bytes,
  (SELECT lower(hex(e.after)) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch = b.batch AND e.record = t.record
   JOIN ledger_pass p USING(pass) WHERE p.target = 'transactions' AND e.after IS NOT NULL
   ORDER BY e.batch DESC LIMIT 1) AS sha256
FROM transactions t JOIN ledger_record n USING(record) WHERE t.record = :record;

.print "\n# Bank: which source records have no target, and why?"
-- Empty: every record went through.
SELECT s.record, s.id, q.number AS stage, q.code FROM legacy_transactions s LEFT JOIN transactions t USING(record)
LEFT JOIN audit_quarantine q USING(record) WHERE t.record IS NULL ORDER BY s.record;

.print "\n# Bank: which rows does the ledger not know?"
-- Must be empty.
SELECT 'transactions' AS database, record, id FROM transactions t
WHERE NOT EXISTS (SELECT 1 FROM ledger_record n WHERE n.record = t.record)
UNION ALL SELECT 'legacy_transactions', record, id FROM legacy_transactions t
WHERE NOT EXISTS (SELECT 1 FROM ledger_record n WHERE n.record = t.record);

.print "\n# Bank: control totals per account, in exact cents?"
-- In whole cents, because SQLite sums fractions as floats: without its point, an amount with two places is a number of
-- cents. For a JSON number, take its text with `data -> '$.pricing.total'`, never the value of `->>` or json_extract.
SELECT data ->> '$.account_number' AS account, count(*) AS transactions,
  sum(CAST(replace(data ->> '$.amount', '.', '') AS INTEGER)) AS cents,
  sum(max(CAST(replace(data ->> '$.amount', '.', '') AS INTEGER), 0)) AS credits,
  sum(min(CAST(replace(data ->> '$.amount', '.', '') AS INTEGER), 0)) AS debits
FROM transactions GROUP BY 1 ORDER BY 1;

.print "\n# Bank: are the amounts such that these totals are exact?"
-- Must be empty.
SELECT id FROM transactions
WHERE json_type(data, '$.amount') <> 'text' OR data ->> '$.amount' NOT GLOB '*[0-9].[0-9][0-9]';
