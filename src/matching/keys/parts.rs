//! The parts of keys, as hashes of texts.

use crate::matching::compare::parts;
use crate::matching::features::{ABSENT, Features, hash, mixed, short};
use crate::matching::settings::{KeyPart, Settings};
use crate::matching::text;

/// Returns the hash of a part of each member; zero where it is absent.
pub(super) fn hashes(features: &Features, part: KeyPart) -> Vec<u32> {
    match part {
        KeyPart::Computed(position) => {
            let mut hashes = features.computed(position).to_vec();
            hashes.resize(features.len(), 0);
            hashes
        }
        KeyPart::Either(one, other) | KeyPart::Initials(one, other) => {
            let of = |field| {
                if matches!(part, KeyPart::Either(..)) {
                    KeyPart::Soundex(field)
                } else {
                    KeyPart::Prefix(field, 1)
                }
            };
            let [one, other] = [one, other].map(|field| hashes(features, of(field)));
            let both = one.into_iter().zip(other);
            both.map(|(one, other)| {
                if one == 0 || other == 0 {
                    0
                } else {
                    joined(one.min(other), one.max(other))
                }
            })
            .collect()
        }
        KeyPart::Field(field)
        | KeyPart::Prefix(field, _)
        | KeyPart::Suffix(field, _)
        | KeyPart::Soundex(field)
        | KeyPart::Metaphone(field)
        | KeyPart::Year(field)
        | KeyPart::MonthDay(field) => {
            let texts = features.dictionary(field).texts();
            let by_value: Vec<u32> = std::iter::once(0)
                .chain(texts.map(|text| of_text(part, text)))
                .collect();
            let column = features.column(field).iter();
            column
                .map(|&value| {
                    if value == ABSENT {
                        0
                    } else {
                        by_value[value as usize]
                    }
                })
                .collect()
        }
    }
}

fn of_text(part: KeyPart, text: &str) -> u32 {
    let of = |text: &str| {
        if text.is_empty() {
            0
        } else {
            short(hash(text.as_bytes()))
        }
    };
    match part {
        KeyPart::Prefix(_, length) => of(text::prefix(text, usize::from(length))),
        KeyPart::Suffix(_, length) => {
            let skipped = text.chars().count().saturating_sub(usize::from(length));
            of(text
                .char_indices()
                .nth(skipped)
                .map_or("", |(begin, _)| &text[begin..]))
        }
        KeyPart::Soundex(_) => text::soundex(text).map_or(0, |code| of(&code)),
        KeyPart::Metaphone(_) => text::metaphone(text).map_or(0, |code| of(&code)),
        KeyPart::Year(_) => text.get(..4).map_or(0, of),
        KeyPart::MonthDay(_) => parts(text).map_or(0, |date| {
            let (less, more) = (date.month.min(date.day), date.month.max(date.day));
            1 + u32::from(less) * 256 + u32::from(more)
        }),
        KeyPart::Field(_) | KeyPart::Either(..) | KeyPart::Initials(..) | KeyPart::Computed(_) => of(text),
    }
}

/// Returns the hash of a key with one more part; zero if either is absent.
pub(super) fn joined(key: u32, part: u32) -> u32 {
    if key == 0 || part == 0 {
        return 0;
    }
    short(mixed(u64::from(key) << 32 | u64::from(part)))
}

/// Returns a key's name: its parts, as a stage file would write them.
pub(super) fn name(settings: &Settings, parts: &[KeyPart]) -> String {
    let field = |at: usize| settings.fields.get(at).map_or("?", |field| field.name.as_str());
    let names: Vec<String> = parts
        .iter()
        .map(|&part| match part {
            KeyPart::Field(at) => field(at).to_owned(),
            KeyPart::Prefix(at, length) => format!("prefix({}, {length})", field(at)),
            KeyPart::Suffix(at, length) => format!("suffix({}, {length})", field(at)),
            KeyPart::Soundex(at) => format!("soundex({})", field(at)),
            KeyPart::Metaphone(at) => format!("metaphone({})", field(at)),
            KeyPart::Year(at) => format!("{}.year", field(at)),
            KeyPart::MonthDay(at) => format!("{}.month_day", field(at)),
            KeyPart::Either(one, other) => format!("either({}, {})", field(one), field(other)),
            KeyPart::Initials(one, other) => format!("initials({}, {})", field(one), field(other)),
            KeyPart::Computed(position) => format!("computed {}", position + 1),
        })
        .collect();
    names.join(" + ")
}
