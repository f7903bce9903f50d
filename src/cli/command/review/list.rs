//! `review list`: the pairs that wait.

use std::collections::BTreeMap;

use counterfoil::review::{PageMode, QueueFilter, QueuedPair};
use counterfoil::shown::utc;
use serde_json::json;

use super::handed_out::HandedOut;
use crate::cli::answer::{Answer, json};
use crate::cli::failure::Failure;
use crate::cli::render::{count, counted, dim, moment, shown, table};
use crate::cli::session::Session;
use crate::cli::shown_ids::ShownIds;
use crate::cli::values::stage_number;

/// List the pairs that wait for a decision, the most probable first.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil review list --band near\n  counterfoil review list --csv queue.csv"
)]
pub(super) struct List {
    /// Only pairs of this stage.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    stage: Option<u32>,
    /// Only pairs that wait for this reason.
    #[arg(long, value_enum)]
    band: Option<BandChoice>,
    /// Maximum number of pairs to list on the screen; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    handed_out: HandedOut,
}

/// Why a pair waits.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum BandChoice {
    /// Probable, but not certain enough.
    Near,
    /// Certain, but their golden records do not go together.
    Chain,
    /// Something contradicts it.
    Conflict,
    /// It would join two golden records that stand.
    Joins,
    /// Their golden record breaks its contract.
    Contract,
}

impl BandChoice {
    fn name(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Chain => "chain",
            Self::Conflict => "conflict",
            Self::Joins => "joins",
            Self::Contract => "contract",
        }
    }
}

impl List {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let is_handed_out = self.handed_out.is_asked(session.screen.json)?;
        let settings = session.settings()?;
        let store = session.open_to_read()?;
        let filter = QueueFilter::default()
            .stage(self.stage)
            .band(self.band.map(|band| band.name().to_owned()));
        let mut queue = store.review_queue(&settings.name, &filter)?;
        let ids = ShownIds::new(session, &store)?;
        for pair in &mut queue {
            self.handed_out.revealing.mask(&ids, pair);
        }
        let mut data = json!({ "pairs": json(&queue), "bands": bands(&queue), "waiting": queue.len() });
        data["oldest"] = json!(oldest(&queue));
        if is_handed_out {
            let made = utc(store.environment().clock.now_us());
            let text = self
                .handed_out
                .write(session, "review list", made, &queue, PageMode::Decide)?;
            let import = session.command("review import FILE");
            return Ok(Answer::new(data, text).hint(format!("{import} records the decisions of a sheet")));
        }
        if queue.is_empty() {
            return Ok(Answer::new(data, "No pair waits for a decision.\n"));
        }
        let text = heading(&queue) + &listed(&queue[..self.limit.min(queue.len())]);
        let mut answer = Answer::new(data, text);
        if queue.len() > self.limit {
            let listed = counted(self.limit as u64, "pair");
            answer.text += &dim(&format!("only {listed} are listed; --limit lists more\n"));
        }
        let example = queue[0].name();
        Ok(answer.hint(format!(
            "{} compares the two field by field",
            session.command(&format!("review show {example}"))
        )))
    }
}

fn bands(queue: &[QueuedPair]) -> BTreeMap<&str, u64> {
    let mut bands = BTreeMap::new();
    for pair in queue {
        *bands.entry(pair.band.as_str()).or_default() += 1;
    }
    bands
}

fn oldest(queue: &[QueuedPair]) -> Option<&str> {
    queue.iter().map(|pair| pair.at.as_str()).min()
}

/// `212 pairs wait for a decision (180 near, 32 chain), the oldest since 2026-03-01 10:00:00`.
fn heading(queue: &[QueuedPair]) -> String {
    let bands = bands(queue);
    let bands = bands
        .iter()
        .map(|(band, pairs)| format!("{} {}", count(*pairs), shown(band)));
    let verb = if queue.len() == 1 { "waits" } else { "wait" };
    let oldest = oldest(queue).map(moment).unwrap_or_default();
    format!(
        "{} {verb} for a decision ({}), the oldest since {oldest}\n\n",
        counted(queue.len() as u64, "pair"),
        bands.collect::<Vec<_>>().join(", "),
    )
}

fn listed(queue: &[QueuedPair]) -> String {
    let has_notes = queue.iter().any(|pair| pair.note.is_some());
    let mut header = vec![
        "pair",
        "band",
        ">probability",
        ">bits",
        "record",
        "with",
        "waits since",
    ];
    if has_notes {
        header.push("note");
    }
    let rows = queue.iter().map(|pair| {
        let mut row = vec![
            pair.name(),
            pair.band.clone(),
            pair.probability
                .map(|share| share.to_string())
                .unwrap_or_default(),
            pair.bits.map(|bits| bits.to_string()).unwrap_or_default(),
            pair.a.id.clone().unwrap_or_default(),
            pair.b.id.clone().unwrap_or_default(),
            moment(&pair.at),
        ];
        if has_notes {
            let note = pair.note.as_ref();
            row.push(
                note.map(|note| format!("{} ({})", note.text, note.actor))
                    .unwrap_or_default(),
            );
        }
        row
    });
    table(&header, rows)
}
