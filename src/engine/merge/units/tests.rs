//! Which clusters keep which golden records, and which are processed.

use super::*;

struct Was(Vec<(i64, i64)>, Vec<i64>);

/// As well, the records that were refused, each with the smallest member of its cluster.
struct Refused(Was, Vec<(i64, i64)>);

impl Before for Was {
    fn golden(&self, record: RecordNumber) -> Option<RecordNumber> {
        let found = self.0.iter().find(|(member, _)| *member == record.get());
        found.map(|(_, golden)| RecordNumber::new(*golden))
    }

    fn refused_with(&self, _: RecordNumber) -> Option<RecordNumber> {
        None
    }

    fn is_set_aside(&self, _: RecordNumber) -> bool {
        false
    }

    fn has_left(&self, _: RecordNumber, _: RecordNumber) -> bool {
        false
    }

    fn is_changed(&self, record: RecordNumber) -> bool {
        self.1.contains(&record.get())
    }
}

impl Before for Refused {
    fn golden(&self, record: RecordNumber) -> Option<RecordNumber> {
        self.0.golden(record)
    }

    fn refused_with(&self, record: RecordNumber) -> Option<RecordNumber> {
        let found = self.1.iter().find(|(refused, _)| *refused == record.get());
        found.map(|(_, first)| RecordNumber::new(*first))
    }

    fn is_set_aside(&self, record: RecordNumber) -> bool {
        self.refused_with(record).is_some()
    }

    fn has_left(&self, _: RecordNumber, _: RecordNumber) -> bool {
        false
    }

    fn is_changed(&self, record: RecordNumber) -> bool {
        self.0.is_changed(record)
    }
}

fn numbers(numbers: &[i64]) -> Vec<RecordNumber> {
    numbers.iter().map(|number| RecordNumber::new(*number)).collect()
}

/// Each cluster as (members, keeps, absorbs); each record that left as (record, removes).
#[track_caller]
fn check(was: &impl Before, clusters: &[&[i64]], loose: &[i64], expected: &str) {
    let mut all = Clusters::default();
    for members in clusters {
        all.push(numbers(members));
    }
    let mut shown = Vec::new();
    for unit in units(all, &numbers(loose), was).from(0) {
        for cluster in unit.clusters {
            let of = |numbers: &[RecordNumber]| {
                let texts: Vec<String> = numbers.iter().map(|number| number.get().to_string()).collect();
                texts.join(",")
            };
            let keeps = cluster
                .keeps
                .map_or("new".to_owned(), |golden| golden.get().to_string());
            shown.push(format!(
                "{}={}-{}",
                of(&cluster.members),
                keeps,
                of(&cluster.absorbs)
            ));
        }
        for gone in unit.loose {
            let removes = gone
                .removes
                .map_or(String::new(), |golden| golden.get().to_string());
            shown.push(format!("{}x{removes}", gone.record.get()));
        }
        shown.push("|".to_owned());
    }
    assert_eq!(shown.join(" "), expected);
}

#[test]
fn the_worked_example_of_the_design() {
    check(
        &Was(vec![], vec![1, 2, 3]),
        &[&[1, 2], &[3]],
        &[],
        "1,2=new- | 3=new- |",
    );
    let first = vec![(1, 4), (2, 4), (3, 5)];
    check(&Was(first.clone(), vec![3]), &[&[1, 2, 3]], &[], "1,2,3=4-5 |");
    check(&Was(first, vec![]), &[&[1, 2], &[3]], &[], "");
    let joined = vec![(1, 4), (2, 4), (3, 4)];
    check(&Was(joined, vec![2]), &[&[1, 3], &[2]], &[], "1,3=4- 2=new- |");
}

#[test]
fn a_golden_record_stays_with_the_members_that_are_left() {
    let was = || vec![(1, 4), (2, 4), (3, 5), (6, 5)];
    check(&Was(was(), vec![3]), &[&[1, 2, 3], &[6]], &[], "1,2,3=4- 6=5- |");
    check(&Was(was(), vec![1]), &[&[2], &[3, 6]], &[1], "2=4- 1x |");
    check(&Was(was(), vec![1, 2]), &[&[3, 6]], &[1, 2], "1x4 2x |");
    check(&Was(was(), vec![9]), &[&[1, 2, 9], &[3, 6]], &[], "1,2,9=4- |");
    check(&Was(was(), vec![9]), &[&[1, 2, 3, 6, 9]], &[], "1,2,3,6,9=4-5 |");
}

#[test]
fn a_refused_cluster_is_tried_again_only_when_something_about_it_changes() {
    let was = |changed: &[i64]| {
        let goldens = Was(vec![(1, 9)], changed.to_vec());
        Refused(goldens, vec![(1, 1), (2, 1), (3, 1), (5, 5)])
    };
    let clusters: &[&[i64]] = &[&[1, 2, 3], &[4], &[5]];
    check(&was(&[]), clusters, &[], "");
    check(&was(&[2]), clusters, &[], "1,2,3=9- |");
    // One of them has gone, or belongs to others now: the rest may be accepted.
    check(&was(&[3]), &[&[1, 2], &[5]], &[3], "1,2=9- 3x |");
    check(&was(&[3]), &[&[1, 2], &[3, 5]], &[], "1,2=9- 3,5=new- |");
    check(&was(&[]), &[&[1], &[2, 3], &[5]], &[], "1=9- 2,3=new- |");
    // A refused record whose earlier version stays.
    check(&was(&[]), &[&[5]], &[1], "");
}
