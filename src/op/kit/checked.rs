//! Checked arguments of the constructors of operations. A constructor neither panics nor returns a `Result`, so that a
//! stage reads as one chain; problems are kept and reported when the stage is built.

use crate::path::{Path, PathError, Segment};
use crate::problem::{Place, Problem};
use crate::refusal::Refusal;

/// A path, or a text to be parsed as one.
#[derive(Clone, Debug)]
pub struct PathText(Result<Path, PathError>);

impl PathText {
    pub(crate) fn read(self) -> Result<Path, Problem> {
        self.0.map_err(|error| {
            Problem::error("stage.bad_path", None, error.to_string())
                .help("write `a.b`, `items[*].price`, `\"odd.key\"` or a JSON Pointer such as `/a/b`")
        })
    }
}

impl From<&str> for PathText {
    fn from(text: &str) -> Self {
        Self(text.parse())
    }
}

impl From<String> for PathText {
    fn from(text: String) -> Self {
        Self(text.parse())
    }
}

impl From<Path> for PathText {
    fn from(path: Path) -> Self {
        Self(Ok(path))
    }
}

impl From<&Path> for PathText {
    fn from(path: &Path) -> Self {
        Self(Ok(path.clone()))
    }
}

/// The valid settings of an operation, or the problem with them.
#[derive(Clone, Debug)]
pub(crate) struct Checked<T>(Result<T, Problem>);

impl<T> Checked<T> {
    pub(crate) fn new(read: impl FnOnce() -> Result<T, Problem>) -> Self {
        Self(read())
    }

    /// Returns the settings. The refusal is for callers that apply an operation without building a stage.
    pub(crate) fn get(&self) -> Result<&T, Refusal> {
        self.0
            .as_ref()
            .map_err(|problem| Refusal::new("stage.unusable", "").expected(problem.message.clone()))
    }

    pub(crate) fn known(&self) -> Option<&T> {
        self.0.as_ref().ok()
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        self.0.as_ref().err().cloned().into_iter().collect()
    }

    /// Changes the settings if they are valid, and keeps the first problem otherwise.
    pub(crate) fn and(self, change: impl FnOnce(T) -> Result<T, Problem>) -> Self {
        Self(self.0.and_then(change))
    }

    /// Adds the place of the settings in a stage file to a problem that does not have one.
    pub(crate) fn at(self, place: impl FnOnce() -> Place) -> Self {
        Self(self.0.map_err(|problem| Problem {
            place: problem.place.or_else(|| Some(place())),
            ..problem
        }))
    }

    /// Returns a path among the settings, as in the stage's meaning.
    pub(crate) fn text(&self, of: impl FnOnce(&T) -> &Path) -> Option<String> {
        self.known().map(|given| of(given).to_string())
    }

    /// Returns the paths among the settings; none when they are invalid.
    pub(crate) fn paths<const N: usize>(&self, of: impl FnOnce(&T) -> [&Path; N]) -> Vec<Path> {
        self.known()
            .map(|given| of(given).into_iter().cloned().collect())
            .unwrap_or_default()
    }
}

/// A path that names a field, as its parent objects and the field's name.
#[derive(Clone, Debug)]
pub(crate) struct FieldPath {
    pub(crate) path: Path,
    pub(crate) name: String,
}

impl FieldPath {
    pub(crate) fn read(path: impl Into<PathText>) -> Result<Self, Problem> {
        let path = path.into().read()?;
        match path.last() {
            Segment::Key(name) => Ok(Self {
                name: name.clone(),
                path,
            }),
            Segment::Index(_) | Segment::Each => Err(not_a_field(&path)),
        }
    }

    /// Reads any number of paths.
    pub(crate) fn all<P: Into<PathText>>(paths: impl IntoIterator<Item = P>) -> Result<Vec<Self>, Problem> {
        paths.into_iter().map(Self::read).collect()
    }

    pub(crate) fn parents(&self) -> &[Segment] {
        self.path.parents()
    }
}

impl AsRef<Path> for FieldPath {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// Returns the whole paths.
pub(crate) fn whole<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Vec<Path> {
    paths.into_iter().map(|path| path.as_ref().clone()).collect()
}

/// A path cut after its last `[*]`: the elements, and what is below each of them.
#[derive(Clone, Debug)]
pub(crate) struct ElementPath {
    pub(crate) path: Path,
    /// Segments up to and including the last `[*]`; empty if the path has none.
    pub(crate) elements: Vec<Segment>,
    /// Path below the element, or below the record; has no `[*]` and begins with a name.
    pub(crate) below: Path,
}

impl ElementPath {
    /// Reads the place of a value: of a field or an element.
    pub(crate) fn read(path: impl Into<PathText>) -> Result<Self, Problem> {
        let path = path.into().read()?;
        let cut = path
            .segments()
            .iter()
            .rposition(|segment| *segment == Segment::Each);
        let (elements, below) = path.segments().split_at(cut.map_or(0, |at| at + 1));
        if !matches!(below.first(), Some(Segment::Key(_))) {
            return Err(not_a_field(&path));
        }
        Ok(Self {
            elements: elements.to_vec(),
            below: Path::from_segments(below.to_vec()),
            path,
        })
    }

    /// Reads the place of a field.
    pub(crate) fn field(path: impl Into<PathText>) -> Result<Self, Problem> {
        let read = Self::read(path)?;
        match read.path.last() {
            Segment::Key(_) => Ok(read),
            Segment::Index(_) | Segment::Each => Err(not_a_field(&read.path)),
        }
    }

    /// Returns whether the field can be added without creating an object for it.
    pub(crate) fn is_direct(&self) -> bool {
        self.below.parents().is_empty()
    }

    /// Returns whether, if there is a value here, the other field can be added without creating an object for it.
    pub(crate) fn leads_to_parent_of(&self, other: &Self) -> bool {
        self.below.segments().starts_with(other.below.parents())
    }
}

impl AsRef<Path> for ElementPath {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// A path of values: each below an element or the record, or an element itself.
#[derive(Clone, Debug)]
pub(crate) struct ValuePath {
    pub(crate) path: Path,
    /// The place below an element or the record; `None` for the elements themselves.
    pub(crate) below: Option<ElementPath>,
}

impl ValuePath {
    pub(crate) fn read(path: impl Into<PathText>) -> Result<Self, Problem> {
        let path = path.into().read()?;
        Ok(Self {
            below: ElementPath::read(&path).ok(),
            path,
        })
    }

    /// Returns the place below elements or the record.
    pub(crate) fn below(&self) -> Result<&ElementPath, Problem> {
        self.below.as_ref().ok_or_else(|| not_a_field(&self.path))
    }
}

/// Reads the path of a list: it names the list, not its elements.
pub(crate) fn list_path(path: impl Into<PathText>) -> Result<Path, Problem> {
    let path = path.into().read()?;
    if *path.last() == Segment::Each {
        let message = format!("`{path}` names the elements of a list, but the list itself is needed");
        return Err(Problem::error("stage.not_a_list", None, message).help("leave out the last `[*]`"));
    }
    Ok(path)
}

/// Reads a path that denotes a single place.
pub(crate) fn single_path(path: impl Into<PathText>) -> Result<Path, Problem> {
    let path = path.into().read()?;
    if path.is_many() {
        let message = format!("`{path}` names several places, but exactly one is needed");
        return Err(Problem::error("stage.many_places", None, message)
            .help("put the operation inside an `each` over the list"));
    }
    Ok(path)
}

fn not_a_field(path: &Path) -> Problem {
    let message = format!("`{path}` does not name a field of an object");
    Problem::error("stage.not_a_field", None, message).help("end the path with a field's name")
}

/// Checks that two paths are in the same elements, because a value goes from one to the other.
pub(crate) fn same_elements(from: &ElementPath, to: &ElementPath) -> Result<(), Problem> {
    if from.elements == to.elements {
        return Ok(());
    }
    let message = format!("`{}` and `{}` are not in the same elements", from.path, to.path);
    Err(Problem::error("stage.other_elements", None, message)
        .help("both paths must be the same up to the last `[*]`"))
}

/// Checks that two paths differ.
pub(crate) fn different(from: &Path, to: &Path) -> Result<(), Problem> {
    if from == to {
        return Err(Problem::error(
            "stage.same_path",
            None,
            format!("`{from}` is both source and target"),
        ));
    }
    Ok(())
}
