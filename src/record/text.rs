//! Cheap slices of shared text, and strings as JSON writes them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A slice of shared, immutable text. Cloning and slicing do not copy text, so that operations and expressions receive
/// the fields of a document without a lifetime and without an allocation for each.
#[derive(Clone)]
pub struct Text {
    source: Arc<str>,
    start: u32,
    end: u32,
}

impl Text {
    /// Returns the part `range` of this text, in bytes.
    ///
    /// # Panics
    /// When the range is out of bounds or splits a character, as slicing a `str` does.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && self.as_str().get(range.clone()).is_some(),
            "range within the text"
        );
        let offset = |at: usize| self.start + u32::try_from(at).expect("a text is shorter than 4 GiB");
        Self {
            source: Arc::clone(&self.source),
            start: offset(range.start),
            end: offset(range.end),
        }
    }

    /// Returns the slice of this text that `part` refers to: `part` must be a slice of `self`.
    pub(super) fn slice_of(&self, part: &str) -> Self {
        let start = part.as_ptr() as usize - self.as_str().as_ptr() as usize;
        self.slice(start..start + part.len())
    }

    /// Whether both are the same part of the same text, and not merely equal.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && (self.start, self.end) == (other.start, other.end)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.source[self.start as usize..self.end as usize]
    }
}

impl From<&str> for Text {
    /// # Panics
    /// When the text is 4 GiB or longer; admission rejects records far below that size.
    fn from(text: &str) -> Self {
        let end = u32::try_from(text.len()).expect("a text is shorter than 4 GiB");
        Self {
            source: Arc::from(text),
            start: 0,
            end,
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the JSON text of a field's name is this name. It is compared in place, because most of what operations do is
/// look up fields. An escape is longer than the character that it represents, so that only a longer name with escapes
/// has to be decoded.
pub(super) fn is_name(json: &str, name: &str) -> bool {
    let written = &json.as_bytes()[1..json.len() - 1];
    match written.len().cmp(&name.len()) {
        Ordering::Less => false,
        Ordering::Equal => written == name.as_bytes() && !name.contains('\\'),
        Ordering::Greater => written.contains(&b'\\') && decode_text(json).as_deref() == Some(name),
    }
}

thread_local! {
    /// A buffer in which a value's text is assembled before it is shared, so that it costs one allocation.
    static RENDERED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Returns the JSON text of a string.
pub(super) fn text_of(value: &str) -> Text {
    const KEPT_BYTES: usize = 4096;
    RENDERED.with_borrow_mut(|out| {
        out.clear();
        write_text(value, out);
        let text = Text::from(out.as_str());
        out.shrink_to(KEPT_BYTES);
        text
    })
}

/// Appends a string as JSON text.
fn write_text(value: &str, out: &mut String) {
    if value
        .bytes()
        .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
    {
        out.push('"');
        out.push_str(value);
        out.push('"');
        return;
    }
    out.push_str(&serde_json::to_string(value).expect("a string always has a JSON text"));
}

/// Returns the decoded string of a JSON text, where it is one; borrowed where nothing is escaped.
pub(super) fn decode_text(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str::<String>(json).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}
