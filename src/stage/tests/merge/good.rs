use super::{TEN_LINES, merging, parse};
use crate::matching::{Caution, Classes, Compare, Join, KeyPart, Kind, Learn, Role, Then};
use crate::stage::{Cardinality, Merge, MergeBlock, MergeBuilder, MergeField, Stage, Survive};

#[test]
fn ten_lines_are_enough() {
    let stage = parse(TEN_LINES);
    assert_eq!(stage.cardinality(), Cardinality::ManyToOne);
    assert!(!stage.takes_over_ids() && !stage.derives() && stage.ops().is_empty());
    let merge = stage.merge().unwrap();
    let settings = merge.settings();
    let names: Vec<&str> = merge.fields().collect();
    assert_eq!(
        names,
        [
            "given", "birth", "ssn", "surname", "street", "city", "zip", "phone"
        ]
    );
    let roles: Vec<Role> = settings.fields.iter().map(|field| field.role).collect();
    assert_eq!(roles[..3], [Role::Identity; 3]);
    assert_eq!(roles[3..], [Role::Shared; 5]);
    assert!(matches!(settings.fields[1].compare, Compare::Date));
    assert_eq!(settings.fields[0].cuts, [1000, 920, 850, 750]);
    assert_eq!(
        (settings.fields[0].swap, settings.fields[3].swap),
        (None, Some(0))
    );
    assert_eq!(settings.groups.len(), 1);
    assert_eq!(settings.groups[0].levels.len(), 4);
    assert!(settings.keys.is_empty());
    assert_eq!(
        (settings.classes, settings.caution),
        (Classes::Three, Caution::High)
    );
    assert_eq!(
        (settings.auto, settings.review, settings.prior),
        (990_000, 500_000, None)
    );
    assert_eq!((settings.join, settings.most), (Join::Mean, 25));
    assert_eq!(
        (settings.limits.pairs, settings.limits.memory),
        (50_000_000, 512 << 20)
    );
    assert_eq!(settings.learn, Learn::Em);
}

#[test]
fn without_shared_fields_two_classes_are_distinguished() {
    let stage = parse(
        "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n[merge]\nidentity = { first = \"a\", last = \"b\", dob = \"c\" }\n",
    );
    let settings = stage.merge().unwrap().settings();
    assert_eq!(settings.classes, Classes::Two);
    assert_eq!(settings.fields[1].swap, Some(0));
    assert!(settings.groups.is_empty());
}

#[test]
fn a_key_of_equal_fields_needs_no_model() {
    let stage = parse(
        "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n[merge]\nby = { first = \"first\", last = \"last\", birth = \"dob\" }\n",
    );
    let settings = stage.merge().unwrap().settings();
    assert_eq!(settings.fields.len(), 1);
    assert_eq!(settings.keys[0].parts, [KeyPart::Field(0)]);
    assert_eq!(settings.learn, Learn::Given(vec![vec![60_000, -60_000]]));
    let (first, second, third) = (
        r#"{"first":"Ann","last":"O'Hara","dob":"1985-03-02"}"#,
        r#"{"first":"ANN","last":"ohara ","dob":"02.03.1985"}"#,
        r#"{"first":"Ann","last":"","dob":"1985-03-02"}"#,
    );
    let key = super::compared(&stage, first);
    assert_eq!(key, "ann|ohara|1985-03-02, -");
    assert_eq!(super::compared(&stage, second), key);
    assert_eq!(super::compared(&stage, third), "-, -");
}

#[test]
fn every_key_of_a_merge_is_read() {
    let stage = merging(EVERYTHING);
    let settings = stage.merge().unwrap().settings();
    assert_eq!(settings.groups[0].levels[2].len(), 1);
    assert!(settings.groups[0].levels[2][0].similar);
    assert_eq!(settings.keys[0].limit, 300);
    assert_eq!(settings.keys[0].parts[1], KeyPart::Year(1));
    assert_eq!((settings.auto, settings.review), (995_000, 400_000));
    assert_eq!(settings.prior, Some(100_000_000));
    assert_eq!((settings.join, settings.most), (Join::All, 10));
    assert_eq!((settings.limits.pairs, settings.limits.memory), (1000, 64 << 20));
    assert_eq!((settings.classes, settings.caution), (Classes::Two, Caution::Low));
    assert!(settings.fields.iter().any(|field| field.role == Role::Hint));
    assert!(
        stage.check().iter().all(|problem| problem.code != "check.never"),
        "{:?}",
        stage.check()
    );
}

/// Every key, after the ten lines.
pub(super) const EVERYTHING: &str = r#"
learn = "em"
classes = 2
caution = "low"
auto = 0.995
review = 0.4
prior = 0.0001
sequence = "neutral"
[[merge.field]]
name = "surname"
value = "= doc.name.last + \"\""
kind = "surname"
compare = "name"
levels = [1, 0.92, 0.85]
swap = "given"
frequency = true
role = "shared"
[[merge.field]]
name = "sex"
value = "sex"
role = "hint"
[[merge.group]]
name = "place"
levels = [["street", "zip"], ["street"], ["~street"], ["city"]]
[[merge.block]]
key = ["= surname", "= birth.year"]
limit = 300
refine = "= upper(zip)"
[[merge.conflict]]
name = "two SSNs"
when = "= a.ssn != b.ssn && a.birth.year != b.birth.year"
then = "never"
[merge.cluster]
join = "all"
max = 10
one_per = "= doc.source.system"
[merge.survive]
default = "first"
"address" = { by = "newest", of = "= doc.source.updated", whole = true }
"allergies" = "union"
"blood_type" = "fail"
"phone" = { by = "source", of = "= doc.source.system", order = ["A", "B"] }
[merge.limits]
pairs = 1000
memory = "64 MiB"
"#;

#[test]
fn a_merge_built_in_rust_means_what_its_file_means() {
    let built = |merge| {
        Stage::new(1, "orders")
            .source("register")
            .target("people")
            .merge(merge)
    };
    let short = built(ten_lines()).build().unwrap();
    assert_eq!(short.meaning(), parse(TEN_LINES).meaning());
    let long = built(everything(ten_lines())).build().unwrap();
    assert_eq!(long.meaning(), merging(EVERYTHING).meaning());
}

fn ten_lines() -> MergeBuilder {
    Merge::new()
        .identity("given", "name.first")
        .identity("birth", "dob")
        .identity("ssn", "ssn_key")
        .shared("surname", "name.last")
        .shared("street", "address.street")
        .shared("city", "address.city")
        .shared("zip", "address.zip")
        .shared("phone", "phone")
}

fn everything(merge: MergeBuilder) -> MergeBuilder {
    let surname = MergeField::new("surname")
        .value("= doc.name.last + \"\"")
        .kind(Kind::Surname)
        .compare(Compare::Name)
        .levels([1000, 920, 850])
        .swap("given")
        .frequency(true)
        .role(Role::Shared);
    let source = Survive::Source {
        of: "doc.source.system".to_owned(),
        order: vec!["A".to_owned(), "B".to_owned()],
    };
    let levels = [
        vec!["street", "zip"],
        vec!["street"],
        vec!["~street"],
        vec!["city"],
    ];
    merge
        .field(surname)
        .field(MergeField::new("sex").value("sex").role(Role::Hint))
        .group("place", levels)
        .block(
            MergeBlock::new(["= surname", "birth.year"])
                .limit(300)
                .refine("upper(zip)"),
        )
        .conflict(
            "two SSNs",
            "a.ssn != b.ssn && a.birth.year != b.birth.year",
            Then::Never,
        )
        .classes(Classes::Two)
        .caution(Caution::Low)
        .auto(995_000)
        .review(400_000)
        .prior(100_000_000)
        .join(Join::All)
        .max(10)
        .one_per("doc.source.system")
        .survive_default(Survive::First)
        .survive_whole("address", Survive::NewestBy("doc.source.updated".to_owned()))
        .survive("allergies", Survive::Union)
        .survive("blood_type", Survive::Fail)
        .survive("phone", source)
        .max_pairs(1000)
        .max_memory(64 << 20)
}

#[test]
fn comments_order_of_keys_and_defaults_do_not_change_the_meaning() {
    let meaning = parse(TEN_LINES).meaning().to_owned();
    for rest in [
        "auto = 0.990\n",
        "learn = \"em\"\nsequence = \"neutral\" # for the reader\n",
        "classes = 3\n[merge.cluster]\nmax = 25\n",
        "[[merge.field]]\nname = \"given\"\nkind = \"given\"\nlevels = [1, 0.920, 0.85, 0.75]\n",
        "[merge.survive]\ndefault = \"most_complete\"\n[merge.limits]\nmemory = \"512 MiB\"\n",
    ] {
        assert_eq!(merging(rest).meaning(), meaning, "{rest}");
    }
    for rest in [
        "auto = 0.98\n",
        "caution = \"low\"\n",
        "group = []\n",
        "[[merge.field]]\nname = \"given\"\ncompare = \"exact\"\n",
        "[merge.survive]\n\"a\" = \"union\"\n",
        "[merge.cluster]\none_per = \"= doc.x\"\n",
    ] {
        assert_ne!(merging(rest).meaning(), meaning, "{rest}");
    }
    let others = parse("[stage]\nsource = \"a1\"\ntarget = \"a2\"\n");
    assert!(!others.meaning().contains("merge"));
}
