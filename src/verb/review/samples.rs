//! Pairs for the tests of this folder.

use super::{ComparedField, ComparedMember, ComparedPair, PairNote, QueuedPair, Side};
use crate::matching::{Bits, Probability};
use crate::record::{BatchId, RecordNumber};

/// A pair of the records `a` and `b` with these ids, whose compared fields have these names and values.
pub(super) fn pair(
    numbers: (i64, i64),
    ids: (&str, &str),
    fields: &[(&str, &str, &str)],
) -> (QueuedPair, ComparedPair) {
    let side = |number: i64, id: &str| Side {
        record: RecordNumber::new(number),
        id: Some(id.to_owned()),
    };
    let member = |side: Side| ComparedMember {
        side,
        system: Some("hospital_a".to_owned()),
        golden: None,
        members: 1,
    };
    let (a, b) = (side(numbers.0, ids.0), side(numbers.1, ids.1));
    let field = |&(name, a, b): &(&str, &str, &str)| ComparedField {
        name: name.to_owned(),
        role: "identity".to_owned(),
        a: Some(a.to_owned()),
        b: Some(b.to_owned()),
        redacted: false,
        level: Some("different".to_owned()),
        bits: Bits::new(-3_700),
    };
    let compared = ComparedPair {
        stage: 4,
        a: member(a.clone()),
        b: member(b.clone()),
        bits: Bits::new(2_300),
        probability: Probability::new(830_000),
        prior: Bits::new(-16_500),
        fields: fields.iter().map(field).collect(),
        others: Vec::new(),
        auto: Probability::new(990_000),
        review: Probability::new(500_000),
        together: None,
        why: vec!["the birth date is against it".to_owned()],
        model_batch: BatchId::new(7),
    };
    let queued = QueuedPair {
        stage: 4,
        source: "register".to_owned(),
        a,
        b,
        band: "near".to_owned(),
        bits: Some(compared.bits),
        probability: Some(compared.probability),
        since: BatchId::new(9),
        at: "2026-11-30T08:00:00Z".to_owned(),
        note: Some(PairNote {
            text: ids.1.to_owned(),
            actor: "ada".to_owned(),
            at: "2026-11-30T09:00:00Z".to_owned(),
        }),
        version: "1f3a9c02".to_owned(),
    };
    (queued, compared)
}
