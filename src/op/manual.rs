//! The reference entry of an operation, kept beside the code that reads it.

use super::{Operation, Settings};
use crate::problem::Problem;

/// What stage files may say about an operation. The parser, the JSON Schema of stage files and the reference table
/// in the documentation are all made from it, so that they cannot disagree.
#[derive(Debug)]
pub struct Manual {
    /// The name in stage files.
    pub name: &'static str,
    /// The group in the documentation: shape, value, collection, record.
    pub group: &'static str,
    /// One line: what it does.
    pub summary: &'static str,
    /// Its keys, in the order of the documentation. `op` and `refuse_as` belong to every operation and are not listed.
    pub keys: &'static [Key],
    /// The refusal codes that it can give.
    pub refusals: &'static [&'static str],
    /// How it can be undone, in words: the inverse, or from the image, or lossy and why.
    pub undo: &'static str,
    /// An `[[op]]` table without its first line, a record, and what becomes of it: the record afterwards; several for an
    /// operation that makes several. The rounding is half-even, and the secret `pepper` is `key`.
    pub example: (&'static str, &'static str, &'static str),
    /// Makes the operation from its checked settings.
    pub build: fn(&mut Settings<'_>) -> Result<Box<dyn Operation>, Problem>,
}

/// One key of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key's name.
    pub name: &'static str,
    /// What it takes.
    pub form: Form,
    /// Whether it must be there.
    pub required: bool,
    /// What holds when it is absent, in words; empty for required keys.
    pub default: &'static str,
    /// One line: what it is for.
    pub summary: &'static str,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A path, as text.
    Path,
    /// A list of paths.
    Paths,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Any value; a text that begins with `= ` is an expression.
    Template,
    /// An expression, written with its leading `= `.
    Expression,
    /// A table of keys and values.
    Table,
    /// A list of tables.
    Tables,
    /// A table of names and paths.
    PathTable,
    /// A list of operations, each a table as in `[[op]]`.
    Operations,
}

impl Key {
    /// A key that must be there.
    #[must_use]
    pub const fn required(name: &'static str, form: Form, summary: &'static str) -> Self {
        Self {
            name,
            form,
            required: true,
            default: "",
            summary,
        }
    }

    /// A key that may be absent.
    #[must_use]
    pub const fn optional(
        name: &'static str,
        form: Form,
        default: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            name,
            form,
            required: false,
            default,
            summary,
        }
    }
}
