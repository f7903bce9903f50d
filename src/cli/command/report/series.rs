//! The windows of the stages that a run has aggregated with, as text.

use counterfoil::report::StageSeries;

use crate::cli::render::{count, counted, moment, shown, table};

/// Number of groups that a screen shows.
const SHOWN: usize = 24;

/// Renders the windows of a run's stages.
pub(super) fn series(stages: &[StageSeries]) -> String {
    stages.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(stage: &StageSeries) -> String {
    let mut text = format!(
        "stage {} {}, pass {}: {} of {}, {} marked by an anomaly, {} without readings\n",
        stage.stage,
        shown(&stage.slug),
        stage.pass,
        counted(stage.windows, "window"),
        counted(stage.group_count, "group"),
        count(stage.anomalies),
        count(stage.empty)
    );
    let rows = stage.groups.iter().take(SHOWN).map(|group| {
        vec![
            group.group.clone(),
            count(group.anomalies),
            count(group.windows),
            count(group.empty),
            count(group.readings),
            moment(&group.first),
            moment(&group.last),
        ]
    });
    let header = [
        "group",
        ">anomalies",
        ">windows",
        ">without readings",
        ">readings",
        "first window",
        "last window",
    ];
    text += &table(&header, rows);
    let further = stage.group_count.saturating_sub(SHOWN as u64);
    if further > 0 {
        text += &format!("{} more\n", counted(further, "group"));
    }
    text
}
