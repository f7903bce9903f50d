use std::path::Path;

use counterfoil::include_stages;
use counterfoil::project::{EmbeddedFile, EmbeddedProject, Project};
use counterfoil::stage::Stage;

static BANK: EmbeddedProject = include_stages!("../../../migrations/bank":
    "counterfoil.toml",
    "0001_name_fields.toml",
    "0002_enrich.toml",
    "0003_compliance.toml",
    "legacy.schema.json",
    "transaction_v2.schema.json",
    "transaction_v3.schema.json",
);

#[test]
fn the_stages_in_the_program_are_those_of_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/bank");
    let project = Project::open(&folder).unwrap();
    let stages = BANK.stages().unwrap();
    assert_eq!(stages.project(), project.name());
    assert_eq!(&BANK.settings().unwrap(), project.settings());
    let identity = |stage: &Stage| {
        (
            stage.number(),
            stage.slug().to_owned(),
            stage.meaning_sha256(),
            stage.text_sha256(),
        )
    };
    let embedded: Vec<_> = stages.iter().map(identity).collect();
    assert_eq!(
        embedded,
        project.stages().iter().map(identity).collect::<Vec<_>>()
    );
    assert_eq!(embedded.len(), 3);
}

#[test]
fn a_file_that_a_stage_names_and_the_program_lacks_is_said_with_its_place() {
    static SHOP: EmbeddedProject =
        include_stages!("../../../migrations/shop": "counterfoil.toml", "0001_nest_orders.toml");
    let problems = SHOP.stages().unwrap_err();
    assert!(
        problems.iter().all(|problem| problem.code == "stage.no_file"),
        "{problems}"
    );
    let text = problems.to_string();
    assert!(text.starts_with("0001_nest_orders.toml:"), "{text}");
    for name in ["order_v1.schema.json", "order_v2.schema.json"] {
        assert!(text.contains(&format!("there is no file `{name}`")), "{text}");
    }
    assert!(
        text.ends_with("(add it to the files that `include_stages!` lists)"),
        "{text}"
    );
}

#[test]
fn settings_that_are_missing_and_files_listed_twice_are_problems() {
    const STAGE: EmbeddedFile = EmbeddedFile {
        name: "0001_a.toml",
        text: "[stage]\nsource = 'a'\ntarget = 'b'\n[[op]]\nop = 'remove'\npath = 'x'\n",
    };
    static NO_NAME: EmbeddedProject = EmbeddedProject::new(&[STAGE, STAGE]);
    let problems = NO_NAME.stages().unwrap_err();
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["project.missing", "project.duplicate_file"]);
}
