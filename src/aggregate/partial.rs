//! What is known of the values of one window so far: exact, and the same whatever parts it was put together from.

mod bytes;
mod kept;
mod key;
mod list;
mod measurement;
mod needs;
mod own;
mod values;

#[cfg(test)]
mod tests;

use self::bytes::{put_number, take_number};
use self::kept::Kept;
use self::needs::Needs;
use self::own::{Number, Own};
use super::exact::{Exact, Moments};
use super::measure::{Measure, Take};
use crate::record::RecordNumber;

pub(crate) use self::measurement::Measurement;
pub(crate) use self::own::Rejected;
pub(crate) use self::values::TooMany;

/// What is known of the values of one measure in one window so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Partial {
    /// Counts all values; sums numbers.
    moments: Moments,
    min: Option<Own>,
    max: Option<Own>,
    /// What few measures need.
    kept: Option<Box<Kept>>,
    /// What the takes of the measure need; nothing without a value.
    needs: Needs,
}

impl Partial {
    /// Adds a value that was read for this measure. Values come in ascending order of their numbers. `order`: the value that a
    /// list is ordered by.
    pub(crate) fn add(
        &mut self,
        measure: &Measure,
        number: RecordNumber,
        time: i64,
        value: &Measurement<'_>,
        order: Option<&str>,
    ) {
        if self.needs == Needs::default() {
            self.needs = Needs::of(&measure.takes);
        }
        let json = &*value.json;
        if let Some(number) = &value.number {
            self.add_number(number, json);
        }
        self.moments.count += 1;
        if self.needs.has(Needs::KEPT) {
            let kept = self.kept.get_or_insert_default();
            kept.times(self.needs, time, json);
            if let Some(number) = value.number.filter(|_| self.needs.has(Needs::VALUES)) {
                kept.values.add(&number, measure.exact);
            }
            if self.needs.has(Needs::DISTINCT) {
                kept.distinct.add(measure, json);
            }
            if self.needs.has(Needs::LIST) {
                kept.list.add(number, time, json, order, measure.exact);
            }
        }
    }

    #[inline]
    fn add_number(&mut self, value: &Number, json: &str) {
        if self.needs.has(Needs::SUM) {
            let with_square = self.needs.has(Needs::SQUARES);
            match value.short {
                Some(digits) => self.moments.add_short(digits, value.places(), with_square),
                None => self.moments.add_decimal(value.decimal, with_square),
            }
        }
        // Of equal numbers the first one stays.
        if self.needs.has(Needs::MIN) && self.min.as_ref().is_none_or(|min| min.compare(value).is_gt()) {
            self.min = Some(Own::new(value, json));
        }
        if self.needs.has(Needs::MAX) && self.max.as_ref().is_none_or(|max| max.compare(value).is_lt()) {
            self.max = Some(Own::new(value, json));
        }
    }

    /// Adds what is known of readings with higher numbers.
    pub(crate) fn merge(&mut self, measure: &Measure, later: Self) {
        if self.moments.count == 0 {
            *self = later;
            return;
        }
        if later.moments.count == 0 {
            return;
        }
        self.moments.merge(later.moments);
        if let (Some(min), Some(other)) = (&mut self.min, later.min)
            && min.compare(&other.number()).is_gt()
        {
            *min = other;
        }
        if let (Some(max), Some(other)) = (&mut self.max, later.max)
            && max.compare(&other.number()).is_lt()
        {
            *max = other;
        }
        if let (Some(kept), Some(other)) = (&mut self.kept, later.kept) {
            kept.merge(*other, measure.exact);
        }
    }

    /// Returns about how many bytes it occupies.
    pub(crate) fn bytes(&self) -> usize {
        let own = |own: &Option<Own>| own.as_ref().map_or(0, Own::bytes);
        let kept = self.kept.as_ref().map_or(0, |kept| kept.bytes());
        size_of::<Self>() + self.moments.bytes() + own(&self.min) + own(&self.max) + kept
    }

    /// Appends its bytes, for a temporary file.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.needs.encode(out);
        put_number(out, self.moments.count.into());
        put_number(out, self.moments.places.into());
        bytes::put_whole(out, &self.moments.sum);
        bytes::put_whole(out, &self.moments.squares);
        bytes::put_some(out, self.min.as_ref(), Own::encode);
        bytes::put_some(out, self.max.as_ref(), Own::encode);
        bytes::put_some(out, self.kept.as_deref(), Kept::encode);
    }

    /// Reads what [`encode`](Self::encode) has written, and takes it off the bytes.
    pub(crate) fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            needs: Needs::decode(bytes)?,
            moments: Moments {
                count: take_number(bytes)?.try_into().ok()?,
                places: bytes::take_u32(bytes).filter(|places| *places <= 28)?,
                sum: bytes::take_whole(bytes)?,
                squares: bytes::take_whole(bytes)?,
            },
            min: bytes::take_some(bytes, Own::decode)?,
            max: bytes::take_some(bytes, Own::decode)?,
            kept: bytes::take_some(bytes, Kept::decode)?.map(Box::new),
        })
    }

    /// Returns a result as JSON text; `None` for null. `Err` if there were more values than the measure keeps.
    pub(crate) fn result(&self, measure: &Measure, take: &Take) -> Result<Option<String>, TooMany> {
        let written = |text: String| {
            if measure.texts {
                format!("\"{text}\"")
            } else {
                text
            }
        };
        let own = |own: &Option<Own>| own.as_ref().map(|own| own.json(measure.texts));
        let kept = self.kept.as_deref();
        Ok(match take {
            Take::Count => Some(self.moments.count.to_string()),
            Take::Sum => self.moments.sum().map(|sum| written(sum.text())),
            Take::Mean => self.moments.mean(measure.rounded).map(written),
            Take::Std => self.moments.std(measure.rounded).map(written),
            Take::Var => self.moments.var(measure.rounded).map(written),
            Take::Min => own(&self.min),
            Take::Max => own(&self.max),
            Take::Range => {
                let ends = self.min.as_ref().zip(self.max.as_ref());
                ends.map(|(min, max)| written(Exact::from(max.decimal()).minus(&min.decimal().into()).text()))
            }
            Take::First => kept.and_then(Kept::first).map(str::to_owned),
            Take::Last => kept.and_then(Kept::last).map(str::to_owned),
            Take::Delta => kept.and_then(|kept| kept.delta(measure.texts)).map(written),
            Take::Median => self.quantile(measure, 500)?.map(written),
            Take::Quantile(thousandths) => self.quantile(measure, *thousandths)?.map(written),
            Take::Distinct => Some(kept.map_or(Ok(0), |kept| kept.distinct.count())?.to_string()),
            Take::List(order) => Some(match kept {
                Some(kept) => kept.list.json(*order)?,
                None => "[]".to_owned(),
            }),
        })
    }

    fn quantile(&self, measure: &Measure, thousandths: u16) -> Result<Option<String>, TooMany> {
        match &self.kept {
            Some(kept) => kept.values.quantile(thousandths, measure.rounded),
            None => Ok(None),
        }
    }
}
