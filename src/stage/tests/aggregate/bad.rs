use super::{TEN_LINES, problems};

/// The problems of the ten lines with `rest` after them.
fn of(rest: &str) -> String {
    problems(&format!("{TEN_LINES}{rest}"))
}

/// The problems of a stage with these lines in `[aggregate]`.
fn section(lines: &str) -> String {
    problems(&format!(
        "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n[aggregate]\n{lines}"
    ))
}

#[test]
fn every_problem_has_its_code_its_place_and_what_to_do() {
    let cases = [
        // Keys and words.
        "evry = \"5m\"\n",
        "align = \"hour\"\n",
        "closed = \"right\"\n",
        "label = \"middle\"\n",
        "empty = \"omit\"\n",
        "gap = 0\n",
        "empty = \"skip\"\ngap = 5\n",
        "late = \"drop\"\n",
        "late = \"refuse\"\n",
        "closed_after = \"2h\"\n",
        "late = \"leave\"\nclosed_after = \"1d\"\n",
        "hold = \"soon\"\n",
        "memory = \"much\"\n",
        "memory = 1000\n",
        "zone = \"Berlin\"\n",
        "origin = \"yesterday\"\n",
        "origin = \"2026-01-01T00:00:00.5Z\"\n",
        "align = \"day\"\norigin = 2026-01-01T00:00:00Z\n",
        "label = \"right\"\nend = \"ends\"\n",
        "rows = \"sensor_id\"\n",
        "name = \"\"\n",
        // Series.
        "[aggregate.fill]\ntemperature_men = 0\n",
        "[aggregate.fill]\ntemperature_mean = \"interpolate\"\n",
        "[aggregate.fill]\ntemperature_mean = { with = \"interpolate\" }\n",
        "[aggregate.fill]\ntemperature_mean = { with = \"carri\" }\n",
        "[aggregate.fill]\ntemperature_mean = { with = \"carry\", value = 1 }\n",
        "[[aggregate.rolling]]\nof = \"temperature_mean\"\n",
        "[[aggregate.rolling]]\nof = \"temperature\"\nover = 12\ntake = \"mean\"\n",
        "[[aggregate.rolling]]\nof = \"temperature_mean\"\nover = 12\ntake = \"p95\"\n",
        "[[aggregate.rolling]]\nof = \"temperature_mean\"\nover = 12\ntake = []\n",
        "[[aggregate.rolling]]\nof = \"temperature_mean\"\nover = 12\ntake = [\"mean\", \"std\"]\nas = \"one\"\n",
        "[[aggregate.rolling]]\nof = \"temperature_mean\"\nover = 12\ntake = \"mean\"\nmin_periods = 13\n",
        "[[aggregate.rolling]]\nof = \"temperature_mean\"\nover = 1.5\ntake = \"mean\"\n",
        "[[aggregate.anomaly]]\nname = \"odd\"\nof = \"temperature_mean\"\n",
        "[[aggregate.anomaly]]\nname = \"odd\"\nof = \"temperature_mean\"\nrule = \"mad\"\n",
        "[[aggregate.anomaly]]\nname = \"odd\"\nof = \"temperature_mean\"\nrule = \"season\"\n",
        "[[aggregate.anomaly]]\nname = \"odd\"\nof = \"temperature_mean\"\nrule = \"zz\"\n",
        "[[aggregate.anomaly]]\nname = \"odd\"\nof = \"temperature_mean\"\nover = 12\nk = 0\n",
        "[[aggregate.anomaly]]\nname = \"odd\"\nof = \"temperature_mean\"\nover = 12\nk = 2\nmax = 3\n",
        "[[aggregate.anomaly]]\nname = \"odd\"\nof = \"temperature_mean\"\nrule = \"outside\"\n",
        "[[aggregate.anomaly]]\nname = \"odd\"\nof = \"temperature_mean\"\nrule = \"outside\"\nmin = 3\nmax = 2\n",
        "[[aggregate.anomaly]]\nname = \"window\"\nof = \"temperature_mean\"\nover = 12\nk = 2\n",
        // Fields.
        "[aggregate.fields]\nquality = \"win.sample_count\"\n",
        "[aggregate.fields]\nquality = \"= win.sample_cuont > 2\"\n",
        "[aggregate.fields]\nquality = \"= doc.temperature\"\n",
        "[aggregate.fields]\nquality = \"= now()\"\n",
        "[[example]]\nname = \"x\"\ninput = '{}'\noutput = '{}'\n",
    ];
    let found: Vec<String> = cases.iter().map(|rest| of(rest)).collect();
    let found = found.join("\n") + "\n";
    snapbox::assert_data_eq!(found, snapbox::file!["bad.txt"].raw());
}

#[test]
fn what_is_measured_and_when_is_checked() {
    let windows = "by = \"s\"\ntime = \"t\"\nevery = \"5m\"\n";
    let measures = |lines: &str| format!("{windows}[aggregate.measures]\n{lines}");
    let cases = [
        "time = \"t\"\n".to_owned(),
        "every = \"5m\"\n[[aggregate.rolling]]\nof = \"a\"\nover = 3\ntake = \"mean\"\n".to_owned(),
        "by = 3\n".to_owned(),
        "by = [\"s\", 3]\n".to_owned(),
        "by = \"= doc.s\"\n".to_owned(),
        "by = { s = \"= dco.s\" }\n".to_owned(),
        "by = { s = \"= now()\" }\n".to_owned(),
        "by = \"items[*].s\"\n".to_owned(),
        "by = \"items[0]\"\n".to_owned(),
        "by = [\"a.s\", \"b.s\"]\n".to_owned(),
        "time = 3\n".to_owned(),
        "time = { formats = [] }\nevery = \"5m\"\n".to_owned(),
        "time = { path = \"t\", formats = [\"%d.%m.%Y %H:%M\"] }\nevery = \"5m\"\n".to_owned(),
        "time = { path = \"t\", formats = [\"%Q\"], zone = \"Mars\" }\nevery = \"5m\"\n".to_owned(),
        "time = \"t\"\nevery = \"1d\"\n".to_owned(),
        "time = \"t\"\nevery = 5\n".to_owned(),
        "time = \"t\"\nevery = \"day\"\nalign = \"day\"\n".to_owned(),
        "time = \"t\"\nevery = \"month\"\norigin = \"2026-01-15\"\n".to_owned(),
        "time = \"t\"\nevery = \"week\"\norigin = \"2026-01-15T00:00:00Z\"\n".to_owned(),
        "time = \"t\"\nevery = \"36h\"\nalign = \"day\"\n".to_owned(),
        format!("{windows}measures = \"mean\"\n"),
        measures("temperature = 3\n"),
        measures("temperature = []\n"),
        measures("temperature = \"avg\"\n"),
        measures("temperature = [\"mean\", \"meen\"]\n"),
        measures("temperature = \"mad\"\n"),
        measures("temperature = \"p100\"\n"),
        measures("temperature = [\"mean\", \"mean\"]\n"),
        measures("engine.rpm = \"mean\"\n"),
        measures("temperature = { as = \"t\" }\n"),
        measures("temperature = { take = \"mean\", digits = 3, places = 2 }\n"),
        measures("temperature = { take = \"mean\", digits = 0 }\n"),
        measures("temperature = { take = \"median\", exact = 2000000 }\n"),
        measures("temperature = { take = \"median\", error = \"1%\" }\n"),
        measures("temperature = { take = \"mean\", values = \"decimal\" }\n"),
        measures("temperature = { tkae = \"mean\" }\n"),
        measures("\"a[*]\" = \"mean\"\n"),
        measures("\"a..b\" = \"mean\"\n"),
        measures("lines = { list = 3 }\n"),
        measures("lines = { list = [\"a.x\", \"b.x\"] }\n"),
        measures(
            "lines = { list = [\"a\"], take = \"mean\" }\n[[aggregate.rolling]]\nof = \"lines\"\nover = 2\ntake = \"sum\"\n",
        ),
        format!(
            "{}[[aggregate.rolling]]\nof = \"lines\"\nover = 2\ntake = \"sum\"\n",
            measures("lines = { list = [\"a\"] }\n")
        ),
        format!(
            "{}[aggregate.fill]\nlines = 0\ns_count = 0\n",
            measures("lines = { list = [\"a\"] }\ns = \"count\"\n")
        ),
    ];
    let found: Vec<String> = cases.iter().map(|lines| section(lines)).collect();
    let found = found.join("\n") + "\n";
    snapbox::assert_data_eq!(found, snapbox::file!["measures.txt"].raw());
}

#[test]
fn an_aggregate_excludes_what_changes_each_record() {
    let stage = |rest: &str| problems(&format!("[stage]\nsource = \"a1\"\n{rest}"));
    let aggregate = "[aggregate]\nby = \"s\"\n";
    let found: String = [
        stage(aggregate),
        stage(&format!("target = \"a1\"\n{aggregate}")),
        stage(&format!(
            "target = \"a2\"\nid = \"= doc.s\"\non_conflict = \"skip\"\nstale = \"remove\"\n{aggregate}"
        )),
        stage(&format!(
            "target = \"a2\"\n{aggregate}[into]\na = 1\n[merge]\nby = {{ s = \"s\" }}\n[[op]]\nop = \"trim\"\npath = \"a\"\n"
        )),
        stage(&format!(
            "target = \"a2\"\nwhere = \"= doc.at < now()\"\nprepare = \"let a = lookup(\\\"people\\\", doc.s);\"\n{aggregate}"
        )),
        stage(&format!(
            "target = \"a2\"\n{aggregate}[[contract.unique]]\nname = \"one\"\nkey = \"= doc.s\"\n\
             [[contract.references]]\nname = \"two\"\nvalue = \"= doc.s\"\nto = \"sensors\"\n"
        )),
        stage("target = \"a2\"\naggregate = 3\n"),
    ]
    .join("\n");
    snapbox::assert_data_eq!(found, snapbox::file!["excluded.txt"].raw());
}
