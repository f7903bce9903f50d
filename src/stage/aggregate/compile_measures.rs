//! Compiling what is measured.

use super::compile::AggregateCompiler;
use super::compiled::{MeasureField, Measured};
use super::draft::{DraftElements, DraftList, DraftMeasure, DraftRounding, Written};
use super::words::{TAKES, other_take};
use crate::aggregate::{Measure, Order, Rounded, Take};
use crate::problem::{Problem, nearest};

/// Significant digits of results that are not exact, unless the stage says otherwise.
const DIGITS: u8 = 17;
/// Values of a window that are kept.
const EXACT: usize = 10_000;

impl AggregateCompiler<'_, '_> {
    /// Compiles the measures; `None` if one of them does not compile: what refers to its results would not, either.
    pub(super) fn measures(&mut self, draft: &[DraftMeasure]) -> Option<Vec<MeasureField>> {
        let all: Vec<Option<MeasureField>> = draft.iter().map(|measure| self.measure(measure)).collect();
        all.into_iter().collect()
    }

    fn measure(&mut self, draft: &DraftMeasure) -> Option<MeasureField> {
        if let Some(list) = &draft.list {
            return self.list(draft, list);
        }
        let takes = self.takes(&draft.takes);
        let path = self.path(&draft.key)?;
        let name = self.name_of(draft.name.as_ref(), &path, &draft.key)?;
        let takes = takes?;
        let names: Vec<String> = takes
            .iter()
            .map(|take| format!("{name}_{}", take.name()))
            .collect();
        self.named.extend(names.iter().map(|text| Written {
            text: text.clone(),
            place: draft.name.as_ref().unwrap_or(&draft.key).place.clone(),
        }));
        Some(MeasureField {
            of: Measured::Path(path),
            measure: Measure {
                takes,
                rounded: rounded(draft.rounding),
                exact: draft.exact.unwrap_or(EXACT),
                texts: draft.texts,
            },
            names,
            place: draft.key.place.clone(),
        })
    }

    fn list(&mut self, draft: &DraftMeasure, list: &DraftList) -> Option<MeasureField> {
        self.named.push(draft.key.clone());
        let of = match &list.of {
            DraftElements::Records => Some(Vec::new()),
            DraftElements::Values(path) => self.path(path).map(|path| vec![path]),
            DraftElements::Parts(paths) => {
                let paths: Vec<_> = paths.iter().map(|path| (path, self.path(path))).collect();
                let mut parts = Vec::new();
                for (written, path) in paths {
                    let path = path?;
                    self.name_of(None, &path, written)?;
                    if parts
                        .iter()
                        .any(|other: &crate::path::Path| other.last() == path.last())
                    {
                        let message = format!("two parts of the list `{}` have one name", draft.key.text);
                        let help = "leave one of them out, or rename it in a stage before this one";
                        self.error("aggregate.twice", written.place.clone(), message, help);
                    }
                    parts.push(path);
                }
                Some(parts)
            }
        };
        let order = match &list.order {
            Some(order) => Some(self.path(order)?),
            None => None,
        };
        let by = if order.is_some() { Order::By } else { Order::Time };
        Some(MeasureField {
            of: Measured::List {
                parts: of?,
                values: matches!(list.of, DraftElements::Values(_)),
                order,
            },
            measure: Measure {
                takes: vec![Take::List(by)],
                rounded: rounded(DraftRounding::default()),
                exact: draft.exact.unwrap_or(EXACT),
                texts: false,
            },
            names: vec![draft.key.text.clone()],
            place: draft.key.place.clone(),
        })
    }

    /// Reads the names of measures.
    pub(super) fn takes(&mut self, written: &[Written]) -> Option<Vec<Take>> {
        let takes: Vec<Option<Take>> = written.iter().map(|take| self.take(take)).collect();
        for (at, take) in written.iter().enumerate() {
            if written[..at].iter().any(|earlier| earlier.text == take.text) {
                let message = format!("`{}` is measured twice", take.text);
                self.error("aggregate.twice", take.place.clone(), message, "name it once");
                return None;
            }
        }
        takes.into_iter().collect()
    }

    fn take(&mut self, written: &Written) -> Option<Take> {
        let name = written.text.as_str();
        let take = Take::parse(name);
        if take.is_none() {
            let message = format!("there is no measure `{name}`");
            let problem = Problem::error("aggregate.measure", written.place.clone(), message);
            let all = format!("one of: {}, p95 (a quantile in percent)", TAKES.join(", "));
            let meant = other_take(name).or_else(|| nearest(name, TAKES));
            self.problems.add(problem.help(match (name, meant) {
                ("mad", _) => "`mad` is not available yet; `median` and `p95` are".to_owned(),
                (_, Some(word)) => format!("did you mean `{word}`? {all}"),
                (_, None) => all,
            }));
        }
        take
    }
}

/// Returns how results are rounded.
pub(super) fn rounded(draft: DraftRounding) -> Rounded {
    match (draft.places, draft.digits) {
        (Some(places), _) => Rounded::Places(places),
        (None, digits) => Rounded::Digits(digits.unwrap_or(DIGITS)),
    }
}
