//! `review show`: one pair, field by field.

use counterfoil::review::{PairName, QueueFilter};
use serde_json::json;

use super::choice::{pair, stage_of};
use super::handed_out::Revealing;
use crate::cli::answer::{Answer, json};
use crate::cli::compared;
use crate::cli::failure::Failure;
use crate::cli::render::{moment, shown};
use crate::cli::session::Session;
use crate::cli::shown_ids::ShownIds;
use crate::cli::values::stage_number;

/// Compare the two records of a pair field by field.
///
/// Each field is shown with what it says for or against the two being one, in bits. Redacted values are masked.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil review show 4+9")]
pub(super) struct Show {
    /// The pair, as `review list` names it.
    #[arg(value_name = "PAIR", value_parser = pair)]
    pair: PairName,
    /// Stage that merges; needed only if several do.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    stage: Option<u32>,
    #[command(flatten)]
    revealing: Revealing,
}

impl Show {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let store = session.open_to_read()?;
        let stage = stage_of(
            project.stages(),
            &store,
            self.stage,
            &[(self.pair.a, self.pair.b)],
        )?;
        let numbers = (self.pair.a, self.pair.b);
        let compared = self
            .revealing
            .compared(session, "review show", stage, &[numbers])?;
        let Some(one) = compared.first() else {
            let number = |record| format!("{record}");
            let message = format!(
                "{} and {} are not two records that stage {stage} merges",
                number(self.pair.a),
                number(self.pair.b)
            );
            return Err(Failure::usage(
                "review.missing",
                message,
                session.command("review list") + " lists the pairs that wait",
            ));
        };
        let ids = ShownIds::new(session, &store)?;
        let filter = QueueFilter::default().stage(stage).pair(numbers);
        let mut queued = store.review_queue(project.name(), &filter)?;
        for pair in &mut queued {
            self.revealing.mask(&ids, pair);
        }
        let queued = queued.first();
        let mut text = compared::pair(one);
        let name = format!("{}+{}", numbers.0, numbers.1);
        let answer = match queued {
            Some(waiting) => {
                let band = &waiting.band;
                text += &format!(
                    "\nwaits for a decision since {} ({})\n",
                    moment(&waiting.at),
                    shown(band)
                );
                if let Some(note) = &waiting.note {
                    let line = format!("note by {}, {}: {}", note.actor, moment(&note.at), note.text);
                    text += &format!("{}\n", shown(&line));
                }
                Answer::new(json!({ "pair": json(one), "queued": json(waiting) }), text).hint(format!(
                    "{}, or {}",
                    session.command(&format!("review accept {name}")),
                    session.command(&format!("review reject {name}"))
                ))
            }
            None => Answer::new(json!({ "pair": json(one), "queued": null }), text),
        };
        Ok(answer)
    }
}
