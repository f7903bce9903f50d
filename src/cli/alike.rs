//! Hints for stages that refuse every record for one reason at one place: the stage is then more likely wrong than the
//! data.

use counterfoil::apply::PassReport;
use counterfoil::plan::{Alike, StagePlan};
use counterfoil::problem::nearest;
use counterfoil::project::Project;
use counterfoil::quarantine::{QuarantineTotal, Quarantined, Selected};
use counterfoil::store::Store;

use super::failure::Failure;
use super::masking::redactions_with;
use super::render::{count, shown};
use super::words::Tense;

/// Number of refusals of a pass that are inspected: more would show the same.
const LOOKED_AT: usize = 1_000;

/// Returns what to check after passes that refused every record.
pub(super) fn after(store: &Store, project: &Project, passes: &[PassReport]) -> Result<Vec<String>, Failure> {
    let mut told = Vec::new();
    for pass in passes {
        let counts = pass.counts;
        if counts.refused < 2 || counts.refused != counts.read {
            continue;
        }
        let [QuarantineTotal { code, records, .. }] = &store.quarantine_totals_of_pass(pass.pass)?[..] else {
            continue;
        };
        if *records != counts.refused {
            continue;
        }
        let selected = Selected::default().stage(pass.stage).code(code.clone());
        let mut first: Option<Quarantined> = None;
        let mut are_alike = true;
        store.each_quarantined(project.name(), &selected, LOOKED_AT, |refused| {
            match &first {
                None => first = Some(refused),
                Some(first) => {
                    are_alike = Alike::from_reason(&first.reason) == Alike::from_reason(&refused.reason);
                }
            }
            Ok(are_alike)
        })?;
        let Some(first) = first.filter(|_| are_alike) else {
            continue;
        };
        let Some(mut alike) = Alike::from_reason(&first.reason) else {
            continue;
        };
        // Names can be redacted values.
        let redact = redactions_with(store, project.stages().iter())?;
        if redact.is_empty() {
            let input = store.refused_input(&first, &redact)?;
            alike.names = input.data.map(|data| alike.names_in(&data)).unwrap_or_default();
        }
        let all = AllAlike {
            stage: pass.stage,
            slug: &pass.slug,
            records: counts.read,
            code,
            alike: &alike,
            told: Tense::Done,
        };
        told.push(all.advice());
    }
    Ok(told)
}

/// As [`after`], for a plan.
pub(super) fn planned(stage: &StagePlan) -> Option<String> {
    let [group] = &stage.refusals[..] else {
        return None;
    };
    let alike = group.alike.as_ref()?;
    let is_all = group.records >= 2 && group.records == stage.counts.read;
    let all = AllAlike {
        stage: stage.stage,
        slug: &stage.slug,
        records: group.records,
        code: &group.code,
        alike,
        told: Tense::Planned,
    };
    is_all.then(|| all.advice())
}

/// A stage that refuses everything that it reads, and what the refusals have in common.
struct AllAlike<'a> {
    stage: u32,
    slug: &'a str,
    records: u64,
    code: &'a str,
    alike: &'a Alike,
    told: Tense,
}

impl AllAlike<'_> {
    fn advice(&self) -> String {
        let is_missing = self
            .code
            .rsplit('.')
            .next()
            .is_some_and(|why| why.starts_with("missing"));
        let refuses = match self.told {
            Tense::Done => "refused",
            Tense::Planned => "would refuse",
        };
        let what = if is_missing { "the path in " } else { "" };
        let records = count(self.records);
        let mut text = format!(
            "stage {} {} {refuses} all {records} records for the same reason, {} at {}: the stage itself may \
             be wrong, so check {what}{} too",
            self.stage,
            self.slug,
            self.code,
            shown(&self.alike.pointer),
            shown(&self.alike.rule)
        );
        let name = self.alike.name();
        let near = nearest(&name, self.alike.names.iter().map(String::as_str));
        if let Some(near) = near.filter(|near| is_missing && *near != name) {
            text += &format!(": did you mean `{}`?", shown(near));
        }
        text
    }
}
