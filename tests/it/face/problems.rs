use std::error::Error as _;
use std::fs;
use std::path::Path;

use counterfoil::environment::Environment;
use counterfoil::problem::{Problem, Severity};
use counterfoil::project::Project;
use counterfoil::stage::{Lookup, Stage, Stages};
use counterfoil::store::{SqliteFailure, Store, StoreOptions};
use counterfoil::{Error, Problems};

const SLIPS: &str = "[stage]\nsource = 'a_v1'\ntarget = 'a_v2'\nrouding = 'half-up'\n[[op]]\nop = 'renam'\n";
const LINES: &str = "0001_a.toml:4:1: [stage] has no key `rouding` (did you mean `rounding`?)\n\
     0001_a.toml:6:6: there is no operation `renam` (did you mean `rename`?)";

fn in_main(text: &str) -> Result<Stages, Box<dyn std::error::Error>> {
    let stage = Stage::parse("0001_a.toml", text, &Lookup::nothing())?;
    Ok(Stages::new("a", vec![stage])?)
}

fn in_a_library(text: &str) -> counterfoil::Result<Stages> {
    let stage = Stage::parse("0001_a.toml", text, &Lookup::nothing())?;
    Ok(Stages::new("a", vec![stage])?)
}

#[test]
fn a_question_mark_takes_every_problem_at_once_and_shows_each_on_its_line() {
    assert_eq!(in_main(SLIPS).unwrap_err().to_string(), LINES);
    let error = in_a_library(SLIPS).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("stage.invalid", LINES)
    );
    let Error::Stage { problems } = error else {
        panic!("problems of a stage, not {error:?}")
    };
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["stage.unknown_key", "stage.unknown_op"]);
    assert_eq!((&problems).into_iter().count(), problems.len());
    let list: Vec<Problem> = problems.into();
    assert!(list.iter().all(|problem| problem.severity == Severity::Error));
    assert!(
        in_main(
            &SLIPS
                .replace("rouding", "rounding")
                .replace("'renam'", "'remove'\npath = 'x'")
        )
        .is_ok()
    );
}

#[test]
fn there_is_no_list_of_problems_without_one() {
    assert_eq!(Problems::new(Vec::new()), None);
    let problem = Problem::error("mine", None, "it is wrong").help("mend it");
    let problems = Problems::from(problem.clone());
    assert_eq!(
        (problems.to_string().as_str(), &problems[0]),
        ("it is wrong (mend it)", &problem)
    );
    assert_eq!(Error::from(problem).code(), "stage.invalid");
}

#[test]
fn a_project_a_contract_and_a_builder_answer_with_the_same_error() {
    fn project() -> Result<(), Problems> {
        Project::open(Path::new("/nowhere/at/all")).map(drop)
    }
    fn builder() -> Result<(), Problems> {
        Stage::new(0, "Bad Name")
            .source("a")
            .target("b")
            .build()
            .map(drop)
    }
    fn contract() -> Result<(), Problems> {
        let place = counterfoil::problem::Place::at(&"c.json".into(), "{", 0);
        counterfoil::contract::Schema::compile("{", &place).map(drop)
    }
    assert_eq!(project().unwrap_err()[0].code, "project.missing");
    assert_eq!(builder().unwrap_err().len(), 2);
    assert_eq!(contract().unwrap_err()[0].code, "contract.json");
}

#[test]
fn what_sqlite_says_is_a_fact_and_an_opaque_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("poem.db");
    fs::write(&path, "no database, but a poem of many lines\n".repeat(9)).unwrap();
    let error = Store::open(&path, StoreOptions::default(), Environment::default()).unwrap_err();
    assert_eq!(error.code(), "store.damaged");
    let Error::Sqlite { doing, failure, .. } = &error else {
        panic!("an error of SQLite's, not {error:?}")
    };
    assert_eq!((*doing, *failure), ("opened", SqliteFailure::NotADatabase));
    assert!(
        error
            .to_string()
            .ends_with(&error.source().expect("SQLite's own").to_string())
    );
}

#[test]
fn no_example_turns_problems_into_text_itself() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains("problem::Problem") && !text.contains("fn lines"),
            "{}",
            path.display()
        );
        seen += 1;
    }
    assert!(seen >= 5);
}
