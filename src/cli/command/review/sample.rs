//! `review sample`: pairs to label.

use counterfoil::review::{PageMode, PairSample};
use counterfoil::shown::utc;

use super::choice::stage_of;
use super::handed_out::HandedOut;
use crate::cli::answer::{Answer, json};
use crate::cli::failure::Failure;
use crate::cli::render::{bold, count, counted, table};
use crate::cli::session::Session;
use crate::cli::shown_ids::ShownIds;
use crate::cli::values::stage_number;

/// Draw pairs to label, to measure how good a merge is.
///
/// About as many pairs come from each range of scores, the doubtful ones as well as those that are merged. The same seed
/// draws the same pairs of the same records. Scores are not shown, so that labels do not follow them. A label is
/// `same` or `different` in the decision column of a file; `review calibrate` says what the labels mean.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil review sample 100 --seed 1")]
pub(super) struct Sample {
    /// Number of pairs.
    #[arg(value_name = "N")]
    pairs: usize,
    /// What the sample is drawn with.
    #[arg(long, value_name = "S")]
    seed: u64,
    /// Stage that merges; needed only if several do.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    stage: Option<u32>,
    #[command(flatten)]
    handed_out: HandedOut,
}

impl Sample {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let is_handed_out = self.handed_out.is_asked(session.screen.json)?;
        let project = session.project()?;
        let store = session.open_to_read()?;
        let stage = stage_of(project.stages(), &store, self.stage, &[])?;
        let mut sample = store.review_sample(project.stages(), stage, self.pairs, self.seed)?;
        let ids = ShownIds::new(session, &store)?;
        for pair in &mut sample.pairs {
            self.handed_out.revealing.mask(&ids, pair);
        }
        if is_handed_out {
            let made = utc(store.environment().clock.now_us());
            let pairs = &sample.pairs;
            let text = self
                .handed_out
                .write(session, "review sample", made, pairs, PageMode::Label)?;
            let import = session.command("review import FILE");
            return Ok(Answer::new(json(&sample), text).hint(format!(
                "type same or different into the column `decision`; {import} records the labels"
            )));
        }
        Ok(Answer::new(json(&sample), render(&sample)))
    }
}

fn render(sample: &PairSample) -> String {
    let strata = sample.strata.iter().map(|stratum| {
        vec![
            stratum.name.clone(),
            stratum.from.to_string(),
            count(stratum.pairs),
            count(stratum.drawn),
        ]
    });
    let side = |side: &counterfoil::review::Side| match &side.id {
        Some(id) => format!("{} {id}", side.record),
        None => side.record.to_string(),
    };
    let pairs = sample
        .pairs
        .iter()
        .map(|pair| vec![pair.name(), side(&pair.a), side(&pair.b)]);
    format!(
        "{}\n\n{}\n{}",
        bold(&format!(
            "{} of stage {}, drawn with seed {}",
            counted(sample.pairs.len() as u64, "pair"),
            sample.stage,
            sample.seed
        )),
        table(&["stratum", ">from bits", ">pairs", ">drawn"], strata),
        table(&["pair", "record", "with"], pairs)
    )
}
