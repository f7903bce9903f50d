//! A list of records inside a JSON object: finding and detecting it.

use std::fmt;
use std::io::{self, Read};

use serde::Deserialize as _;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::bytes::{Bytes, is_blank};
use crate::record::{StringState, Value};

/// The longest name, in bytes.
const NAME_BYTES: usize = 1 << 16;

/// Skips everything before the list at a JSON Pointer, so that its bracket comes next; false where there is no such
/// list.
pub(super) fn find<R: Read>(source: &mut Bytes<R>, pointer: &str) -> io::Result<bool> {
    for name in &names(pointer).collect::<Vec<_>>() {
        if source.skip(is_blank)? != Some(b'{') {
            return Ok(false);
        }
        source.consume(1);
        if !find_field(source, name)? {
            return Ok(false);
        }
    }
    Ok(source.skip(is_blank)? == Some(b'['))
}

/// Reads what follows the list at a JSON Pointer, to the end of the input. Invalid JSON there, or a second occurrence
/// of the list, is an error: another reader would get other records.
pub(super) fn end<R: Read>(source: &mut Bytes<R>, pointer: &str) -> io::Result<()> {
    let names: Vec<String> = names(pointer).collect();
    let line = source.line();
    // The list itself has been read: the text before and after it is parsed with another value in its place.
    let before: Vec<String> = names
        .iter()
        .map(|name| format!("{{{}:", Value::text(name).to_json()))
        .collect();
    let whole = io::Cursor::new(before.concat())
        .chain(io::Cursor::new(b"0"))
        .chain(RestOfInput(source));
    let mut json = serde_json::Deserializer::from_reader(io::BufReader::new(whole));
    let read = Around { names: &names }
        .deserialize(&mut json)
        .and_then(|()| json.end());
    read.map_err(|error| {
        if error.is_io() {
            return error.into();
        }
        // The error's position refers to the combined text.
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("after the list at `{pointer}`, from line {line} on: {what}"),
        )
    })
}

fn names(pointer: &str) -> impl Iterator<Item = String> {
    let names = pointer.split('/').skip(1);
    names.map(|name| name.replace("~1", "/").replace("~0", "~"))
}

/// The objects around a list: each contains the next one, and the innermost contains the list, once.
struct Around<'n> {
    names: &'n [String],
}

impl<'de> DeserializeSeed<'de> for Around<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.names.is_empty() {
            return IgnoredAny::deserialize(deserializer).map(|_| ());
        }
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Around<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let (name, inside) = self.names.split_first().expect("an object is around something");
        let mut is_seen = false;
        while let Some(field) = fields.next_key::<String>()? {
            if field != *name {
                fields.next_value::<IgnoredAny>()?;
            } else if std::mem::replace(&mut is_seen, true) {
                return Err(de::Error::custom("the same name occurs again"));
            } else {
                fields.next_value_seed(Around { names: inside })?;
            }
        }
        Ok(())
    }
}

/// The rest of an input, consumed as it is read.
struct RestOfInput<'s, R>(&'s mut Bytes<R>);

impl<R: Read> Read for RestOfInput<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.fill()?;
        let count = bytes.len().min(into.len());
        into[..count].copy_from_slice(&bytes[..count]);
        self.0.consume(count);
        Ok(count)
    }
}

/// Skips the fields of an object before the wanted one, and its name.
fn find_field<R: Read>(source: &mut Bytes<R>, wanted: &str) -> io::Result<bool> {
    loop {
        match source.skip(is_blank)? {
            Some(b',') => source.consume(1),
            Some(b'"') => {
                let name = text(source)?;
                if source.skip(is_blank)? != Some(b':') {
                    return Ok(false);
                }
                source.consume(1);
                if name.as_deref() == Some(wanted) {
                    return Ok(true);
                }
                source.skip(is_blank)?;
                skip_value(source)?;
            }
            _ => return Ok(false),
        }
    }
}

/// Reads a text; `None` where it is not a text, or is too long for a name.
fn text<R: Read>(source: &mut Bytes<R>) -> io::Result<Option<String>> {
    let (mut written, mut escaped) = (Vec::new(), false);
    while let Some(byte) = source.fill()?.first().copied() {
        source.consume(1);
        written.push(byte);
        if byte == b'"' && written.len() > 1 && !escaped {
            let written = String::from_utf8(written).ok();
            let value = written.and_then(|written| Value::parse(&written).ok());
            return Ok(value.and_then(|value| Some(value.as_text()?.into_owned())));
        }
        escaped = byte == b'\\' && !escaped;
        if written.len() > NAME_BYTES {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Skips a value, up to the comma or bracket after it.
fn skip_value<R: Read>(source: &mut Bytes<R>) -> io::Result<()> {
    let (mut depth, mut quotes) = (0_u64, StringState::default());
    loop {
        let bytes = source.fill()?;
        if bytes.is_empty() {
            return Ok(());
        }
        let ends = |byte: &u8| {
            if quotes.hold(*byte) {
                return false;
            }
            match byte {
                b'{' | b'[' => depth += 1,
                b',' | b'}' | b']' if depth == 0 => return true,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            false
        };
        let end = bytes.iter().position(ends);
        let count = end.unwrap_or(bytes.len());
        source.consume(count);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// Returns the JSON Pointer of the list of objects in an input that is one JSON object around it, judged by the
/// beginning of the input. An object on a single line that is followed by more, or that has an id, is a record.
pub(crate) fn noticed(head: &[u8], is_whole: bool, id_field: &str) -> Option<String> {
    let mut seen = WrapperState::default();
    let mut at = 0;
    while at < head.len() && !seen.is_complete {
        at = seen.next(head, at, id_field)?;
    }
    let is_over_lines = seen.goes_over_lines;
    let rest = head[at..].iter().any(|byte| !is_blank(*byte));
    let is_record = seen.is_complete && (!is_whole || rest || seen.has_id);
    let is_meant = is_over_lines || (seen.is_complete && !is_record);
    seen.list.filter(|_| is_meant)
}

/// The state of scanning an object.
#[derive(Default)]
struct WrapperState {
    /// The names that lead to the current position; a list has no name.
    way: Vec<Option<String>>,
    name: Option<String>,
    lists: usize,
    has_id: bool,
    goes_over_lines: bool,
    is_complete: bool,
    /// The first list of objects.
    list: Option<String>,
}

impl WrapperState {
    /// Processes one token, and returns where the next one begins; `None` where it is not an object.
    fn next(&mut self, head: &[u8], at: usize, id_field: &str) -> Option<usize> {
        let byte = head[at];
        if self.way.is_empty() && byte != b'{' && !is_blank(byte) && !b"\xef\xbb\xbf".contains(&byte) {
            return None;
        }
        match byte {
            b'\n' => self.goes_over_lines |= !self.way.is_empty(),
            b'"' => {
                let length = text_length(&head[at..]);
                let is_name = head[at + length..].iter().find(|byte| !is_blank(**byte)) == Some(&b':');
                if is_name && self.lists == 0 {
                    let written = std::str::from_utf8(&head[at..at + length]).ok()?;
                    self.name = Value::parse(written)
                        .ok()?
                        .as_text()
                        .map(std::borrow::Cow::into_owned);
                    self.has_id |= self.way.len() == 1 && self.name.as_deref() == Some(id_field);
                }
                return Some(at + length);
            }
            b'{' => self.way.push(self.name.take()),
            b'[' => {
                let first = head[at + 1..].iter().find(|byte| !is_blank(**byte));
                if self.lists == 0 && self.list.is_none() && first == Some(&b'{') {
                    let names = self.way.iter().skip(1).flatten().chain(&self.name);
                    let token = |name: &String| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                    self.list = Some(names.map(token).collect());
                }
                self.lists += 1;
                self.way.push(self.name.take());
            }
            b'}' | b']' => {
                self.way.pop();
                self.lists -= usize::from(byte == b']' && self.lists > 0);
                self.is_complete = self.way.is_empty();
            }
            _ => {}
        }
        Some(at + 1)
    }
}

/// Returns the length of the text that begins here, with its quotes, as far as it is present.
pub(super) fn text_length(bytes: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        if *byte == b'"' && !escaped {
            return at + 1;
        }
        escaped = *byte == b'\\' && !escaped;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_around_a_list_is_noticed_and_a_record_is_not() {
        let list = |head: &str, is_whole: bool| noticed(head.as_bytes(), is_whole, "id");
        let features = Some("/features".to_owned());
        for (head, is_whole) in [
            ("{\"type\":\"x\",\"features\":[{\"id\":1},\n{\"id\":2}]}", true),
            (
                "\u{feff}{\n \"a\": [1, 2],\n \"features\": [\n  {\"x\": \"]\\\"\"},",
                false,
            ),
            ("{\"features\":[{\"a\":1}]}\n", true),
        ] {
            assert_eq!(list(head, is_whole), features, "{head}");
        }
        assert_eq!(
            list("{\"m\":{\"a/b\":\n[{\"x\":1}]}}", true).as_deref(),
            Some("/m/a~1b")
        );
        for (head, is_whole) in [
            ("{\"id\":1,\"items\":[{\"a\":1}]}\n", true),
            ("{\"key\":1,\"items\":[{\"a\":1}]}\n{\"key\":2}\n", true),
            ("{\"items\":[{\"a\":1}]}\n", false),
            ("{\"items\":[{\"a\":1}", false),
            ("{\"a\":[1,\n2]}", true),
            ("[{\"a\":1}]", true),
            ("", true),
            ("x", true),
        ] {
            assert_eq!(list(head, is_whole), None, "{head}");
        }
    }

    #[test]
    fn a_list_is_found_by_its_pointer() {
        let rest = |json: &str, pointer: &str| {
            let mut source = Bytes::new(json.as_bytes()).unwrap();
            let found = find(&mut source, pointer).unwrap();
            found.then(|| String::from_utf8(source.fill().unwrap().to_vec()).unwrap())
        };
        let json = r#"{"a":{"list":[0]},"s":"],\"}","n":1, "m" : {"x~":null,"li\u0073t": [1,2]} }"#;
        assert_eq!(rest(json, "/m/list").as_deref(), Some("[1,2]} }"));
        assert_eq!(
            rest(json, "/a/list").as_deref().map(|rest| &rest[..3]),
            Some("[0]")
        );
        for pointer in ["/list", "/s", "/n", "/m/x~0", "/m/list/0", "/none"] {
            assert_eq!(rest(json, pointer), None, "{pointer}");
        }
        assert_eq!(rest("[1]", "/a"), None);
        assert_eq!(rest("{\"a\"", "/a"), None);
    }
}
