//! What the environment says: the variables `COUNTERFOIL_*`, and who runs the command on which machine.

use counterfoil::environment::Secrets;
use counterfoil::note::SigningKey;
use counterfoil::project::ProjectSettings;

use super::failure::Failure;

const SECRET: &str = "COUNTERFOIL_SECRET_";
const SIGNING_KEY: &str = "COUNTERFOIL_SIGNING_KEY";

/// Puts what the environment says in the place of what the project's file says.
pub(crate) fn override_settings(settings: &mut ProjectSettings) -> Result<(), Failure> {
    if let Some(live) = variable("COUNTERFOIL_LIVE", "true or false", |text| match text {
        "1" | "true" | "yes" => Some(true),
        "0" | "false" | "no" => Some(false),
        _ => None,
    })? {
        settings.live = live;
    }
    if let Some(size) = variable("COUNTERFOIL_BATCH_SIZE", "a number from 1 to 1,000,000", |text| {
        text.parse().ok().filter(|size| (1..=1_000_000).contains(size))
    })? {
        settings.batch_size = size;
    }
    if let Some(bytes) = variable("COUNTERFOIL_RECORD_BYTES", "a number of bytes", |text| {
        text.parse().ok().filter(|bytes| *bytes >= 2)
    })? {
        settings.limits.bytes = bytes;
    }
    if let Some(depth) = variable("COUNTERFOIL_DEPTH", "a number from 1 to 128", |text| {
        text.parse().ok().filter(|depth| (1..=128).contains(depth))
    })? {
        settings.limits.depth = depth;
    }
    Ok(())
}

/// Whether the environment holds a key that signs, or what should be one.
pub(crate) fn names_signing_key() -> bool {
    std::env::var_os(SIGNING_KEY).is_some_and(|text| !text.is_empty())
}

/// The key that signs, where the environment holds one.
pub(crate) fn signing_key() -> Result<Option<SigningKey>, Failure> {
    let Some(text) = std::env::var_os(SIGNING_KEY).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match text.to_str().map(SigningKey::parse) {
        Some(Ok(key)) => Ok(Some(key)),
        _ => Err(Failure::usage(
            "usage.variable",
            format!("{SIGNING_KEY} is not a signing key"),
            "set it to the text of a `counterfoil.key`, PRIVATE+KEY+NAME+HASH+KEY",
        )),
    }
}

/// The secrets that the environment gives: `COUNTERFOIL_SECRET_PATIENT_KEY` is `PATIENT_KEY` and `patient_key`.
pub(crate) fn secrets() -> Result<Secrets, Failure> {
    let mut secrets = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix(SECRET)) else {
            continue;
        };
        let value = value.into_string().map_err(|_| {
            let message = format!("{SECRET}{name} is not valid UTF-8");
            Failure::usage("usage.variable", message, "set it to UTF-8 text")
        })?;
        secrets.push((name.to_ascii_lowercase(), value.clone()));
        secrets.push((name.to_owned(), value));
    }
    Ok(secrets.into_iter().collect())
}

fn variable<T>(
    name: &str,
    wanted: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let Some(value) = std::env::var_os(name) else {
        return Ok(None);
    };
    let parsed = value.to_str().and_then(parse);
    parsed.map(Some).ok_or_else(|| {
        let message = format!("{name} is {:?}", value.to_string_lossy());
        Failure::usage(
            "usage.variable",
            message,
            format!("set it to {wanted}, or unset it"),
        )
    })
}

/// Who runs the command.
pub(crate) fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    named.unwrap_or_else(unnamed_user)
}

#[cfg(unix)]
fn unnamed_user() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn unnamed_user() -> String {
    "unknown".to_owned()
}

#[cfg(unix)]
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
pub(crate) fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".to_owned())
}
