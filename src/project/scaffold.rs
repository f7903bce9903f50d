//! New projects and new stages. Existing files are never overwritten.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::files::PROJECT_FILE;
use super::{Project, settings, stages};
use crate::name;
use crate::problem::Problem;
use crate::stage::{Lookup, Stage, file_name_parts};
use crate::toml::Problems;

impl Project {
    /// Makes a project in a folder, which is created if it is missing: `counterfoil.toml`, a `.gitignore` for the
    /// store, and a first stage that runs. Returns the files written.
    ///
    /// # Errors
    /// When a name is not allowed, the folder already is a project, or a file cannot be written.
    pub fn scaffold(folder: &Path, name: &str) -> Result<Vec<PathBuf>, Problems> {
        name::check_project(name)
            .map_err(|error| Problem::error("project.bad_name", None, error.to_string()))?;
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        let files = [
            (
                PROJECT_FILE,
                format!("name = \"{name}\"\n{}", include_str!("template/counterfoil.toml")),
            ),
            (".gitignore", include_str!("template/gitignore").to_owned()),
            ("0001_first.toml", stage_text("records_v1", "records_v2")),
        ];
        let mut written = Vec::new();
        for (file, text) in files {
            let path = folder.join(file);
            // An existing `.gitignore` and existing stages are kept; a project, however, is made only once.
            match write_new(&path, &text) {
                Ok(()) => written.push(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && file != PROJECT_FILE => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let message = format!("`{}` is already a project", folder.display());
                    return Err(Problem::error("project.exists", None, message).into());
                }
                Err(error) => return Err(unwritable(&path, &error).into()),
            }
        }
        Ok(written)
    }

    /// Makes the next stage of the project in a folder: a file that runs unchanged and shows in comments what can be
    /// added. The stage reads what the previous stage writes. Returns the file's path.
    ///
    /// # Errors
    /// When the name is not allowed, the folder is not a project, or the file cannot be written.
    pub fn new_stage(folder: &Path, name: &str) -> Result<PathBuf, Problems> {
        name::check_stage(name).map_err(|error| Problem::error("stage.bad_name", None, error.to_string()))?;
        settings::read(folder)?;
        let names = stages::stage_file_names(folder)?;
        let numbers = names.iter().filter_map(|name| file_name_parts(name).ok());
        let number = numbers.map(|name| name.number).max().unwrap_or(0) + 1;
        if number > 9999 {
            let message = "there is no number after 9999";
            return Err(Problem::error("project.no_number", None, message).into());
        }
        // Stages that do not compile do not prevent writing the next one.
        let (stages, _) = stages::read(folder, &Lookup::folder(folder));
        let source = stages.last().map_or("records_v1", Stage::target);
        let path = folder.join(format!("{number:04}_{name}.toml"));
        write_new(&path, &stage_text(source, &next_version(source)))
            .map_err(|error| unwritable(&path, &error))?;
        Ok(path)
    }
}

/// Returns a stage file that runs unchanged.
fn stage_text(source: &str, target: &str) -> String {
    include_str!("template/stage.toml")
        .replace("SOURCE", source)
        .replace("TARGET", target)
}

/// Returns the name of a database's next version: `orders_v1` becomes `orders_v2`, `orders` becomes `orders_v2`.
fn next_version(database: &str) -> String {
    let version = database
        .rsplit_once("_v")
        .and_then(|(stem, digits)| Some((stem, digits.parse::<u32>().ok()?)));
    let next = match version {
        Some((stem, version)) => format!("{stem}_v{}", u64::from(version) + 1),
        None => format!("{database}_v2"),
    };
    // A name of 63 letters has no room for a version.
    if name::check_database(&next).is_ok() {
        next
    } else {
        "records_v2".to_owned()
    }
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?
        .write_all(text.as_bytes())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::error(
        "project.unwritable",
        None,
        format!("`{}` cannot be written: {error}", path.display()),
    )
}
