use counterfoil::environment::Environment;
use counterfoil::record::Value;
use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};
use counterfoil::{Decimal, serde_json};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::in_memory;

const FORTY_DIGITS: &str = "1234567890123456789012345678901234567890";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Payment {
    id: String,
    as_text: Decimal,
    #[serde(with = "counterfoil::rust_decimal::serde::arbitrary_precision")]
    as_number: Decimal,
    long: serde_json::Number,
}

fn payment(id: &str) -> Payment {
    Payment {
        id: id.to_owned(),
        as_text: Decimal::new(1_010, 2),
        as_number: Decimal::new(600, 2),
        long: FORTY_DIGITS.parse().unwrap(),
    }
}

#[test]
fn numbers_go_in_and_come_out_with_every_digit() {
    let mut store = in_memory();
    let record = store.insert("payments", &payment("p-1")).unwrap();
    let expected = format!(r#"{{"id":"p-1","as_text":"10.10","as_number":6.00,"long":{FORTY_DIGITS}}}"#);
    assert_eq!(
        (record.id.as_str(), record.data.as_str()),
        ("p-1", expected.as_str())
    );
    let back: Payment = store.get_as("payments", "p-1").unwrap().unwrap();
    assert_eq!(back, payment("p-1"));
    assert_eq!(back.as_number.to_string(), "6.00");
    assert_eq!(record.read_as::<Payment>().unwrap(), back);
    let json: serde_json::Value = store.get_as("payments", "p-1").unwrap().unwrap();
    assert_eq!(json["long"].to_string(), FORTY_DIGITS);
    assert_eq!(store.get_as::<Payment>("payments", "p-2").unwrap(), None);
}

#[test]
fn a_decimal_is_read_from_a_number_that_somebody_else_has_written() {
    let mut store = in_memory();
    let mut payments = store.database("payments").unwrap();
    payments
        .insert(
            "p-1",
            r#"{"id":"p-1","as_text":10.10,"as_number":"6.00","long":1e400}"#,
        )
        .unwrap();
    let payment: Payment = store.get_as("payments", "p-1").unwrap().unwrap();
    assert_eq!(
        (payment.as_text.to_string(), payment.as_number.to_string()),
        ("10.10".into(), "6.00".into())
    );
    // `serde_json` writes the sign of an exponent; the number is the same.
    assert_eq!(payment.long.to_string(), "1e+400");
}

#[test]
fn a_thousand_records_are_one_run_and_one_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.db");
    let mut store = Store::open_or_create(&path, StoreOptions::default(), Environment::default()).unwrap();
    let values = (1..=1_000).map(|number| json!({ "id": number, "n": number }));
    let report = store.insert_all("numbers", values).unwrap();
    let texts = (1..=1_000).map(|number| (format!("t{number}"), "{}"));
    let texts = store.database("numbers").unwrap().insert_all(texts).unwrap();
    assert_eq!((report.counts.written, texts.counts.written), (1_000, 1_000));
    assert_eq!(store.count("numbers").unwrap(), 2_000);
    assert_eq!(
        store.get("numbers", "7").unwrap().unwrap().data,
        r#"{"id":7,"n":7}"#
    );
    assert!(verify(&store, &VerifyOptions::default()).unwrap().is_sound());
    drop(store);
    let look = Connection::open(&path).unwrap();
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        look.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    // `init`, and one for each call.
    assert_eq!((count("ledger_run"), count("ledger_batch")), (3, 3));
}

#[test]
fn what_is_more_than_a_batch_is_several_and_those_before_a_failure_stand() {
    let options = StoreOptions::default().batch_size(10);
    let mut store = Store::in_memory(options, Environment::default()).unwrap();
    let same_twice = (1..=40).map(|number| json!({ "id": if number == 25 { 1 } else { number } }));
    let error = store.insert_all("numbers", same_twice).unwrap_err();
    assert_eq!(error.to_string(), "`numbers` already has a record `1`");
    assert_eq!(store.count("numbers").unwrap(), 20);
    let report = store
        .insert_all("numbers", (21..=60).map(|number| json!({ "id": number })))
        .unwrap();
    assert_eq!((report.counts.written, store.count("numbers").unwrap()), (40, 60));
    let nothing = store
        .insert_all("numbers", Vec::<serde_json::Value>::new())
        .unwrap();
    assert_eq!((nothing.run, nothing.counts.read), (None, 0));
    assert!(verify(&store, &VerifyOptions::default()).unwrap().is_sound());
}

#[test]
fn put_writes_over_and_insert_does_not() {
    let mut store = in_memory();
    let first = store.insert("orders", &json!({ "id": 7, "total": 1 })).unwrap();
    assert!(store.insert("orders", &json!({ "id": "7", "total": 2 })).is_err());
    let second = store.put("orders", &json!({ "id": 7, "total": 3 })).unwrap();
    assert_eq!(
        (second.number, second.data.as_str()),
        (first.number, r#"{"id":7,"total":3}"#)
    );
}

#[test]
fn what_is_no_record_is_refused_and_no_value_is_shown() {
    let mut store = in_memory();
    for (value, why) in [
        (json!({ "total": 1 }), "id.missing"),
        (json!({ "id": null }), "id.null"),
        (json!({ "id": "" }), "id.empty"),
        (json!("secret"), "not an object"),
    ] {
        let error = store.insert("orders", &value).unwrap_err();
        let text = error.to_string();
        assert!(
            error.code() == "invalid" && text.starts_with("a `serde_json::value::Value` cannot be a record"),
            "{text}"
        );
        assert!(!text.contains("secret"), "{why}: {text}");
    }
    assert!(!store.has_database("orders").unwrap());

    store
        .database("orders")
        .unwrap()
        .insert("1", r#"{"id":"1","as_text":"secret"}"#)
        .unwrap();
    let text = store.get_as::<Payment>("orders", "1").unwrap_err().to_string();
    assert!(text.contains("Payment") && !text.contains("secret"), "{text}");
    store
        .database("orders")
        .unwrap()
        .insert("2", r#"{"id":"2"}"#)
        .unwrap();
    let text = store.get_as::<Payment>("orders", "2").unwrap_err().to_string();
    assert!(text.ends_with("missing field `as_text`"), "{text}");
}

#[test]
fn a_value_gives_its_exact_decimal_or_none() {
    let decimal = |json: &str| {
        Value::parse(json)
            .unwrap()
            .as_decimal()
            .map(|decimal| decimal.to_string())
    };
    assert_eq!(decimal("6.00").as_deref(), Some("6.00"));
    assert_eq!(decimal("1E2").as_deref(), Some("100"));
    assert_eq!(decimal("-0.5").as_deref(), Some("-0.5"));
    for none in [FORTY_DIGITS, "1e400", r#""6.00""#, "null", "[1]", "{}"] {
        assert_eq!(decimal(none), None, "{none}");
    }
}
