use super::{BatchId, PassId, RecordNumber, RunId};

#[test]
fn a_number_is_shown_and_written_as_the_bare_number() {
    assert_eq!(RunId::new(12).to_string(), "12");
    assert_eq!(
        format!("{:>5}|{:<3}|", PassId::new(7), BatchId::new(-1)),
        "    7|-1 |"
    );
    assert_eq!(
        serde_json::to_string(&[RecordNumber::MAX]).unwrap(),
        "[9223372036854775807]"
    );
    assert_eq!(serde_json::to_string(&Some(BatchId::new(3))).unwrap(), "3");
    assert_eq!(
        serde_json::from_str::<Vec<RunId>>("[1,2]").unwrap(),
        [RunId::new(1), RunId::new(2)]
    );
    assert!(serde_json::from_str::<RunId>("\"1\"").is_err());
}

#[test]
fn a_number_is_read_from_an_argument_and_says_what_it_is_when_it_cannot_be() {
    assert_eq!("42".parse(), Ok(RecordNumber::new(42)));
    for (text, why) in [
        ("", "cannot parse integer from empty string"),
        ("1.5", "invalid digit found in string"),
        ("r2", "invalid digit found in string"),
        ("9223372036854775808", "number too large to fit in target type"),
    ] {
        let error = text.parse::<RunId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("a run's number is a whole number, as in `12`: {why}")
        );
    }
    assert!(
        "x".parse::<BatchId>()
            .unwrap_err()
            .to_string()
            .starts_with("a batch's number")
    );
}

#[test]
fn numbers_are_counted_and_ordered_without_overflow() {
    assert_eq!(BatchId::BEFORE_FIRST.next(), 1);
    assert_eq!(BatchId::new(1).previous(), BatchId::BEFORE_FIRST);
    assert_eq!(PassId::MAX.next(), PassId::MAX);
    assert_eq!(PassId::new(i64::MIN).previous().get(), i64::MIN);
    assert!(RecordNumber::new(9) < RecordNumber::new(10));
}
