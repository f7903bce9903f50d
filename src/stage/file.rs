//! Reading the files of a project: once, without following links, up to a size limit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::op::Functions;
use crate::problem::Problem;

/// Maximum size of a project file in bytes: 1 MiB.
pub const LONGEST_FILE: u64 = 1024 * 1024;

/// Reads a regular file of a project completely: not a symlink, not a device or pipe, at most [`LONGEST_FILE`],
/// valid UTF-8. The problems name the file as `shown`.
///
/// # Errors
/// `stage.no_file`, `stage.not_a_file`, `stage.too_large`, `stage.not_utf8`, `stage.unreadable`.
pub fn read_file(path: &Path, shown: &str) -> Result<String, Problem> {
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Problem::error("stage.no_file", None, format!("there is no file `{shown}`")),
        _ => Problem::error(
            "stage.unreadable",
            None,
            format!("`{shown}` cannot be read: {error}"),
        ),
    };
    let too_large = || {
        let message = format!("`{shown}` is larger than 1 MiB");
        Problem::error("stage.too_large", None, message)
            .help("a stage file describes a change; records belong in the store")
    };
    // Before opening: opening a pipe would wait for a writer.
    let kind = std::fs::symlink_metadata(path).map_err(unreadable)?;
    if !kind.is_file() {
        let message = format!("`{shown}` is {}", not_a_file(&kind));
        return Err(Problem::error("stage.not_a_file", None, message).help("a regular file is needed here"));
    }
    if kind.len() > LONGEST_FILE {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LONGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let message = format!("`{shown}` is not valid UTF-8 after {valid} bytes");
        Problem::error("stage.not_utf8", None, message).help("save the file as UTF-8")
    })
}

fn not_a_file(kind: &std::fs::Metadata) -> &'static str {
    match kind {
        kind if kind.is_symlink() => "a symbolic link",
        kind if kind.is_dir() => "a folder",
        _ => "a device, a pipe or a socket",
    }
}

/// The files that a stage may name, and the functions of the program.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    files: Files,
    functions: Functions,
    /// The names of the files that were read; shared by its clones.
    names: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Clone, Debug, Default)]
enum Files {
    #[default]
    None,
    Folder(PathBuf),
    Texts(BTreeMap<String, String>),
}

impl Lookup {
    /// Makes a lookup that finds nothing: a stage that names a file or a function does not compile.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Makes a lookup of the files in a folder and its subfolders.
    #[must_use]
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            files: Files::Folder(folder.into()),
            ..Self::default()
        }
    }

    /// Makes a lookup of these texts by file name, for a stage whose files are gone.
    #[must_use]
    pub fn texts(texts: BTreeMap<String, String>) -> Self {
        Self {
            files: Files::Texts(texts),
            ..Self::default()
        }
    }

    /// Adds the functions that the operation `rust` may name.
    #[must_use]
    pub fn with_functions(mut self, functions: Functions) -> Self {
        self.functions = functions;
        self
    }

    pub(super) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Notes that a file belongs to the project.
    pub(crate) fn note(&self, name: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(name.to_owned());
    }

    /// Returns the names of the files that were requested, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().cloned().collect()
    }

    /// Returns the text of a file.
    ///
    /// # Errors
    /// `stage.outside` for a path that is absolute or leads out of the folder, and the errors of [`read_file`].
    pub fn read(&self, name: &str) -> Result<String, Problem> {
        let missing = || Problem::error("stage.no_file", None, format!("there is no file `{name}`"));
        match &self.files {
            Files::None => Err(missing()),
            Files::Texts(texts) => texts.get(name).cloned().ok_or_else(missing),
            Files::Folder(folder) => {
                let path = inside(folder, name)?;
                self.note(name);
                read_file(&path, name)
            }
        }
    }
}

/// Returns the path of a file inside a folder; no part of it may be a link or a step upwards.
fn inside(folder: &Path, name: &str) -> Result<PathBuf, Problem> {
    let outside = |why: &str| {
        let message = format!("`{name}` {why}");
        Problem::error("stage.outside", None, message).help("name a file beside the stage file")
    };
    let mut path = folder.to_path_buf();
    let mut parts = Path::new(name).components().peekable();
    if parts.peek().is_none() || name.contains(['\0', '\\']) {
        return Err(outside("is not the name of a file"));
    }
    while let Some(part) = parts.next() {
        let Component::Normal(part) = part else {
            return Err(outside("is outside the project folder"));
        };
        path.push(part);
        let linked = std::fs::symlink_metadata(&path).is_ok_and(|kind| kind.is_symlink());
        if linked && parts.peek().is_some() {
            return Err(outside("goes through a symbolic link"));
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_no_small_regular_text_is_refused_without_reading_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("good"), "a = 1").unwrap();
        std::fs::write(path("latin"), b"\xe9").unwrap();
        std::os::unix::fs::symlink(path("good"), path("link")).unwrap();
        // A sparse gigabyte: reading it would take noticeably long.
        File::create(path("huge")).unwrap().set_len(1 << 30).unwrap();
        let code = |path: &Path| read_file(path, "shown").unwrap_err().code;
        assert_eq!(read_file(&path("good"), "good").unwrap(), "a = 1");
        assert_eq!(code(&path("latin")), "stage.not_utf8");
        assert_eq!(code(&path("link")), "stage.not_a_file");
        assert_eq!(code(&path("huge")), "stage.too_large");
        assert_eq!(code(Path::new("/dev/zero")), "stage.not_a_file");
        assert_eq!(code(folder.path()), "stage.not_a_file");
        assert_eq!(code(&path("none")), "stage.no_file");
    }

    #[cfg(unix)]
    #[test]
    fn a_stage_finds_files_only_inside_its_folder() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("project");
        std::fs::create_dir_all(folder.join("schemas")).unwrap();
        std::fs::write(outer.path().join("secret.json"), "{}").unwrap();
        std::fs::write(folder.join("schemas/a.json"), "true").unwrap();
        std::os::unix::fs::symlink(outer.path(), folder.join("out")).unwrap();
        let lookup = Lookup::folder(folder);
        assert_eq!(lookup.read("schemas/a.json").unwrap(), "true");
        let code = |name: &str| lookup.read(name).unwrap_err().code;
        for name in [
            "../secret.json",
            "/etc/passwd",
            "schemas/../../secret.json",
            "",
            "out/secret.json",
            "a\0b",
        ] {
            assert_eq!(code(name), "stage.outside", "{name}");
        }
        assert_eq!(code("schemas/b.json"), "stage.no_file");
    }
}
