//! Texts of proofs, good and bad: real ones, and ones that only a dishonest signer could make.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use counterfoil::prove::{Consistency, Included, Opening, Proof, ProveOptions, Which};
use counterfoil::store::Store;
use sha2::{Digest as _, Sha256};

use super::{load_one, open};
use crate::support::scenario::{self, Beginning, Template};

/// What is put where it does not belong.
pub(super) const STRANGE: [&str; 27] = [
    "+",
    "0",
    "-",
    " ",
    "\t",
    "\r",
    "\0",
    "\n",
    "\n\n",
    "=",
    "==",
    "\u{feff}",
    "\u{660}",
    "\u{ff11}",
    "\u{2028}",
    "\u{85}",
    "\u{a0}",
    "\u{1c}",
    "\u{7f}",
    "\\u0041",
    "\\/",
    "\u{e9}",
    "\u{200b}",
    "\u{202e}",
    "\u{e0041}",
    "\u{3000}",
    "\"",
];

/// Proofs of every kind, as `prove` writes them.
pub(crate) fn real() -> Vec<String> {
    let (_folder, path) = Template::new(Beginning::Applied).store();
    let mut store = open(&path).expect("a store");
    let first = newest_size(&store);
    let mut proofs = vec![store.prove_consistency(first).expect("a proof").to_string()];
    for (database, id, batch_at) in [
        ("a", "r5", Some(0)),
        ("b", "r5", Some(1)),
        ("b", "r7", None),
        ("a", "r37", Some(1)),
        ("a", "r41", Some(1)),
    ] {
        let steps = store.trace(database, id).expect("a life");
        for disclose in [false, true] {
            let batch = batch_at.map(|at: usize| steps[at].batch);
            let proof = store.prove(
                database,
                id,
                &ProveOptions::default().batch(batch).disclose(disclose),
            );
            proofs.push(proof.unwrap_or_else(|error| panic!("{id}: {error}")).to_string());
        }
    }
    for id in 0..6 {
        load_one(&mut store, &format!("n{id}"));
        proofs.push(store.prove_consistency(first).expect("a proof").to_string());
    }
    let middle = newest_size(&store);
    load_one(&mut store, "l\u{fc}n\u{202e}\"\\");
    proofs.push(store.prove_consistency(middle).expect("a proof").to_string());
    let odd = ProveOptions::default().disclose(true);
    proofs.extend(
        store
            .prove("a", "l\u{fc}n\u{202e}\"\\", &odd)
            .map(|proof| proof.to_string()),
    );
    proofs
}

fn newest_size(store: &Store) -> u64 {
    let newest = store.newest_checkpoint().expect("a store");
    newest.expect("signed").size
}

fn node(prefix: u8, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update([prefix]);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// A proof in a ledger of two leaves, whatever they are, with a true path and a true signature.
fn signed(entry: &str, header: &str, opening: Option<Opening>, size: u64) -> String {
    with_readings(entry, header, opening, size, Vec::new())
}

/// The same of a window, with its readings.
fn with_readings(
    entry: &str,
    header: &str,
    opening: Option<Opening>,
    size: u64,
    readings: Vec<Vec<[u8; 32]>>,
) -> String {
    let leaves = [entry, header].map(|leaf| node(0, &[leaf.as_bytes()]));
    let root = BASE64_STANDARD.encode(node(1, &[&leaves[0], &leaves[1]]));
    let included = |text: &str, index: u64, beside: [u8; 32]| Included {
        text: text.to_owned(),
        index,
        path: vec![beside],
    };
    let proof = Proof {
        entry: included(entry, 0, leaves[1]),
        opening,
        readings,
        header: included(header, 1, leaves[0]),
        note: scenario::signing_key().sign(&format!("ledger\n{size}\n{root}\n")),
    };
    proof.to_string()
}

/// Proofs of a window of three readings in two blocks, of which only the first lists what its entry says.
fn of_windows(entry: &[String], header: &str) -> Vec<String> {
    let lines = |hashes: &[[u8; 32]]| {
        let lines: String = hashes.iter().map(|hash| hex::encode(hash) + "\n").collect();
        <[u8; 32]>::from(Sha256::digest(lines))
    };
    let blocks = vec![vec![[1; 32], [2; 32]], vec![[3; 32]]];
    let digests: Vec<[u8; 32]> = blocks.iter().map(|block| lines(block)).collect();
    let mut entry = entry.to_vec();
    entry[6] = format!("\"{}\"", hex::encode(lines(&digests)));
    let reasons = [
        "{\\\"inputs\\\":3,\\\"spans\\\":[]}",
        "{\\\"inputs\\\":2}",
        "{\\\"inputs\\\":true}",
        "{\\\"inputs\\\":3.0}",
        "[]",
        "",
    ];
    let listed = [
        blocks.clone(),
        vec![blocks[1].clone(), blocks[0].clone()],
        vec![blocks.concat()],
        vec![blocks[0].clone()],
    ];
    let mut proofs = Vec::new();
    for reason in reasons {
        entry[9] = format!("\"{reason}\"");
        let proof =
            |readings: &Vec<Vec<[u8; 32]>>| with_readings(&leaf(&entry), header, None, 2, readings.clone());
        proofs.extend(listed.iter().map(proof));
    }
    proofs
}

/// The fields of a leaf of one kind, as JSON texts.
fn leaf(fields: &[String]) -> String {
    format!("[{}]", fields.join(","))
}

/// Proofs that only who has the key could make: their leaves are what no ledger writes.
pub(super) fn crafted() -> Vec<String> {
    let texts = |list: &[&str]| {
        list.iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<String>>()
    };
    let (salt, id, data) = ([9; 16], "r1", "{\"id\":\"r1\"}");
    let mut content = Sha256::new();
    content.update(salt);
    content.update(b"r1\0{\"id\":\"r1\"}");
    let commitment = format!("\"{}\"", hex::encode(content.finalize()));
    let entry = texts(&[
        "\"e1\"",
        "7",
        "12",
        "0",
        "1",
        "null",
        "\"\"",
        "\"\"",
        &commitment,
        "null",
    ]);
    let mut header = texts(&["null"; 37]);
    for (at, text) in [
        (0, "\"b1\""),
        (1, "7"),
        (4, "\"ada\""),
        (16, "\"apply\""),
        (32, "1"),
        (33, "1700000000000000"),
    ] {
        header[at] = text.to_owned();
    }
    let opening = |which| {
        Some(Opening {
            which,
            salt,
            id: id.to_owned(),
            data: data.to_owned(),
        })
    };
    let mut proofs = vec![
        signed(&leaf(&entry), &leaf(&header), None, 2),
        signed(&leaf(&entry), &leaf(&header), None, 3),
        signed(&leaf(&entry), &leaf(&header), None, 0),
    ];
    proofs.extend(
        [Which::After, Which::Input, Which::Before]
            .map(|which| signed(&leaf(&entry), &leaf(&header), opening(which), 2)),
    );
    proofs.extend(of_windows(&entry, &leaf(&header)));
    let odd = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1",
        "1",
        "2",
        "5",
        "6",
        "7.0",
        "7e0",
        "1E400",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "\"7\"",
        "\"\"",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\udc00\\ud800\"",
        "\"\\u0000\"",
        "\"\\u202e\"",
        "[]",
        "{}",
        "[[7]]",
        "{\"$serde_json::private::Number\":\"7\"}",
        "{\"$serde_json::private::RawValue\":\"7\"}",
        " 7 ",
        "\t7\r",
        "007",
        "+7",
        "NaN",
        "Infinity",
        "\"a\nb\"",
        "\"\\x41\"",
        "",
        "253402300799999999",
        "253402300800000000",
        "-62135596800000000",
        "-62135596800000001",
        "\"\u{661}\"",
        "\u{661}",
        "\"\\u00E9\"",
        "\"\\/\"",
        "7,7",
    ];
    for text in odd {
        for at in [0, 1, 2, 4, 9] {
            let mut entry = entry.clone();
            entry[at] = text.to_owned();
            proofs.push(signed(&leaf(&entry), &leaf(&header), None, 2));
        }
        for at in [0, 1, 4, 8, 10, 11, 16, 32, 33, 36] {
            let mut header = header.clone();
            header[at] = text.to_owned();
            proofs.push(signed(&leaf(&entry), &leaf(&header), None, 2));
        }
    }
    let one = leaf(&entry);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for other in [
        String::new(),
        format!(" {one}\t"),
        format!("{one},"),
        format!("{one}x"),
        format!("\u{a0}{one}"),
        one.replacen("\"e1\"", "\"\\u00651\"", 1),
        one.replacen("]", ",]", 1),
        one.replacen("]", ",null]", 1),
        one.replacen(",", " , ", 3),
        leaf(&entry[..9]),
        "{\"0\":\"e1\"}".to_owned(),
        format!("[\"e1\",{nested}]"),
        nested,
    ] {
        proofs.push(signed(&other, &leaf(&header), None, 2));
    }
    proofs.extend(notes(&leaf(&entry), &leaf(&header)));
    proofs.extend(ledgers());
    proofs
}

/// A ledger that is as large as itself, under one name and under two.
fn ledgers() -> Vec<String> {
    let note = |origin: &str| {
        let root = BASE64_STANDARD.encode([5; 32]);
        scenario::signing_key().sign(&format!("{origin}\n2\n{root}\n"))
    };
    let proof = |old: &str, new: &str| {
        let proof = Consistency {
            path: Vec::new(),
            old: note(old),
            new: note(new),
        };
        proof.to_string()
    };
    vec![proof("one", "one"), proof("one", "other")]
}

/// Checkpoints and signatures of every form, under two leaves that hold.
fn notes(entry: &str, header: &str) -> Vec<String> {
    let key = scenario::signing_key();
    let plain = signed(entry, header, None, 2);
    let (body, note) = plain.split_once("\n\n").expect("a proof");
    let (text, line) = note.rsplit_once("\n\n").expect("a note");
    let root = text.lines().nth(2).expect("a root");
    let signature = BASE64_STANDARD
        .decode(line.trim_end().rsplit(' ').next().expect("a signature"))
        .expect("base64");
    let line_of = |name: &str, bytes: &[u8]| format!("\u{2014} {name} {}\n", BASE64_STANDARD.encode(bytes));
    let name = scenario::PROJECT;
    let mut malleable = signature.clone();
    // The order of the group, added to the second half: the same equation holds, and the text is another.
    let order =
        hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").expect("digits");
    let mut carry = 0;
    for (byte, add) in malleable[36..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry as u8;
        carry >>= 8;
    }
    let mut small = signature.clone();
    small[4..36].copy_from_slice(&[[1].as_slice(), &[0; 31]].concat());
    let mut lines = vec![
        line.to_owned(),
        format!("{line}{line}"),
        format!("{line}{}", line_of("other", &signature)),
        format!("{}{line}", line_of("other", b"12345")),
        format!("{}{line}", line_of("other", b"1234")),
        format!("{line}{}", line_of(name, &signature[..40])),
        format!("{line}{}", line_of(name, b"\0\0\0\0other hash")),
        format!("{line}{}", line_of("a+b", &signature)),
        line_of(name, &malleable),
        line_of(name, &small),
        line_of(name, &[&signature[..4], &[0; 64]].concat()),
        line_of(name, &[&signature[..], &[0]].concat()),
        line.replace('\u{2014}', "-"),
        line.replace('\u{2014}', "\u{2013}"),
        line.replace("\u{2014} ", "\u{2014}"),
        line.replace("\u{2014} ", "\u{2014}  "),
        line.trim_end().to_owned(),
        String::new(),
    ];
    for strange in STRANGE {
        lines.push(format!("{line}{}", line_of(&format!("o{strange}r"), &signature)));
    }
    let mut proofs: Vec<String> = lines
        .iter()
        .map(|lines| format!("{body}\n\n{text}\n\n{lines}"))
        .collect();
    let mut texts = vec![
        format!("ledger\n2\n{root}\nextension\n"),
        format!("ledger\n2\n{root}\n\nextension\n"),
        format!("ledger\n2\n{root}\n\n"),
        format!("ledger\n2\n{root}"),
        format!("\n2\n{root}\n"),
        format!("ledger\n2\n{}\n", root.trim_end_matches('=')),
        "ledger\n2\n".to_owned(),
        String::new(),
    ];
    for size in [
        "02",
        "+2",
        "2 ",
        " 2",
        "2.0",
        "",
        "-2",
        "\u{662}",
        "18446744073709551615",
        "18446744073709551616",
        "1",
        "3",
        "4",
    ] {
        texts.push(format!("ledger\n{size}\n{root}\n"));
    }
    for strange in STRANGE {
        texts.push(format!("led{strange}ger\n2\n{root}\n"));
    }
    proofs.extend(texts.iter().map(|text| format!("{body}\n\n{}", key.sign(text))));
    proofs
}
