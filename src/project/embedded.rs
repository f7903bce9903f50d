//! Projects whose files are compiled into the program, so that it needs none beside it.

use std::collections::BTreeMap;

use super::ProjectSettings;
use super::files::PROJECT_FILE;
use super::{settings, stages};
use crate::op::Functions;
use crate::problem::Problem;
use crate::stage::{Lookup, Stages};
use crate::toml::Problems;

/// A project file that is compiled into the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedFile {
    /// Path relative to the project's folder, as stage files name it.
    pub name: &'static str,
    /// Text of the file.
    pub text: &'static str,
}

/// A project whose files were compiled into the program by [`include_stages!`](crate::include_stages).
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedProject {
    files: &'static [EmbeddedFile],
}

impl EmbeddedProject {
    /// Makes a project of these files: `counterfoil.toml`, the stage files, and the files that they name.
    #[must_use]
    pub const fn new(files: &'static [EmbeddedFile]) -> Self {
        Self { files }
    }

    /// Returns the files.
    #[must_use]
    pub const fn files(&self) -> &'static [EmbeddedFile] {
        self.files
    }

    /// Reads the settings in `counterfoil.toml`.
    ///
    /// # Errors
    /// Every problem of the file; `project.missing` if it is not among the files.
    pub fn settings(&self) -> Result<ProjectSettings, Problems> {
        let Some(text) = self.text(PROJECT_FILE) else {
            let message = format!("`{PROJECT_FILE}` is not among the project's files: it names the project");
            return Err(Problem::error("project.missing", None, message)
                .help(LIST_IT)
                .into());
        };
        settings::parse(text)
    }

    /// Compiles the stages.
    ///
    /// # Errors
    /// Every problem of `counterfoil.toml` and of all stage files together; `stage.no_file` for each file that a stage
    /// names and that is not among them, `project.duplicate_file` for a file that is listed twice.
    pub fn stages(&self) -> Result<Stages, Problems> {
        self.stages_with(&Functions::default())
    }

    /// Like [`stages`](Self::stages), with the functions that the operation `rust` may name.
    ///
    /// # Errors
    /// As for [`stages`](Self::stages).
    pub fn stages_with(&self, functions: &Functions) -> Result<Stages, Problems> {
        let settings = self.settings();
        let (found, mut problems) = self.compiled(functions);
        problems.splice(0..0, self.listed_twice());
        match settings {
            Err(of_settings) => Err(of_settings.and(problems)),
            Ok(settings) => {
                Problems::warnings_of(problems)?;
                Stages::new(&settings.name, found)
            }
        }
    }

    fn compiled(&self, functions: &Functions) -> (Vec<crate::stage::Stage>, Vec<Problem>) {
        let texts: BTreeMap<String, String> = self
            .files
            .iter()
            .map(|file| (file.name.to_owned(), file.text.to_owned()))
            .collect();
        let mut names: Vec<String> = texts.keys().filter(|name| is_stage(name)).cloned().collect();
        names.sort();
        let lookup = Lookup::texts(texts).with_functions(functions.clone());
        let (found, mut problems) = stages::compile(&names, &|name| lookup.read(name), &lookup, |_| {});
        for problem in problems
            .iter_mut()
            .filter(|problem| problem.code == "stage.no_file")
        {
            problem.help = Some(LIST_IT.to_owned());
        }
        (found, problems)
    }

    fn text(&self, name: &str) -> Option<&'static str> {
        let file = self.files.iter().find(|file| file.name == name)?;
        Some(file.text)
    }

    fn listed_twice(&self) -> Vec<Problem> {
        let mut names: Vec<&str> = self.files.iter().map(|file| file.name).collect();
        names.sort_unstable();
        let twice = names.windows(2).filter(|pair| pair[0] == pair[1]);
        let problem = |pair: &[&str]| {
            let message = format!("`{}` is among the project's files twice", pair[0]);
            Problem::error("project.duplicate_file", None, message)
        };
        twice.map(problem).collect()
    }
}

const LIST_IT: &str = "add it to the files that `include_stages!` lists";

/// Like in a folder: the `.toml` files beside `counterfoil.toml`.
fn is_stage(name: &str) -> bool {
    name != PROJECT_FILE && !name.contains('/') && name.to_ascii_lowercase().ends_with(".toml")
}

/// Compiles a project's files into the program: takes its folder, relative to the source file, then its files, which
/// are `counterfoil.toml`, the stage files and the contracts that they name. The result is an
/// [`EmbeddedProject`](crate::project::EmbeddedProject), which may be a `static`. Its `stages()` compiles the stages,
/// and reports every file that a stage names and that is not listed.
///
/// ```
/// use counterfoil::include_stages;
/// use counterfoil::project::EmbeddedProject;
///
/// static SHOP: EmbeddedProject = include_stages!("../../migrations/shop":
///     "counterfoil.toml",
///     "0001_nest_orders.toml",
///     "order_v1.schema.json",
///     "order_v2.schema.json",
/// );
///
/// let stages = SHOP.stages()?;
/// assert_eq!((stages.project(), stages.iter().count()), ("shop", 1));
/// # Ok::<(), counterfoil::Error>(())
/// ```
#[macro_export]
macro_rules! include_stages {
    ($folder:literal: $($file:literal),+ $(,)?) => {
        $crate::project::EmbeddedProject::new(&[$(
            $crate::project::EmbeddedFile {
                name: $file,
                text: ::core::include_str!(::core::concat!($folder, "/", $file)),
            }
        ),+])
    };
}
