use super::*;

#[test]
fn elements_are_read_one_by_one_with_the_line_they_begin_on() {
    let input = b"\xef\xbb\xbf \n[ {\"id\":\"a,]}\\\"\",\n \"x\":[1,{}]},\n\n{\"id\":2},\n{\"id\":\n3}\n]\n";
    let expected = [
        (2, "a,]}\" {\"id\":\"a,]}\\\"\",\"x\":[1,{}]}"),
        (5, "2 {\"id\":2}"),
        (6, "3 {\"id\":3}"),
    ];
    assert_eq!(read(Format::Array, input), lines_of(&expected));
    for empty in ["", " \n", "[]", " [ \n ] "] {
        assert_eq!(read(Format::Array, empty.as_bytes()), []);
    }
}

#[test]
fn a_malformed_element_costs_only_itself() {
    for bad in [
        "",
        "nul",
        "{\"id\":[1}",
        "{\"id\":1]",
        "{\"id\":1}}",
        "}",
        "{\"id\":[{]}",
        "{\"id\" 1}",
        "{\"id\":1} {\"id\":2}",
        "\"\\\"\" 1",
        "\u{1}",
    ] {
        let input = format!("[{{\"id\":1}},\n{bad}\n,{{\"id\":3}}]");
        let seen = read(Format::Array, input.as_bytes());
        let codes: Vec<&str> = seen.iter().map(|(_, told)| told.as_str()).collect();
        assert_eq!(codes, ["1 {\"id\":1}", "json.syntax", "3 {\"id\":3}"], "{bad}");
    }
    assert_eq!(read(Format::Array, b"[1,{\"id\":2}]")[0].1, "record.not_object");
}

#[test]
fn what_is_outside_the_array_is_rejected() {
    let closed = [(1, "1 {\"id\":1}"), (1, "json.syntax")];
    assert_eq!(read(Format::Array, b"[{\"id\":1}] ,\n{}"), lines_of(&closed));
    assert_eq!(read(Format::Array, b"[{\"id\":1},]"), lines_of(&closed));
    assert_eq!(read(Format::Array, b"[{\"id\":1},{\"id\":2}"), lines_of(&closed));
    assert_eq!(
        read(Format::Array, b"[{\"id\":1},{\"id\":2} , \n"),
        lines_of(&closed)
    );
    assert_eq!(read(Format::Array, b"["), lines_of(&[(1, "json.syntax")]));
    assert_eq!(
        read(Format::Array, b"\n{\"id\":1}\n"),
        lines_of(&[(2, "json.syntax")])
    );
}

#[test]
fn an_element_that_is_too_long_is_rejected_and_the_next_one_is_not() {
    let limits = Limits {
        bytes: 1000,
        depth: 128,
    };
    let options = Options {
        limits,
        ..Options::new(Format::Array)
    };
    let overlong = format!("{{\"id\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let input = format!("[{overlong},{{\"id\":1}}]");
    let seen = outcome(Reader::new(input.as_bytes(), options).unwrap());
    assert_eq!(seen, lines_of(&[(1, "json.size"), (1, "1 {\"id\":1}")]));
}
