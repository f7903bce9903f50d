//! The files of a project's folder.

/// File that makes a folder a project.
pub const PROJECT_FILE: &str = "counterfoil.toml";
/// File of the signing key: secret, must not be committed.
pub const KEY_FILE: &str = "counterfoil.key";
/// File of the public key, which verifies signatures.
pub const PUBLIC_KEY_FILE: &str = "counterfoil.pub";
