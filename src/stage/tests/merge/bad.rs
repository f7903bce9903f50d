use super::{TEN_LINES, problems};

/// The problems of a stage that merges, with `rest` after the ten lines.
fn of(rest: &str) -> String {
    problems(&format!("{TEN_LINES}{rest}"))
}

#[test]
fn every_problem_has_its_code_its_place_and_what_to_do() {
    let cases = [
        // Keys and words.
        "idenity = {}\n",
        "classes = 4\n",
        "learn = \"deep\"\n",
        "caution = \"hihg\"\n",
        "sequence = \"any\"\n",
        "auto = \"high\"\n",
        "by = { given = 3 }\n",
        "[[merge.field]]\nname = \"given\"\nkind = \"surnam\"\n",
        "[[merge.field]]\nname = \"given\"\nkind = \"First_Name\"\n",
        "[[merge.field]]\nname = \"given\"\nkind = \"nonsense\"\n",
        "[[merge.field]]\nname = \"given\"\ncompare = \"nam\"\n",
        "[[merge.field]]\nname = \"given\"\nfunction = \"x\"\n",
        "[[merge.field]]\nname = \"given\"\ncompare = \"rust\"\nfunction = \"x\"\nversion = 1\n",
        "[[merge.group]]\nlevels = [\"street\"]\nname = \"place\"\n",
        "[[merge.block]]\nlimit = 1\nkey = 3\n",
        "[[merge.conflict]]\nname = \"x\"\nwhen = \"= a.ssn != b.ssn\"\nthen = \"merge\"\n",
        "[merge.cluster]\njoint = \"mean\"\n",
        "[merge.limits]\nmemory = \"much\"\n",
        // Fields.
        "[[merge.field]]\nname = \"surnam\"\n",
        "[[merge.field]]\nname = \"given\"\n[[merge.field]]\nname = \"given\"\n",
        "[[merge.field]]\nname = \"given\"\nrole = \"shared\"\n",
        "[[merge.field]]\nname = \"given\"\nlevels = [0.9, 1]\n",
        "[[merge.field]]\nname = \"birth\"\nlevels = [1, 0.9]\n",
        "[[merge.field]]\nname = \"given\"\nswap = \"surnme\"\n",
        "[[merge.field]]\nname = \"given\"\nswap = \"given\"\n",
        "[[merge.field]]\nname = \"other names\"\nvalue = \"x\"\n",
        "[[merge.field]]\nname = \"others\"\nvalue = \"names[*]\"\n",
        "[[merge.field]]\nname = \"others\"\nvalue = \"a..b\"\n",
        "[[merge.field]]\nname = \"full\"\nvalue = \"= given + surnam\"\n",
        "[[merge.field]]\nname = \"today\"\nvalue = \"= now()\"\n",
        // Groups, keys, conflicts.
        "[[merge.group]]\nname = \"place\"\nlevels = [[\"street\", \"numbr\"], []]\n",
        "[[merge.group]]\nname = \"one\"\nlevels = [[\"street\"]]\n[[merge.group]]\nname = \"two\"\nlevels = [[\"street\"]]\n",
        "[[merge.block]]\nkey = [\"soundex(surname)\"]\n",
        "[[merge.block]]\nkey = [\"= soundex(surnam)\", \"= birth.yaer\"]\n",
        "[[merge.block]]\nkey = []\n",
        "block = []\n",
        "[[merge.field]]\nname = \"fixed\"\nvalue = \"= 5\"\n",
        "[[merge.field]]\nname = \"nothing\"\nvalue = \"= ()\"\n",
        "[[merge.field]]\nname = \"names\"\nvalue = \"= [doc.a, doc.b]\"\n",
        "[[example]]\nname = \"x\"\ninputs = ['{}']\noutputs = [{}]\n",
        "[[merge.conflict]]\nname = \"x\"\nwhen = \"= a.ssn != b.snn\"\n",
        "[[merge.conflict]]\nname = \"x\"\nwhen = \"= 1 == 2\"\n",
        "[[merge.conflict]]\nname = \"x\"\nwhen = \"= a.given\"\n",
        // Numbers that do not fit together.
        "review = 0.995\n",
        "auto = 1\n",
        "auto = nan\n",
        "[[merge.weight]]\nof = \"given\"\nbits = [nan, 1]\n",
        "[[merge.weight]]\nof = \"given\"\nbits = [\"1\"]\n",
        "prior = 2\n",
        "learn = \"given\"\n",
        "[[merge.weight]]\nof = \"given\"\nbits = [1, 2]\n",
        "learn = \"em\"\n[[merge.weight]]\nof = \"given\"\nbits = [1, 2]\n",
        "by = { given = \"first\" }\n",
    ];
    let found: Vec<String> = cases.iter().map(|rest| of(rest)).collect();
    let found = found.join("\n") + "\n";
    snapbox::assert_data_eq!(found, snapbox::file!["bad.txt"].raw());
}

#[test]
fn a_merge_excludes_what_changes_each_record() {
    let stage = |rest: &str| problems(&format!("[stage]\nsource = \"a1\"\n{rest}"));
    let merge = "[merge]\nidentity = { given = \"a\" }\n";
    let found: String = [
        stage(merge),
        stage(&format!("target = \"a1\"\n{merge}")),
        stage(&format!(
            "target = \"a2\"\nprepare = \"let a = 1\"\non_conflict = \"skip\"\nstale = \"remove\"\n{merge}"
        )),
        stage(&format!(
            "target = \"a2\"\n{merge}[into]\na = 1\n[[op]]\nop = \"trim\"\npath = \"a\"\n"
        )),
        stage("target = \"a2\"\n[merge]\n"),
        stage("target = \"a2\"\n[merge]\nidentity = {}\n"),
        stage("target = \"a2\"\n[merge]\nshared = { surname = \"a\" }\n"),
        stage("target = \"a2\"\n[merge]\nidentity = { given = \"a\" }\nshared = { given = \"b\" }\n"),
        stage("target = \"a2\"\n[merge]\nidentity = { given = \"a\" }\nclasses = 3\n"),
        stage("target = \"a2\"\n[merge]\nidentity = [\"a\"]\n"),
        stage("target = \"a2\"\nmerge = 3\n"),
    ]
    .join("\n");
    snapbox::assert_data_eq!(found, snapbox::file!["excluded.txt"].raw());
}

#[test]
fn the_rules_of_survival_are_checked() {
    let found: Vec<String> = [
        "default = \"newst\"\n",
        "default = \"latest\"\n",
        "default = \"shortest\"\n",
        "default = { by = \"newest\", whole = true }\n",
        "address = { of = \"= doc.x\" }\n",
        "address = \"source\"\n",
        "address = { by = \"source\", of = \"= doc.x\" }\n",
        "address = { by = \"union\", of = \"= doc.x\" }\n",
        "address = { by = \"newest\", of = \"doc.x\" }\n",
        "address = { by = \"newest\", of = \"= dco.x\" }\n",
        "address = { by = \"newest\", whole = true }\n\"address.zip\" = \"union\"\n",
        "\"a..b\" = \"union\"\n",
        "address = 3\n",
        "name.first = \"longest\"\n",
        "\"visits[*].at\" = \"longest\"\n",
        "address = { by = \"union\", whole = true }\n",
        "provenance = \"\"\n",
        "provenance = true\n",
    ]
    .iter()
    .map(|rest| of(&format!("[merge.survive]\n{rest}")))
    .collect();
    let found = found.join("\n") + "\n";
    snapbox::assert_data_eq!(found, snapbox::file!["survival.txt"].raw());
}
