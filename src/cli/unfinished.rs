//! The passes that have begun and not ended, as `status`, `plan`, `apply`, `report` and `load` show them.

use counterfoil::history::UnfinishedPass;
use counterfoil::store::Store;
use serde_json::Value as Json;

use super::answer::{Answer, json};
use super::failure::Failure;
use super::render::shown;
use super::session::Session;

/// Renders what has not ended, and how to continue.
pub(crate) fn render(session: &Session<'_>, pass: &UnfinishedPass) -> String {
    let go_on = session.command_line(&pass.go_on);
    let what = shown(&pass.describe()).into_owned();
    if pass.running.is_some() {
        return what;
    }
    let given = pass.given();
    let mut text = format!("{what}: {go_on} continues it{given}");
    if let Some(give_up) = &pass.give_up {
        text += &format!("; {} gives it up", session.command_line(give_up));
    }
    text
}

/// Adds a warning for every unfinished pass, except those that are reported elsewhere.
pub(crate) fn warn(
    session: &Session<'_>,
    store: &Store,
    answer: Answer,
    is_reported: impl Fn(&UnfinishedPass) -> bool,
) -> Result<Answer, Failure> {
    let mut open = store.unfinished()?;
    open.retain(|pass| !is_reported(pass));
    let warnings: Vec<String> = open.iter().map(|pass| render(session, pass)).collect();
    let mut answer = answer.warnings(warnings);
    if let Json::Object(data) = &mut answer.data {
        data.insert("unfinished".to_owned(), json(&open));
    }
    Ok(answer)
}
