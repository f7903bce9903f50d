//! All problems of a file as one error.

use std::fmt;
use std::ops::Deref;

use crate::problem::{Problem, Severity};

/// All problems of a stage, a contract or a project: an error, so that `?` works, and a list of at least one
/// [`Problem`]. Its display has one line for each problem.
///
/// ```
/// use counterfoil::stage::{Lookup, Stage};
///
/// let text = "[stage]\nsource = 'a'\ntarget = 'b'\nrouding = 'half-up'\n[[op]]\nop = 'renam'\n";
/// let problems = Stage::parse("0001_name.toml", text, &Lookup::nothing()).unwrap_err();
/// assert_eq!(
///     problems.to_string(),
///     "0001_name.toml:4:1: [stage] has no key `rouding` (did you mean `rounding`?)\n\
///      0001_name.toml:6:6: there is no operation `renam` (did you mean `rename`?)"
/// );
/// assert_eq!(problems[1].code, "stage.unknown_op");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Wraps these problems; `None` where there are none, because an empty list is not an error.
    #[must_use]
    pub fn new(problems: Vec<Problem>) -> Option<Self> {
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// Returns the value, where there are no problems.
    ///
    /// # Errors
    /// All problems, where there are any.
    pub(crate) fn none_or<T>(problems: Vec<Problem>, value: impl FnOnce() -> T) -> Result<T, Self> {
        Self::new(problems).map_or_else(|| Ok(value()), Err)
    }

    /// Returns the problems, where all of them are warnings.
    ///
    /// # Errors
    /// All problems, where one is an error.
    pub(crate) fn warnings_of(problems: Vec<Problem>) -> Result<Vec<Problem>, Self> {
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            Err(Self(problems))
        } else {
            Ok(problems)
        }
    }

    /// Adds further problems.
    #[must_use]
    pub(crate) fn and(mut self, problems: impl IntoIterator<Item = Problem>) -> Self {
        self.0.extend(problems);
        self
    }

    /// Returns the problems, in the order in which they were found.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }

    /// Returns the problems as a list.
    #[must_use]
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                out.write_str("\n")?;
            }
            problem.fmt(out)?;
        }
        Ok(())
    }
}

impl Deref for Problems {
    type Target = [Problem];

    fn deref(&self) -> &[Problem] {
        &self.0
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl From<Problems> for Vec<Problem> {
    fn from(problems: Problems) -> Self {
        problems.0
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'p> IntoIterator for &'p Problems {
    type Item = &'p Problem;
    type IntoIter = std::slice::Iter<'p, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_problem_is_no_error_and_several_are_lines() {
        assert_eq!(Problems::new(Vec::new()), None);
        assert_eq!(Problems::none_or(Vec::new(), || 7), Ok(7));
        let first = Problems::from(Problem::error("a", None, "one").help("do it"));
        let problems = first.and([Problem::warning("b", None, "two")]);
        assert_eq!(problems.to_string(), "one (do it)\ntwo");
        assert_eq!(problems.len(), 2);
        assert_eq!(
            problems.iter().map(|problem| problem.code).collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}
