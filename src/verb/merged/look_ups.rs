//! Records that refer to members: they follow them from golden record to golden record, and nobody else is disturbed.

use super::story::{first, joined, split};
use super::*;
use crate::apply::{ApplyOptions, apply};
use crate::ledger::Counts;
use crate::op::LookUp;
use crate::stage::{Stage, Stages};

fn visits() -> Stages {
    let stage = Stage::new(5, "visits")
        .source("visits_v1")
        .target("visits")
        .op(LookUp::new("patient", TARGET).golden())
        .build();
    // Another project: the ledger knows the stage that merges, and there is no file of it.
    Stages::new("wards", vec![stage.expect("a stage")]).expect("stages")
}

impl Register {
    fn visit(&mut self, members: &[i64]) {
        let visit = |member: &i64| Edit::Put {
            id: format!("v{member}"),
            data: format!("{{\"patient\":\"m{member}\"}}"),
        };
        let visits: Vec<Edit> = members.iter().map(visit).collect();
        edit(&mut self.store, "visits_v1", &visits, &RunInfo::new("edit")).expect("an edit");
    }

    /// Applies the stage of the visits: what it read.
    fn looked_up(&mut self) -> Counts {
        let report = apply(&mut self.store, &visits(), &ApplyOptions::default(), &mut Silent);
        let counts = report.expect("a report").passes.first().map(|pass| pass.counts);
        self.assert_sound();
        counts.unwrap_or_default()
    }

    /// Each visit and the golden record that it refers to.
    fn visited(&self) -> Vec<String> {
        self.told("SELECT id||' '||(data->>'$.patient') FROM visits ORDER BY id")
    }
}

#[test]
fn visits_follow_their_patients_and_nobody_else_is_processed() {
    let mut register = Register::new(&["Alice", "Alicia", "Bob"]);
    register.merge(&first());
    register.visit(&[1, 2, 3, 9]);
    let counts = register.looked_up();
    assert_eq!(
        (counts.written, counts.refused),
        (3, 1),
        "one waits for its patient"
    );
    assert_eq!(register.visited(), ["v1 PAT-m1", "v2 PAT-m1", "v3 PAT-m3"]);
    register.merge(&joined());
    let counts = register.looked_up();
    assert_eq!((counts.read, counts.written), (1, 1));
    assert_eq!(register.visited(), ["v1 PAT-m1", "v2 PAT-m1", "v3 PAT-m1"]);
    let left = register.merge(&split());
    let counts = register.looked_up();
    assert_eq!((counts.read, counts.written), (1, 1));
    assert_eq!(register.visited(), ["v1 PAT-m1", "v2 PAT-m2", "v3 PAT-m1"]);
    register.roll_back(left);
    let counts = register.looked_up();
    // A rollback keeps no image that says whether the golden record has kept its id: its other members are read again.
    assert_eq!((counts.written, counts.unchanged), (1, 2));
    assert_eq!(register.visited(), ["v1 PAT-m1", "v2 PAT-m1", "v3 PAT-m1"]);
    assert_eq!(register.looked_up().read, 0);
}
