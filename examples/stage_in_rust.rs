//! A stage built in Rust: operations, then a closure for what no operation says.
//!
//! `cargo run --example stage_in_rust`

use counterfoil::context::Context;
use counterfoil::environment::Secrets;
use counterfoil::op::{Rename, Split};
use counterfoil::refusal::Refusal;
use counterfoil::{Outcome, Record, RecordNumber, Stage, Value};

/// Flags what goes to a free mail host; an address without `@` is refused.
fn flag(record: &Record, _context: &Context<'_>) -> Result<Outcome, Refusal> {
    let mut document = record.document().map_err(|error| Refusal::new(error.code, ""))?;
    let email = document.get("email").and_then(Value::as_text).unwrap_or_default();
    let Some((_, host)) = email.split_once('@') else {
        return Err(Refusal::new("email.no_host", "/email").expected("a text with an @"));
    };
    let free = ["example.com", "example.org"].contains(&host);
    document.set("free_host", Value::boolean(free));
    Ok(Outcome::write(record, &document))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::new(1, "contacts")
        .source("contacts_v1")
        .target("contacts_v2")
        .op(Rename::new("mail", "email"))
        .op(Split::new("name", " ").into_fields(["first_name", "last_name"]))
        .transform(flag)
        .version(1)
        .keeps_ids()
        .build()?;

    let secrets = Secrets::default();
    for (id, data) in [
        (
            "1",
            r#"{"name":"Ada Lovelace","mail":"ada@example.com","vip":true}"#,
        ),
        ("2", r#"{"name":"Grace Hopper","mail":"nowhere"}"#),
        ("3", r#"{"name":"Madonna","mail":"m@music.test"}"#),
    ] {
        let record = Record {
            number: RecordNumber::new(1),
            id: id.to_owned(),
            data: data.to_owned(),
        };
        let context = Context::new("contacts", stage.number(), &secrets).id(id);
        match stage.transform(&record, &context) {
            Ok(Outcome::Write(output)) => println!("{id}: {}", output.data),
            Ok(other) => println!("{id}: {other:?}"),
            Err(refusal) => println!("{id}: refused, {refusal}"),
        }
    }
    Ok(())
}
