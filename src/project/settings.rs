//! The settings in `counterfoil.toml`.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::files::PROJECT_FILE;
use crate::name;
use crate::problem::{Place, Problem};
use crate::reading::Reading;
use crate::record::Limits;
use crate::shown::hides;
use crate::stage::read_file;
use crate::toml::{Collected, Problems, Section, document};

const KEYS: [&str; 8] = [
    "name",
    "store",
    "live",
    "batch_size",
    "wait_seconds",
    "limits",
    "database",
    "secret",
];

/// Store of a project that does not name one.
const STORE: &str = "counterfoil.db";

/// The settings in `counterfoil.toml`, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectSettings {
    /// Name of the project, part of every stage's identity.
    pub name: String,
    /// Path of the store's file, relative to the project's folder.
    pub store: PathBuf,
    /// Whether the store is read while it is written (WAL).
    pub live: bool,
    /// Records per batch, from 1 to 1,000,000; default 5,000.
    pub batch_size: u32,
    /// Seconds to wait for another process that holds the store, from 0 to 86,400; default 5.
    pub wait_seconds: u64,
    /// Limits of the size and depth of a record.
    pub limits: Limits,
    /// Declarations of databases, by name.
    pub databases: BTreeMap<String, DatabaseSettings>,
    /// File of each secret that stages may request, by the secret's name; relative to the project's folder. The settings
    /// never contain the secret itself.
    pub secrets: BTreeMap<String, PathBuf>,
}

impl Default for ProjectSettings {
    /// Settings without a project: no name, no store, defaults otherwise.
    fn default() -> Self {
        Self {
            name: String::new(),
            store: PathBuf::new(),
            live: false,
            batch_size: 5_000,
            wait_seconds: 5,
            limits: Limits::default(),
            databases: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }
}

/// The settings in `[database.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseSettings {
    /// Field from which `load` takes a record's id.
    pub id: Option<String>,
    /// Description of what the database holds.
    pub description: Option<String>,
    /// System that the database belongs to, for the ledger: `ERP`.
    pub system: Option<String>,
}

impl ProjectSettings {
    /// Returns the systems that databases belong to, by the database's name.
    #[must_use]
    pub fn systems(&self) -> BTreeMap<String, String> {
        let declared = self.databases.iter();
        declared
            .filter_map(|(name, database)| Some((name.clone(), database.system.clone()?)))
            .collect()
    }
}

/// Reads the settings of the project in a folder.
pub(super) fn read(folder: &Path) -> Result<ProjectSettings, Problems> {
    let text = read_file(&folder.join(PROJECT_FILE), PROJECT_FILE).map_err(|problem| match problem.code {
        "stage.no_file" => {
            let message = format!(
                "`{}` is not a project: it has no `{PROJECT_FILE}`",
                folder.display()
            );
            Problem::error("project.missing", None, message)
                .help("name a project folder with -C, or create a project with `counterfoil init NAME`")
        }
        _ => problem,
    })?;
    parse(&text)
}

/// Returns the place of `[database.NAME]` in the file.
pub(super) fn place_of_database(folder: &Path, name: &str) -> Option<Place> {
    let text = read_file(&folder.join(PROJECT_FILE), PROJECT_FILE).ok()?;
    let reading = Reading::new(PROJECT_FILE, &text);
    let document = document(&reading, "project.syntax").ok()?;
    let root = Section::root(document.as_table(), &reading);
    let databases = root.section("database", &mut Collected::default())?;
    Some(databases.place_of_key(name))
}

pub(super) fn parse(text: &str) -> Result<ProjectSettings, Problems> {
    let reading = Reading::new(PROJECT_FILE, text);
    let document = document(&reading, "project.syntax")?;
    let mut problems = Collected::default();
    let root = Section::root(document.as_table(), &reading);
    root.only(&KEYS, &mut problems);
    let settings = ProjectSettings {
        name: project_name(&root, &mut problems),
        store: store(&root, &mut problems),
        live: root.boolean("live", &mut problems).unwrap_or(false),
        batch_size: number(&root, "batch_size", 1..=1_000_000, &mut problems).unwrap_or(5_000),
        wait_seconds: number(&root, "wait_seconds", 0..=86_400, &mut problems).unwrap_or(5),
        limits: limits(&root, &mut problems),
        databases: databases(&root, &mut problems),
        secrets: secrets(&root, &mut problems),
    };
    problems.none_or(|| settings)
}

fn project_name(root: &Section<'_>, problems: &mut Collected) -> String {
    let text = root.needed_text(
        "name",
        "the project's name, part of every stage's identity",
        problems,
    );
    if let Some(text) = text
        && let Err(error) = name::check_project(text)
    {
        problems.add(Problem::error(
            "project.bad_name",
            root.place_of("name"),
            error.to_string(),
        ));
    }
    text.unwrap_or_default().to_owned()
}

/// Reads the store's path, which must be relative and inside the folder: a copied project must not write into the first
/// one's store.
fn store(root: &Section<'_>, problems: &mut Collected) -> PathBuf {
    let text = root.text("store", problems).unwrap_or(STORE);
    let path = Path::new(text);
    let inside = path
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if path.file_name().is_none() || text.contains('\0') || !inside {
        let message = "`store` must name a file inside the project folder";
        let problem = Problem::error("project.bad_store", root.place_of("store"), message);
        problems.add(problem.help("for a store elsewhere use `--store FILE`"));
    }
    path.to_path_buf()
}

fn number<T: TryFrom<i64>>(
    section: &Section<'_>,
    key: &str,
    bounds: std::ops::RangeInclusive<i64>,
    problems: &mut Collected,
) -> Option<T> {
    section
        .integer(key, bounds, problems)
        .and_then(|number| T::try_from(number).ok())
}

fn limits(root: &Section<'_>, problems: &mut Collected) -> Limits {
    let defaults = Limits::default();
    let Some(section) = root.section("limits", problems) else {
        return defaults;
    };
    section.only(&["record_bytes", "depth"], problems);
    Limits {
        bytes: number(&section, "record_bytes", 2..=256 * 1024 * 1024, problems).unwrap_or(defaults.bytes),
        depth: number(&section, "depth", 1..=128, problems).unwrap_or(defaults.depth),
    }
}

fn databases(root: &Section<'_>, problems: &mut Collected) -> BTreeMap<String, DatabaseSettings> {
    let Some(section) = root.section("database", problems) else {
        return BTreeMap::new();
    };
    let mut databases = BTreeMap::new();
    for (name, _) in section.table().iter() {
        if let Err(error) = name::check_database(name) {
            problems.add(Problem::error(
                "project.bad_name",
                section.place_of_key(name),
                error.to_string(),
            ));
        }
        let Some(database) = section.section(name, problems) else {
            continue;
        };
        database.only(&["id", "description", "system"], problems);
        let settings = DatabaseSettings {
            id: database.text("id", problems).map(str::to_owned),
            description: database.text("description", problems).map(str::to_owned),
            system: system(&database, problems),
        };
        databases.insert(name.to_owned(), settings);
    }
    databases
}

/// Reads the files of the secrets. They may be anywhere: a secret is better kept outside the project.
fn secrets(root: &Section<'_>, problems: &mut Collected) -> BTreeMap<String, PathBuf> {
    let Some(section) = root.section("secret", problems) else {
        return BTreeMap::new();
    };
    let mut secrets = BTreeMap::new();
    for (name, _) in section.table().iter() {
        let Some(secret) = section.section(name, problems) else {
            continue;
        };
        secret.only(&["file"], problems);
        let file = secret.needed_text(
            "file",
            "the file that holds the secret and nothing else",
            problems,
        );
        if let Some(file) = file {
            secrets.insert(name.to_owned(), PathBuf::from(file));
        }
    }
    secrets
}

/// Reads the system that a database belongs to. It is kept in the ledger permanently and shown on screens.
fn system(database: &Section<'_>, problems: &mut Collected) -> Option<String> {
    let text = database.text("system", problems)?;
    if text.trim().is_empty() || text.chars().count() > 200 || text.chars().any(hides) {
        let message =
            "`system` takes 1 to 200 visible characters, without control characters or direction marks";
        problems.add(Problem::error(
            "project.bad_system",
            database.place_of("system"),
            message,
        ));
    }
    Some(text.to_owned())
}
