//! The page of a run: templates beside this file, filled with a report's data, and the geometry of its bars and curve.
//! The template engine escapes everything shown, with [`Inert`](crate::shown::Inert); this
//! code makes no markup.

mod chart;
mod histogram;
mod series;
mod words;

use std::borrow::{Borrow, Cow};

use askama::Template;

use super::matching::StageMatching;
use super::parts::{Ending, RunReport};
use super::reconciliation::{ReconciliationResult, StageReconciliation};
use super::refused::RefusedCause;
use super::series::StageSeries;
use crate::ledger::run_outcome::PassOutcome;
use crate::ledger::seal::Seal;
use crate::reconcile::DifferenceCause;
use crate::shown::word;
use chart::{Bar, SpeedCurve};
use histogram::ScoreChart;
use series::SeriesRows;
use words::{count, duration};

#[derive(Template)]
#[template(path = "page.html")]
struct RunPage<'r> {
    report: &'r RunReport,
    bars: Vec<(&'r PassOutcome, Bar)>,
    course: Option<SpeedCurve<'r>>,
    merges: Vec<(&'r StageMatching, Option<ScoreChart>)>,
    series: Vec<SeriesRows<'r>>,
    seals: Vec<(&'r Seal, &'static str)>,
}

/// Renders the page of a report.
pub(super) fn html(report: &RunReport) -> String {
    let page = RunPage {
        report,
        bars: report
            .outcomes
            .iter()
            .filter(|pass| !matches!(pass.kind.as_str(), "init" | "reconcile"))
            .map(|pass| (pass, Bar::of_pass(pass)))
            .collect(),
        course: SpeedCurve::from_speed(&report.speed),
        merges: (report.matching.iter())
            .map(|merge| {
                let matching = merge.outcome.matching.as_ref();
                (
                    merge,
                    matching.and_then(|matching| ScoreChart::new(&matching.figures)),
                )
            })
            .collect(),
        series: report.series.iter().map(SeriesRows::new).collect(),
        seals: if report.evidence.first.batch == report.evidence.last.batch {
            vec![(&report.evidence.last, "Batch")]
        } else {
            vec![
                (&report.evidence.first, "First batch"),
                (&report.evidence.last, "Last batch"),
            ]
        },
    };
    page.render().expect("writing into memory does not fail") + "\n"
}

impl RunPage<'_> {
    fn is_good(&self) -> bool {
        matches!(self.report.summary.ending, Ending::Done | Ending::Continued)
    }
}

/// Joins words to a command line.
fn command(words: &[String]) -> String {
    let quoted: Vec<Cow<'_, str>> = words.iter().map(|text| word(text)).collect();
    format!("counterfoil {}", quoted.join(" "))
}

/// Renders a pass, for example `pass 3: apply stage 1 nest_orders`.
fn pass_name(pass: &PassOutcome) -> String {
    format!("{}{}", pass.kind, stage_name(pass.stage, pass.slug.as_deref()))
}

fn stage_name(stage: Option<u32>, slug: Option<&str>) -> String {
    match (stage, slug) {
        (Some(stage), Some(slug)) => format!(" stage {stage} {slug}"),
        (Some(stage), None) => format!(" stage {stage}"),
        _ => String::new(),
    }
}

fn cause_by(cause: &RefusedCause) -> String {
    format!("{}{}", cause.kind, stage_name(cause.stage, cause.slug.as_deref()))
}

/// Renders `orders_v1 to orders_v2`, or the part of it that is known.
fn route(source: Option<&String>, target: Option<&String>) -> String {
    match (source, target) {
        (Some(source), Some(target)) if source != target => format!("{source} \u{2192} {target}"),
        (_, Some(only)) | (Some(only), None) => only.clone(),
        (None, None) => String::new(),
    }
}

fn pass_route(pass: &PassOutcome) -> String {
    route(pass.source.as_ref(), pass.target.as_ref())
}

fn merge_route(merge: &StageMatching) -> String {
    route(merge.source.as_ref(), merge.target.as_ref())
}

fn merge_name(merge: &StageMatching) -> String {
    format!("Stage {} {}", merge.stage, merge.slug)
}

fn series_route(series: &StageSeries) -> String {
    route(series.source.as_ref(), series.target.as_ref())
}

fn series_name(series: &StageSeries) -> String {
    format!("Stage {} {}", series.stage, series.slug)
}

/// Renders `2 near, 1 conflict`.
fn bands(bands: &std::collections::BTreeMap<String, u64>) -> String {
    let bands = bands
        .iter()
        .map(|(band, pairs)| format!("{} {band}", count(pairs)));
    bands.collect::<Vec<_>>().join(", ")
}

/// Renders a share that is given in millionths.
fn share(ppm: impl Borrow<u32>) -> String {
    crate::matching::percent(*ppm.borrow())
}

fn reconciliation_route(look: &StageReconciliation) -> String {
    route(look.source.as_ref(), look.target.as_ref())
}

/// Renders the words as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str() + "."
}

/// Renders a cause in words.
fn spaced(cause: &str) -> String {
    DifferenceCause::words(cause)
}

/// Returns a title that only this result has: the heading of its table.
fn reconciliation_title(look: &StageReconciliation, result: &ReconciliationResult) -> String {
    format!("Stage {}: {}", look.stage, result.name)
}

/// Renders a share in percent. A nonzero share is never 0%, an incomplete one never 100%.
fn percent(part: impl Borrow<u64>, whole: impl Borrow<u64>) -> String {
    let (part, whole) = (u128::from(*part.borrow()), u128::from(*whole.borrow()));
    if whole == 0 {
        return "\u{2013}".to_owned();
    }
    match (part * 1_000 + whole / 2) / whole {
        0 if part > 0 => "<0.1%".to_owned(),
        1_000 if part < whole => ">99.9%".to_owned(),
        0 => "0%".to_owned(),
        1_000 => "100%".to_owned(),
        permille => format!("{}.{}%", permille / 10, permille % 10),
    }
}

/// Renders a time for people: `2026-01-31 12:00:00 UTC`.
fn moment(iso: &str) -> String {
    iso.replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::series::tests::stage;

    /// The section of the series alone, in the page's style.
    #[derive(Template)]
    #[template(
        ext = "html",
        source = r#"<!doctype html><meta charset="utf-8"><style>{% include "palette.css" -%}{% include "style.css" -%}</style>
<svg class="defs" width="0" height="0"><defs>{% include "gaps.html" %}</defs></svg><main>{% include "series.html" %}</main>"#
    )]
    struct SeriesAlone<'r> {
        series: Vec<SeriesRows<'r>>,
    }

    #[test]
    fn the_series_of_a_thousand_sensors_fit_in_two_megabytes_and_names_are_text() {
        let mut stages = [stage(1_000, 3_000), stage(3, 288)];
        stages[1].groups[0].group = "<b>\u{202e}".to_owned();
        let series = stages.iter().map(SeriesRows::new).collect();
        let page = SeriesAlone { series }.render().unwrap();
        assert!(page.len() < 2_000_000, "{}", page.len());
        assert_eq!(page.matches("class=\"course sensor\"").count(), 24 + 3);
        assert!(!page.contains("<b>\u{202e}") && page.contains("&#60;b&#62;"));
        stages[1].redacted = true;
        let series = stages[1..].iter().map(SeriesRows::new).collect();
        assert!(
            SeriesAlone { series }
                .render()
                .unwrap()
                .contains("there is no chart")
        );
    }

    #[test]
    fn numbers_and_amounts_are_easy_to_read_and_exact() {
        for (number, described) in [
            ("0", "0"),
            ("1234567", "1,234,567"),
            ("-100957.20", "-100,957.20"),
            ("0.0001", "0.0001"),
            ("1234.00005", "1,234.00005"),
            ("1e9", "1e9"),
            ("", ""),
        ] {
            assert_eq!(count(number), described);
        }
    }

    #[test]
    fn shares_do_not_round_away_what_is_there() {
        for (part, whole, described) in [
            (0, 7, "0%"),
            (7, 7, "100%"),
            (1, 8, "12.5%"),
            (13, 100, "13.0%"),
            (1, 1_000_000, "<0.1%"),
            (999_999, 1_000_000, ">99.9%"),
            (u64::MAX, u64::MAX, "100%"),
            (0, 0, "\u{2013}"),
        ] {
            assert_eq!(percent(part, whole), described);
        }
    }

    #[test]
    fn times_are_reported_in_the_unit_that_fits() {
        for (micros, described) in [
            (0, "0"),
            (7, "7 \u{b5}s"),
            (1_250, "1.2 ms"),
            (1_234_567, "1.23 s"),
            (61_000_000, "1 min 01 s"),
            (3_661_000_000, "1 h 01 min 01 s"),
        ] {
            assert_eq!(duration(micros), described);
        }
    }
}
