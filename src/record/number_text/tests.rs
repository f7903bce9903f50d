use super::*;

fn text(reading: NumberText<'_>, number: &str) -> Result<String, NotRead> {
    reading.read(number).map(|decimal| decimal.to_string())
}

#[test]
fn each_part_of_the_grammar_is_taken_where_a_reading_allows_it() {
    let groups = NumberText::PLAIN.stripping("$,");
    let comma = NumberText::PLAIN.pointed(Point::Comma).stripping(".€");
    let all = groups.with_exponent().with_parentheses();
    for (reading, number, expected) in [
        (NumberText::PLAIN, "\u{a0}- 007.50 ", Ok("-7.50")),
        (NumberText::PLAIN, ".5", Ok("0.5")),
        (NumberText::PLAIN, "5.", Err(NotRead::Invalid)),
        (NumberText::PLAIN, "1e3", Err(NotRead::Invalid)),
        (NumberText::JSON, "1e3", Ok("1000")),
        (NumberText::JSON, "007", Err(NotRead::Invalid)),
        (NumberText::JSON, " 7", Err(NotRead::Invalid)),
        (NumberText::JSON, "+7", Err(NotRead::Invalid)),
        (NumberText::KEY, "+.5e1", Ok("5")),
        (NumberText::SETTING, "1_000.", Ok("1000")),
        (NumberText::SETTING, "1__0", Err(NotRead::Invalid)),
        (NumberText::SETTING, "_1", Err(NotRead::Invalid)),
        (groups, "$1,234,567.89", Ok("1234567.89")),
        (groups, "0,123", Err(NotRead::Invalid)),
        (groups, "0.123", Ok("0.123")),
        (groups, "1,23", Err(NotRead::Invalid)),
        (groups, "1,234.5,6", Err(NotRead::Invalid)),
        (comma, "-1.234,50 €", Ok("-1234.50")),
        (comma, "1,234.50", Err(NotRead::Invalid)),
        (all, "($1.5e3)", Ok("-1500")),
        (all, "1,500e3", Err(NotRead::Invalid)),
        (all, "(-5)", Err(NotRead::Invalid)),
        (NumberText::PLAIN, "(5)", Err(NotRead::Invalid)),
        (NumberText::JSON, "1e-29", Err(NotRead::TooLong)),
        (NumberText::JSON, "0e99999999999999999999", Ok("0")),
        (NumberText::JSON, "1e99999999999999999999", Err(NotRead::TooLong)),
        (NumberText::JSON, "-0.00", Ok("0.00")),
    ] {
        assert_eq!(text(reading, number), expected.map(str::to_owned), "{number}");
    }
}

#[test]
fn only_digits_of_ascii_are_digits() {
    for number in [
        "\u{663}",
        "\u{ff15}",
        "\u{2212}5",
        "1\u{661}",
        "\u{b2}",
        "NaN",
        "inf",
        "0x10",
        "1\0",
    ] {
        for reading in [
            NumberText::PLAIN,
            NumberText::JSON,
            NumberText::CELL,
            NumberText::SETTING,
            NumberText::WRITTEN,
        ] {
            assert_eq!(text(reading, number), Err(NotRead::Invalid), "{number}");
        }
    }
}

#[test]
fn the_number_0_has_one_id() {
    for (number, id) in [
        ("0", Some("0")),
        ("-0", Some("0")),
        ("-7", Some("-7")),
        ("7.0", None),
        ("1E2", None),
    ] {
        assert_eq!(id_of_number(number), id, "{number}");
    }
}

#[test]
fn whole_numbers_fit_64_bits() {
    for (number, expected) in [
        ("9223372036854775807", Ok(i64::MAX)),
        ("- 9223372036854775808", Ok(i64::MIN)),
        ("9223372036854775808", Err(NotRead::TooLong)),
        ("7.0", Err(NotRead::Invalid)),
        ("", Err(NotRead::Invalid)),
    ] {
        assert_eq!(NumberText::PLAIN.whole(number), expected, "{number}");
    }
}
