//! Admission: validates everything that is stored once, completely, so that stages may read lazily.

use serde_json::value::RawValue;

use super::scan;
use super::split::Fields;
use super::stream::StringState;

/// Limits on the size and depth of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The maximum size of a record, in bytes as received.
    pub bytes: usize,
    /// The maximum nesting depth of lists and objects; the record itself is level 1.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 * 1024 * 1024,
            depth: 128,
        }
    }
}

impl Limits {
    /// Sets the maximum size of a record, in bytes as received. Default: 16 MiB.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets the maximum nesting depth of lists and objects; the record itself is level 1. Default: 128.
    #[must_use]
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }
}

/// Why a text is not a valid record: places and codes, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Malformed {
    /// A stable code: `json.syntax`, `json.utf8`, `json.duplicate_key`, `json.depth`, `json.size`, `json.escape`,
    /// `record.not_object`.
    pub code: &'static str,
    /// What is wrong, without any value of the record.
    pub message: String,
    /// The line in the text, from 1, where known.
    pub line: Option<usize>,
    /// The column in that line, from 1, where known.
    pub column: Option<usize>,
}

impl Malformed {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            line: None,
            column: None,
        }
    }

    pub(super) fn from_json(error: &serde_json::Error) -> Self {
        // serde_json's message ends in " at line L column C", which we keep as numbers; and it never quotes a value for
        // the syntax errors that raw values can give.
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
        Self {
            code: "json.syntax",
            message,
            line: Some(error.line()),
            column: Some(error.column()),
        }
    }
}

/// Validates one JSON value completely (UTF-8, syntax, escapes, duplicate names, size, depth) and returns its text
/// without insignificant whitespace, otherwise unchanged.
///
/// # Errors
/// [`Malformed`], with the place.
pub fn admit(bytes: &[u8], limits: &Limits) -> Result<String, Malformed> {
    fits(bytes, limits)?;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Malformed::new(
            "json.utf8",
            format!("not valid UTF-8 after {} bytes", error.valid_up_to()),
        )
    })?;
    if let Some(compact) = scan::compact(text, limits.depth) {
        return Ok(compact.into_owned());
    }
    admit_slowly(text, limits)
}

/// Checks that valid JSON without insignificant whitespace is within the limits.
///
/// # Errors
/// [`Malformed`], `json.size` or `json.depth`.
pub(crate) fn within(json: &str, limits: &Limits) -> Result<(), Malformed> {
    fits(json.as_bytes(), limits)?;
    // The depth never exceeds the number of brackets, which takes a tenth of the time to count.
    let brackets = json.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if brackets <= limits.depth {
        return Ok(());
    }
    if is_within(json, limits.depth) {
        return Ok(());
    }
    Err(too_deep(limits.depth))
}

/// Whether valid JSON is nested no deeper than the limit.
fn is_within(json: &str, depth_limit: usize) -> bool {
    let (mut quotes, mut depth) = (StringState::default(), 0usize);
    json.bytes().all(|byte| {
        if quotes.hold(byte) {
            return true;
        }
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth <= depth_limit
    })
}

fn too_deep(depth_limit: usize) -> Malformed {
    Malformed::new("json.depth", format!("nested deeper than {depth_limit} levels"))
}

fn fits(bytes: &[u8], limits: &Limits) -> Result<(), Malformed> {
    if bytes.len() <= limits.bytes {
        return Ok(());
    }
    let message = format!("{} bytes, the limit is {}", bytes.len(), limits.bytes);
    Err(Malformed::new("json.size", message))
}

/// As [`admit`], for texts that [`scan::compact`] did not accept: reports what is wrong, if anything is.
fn admit_slowly(text: &str, limits: &Limits) -> Result<String, Malformed> {
    let whole: &RawValue = serde_json::from_str(text).map_err(|error| Malformed::from_json(&error))?;
    let compact = without_whitespace(whole.get(), limits.depth)?;
    check(&compact)?;
    Ok(compact)
}

/// Removes whitespace between tokens of valid JSON, and checks the depth.
fn without_whitespace(json: &str, depth_limit: usize) -> Result<String, Malformed> {
    let mut out = String::with_capacity(json.len());
    let (mut quotes, mut depth, mut kept) = (StringState::default(), 0usize, 0);
    for (at, byte) in json.bytes().enumerate() {
        if quotes.hold(byte) {
            continue;
        }
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b' ' | b'\t' | b'\n' | b'\r' => {
                out.push_str(&json[kept..at]);
                kept = at + 1;
            }
            _ => {}
        }
        if depth > depth_limit {
            return Err(too_deep(depth_limit));
        }
    }
    out.push_str(&json[kept..]);
    Ok(out)
}

/// Checks what the syntax alone does not: invalid escapes, and names that occur twice. It works level by level on raw
/// text, because a fully parsed value would convert numbers to a type of the parser.
fn check(json: &str) -> Result<(), Malformed> {
    match json.as_bytes().first() {
        Some(b'{') => {
            let Fields(fields) = serde_json::from_str(json).map_err(|error| Malformed::from_json(&error))?;
            let mut names = Vec::with_capacity(fields.len());
            for (name, value) in fields {
                names.push(decoded(name.get())?);
                check(value.get())?;
            }
            names.sort_unstable();
            if names.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(Malformed::new(
                    "json.duplicate_key",
                    "an object has the same name twice",
                ));
            }
            Ok(())
        }
        Some(b'[') => {
            let parts: Vec<&RawValue> =
                serde_json::from_str(json).map_err(|error| Malformed::from_json(&error))?;
            parts.into_iter().try_for_each(|part| check(part.get()))
        }
        Some(b'"') => decoded(json).map(drop),
        _ => Ok(()),
    }
}

/// Returns the decoded string of a JSON text; refuses lone surrogates.
fn decoded(json: &str) -> Result<std::borrow::Cow<'_, str>, Malformed> {
    if !json.contains('\\') {
        return Ok(json[1..json.len() - 1].into());
    }
    serde_json::from_str::<String>(json).map(Into::into).map_err(|_| {
        Malformed::new(
            "json.escape",
            "an escape that is not a character (a lone surrogate)",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(json: &str) -> &'static str {
        admit(json.as_bytes(), &Limits::default()).unwrap_err().code
    }

    #[test]
    fn only_insignificant_whitespace_is_removed() {
        let json = " { \"a\" : [ 1.50 , -0 , 1e400 ] ,\n\"b \\\" c\":\"\\u0041  \\\\\" } ";
        let kept = admit(json.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(kept, r#"{"a":[1.50,-0,1e400],"b \" c":"\u0041  \\"}"#);
    }

    #[test]
    fn each_fault_has_its_code() {
        assert_eq!(code(r#"{"a":1,"\u0061":2}"#), "json.duplicate_key");
        assert_eq!(code(r#"{"a":"\ud800"}"#), "json.escape");
        assert_eq!(code("{\"a\":NaN}"), "json.syntax");
        assert_eq!(code(&("[".repeat(129) + "]".repeat(129).as_str())), "json.depth");
        assert_eq!(code(&"[".repeat(100_000)), "json.syntax");
        assert_eq!(admit(b"\xff", &Limits::default()).unwrap_err().code, "json.utf8");
        assert_eq!(
            admit(b"[1]", &Limits { bytes: 2, depth: 1 }).unwrap_err().code,
            "json.size"
        );
    }

    #[test]
    fn names_that_the_parser_uses_inside_are_ordinary_names() {
        let json = r#"{"$serde_json::private::Number":"12","$serde_json::private::RawValue":"x"}"#;
        assert_eq!(admit(json.as_bytes(), &Limits::default()).unwrap(), json);
    }

    /// Generates texts that are JSON, nearly JSON, or random.
    fn texts() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::prelude::*;
        let leaf = proptest::sample::select(vec![
            "null",
            "true",
            "0",
            "-0",
            "1.50",
            "1e400",
            "01",
            "1.",
            "-",
            "+1",
            "\"\"",
            "\"a\"",
            "\"\\u0041\"",
            "\"\\ud800\"",
            "\"\\ud83d\\ude00\"",
            "\"\\x\"",
            "\"\t\"",
            "\"é\\\"\"",
            "\"",
            "nul",
            "",
        ]);
        let name = proptest::sample::select(vec!["\"a\"", "\"b\"", "\"\\u0061\"", "\"\"", "a", "\"é\""]);
        let blank = proptest::sample::select(vec!["", "", "", " ", "\n\t", "\u{a0}", ","]);
        let value = leaf
            .prop_map(str::to_owned)
            .prop_recursive(4, 32, 4, move |inner| {
                let field = (name.clone(), blank.clone(), inner.clone())
                    .prop_map(|(name, blank, value)| format!("{blank}{name}{blank}:{blank}{value}"));
                prop_oneof![
                    proptest::collection::vec(field, 0..4)
                        .prop_map(|fields| format!("{{{}}}", fields.join(","))),
                    (proptest::collection::vec(inner, 0..4), blank.clone()).prop_map(
                        |(parts, blank)| format!("[{blank}{}{blank}]", parts.join(&format!("{blank},")))
                    ),
                ]
            });
        prop_oneof![9 => value, 1 => "[\\[\\]{}:,\"a0\\\\ -]{0,12}"]
    }

    proptest::proptest! {
        #[test]
        fn the_fast_way_accepts_nothing_else_and_gives_nothing_else(text in texts(), depth in 1usize..6) {
            let limits = Limits { depth, ..Limits::default() };
            if let Some(compact) = scan::compact(&text, depth) {
                assert_eq!(admit_slowly(&text, &limits), Ok(compact.into_owned()));
            }
            let slowly = |json: &str| -> Option<Vec<String>> {
                let Fields(fields) = serde_json::from_str(json).ok()?;
                Some(fields.iter().flat_map(|(name, value)| [name.get().to_owned(), value.get().to_owned()]).collect())
            };
            if let Some(fields) = scan::fields(&text, |name, value| [text[name].to_owned(), text[value].to_owned()]) {
                assert_eq!(slowly(&text), Some(fields.into_iter().flatten().collect()));
            }
            if let Some(parts) = scan::parts(&text, |part| &text[part]) {
                let slowly: Vec<&RawValue> = serde_json::from_str(&text).unwrap();
                let slowly: Vec<&str> = slowly.into_iter().map(RawValue::get).collect();
                assert_eq!(slowly, parts);
            }
        }
    }
}
