//! Why two members are one, or why not, in sentences: never a value of a record.

use super::comparing::Comparing;
use crate::error::Result;
use crate::ledger::decisions::{Verdict, decided_by, in_order};
use crate::matching::{Apart, Bits, Held, Likeness, PairScore, Parted, Probability, Role, Then, bits_of};
use crate::record::RecordNumber;

/// Returns the reasons, the weightiest first.
pub(super) fn why(
    comparing: &mut Comparing<'_, '_>,
    (a, b): (RecordNumber, RecordNumber),
    score: &PairScore,
) -> Result<Vec<String>> {
    let judged = comparing.judged;
    let (Some(first), Some(second)) = (judged.index_of(a), judged.index_of(b)) else {
        return Ok(Vec::new());
    };
    let golden = judged.golden(a);
    if let Some(golden) = golden.filter(|golden| judged.golden(b) == Some(*golden)) {
        return together(comparing, (a, b), golden, score);
    }
    let decided = decided(comparing, (a, b))?;
    let is_decided = decided.is_some();
    let mut why: Vec<String> = decided.into_iter().collect();
    why.extend(contradicted(comparing, (first, second), score));
    why.extend(too_weak(comparing, score));
    if !comparing.blocks()?.compare(first, second) {
        why.push(not_compared(comparing, (first, second))?);
    } else if why.is_empty() {
        why.extend(parted(comparing, (a, b)));
    }
    let is_known = is_decided || !why.is_empty();
    let band = comparing.waiting.get(&in_order(a, b));
    if let Some(band) = band {
        if !is_known && band == "chain" {
            why.push(
                "one of the two fits a third record, which is not the other, about as well: a person has to say whose it is"
                    .to_owned(),
            );
        }
        why.push(format!("the pair waits for a decision ({band})"));
    } else if !is_known {
        why.push(
            "nothing speaks against it: the next `apply` judges them again if one of the two has changed since"
                .to_owned(),
        );
    }
    Ok(why)
}

/// What a person has decided about two that are not in one golden record.
fn decided(comparing: &Comparing<'_, '_>, (a, b): (RecordNumber, RecordNumber)) -> Result<Option<String>> {
    let Some(found) = comparing.judged.verdicts.get(&in_order(a, b)) else {
        return Ok(None);
    };
    let by = decided_by(comparing.store.connection(), found.batch)?;
    let by = by.map_or(String::new(), |by| format!(" ({}, run {})", by.actor, by.run));
    Ok(Some(match found.verdict {
        Verdict::Accepted => format!("a person has accepted the pair{by}: the next `apply` merges the two"),
        Verdict::Rejected => format!("a person has rejected the pair{by}, as the two were then"),
        Verdict::Never => format!("a person has decided that the two are never one{by}"),
    }))
}

/// Two that are in one golden record.
fn together(
    comparing: &mut Comparing<'_, '_>,
    (a, b): (RecordNumber, RecordNumber),
    golden: RecordNumber,
    score: &PairScore,
) -> Result<Vec<String>> {
    let decided = comparing.decided_by(a)?.map(str::to_owned);
    let is_by_person = [decided.as_deref(), comparing.decided_by(b)?].contains(&Some("review"));
    let by = match (is_by_person, decided.as_deref()) {
        (true, _) => ": a person has accepted a pair of it",
        (false, Some("rule")) => ", by a rule of the stage",
        _ => ", merged by the stage",
    };
    let mut why = vec![format!("both are in the golden record {golden}{by}")];
    let settings = comparing.judged.settings();
    if score.posterior >= settings.auto && score.held_back.is_none() {
        let line = Bits::new(bits_of(settings.auto));
        why.push(format!(
            "{} bits are enough: pairs are merged from {line} on",
            Bits::new(score.bits)
        ));
    } else if let Some((third, weights)) = between(comparing, (a, b), golden) {
        let [one, other] = weights.map(Bits::new);
        why.push(format!(
            "the two alone would not be merged: record {third} joins them ({a}+{third}: {one} bits, {third}+{b}: {other} bits)"
        ));
    } else {
        why.push("the two alone would not be merged by the stage".to_owned());
    }
    let speaking: Vec<&str> = score.by.iter().map(|slot| comparing.slot_name(*slot)).collect();
    if !speaking.is_empty() {
        why.push(format!("for it: {}", speaking.join(", ")));
    }
    Ok(why)
}

/// Returns the member of a golden record that joins two others best, with its scores.
fn between(
    comparing: &Comparing<'_, '_>,
    (a, b): (RecordNumber, RecordNumber),
    golden: RecordNumber,
) -> Option<(RecordNumber, [i32; 2])> {
    let judged = comparing.judged;
    let (first, second) = (judged.index_of(a)?, judged.index_of(b)?);
    let others = judged
        .members_of(golden)
        .iter()
        .filter(|other| ![a, b].contains(other));
    let joining = others.filter_map(|other| {
        let at = judged.index_of(*other)?;
        let weights = [first, second].map(|side| comparing.scorer.pair(side, at).bits);
        Some((*other, weights))
    });
    joining.max_by_key(|(other, weights)| (weights[0].min(weights[1]), std::cmp::Reverse(*other)))
}

/// What contradicts a pair, whatever its score.
fn contradicted(comparing: &Comparing<'_, '_>, (a, b): (usize, usize), score: &PairScore) -> Vec<String> {
    let mut why = Vec::new();
    if score.held_back == Some(Held::NoAgreement) {
        why.push(
            "no field that identifies agrees, so the two are neither merged nor listed, whatever their score (`caution`)"
                .to_owned(),
        );
    }
    for (name, then) in comparing.judged.conflicts(a, b) {
        let then = match then {
            Then::Never => "they are neither merged nor listed",
            Then::Review => "the stage does not merge them",
        };
        why.push(format!("the conflict `{name}` holds: {then}"));
    }
    if comparing.judged.have_one_owner(a, b) {
        why.push("both belong to one owner (`one_per`), of which a golden record has one member".to_owned());
    }
    match score.held_back {
        Some(Held::Unique) => why.push(format!(
            "they have two values of {}, of which a person has one: the stage does not merge them",
            differing(comparing, score, Role::Unique)
        )),
        Some(Held::Against) => {
            let against = differing(comparing, score, Role::Identity);
            why.push(if against.is_empty() {
                "too little of what identifies agrees: the stage does not merge them (`caution`)".to_owned()
            } else {
                format!(
                    "{against} speaks against it, and no more of what identifies agrees than differs: the stage does not \
                     merge them (`caution`)"
                )
            });
        }
        _ => {}
    }
    why
}

/// Returns the fields of a role in which a pair differs, with their weights.
fn differing(comparing: &Comparing<'_, '_>, score: &PairScore, role: Role) -> String {
    let slots = comparing.scorer.comparison.slots.iter().zip(&score.slots);
    let differing =
        slots.filter(|(slot, said)| slot.role == role && said.likeness == Some(Likeness::Different));
    let names = differing.map(|(slot, said)| format!("`{}` ({} bits)", slot.name, Bits::new(said.weight)));
    names.collect::<Vec<_>>().join(", ")
}

/// How far a pair is below the lines.
fn too_weak(comparing: &Comparing<'_, '_>, score: &PairScore) -> Option<String> {
    let settings = comparing.judged.settings();
    if score.posterior >= settings.auto {
        return None;
    }
    let [auto, review] = [settings.auto, settings.review].map(|line| Bits::new(bits_of(line)));
    let bits = Bits::new(score.bits);
    // Of what is shown, so that it adds up.
    let lacking = (auto.tenths() - bits.tenths()).max(1);
    let listed = if score.posterior < settings.review {
        format!(", and listed for a decision from {review} on")
    } else {
        String::new()
    };
    Some(format!(
        "{bits} bits are {} too few: pairs are merged from {auto} on{listed}",
        Bits::new(lacking * 100)
    ))
}

/// Why no key brings two members together.
fn not_compared(comparing: &mut Comparing<'_, '_>, pair: (usize, usize)) -> Result<String> {
    let judged = comparing.judged;
    let apart = comparing
        .blocks()?
        .apart(judged.features(), judged.settings(), pair);
    let named = |why: Apart| -> Option<String> {
        let names = apart.iter().filter(|(_, is)| *is == why);
        let names: Vec<String> = names.map(|(name, _)| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let mut parts = Vec::new();
    parts.extend(named(Apart::Differ).map(|names| format!("they differ in {names}")));
    parts.extend(named(Apart::Absent).map(|names| format!("one of the two lacks a value for {names}")));
    parts.extend(named(Apart::Large).map(|names| {
        format!("so many records agree in {names} that their block was divided by further parts, or dropped")
    }));
    Ok(format!(
        "they were never compared, because they share no key: {}",
        parts.join("; ")
    ))
}

/// Why two records that are certain enough are in two golden records: what keeps their clusters apart.
fn parted(comparing: &Comparing<'_, '_>, (a, b): (RecordNumber, RecordNumber)) -> Option<String> {
    let judged = comparing.judged;
    let golden = [a, b].map(|record| judged.golden(record));
    let cluster = |record: RecordNumber, golden: Option<RecordNumber>| -> Vec<usize> {
        let members = golden.map_or(&[][..], |golden| judged.members_of(golden));
        let members: Vec<usize> = members
            .iter()
            .filter_map(|member| judged.index_of(*member))
            .collect();
        if members.is_empty() {
            judged.index_of(record).into_iter().collect()
        } else {
            members
        }
    };
    let clusters = [cluster(a, golden[0]), cluster(b, golden[1])];
    let parted = |stand: bool| judged.parted(comparing.scorer, [&clusters[0], &clusters[1]], stand);
    let (found, line) = match parted(false) {
        Some(found) => (found, judged.settings().review),
        None => (parted(true)?, judged.settings().auto),
    };
    let pair = |one: usize, other: usize| format!("{}+{}", judged.record_at(one), judged.record_at(other));
    Some(match found {
        Parted::Decided(one, other) => format!(
            "their golden records do not go together, because {} are decided to be two",
            pair(one, other)
        ),
        Parted::TooMany => format!(
            "together their golden records would have {} members, and one has at most {} (`max`)",
            clusters[0].len() + clusters[1].len(),
            judged.settings().most
        ),
        Parted::By(one, other) => {
            let score = comparing.scorer.pair(one, other);
            let against = contradicted(comparing, (one, other), &score);
            let against = against
                .first()
                .map_or(String::new(), |against| format!(": {against}"));
            format!(
                "their golden records do not go together, because {} does not{against}",
                pair(one, other)
            )
        }
        Parted::Weak(one, other) => format!(
            "their golden records do not go together: all pairs across the two come to less than {} on average; the weakest \
             is {}, with {} bits",
            Probability::new(line),
            pair(one, other),
            Bits::new(comparing.scorer.pair(one, other).bits)
        ),
    })
}
