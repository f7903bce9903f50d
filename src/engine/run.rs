//! The run: the only code that opens a write transaction. Every verb commits through it, one batch at a time: rows,
//! entries, counters and resume point commit together or not at all.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

use super::bounds::Stopped;
use super::pass::Pass;
use super::reader::ReadConnection;
use super::sink::Sink;
use crate::error::{Error, Result};
use crate::ledger::append::{insert_batch, insert_entries, insert_pass, insert_run};
use crate::ledger::checkpoint::{Checkpoint, insert_note, newest_note};
use crate::ledger::read::{LedgerTable, known_revision, largest};
use crate::ledger::refusals;
use crate::ledger::{
    Batch, BatchKind, Head, PassKind, PassRow, RunRow, Sealed, StageRow, header_text, next_pass,
};
use crate::note::SigningKey;
use crate::observe::{Event, StopSignal};
use crate::record::{BatchId, PassId, RunId};
use crate::stage::Stage;
use crate::store::{Store, StoreLock, Table, checkpoints, schema};

/// Name and version of the tool, as recorded in the ledger.
pub(crate) const TOOL: &str = concat!("counterfoil ", env!("CARGO_PKG_VERSION"));

/// The name of a command that writes, its arguments, and why it runs.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunInfo {
    /// Name of the command, for example `apply`.
    pub command: String,
    /// Its arguments, for the ledger; without secrets.
    pub arguments: Vec<String>,
    /// Reason, in the operator's words.
    pub reason: Option<String>,
}

impl RunInfo {
    /// Describes a command without arguments or reason.
    #[must_use]
    pub fn new(command: &str) -> Self {
        Self {
            command: command.to_owned(),
            ..Self::default()
        }
    }

    /// Sets the command's arguments, without secrets. Default: none.
    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Sets why the command runs, in the operator's words. Default: `None`.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// One execution of a command that writes. Holds the store's lock.
pub(crate) struct Run<'s> {
    store: &'s mut Store,
    row: RunRow,
    row_written: bool,
    head: Head,
    /// Held by the reading thread while it reads, and by the commit: with a rollback journal they exclude each other,
    /// and waiting for a mutex is faster than polling for a file lock.
    gate: Arc<Mutex<()>>,
    _lock: Option<StoreLock>,
}

impl<'s> Run<'s> {
    /// Takes the lock and reads the ledger's current state. Nothing is written before the first batch.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process holds the store for longer than the store's options say to wait.
    pub(crate) fn begin(store: &'s mut Store, run_info: &RunInfo) -> Result<Self> {
        let environment = store.environment().clone();
        let started_us = environment.clock.now_us();
        let since = chrono::DateTime::from_timestamp_micros(started_us)
            .map(|at| at.to_rfc3339())
            .unwrap_or_default();
        let holder = format!(
            "pid {} on {} since {since}\n",
            std::process::id(),
            environment.host
        );
        let lock = store.lock(&holder)?;
        store.settle_journal()?;
        let mut bytes = [0; 16];
        environment.randomness.fill(&mut bytes);
        let arguments = serde_json::to_string(&run_info.arguments).expect("texts always have a JSON text");
        let row = RunRow {
            run: RunId::BEFORE_FIRST,
            uuid: uuid::Builder::from_random_bytes(bytes).into_uuid().to_string(),
            command: run_info.command.clone(),
            actor: environment.actor,
            host: environment.host,
            tool: TOOL.to_owned(),
            arguments,
            reason: run_info.reason.clone(),
            started_us,
        };
        let mut run = Self {
            store,
            row,
            row_written: false,
            head: Head::default(),
            gate: Arc::default(),
            _lock: lock,
        };
        if schema::has_ledger(run.connection())? {
            run.row.run = largest(run.connection(), LedgerTable::Run)?;
            run.head = Head::read(run.connection())?;
        }
        run.row.run = run.row.run.next();
        Ok(run)
    }

    pub(crate) fn store(&self) -> &Store {
        self.store
    }

    pub(crate) fn connection(&self) -> &Connection {
        self.store.connection()
    }

    /// Opens a connection for the thread that makes batches.
    pub(crate) fn reader(&self) -> Result<ReadConnection> {
        ReadConnection::beside(self.store, Arc::clone(&self.gate))
    }

    /// Returns the run's number, which is in the ledger only once a batch was committed.
    pub(crate) fn number(&self) -> RunId {
        self.row.run
    }

    /// Returns whether the run has committed anything.
    pub(crate) fn has_written(&self) -> bool {
        self.row_written
    }

    /// Returns the number of the next batch.
    pub(crate) fn next_batch(&self) -> BatchId {
        self.head.batch.next()
    }

    /// Returns the value of `now()` for a pass that begins now: the start of the run, but not earlier than the newest
    /// batch.
    pub(crate) fn now_us(&self) -> i64 {
        self.row.started_us.max(self.head.committed_us)
    }

    /// Makes a new pass, which is in the ledger only once its first batch was committed.
    pub(crate) fn new_pass(&self, kind: PassKind, stage: Option<StageRow>) -> Result<Pass> {
        let pass = largest::<PassId>(self.connection(), LedgerTable::Pass)?.next();
        let stage = match stage {
            Some(mut stage) => {
                // The hash covers what the ledger keeps: a stage that was only renamed is the revision that it was,
                // under its old name.
                match known_revision(self.connection(), &stage)? {
                    Some((known, slug)) => (stage.stage, stage.slug) = (known, slug),
                    None => stage.stage = largest::<i64>(self.connection(), LedgerTable::Stage)? + 1,
                }
                Some(stage)
            }
            None => None,
        };
        let now_us = self.now_us();
        let row = PassRow {
            pass,
            kind,
            stage,
            source: None,
            target: None,
            reverses: None,
            after_batch: None,
            now_us,
        };
        Ok(Pass::new(row))
    }

    /// Makes a new pass of a stage.
    pub(crate) fn stage_pass(&self, project: &str, stage: &Stage, kind: PassKind) -> Result<Pass> {
        let mut pass = self.new_pass(kind, Some(StageRow::new(project, stage)))?;
        pass.row.source = Some(stage.source().to_owned());
        pass.row.target = Some(stage.target().to_owned());
        Ok(pass)
    }

    /// Commits a batch in one transaction: its changes, its entries, its header and the resume point. Returns its
    /// number.
    pub(crate) fn commit(&mut self, pass: &mut Pass, batch: Batch) -> Result<BatchId> {
        let mut sealed = batch.seal(self.next_batch());
        if pass.begins()
            && let Some(systems) = self.systems(&pass.row)
        {
            sealed.batch.remark("systems", systems);
        }
        // An index is as large as its table is long. No reader is active during its step, so it need not all be held in
        // memory until the commit.
        let spills = sealed.batch.step == BatchKind::Index;
        if spills {
            self.store.let_spill(true)?;
        }
        let committed = self.commit_sealed(pass, &sealed);
        if spills {
            self.store.let_spill(false)?;
        }
        committed.map(|()| sealed.number)
    }

    /// Returns the systems that a pass reads from and writes to, if any is declared: the ledger records what they were
    /// at the time.
    fn systems(&self, pass: &PassRow) -> Option<serde_json::Value> {
        let declared = &self.store.options().systems;
        let of = |database: &Option<String>| database.as_ref().and_then(|name| declared.get(name));
        // A load reads a file, whatever its name is.
        let source = (pass.kind != PassKind::Load).then(|| of(&pass.source));
        let systems = [source.flatten(), of(&pass.target)];
        let is_declared = systems.iter().any(Option::is_some);
        is_declared.then(|| serde_json::json!(systems))
    }

    fn commit_sealed(&mut self, pass: &mut Pass, sealed: &Sealed) -> Result<()> {
        let state = next_pass(pass.state, sealed.batch.step)?;
        // The machine's clock may go backwards, but the ledger's times never do.
        let committed_us = self
            .store
            .environment()
            .clock
            .now_us()
            .max(self.head.committed_us);
        let header = header_text(&self.row, &pass.row, sealed, committed_us, &self.head.head);
        let head = self.head.extended(sealed, &header, committed_us);
        let gate = Arc::clone(&self.gate);
        let written = Error::sqlite("written");
        // In memory no reader can begin while a transaction is open.
        let in_memory = self.store.is_in_memory();
        let closed = in_memory.then(|| gate.lock().unwrap_or_else(PoisonError::into_inner));
        let transaction = self
            .store
            .connection_mut()
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(written)?;
        if sealed.number == 1 {
            schema::write(&transaction)?;
        }
        if !self.row_written {
            insert_run(&transaction, &self.row)?;
        }
        if pass.begins() {
            insert_pass(&transaction, &pass.row)?;
        }
        if let Some(target) = &pass.row.target {
            let table = Table::from_name(target)?;
            sealed
                .batch
                .shape
                .iter()
                .try_for_each(|shape| table.reshape(&transaction, *shape))?;
            table.change(&transaction, &sealed.batch.changes)?;
        }
        insert_entries(&transaction, sealed)?;
        insert_batch(
            &transaction,
            self.row.run,
            pass.row.pass,
            sealed,
            &self.head,
            &head,
        )?;
        let closed = closed.unwrap_or_else(|| gate.lock().unwrap_or_else(PoisonError::into_inner));
        transaction.commit().map_err(written)?;
        drop(closed);
        self.row_written = true;
        pass.state = state;
        self.head = head;
        Ok(())
    }

    /// Ends the run: signs the ledger's current state, if there is a key, and appends the checkpoint to its file. A run
    /// that was killed before this is signed with the next one.
    pub(crate) fn finish(self) -> Result<()> {
        self.sign().map(drop)
    }

    /// Signs the ledger's current state, if there is a key and it is not signed yet.
    pub(crate) fn sign(&self) -> Result<Option<Checkpoint>> {
        let signed = self.signing_key().map(|key| -> Result<_> {
            let connection = self.connection();
            let Some(now) = Checkpoint::from_ledger(connection)? else {
                return Ok(None);
            };
            if newest_note(connection)?.and_then(|note| Checkpoint::from_note(&note)) != Some(now.clone()) {
                insert_note(connection, now.size, &key.sign(&now.to_text()))?;
            }
            Ok(Some(now))
        });
        checkpoints::complete(self.store)?;
        signed.transpose().map(Option::flatten)
    }

    fn signing_key(&self) -> Option<&SigningKey> {
        self.store.environment().keys.signer()
    }

    /// Returns sixteen random bytes.
    pub(crate) fn salt(&self) -> crate::digest::Salt {
        let mut salt = [0; 16];
        self.store.environment().randomness.fill(&mut salt);
        salt
    }
}

impl Sink for Run<'_> {
    fn open(&self, stop: &StopSignal) -> Result<ReadConnection> {
        stop.watch(self.connection());
        self.reader()
    }

    fn take(&mut self, pass: &mut Pass, batch: Batch) -> Result<Event> {
        let counts = batch.counts;
        let batch = self.commit(pass, batch)?;
        let pass = pass.row.pass;
        Ok(Event::BatchCommitted { pass, batch, counts })
    }

    fn halted(&self, pass: &Pass) -> Result<Option<Stopped>> {
        let refused = refusals::halting(self.connection(), pass.row.pass)?.len() as u64;
        Ok(Some(Stopped::Contract { refused }))
    }
}
