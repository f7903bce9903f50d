//! A model as JSON and back, without loss.

use serde_json::{Value, json};

use super::{LevelModel, Model, SlotModel};
use crate::matching::compare::Likeness;
use crate::matching::limits::KeyFigures;

impl Model {
    /// Returns the model as JSON: integers and names only.
    pub(crate) fn to_json(&self) -> Value {
        let slots: Vec<Value> = self.slots.iter().map(slot).collect();
        let keys: Vec<Value> = self.keys.iter().map(key).collect();
        json!({
            "members": self.members,
            "classes": self.classes,
            "fields": slots,
            "prior": self.prior,
            "expected": self.expected,
            "candidates": self.candidates,
            "rounds": self.rounds,
            "keys": keys,
            "alone": self.alone,
        })
    }

    /// Reads a model that [`Self::to_json`] wrote; `None` if it did not.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let list = |name: &str| value.get(name)?.as_array();
        let number = |name: &str| value.get(name)?.as_u64();
        Some(Self {
            members: number("members")?,
            classes: u8::try_from(number("classes")?).ok()?,
            slots: list("fields")?.iter().map(slot_of).collect::<Option<_>>()?,
            prior: integers(value.get("prior")?)?,
            expected: number("expected")?,
            candidates: number("candidates")?,
            rounds: u32::try_from(number("rounds")?).ok()?,
            keys: list("keys")?.iter().map(key_of).collect::<Option<_>>()?,
            alone: number("alone")?,
        })
    }
}

fn slot(slot: &SlotModel) -> Value {
    let levels = slot.levels.iter().map(|level| {
        let [same, household, unrelated] = level.shares;
        json!({
            "level": name(level.likeness),
            "m": same,
            "h": household,
            "u": unrelated,
            "pairs": level.pairs,
        })
    });
    json!({ "name": slot.name, "levels": levels.collect::<Vec<_>>() })
}

fn slot_of(value: &Value) -> Option<SlotModel> {
    let levels = value.get("levels")?.as_array()?.iter().map(|level| {
        let share = |name: &str| i32::try_from(level.get(name)?.as_i64()?).ok();
        Some(LevelModel {
            likeness: likeness(level.get("level")?.as_str()?)?,
            shares: [share("m")?, share("h")?, share("u")?],
            pairs: integers(level.get("pairs")?)?,
        })
    });
    Some(SlotModel {
        name: value.get("name")?.as_str()?.to_owned(),
        levels: levels.collect::<Option<_>>()?,
    })
}

fn key(key: &KeyFigures) -> Value {
    json!({
        "key": key.name,
        "pairs": key.pairs,
        "largest": key.largest,
        "refined": key.refined,
        "dropped": key.dropped,
    })
}

fn key_of(value: &Value) -> Option<KeyFigures> {
    let number = |name: &str| value.get(name)?.as_u64();
    Some(KeyFigures {
        name: value.get("key")?.as_str()?.to_owned(),
        pairs: number("pairs")?,
        largest: number("largest")?,
        refined: number("refined")?,
        dropped: number("dropped")?,
    })
}

/// The name of a level: what it means, and its number where there are several.
fn name(likeness: Likeness) -> String {
    match likeness {
        Likeness::Equal(bin) => format!("equal {bin}"),
        Likeness::Similar(level) => format!("similar {level}"),
        Likeness::Swapped(how) => format!("swapped {how}"),
        Likeness::Together(level) => format!("together {level}"),
        Likeness::Different => "different".to_owned(),
    }
}

fn likeness(name: &str) -> Option<Likeness> {
    let (word, number) = name.split_once(' ').unwrap_or((name, "0"));
    let number = number.parse().ok()?;
    Some(match word {
        "equal" => Likeness::Equal(number),
        "similar" => Likeness::Similar(number),
        "swapped" => Likeness::Swapped(number),
        "together" => Likeness::Together(number),
        "different" => Likeness::Different,
        _ => return None,
    })
}

fn integers<T: TryFrom<i64>, const N: usize>(value: &Value) -> Option<[T; N]> {
    let numbers = value
        .as_array()?
        .iter()
        .map(|number| T::try_from(number.as_i64()?).ok());
    numbers.collect::<Option<Vec<T>>>()?.try_into().ok()
}
