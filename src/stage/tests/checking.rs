use super::{ORDERS, lines, parse};

#[test]
fn the_design_s_example_gives_no_warning() {
    assert_eq!(lines(&parse(ORDERS).check()), "");
}

#[test]
fn what_is_legal_but_probably_not_meant_is_a_warning() {
    let rename =
        |from: &str, to: &str| format!("[[op]]\nop = \"rename\"\nfrom = \"{from}\"\nto = \"{to}\"\n");
    let stage = |settings: &str, rest: &str| {
        lines(&parse(&format!("[stage]\nsource = \"a1\"\n{settings}{rest}")).check())
    };
    assert_eq!(
        stage("", ""),
        "check.no_effect 0001_orders.toml:2:1: the stage changes nothing (give it operations, [into] or a `target`)\n"
    );
    let target = "target = \"a2\"\n";
    assert_eq!(stage(target, &rename("a", "b")), "");
    assert_eq!(
        stage(
            &format!("{target}redact = [\"email\"]\n"),
            &rename("email", "mail")
        ),
        "check.redact_leaks 0001_orders.toml:5:1: `email` is redacted, but its value goes to `mail`, which is not (add \"mail\" to `redact`)\n"
    );
    assert_eq!(
        stage(
            &format!("{target}redact = [\"email\"]\n"),
            "[into]\na = 1\ncontact.mail = \"= doc.email\"\n"
        ),
        "check.redact_leaks 0001_orders.toml:7:1: `email` is redacted, but its value goes to `contact`, which is not (add \"contact\" to `redact`)\n"
    );
    let look_up = "[[op]]\nop = \"lookup\"\npath = \"patient\"\nthrough = \"people\"\nas = \"golden\"\ntake = \"ssn\"\n";
    let redacted = |names: &str| stage(&format!("{target}redact = [{names}]\n"), look_up);
    assert_eq!(
        redacted("\"ssn\""),
        "check.redact_leaks 0001_orders.toml:5:1: `ssn` is redacted, but its value goes to `patient`, which is not (add \"patient\" to `redact`)\n"
    );
    assert_eq!(redacted("\"ssn\", \"patient\""), "");
    assert_eq!(
        stage(target, &(rename("a", "b") + "[into]\nx = \"= doc.a\"\n")),
        "check.gone 0001_orders.toml:9:1: `a` is read, but `rename` removed it earlier\n"
    );
    let swapped = [rename("a", "b"), rename("c", "a"), rename("a", "d")].concat();
    assert_eq!(stage(target, &swapped), "");
    let remove = "[[op]]\nop = \"remove\"\npath = \"a\"\n";
    assert!(stage("", remove).starts_with("check.lossy 0001_orders.toml:3:1: "));
    assert_eq!(stage(target, remove), "");
    let set = |value: u8| format!("[[op]]\nop = \"add\"\npath = \"a\"\nvalue = {value}\n");
    assert!(
        stage(target, &[set(1), set(2)].concat()).starts_with("check.overwritten 0001_orders.toml:8:1: ")
    );
    assert!(
        stage(&format!("{target}on_error = \"stop\"\nmax_errors = 1\n"), "")
            .starts_with("check.max_errors_unused 0001_orders.toml:5:1: ")
    );
    assert!(
        stage(&format!("{target}max_errors = \"100%\"\n"), "")
            .starts_with("check.max_errors_all 0001_orders.toml:4:1: ")
    );
    assert!(
        stage("on_conflict = \"skip\"\n", &rename("a", "b"))
            .starts_with("check.on_conflict_unused 0001_orders.toml:3:1: ")
    );
    assert!(
        stage(&format!("{target}prepare = \"let unused = 1;\"\n"), "")
            .starts_with("check.unused_name 0001_orders.toml:4:1: ")
    );
}

#[test]
fn a_redacted_value_is_not_taken_from_a_field_that_shows_it() {
    let stage = |redact: &str, rest: &str| {
        let text = format!("[stage]\nsource = \"a1\"\ntarget = \"a2\"\nredact = [{redact}]\n{rest}");
        lines(&parse(&text).check())
    };
    let rename = "[[op]]\nop = \"rename\"\nfrom = \"mail\"\nto = \"email\"\n";
    assert_eq!(
        stage("\"email\"", rename),
        "check.redact_source 0001_orders.toml:5:1: `email` is redacted, but its value comes from `mail`, which is not \
         (list \"mail\" in `redact` too)\n"
    );
    assert_eq!(stage("\"email\", \"mail\"", rename), "");
    let into = "[into]\ncontact.mail = \"= doc.mail\"\nn = \"= doc.n + 1\"\n";
    assert!(
        stage("\"contact\"", into).contains("`contact.mail` is redacted, but its value comes from `mail`")
    );
    assert_eq!(stage("\"contact\", \"mail\"", into), "");
    let made = "[[op]]\nop = \"add\"\npath = \"mail\"\nvalue = \"x\"\n";
    assert_eq!(
        stage("\"email\"", &[made, rename].concat()),
        "",
        "no record ever had it"
    );
}

#[test]
fn a_forgotten_blank_and_formats_that_disagree_are_warnings() {
    let stage = |rest: &str| {
        let text = format!("[stage]\nsource = \"a1\"\ntarget = \"a2\"\n{rest}");
        lines(&parse(&text).check())
    };
    assert!(
        stage("[into]\na = \"=total_of(b)\"\n").starts_with("check.not_an_expression 0001_orders.toml:5:5: "),
        "{}",
        stage("[into]\na = \"=total_of(b)\"\n")
    );
    assert_eq!(stage("[into]\na = \"= doc.b\"\nb = \"==\"\n"), "");
    let dates = |formats: &str, rest: &str| {
        stage(&format!(
            "[[op]]\nop = \"parse_date\"\npath = \"d\"\nformats = [{formats}]\n{rest}"
        ))
    };
    assert!(
        dates("\"%d/%m/%Y\", \"%Y-%m-%d\", \"%m/%d/%Y\"", "").starts_with("check.ambiguous_formats 0001_")
    );
    assert_eq!(dates("\"%d/%m/%Y\", \"%m-%d-%Y\"", ""), "");
    assert_eq!(
        dates("\"%d/%m/%Y\", \"%m/%d/%Y\"", "ambiguous = \"refuse\"\n"),
        ""
    );
}

#[test]
fn a_redacted_value_that_is_the_record_s_id_is_a_warning_because_ids_are_shown() {
    let stage = |settings: &str| {
        let text = format!("[stage]\nsource = \"a1\"\ntarget = \"a2\"\n{settings}\n");
        lines(&parse(&text).check())
    };
    let shown = "is redacted, but as the record's id it is shown wherever the record is named";
    assert!(
        stage("redact = [\"id\"]")
            .starts_with(&format!("check.redact_id 0001_orders.toml:4:1: `id` {shown}"))
    );
    let made = stage("redact = [\"ssn\"]\nid = \"= doc.ssn\"");
    assert!(
        made.starts_with(&format!("check.redact_id 0001_orders.toml:5:1: `ssn` {shown}")),
        "{made}"
    );
    assert_eq!(stage("redact = [\"ssn\"]\nid = \"= sha256(doc.ssn)\""), "");
    assert_eq!(stage("redact = [\"ssn\"]"), "");
}

#[test]
fn the_sum_of_what_is_redacted_is_a_warning_because_sums_are_shown() {
    let stage = |amount: &str| {
        let text = format!(
            "[stage]\nsource = \"a1\"\ntarget = \"a2\"\nredact = [\"salary\"]\n\n[[reconcile]]\nname = \"sums\"\n\
             source = \"= {amount}\"\ntarget = \"= {amount}\"\n"
        );
        lines(&parse(&text).check())
    };
    let warned = stage("doc.salary");
    assert!(
        warned.starts_with("check.redact_sum ") && warned.contains("`salary` is redacted"),
        "{warned}"
    );
    assert_eq!(stage("1"), "");
}

#[test]
fn a_slip_in_redact_is_reported_where_the_stage_has_a_name_near_to_it() {
    let text = "[stage]\nsource = \"a\"\ntarget = \"b\"\nredact = [\"ibna\", \"left_as_it_is\"]\n[[op]]\nop = \"trim\"\npath = \"iban\"\n";
    let warnings = |text: &str| lines(&parse(text).check());
    let told = warnings(text);
    assert!(
        told.starts_with("check.redact_unknown 0001_orders.toml:4:1: `ibna` is redacted"),
        "{told}"
    );
    assert!(
        told.contains("did you mean `iban`?") && !told.contains("left_as_it_is"),
        "{told}"
    );
    assert_eq!(warnings(&text.replace("ibna", "iban")), "");
}

#[test]
fn a_model_of_one_field_and_an_id_of_all_records_are_warned_of() {
    let merge =
        |rest: &str| lines(&parse(&format!("[stage]\nsource = \"a1\"\ntarget = \"a2\"\n{rest}")).check());
    assert_eq!(
        merge("[merge]\nidentity = { ssn = \"ssn\" }\n"),
        "check.lone_field 0001_orders.toml:5:20: the model compares `ssn` only, and nothing can be learned from one field \
         (name more fields; or write `by = { ssn = ... }` in place of `identity`, which merges records that are equal in it)\n"
    );
    assert_eq!(
        merge("[merge]\nidentity = { ssn = \"ssn\", birth = \"dob\" }\n"),
        ""
    );
    assert_eq!(merge("[merge]\nby = { ssn = \"ssn\" }\n"), "");
    for constant in ["5", "()", "\\\"x\\\""] {
        assert_eq!(
            merge(&format!("id = \"= {constant}\"\n")),
            "check.constant_id 0001_orders.toml:4:1: `id` is the same for every record, so at most one has it (read a \
             field that differs, for example `id = \"= doc.number\"`)\n"
        );
    }
    assert_eq!(merge("id = \"= doc.number\"\n"), "");
}
