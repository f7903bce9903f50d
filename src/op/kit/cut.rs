//! Where `split` cuts a text.

use regex::Regex;
use serde_json::json;

use crate::problem::Problem;
use crate::record::pattern;

/// Where a text is cut.
#[derive(Clone, Debug)]
pub(crate) enum Cut {
    /// At this separator.
    At(String),
    /// Into the groups of this pattern; its text as written.
    Groups(Regex, String),
}

impl Cut {
    pub(crate) fn at(separator: &str) -> Result<Self, Problem> {
        if separator.is_empty() {
            let message = "`at` is empty, so nothing would be split";
            return Err(Problem::error("split.at", None, message));
        }
        Ok(Self::At(separator.to_owned()))
    }

    pub(crate) fn groups(pattern: &str) -> Result<Self, Problem> {
        let compiled = pattern::compile(pattern).map_err(|error| {
            let message = format!("`pattern` is not a valid pattern: {error}");
            Problem::error("split.pattern", None, message)
        })?;
        if compiled.captures_len() < 2 {
            let message = "`pattern` has no groups, but each group is a part";
            return Err(
                Problem::error("split.groups", None, message).help("write parentheses around each part")
            );
        }
        Ok(Self::Groups(compiled, pattern.to_owned()))
    }

    /// Returns the parts, at most `limit` at a separator; `None` for a group that took no part in the match. Returns
    /// `None` when the pattern does not match.
    pub(crate) fn parts<'t>(&self, text: &'t str, limit: usize) -> Option<Vec<Option<&'t str>>> {
        match self {
            Self::At(separator) => Some(text.splitn(limit, separator.as_str()).map(Some).collect()),
            Self::Groups(pattern, _) => {
                let groups = pattern.captures(text)?;
                let parts = groups.iter().skip(1);
                Some(parts.map(|part| part.map(|part| part.as_str())).collect())
            }
        }
    }

    /// Checks the number of fields: a pattern determines the number of parts, so a different number of fields is a
    /// mistake in the stage.
    pub(crate) fn check_fields(&self, fields: usize) -> Option<Problem> {
        let Self::Groups(pattern, _) = self else {
            return None;
        };
        let groups = pattern.captures_len() - 1;
        (fields != 0 && fields != groups).then(|| {
            let message = format!("`pattern` has {groups} groups, but `into` has {fields} fields");
            Problem::error("split.groups", None, message).help("use `(?:...)` for a group that is not a part")
        })
    }

    pub(crate) fn meaning(&self) -> serde_json::Value {
        match self {
            Self::At(separator) => json!({ "at": separator, "pattern": null }),
            Self::Groups(_, pattern) => json!({ "at": null, "pattern": pattern }),
        }
    }
}
