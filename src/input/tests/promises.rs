use std::io::Read;

use proptest::prelude::*;

use super::*;

const LINES: &[u8] =
    b"\xef\xbb\xbf{\"id\":\"a\"}\r\n\n{\"id\":\"\xc3\xa9\",\"x\":[1,{\"y\":\"\\u00e9\"}]}\nbad\n{\"id\":3}";
const ARRAY: &[u8] = b"\xef\xbb\xbf[ {\"id\":\"a\"} ,\n\n{\"id\":\"b\",\"x\":[1,{}]},bad ,\n{\"id\":3}\n ]\n";
const CSV: &[u8] = b"\xef\xbb\xbfid,x\r\na,1\r\n\r\nb,\"x\r\ny\"\r\nc\r\nd,4";

const SAMPLES: [(Format, &[u8]); 3] = [(Format::Lines, LINES), (Format::Array, ARRAY), (Format::Csv, CSV)];

/// Returns one byte at a time, with interruptions.
struct Trickle<'b>(&'b [u8], bool);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = self.0.len().min(buffer.len()).min(1);
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn an_input_in_pieces_reads_as_the_same_input() {
    for (format, input) in SAMPLES {
        let reader = Reader::new(Trickle(input, false), Options::new(format)).unwrap();
        let pieces: Vec<_> = reader.map(|incoming| describe(&incoming.unwrap())).collect();
        assert_eq!(pieces, read(format, input));
    }
}

#[test]
fn resuming_after_any_record_reads_exactly_the_rest() {
    for (format, input) in SAMPLES {
        let whole = read(format, input);
        assert!(whole.len() >= 4);
        let mut reader = Reader::new(input, Options::new(format)).unwrap();
        for read_before in 0..=whole.len() {
            let point = reader.position().resume();
            let rest = Reader::resume(input, Options::new(format), &point).unwrap();
            assert_eq!(rest.position().resume(), point);
            assert_eq!(
                outcome(rest),
                whole[read_before..],
                "{format:?} after {read_before}"
            );
            let next = reader.next();
            assert_eq!(next.is_some(), read_before < whole.len());
        }
    }
}

#[test]
fn an_unclosed_array_is_refused_once_though_it_is_read_in_two_runs() {
    for input in [
        &b"[{\"id\":1},{\"id\":2"[..],
        b"[{\"id\":1},{\"id\":[2,",
        b"[{\"id\":1}\n,{\"id\":2},",
    ] {
        let mut reader = Reader::new(input, Options::new(Format::Array)).unwrap();
        assert_eq!(reader.by_ref().count(), 2);
        let point = reader.position().resume();
        let rest = Reader::resume(input, Options::new(Format::Array), &point).unwrap();
        assert_eq!(outcome(rest), []);
    }
}

#[test]
fn a_changed_or_shortened_input_is_not_continued() {
    for (format, input) in SAMPLES {
        let mut reader = Reader::new(input, Options::new(format)).unwrap();
        reader.nth(1).unwrap().unwrap();
        let point = reader.position().resume();
        let end = usize::try_from(point.offset).unwrap();
        for at in 0..end {
            let mut changed = input.to_vec();
            changed[at] ^= 1;
            let resumed = Reader::resume(&changed[..], Options::new(format), &point);
            assert!(
                matches!(resumed, Err(ResumeError::Changed { .. })),
                "{format:?} {at}"
            );
            let resumed = Reader::resume(&input[..at], Options::new(format), &point);
            assert!(
                matches!(resumed, Err(ResumeError::Shorter { .. })),
                "{format:?} {at}"
            );
        }
    }
}

#[test]
fn an_input_cut_at_any_byte_loses_at_most_its_last_record() {
    for (format, input) in SAMPLES {
        let whole = read(format, input);
        for cut in 0..input.len() {
            let Ok(reader) = Reader::new(&input[..cut], Options::new(format)) else {
                assert_eq!(format, Format::Csv, "only a header can be refused as a whole");
                continue;
            };
            let seen = outcome(reader);
            let sure = seen.len().saturating_sub(1);
            assert_eq!(seen[..sure], whole[..sure], "{format:?} cut at {cut}");
        }
    }
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Lines), Just(Format::Array), Just(Format::Csv)]
}

/// Generates bytes that are likely to reach the rare states of a scanner.
fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\n",
        "\r\n",
        " ",
        "id",
        "\"id\":1",
        "{\"id\":1}",
        "\u{feff}",
        "1",
        "null",
        "\0",
    ]);
    prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn no_input_makes_a_reader_panic_or_forget_a_byte(
        format in format(),
        input in prop_oneof![likely_bytes(), prop::collection::vec(any::<u8>(), 0..400)],
        bytes in 1usize..200,
    ) {
        let limits = Limits { bytes, depth: 8 };
        let options = Options { limits, ..Options::new(format) };
        let input = [if format == Format::Csv { &b"id,x\n"[..] } else { b"" }, &input].concat();
        let Ok(reader) = Reader::new(&input[..], options.clone()) else { return Ok(()) };
        let mut before = reader.position().clone();
        let mut points = vec![before.resume()];
        let mut seen = Vec::new();
        for incoming in reader {
            let incoming = incoming.unwrap();
            prop_assert!(incoming.end.offset >= before.offset && incoming.line >= before.line);
            before = incoming.end.clone();
            let consumed = &input[..usize::try_from(before.offset).unwrap()];
            prop_assert_eq!(before.prefix_sha256(), crate::digest::sha256(&[consumed]));
            points.push(before.resume());
            seen.push(describe(&incoming));
        }
        let rest = &input[usize::try_from(before.offset).unwrap()..];
        prop_assert!(rest.iter().all(|byte| bytes::is_blank(*byte)) || format == Format::Array);
        let middle = points.len() / 2;
        let resumed = Reader::resume(&input[..], options, &points[middle]).unwrap();
        prop_assert_eq!(outcome(resumed), &seen[middle..]);
    }

    #[test]
    fn good_lines_all_come_through_whatever_stands_between_them(
        garbage in prop::collection::vec(prop::collection::vec(any::<u8>().prop_filter("one line", |byte| *byte != b'\n'), 0..40), 0..20),
    ) {
        let mut input = Vec::new();
        for (at, line) in garbage.iter().enumerate() {
            input.extend_from_slice(line);
            input.extend_from_slice(format!("\n{{\"id\":\"good-{at}\"}}\n").as_bytes());
        }
        let seen = read(Format::Lines, &input);
        for at in 0..garbage.len() {
            let good = (2 * at as u64 + 2, format!("good-{at} {{\"id\":\"good-{at}\"}}"));
            prop_assert!(seen.contains(&good));
        }
    }
}
