//! Making the windows: what follows from one to the next, in one thread; their fields and contracts, on every core.

use super::finished::{Finished, FinishedWindows, Made, Parent, Readings};
use super::keys::WindowKey;
use super::standing::Standing;
use super::window::Window;
use crate::aggregate::{Measured, Shown};
use crate::context::Context;
use crate::digest::Hash;
use crate::engine::cores::in_portions;
use crate::engine::transformed::warned;
use crate::error::Result;
use crate::expression::Scope;
use crate::record::RecordNumber;
use crate::refusal::Refusal;
use crate::stage::{Aggregate, Stage};

/// Number of windows that are made together.
const TOGETHER: usize = 4_000;
/// Number of windows that a core makes at a time.
const PORTION: usize = 100;

/// A window that is to be made.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) key: WindowKey,
    pub(super) shown: Shown,
    /// Why it is refused, if it had more values than the stage keeps.
    pub(super) too_many: Option<Refusal>,
    pub(super) readings: Readings,
    pub(super) parent: Parent,
    pub(super) counted: Vec<(RecordNumber, Hash)>,
    /// As it stands.
    pub(super) old: Option<Old>,
}

/// A window as it stands.
#[derive(Debug)]
pub(super) struct Old {
    pub(super) number: RecordNumber,
    data: String,
    is_refused: bool,
}

impl Pending {
    /// Sets the number under which the window stands; how it stands is looked up when it is written.
    pub(super) fn number(&mut self, number: Option<RecordNumber>) {
        self.old = number.map(|number| Old {
            number,
            data: String::new(),
            is_refused: false,
        });
    }
}

impl From<Standing> for Old {
    fn from(standing: Standing) -> Self {
        Self {
            number: standing.number,
            data: standing.data,
            is_refused: standing.is_refused,
        }
    }
}

/// What the windows came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Number of windows that were made.
    pub(super) windows: u64,
    /// Number of those without readings.
    pub(super) empty: u64,
    /// Number of those that end after the newest reading.
    pub(super) open: u64,
    /// Number of those that a rule marks.
    pub(super) anomalies: u64,
    /// Number of gaps that are too long to be filled.
    pub(super) gaps: u64,
    /// Number of windows that are held back.
    pub(super) held: u64,
}

/// Makes windows.
pub(super) struct Making<'m> {
    pub(super) stage: &'m Stage,
    pub(super) aggregate: &'m Aggregate,
    /// The facts of the pass, without a record.
    pub(super) context: Context<'m>,
    pub(super) finished: FinishedWindows,
    pub(super) figures: Figures,
    /// Codes of the stage's warnings.
    pub(super) codes: std::collections::BTreeMap<String, u64>,
    /// Time of the newest reading.
    pub(super) newest: i64,
    pending: Vec<Pending>,
}

impl<'m> Making<'m> {
    pub(super) fn new(
        stage: &'m Stage,
        aggregate: &'m Aggregate,
        context: Context<'m>,
        finished: FinishedWindows,
        newest: i64,
    ) -> Self {
        Self {
            stage,
            aggregate,
            context,
            finished,
            figures: Figures::default(),
            codes: std::collections::BTreeMap::new(),
            newest,
            pending: Vec::new(),
        }
    }

    /// Adds a window.
    pub(super) fn add(&mut self, pending: Pending) -> Result<()> {
        self.pending.push(pending);
        if self.pending.len() >= TOGETHER {
            self.make()?;
        }
        Ok(())
    }

    /// Adds a window that is no longer to be.
    pub(super) fn gone(&mut self, key: &WindowKey, number: RecordNumber) -> Result<()> {
        self.finished.add(key, &Finished::Gone(number))
    }

    /// Says under which number a window stands.
    pub(super) fn stands(&mut self, group: &str, start: i64, number: RecordNumber) -> Result<()> {
        self.finished
            .add(&WindowKey::new(group, start), &Finished::Stands(number))
    }

    /// Makes the windows that were added.
    pub(super) fn make(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let maker = Maker {
            stage: self.stage,
            aggregate: self.aggregate,
            context: self.context,
        };
        let work = |portion: &[Pending]| {
            portion
                .iter()
                .map(|pending| maker.made(pending))
                .collect::<Vec<_>>()
        };
        let done = in_portions(&pending, PORTION, work)?.into_iter().flatten();
        for (pending, (made, codes)) in pending.into_iter().zip(done) {
            for code in codes {
                *self.codes.entry(code).or_default() += 1;
            }
            let Pending {
                key,
                shown,
                readings,
                counted,
                old,
                ..
            } = pending;
            let is_as_before = old.as_ref().is_some_and(|old| {
                old.is_refused == made.refusal.is_some() && old.data == made.data && counted.is_empty()
            });
            if is_as_before && !matches!(readings, Readings::Own { .. }) {
                continue;
            }
            self.count(&shown);
            let window = Made {
                readings,
                counted,
                number: old.map(|old| old.number),
                ..made
            };
            self.finished.add(&key, &Finished::Made(Box::new(window)))?;
        }
        Ok(())
    }

    fn count(&mut self, shown: &Shown) {
        let figures = &mut self.figures;
        figures.windows += 1;
        figures.empty += u64::from(shown.rows == 0);
        figures.anomalies += u64::from(shown.anomalies.iter().any(|(is_marked, _)| *is_marked));
        let end = self
            .aggregate
            .windows()
            .and_then(|windows| windows.end_of(shown.start));
        figures.open += u64::from(end.is_some_and(|end| end > self.newest));
    }
}

/// What every core needs to make windows.
struct Maker<'m> {
    stage: &'m Stage,
    aggregate: &'m Aggregate,
    context: Context<'m>,
}

impl Maker<'_> {
    fn made(&self, pending: &Pending) -> (Made, Vec<String>) {
        let mut scope = Scope::new(self.context);
        let of = self
            .stage
            .window_of(self.aggregate, &pending.key.group, &pending.shown, &mut scope);
        let (output, refusal) = match of {
            Ok(output) => (output, None),
            Err(refused) => (refused.output, Some(refused.refusal)),
        };
        let refusal = pending.too_many.clone().or(refusal);
        let codes = scope.warnings().iter().map(ToString::to_string).collect();
        let made = Made {
            id: output.id,
            data: output.data,
            refusal: refusal.map(|refusal| (refusal.to_json(), refusal.halts)),
            warned: warned(scope.broken().to_vec(), self.stage),
            readings: Readings::None,
            parent: pending.parent,
            number: None,
            counted: Vec::new(),
        };
        (made, codes)
    }
}

/// Returns a group without windows as it is shown.
pub(super) fn alone(measured: Measured) -> Shown {
    Shown {
        start: measured.start,
        rows: measured.rows,
        values: measured.values,
        filled: Vec::new(),
        rolling: Vec::new(),
        anomalies: Vec::new(),
    }
}

/// What a window has of its own readings.
pub(super) fn own(window: &Window) -> Readings {
    Readings::Own {
        inputs: window.rows,
        input: window.input(),
        spans: window.spans.clone(),
    }
}
