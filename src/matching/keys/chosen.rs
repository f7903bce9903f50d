//! The keys of a stage that names none: chosen from the kinds of its fields.

use crate::matching::settings::{Key, KeyPart, Kind, Settings};

/// Largest block that is compared, however few pairs there are otherwise: one of this size has 125,000 pairs, as many as ten
/// thousand members have with all keys.
const LIMIT: usize = 500;

/// A part of a chosen key, by kind instead of by field.
#[derive(Clone, Copy)]
enum Part {
    Whole(Kind),
    First(Kind, u8),
    Last(Kind, u8),
    Sound(Kind),
    Year,
    MonthDay,
    Names,
    Initials,
}

/// The keys, each with the parts that refine its large blocks. The order matters for figures only: a pair belongs to the
/// first key on which its members agree.
const KEYS: [(&[Part], &[Part]); 16] = {
    use Kind::{Birth, Email, Given, House, Phone, Ssn, Street, Surname, Zip};
    use Part::{First, Initials, Last, MonthDay, Names, Sound, Whole, Year};
    [
        (&[Whole(Ssn)], &[Sound(Given), Year]),
        (&[Whole(Phone)], &[Sound(Given), Year]),
        (&[Whole(Email)], &[Sound(Given), Year]),
        (
            &[Whole(Birth), First(Given, 1)],
            &[First(Surname, 1), First(Zip, 2)],
        ),
        (
            &[Whole(Birth), First(Surname, 1)],
            &[First(Given, 1), First(Zip, 2)],
        ),
        (&[Whole(Birth), Initials], &[First(Zip, 2)]),
        (&[Whole(Birth), First(Zip, 2)], &[First(Street, 1)]),
        (&[Names], &[Year, First(Zip, 2)]),
        (&[Sound(Surname), MonthDay], &[First(Given, 1), First(Zip, 2)]),
        (&[Sound(Given), MonthDay], &[First(Surname, 1), First(Zip, 2)]),
        (&[Whole(Zip), Sound(Given)], &[First(Street, 1), Year]),
        (&[Whole(Street), Sound(Given)], &[First(Zip, 2), Year]),
        (&[Whole(Street), Whole(House)], &[First(Given, 1), Year]),
        (&[Sound(Surname), Whole(Zip)], &[First(Given, 1), Year]),
        (&[First(Ssn, 4), Year], &[First(Given, 1), First(Surname, 1)]),
        (&[Last(Ssn, 4), MonthDay], &[First(Given, 1), First(Surname, 1)]),
    ]
};

/// Returns the keys for the fields of the settings.
pub(super) fn chosen(settings: &Settings) -> Vec<Key> {
    let mut keys: Vec<Key> = KEYS
        .iter()
        .filter_map(|(parts, refine)| {
            let parts: Option<Vec<KeyPart>> = parts.iter().map(|&part| part_of(settings, part)).collect();
            Some(Key {
                parts: parts?,
                limit: LIMIT,
                refine: refine
                    .iter()
                    .filter_map(|&part| part_of(settings, part))
                    .collect(),
            })
        })
        .collect();
    if keys.len() < 4 {
        keys.extend(of_any_kind(settings));
    }
    keys.dedup_by(|one, other| one.parts == other.parts);
    keys
}

fn part_of(settings: &Settings, part: Part) -> Option<KeyPart> {
    let field = |kind| settings.fields.iter().position(|field| field.kind == kind);
    Some(match part {
        Part::Whole(kind) => KeyPart::Field(field(kind)?),
        Part::First(kind, length) => KeyPart::Prefix(field(kind)?, length),
        Part::Last(kind, length) => KeyPart::Suffix(field(kind)?, length),
        Part::Sound(kind) => KeyPart::Soundex(field(kind)?),
        Part::Year => KeyPart::Year(field(Kind::Birth)?),
        Part::MonthDay => KeyPart::MonthDay(field(Kind::Birth)?),
        Part::Names => KeyPart::Either(field(Kind::Given)?, field(Kind::Surname)?),
        Part::Initials => KeyPart::Initials(field(Kind::Given)?, field(Kind::Surname)?),
    })
}

/// Fields of which no such keys can be made: each value alone, refined by the other fields' beginnings.
fn of_any_kind(settings: &Settings) -> Vec<Key> {
    let fields = || settings.fields.iter().enumerate();
    fields()
        .filter(|(_, field)| field.kind != Kind::Code)
        .map(|(at, _)| Key {
            parts: vec![KeyPart::Field(at)],
            limit: LIMIT,
            refine: fields()
                .filter(|&(other, _)| other != at)
                .map(|(other, _)| KeyPart::Prefix(other, 3))
                .collect(),
        })
        .collect()
}

/// The parts that refine a key of the stage which names none: beginnings of the fields that it does not use yet.
pub(super) fn refining(settings: &Settings, parts: &[KeyPart]) -> Vec<KeyPart> {
    let used = |field: usize| parts.iter().any(|part| fields_of(*part).contains(&Some(field)));
    let further = [
        Part::First(Kind::Given, 1),
        Part::Year,
        Part::First(Kind::Surname, 1),
        Part::First(Kind::Zip, 2),
    ];
    let parts = further.into_iter().filter_map(|part| part_of(settings, part));
    parts
        .filter(|part| !fields_of(*part).into_iter().flatten().any(used))
        .collect()
}

fn fields_of(part: KeyPart) -> [Option<usize>; 2] {
    match part {
        KeyPart::Field(field)
        | KeyPart::Prefix(field, _)
        | KeyPart::Suffix(field, _)
        | KeyPart::Soundex(field)
        | KeyPart::Metaphone(field)
        | KeyPart::Year(field)
        | KeyPart::MonthDay(field) => [Some(field), None],
        KeyPart::Either(one, other) | KeyPart::Initials(one, other) => [Some(one), Some(other)],
        KeyPart::Computed(_) => [None, None],
    }
}
