//! The outcome of records that a command processed with stages.

use counterfoil::apply::{ApplyReport, PassReport};
use counterfoil::ledger::PassKind;
use counterfoil::project::Project;
use counterfoil::quarantine::{EarlierVersions, Selected};
use counterfoil::reconcile::StageReconciled;
use counterfoil::record::{PassId, REDACTED};
use counterfoil::stage::{Aggregate, Stage};
use counterfoil::store::Store;
use counterfoil::{Error, Stopped};

use super::absent::{ABSENT, Aggregated};
use super::aggregated::{LATE, in_words as aggregated, nearly_all, next_if_late};
use super::alike;
use super::answer::{Answer, json};
use super::exit::Exit;
use super::failure::{Failure, stopped_early};
use super::limits::{LimitArguments, after_the_contract, after_the_limit};
use super::masking::redactions_with;
use super::matching::{compared, in_words};
use super::places::{self, left_for_quarantine};
use super::progress::ProgressDisplay;
use super::reconciled::{in_short, left_open, mask, still_open};
use super::refusals::{QuarantineTotal, records, refusals, refusals_json, totals};
use super::render::{count, counted, route, shown, table, word};
use super::session::Session;
use super::shown_ids::ShownIds;
use super::words::{OUT, Tense};

/// The code of a record that waits until what it looks up exists.
const WAITING: &str = "lookup.waiting";

/// Quarantine after a command that processed records with stages.
pub(crate) struct QuarantineSummary {
    /// All of it.
    pub(crate) totals: Vec<QuarantineTotal>,
    /// The passes of the command that have refused some of it.
    pub(crate) passes: Vec<PassId>,
}

impl QuarantineSummary {
    /// What stands in the store.
    pub(crate) fn new(store: &Store, project: &Project, report: &ApplyReport) -> Result<Self, Failure> {
        let passes: Vec<PassId> = report.passes.iter().map(|pass| pass.pass).collect();
        Ok(Self {
            totals: totals(store, project.name())?,
            passes: store.still_refusing(&passes)?,
        })
    }
}

/// What a command that processed records with stages did, and what is needed to render it.
pub(crate) struct CommandOutcome<'o> {
    pub(crate) session: &'o Session<'o>,
    pub(crate) store: &'o Store,
    pub(crate) project: &'o Project,
    pub(crate) report: &'o ApplyReport,
    pub(crate) left: QuarantineSummary,
    /// What the command line has said of errors.
    pub(crate) limits: LimitArguments,
    pub(crate) progress: &'o ProgressDisplay,
}

impl CommandOutcome<'_> {
    /// The answer of the command.
    pub(crate) fn answer(&self) -> Result<Answer, Failure> {
        let refusing = self.refusing();
        let mut refused = self.left.totals.clone();
        refused.retain(|total| total.stage.is_some_and(|stage| refusing.contains(&stage)));
        let report = self.masked_report()?;
        let mut text = if report.passes.is_empty() {
            up_to_date(&report)
        } else {
            passes(&report.passes, self.progress) + &merges(&report.passes) + &self.aggregates(&report.passes)
        };
        text += &refusals(&refused);
        text += &in_short(&report.reconciled);
        let mut data = json(&report);
        data["refusals"] = refusals_json(&refused);
        let mut answer = Answer::new(data, text)
            .warnings(self.warnings(&refusing, &refused)?)
            .refused_if(!refusing.is_empty());
        let (waiting, others): (Vec<_>, Vec<_>) = refused.iter().partition(|total| total.code == WAITING);
        let (late, wrong): (Vec<_>, Vec<_>) = others.into_iter().partition(|total| total.code == LATE);
        if !waiting.is_empty() {
            answer = answer.hint(format!(
                "records that wait for a look-up need nothing: the first {} after the row exists processes them",
                self.session.command("apply")
            ));
        }
        if !late.is_empty() && !self.is_own_stop() {
            let file = late
                .iter()
                .find_map(|total| self.project.stages().get(total.stage?));
            let file = file.map_or("the stage", Stage::file_name);
            answer = answer.hint(next_if_late(self.session, file, &format!("--code {LATE}")));
        }
        if !wrong.is_empty() && !self.is_own_stop() {
            let show = self.session.command("quarantine list");
            let misread = report.passes.iter().find_map(|pass| self.misread(pass, &wrong));
            answer = answer.hint(match misread {
                Some((file, why)) => format!(
                    "{why}: correct {file}, then {}; {show} shows the readings",
                    self.session.command("apply --revise --reason TEXT")
                ),
                None => format!(
                    "{show} shows why; correct the source or the stage, then {}",
                    self.session.command("quarantine retry")
                ),
            });
        }
        Ok(match &report.stopped {
            Some(stopped) => answer.failed(self.which_stopped(stopped)),
            None if report.reconciled.iter().all(StageReconciled::is_reconciled) => {
                still_open(self.session, self.project, answer, &report.unreconciled)
            }
            None => left_open(self.session, answer, &report.reconciled),
        })
    }

    /// The file of a stage that has refused nearly all readings with one code, and that in words.
    fn misread(&self, pass: &PassReport, refused: &[&QuarantineTotal]) -> Option<(&str, String)> {
        let stage = self.project.stages().get(pass.stage)?;
        stage.aggregate()?;
        let its = refused.iter().filter(|total| total.stage == Some(pass.stage));
        let read = self.store.count(&pass.source).ok()?;
        let code = nearly_all(read, its.map(|total| (total.code.as_str(), total.records)))?;
        let why = format!("nearly all readings are refused with {code}, so the stage may be wrong");
        Some((stage.file_name(), why))
    }

    /// The stages whose passes have refused something that stands in quarantine.
    fn refusing(&self) -> Vec<u32> {
        let passes = self.report.passes.iter();
        passes
            .filter(|pass| self.left.passes.contains(&pass.pass))
            .map(|pass| pass.stage)
            .collect()
    }

    /// What the stages that aggregate came to, a line for each.
    fn aggregates(&self, passes: &[PassReport]) -> String {
        let aggregates = passes
            .iter()
            .filter_map(|pass| Some((pass, pass.aggregate.as_ref()?)));
        let lines = aggregates.map(|(pass, outcome)| {
            let stage = self.project.stages().get(pass.stage);
            let windows = stage
                .and_then(Stage::aggregate)
                .is_none_or(Aggregate::has_windows);
            let route = route(&pass.source, &pass.target);
            let done = match state(pass) {
                "done" => String::new(),
                other => format!(" ({other})"),
            };
            let words = aggregated(outcome, pass.counts.refused, windows);
            format!(
                "stage {} {}{done}: {route}: {words}\n",
                pass.stage,
                shown(&pass.slug)
            )
        });
        lines.collect()
    }

    fn masked_report(&self) -> Result<ApplyReport, Failure> {
        let stages = self.project.stages();
        let mut report = self.report.clone();
        let redact = redactions_with(self.store, stages.iter())?;
        mask(&mut report.reconciled, stages, &redact);
        Ok(report)
    }

    /// Whether a stage has stopped for what it has refused, and not because it was asked to.
    fn is_own_stop(&self) -> bool {
        matches!(
            self.report.stopped,
            Some(Stopped::ErrorLimit { .. } | Stopped::Contract { .. })
        )
    }

    fn warnings(&self, refusing: &[u32], refused: &[QuarantineTotal]) -> Result<Vec<String>, Failure> {
        let mut warnings = self.progress.warnings.clone();
        warnings.extend(self.report.cosmetic.iter().map(|stage| {
            format!("the text of stage {stage} has changed since it was applied, but not its meaning")
        }));
        warnings.extend(self.report.passes.iter().flat_map(|pass| self.counted(pass)));
        for pass in &self.report.passes {
            let absent = pass.aggregate.as_ref().map_or(&[][..], |outcome| &outcome.absent);
            let aggregated = Aggregated {
                stage: pass.stage,
                slug: &pass.slug,
                source: &pass.source,
                absent,
            };
            warnings.extend(aggregated.warnings(self.store, self.project)?);
        }
        warnings.extend(self.gone(refused)?);
        warnings.extend(self.staying(refusing)?);
        warnings.extend(self.held_back());
        warnings.extend(alike::after(self.store, self.project, &self.report.passes)?);
        Ok(warnings)
    }

    /// Describes what a pass counted that is not a refusal, for people.
    fn counted(&self, pass: &PassReport) -> Vec<String> {
        let stage = self.project.stages().get(pass.stage);
        // They have their own words.
        let others = pass.warnings.iter().filter(|(code, _)| *code != ABSENT);
        let one = |(code, times): (&String, &u64)| {
            let what = places::warned(stage, &pass.target, code, *times, Tense::Done);
            format!("stage {} {}: {what}", pass.stage, pass.slug)
        };
        others.map(one).collect()
    }

    /// The rows that the stages have taken out of their databases for quarantine.
    fn gone(&self, refused: &[QuarantineTotal]) -> Result<Vec<String>, Failure> {
        let (mut told, mut ids) = (Vec::new(), None);
        for stage in self.project.stages().iter().filter(|stage| stage.in_place()) {
            let mut its = refused.to_vec();
            its.retain(|total| total.stage == Some(stage.number()));
            let rows = records(&its);
            if rows == 0 {
                continue;
            }
            let selected = Selected::default().stage(stage.number());
            let first = self.store.quarantine(self.project.name(), &selected, 1)?.pop();
            if ids.is_none() {
                ids = Some(ShownIds::new(self.session, self.store)?);
            }
            let shown = |id| ids.as_ref().map(|ids| ids.shown_first(Some(stage.source()), id));
            let id = first.and_then(|refused| refused.id).and_then(shown);
            let id = id.filter(|id| id != REDACTED);
            told.push(left_for_quarantine(
                self.session,
                stage.target(),
                rows,
                id.as_deref(),
                Tense::Done,
            ));
        }
        Ok(told)
    }

    /// Corrections that these stages have refused, and whose earlier versions stay.
    fn staying(&self, stages: &[u32]) -> Result<Vec<String>, Failure> {
        let earlier = self.store.earlier_versions(self.project.name())?.into_iter();
        let earlier = earlier.filter(|earlier| stages.contains(&earlier.stage));
        let told = earlier.map(
            |EarlierVersions {
                 stage,
                 target,
                 records,
             }| {
                let of = counted(records, "refused correction");
                let merges = self.project.stages().get(stage).is_some_and(|stage| stage.merge().is_some());
                if merges {
                    return format!(
                        "{of} of stage {stage}: the golden records in {target} stay as they are until the corrections pass"
                    );
                }
                format!(
                    "{of} of stage {stage}: the earlier versions stay in {target} until the corrections pass \
                     (`stale = \"remove\"` in the stage removes them)"
                )
            },
        );
        Ok(told.collect())
    }

    /// Stages that stopped after the first that did, and those that have to wait for any of them.
    fn held_back(&self) -> Vec<String> {
        let open = self.report.passes.iter().filter(|pass| !pass.ended);
        let others = open.skip(1).filter(|_| self.is_own_stop()).map(|pass| {
            let refused = counted(pass.counts.refused, "record");
            format!(
                "stage {} {} stopped too: {refused} refused",
                pass.stage, pass.slug
            )
        });
        let waiting = self.report.held_back.iter().map(|held| {
            let slug = self.project.stages().get(held.stage).map_or("", Stage::slug);
            format!(
                "stage {} {slug} was skipped: it waits for stage {}, which is not up to date",
                held.stage, held.by
            )
        });
        others.chain(waiting).collect()
    }

    /// Why it stopped, and which stage.
    fn which_stopped(&self, stopped: &Stopped) -> Failure {
        let mut failure = stopped_early(stopped);
        let first = self.report.passes.iter().find(|pass| !pass.ended);
        let has_nothing = first.is_some_and(|pass| pass.merge.is_some() && pass.counts.read == 0);
        if matches!(stopped, Stopped::Time) && has_nothing {
            let hint = "a merge compares all records before it writes its first batch, and begins again: give it more \
                        time with `--max-time`";
            failure = failure.hint(hint);
        }
        let Some(pass) = first.filter(|_| self.is_own_stop()) else {
            return failure;
        };
        failure.message = format!("stage {} {} {}", pass.stage, pass.slug, failure.message);
        if let Stopped::Contract { .. } = stopped {
            failure = failure.hint(after_the_contract(self.session));
        }
        let stage = self.project.stages().get(pass.stage);
        if let (Stopped::ErrorLimit { .. }, Some(stage)) = (stopped, stage) {
            failure.message += &format!(" ({})", self.limits.origin(stage));
            let next = after_the_limit(
                self.session,
                self.limits.stop_at_once(stage),
                stage.merge().is_some(),
            );
            let refused: Vec<&QuarantineTotal> = self.left.totals.iter().collect();
            let its = refused.iter().filter(|total| total.stage == Some(pass.stage));
            let are_late = its.clone().count() > 0 && its.clone().all(|total| total.code == LATE);
            failure = failure.hint(match self.misread(pass, &refused) {
                None if are_late => {
                    let late = next_if_late(self.session, stage.file_name(), &format!("--code {LATE}"));
                    format!(
                        "{late}; or allow them with {}",
                        self.session.command("apply --max-errors N")
                    )
                }
                Some((file, why)) => format!(
                    "{why}: correct {file} after {}; or else: {next}",
                    self.session.command("rollback")
                ),
                None => next,
            });
        }
        failure
    }
}

/// What the library could not do with the stages. A missing stage file is not a changed meaning.
pub(crate) fn of_the_library(session: &Session<'_>, project: &Project, error: Error) -> Failure {
    let Error::Drift { number, slug, .. } = &error else {
        return Failure::from(error);
    };
    if let Some(stage) = project.stages().get(*number) {
        let (merges, aggregates) = (stage.merge().is_some(), stage.aggregate().is_some());
        let mut failure = Failure::from(error);
        if let Some(hint) = failure.hint.as_mut().filter(|_| aggregates) {
            *hint += "; a stage that aggregates then makes all its windows again";
            return failure;
        }
        if let Some(hint) = failure.hint.as_mut().filter(|_| merges) {
            *hint += "; a merge then judges only new and changed records by it: with `--relearn` as well, all of them";
        }
        return failure;
    }
    let message = format!("stage {number} ({slug}) was applied, but its file is missing");
    let before = project
        .stages()
        .iter()
        .map(Stage::number)
        .filter(|other| other < number);
    let roll_back = format!("rollback --to {}", before.max().unwrap_or(0));
    let store = session.store_file().unwrap_or_else(|_| "STORE".into());
    Failure::new(Exit::Drift, "stage.missing", message).hint(format!(
        "restore {number:04}_{slug}.toml: the ledger has its text (sqlite3 {} \"SELECT source_text FROM ledger_stage \
         WHERE project='{}' AND number={number} ORDER BY stage DESC LIMIT 1\"); or roll the stage back with {}",
        word(&store.display().to_string()),
        project.name(),
        session.command(&roll_back)
    ))
}

fn up_to_date(report: &ApplyReport) -> String {
    let mut text = match report.up_to_date.len() {
        0 => "Nothing to do.\n".to_owned(),
        stages => format!(
            "{}: nothing to do.\n",
            counted(stages as u64, "stage") + " up to date"
        ),
    };
    if report.quarantined > 0 {
        text += &format!("{} in quarantine.\n", counted(report.quarantined, "record"));
    }
    text
}

fn passes(passes: &[PassReport], progress: &ProgressDisplay) -> String {
    // What readings came to is not a number of records: it has its own line.
    let passes: Vec<&PassReport> = passes.iter().filter(|pass| pass.aggregate.is_none()).collect();
    if passes.is_empty() {
        return String::new();
    }
    let merges = passes.iter().any(|pass| pass.counts.merged > 0);
    let several = passes.iter().any(|pass| pass.out != pass.counts.written);
    let mut header = vec!["stage", "route", "state", ">read", ">written"];
    if several {
        header.push(OUT);
    }
    header.extend([">unchanged", ">filtered", ">refused"]);
    if merges {
        header.push(">merged");
    }
    header.push(">records/s");
    let rows = passes.iter().map(|pass| {
        let counts = pass.counts;
        let mut row = vec![
            format!("{} {}", pass.stage, pass.slug),
            route(&pass.source, &pass.target),
            state(pass).to_owned(),
            count(counts.read),
            count(counts.written),
        ];
        if several {
            row.push(count(pass.out));
        }
        row.extend([counts.unchanged, counts.filtered, counts.refused].map(count));
        if merges {
            row.push(count(counts.merged));
        }
        row.push(progress.records_a_second(pass.pass));
        row
    });
    table(&header, rows.collect::<Vec<_>>())
}

/// What the merges came to, a few lines for each.
fn merges(passes: &[PassReport]) -> String {
    let merges = passes
        .iter()
        .filter_map(|pass| Some((pass, pass.merge.as_ref()?)));
    let lines = merges.map(|(pass, merge)| {
        let counts = pass.counts;
        let others = [
            ("unchanged", counts.unchanged),
            ("deleted", merge.deleted),
            ("filtered", counts.filtered.saturating_sub(merge.deleted)),
            ("refused", counts.refused),
        ];
        let matching = merge.matching.as_ref().map(compared).unwrap_or_default();
        let words = in_words(counts.read, merge, &others);
        format!("stage {} {}: {words}\n{matching}", pass.stage, shown(&pass.slug))
    });
    lines.collect()
}

fn state(pass: &PassReport) -> &'static str {
    match (pass.ended, pass.resumed, pass.kind) {
        (false, _, _) => "stopped",
        (true, true, _) => "resumed, done",
        (true, false, PassKind::Retry) => "retried",
        (true, false, _) => "done",
    }
}
