//! `apply --rehearse` does it all on a copy.

use super::{bank, outcomes, shipped, shop, snapshot};

#[test]
fn a_rehearsal_does_it_all_and_leaves_the_store_as_it_is() {
    for project in [shop(), bank()] {
        let before = snapshot(&project);
        let said = project.run(&["apply", "--rehearse", "--max-errors", "100%", "--json"]);
        assert!(matches!(said.code, 0 | 3), "{said:?}");
        let rehearsed = said.data();
        assert_eq!(before, snapshot(&project), "the store is as it was");
        let rehearsal = &rehearsed["rehearsal"];
        assert_eq!(rehearsal["verified"]["problems"], 0);
        assert_eq!(
            rehearsal["compared"]["differences"].as_array().map(Vec::len),
            Some(0)
        );
        assert!(rehearsal["compared"]["records"].as_u64() > Some(100));
        assert!(rehearsal["rolled_back"]["counts"]["read"].as_u64() > Some(100));
        let applied = project.run(&["apply", "--max-errors", "100%", "--json"]).data();
        assert_eq!(outcomes(&rehearsed["passes"]), outcomes(&applied["passes"]));
        assert_eq!(rehearsed["reconciled"], applied["reconciled"]);
    }
}

#[test]
fn a_rehearsal_of_the_recomputing_shop_reports_what_is_left_unexplained() {
    let project = shipped("shop_recompute", "orders_v1", "order_id");
    let said = project.run(&["apply", "--rehearse", "--max-errors", "100%"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        said.err.contains("unexplained differences") && said.out.contains("rehearsed:"),
        "{said:?}"
    );
}
