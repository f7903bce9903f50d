//! Warnings and advice about a stage that aggregates.

use rust_decimal::Decimal;

use super::Stage;
use super::aggregate::ShownValue;
use crate::problem::Problem;
use crate::record::MaskRelation;
use crate::toml::Collected;

impl Stage {
    /// Warns of rules that never mark a window, of measures of measures, and of groups that are mixed.
    pub(super) fn check_aggregate(&self, problems: &mut Collected) {
        let Some(aggregate) = self.aggregate() else {
            return;
        };
        for rule in aggregate.silent_rules() {
            let message = format!(
                "`{}` never marks a window: a window is in the mean that it is compared with, so over {} windows it is never \
                 {} standard deviations away",
                rule.name, rule.windows, rule.k
            );
            let problem = Problem::warning("check.silent_rule", rule.place, message);
            let help = match rule.greatest {
                k if k > Decimal::ZERO => format!("set `k` to at most {k}, or `over` higher"),
                _ => "set `over` to at least 3".to_owned(),
            };
            problems.add(problem.help(help));
        }
        for (path, take, place) in aggregate.measures_of_measures() {
            let message =
                format!("`{take}` of `{path}` counts every window alike, however many readings it has");
            let problem = Problem::warning("check.mean_of_means", place, message);
            problems.add(problem.help(
                "keep `sum` and `count` in the earlier stage, take the `sum` of both here, and divide them in \
                 `[aggregate.fields]`",
            ));
        }
        if let Some((path, place)) = aggregate.without_sum() {
            let message =
                "no measure is a `sum`, so `reconcile` compares the number of readings, and no amounts";
            let problem = Problem::warning("check.no_sum", place, message);
            problems.add(problem.help(format!("add `sum` to the measures of `{path}`")));
        }
        let zone = self.place_of("aggregate", "zone");
        let times = aggregate.zone_of_times().filter(|_| zone.is_none());
        if zone.is_some() && !aggregate.has_zone() {
            let message = "`zone` has no effect: windows of elapsed time are the same in every zone";
            let problem = Problem::warning("check.zone_unused", zone, message);
            problems.add(problem.help(
                "write calendar windows such as `every = \"day\"`, `align = \"day\"`, or `local = \"window_local\"`",
            ));
        }
        if let Some(times) = times {
            let message = format!("the windows follow the clocks of UTC, but the times are those of {times}");
            let place = self.place_of("aggregate", "every");
            let place = place.or_else(|| aggregate.place().cloned());
            let problem = Problem::warning("check.zone_missing", place, message);
            problems.add(problem.help(format!(
                "write `zone = \"{times}\"` beside `every`, or `zone = \"UTC\"` if days in UTC are meant"
            )));
        }
        if aggregate.is_mixed() {
            let message = "no `by`: the readings of all sources are in the same windows";
            let place = self
                .place_of("aggregate", "by")
                .or_else(|| aggregate.place().cloned());
            let problem = Problem::warning("check.mixed", place, message);
            problems.add(problem.help("write `by = \"sensor_id\"` for windows of each"));
        }
    }

    /// Warns of redacted values that windows show, in fields that are not redacted and in ids.
    pub(super) fn check_redacted_windows(&self, problems: &mut Collected) {
        let Some(aggregate) = self.aggregate() else {
            return;
        };
        let hides = |path: &crate::path::Path| {
            let hides = |redact: &crate::path::Path| MaskRelation::new(redact, path.segments()).may_hide();
            self.redact().iter().any(hides)
        };
        for ShownValue {
            path,
            field,
            in_id,
            place,
        } in aggregate.shown_values()
        {
            let path = match path {
                Some(path) => Some(path).filter(hides),
                None => self.redact().first().cloned(),
            };
            let Some(path) = path else { continue };
            if !hides(&crate::path::Path::field(&field)) {
                let message = format!("`{path}` is redacted, but `{field}` shows its value");
                let problem = Problem::warning("check.redact_leaks", place.clone(), message);
                problems.add(problem.help(format!("add \"{field}\" to `redact`, or measure something else")));
            }
            if in_id {
                let message = format!("`{path}` is redacted, but it is a part of the ids of the windows");
                let problem = Problem::warning("check.redact_id", place, message);
                problems.add(
                    problem.help("group by its `hmac`, made by an operation in a stage before this one"),
                );
            }
        }
    }
}
