//! The five stages that the random sequences go through, as plain functions that the store's stages and the model
//! share: what a stage makes of a record is not what is tested here, but where it goes and how it comes back.

use counterfoil::record::Record;
use counterfoil::refusal::Refusal;
use counterfoil::stage::{OnConflict, Outcome, Output, Stage, Stages};

pub(super) const PROJECT: &str = "random";

/// What a stage makes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Write(String, String),
    Derive(Vec<(String, String)>),
    Filter,
    Refuse,
}

/// The databases that a stage reads and writes.
pub(super) fn databases(stage: u32) -> (&'static str, &'static str) {
    match stage {
        1 => ("a1", "b"),
        2 => ("a2", "b"),
        3 | 4 => ("b", "b"),
        _ => ("b", "c"),
    }
}

pub(super) const STAGES: [u32; 5] = [1, 2, 3, 4, 5];

/// The data of a record: a number that decides its fate, and the stages it went through.
pub(super) fn data(id: &str, n: i64, marks: &str) -> String {
    format!(r#"{{"id":"{id}","n":{n},"marks":"{marks}"}}"#)
}

/// A stage's function; `version` is the revision of stage 1.
pub(super) fn make(stage: u32, version: i64, id: &str, old: &str) -> Made {
    let parsed: serde_json::Value = serde_json::from_str(old).expect("stored data is JSON");
    let n: i64 = parsed["n"].to_string().parse().expect("n is a whole number");
    let marks = parsed["marks"].as_str().expect("marks is a text");
    let marked = |id: &str| Made::Write(id.to_owned(), data(id, n, &format!("{marks}{stage}")));
    match stage {
        1 if (n + version) % 7 == 3 => Made::Refuse,
        2 if n % 7 == 3 => Made::Refuse,
        3 if n % 5 == 2 => Made::Refuse,
        4 if n % 11 == 6 => Made::Refuse,
        1 if n % 7 == 5 => Made::Filter,
        3 if n % 5 == 4 => Made::Filter,
        4 if n % 6 == 5 => Made::Filter,
        // The next id: where that record has moved on already, a chain of ids shifts by one.
        3 if n % 3 == 1 => marked(&next_id(id)),
        1..=4 => marked(id),
        _ if n % 4 == 3 => Made::Refuse,
        _ => {
            let parts =
                (0..n % 4).map(|part| (format!("{id}-{part}"), data(id, n, &format!("{marks}5.{part}"))));
            Made::Derive(parts.collect())
        }
    }
}

fn next_id(id: &str) -> String {
    let number: u32 = id[1..].parse().expect("ids are a letter and a number");
    format!("k{}", number.saturating_sub(1))
}

/// The same as stages of the store.
pub(super) fn stages(version: i64, on_conflict: OnConflict) -> Stages {
    let stage = |number: u32| {
        let (source, target) = databases(number);
        let mut stage = Stage::new(number, &format!("stage_{number}")).source(source);
        if source != target {
            stage = stage.target(target);
        }
        if number == 2 {
            stage = stage.on_conflict(on_conflict);
        }
        let stage = stage
            .transform(move |record, _| outcome(make(number, version, &record.id, &record.data), record))
            .version(if number == 1 {
                u32::try_from(version).unwrap() + 1
            } else {
                1
            });
        let stage = if number < 3 { stage.keeps_ids() } else { stage };
        stage.build().expect("the stages are right")
    };
    Stages::new(PROJECT, STAGES.into_iter().map(stage).collect()).expect("the numbers differ")
}

fn outcome(made: Made, _: &Record) -> Result<Outcome, Refusal> {
    let output = |(id, data)| Output { id, data };
    match made {
        Made::Write(id, data) => Ok(Outcome::Write(output((id, data)))),
        Made::Derive(parts) => Ok(Outcome::Derive(parts.into_iter().map(output).collect())),
        Made::Filter => Ok(Outcome::filter("left.out")),
        Made::Refuse => Err(Refusal::new("stage.refused", "/n")),
    }
}
