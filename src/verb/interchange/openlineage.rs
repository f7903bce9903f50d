//! Runs as events of `OpenLineage` 2-0-2.

use std::collections::{BTreeMap, VecDeque};

use rusqlite::Connection;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::dataset::{column_lineage, facet, lineage_of, schema, with_origin};
use super::terms::{PRODUCER, counts, time};
use crate::error::{Error, Result};
use crate::ledger::read::origin;
use crate::ledger::runs::{RunHistories, RunHistory, RunPart};
use crate::ledger::{PassKind, RunRow, StageRow};
use crate::record::PassId;
use crate::stage::{Lineage, MaxErrors, Stages};
use crate::store::Store;

/// Schema of the specification's version that the events follow.
const SCHEMA_URL: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
/// Our own facet: `schema/openlineage/CounterfoilLedgerRunFacet.json`.
const LEDGER_FACET: &str =
    "urn:counterfoil:facets:1-0-0:CounterfoilLedgerRunFacet.json#/$defs/CounterfoilLedgerRunFacet";

/// Which runs to export.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OpenLineageOptions {
    /// Number of the newest runs to export; `None` for all.
    pub newest: Option<usize>,
}

impl OpenLineageOptions {
    /// Exports only the given number of newest runs. Default: `None`, all runs.
    #[must_use]
    pub fn newest(mut self, newest: impl Into<Option<usize>>) -> Self {
        self.newest = newest.into();
        self
    }
}

impl Store {
    /// Returns the runs of the store as events of [OpenLineage](https://openlineage.io) 2-0-2, oldest first, ready to
    /// be written one per line.
    ///
    /// Every run is a run of `OpenLineage`, with its UUID in the ledger. Each pass that it worked on is a child run,
    /// with what it read and wrote: `START`, then `COMPLETE`, or, if the pass did not end in this run, `FAIL` (it
    /// refused more than is allowed) or `ABORT` (anything else: the ledger does not record why a run stopped, and the
    /// run may still be in progress). The namespace of jobs and datasets is the ledger's, `counterfoil://` and the UUID
    /// of its first run; a dataset is a logical database.
    ///
    /// The column lineage is that of the stage as it was applied: from `stages`, when the meaning there is unchanged,
    /// otherwise from the text in the ledger. A stage that was built in Rust and is not among `stages` depends on the
    /// record as a whole.
    ///
    /// ```
    /// # use counterfoil::{Environment, LoadOptions, Silent, Stages, Store, StoreOptions, interchange, load};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let mut store = Store::open_or_create(folder.path().join("s.db"), StoreOptions::default(), Environment::default())?;
    /// # load(&mut store, "tx_v1", "sample", "{\"id\":\"1\"}\n".as_bytes(), &LoadOptions::default(), &mut Silent)?;
    /// # let stages = Stages::new("bank", vec![]).map_err(counterfoil::Error::from)?;
    /// for event in store.openlineage(&stages, &interchange::OpenLineageOptions::default())? {
    ///     println!("{}", event?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn openlineage<'s>(
        &'s self,
        stages: &'s Stages,
        options: &OpenLineageOptions,
    ) -> Result<OpenLineage<'s>> {
        Ok(OpenLineage {
            connection: self.connection(),
            namespace: format!("counterfoil://{}", origin(self.connection())?),
            stories: RunHistories::read(self.connection(), options.newest)?,
            stages,
            lineages: BTreeMap::new(),
            waiting: VecDeque::new(),
        })
    }
}

/// Iterator over the events, which are produced run by run.
#[derive(Debug)]
pub struct OpenLineage<'s> {
    connection: &'s Connection,
    namespace: String,
    stories: RunHistories<'s>,
    stages: &'s Stages,
    /// Lineages by the number of the revision.
    lineages: BTreeMap<i64, Lineage>,
    waiting: VecDeque<Json>,
}

impl Iterator for OpenLineage<'_> {
    type Item = Result<Json>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.waiting.is_empty() {
            let told = self.stories.next()?.and_then(|story| self.tell(&story));
            if let Err(error) = told {
                return Some(Err(error));
            }
        }
        self.waiting.pop_front().map(Ok)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Complete,
    Abort,
    Fail,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            Self::Complete => "COMPLETE",
            Self::Abort => "ABORT",
            Self::Fail => "FAIL",
        }
    }
}

/// A run or a part of it, as in both of its events.
struct RunEvent {
    run: Uuid,
    job: Json,
    facets: Json,
}

impl OpenLineage<'_> {
    fn tell(&mut self, story: &RunHistory) -> Result<()> {
        let uuid = Uuid::parse_str(&story.row.uuid).map_err(|_| Error::Damaged {
            what: format!("run {} has an invalid UUID", story.row.run),
        })?;
        let parent = self.parent(&story.row, uuid);
        self.waiting
            .push_back(event("START", story.row.started_us, &parent, &[], &[]));
        let (mut end, mut ended_us) = (End::Complete, story.row.started_us);
        for part in &story.parts {
            ended_us = ended_us.max(part.last.committed_us);
            if part.pass.kind != PassKind::Init {
                end = end.max(self.part_event(&parent, story, part)?);
            }
        }
        let mut last = parent;
        if end != End::Complete {
            last.facets["errorMessage"] = error_message(&not_ended(story));
        }
        if let Some(part) = story.parts.last() {
            last.facets["counterfoil_ledger"] = ledger_facet(&self.namespace, &story.row, Some(part), None);
        }
        self.waiting
            .push_back(event(end.name(), ended_us, &last, &[], &[]));
        Ok(())
    }

    /// Describes the run as a whole.
    fn parent(&self, row: &RunRow, uuid: Uuid) -> RunEvent {
        RunEvent {
            run: uuid,
            job: self.job(&row.command, "COMMAND"),
            facets: json!({
                "processing_engine": engine(row),
                "counterfoil_ledger": ledger_facet(&self.namespace, row, None, None),
            }),
        }
    }

    /// Reports what the run did in one pass.
    fn part_event(&mut self, parent: &RunEvent, story: &RunHistory, part: &RunPart) -> Result<End> {
        let pass = &part.pass;
        let (end, why) = ended(self.connection, &story.row, part)?;
        let mut told = RunEvent {
            run: Uuid::new_v5(&parent.run, format!("pass/{}", pass.pass).as_bytes()),
            job: self.job(
                &job_name(part),
                if pass.stage.is_some() { "STAGE" } else { "DATABASE" },
            ),
            facets: json!({
                "parent": facet("ParentRunFacet", "1-1-0", json!({
                    "run": { "runId": parent.run.to_string() },
                    "job": { "namespace": parent.job["namespace"], "name": parent.job["name"] },
                })),
                "processing_engine": engine(&story.row),
                "counterfoil_ledger": ledger_facet(&self.namespace, &story.row, Some(part), Some(pass.pass)),
            }),
        };
        let (inputs, outputs) = self.datasets(part);
        let without_numbers = |datasets: &[Json], key: &str| -> Vec<Json> {
            let mut datasets = datasets.to_vec();
            for dataset in datasets.iter_mut().filter_map(Json::as_object_mut) {
                dataset.remove(key);
            }
            datasets
        };
        self.waiting.push_back(event(
            "START",
            part.began_us,
            &told,
            &without_numbers(&inputs, "inputFacets"),
            &without_numbers(&outputs, "outputFacets"),
        ));
        if let Some(why) = why {
            told.facets["errorMessage"] = error_message(&why);
        }
        self.waiting.push_back(event(
            end.name(),
            part.last.committed_us,
            &told,
            &inputs,
            &outputs,
        ));
        Ok(end)
    }

    fn job(&self, name: &str, kind: &str) -> Json {
        let job_type = json!({ "processingType": "BATCH", "integration": "COUNTERFOIL", "jobType": kind });
        json!({
            "namespace": self.namespace,
            "name": name,
            "facets": { "jobType": facet("JobTypeJobFacet", "2-0-3", job_type) },
        })
    }

    /// Returns what a pass reads and writes.
    fn datasets(&mut self, part: &RunPart) -> (Vec<Json>, Vec<Json>) {
        let pass = &part.pass;
        let (source, target) = (pass.source.as_deref(), pass.target.as_deref());
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        let carries = matches!(pass.kind, PassKind::Apply | PassKind::Retry);
        if let Some(source) = source.filter(|_| carries || pass.kind == PassKind::Reconcile) {
            let mut input = self.dataset(source, pass.stage.as_ref(), "source");
            let read = json!({ "rowCount": part.counts.read });
            input["inputFacets"] =
                json!({ "inputStatistics": facet("InputStatisticsInputDatasetFacet", "1-0-0", read) });
            inputs.push(input);
        }
        let Some(target) = target else {
            return (inputs, outputs);
        };
        let side = if carries { "target" } else { "" };
        let mut dataset = self.dataset(target, pass.stage.as_ref(), side);
        if pass.kind == PassKind::Reconcile {
            if source != Some(target) {
                inputs.push(dataset);
            }
            return (inputs, outputs);
        }
        if let (true, Some(stage), Some(source)) = (carries, &pass.stage, source) {
            let redact = crate::stage::redacted_by(&stage.meaning).unwrap_or_default();
            let lineage = self.lineage(stage);
            dataset["facets"]["columnLineage"] = column_lineage(&lineage, (&self.namespace, source), &redact);
        }
        let written = json!({ "rowCount": part.rows });
        dataset["outputFacets"] =
            json!({ "outputStatistics": facet("OutputStatisticsOutputDatasetFacet", "1-0-2", written) });
        outputs.push(dataset);
        (inputs, outputs)
    }

    fn dataset(&self, database: &str, stage: Option<&StageRow>, side: &str) -> Json {
        let mut dataset = json!({ "namespace": self.namespace, "name": database, "facets": {} });
        if let Some(schema) = stage.and_then(|stage| schema(stage, side)) {
            dataset["facets"]["schema"] = schema;
        }
        dataset
    }

    fn lineage(&mut self, stage: &StageRow) -> Lineage {
        let known = self.lineages.entry(stage.stage);
        known.or_insert_with(|| lineage_of(stage, self.stages)).clone()
    }
}

fn event(kind: &str, at_us: i64, told: &RunEvent, inputs: &[Json], outputs: &[Json]) -> Json {
    json!({
        "eventType": kind,
        "eventTime": time(at_us),
        "run": { "runId": told.run.to_string(), "facets": told.facets },
        "job": told.job,
        "inputs": inputs,
        "outputs": outputs,
        "producer": PRODUCER,
        "schemaURL": SCHEMA_URL,
    })
}

/// Returns the job of a pass: the same name for every pass of a stage in one direction.
fn job_name(part: &RunPart) -> String {
    let kind = part.pass.kind.name();
    match (&part.pass.stage, &part.pass.target) {
        (Some(stage), _) => format!("{}.{:04}_{}.{kind}", stage.project, stage.number, stage.slug),
        (None, Some(target)) => format!("{target}.{kind}"),
        (None, None) => kind.to_owned(),
    }
}

fn engine(row: &RunRow) -> Json {
    let (name, version) = row.tool.split_once(' ').unwrap_or((&row.tool, ""));
    facet(
        "ProcessingEngineRunFacet",
        "1-1-1",
        json!({ "version": version, "name": name }),
    )
}

/// Returns where the ledger records the events, so that they can be checked against it.
fn ledger_facet(namespace: &str, row: &RunRow, part: Option<&RunPart>, pass: Option<PassId>) -> Json {
    let mut told = json!({
        "ledger": namespace.strip_prefix("counterfoil://"),
        "run": row.run,
        "command": row.command,
        "actor": row.actor,
    });
    let mut add = |key: &str, value: Json| told[key] = value;
    if let Some(reason) = &row.reason {
        add("reason", reason.as_str().into());
    }
    if let Some(pass) = pass {
        add("pass", pass.get().into());
    }
    if let Some(part) = part {
        if pass.is_some() {
            add("kind", part.pass.kind.name().into());
            add("counts", counts(&part.counts));
            add("batches", json!([part.first_batch, part.last.batch]));
            if let Some(reverses) = part.pass.reverses {
                add("reverses", reverses.get().into());
            }
        }
        add("head", crate::digest::hex(&part.last.head).into());
        add("treeSize", part.last.tree_size.into());
        add("treeRoot", crate::digest::hex(&part.last.tree_root).into());
    }
    with_origin(LEDGER_FACET.to_owned(), told)
}

fn error_message(message: &str) -> Json {
    let told = json!({ "message": message, "programmingLanguage": "RUST" });
    facet("ErrorMessageRunFacet", "1-0-1", told)
}

fn not_ended(story: &RunHistory) -> String {
    let open = story.parts.iter().find(|part| !part.ended());
    let pass = open.map_or(PassId::BEFORE_FIRST, |part| part.pass.pass);
    format!("pass {pass} did not end in this run; a later run continues it")
}

/// Returns how a run's part of a pass ended, and why, as far as the ledger shows.
fn ended(connection: &Connection, row: &RunRow, part: &RunPart) -> Result<(End, Option<String>)> {
    if part.ended() {
        return Ok((End::Complete, None));
    }
    let (read, refused) = part.so_far(connection)?;
    if let Some(most) = allowed(row, part)
        && part.last.counts.refused > 0
        && refused > most.of(read)
    {
        let why = format!(
            "stopped: {refused} of {read} records were refused, and at most {most} may be; run the same command to \
             continue"
        );
        return Ok((End::Fail, Some(why)));
    }
    let why = "the pass did not end in this run; the ledger does not record why a run stops, and this one may still be \
        running";
    Ok((End::Abort, Some(why.to_owned())))
}

/// Returns how many refusals the stage, or the run's arguments, allow.
fn allowed(row: &RunRow, part: &RunPart) -> Option<MaxErrors> {
    let meaning: Json = serde_json::from_str(&part.pass.stage.as_ref()?.meaning).ok()?;
    let arguments: Vec<String> = serde_json::from_str(&row.arguments).unwrap_or_default();
    let argument = |name: &str| {
        let mut following = arguments.iter().skip_while(|word| *word != name).skip(1);
        let joined = arguments
            .iter()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        following.next().map(String::as_str).or(joined)
    };
    if argument("--on-error").or(meaning["on_error"].as_str()) == Some("stop") {
        return Some(MaxErrors::Count(0));
    }
    MaxErrors::from_text(argument("--max-errors").or(meaning["max_errors"].as_str())?)
}
