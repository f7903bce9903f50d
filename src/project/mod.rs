//! Projects: a folder with `counterfoil.toml` and stage files beside it.

use std::path::{Path, PathBuf};

use crate::op::Functions;
use crate::problem::Problem;
use crate::stage::{Lookup, Stage, Stages};
use crate::toml::Problems;

mod embedded;
mod files;
mod keys;
mod names;
mod scaffold;
mod secrets;
mod settings;
mod stages;

pub use embedded::{EmbeddedFile, EmbeddedProject};
pub use files::{KEY_FILE, PROJECT_FILE, PUBLIC_KEY_FILE};
pub use settings::{DatabaseSettings, ProjectSettings};

/// A project: its settings and its stages.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    settings: ProjectSettings,
    stages: Stages,
    warnings: Vec<Problem>,
}

impl Project {
    /// Reads `counterfoil.toml` and every stage file beside it.
    ///
    /// # Errors
    /// Every error of the settings and of all stage files together.
    pub fn open(folder: &Path) -> Result<Self, Problems> {
        Self::open_with(folder, &Functions::default())
    }

    /// Like [`open`](Self::open), with the functions that the operation `rust` may name.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_with(folder: &Path, functions: &Functions) -> Result<Self, Problems> {
        let settings = settings::read(folder);
        let lookup = Lookup::folder(folder).with_functions(functions.clone());
        let found = stages::read(folder, &lookup);
        let (settings, (stages, problems)) = match settings {
            Ok(settings) => (settings, found),
            Err(problems) => return Err(problems.and(found.1)),
        };
        let mut warnings = Problems::warnings_of(problems)?;
        warnings.extend(names::check(&settings, &stages, |name| {
            settings::place_of_database(folder, name)
        }));
        let stages = Stages::new(&settings.name, stages)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            settings,
            stages,
            warnings,
        })
    }

    /// Reads only `counterfoil.toml`, for verbs that need no stage.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn settings_of(folder: &Path) -> Result<ProjectSettings, Problems> {
        settings::read(folder)
    }

    /// Returns the project's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the settings in `counterfoil.toml`.
    pub fn settings(&self) -> &ProjectSettings {
        &self.settings
    }

    /// Returns the names of the files that belong to the project in a folder, relative to it: the settings, the stages
    /// and the files that they name, whether they compile or not, and the public key if there is one.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn files(folder: &Path) -> Result<Vec<String>, Problem> {
        stages::stage_file_names(folder)?;
        let lookup = Lookup::folder(folder);
        // Files with problems still belong to the project.
        let _ = stages::read(folder, &lookup);
        let mut files = vec![PROJECT_FILE.to_owned()];
        files.extend(lookup.names());
        files.push(PUBLIC_KEY_FILE.to_owned());
        files.retain(|name| folder.join(name).is_file());
        Ok(files)
    }

    /// Returns the project's name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Returns the path of the store's file.
    pub fn store_path(&self) -> PathBuf {
        self.folder.join(&self.settings.store)
    }

    /// Returns the stages, in the order of their numbers.
    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    /// Returns warnings about all stages: what is legal but probably not intended.
    pub fn check(&self) -> Vec<Problem> {
        let of_stages = self.stages.iter().flat_map(Stage::check);
        self.warnings.iter().cloned().chain(of_stages).collect()
    }

    /// As [`check`](Self::check), without warnings that nothing fills a source that a store with these databases has.
    pub fn check_with(&self, databases: &[String]) -> Vec<Problem> {
        let is_there = |stage: &&Stage| databases.iter().any(|name| name == stage.source());
        let there = self.stages.iter().filter(is_there);
        let there: Vec<_> = there.map(|stage| stage.place_of("stage", "source")).collect();
        let is_filled = |problem: &Problem| {
            problem.code == names::NEAR && problem.place.is_some() && there.contains(&problem.place)
        };
        let mut problems = self.check();
        problems.retain(|problem| !is_filled(problem));
        problems
    }

    /// Returns a warning for each source that a store with these databases does not have, that no stage would fill, and
    /// that `counterfoil.toml` does not declare: it is read as empty, and may be a typing error.
    pub fn absent_sources(&self, databases: &[String]) -> Vec<Problem> {
        let stages: Vec<&Stage> = self.stages.iter().collect();
        names::absent(&self.settings, &stages, databases)
    }

    /// Returns whether a stage reads or fills a database, or `counterfoil.toml` declares it.
    pub fn names_database(&self, name: &str) -> bool {
        let of_stage = |stage: &Stage| stage.source() == name || stage.target() == name;
        self.settings.databases.contains_key(name) || self.stages.iter().any(of_stage)
    }
}

#[cfg(test)]
mod tests;
