//! What is measured: each case is a series of steps on one fresh copy of the prepared store.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::input::{Format, Options, Reader};
use counterfoil::observe::Silent;
use counterfoil::rollback::{RollbackOptions, rollback};
use counterfoil::stage::{Lookup, Stage, Stages};
use counterfoil::verify::{VerifyOptions, verify};

use crate::base::{floor, load_lines, open};
use crate::closure::transform;
use crate::orders::Ids;

type Done = Result<(), Box<dyn Error>>;

/// One thing to measure: its steps run one after the other on the same store.
pub(crate) struct Case {
    /// Chosen by this with `--only`.
    pub(crate) name: &'static str,
    /// The steps.
    pub(crate) steps: Vec<Step>,
}

/// One measured step of a case.
pub(crate) struct Step {
    /// What the table calls it.
    pub(crate) name: &'static str,
    /// Whether it is compared with the first step of its case too, as a rollback is with its apply.
    pub(crate) beside_first: bool,
    /// Does it.
    pub(crate) run: fn(&Work) -> Done,
}

/// What a step works on.
pub(crate) struct Work {
    /// The store: a copy with `orders_v1` filled and nothing else.
    pub(crate) store: PathBuf,
    /// The same orders as NDJSON.
    pub(crate) lines: PathBuf,
    /// How many there are.
    pub(crate) records: usize,
}

fn step(name: &'static str, run: fn(&Work) -> Done) -> Step {
    Step {
        name,
        beside_first: false,
        run,
    }
}

fn beside(name: &'static str, run: fn(&Work) -> Done) -> Step {
    Step {
        name,
        beside_first: true,
        run,
    }
}

fn case(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case {
        name,
        steps: steps.into_iter().collect(),
    }
}

/// The cases in the order they run; the first one is the floor, to which all others are compared.
///
/// The shop's contract knows its own form of ids alone, so that its case is left out where ids are random.
pub(crate) fn cases(ids: Ids, with_python: bool) -> Vec<Case> {
    let mut cases = vec![
        case(
            "floor",
            [step("B0: one INSERT SELECT", |work| {
                expect(floor(&work.store, None)?, work.records)
            })],
        ),
        case(
            "commits",
            [step("B0, a commit per 5,000", |work| {
                expect(floor(&work.store, Some(5_000))?, work.records)
            })],
        ),
        case("door", [step("door: read and check NDJSON", door)]),
        case(
            "load",
            [step("load from NDJSON", |work| {
                std::fs::remove_file(&work.store)?;
                let written = load_lines(&work.store, &work.lines)?;
                expect(usize::try_from(written)?, work.records)
            })],
        ),
        case(
            "closure",
            [
                step("a Rust function", |work| applied(work, closure()?)),
                beside("  verify after it", verified),
                beside("  rollback of it", rolled_back),
            ],
        ),
        case(
            "native",
            [
                step("native ops", |work| applied(work, native(false)?)),
                beside("  verify after them", verified),
                beside("  rollback of them", rolled_back),
            ],
        ),
        case(
            "schema",
            [step("native ops and JSON Schema", |work| {
                applied(work, native(true)?)
            })],
        ),
        case(
            "shop",
            [
                step("the shop stage", |work| applied(work, shop()?)),
                beside("  verify after it", verified),
                beside("  rollback of it", rolled_back),
            ],
        ),
        case(
            "in_place",
            [
                step("in place", |work| {
                    applied(work, from_file("0001_in_place.toml", IN_PLACE)?)
                }),
                beside("  verify after it", verified),
                beside("  rollback of it", rolled_back),
            ],
        ),
    ];
    cases.retain(|case| case.name != "shop" || ids != Ids::Random);
    if with_python {
        cases.push(case("python", [step("plain Python, unaudited", python)]));
    }
    cases
}

const NATIVE: &str = include_str!("stages/0001_native.toml");
const IN_PLACE: &str = include_str!("stages/0001_in_place.toml");

fn closure() -> Result<Stage, Box<dyn Error>> {
    let stage = Stage::new(1, "closure")
        .source("orders_v1")
        .target("orders_v2")
        .transform(|record, _context| transform(record))
        .keeps_ids()
        .build();
    stage.map_err(|problems| format!("{problems:#?}").into())
}

fn native(with_schema: bool) -> Result<Stage, Box<dyn Error>> {
    let contract = "\n[contract]\ntarget = \"native_order.schema.json\"\n";
    let text = format!("{NATIVE}{}", if with_schema { contract } else { "" });
    from_file("0001_native.toml", &text)
}

/// The shipped project's stage, with its expressions and both contracts.
fn shop() -> Result<Stage, Box<dyn Error>> {
    let text = std::fs::read_to_string(folder("migrations/shop").join("0001_nest_orders.toml"))?;
    parsed("0001_nest_orders.toml", &text, "migrations/shop")
}

fn from_file(name: &str, text: &str) -> Result<Stage, Box<dyn Error>> {
    parsed(name, text, "benches/stages")
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn parsed(name: &str, text: &str, beside: &str) -> Result<Stage, Box<dyn Error>> {
    let lookup = Lookup::folder(folder(beside));
    Stage::parse(name, text, &lookup).map_err(|problems| format!("{problems:#?}").into())
}

const PROJECT: &str = "bench";

fn applied(work: &Work, stage: Stage) -> Done {
    let stages = Stages::new(PROJECT, vec![stage]).map_err(|problems| format!("{problems:?}"))?;
    let report = apply(
        &mut open(&work.store)?,
        &stages,
        &ApplyOptions::default(),
        &mut Silent,
    )?;
    let written = report.passes.iter().map(|pass| pass.counts.written).sum::<u64>();
    expect(usize::try_from(written)?, work.records)
}

fn rolled_back(work: &Work) -> Done {
    let options = RollbackOptions::default();
    let report = rollback(&mut open(&work.store)?, PROJECT, &options, &mut Silent)?;
    expect(usize::try_from(report.counts.written)?, work.records)
}

fn verified(work: &Work) -> Done {
    let report = verify(&open(&work.store)?, &VerifyOptions::default())?;
    if report.is_sound() {
        return Ok(());
    }
    Err(format!("{:?}", report.findings).into())
}

/// The part of `load` before the store.
fn door(work: &Work) -> Done {
    let options = Options::new(Format::Lines).id_field("order_id");
    let mut accepted = 0;
    for incoming in Reader::new(File::open(&work.lines)?, options)? {
        accepted += usize::from(incoming?.body.is_ok());
    }
    expect(accepted, work.records)
}

fn python(work: &Work) -> Done {
    let script = folder("benches/plain_python.py");
    let output = Command::new("python3").arg(script).arg(&work.store).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(())
}

fn expect(found: usize, expected: usize) -> Done {
    if found == expected {
        return Ok(());
    }
    Err(format!("{found} records instead of {expected}").into())
}
