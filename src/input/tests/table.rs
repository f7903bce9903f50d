use super::*;

#[test]
fn rows_become_objects_of_texts_in_the_order_of_the_header() {
    let input = b"\xef\xbb\xbfid,\"odd \"\"name\"\"\",note\r\na,1.50,\"x\r\ny, \"\"z\"\"\"\r\n\r\nb,,\r\nc,1\r\nd,1,2,3\ne,\xff,\n,1,2\nf,\0,last";
    let expected = [
        (
            2,
            "a {\"id\":\"a\",\"odd \\\"name\\\"\":\"1.50\",\"note\":\"x\\r\\ny, \\\"z\\\"\"}",
        ),
        (5, "b {\"id\":\"b\",\"odd \\\"name\\\"\":\"\",\"note\":\"\"}"),
        (6, "csv.fields"),
        (7, "csv.fields"),
        (8, "csv.utf8"),
        (9, "id.empty"),
        (
            10,
            "f {\"id\":\"f\",\"odd \\\"name\\\"\":\"\\u0000\",\"note\":\"last\"}",
        ),
    ];
    assert_eq!(read(Format::Csv, input), lines_of(&expected));
    assert_eq!(read(Format::Csv, b""), []);
    assert_eq!(read(Format::Csv, b"id,x\n"), []);
}

#[test]
fn a_header_that_names_no_fields_is_an_error_of_the_whole_input() {
    let header = |input: &[u8]| match Reader::new(input, Options::new(Format::Csv)) {
        Err(OpenError::Header(error)) => error,
        _ => panic!("the header was accepted"),
    };
    assert_eq!(header(b"id,,x\n"), HeaderError::NoName { column: 2 });
    let same = HeaderError::SameName {
        name: "x".to_owned(),
        first: 2,
        second: 4,
    };
    assert_eq!(header(b"id,x,y,x\n1,2,3,4\n"), same);
    assert_eq!(header(b"id,\xff\n"), HeaderError::NotUtf8);
    assert!(matches!(header(b"key\n"), HeaderError::NoId { .. }));
    assert!(matches!(header(b"id,\"x\n1,2\n"), HeaderError::NoEnd { .. }));
}

#[test]
fn a_row_cut_off_inside_quotes_is_rejected() {
    let expected = [(2, "1 {\"id\":\"1\",\"x\":\"a\\\"b\"}"), (3, "csv.quote")];
    assert_eq!(
        read(Format::Csv, b"id,x\n1,\"a\"\"b\"\n2,\"cut\n"),
        lines_of(&expected)
    );
}

#[test]
fn a_row_that_is_too_long_is_rejected_and_the_next_one_is_not() {
    let limits = Limits {
        bytes: 1000,
        depth: 128,
    };
    let options = Options {
        limits,
        ..Options::new(Format::Csv)
    };
    let input = format!(
        "id,x\n1,{}\n2,{}\n3,c\n",
        "x".repeat(200_000),
        ",".repeat(200_000)
    );
    let seen = outcome(Reader::new(input.as_bytes(), options).unwrap());
    let expected = [
        (2, "json.size"),
        (3, "json.size"),
        (4, "3 {\"id\":\"3\",\"x\":\"c\"}"),
    ];
    assert_eq!(seen, lines_of(&expected));
}
