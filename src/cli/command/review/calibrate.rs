//! `review calibrate`: how sure the model of a merge is.

use counterfoil::matching::percent;
use counterfoil::review::{Calibration, Estimate, LabelledSample, LineTried};

use super::choice::stage_of;
use crate::cli::answer::{Answer, json};
use crate::cli::failure::Failure;
use crate::cli::render::{bold, count, counted, dim, red, shown, table};
use crate::cli::session::Session;
use crate::cli::values::stage_number;

/// Show how sure the model of a merge is, and what other lines would do.
///
/// All pairs are scored again with the recorded model, and clustered with the lines of the stage and with others. If
/// pairs have labels (`same` or `different`, see `review sample`), precision and recall are estimated from them, each
/// with a 95% interval. Nothing is written.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil review calibrate --stage 4")]
pub(super) struct Calibrate {
    /// Stage that merges; needed only if several do.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    stage: Option<u32>,
}

/// How many bits below the line for listing the bars of the histogram begin.
const BELOW: i32 = 10;

impl Calibrate {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let store = session.open_to_read()?;
        let stage = stage_of(project.stages(), &store, self.stage, &[])?;
        let calibration = store.calibrate(project.stages(), stage)?;
        let answer = Answer::new(json(&calibration), render(&calibration));
        Ok(if calibration.labelled.is_none() {
            let sample = session.command("review sample 100 --seed 1");
            answer.hint(format!(
                "{sample} draws pairs to label: with labels, precision and recall are estimated"
            ))
        } else {
            answer
        })
    }
}

fn render(calibration: &Calibration) -> String {
    let mut text = format!(
        "stage {}: {}, {} that share a key: {} expected to be one, {} certain enough\n",
        calibration.stage,
        counted(calibration.members, "record"),
        counted(calibration.candidates, "pair"),
        count(calibration.expected),
        count(calibration.found)
    );
    for alarm in &calibration.alarms {
        text += &format!("{} {}\n", red("ALARM:"), shown(alarm));
    }
    text += &format!("\n{}\n{}", bold("Pairs by their score"), histogram(calibration));
    text += &format!("{}\n", dim("one # more stands for twice as many pairs"));
    text += &format!(
        "\n{}\n{}",
        bold("What other lines would do"),
        tried(&calibration.lines_tried)
    );
    text += &format!(
        "{}\n",
        dim("one pass over all records; the model expects so many false and missed pairs")
    );
    if let Some(labelled) = &calibration.labelled {
        text += &format!("\n{}\n{}", bold("Labels"), labels(labelled));
    }
    text
}

fn histogram(calibration: &Calibration) -> String {
    let lines = &calibration.lines;
    let [auto, review] = [lines.auto, lines.review].map(|line| line.bits.tenths());
    let from = review.div_euclid(10) - BELOW;
    let is_far = |bits: i32| bits < from;
    let far = calibration.histogram.iter().filter(|bar| is_far(bar.bits));
    let (pairs, expected) = far.fold((0, 0), |sum, bar| (sum.0 + bar.pairs, sum.1 + bar.expected));
    let row = |bits: String, pairs: u64, expected: u64, band: &str| {
        let length = pairs.checked_ilog2().map_or(0, |log| log as usize + 1);
        vec![
            bits,
            count(pairs),
            count(expected),
            band.to_owned(),
            "#".repeat(length),
        ]
    };
    let mut rows = Vec::new();
    if pairs > 0 {
        rows.push(row(format!("< {from}"), pairs, expected, ""));
    }
    for bar in calibration.histogram.iter().filter(|bar| !is_far(bar.bits)) {
        // A bar may have a line within it: it is named by where it begins.
        let band = match bar.bits * 10 {
            tenths if tenths >= auto => "merged",
            tenths if tenths >= review => "decision",
            _ => "",
        };
        rows.push(row(bar.bits.to_string(), bar.pairs, bar.expected, band));
    }
    table(&[">bits", ">pairs", ">expected", "band", ""], rows)
}

fn tried(lines: &[LineTried]) -> String {
    let rows = lines.iter().map(|line| {
        vec![
            line.auto.to_string(),
            line.review.to_string(),
            count(line.golden),
            count(line.merged),
            count(line.waiting),
            line.false_merges.to_string(),
            line.missed.to_string(),
            if line.in_force { "<- in force" } else { "" }.to_owned(),
        ]
    });
    let header = [
        "auto", "review", ">golden", ">merged", ">waiting", ">false", ">missed", "",
    ];
    table(&header, rows)
}

fn labels(labelled: &LabelledSample) -> String {
    let rows = labelled.strata.iter().map(|stratum| {
        vec![
            stratum.name.clone(),
            stratum.from.to_string(),
            count(stratum.pairs),
            count(stratum.labelled),
            count(stratum.same),
            stratum.expected.to_string(),
        ]
    });
    let header = [
        "stratum",
        ">from bits",
        ">pairs",
        ">labelled",
        ">same",
        ">expected",
    ];
    let mut text = table(&header, rows);
    if labelled.elsewhere > 0 {
        text += &format!(
            "{} of pairs in no stratum: they share no key, are too improbable, or have left the source\n",
            counted(labelled.elsewhere, "label")
        );
    }
    let missing: Vec<&str> = (labelled.strata.iter())
        .filter(|stratum| stratum.pairs > 0 && stratum.labelled == 0)
        .map(|stratum| stratum.name.as_str())
        .collect();
    if !missing.is_empty() {
        text += &format!("without a label: {}\n", missing.join("; "));
    }
    for (what, estimate) in [
        ("precision of merged pairs", &labelled.precision),
        ("recall of merged pairs", &labelled.recall),
        ("recall with those listed", &labelled.recall_with_review),
    ] {
        text += &match estimate {
            Some(Estimate { share, low, high, .. }) => format!(
                "{what}: {} (95% of samples: {} to {})\n",
                percent(share.ppm()),
                percent(low.ppm()),
                percent(high.ppm())
            ),
            None => format!("{what}: not known, because strata that it rests on have no label\n"),
        };
    }
    text
}
