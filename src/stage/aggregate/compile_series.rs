//! Compiling what follows from one window to the next: fills, rolling measures, anomalies.

use rust_decimal::Decimal;

use super::compile::AggregateCompiler;
use super::compile_measures::rounded;
use super::compiled::MeasureField;
use super::draft::{DraftAnomaly, DraftFill, DraftFillWith, DraftOver, DraftRolling, RuleWord, Written};
use super::words::ROLLING_TAKES;
use crate::aggregate::{Anomaly, Fill, FillWith, Over, Rolling, Rule, Take};
use crate::problem::{Place, Problem};

/// Rolling measures, and the names of their results.
#[derive(Default)]
pub(super) struct RollingFields {
    pub(super) rules: Vec<Rolling>,
    pub(super) names: Vec<String>,
}

/// Anomalies, and the names of their fields.
#[derive(Default)]
pub(super) struct AnomalyFields {
    pub(super) rules: Vec<Anomaly>,
    pub(super) names: Vec<(String, Option<String>)>,
    /// Where the file says how many deviations are too many.
    pub(super) places: Vec<Option<Place>>,
}

/// The measures of a stage, if they compile.
type Measures = Option<Vec<MeasureField>>;

/// The result of a measure that something refers to.
struct OneResult {
    /// Its position among all results.
    at: usize,
    take: Take,
}

impl AggregateCompiler<'_, '_> {
    /// Returns the result with a name. Nothing is reported if the measures do not compile.
    fn result(&mut self, of: &Written, measures: &Measures) -> Option<OneResult> {
        let measures = measures.as_ref()?;
        let results = measures
            .iter()
            .flat_map(|field| field.names.iter().zip(&field.measure.takes));
        let results: Vec<(&String, &Take)> = results.collect();
        let at = results.iter().position(|(name, _)| **name == of.text);
        let Some(at) = at else {
            let known: Vec<&str> = results.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("no measure makes a field `{}`", of.text);
            let problem = Problem::error("aggregate.unknown_field", of.place.clone(), message);
            let help = match &known[..] {
                [] => "there are no measures: add them in `measures`".to_owned(),
                known => format!("the measures make: {}", known.join(", ")),
            };
            self.problems
                .add(problem.help(help).did_you_mean(&of.text, known.iter().copied()));
            return None;
        };
        let take = results[at].1.clone();
        Some(OneResult { at, take })
    }

    /// Returns the result with a name, which has to be a number.
    fn number(&mut self, of: &Written, measures: &Measures) -> Option<OneResult> {
        let result = self.result(of, measures)?;
        if matches!(result.take, Take::List(_)) {
            let message = format!("`{}` is a list, and a number is needed", of.text);
            let help = "name a measure such as `mean`, `sum` or `count`";
            self.error("aggregate.unknown_field", of.place.clone(), message, help);
            return None;
        }
        Some(result)
    }

    pub(super) fn fills(&mut self, draft: &[DraftFill], measures: &Measures) -> Vec<Fill> {
        let mut fills = Vec::new();
        for fill in draft {
            let Some(result) = self.result(&fill.of, measures) else {
                continue;
            };
            if matches!(result.take, Take::Count | Take::Distinct | Take::List(_)) {
                let message = format!("`{}` is never null, so nothing fills it", fill.of.text);
                self.error(
                    "aggregate.fill",
                    fill.of.place.clone(),
                    message,
                    "leave it out: a count of no readings is 0, and a list of none is []",
                );
                continue;
            }
            let with = match &fill.with {
                DraftFillWith::Carry { limit } => FillWith::Carry { limit: *limit },
                DraftFillWith::Value(json) if json == "null" => {
                    let message = format!("`{}` is null anyway where nothing fills it", fill.of.text);
                    self.error("aggregate.fill", fill.of.place.clone(), message, "leave it out");
                    continue;
                }
                DraftFillWith::Value(json) => FillWith::Value(json.as_str().into()),
            };
            fills.push(Fill { of: result.at, with });
        }
        fills
    }

    fn over(&mut self, draft: Option<&DraftOver>) -> Option<Over> {
        match draft? {
            DraftOver::Windows(windows) => Some(Over::Windows(*windows)),
            DraftOver::Time(written) => self.duration(Some(written)).map(Over::Time),
        }
    }

    /// Returns the number of values that a rule needs: as given, or all windows that it is over, or so many.
    fn min_periods(&mut self, given: Option<u64>, over: Over, of_time: u64, place: Option<&Place>) -> u64 {
        let Over::Windows(windows) = over else {
            return given.unwrap_or(of_time);
        };
        if let Some(given) = given.filter(|given| *given > windows) {
            let message = format!("`min_periods` is {given}, but `over` has only {windows} windows");
            let help = "set `min_periods` to at most `over`";
            self.error("aggregate.min_periods", place.cloned(), message, help);
        }
        given.unwrap_or(windows)
    }

    pub(super) fn rolling(&mut self, draft: &[DraftRolling], measures: &Measures) -> Option<RollingFields> {
        let mut fields = RollingFields::default();
        let mut complete = true;
        for rolling in draft {
            let rule = self.one_rolling(rolling, measures);
            complete &= rule.is_some();
            let Some((rule, names)) = rule else { continue };
            self.named.extend(names.iter().cloned());
            fields.names.extend(names.into_iter().map(|name| name.text));
            fields.rules.push(rule);
        }
        complete.then_some(fields)
    }

    fn one_rolling(&mut self, draft: &DraftRolling, measures: &Measures) -> Option<(Rolling, Vec<Written>)> {
        let of = self.number(&draft.of, measures);
        let over = self.over(draft.over.as_ref());
        let takes = self.takes(&draft.takes)?;
        for (take, written) in takes.iter().zip(&draft.takes) {
            if !ROLLING_TAKES.contains(&&*take.name()) {
                let message = format!("`{}` is not measured over several windows", take.name());
                let help = format!("one of: {}", ROLLING_TAKES.join(", "));
                self.error("aggregate.rolling", written.place.clone(), message, &help);
            }
        }
        if takes.is_empty() {
            let help = "write `take = [\"mean\", \"std\"]`";
            self.error(
                "aggregate.rolling",
                draft.place.clone(),
                "`take` measures nothing",
                help,
            );
        }
        let names = if draft.names.is_empty() {
            let name = |take: &Take| Written {
                text: format!("{}_rolling_{}", draft.of.text, take.name()),
                place: draft.of.place.clone(),
            };
            takes.iter().map(name).collect()
        } else {
            draft.names.clone()
        };
        if names.len() != takes.len() {
            let message = format!("`as` has {} names for {} measures", names.len(), takes.len());
            let place = draft.names.first().and_then(|name| name.place.clone());
            self.error(
                "aggregate.rolling",
                place,
                message,
                "give each of `take` one name",
            );
            return None;
        }
        let over = over?;
        let min_periods = self.min_periods(draft.min_periods, over, 1, draft.place.as_ref());
        let rule = Rolling {
            of: of?.at,
            over,
            takes,
            min_periods,
            rounded: rounded(draft.rounding),
        };
        Some((rule, names))
    }

    pub(super) fn anomalies(&mut self, draft: &[DraftAnomaly], measures: &Measures) -> Option<AnomalyFields> {
        let mut fields = AnomalyFields::default();
        let mut complete = true;
        for anomaly in draft {
            self.named.extend(
                [Some(&anomaly.name), anomaly.score.as_ref()]
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
            let of = self.number(&anomaly.of, measures);
            let rule = match anomaly.rule {
                RuleWord::Z => self.z(anomaly),
                RuleWord::Outside => self.outside(anomaly),
            };
            let Some((of, rule)) = of.zip(rule) else {
                complete = false;
                continue;
            };
            fields.rules.push(Anomaly {
                of: of.at,
                rule,
                scored: anomaly.score.is_some(),
            });
            let score = anomaly.score.as_ref().map(|score| score.text.clone());
            fields.names.push((anomaly.name.text.clone(), score));
            fields.places.push(anomaly.k_place.clone());
        }
        complete.then_some(fields)
    }

    fn z(&mut self, draft: &DraftAnomaly) -> Option<Rule> {
        let over = self.over(draft.over.as_ref());
        for (key, number, from) in [
            ("k", draft.k, "greater than 0"),
            ("min_deviation", draft.min_deviation, "0 or greater"),
        ] {
            let wrong = |number: &Decimal| match key {
                "k" => *number <= Decimal::ZERO,
                _ => *number < Decimal::ZERO,
            };
            if number.as_ref().is_some_and(wrong) {
                let message = format!("`{key}` must be {from}");
                let place = match key {
                    "k" => draft.k_place.clone(),
                    _ => draft.place.clone(),
                };
                self.error(
                    "aggregate.anomaly",
                    place,
                    message,
                    "write `k = 2`, and `min_deviation = 0`",
                );
            }
        }
        let over = over?;
        let min_periods = self.min_periods(draft.min_periods, over, 2, draft.place.as_ref());
        Some(Rule::Z {
            over,
            min_periods,
            k: draft.k?,
            min_deviation: draft.min_deviation.unwrap_or_default(),
        })
    }

    fn outside(&mut self, draft: &DraftAnomaly) -> Option<Rule> {
        let (message, help) = match (draft.min, draft.max) {
            (None, None) => (
                "`rule = \"outside\"` needs a bound",
                "give `min`, `max` or both: `min = -40`, `max = 85`",
            ),
            (Some(min), Some(max)) if min > max => (
                "`min` is greater than `max`: every window would be outside",
                "exchange the two",
            ),
            (min, max) => return Some(Rule::Outside { min, max }),
        };
        self.error("aggregate.anomaly", draft.place.clone(), message, help);
        None
    }
}
