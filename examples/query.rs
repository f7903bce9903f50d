//! Questions to a database: conditions, order and pages, numbers compared exactly.
//!
//! `cargo run --example query`

use counterfoil::Decimal;
use counterfoil::query::{Condition, Is, Order, Query};
use counterfoil::{Environment, Store, StoreOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let elsewhere = tempfile::tempdir()?;
    let path = elsewhere.path().join("orders.db");
    let mut store = Store::open_or_create(path, StoreOptions::default(), Environment::default())?;
    let mut orders = store.database("orders")?;
    for (id, data) in [
        ("1", r#"{"status":"shipped","total":10.10,"tags":["new"]}"#),
        ("2", r#"{"status":"pending","total":9.95}"#),
        ("3", r#"{"status":"shipped","total":10.1,"coupon":null}"#),
        ("4", r#"{"status":"delivered","total":"12.00"}"#),
    ] {
        orders.insert(id, data)?;
    }

    let ids = |query: &Query| -> counterfoil::Result<Vec<String>> {
        Ok(store
            .query("orders", query)?
            .into_iter()
            .map(|record| record.id)
            .collect())
    };
    let exactly = Query::new().filter("total", Is::Equal, Decimal::new(101, 1))?;
    println!("a total of 10.1, however it is written: {:?}", ids(&exactly)?);

    let dear = Condition::new("total", Is::AtLeast, 10)?;
    let waiting = Condition::new("status", Is::In, ["pending", "processing"])?;
    let either = Query::new()
        .matching(dear.or(waiting))
        .sort("total", Order::Descending)?;
    println!("at least 10, or waiting, dearest first: {:?}", ids(&either)?);

    let no_coupon = Query::new().matching(!Condition::new("coupon", Is::Exists, true)?);
    println!("without a coupon, null being one: {:?}", ids(&no_coupon)?);

    let mut page = Query::new().limit(3);
    loop {
        let records = store.query("orders", &page)?;
        let Some(last) = records.last() else { break };
        println!("a page of {}", records.len());
        page = Query::new().limit(3).after(last.number);
    }
    Ok(())
}
