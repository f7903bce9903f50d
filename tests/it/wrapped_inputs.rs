//! What stands around a list of records is read to its end: nothing behind the list is lost without a word.

use crate::support::world::Scene;

fn loaded(input: &str, pointer: &str) -> (i32, String, String) {
    let scene = Scene::named("shop", &[("in.json", input)]);
    let said = scene.run(&["load", "r", "in.json", "--records", pointer]);
    let there = scene.run(&["export", "r"]);
    (said.code, said.err, there.out)
}

#[test]
fn what_stands_behind_the_list_is_json_and_has_the_list_only_once() {
    for (input, pointer, problem) in [
        (
            "{\"f\":[{\"id\":\"1\"}],\"next\":2}\n{\"f\":[{\"id\":\"2\"}]}\n",
            "/f",
            "trailing characters",
        ),
        (
            "{\"f\":[{\"id\":\"1\"}],\"f\":[{\"id\":\"2\"}]}",
            "/f",
            "the same name occurs again",
        ),
        (
            "{\"m\":{\"f\":[{\"id\":\"1\"}]},\"m\":{\"f\":[]}}",
            "/m/f",
            "the same name occurs again",
        ),
        ("{\"f\":[{\"id\":\"1\"}]", "/f", "EOF while parsing"),
        ("{\"m\":{\"f\":[{\"id\":\"1\"}]}", "/m/f", "EOF while parsing"),
        ("{\"f\":[{\"id\":\"1\"}],\"x\":nonsense}", "/f", "expected ident"),
        (
            "{\"f\":[{\"id\":\"1\"}],\"x\":[1,{\"y\":tru}]}",
            "/f",
            "expected ident",
        ),
        ("{\"f\":[{\"id\":\"1\"}]} trailing", "/f", "trailing characters"),
        ("{\"f\":[{\"id\":\"1\"}]]}", "/f", "expected"),
    ] {
        let (code, err, there) = loaded(input, pointer);
        assert_eq!(code, 1, "{input}: {err}");
        assert!(
            err.contains("after the list at") && err.contains(problem),
            "{input}: {err}"
        );
        assert_eq!(there, "", "{input}: nothing of it was loaded");
    }
}

#[test]
fn whatever_json_stands_around_the_list_does_not_matter() {
    for (input, pointer) in [
        ("{\"f\":[{\"id\":\"1\"}]}", "/f"),
        (
            "\u{feff}{\"a\":{\"f\":[2]},\"f\" : [{\"id\":\"1\"}] ,\n\"x\":[{\"f\":[]},\"]}\",-1.5e3,null]}\n\n",
            "/f",
        ),
        (
            "{\"m\":{\"x/y\":[{\"id\":\"1\"}],\"n\":{}},\"x/y\":[]}",
            "/m/x~1y",
        ),
    ] {
        let (code, err, there) = loaded(input, pointer);
        assert_eq!((code, there.as_str()), (0, "{\"id\":\"1\"}\n"), "{input}: {err}");
    }
}
