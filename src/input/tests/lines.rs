use super::*;

#[test]
fn one_bad_line_costs_only_itself() {
    let input = b"\xef\xbb\xbf{\"id\":\"a\"}\r\n\n  \r\n{\"id\": \xff}\n{\"id\":\"\0\"}\n[1]\n{\"id\":\"b\", \"x\" : 1.50 }\n\
        {\"id\":\"\\ud800\"}\n{\"id\":1,\"id\":1}\n\xef\xbb\xbf{\"id\":2}\n{\"id\":-7}";
    let expected = [
        (1, "a {\"id\":\"a\"}"),
        (4, "json.utf8"),
        (5, "json.syntax"),
        (6, "record.not_object"),
        (7, "b {\"id\":\"b\",\"x\":1.50}"),
        (8, "json.escape"),
        (9, "json.duplicate_key"),
        (10, "json.syntax"),
        (11, "-7 {\"id\":-7}"),
    ];
    assert_eq!(read(Format::Lines, input), lines_of(&expected));
}

#[test]
fn every_fault_of_an_id_has_its_code() {
    for (id, code) in [
        ("", "id.missing"),
        ("\"id\":null", "id.null"),
        ("\"id\":true", "id.type"),
        ("\"id\":[]", "id.type"),
        ("\"id\":1.0", "id.type"),
        ("\"id\":1e3", "id.type"),
        ("\"id\":\"\"", "id.empty"),
        ("\"id\":\"a\\u0000\"", "id.nul"),
        (&format!("\"id\":\"{}\"", "x".repeat(1025)), "id.size"),
        ("\"id\":-0", "0 {\"id\":-0}"),
        ("\"id\":\"-0\"", "-0 {\"id\":\"-0\"}"),
        (
            "\"id\":9007199254740993",
            "9007199254740993 {\"id\":9007199254740993}",
        ),
    ] {
        assert_eq!(
            read(Format::Lines, format!("{{{id}}}").as_bytes()),
            lines_of(&[(1, code)])
        );
    }
}

#[test]
fn a_line_that_is_too_long_is_rejected_without_being_held() {
    let limits = Limits {
        bytes: 100_000,
        depth: 128,
    };
    let options = Options {
        limits,
        ..Options::new(Format::Lines)
    };
    let longest = format!("{{\"id\":\"a\",\"x\":\"{}\"}}", "x".repeat(100_000 - 17));
    let overlong = "y".repeat(300_000);
    let input = format!("{longest}\r\n{overlong}\n{longest}z\n{{\"id\":\"b\"}}\n");
    let bodies: Vec<_> = Reader::new(input.as_bytes(), options)
        .unwrap()
        .map(|incoming| incoming.unwrap().body)
        .collect();
    assert_eq!(bodies[0].as_ref().unwrap().data, longest);
    for (body, line) in [(&bodies[1], overlong), (&bodies[2], format!("{longest}z"))] {
        let rejected = body.as_ref().unwrap_err();
        let hash = crate::digest::hex(&crate::digest::sha256(&[line.as_bytes()]));
        let expected = rejected.refusal.violations[0].expected.clone().unwrap();
        assert_eq!(
            expected,
            format!("at most 100000 bytes, not {} (SHA-256 {hash})", line.len())
        );
        assert_eq!(*rejected.raw, line.as_bytes()[..64 * 1024]);
    }
    assert_eq!(bodies[3].as_ref().unwrap().id, "b");
}

#[test]
fn a_record_as_deep_as_the_sea_is_only_rejected() {
    let deep = "[".repeat(100_000);
    let closed = deep.clone() + "]".repeat(100_000).as_str();
    let input = format!("{deep}\n{{\"id\":1,\"x\":{closed}}}\n{{\"id\":2}}");
    let expected = [(1, "json.syntax"), (2, "json.depth"), (3, "2 {\"id\":2}")];
    assert_eq!(read(Format::Lines, input.as_bytes()), lines_of(&expected));
}
