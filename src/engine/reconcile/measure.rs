//! The amounts of both sides of each record, read exactly, and how its entries explain their difference.

use std::num::NonZero;

use rusqlite::Connection;
use rust_decimal::Decimal;

use super::lineage::{PairedRecord, Piece};
use super::outcome::{DifferenceCause, Reconciliation};
use super::sums::{Key, NamedRecord, Nets, Sums};
use crate::context::{Context, Probe, Roundings};
use crate::digest::Salt;
use crate::engine::lookups::{Answers, looking_up};
use crate::environment::Secrets;
use crate::error::{Error, Result};
use crate::expression::{Evaluated, Expression, Scope};
use crate::lookup::Lookups;
use crate::record::{Document, Limits, NumberText, Record};
use crate::stage::{Outcome, Reconcile, Stage};

/// With more roundings than this in one record, only their sum is tried.
const MOST_ROUNDINGS: usize = 12;

/// Every `[[reconcile]]` of a stage, record by record.
pub(super) struct Measuring<'m> {
    project: &'m str,
    stage: &'m Stage,
    secrets: Secrets,
    limits: Limits,
    /// What the stage looks up, as it is now.
    answers: Option<Answers>,
    sums: Vec<Sums<'m>>,
}

/// The amount of a record.
#[derive(Clone)]
pub(super) enum Amount {
    /// There is no record.
    Nothing,
    /// The record explicitly has none: null, or left out.
    None,
    /// An amount and its key.
    Known(Decimal, Key),
    /// The amount can be read, its key cannot.
    NoKey,
    /// The amount cannot be read.
    Unreadable,
}

impl Amount {
    fn is_measured(&self) -> bool {
        !matches!(self, Self::NoKey | Self::Unreadable)
    }

    fn is_something(&self) -> bool {
        matches!(self, Self::Known(amount, _) if !amount.is_zero())
    }
}

/// The amounts of a record on one side.
struct Measured {
    was: Amount,
    /// Its cause, the record that caused it, and the amount since, if it has changed.
    since: Option<(DifferenceCause, Option<String>, Amount)>,
}

impl Measured {
    /// Returns the current amount of the side.
    fn stands(&self) -> &Amount {
        self.since.as_ref().map_or(&self.was, |(_, _, now)| now)
    }
}

/// The amounts of a record on both sides.
struct Both {
    source: Option<Measured>,
    targets: Vec<Measured>,
}

/// A record's id and its document, if it can be parsed; read once for every `[[reconcile]]`.
type Read = Option<(String, Option<Document>)>;

/// A record on one side: as it was, and as it is since.
type BothRead<'c> = (Read, Option<(DifferenceCause, Option<&'c str>, Read)>);

impl<'m> Measuring<'m> {
    pub(super) fn new(
        project: &'m str,
        stage: &'m Stage,
        examples: usize,
        (secrets, limits): (Secrets, Limits),
    ) -> Self {
        let sums = |rule| Sums::new(rule, examples);
        Self {
            project,
            stage,
            secrets,
            limits,
            answers: Answers::of(stage),
            sums: stage.reconciles().iter().map(sums).collect(),
        }
    }

    /// Adds source records with their results. They are measured on every core, and summed in order.
    pub(super) fn add(&mut self, connection: &Connection, slice: &[PairedRecord]) -> Result<()> {
        let measured = loop {
            let measured = self.measured(slice)?;
            match &self.answers {
                // Something was looked up that was not known: once more.
                Some(answers) if answers.read(connection)? => {}
                _ => break measured,
            }
        };
        let mut sums = std::mem::take(&mut self.sums);
        for (processed, both) in slice.iter().zip(measured) {
            for (sums, both) in sums.iter_mut().zip(both) {
                self.add_to(connection, sums, processed, &both)?;
            }
        }
        self.sums = sums;
        Ok(())
    }

    /// Measures both sides of some records on every core.
    fn measured(&self, slice: &[PairedRecord]) -> Result<Vec<Vec<Both>>> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let length = slice.len().div_ceil(cores).max(1);
        let measured: Vec<Vec<Both>> = std::thread::scope(|scope| {
            let measuring = self;
            let threads: Vec<_> = slice
                .chunks(length)
                .map(|part| {
                    scope.spawn(move || {
                        part.iter()
                            .map(|processed| measuring.both(processed))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            let joined = threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_default());
            joined.flatten().collect()
        });
        if measured.len() != slice.len() {
            return Err(Error::Damaged {
                what: "the measurement of some records ended unexpectedly".to_owned(),
            });
        }
        Ok(measured)
    }

    /// Measures both sides of a record, for each `[[reconcile]]`. Pure.
    fn both(&self, processed: &PairedRecord) -> Vec<Both> {
        let source = processed.source.as_ref().map(read_piece);
        let mut targets: Vec<BothRead<'_>> = processed.targets.iter().map(read_piece).collect();
        let skipped = self.skipped(processed);
        targets.extend(
            skipped
                .iter()
                .map(|part| (read(Some(part)), Some((DifferenceCause::Skipped, None, None)))),
        );
        let of_rule = |rule: &Reconcile| {
            let by = rule.by.as_ref();
            let side =
                |amount: &Expression, key: Option<&Expression>, (was, since): &BothRead<'_>| Measured {
                    was: self.reading((amount, key), was, processed.now_us),
                    since: since.as_ref().map(|(cause, by, now)| {
                        (
                            *cause,
                            by.map(str::to_owned),
                            self.reading((amount, key), now, processed.now_us),
                        )
                    }),
                };
            Both {
                source: source
                    .as_ref()
                    .map(|piece| side(&rule.source, by.map(|keys| &keys.source), piece)),
                targets: targets
                    .iter()
                    .map(|piece| side(&rule.target, by.map(|keys| &keys.target), piece))
                    .collect(),
            }
        };
        self.stage.reconciles().iter().map(of_rule).collect()
    }

    /// Returns the parts of a record that were left out in favour of another record, as the stage makes them: they
    /// exist nowhere else.
    fn skipped(&self, processed: &PairedRecord) -> Vec<Record> {
        let source = processed.source.as_ref().and_then(|piece| piece.was.as_ref());
        let Some(source) = source.filter(|_| !processed.skipped.is_empty()) else {
            return Vec::new();
        };
        let lookups = self.answers.as_ref().map(Answers::for_record);
        let context = Context {
            lookups: lookups.as_ref().map(|lookups| lookups as &dyn Lookups),
            ..self.context((&source.id, processed.salt), processed.now_us, None)
        };
        let Ok(Outcome::Derive(outputs)) = self.stage.transform(source, &context) else {
            return Vec::new();
        };
        let parts = (1_i64..)
            .zip(outputs)
            .filter(|(part, _)| processed.skipped.contains(part));
        let record = |(_, output): (i64, crate::stage::Output)| Record {
            number: source.number,
            id: output.id,
            data: output.data,
        };
        parts.map(record).collect()
    }

    fn add_to(
        &self,
        connection: &Connection,
        sums: &mut Sums<'_>,
        processed: &PairedRecord,
        both: &Both,
    ) -> Result<()> {
        let sides = || {
            let source = both.source.iter().map(|side| (true, side));
            source.chain(both.targets.iter().map(|side| (false, side)))
        };
        let mut nets = Nets::default();
        for (is_source, side) in sides() {
            if let Amount::Known(amount, key) = side.stands() {
                sums.measure(is_source, *amount, key)?;
            }
            if let Amount::Known(amount, key) = &side.was {
                nets.add(key, signed(is_source, *amount))?;
            }
        }
        self.add_processed(connection, sums, processed, both, nets.describe())?;
        for (is_source, side) in sides() {
            let Some((cause, by, now)) = &side.since else {
                continue;
            };
            let mut nets = Nets::default();
            if let Amount::Known(amount, key) = &side.was {
                nets.add(key, signed(is_source, -*amount))?;
            }
            if let Amount::Known(amount, key) = now {
                nets.add(key, signed(is_source, *amount))?;
            }
            let named = NamedRecord {
                id: &processed.id,
                by: by.as_deref(),
                unmeasured: !now.is_measured() || !side.was.is_measured(),
                behind: false,
                one_sided: false,
            };
            sums.attribute(*cause, nets.describe(), named)?;
        }
        Ok(())
    }

    /// Adds what the stage itself made of a record.
    fn add_processed(
        &self,
        connection: &Connection,
        sums: &mut Sums<'_>,
        processed: &PairedRecord,
        both: &Both,
        nets: Nets,
    ) -> Result<()> {
        let pieces = || both.source.iter().chain(&both.targets);
        let unmeasured = pieces().any(|side| !side.was.is_measured());
        let nothing = nets.keys.is_empty() && !unmeasured;
        if both.source.is_none()
            && both.targets.is_empty()
            && processed.fate == Some(DifferenceCause::Filtered)
        {
            // Its source is deleted, and so is what the stage had made of it.
            return Ok(());
        }
        // A refused record without an amount explains nothing, but is reported all the same. A merged one is not.
        let is_told = !matches!(processed.fate, None | Some(DifferenceCause::Merged));
        if nothing && (processed.behind || !is_told) && !processed.is_lost() {
            return Ok(());
        }
        let source = both.source.as_ref();
        let brings = source.is_none_or(|side| !side.was.is_something());
        let leaves = both.targets.iter().all(|side| !side.was.is_something());
        let named = NamedRecord {
            id: &processed.id,
            by: None,
            unmeasured: unmeasured || processed.is_lost(),
            behind: processed.behind,
            one_sided: !unmeasured && !processed.behind && source.is_some() && (brings || leaves),
        };
        let cause = self.cause(connection, processed, both, &nets, unmeasured)?;
        sums.attribute(cause, nets, named)
    }

    /// Computes the amount of a record on one side.
    fn reading(&self, expressions: (&Expression, Option<&Expression>), read: &Read, now_us: i64) -> Amount {
        let Some((id, document)) = read else {
            return Amount::Nothing;
        };
        amount_of(
            expressions,
            document.as_ref(),
            self.context((id, None), now_us, None),
        )
    }

    fn context<'c>(
        &'c self,
        (id, salt): (&'c str, Option<Salt>),
        now_us: i64,
        probe: Option<&'c dyn Probe>,
    ) -> Context<'c> {
        Context {
            project: self.project,
            stage: self.stage.number(),
            id,
            salt,
            now_us,
            secrets: &self.secrets,
            limits: self.limits,
            probe,
            lookups: None,
        }
    }

    /// Returns why a record's sides differ.
    fn cause(
        &self,
        connection: &Connection,
        processed: &PairedRecord,
        both: &Both,
        nets: &Nets,
        unmeasured: bool,
    ) -> Result<DifferenceCause> {
        if processed.behind {
            return Ok(DifferenceCause::Unexplained);
        }
        let unreadable = |side: &Measured| matches!(side.was, Amount::Unreadable);
        Ok(match (processed.fate, &nets.keys[..]) {
            (Some(fate), _) => fate,
            (None, [(_, net)]) if !unmeasured && self.is_rounded_by(connection, processed, *net)? => {
                DifferenceCause::Rounding
            }
            // Unreadable on both sides: no amount was lost on the way.
            (None, [])
                if both.source.as_ref().is_some_and(unreadable)
                    && !both.targets.is_empty()
                    && both.targets.iter().all(unreadable) =>
            {
                DifferenceCause::Unreadable
            }
            _ => DifferenceCause::Unexplained,
        })
    }

    /// Returns whether the stage, processing the record again, rounds by exactly this amount: as a whole, or some of
    /// its values.
    fn is_rounded_by(&self, connection: &Connection, processed: &PairedRecord, net: Decimal) -> Result<bool> {
        let Some(source) = processed.source.as_ref().and_then(|piece| piece.was.as_ref()) else {
            return Ok(false);
        };
        let amounts = looking_up(connection, self.answers.as_ref(), |lookups| {
            let roundings = Roundings::default();
            let context = Context {
                lookups,
                ..self.context((&source.id, processed.salt), processed.now_us, Some(&roundings))
            };
            let transformed = self.stage.transform(source, &context);
            transformed.ok().map(|_| roundings.amounts())
        })?;
        let Some(amounts) = amounts else {
            return Ok(false);
        };
        let total = |chosen: u32| {
            let chosen = amounts.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1);
            chosen
                .map(|(_, amount)| *amount)
                .try_fold(Decimal::ZERO, Decimal::checked_add)
        };
        if amounts.len() > MOST_ROUNDINGS {
            let all = amounts
                .iter()
                .copied()
                .try_fold(Decimal::ZERO, Decimal::checked_add);
            return Ok(all == Some(net));
        }
        Ok((1_u32..1 << amounts.len()).any(|chosen| total(chosen) == Some(net)))
    }

    /// Returns the results; `whole`: all that the stage has ever processed.
    pub(super) fn results(self, whole: bool) -> Result<Vec<Reconciliation>> {
        self.sums.into_iter().map(|sums| sums.result(whole)).collect()
    }
}

/// Computes the amount of a record, and its key. `document`: `None` if it cannot be parsed.
pub(super) fn amount_of(
    (amount, key): (&Expression, Option<&Expression>),
    document: Option<&Document>,
    context: Context<'_>,
) -> Amount {
    let Some(document) = document else {
        return Amount::Unreadable;
    };
    let mut scope = Scope::new(context);
    let amount = match amount.value(document, &mut scope) {
        Err(_) => return Amount::Unreadable,
        Ok(Evaluated::Omit) => return Amount::None,
        Ok(Evaluated::Value(value)) if value.is_null() => return Amount::None,
        Ok(Evaluated::Value(value)) => {
            let number = value
                .as_number()
                .map(|number| NumberText::CALCULATED.read(number));
            let read = number.or_else(|| value.as_text().map(|text| NumberText::SETTING.read(&text)));
            match read.and_then(Result::ok) {
                Some(amount) => amount,
                None => return Amount::Unreadable,
            }
        }
    };
    let key = match key.map(|key| key.value(document, &mut scope)) {
        Some(Err(_)) => return Amount::NoKey,
        None | Some(Ok(Evaluated::Omit)) => None,
        Some(Ok(Evaluated::Value(value))) if value.is_null() => None,
        Some(Ok(Evaluated::Value(value))) => {
            Some(value.as_text().map_or_else(|| value.to_json(), Into::into))
        }
    };
    Amount::Known(amount, key)
}

fn read(record: Option<&Record>) -> Read {
    record.map(|record| (record.id.clone(), record.document().ok()))
}

fn read_piece(piece: &Piece) -> BothRead<'_> {
    let since = piece.since.as_ref();
    let since = since.map(|since| (since.cause, since.by.as_deref(), read(since.now.as_ref())));
    (read(piece.was.as_ref()), since)
}

/// Returns an amount as it contributes to the difference, target minus source.
fn signed(is_source: bool, amount: Decimal) -> Decimal {
    if is_source { -amount } else { amount }
}
