//! `explain`: why two records are one, or why not.

mod named;
mod render;

use counterfoil::record::RecordNumber;
use counterfoil::stage::{Stage, Stages};
use counterfoil::store::Store;
use serde_json::json;

use self::named::{Named, named};
use crate::cli::answer::{Answer, json};
use crate::cli::compared;
use crate::cli::failure::{Failure, no_stage};
use crate::cli::render::shown;
use crate::cli::session::Session;
use crate::cli::values::stage_number;

/// Show why two records are merged, or why not.
///
/// Every field that the merge stage compares is shown with what it says for or against, in bits, as the recorded
/// model has it. With one record, its pairs in its golden record are shown, its pairs that wait for a decision, and
/// the nearest records outside. Redacted values are masked. Nothing is written.
///
/// A record is named by its id in the source of a merge stage, or by its number: `#4`, and `4+9` for a pair. A golden
/// record, named by its id in the target, stands for its members.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil explain register PAT-0017\n  counterfoil explain register PAT-0017 PAT-0023\n  counterfoil explain register 17+23"
)]
pub(crate) struct Explain {
    /// The source or the target of a merge stage.
    database: String,
    /// A record.
    a: String,
    /// Another record.
    b: Option<String>,
    /// The merge stage, if several read or write the database.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    stage: Option<u32>,
}

impl Explain {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let (stages, store) = (project.stages(), session.open_to_read()?);
        let stage = self.stage(session, &store, stages)?;
        let (a, b) = named(
            session,
            &store,
            stage,
            &self.database,
            (&self.a, self.b.as_deref()),
        )?;
        let number = stage.number();
        // A golden record of one member is explained by that member.
        if let ([record], None) = (a.members(), &b) {
            let explained = store.explain_record(stages, number, *record)?;
            let explained = explained.ok_or_else(|| not_a_member(session, stage, &[*record]))?;
            let text = render::record(&explained, session, &self.database);
            return Ok(Answer::new(
                json!({ "stage": number, "record": json(&explained) }),
                text,
            ));
        }
        let asked = asked(&a, b.as_ref());
        if asked.is_empty() {
            return Err(Failure::usage(
                "explain.one",
                "both are one record",
                "name two records, or one alone",
            ));
        }
        let mut pairs = store.compare_pairs(stages, number, &asked)?;
        if pairs.is_empty() {
            let records: Vec<RecordNumber> = asked.iter().flat_map(|(a, b)| [*a, *b]).collect();
            return Err(not_a_member(session, stage, &records));
        }
        pairs.sort_by_key(|pair| {
            (
                std::cmp::Reverse(pair.bits),
                pair.a.side.record,
                pair.b.side.record,
            )
        });
        let text = match &pairs[..] {
            [pair] => compared::pair(pair),
            pairs => compared::pairs(pairs),
        };
        Ok(Answer::new(
            json!({ "stage": number, "pairs": json(&pairs) }),
            text,
        ))
    }

    /// The merge stage that reads or fills the database.
    fn stage<'s>(
        &self,
        session: &Session<'_>,
        store: &Store,
        stages: &'s Stages,
    ) -> Result<&'s Stage, Failure> {
        if let Some(number) = self.stage
            && stages.get(number).is_none()
        {
            return Err(no_stage(stages.iter().map(Stage::number), number));
        }
        let merges = |stage: &&Stage| {
            let touches = stage.source() == self.database || stage.target() == self.database;
            stage.merge().is_some() && touches && self.stage.is_none_or(|number| stage.number() == number)
        };
        let found: Vec<&Stage> = stages.iter().filter(merges).collect();
        match found[..] {
            [stage] => Ok(stage),
            [] => {
                session.has_database(store, &self.database)?;
                let known = stages.iter().filter(|stage| stage.merge().is_some());
                let known: Vec<String> = known
                    .map(|stage| format!("`{}` and `{}`", stage.source(), stage.target()))
                    .collect();
                let message = format!("no merge stage reads or fills `{}`", shown(&self.database));
                let hint = match &known[..] {
                    [] => "no stage of the project merges".to_owned(),
                    known => format!("those of merge stages: {}", known.join(", ")),
                };
                Err(Failure::usage("explain.no_merge", message, hint))
            }
            _ => {
                let numbers: Vec<String> = found.iter().map(|stage| stage.number().to_string()).collect();
                let message = format!("several merge stages read or fill `{}`", shown(&self.database));
                let hint = format!("choose one with `--stage`: {}", numbers.join(", "));
                Err(Failure::usage("explain.stage", message, hint))
            }
        }
    }
}

/// The pairs between two, or within one golden record.
fn asked(a: &Named, b: Option<&Named>) -> Vec<(RecordNumber, RecordNumber)> {
    let first = a.members();
    if let Some(b) = b {
        let across = first
            .iter()
            .flat_map(|one| b.members().iter().map(move |other| (*one, *other)));
        return across.filter(|(one, other)| one != other).collect();
    }
    let within = first
        .iter()
        .enumerate()
        .flat_map(|(at, one)| first[at + 1..].iter().map(move |other| (*one, *other)));
    within.collect()
}

fn not_a_member(session: &Session<'_>, stage: &Stage, records: &[RecordNumber]) -> Failure {
    let numbers: Vec<String> = records.iter().map(RecordNumber::to_string).collect();
    let message = if let [one] = &numbers[..] {
        format!("stage {} does not compare record {one}", stage.number())
    } else {
        format!(
            "stage {} does not compare all of the records {}",
            stage.number(),
            numbers.join(", ")
        )
    };
    let list = session.command("quarantine list");
    Failure::usage(
        "explain.no_member",
        message,
        format!("its `where` leaves it out, or it cannot be compared ({list}), or it was deleted"),
    )
}
