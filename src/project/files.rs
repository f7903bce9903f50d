//! The files of a project's folder.

/// The file that makes a folder a project.
pub const PROJECT_FILE: &str = "counterfoil.toml";
/// The file of the key that signs: secret, not to be committed.
pub const KEY_FILE: &str = "counterfoil.key";
/// The file of the key that checks.
pub const PUBLIC_KEY_FILE: &str = "counterfoil.pub";
