//! The key pair of a project: `counterfoil.key` signs and is kept secret, `counterfoil.pub` verifies and is given away.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::Project;
use super::files::{KEY_FILE, PUBLIC_KEY_FILE};
use crate::environment::{CheckpointKeys, Randomness};
use crate::note::{BadKey, SigningKey, VerifyingKey};
use crate::problem::Problem;

/// Limit far above the length of any key.
const LONGEST: u64 = 4 << 10;

impl Project {
    /// Makes a new key pair in a folder. Only the owner can read the signing key. Returns the files written.
    ///
    /// # Errors
    /// When a key already exists, or a file cannot be written.
    pub fn make_keys(
        folder: &Path,
        name: &str,
        randomness: &dyn Randomness,
    ) -> Result<Vec<PathBuf>, Problem> {
        let key = SigningKey::generate(name, &randomness.seed())
            .map_err(|error| bad(&folder.join(KEY_FILE), &error))?;
        let files = [
            (folder.join(KEY_FILE), key.to_text(), true),
            (folder.join(PUBLIC_KEY_FILE), key.verifying().to_text(), false),
        ];
        // Writes both or neither.
        for (path, ..) in &files {
            if path.exists() {
                return Err(unwritable(path, &ErrorKind::AlreadyExists.into()));
            }
        }
        for (path, text, secret) in &files {
            write_new(path, &format!("{text}\n"), *secret).map_err(|error| unwritable(path, &error))?;
        }
        Ok(files.into_iter().map(|(path, ..)| path).collect())
    }

    /// Returns the keys of the project in a folder: the pair, only the public key, or none.
    ///
    /// # Errors
    /// When a file exists but is not a key, or when others may read the signing key.
    pub fn keys(folder: &Path) -> Result<CheckpointKeys, Problem> {
        let signing = folder.join(KEY_FILE);
        if signing.exists() {
            return Self::signing_key(&signing).map(CheckpointKeys::signing);
        }
        let public = folder.join(PUBLIC_KEY_FILE);
        if !public.exists() {
            return Ok(CheckpointKeys::default());
        }
        Self::public_key(&public).map(CheckpointKeys::verifying)
    }

    /// Returns the key for verifying only: from the file of the public key or, if that does not exist, from the file of
    /// the signing key. Does not check whether others may read the signing key; one that cannot be read counts as
    /// missing.
    ///
    /// # Errors
    /// When a file exists but is not a key.
    pub fn keys_to_check(folder: &Path) -> Result<CheckpointKeys, Problem> {
        let (public, signing) = (folder.join(PUBLIC_KEY_FILE), folder.join(KEY_FILE));
        if public.exists() {
            return Self::public_key(&public).map(CheckpointKeys::verifying);
        }
        match read(&signing) {
            Ok(text) => {
                let key = SigningKey::parse(&text).map_err(|error| bad(&signing, &error))?;
                Ok(CheckpointKeys::verifying(key.verifying()))
            }
            Err(_) => Ok(CheckpointKeys::default()),
        }
    }

    /// Reads either half of a key pair from its file, for verifying only.
    ///
    /// # Errors
    /// When the file cannot be read or is not a key.
    pub fn key_to_check(path: &Path) -> Result<VerifyingKey, Problem> {
        let text = read(path).map_err(|error| unreadable(path, &error))?;
        if let Ok(key) = SigningKey::parse(&text) {
            return Ok(key.verifying());
        }
        VerifyingKey::parse(&text).map_err(|error| bad(path, &error))
    }

    /// Reads a public key from its file.
    ///
    /// # Errors
    /// When the file cannot be read or is not a public key.
    pub fn public_key(path: &Path) -> Result<VerifyingKey, Problem> {
        let text = read(path).map_err(|error| unreadable(path, &error))?;
        VerifyingKey::parse(&text).map_err(|error| bad(path, &error))
    }

    /// Reads a signing key from its file.
    ///
    /// # Errors
    /// When the file cannot be read, is not a key, or may be read by others.
    pub fn signing_key(path: &Path) -> Result<SigningKey, Problem> {
        let text = read(path).map_err(|error| unreadable(path, &error))?;
        if is_open_to_others(path) {
            let message = format!("other users can read `{}` and sign in your name", path.display());
            let problem = Problem::error("key.readable", None, message);
            return Err(problem.help(format!("`chmod 600 {}`", path.display())));
        }
        SigningKey::parse(&text).map_err(|error| bad(path, &error))
    }
}

/// Reads a key's file, up to a limit: a pipe or a device would never end.
pub(super) fn read(path: &Path) -> std::io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(LONGEST)
        .read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

fn write_new(path: &Path, text: &str, secret: bool) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = secret;
    options.open(path)?.write_all(text.as_bytes())
}

fn bad(path: &Path, error: &BadKey) -> Problem {
    let problem = Problem::error("key.bad", None, format!("`{}`: {error}", path.display()));
    problem.help(
        "restore the file, or create a new key: move this file and its counterpart away, then run `counterfoil \
         checkpoint --new-key --accept-restore --reason TEXT`",
    )
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    let message = format!("the key `{}` cannot be read: {error}", path.display());
    Problem::error("key.unreadable", None, message).help("name another with `--key FILE`")
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    if error.kind() == ErrorKind::AlreadyExists {
        let message = format!("`{}` already exists and was not overwritten", path.display());
        return Problem::error("key.exists", None, message).help("move both files of the old key away first");
    }
    let message = format!("`{}` cannot be written: {error}", path.display());
    Problem::error("key.unwritable", None, message).help("keys are created in the project folder")
}
