//! Which of several members' values a golden record has: the rules of `[merge.survive]`.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::expression::Expression;
use crate::op::Survivor;
use crate::path::Path;

/// Which of the members' values survives. What is missing, null, blank or empty never survives instead of what is not.
/// Where a rule leaves several values, that of the member with more fields survives, and of equals that of the member
/// whose id comes first, so that the order of loading decides nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Survive {
    /// The value with the most fields or elements.
    #[default]
    MostComplete,
    /// The value of the member that was there first.
    First,
    /// The value of the member that was there last.
    Newest,
    /// The value of the member for which this expression over the member, `doc`, is largest. A member
    /// for which it is null or refused comes last.
    NewestBy(String),
    /// The value of the member for which this expression over the member, `doc`, is smallest. A
    /// member for which it is null or refused comes last.
    OldestBy(String),
    /// The value of the member whose source comes first in a list.
    Source {
        /// The source of a member: an expression over it, `doc`.
        of: String,
        /// The sources, the most trusted first. Others come last.
        order: Vec<String>,
    },
    /// The value that most members have.
    Majority,
    /// The elements of all lists, each once, in the order in which they first appear. A value that is not a list counts
    /// as a list of one element, unless all members have the same.
    Union,
    /// The longest text, or the list with the most elements.
    Longest,
    /// The value that all have; if they differ, the cluster is refused as `merge.differs`.
    Fail,
    /// The value that a program chooses.
    Custom(Arc<dyn Survivor>),
}

/// The name of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuleWord {
    MostComplete,
    First,
    Newest,
    Oldest,
    Source,
    Majority,
    Union,
    Longest,
    Fail,
    Rust,
}

/// The rules by their names in stage files.
pub(super) const WORDS: [(&str, RuleWord); 10] = [
    ("most_complete", RuleWord::MostComplete),
    ("first", RuleWord::First),
    ("newest", RuleWord::Newest),
    ("oldest", RuleWord::Oldest),
    ("source", RuleWord::Source),
    ("majority", RuleWord::Majority),
    ("union", RuleWord::Union),
    ("longest", RuleWord::Longest),
    ("fail", RuleWord::Fail),
    ("rust", RuleWord::Rust),
];

impl Survive {
    /// Returns the name in stage files.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::MostComplete => "most_complete",
            Self::First => "first",
            Self::Newest | Self::NewestBy(_) => "newest",
            Self::OldestBy(_) => "oldest",
            Self::Source { .. } => "source",
            Self::Majority => "majority",
            Self::Union => "union",
            Self::Longest => "longest",
            Self::Fail => "fail",
            Self::Custom(_) => "rust",
        }
    }

    /// Returns the source of its expression.
    pub(super) fn of(&self) -> Option<&str> {
        match self {
            Self::NewestBy(of) | Self::OldestBy(of) | Self::Source { of, .. } => Some(of),
            _ => None,
        }
    }
}

/// A compiled rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct SurvivalRule {
    pub(crate) by: Survive,
    /// The expression in it.
    pub(crate) of: Option<Expression>,
    /// Whether everything below the path survives from one member.
    pub(crate) whole: bool,
}

impl SurvivalRule {
    fn meaning(&self) -> Json {
        let mut meaning = json!({ "by": self.by.name() });
        if let Some(of) = &self.of {
            meaning["of"] = of.source().into();
        }
        match &self.by {
            Survive::Source { order, .. } => meaning["order"] = order.clone().into(),
            Survive::Custom(survivor) => {
                meaning["survivor"] = survivor.name().into();
                meaning["version"] = survivor.version().into();
            }
            _ => {}
        }
        if self.whole {
            meaning["whole"] = true.into();
        }
        meaning
    }
}

/// How the fields of a golden record survive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survival {
    pub(crate) default: SurvivalRule,
    /// By path, in the order written; the longest path that covers a place decides.
    pub(crate) fields: Vec<(Path, SurvivalRule)>,
    /// The field of the golden record that says which member each value comes from.
    pub(crate) provenance: Option<String>,
}

impl Survival {
    pub(super) fn rules(&self) -> impl Iterator<Item = &SurvivalRule> {
        std::iter::once(&self.default).chain(self.fields.iter().map(|(_, rule)| rule))
    }

    /// Returns the paths at which all members' values survive.
    pub(crate) fn united(&self) -> impl Iterator<Item = &Path> {
        let fields = self.fields.iter();
        fields
            .filter(|(_, rule)| matches!(rule.by, Survive::Union))
            .map(|(path, _)| path)
    }

    pub(super) fn meaning(&self) -> Json {
        let mut fields: Vec<Json> = self
            .fields
            .iter()
            .map(|(path, rule)| json!([path.pointer(), rule.meaning()]))
            .collect();
        // A table: its order means nothing.
        fields.sort_by_key(Json::to_string);
        let mut meaning = json!({ "default": self.default.meaning(), "fields": fields });
        if let Some(field) = &self.provenance {
            meaning["provenance"] = field.as_str().into();
        }
        meaning
    }
}
