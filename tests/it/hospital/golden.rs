//! The functions of the reference, value by value: what they give, and where ours give something else on purpose.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{project, record, register};

/// What the register has at a place for each value of a field of hospital A; `None` where the record is refused.
fn at(field: &str, values: &[Json], pointer: &str) -> Vec<Option<Json>> {
    let scene = project();
    let lines = values.iter().enumerate().map(|(number, value)| {
        let number = number.to_string();
        let mut line = json!({ "patient_id": number, "medical_record_number": number });
        line[field] = value.clone();
        line.to_string()
    });
    scene.load("hospital_a", &lines.collect::<Vec<_>>(), &[]);
    let said = scene.run(&["apply", "--max-errors", "100"]);
    assert!(said.code == 0 || said.code == 3, "{said:?}");
    let written = register(&scene).into_iter().collect::<BTreeMap<_, _>>();
    let found = |number: usize| {
        let data = written.get(&format!("A:{number}"))?;
        let record: Json = serde_json::from_str(data).expect("JSON");
        Some(
            record
                .pointer(pointer)
                .expect("every field has its place")
                .clone(),
        )
    };
    (0..values.len()).map(found).collect()
}

/// Each value of a field becomes what stands beside it.
#[track_caller]
fn becomes(field: &str, pointer: &str, pairs: &[(Json, Option<Json>)]) {
    let (values, expected): (Vec<Json>, Vec<Option<Json>>) = pairs.iter().cloned().unzip();
    for ((value, expected), found) in values.iter().zip(expected).zip(at(field, &values, pointer)) {
        assert_eq!(found, expected, "{field} {value}");
    }
}

#[test]
fn sexes_are_standardized() {
    let pairs = [
        (json!("M"), "male"),
        (json!("male"), "male"),
        (json!(" Female "), "female"),
        (json!("f"), "female"),
        (json!(""), "unknown"),
        (json!(null), "unknown"),
        (json!("U"), "unknown"),
        (json!("X"), "other"),
        (json!("nonbinary"), "other"),
    ];
    let pairs = pairs.map(|(written, gender)| (written, Some(json!(gender))));
    becomes("sex", "/demographics/gender", &pairs);
}

#[test]
fn dates_are_read_in_the_declared_formats_or_refused() {
    let day = Some(json!("1980-03-04"));
    let pairs = [
        (json!("1980-03-04"), day.clone()),
        (json!("03/04/1980"), day.clone()),
        (json!("04-03-1980"), day),
        (json!("02/29/2000"), Some(json!("2000-02-29"))),
        (json!(""), Some(json!(null))),
        (json!("  "), Some(json!(null))),
        (json!(null), Some(json!(null))),
        (json!("02/29/1900"), None),
        (json!("13/01/1980"), None),
        (json!("4 March 1980"), None),
    ];
    becomes("birth_date", "/demographics/dob", &pairs);
}

#[test]
fn lists_are_split_at_commas_and_empty_parts_are_dropped() {
    let pairs = [
        (json!("Penicillin, Latex"), json!(["Penicillin", "Latex"])),
        (json!(" Penicillin ,, Latex,"), json!(["Penicillin", "Latex"])),
        (json!(""), json!([])),
        (json!(" , "), json!([])),
        (json!(null), json!([])),
    ];
    let pairs = pairs.map(|(written, list)| (written, Some(list)));
    becomes("allergies", "/medical/allergies", &pairs);
    becomes("diagnoses", "/medical/conditions", &pairs);
}

#[test]
fn medications_are_cut_from_the_right() {
    let pairs = [
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
    ];
    let mut pairs = pairs
        .map(|(written, name, dosage, frequency)| {
            let list = json!([{ "name": name, "dosage": dosage, "frequency": frequency }]);
            (json!(written), Some(list))
        })
        .to_vec();
    let aspirin = json!({ "name": "Aspirin", "dosage": "81mg", "frequency": "daily" });
    let ibuprofen = json!({ "name": "Ibuprofen", "dosage": "", "frequency": "" });
    pairs.push((
        json!("Aspirin-81mg-daily, ,Ibuprofen"),
        Some(json!([aspirin, ibuprofen])),
    ));
    becomes("current_meds", "/medical/medications", &pairs);
}

#[test]
fn the_digits_of_the_ssn_make_the_id_and_what_is_none_makes_a_temporary_one() {
    let known = ["123-45-6789", "123456789", " 123 45 6789 "];
    let none = [
        "",
        "n/a",
        "000-12-3456",
        "666-12-3456",
        "999-99-9999",
        "123-00-6789",
        "123-45-0000",
    ];
    let mistakes = ["12345678", "1234567890", "123-45-678X"];
    let values: Vec<Json> = [&known[..], &none, &mistakes]
        .concat()
        .iter()
        .map(|ssn| json!(ssn))
        .collect();
    let ids = at("ssn", &values, "/patient_id");
    let flags = at("ssn", &values, "/temporary_id");
    let text = |at: usize| ids[at].as_ref().and_then(Json::as_str);
    let (known, none) = (0..known.len(), known.len()..known.len() + none.len());
    for at in known {
        assert_eq!(
            (text(at), &flags[at]),
            (Some("PAT-4A7D24184CF8"), &Some(json!(false))),
            "{}",
            values[at]
        );
    }
    let mut seen = BTreeMap::new();
    for at in none.clone() {
        let id = text(at).expect("an id");
        assert!(
            id.starts_with("TMP-") && flags[at] == Some(json!(true)),
            "{}: {id}",
            values[at]
        );
        assert_eq!(seen.insert(id, at), None, "each patient has an id of its own");
    }
    for at in none.end..values.len() {
        assert_eq!(ids[at], None, "{}", values[at]);
    }
    // The HMAC of `Hospital_A/0` under the key that the project brings, as other programs compute it.
    assert_eq!(
        at("ssn", &[json!(null)], "/patient_id"),
        [Some(json!("TMP-0BC501CCD693"))]
    );
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
