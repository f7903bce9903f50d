//! The functions of the reference, value by value: what they give, and where ours give something else on purpose.

use serde_json::{Value as Json, json};

use super::{project, record};
use crate::support::world::Scene;

/// What the register has of a record of hospital A with this field; `None` where it is refused.
fn of_field(field: &str, value: &Json) -> (Scene, Option<Json>) {
    let scene = project();
    let mut line = json!({ "patient_id": "1", "medical_record_number": "M" });
    line[field] = value.clone();
    scene.load("hospital_a", &[line.to_string()], &[]);
    let said = scene.run(&["apply", "--max-errors", "1"]);
    let found = match said.code {
        0 => Some(record(&scene, "A:1")),
        3 => None,
        _ => panic!("{said:?}"),
    };
    (scene, found)
}

fn at(field: &str, value: &Json, pointer: &str) -> Option<Json> {
    let (_, found) = of_field(field, value);
    found.map(|found| found.pointer(pointer).expect("every field has its place").clone())
}

#[test]
fn sexes_are_standardized() {
    for (written, gender) in [
        (json!("M"), "male"),
        (json!("male"), "male"),
        (json!(" Female "), "female"),
        (json!("f"), "female"),
        (json!(""), "unknown"),
        (json!(null), "unknown"),
        (json!("U"), "unknown"),
        (json!("X"), "other"),
        (json!("nonbinary"), "other"),
    ] {
        let found = at("sex", &written, "/demographics/gender");
        assert_eq!(found, Some(json!(gender)), "{written}");
    }
}

#[test]
fn dates_are_read_in_the_declared_formats_or_refused() {
    for (written, day) in [
        (json!("1980-03-04"), Some(json!("1980-03-04"))),
        (json!("03/04/1980"), Some(json!("1980-03-04"))),
        (json!("04-03-1980"), Some(json!("1980-03-04"))),
        (json!("02/29/2000"), Some(json!("2000-02-29"))),
        (json!(""), Some(json!(null))),
        (json!(null), Some(json!(null))),
        (json!("02/29/1900"), None),
        (json!("13/01/1980"), None),
        (json!("4 March 1980"), None),
    ] {
        assert_eq!(at("birth_date", &written, "/demographics/dob"), day, "{written}");
    }
}

#[test]
fn lists_are_split_at_commas_and_empty_parts_are_dropped() {
    for (written, list) in [
        (json!("Penicillin, Latex"), json!(["Penicillin", "Latex"])),
        (json!(" Penicillin ,, Latex,"), json!(["Penicillin", "Latex"])),
        (json!(""), json!([])),
        (json!(" , "), json!([])),
        (json!(null), json!([])),
    ] {
        assert_eq!(
            at("allergies", &written, "/medical/allergies"),
            Some(list),
            "{written}"
        );
    }
}

#[test]
fn medications_are_cut_from_the_right() {
    for (written, name, dosage, frequency) in [
        ("Metformin-500mg-BID", "Metformin", "500mg", "BID"),
        (
            "Metformin - 500 mg - twice daily",
            "Metformin",
            "500 mg",
            "twice daily",
        ),
        ("Co-trimoxazole-480mg-BID", "Co-trimoxazole", "480mg", "BID"),
        (
            "Co-trimoxazole - 480 mg - once-daily",
            "Co-trimoxazole",
            "480 mg",
            "once-daily",
        ),
        ("Co-trimoxazole-480mg", "Co-trimoxazole", "480mg", ""),
        ("Co-trimoxazole", "Co-trimoxazole", "", ""),
        ("Aspirin-81mg", "Aspirin", "81mg", ""),
        ("Omega-3-1g-BID", "Omega-3", "1g", "BID"),
        ("Salbutamol-inhaler-PRN", "Salbutamol", "inhaler", "PRN"),
        ("Ibuprofen", "Ibuprofen", "", ""),
    ] {
        let expected = json!([{ "name": name, "dosage": dosage, "frequency": frequency }]);
        let found = at("current_meds", &json!(written), "/medical/medications");
        assert_eq!(found, Some(expected), "{written}");
    }
    let two = json!("Aspirin-81mg-daily, ,Ibuprofen");
    let found = at("current_meds", &two, "/medical/medications").expect("written");
    assert_eq!(found.as_array().map(Vec::len), Some(2));
}

#[test]
fn the_digits_of_the_ssn_make_the_id_and_what_is_none_makes_a_temporary_one() {
    let id = |ssn: &Json| at("ssn", ssn, "/patient_id");
    let known = id(&json!("123-45-6789"));
    assert_eq!(known, Some(json!("PAT-4A7D24184CF8")));
    for same in ["123456789", " 123 45 6789 "] {
        assert_eq!(id(&json!(same)), known, "{same}");
    }
    let temporary = id(&json!(null));
    assert_eq!(temporary, Some(json!("TMP-7C8E5762F98C")));
    for none in [
        "",
        "n/a",
        "000-12-3456",
        "666-12-3456",
        "999-99-9999",
        "123-00-6789",
        "123-45-0000",
    ] {
        assert_eq!(id(&json!(none)), temporary, "{none}");
        let flag = at("ssn", &json!(none), "/temporary_id");
        assert_eq!(flag, Some(json!(true)), "{none}");
    }
    for mistake in ["12345678", "1234567890", "123-45-678X"] {
        assert_eq!(id(&json!(mistake)), None, "{mistake}");
    }
}

#[test]
fn the_unkeyed_id_of_the_reference_is_what_the_readme_says() {
    let scene = project();
    let readme = std::fs::read_to_string(scene.path("README.md")).expect("a README");
    let mut blocks = readme
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next());
    let (Some(Some(op)), Some(Some(field))) = (blocks.next(), blocks.next()) else {
        panic!("the README has an operation and a field");
    };
    let name = "0001_hospital_a.toml";
    let stage = std::fs::read_to_string(scene.path(name)).expect("a stage");
    let keyed = stage
        .lines()
        .find(|line| line.starts_with("patient_id = "))
        .expect("the id");
    let stage = stage
        .replace(keyed, field)
        .replace("[into]\n", &format!("{op}\n[into]\n"));
    // The examples of the stage are those of the keyed id.
    let stage = stage.split("[[example]]").next().expect("a stage");
    scene.write(name, stage);
    scene.load(
        "hospital_a",
        &[
            r#"{"patient_id":"1","medical_record_number":"M","ssn":"123-45-6789"}"#,
            r#"{"patient_id":"2","medical_record_number":"N"}"#,
        ],
        &[],
    );
    scene.exits_sound(&["apply"], 0);
    assert_eq!(record(&scene, "A:1")["patient_id"], "PAT-01A54629EFB9");
    let temporary = record(&scene, "A:2")["patient_id"].to_string();
    assert!(temporary.starts_with("\"TMP-"), "{temporary}");
}
