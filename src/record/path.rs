//! Paths: the places in a document that an operation reads or writes.
//!
//! `a.b` names a field of a field, `items[*].price` the price of every element, `items[0]` one element,
//! `"odd.key".x` a name with a dot. A path that begins with `/` is a JSON Pointer (RFC 6901).

use std::fmt;
use std::str::FromStr;

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A field of an object. From a JSON Pointer, digits may also name an element of a list.
    Key(String),
    /// An element of a list, from 0.
    Index(usize),
    /// Every element of a list.
    Each,
}

/// A path in a document: at least one segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    segments: Vec<Segment>,
}

/// The error for a text that is not a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a path: {problem}")]
#[non_exhaustive]
pub struct PathError {
    /// The text.
    pub text: String,
    /// What is wrong with the text.
    pub problem: &'static str,
}

impl Path {
    /// Creates a path to one field of the top level.
    #[must_use]
    pub fn field(name: &str) -> Self {
        Self {
            segments: vec![Segment::Key(name.to_owned())],
        }
    }

    /// Creates a path of these segments.
    ///
    /// # Panics
    /// When there is no segment.
    #[must_use]
    pub fn from_segments(segments: Vec<Segment>) -> Self {
        assert!(!segments.is_empty(), "a path has at least one segment");
        Self { segments }
    }

    /// Returns the segments, at least one.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns the last segment.
    #[must_use]
    pub fn last(&self) -> &Segment {
        self.segments.last().expect("a path has at least one segment")
    }

    /// Returns all segments but the last; empty for a field of the top level.
    #[must_use]
    pub fn parents(&self) -> &[Segment] {
        &self.segments[..self.segments.len() - 1]
    }

    /// Returns whether the path may select several places (`[*]`).
    #[must_use]
    pub fn is_many(&self) -> bool {
        self.segments.contains(&Segment::Each)
    }

    /// Returns whether this path equals the other one, or is a prefix of it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.segments.starts_with(&self.segments)
    }

    /// Returns the JSON Pointer of this path; `[*]` is written `*`.
    #[must_use]
    pub fn pointer(&self) -> String {
        self.segments.iter().fold(String::new(), |mut pointer, segment| {
            pointer.push('/');
            match segment {
                Segment::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Segment::Index(index) => pointer.push_str(&index.to_string()),
                Segment::Each => pointer.push('*'),
            }
            pointer
        })
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let error = |problem| PathError {
            text: text.to_owned(),
            problem,
        };
        if let Some(pointer) = text.strip_prefix('/') {
            let segments = pointer
                .split('/')
                .map(|part| Segment::Key(part.replace("~1", "/").replace("~0", "~")));
            return Ok(Self {
                segments: segments.collect(),
            });
        }
        let (mut segments, mut rest) = (Vec::new(), text);
        loop {
            rest = if let Some(quoted) = rest.strip_prefix('"') {
                let end = quoted.find('"').ok_or(error("a quoted name is not closed"))?;
                segments.push(Segment::Key(quoted[..end].to_owned()));
                &quoted[end + 1..]
            } else {
                let end = rest.find(['.', '[', ']', '"']).unwrap_or(rest.len());
                if end == 0 {
                    return Err(error("a name is missing"));
                }
                segments.push(Segment::Key(rest[..end].to_owned()));
                &rest[end..]
            };
            while let Some(inner) = rest.strip_prefix('[') {
                let end = inner.find(']').ok_or(error("`[` has no `]`"))?;
                segments.push(match &inner[..end] {
                    "*" => Segment::Each,
                    index => Segment::Index(index.parse().map_err(|_| error("an index is a number or `*`"))?),
                });
                rest = &inner[end + 1..];
            }
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None if rest.is_empty() => return Ok(Self { segments }),
                None => return Err(error("after a name comes `.` or `[`")),
            }
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Key(key) => {
                    let dot = if at > 0 { "." } else { "" };
                    let plain = !key.is_empty() && !key.contains(['.', '[', ']', '"', '/']);
                    if plain {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(f, "{dot}\"{key}\"")?;
                    }
                }
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Each => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_it_is_written() {
        for (text, pointer) in [
            ("a", "/a"),
            ("a.b", "/a/b"),
            ("items[*].price", "/items/*/price"),
            ("items[0][1]", "/items/0/1"),
            ("\"odd.key\".x", "/odd.key/x"),
        ] {
            let path: Path = text.parse().unwrap();
            assert_eq!(path.to_string(), text);
            assert_eq!(path.pointer(), pointer);
        }
        assert_eq!("/a~1b/0".parse::<Path>().unwrap().pointer(), "/a~1b/0");
        for text in ["", ".", "a.", "a..b", "a[", "a[x]", "a]b", "\"a", "a[0]b"] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }
}
