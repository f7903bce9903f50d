//! The data and the stages that a plan was made from, so that `apply` can refuse a plan that is out of date.

use rusqlite::Connection;

use crate::digest::{hex, sha256};
use crate::error::{Error, Result};
use crate::ledger::head::tree_after;
use crate::ledger::read::origin;
use crate::ledger::runs::runs_after;
use crate::ledger::{Head, Matching};
use crate::record::BatchId;
use crate::stage::{Stage, Stages};

/// State of a store and of a project's stages from which a plan was made.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pin {
    /// The version of this format: 1.
    pub version: u32,
    /// Name of the project.
    pub project: String,
    /// UUID of the store's first run.
    pub origin: String,
    /// Last batch of the store.
    pub batch: BatchId,
    /// Size of the ledger's tree after that batch.
    pub tree_size: u64,
    /// Root of the tree after that batch, in hexadecimal: the fingerprint of everything that was ever written to the
    /// store.
    pub tree_root: String,
    /// Last stage to bring up to date; `None` for all.
    pub to: Option<u32>,
    /// Whether applied stages may continue with a changed meaning.
    pub revise: bool,
    /// Whether merge stages learn their models anew.
    #[serde(default, skip_serializing_if = "is_false")]
    pub relearn: bool,
    /// What a refusal does, `stop` or `quarantine`; `None` uses each stage's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<String>,
    /// How many refusals are allowed, `10` or `0.5%`; `None` uses each stage's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_errors: Option<String>,
    /// The stages, in order.
    pub stages: Vec<PinnedStage>,
    /// What the plan's merges would come to, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merges: Vec<PinnedMerge>,
    /// The hash of the plan's figures as written in its file, in hexadecimal: to approve a plan is to approve its
    /// figures, and the pin's own hash is in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures_sha256: Option<String>,
}

/// A stage that a plan includes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PinnedStage {
    /// Number of the stage.
    pub number: u32,
    /// Slug of the stage.
    pub slug: String,
    /// Hash of the stage's meaning without the names of its reconciliations, in hexadecimal.
    pub meaning_sha256: String,
}

/// What a merge of a plan would come to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PinnedMerge {
    /// Number of the stage.
    pub stage: u32,
    /// Hash of the model, in hexadecimal.
    pub model_sha256: String,
    /// Hash over the clusters, in hexadecimal.
    pub clusters_sha256: String,
}

impl PinnedMerge {
    pub(crate) fn new(stage: u32, matching: &Matching) -> Self {
        Self {
            stage,
            model_sha256: matching.model_sha256.clone(),
            clusters_sha256: matching.clusters_sha256.clone(),
        }
    }
}

/// Options that the planned `apply` was to run with.
pub(crate) struct Asked {
    pub(crate) to: Option<u32>,
    pub(crate) revise: bool,
    pub(crate) relearn: bool,
    pub(crate) on_error: Option<String>,
    pub(crate) max_errors: Option<String>,
}

/// The version of the format.
const VERSION: u32 = 1;
/// Prefix of the pin's hash in the arguments of every run that applies the plan.
const ARGUMENT: &str = "--plan-sha256=";

impl Pin {
    /// Pins the current state.
    pub(crate) fn new(connection: &Connection, head: &Head, stages: &Stages, asked: &Asked) -> Result<Self> {
        Ok(Self {
            version: VERSION,
            project: stages.project().to_owned(),
            origin: origin(connection)?,
            batch: head.batch,
            tree_size: head.frontier.size(),
            tree_root: hex(&head.frontier.root()),
            to: asked.to,
            revise: asked.revise,
            relearn: asked.relearn,
            on_error: asked.on_error.clone(),
            max_errors: asked.max_errors.clone(),
            stages: stages.up_to(asked.to).map(PinnedStage::new).collect(),
            merges: Vec::new(),
            figures_sha256: None,
        })
    }

    /// Returns the text of a plan's file: the pin, bound to the figures, and the figures.
    #[must_use]
    pub fn to_file(&self, figures: &serde_json::Value) -> String {
        let pin = Self {
            figures_sha256: Some(hash_of(figures)),
            ..self.clone()
        };
        format!("{:#}\n", serde_json::json!({ "pin": pin, "plan": figures }))
    }

    /// Reads the pin from the text of a plan: a JSON object that holds it as `pin`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the text is not a plan, or is a plan of another version.
    pub fn parse(text: &str) -> Result<Self> {
        #[derive(serde::Deserialize)]
        struct PinnedPlan {
            pin: Pin,
            plan: Option<serde_json::Value>,
        }
        let plan: PinnedPlan = serde_json::from_str(text).map_err(|error| {
            let message = format!("this is not a plan: {error}");
            Error::invalid(message, "create one with `counterfoil plan --out FILE`")
        })?;
        if plan.pin.version != VERSION {
            let message = format!("the plan has version {}, not {VERSION}", plan.pin.version);
            return Err(Error::invalid(
                message,
                "create it again with `counterfoil plan --out FILE`",
            ));
        }
        if plan.pin.figures_sha256 != plan.plan.as_ref().map(hash_of) {
            return Err(Error::invalid(
                "the figures of the plan have been changed since it was created",
                "create it again with `counterfoil plan --out FILE`",
            ));
        }
        Ok(plan.pin)
    }

    /// Returns the argument that the ledger keeps for a run that applies this plan.
    pub(crate) fn argument(&self) -> String {
        let text = serde_json::to_string(self).expect("plain data has a JSON text");
        format!("{ARGUMENT}{}", hex(&sha256(&[text.as_bytes()])))
    }

    fn as_asked(&self) -> String {
        let to = self.to;
        let mut asked = to.map_or_else(|| "for all stages".to_owned(), |to| format!("with `--to {to}`"));
        for (option, is_set) in [("--revise", self.revise), ("--relearn", self.relearn)] {
            if is_set {
                asked.extend([", with `", option, "`"]);
            }
        }
        asked
    }

    /// Refuses when the stages or the data are not those of the plan. What earlier runs of the same plan wrote does not
    /// count as a difference, so that an interrupted `apply` can continue.
    pub(crate) fn check(&self, connection: &Connection, stages: &Stages, asked: &Asked) -> Result<()> {
        let moved = |what: String| Err(Error::PlanMoved { what });
        if self.project != stages.project() {
            return moved(format!(
                "it belongs to the project `{}`, not `{}`",
                self.project,
                stages.project()
            ));
        }
        if self.origin != origin(connection)? {
            return moved("it belongs to another store".to_owned());
        }
        if (self.to, self.revise, self.relearn) != (asked.to, asked.revise, asked.relearn) {
            return moved(format!("it was created {}", self.as_asked()));
        }
        if self.on_error != asked.on_error {
            return moved(format!(
                "it was created {}",
                with("--on-error", self.on_error.as_ref())
            ));
        }
        if self.max_errors != asked.max_errors {
            return moved(format!(
                "it was created {}",
                with("--max-errors", self.max_errors.as_ref())
            ));
        }
        let now: Vec<PinnedStage> = stages.up_to(self.to).map(PinnedStage::new).collect();
        if let Some(what) = difference(&self.stages, &now) {
            return moved(what);
        }
        let tree = tree_after(connection, self.batch)?;
        let tree = tree.map(|tree| (tree.size, hex(&tree.root)));
        if tree != Some((self.tree_size, self.tree_root.clone())) {
            return moved(format!(
                "the store was never in the state of batch {}",
                self.batch
            ));
        }
        for since in runs_after(connection, self.batch)? {
            let arguments: Vec<String> = serde_json::from_str(&since.arguments).unwrap_or_default();
            if since.command != "apply" || !arguments.contains(&self.argument()) {
                let (run, command, batch) = (since.run, since.command, since.first_batch);
                return moved(format!("run {run} (`{command}`) has since written batch {batch}"));
            }
        }
        Ok(())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Hashes the figures; white space between them does not matter.
fn hash_of(figures: &serde_json::Value) -> String {
    hex(&sha256(&[figures.to_string().as_bytes()]))
}

impl PinnedStage {
    fn new(stage: &Stage) -> Self {
        Self {
            number: stage.number(),
            slug: stage.slug().to_owned(),
            meaning_sha256: hex(&stage.deeds_sha256()),
        }
    }
}

fn with(option: &str, value: Option<&String>) -> String {
    match value {
        Some(value) => format!("with `{option} {value}`"),
        None => format!("without `{option}`"),
    }
}

/// Describes the first stage that has changed.
fn difference(then: &[PinnedStage], now: &[PinnedStage]) -> Option<String> {
    for stage in then {
        match now.iter().find(|other| other.number == stage.number) {
            None => {
                return Some(format!(
                    "stage {} ({}) no longer exists",
                    stage.number, stage.slug
                ));
            }
            Some(other) if other.meaning_sha256 != stage.meaning_sha256 => {
                return Some(format!("stage {} ({}) has changed", stage.number, stage.slug));
            }
            Some(_) => {}
        }
    }
    let distinct =
        |(at, stage): (usize, &PinnedStage)| !then[..at].iter().any(|other| other.number == stage.number);
    if !then.iter().enumerate().all(distinct) {
        return Some("its stages are not the stages of the project".to_owned());
    }
    let is_new = |stage: &&PinnedStage| !then.iter().any(|other| other.number == stage.number);
    now.iter()
        .find(is_new)
        .map(|stage| format!("stage {} ({}) is new", stage.number, stage.slug))
}
