//! The id of a rejected record. The id may be intact in bytes that are otherwise not a record.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Options, Rejected, id};
use crate::record::Value;

/// Adds the id to the rejection of a JSON text.
pub(super) fn with_id(mut rejected: Rejected, options: &Options) -> Rejected {
    rejected.id = id_of_json(&rejected.raw, &options.id_field).map(Into::into);
    rejected
}

/// Returns the id in a JSON object, where it precedes the error. `None` where the id occurs twice, or where its value
/// may be truncated.
fn id_of_json(raw: &[u8], field: &str) -> Option<String> {
    let mut found = PartialValues {
        field,
        values: Vec::new(),
    };
    // How the object continues or fails does not matter: what was found before remains.
    let _ = serde_json::Deserializer::from_slice(raw).deserialize_map(&mut found);
    let [text] = found.values.as_slice() else {
        return None;
    };
    let value = Value::parse(text).ok()?;
    id::read_id(Some(&value), field).ok()
}

/// The values of one field, as far as an object could be read.
struct PartialValues<'f> {
    field: &'f str,
    values: Vec<String>,
}

impl<'de> Visitor<'de> for &mut PartialValues<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name != self.field {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<Box<RawValue>>()?.get().to_owned();
            if value.starts_with('"') {
                self.values.push(value);
                continue;
            }
            // A number has no end marker: only what follows shows that it is complete.
            let next = map.next_key::<String>()?;
            self.values.push(value);
            match next {
                None => return Ok(()),
                Some(name) if name == self.field => {
                    self.values.push(String::new());
                    return Ok(());
                }
                Some(_) => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Returns the first field of a CSV row, where a separator ends it.
pub(super) fn first_field(raw: &[u8], separator: u8) -> Option<String> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    let Some(quoted) = raw.strip_prefix(b"\"") else {
        let end = raw.iter().position(|byte| *byte == separator)?;
        return text(&raw[..end]);
    };
    let (mut field, mut at) = (Vec::new(), 0);
    loop {
        match (quoted.get(at)?, quoted.get(at + 1)) {
            (b'"', Some(b'"')) => {
                field.push(b'"');
                at += 2;
            }
            (b'"', Some(next)) if *next == separator => return text(&field),
            (b'"', _) => return None,
            (byte, _) => {
                field.push(*byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{first_field, id_of_json};

    #[test]
    fn an_id_is_read_where_it_stands_whole_before_the_fault() {
        for (line, id) in [
            (r#"{"id":"B","v":"#, Some("B")),
            (r#"{"id":"B"#, None),
            (r#"{"id":"B""#, Some("B")),
            (r#"{"id":12,"v":"#, Some("12")),
            (r#"{"id":12"#, None),
            (r#"{"id":12,"#, None),
            (r#"{"v":1,"id":"B"} trailing"#, Some("B")),
            (r#"{"v":1,"v":2,"id":"B"}"#, Some("B")),
            (r#"{"id":"A","id":"B"}"#, None),
            (r#"{"id":1,"id":2}"#, None),
            (r#"{"v":{"id":"inner"},"w":}"#, None),
            (r#"{"v":,"id":"B"}"#, None),
            (r#"["id","B"]"#, None),
            (r#""id""#, None),
            ("", None),
            (r#"{"id":1.5,"v":1} x"#, None),
            (r#"{"id":null,"v":1} x"#, None),
        ] {
            assert_eq!(id_of_json(line.as_bytes(), "id").as_deref(), id, "{line}");
        }
        let deep = format!(r#"{{"v":{}"#, "[".repeat(100_000));
        assert_eq!(id_of_json(deep.as_bytes(), "id"), None);
    }

    #[test]
    fn a_first_field_is_read_where_a_comma_ends_it() {
        for (row, field) in [
            ("a,b", Some("a")),
            ("a", None),
            (",b", Some("")),
            (r#""a,""b""",c"#, Some(r#"a,"b""#)),
            (r#""a"b,c"#, None),
            (r#""open,c"#, None),
            ("", None),
        ] {
            assert_eq!(first_field(row.as_bytes(), b',').as_deref(), field, "{row}");
        }
    }
}
