//! Foreign objects of a schema, which this program does not make: their owners, and the statements that drop them.

use super::objects::SchemaObject;
use crate::digest::hex;

/// Returns whether SQLite makes an object for internal use. The text decides, not the name: anybody who writes into the
/// schema can choose any name.
pub(super) fn is_of_sqlite(object: &SchemaObject) -> bool {
    const TABLES: [&str; 5] = [
        "CREATE TABLE sqlite_sequence(name,seq)",
        "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
        "CREATE TABLE sqlite_stat2(tbl,idx,sampleno,sample)",
        "CREATE TABLE sqlite_stat3(tbl,idx,neq,nlt,ndlt,sample)",
        "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
    ];
    match (object.kind.as_str(), &object.sql) {
        ("index", None) => true,
        ("table", Some(sql)) => TABLES.contains(&sql.as_str()),
        _ => false,
    }
}

/// Returns the virtual table that a table belongs to, by its name, as fts3 to fts5 and rtree name theirs.
pub(super) fn virtual_owner(name: &str) -> Option<&str> {
    const PARTS: [&str; 11] = [
        "data", "idx", "content", "docsize", "config", "segments", "segdir", "stat", "node", "rowid",
        "parent",
    ];
    let (owner, part) = name.rsplit_once('_')?;
    PARTS.contains(&part).then_some(owner)
}

/// Returns the statement that drops an object, in characters that can be seen and typed; `None` if there is none.
pub(super) fn dropped(object: &SchemaObject) -> Option<String> {
    let (name, kind) = (object.name.as_str(), object.kind.as_str());
    if !["table", "index", "view", "trigger"].contains(&kind) {
        return None;
    }
    let is_plain = name
        .chars()
        .all(|c| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric());
    let is_reserved = name
        .get(..7)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("sqlite_"));
    if is_plain && !is_reserved {
        let name = name.replace('"', "\"\"");
        // Without IF EXISTS, dropping a trigger would fail if its table was rebuilt before.
        return Some(format!("DROP {} IF EXISTS \"{name}\";", kind.to_uppercase()));
    }
    // SQLite does not drop an object with a reserved name, and a terminal cannot reproduce control characters: the only
    // way left is the schema table. The pages of a table remain until the file is rewritten.
    let value = hex(name.as_bytes()).to_uppercase();
    let belongs = if kind == "table" {
        format!("hex(tbl_name)='{value}'")
    } else {
        format!("type='{kind}' AND hex(name)='{value}'")
    };
    let vacuum = if ["table", "index"].contains(&kind) {
        " VACUUM;"
    } else {
        ""
    };
    Some(format!(
        "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE {belongs}; PRAGMA writable_schema=RESET;{vacuum}"
    ))
}
