use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;

use super::*;
use crate::digest::sha256;
use crate::ledger::leaf_hash;

const LEAVES: u64 = 70;

fn text(leaf: u64) -> String {
    format!("leaf {leaf}")
}

/// The roots of subtrees over the first leaves.
fn hashed(ranges: Vec<Range<u64>>, size: u64) -> Vec<Hash> {
    let mut subtrees = Subtrees::new(ranges);
    (0..size).for_each(|leaf| subtrees.push(leaf_hash(&text(leaf))));
    subtrees.roots().expect("all leaves went by")
}

fn root(size: u64) -> Hash {
    let mut frontier = Frontier::default();
    (0..size).for_each(|leaf| frontier.push(leaf_hash(&text(leaf))));
    frontier.root()
}

/// The same tree, built by another implementation.
fn oracle(size: u64) -> MemoryBackedTree<Sha256, String> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|leaf| tree.push(text(leaf)));
    tree
}

#[test]
fn inclusion_proofs_are_those_of_another_program_at_every_size() {
    for size in 1..=LEAVES {
        let (oracle, root) = (oracle(size), root(size));
        for index in 0..size {
            let path = hashed(inclusion(index, size).expect("a leaf"), size);
            let expected = oracle.prove_inclusion(usize::try_from(index).expect("small"));
            assert_eq!(path.concat(), expected.as_bytes(), "{index} of {size}");
            let leaf = leaf_hash(&text(index));
            assert!(is_included(&leaf, index, (size, &root), &path));
        }
        assert_eq!(inclusion(size, size), None);
    }
}

#[test]
fn consistency_proofs_are_those_of_another_program_at_every_pair_of_sizes() {
    for new in 1..=LEAVES {
        let (oracle, new_root) = (oracle(new), root(new));
        for old in 1..new {
            let path = hashed(consistency(old, new).expect("it grew"), new);
            let expected = oracle.prove_consistency(usize::try_from(new - old).expect("small"));
            assert_eq!(path.concat(), expected.as_bytes(), "{old} to {new}");
            assert!(is_consistent((old, &root(old)), (new, &new_root), &path));
        }
        assert_eq!(consistency(new, new), Some(vec![]));
        assert_eq!(consistency(new + 1, new), None);
        assert!(is_consistent((new, &new_root), (new, &new_root), &[]));
        assert!(
            !is_consistent((0, &root(0)), (new, &new_root), &[]),
            "nothing is proved"
        );
    }
}

#[test]
fn nothing_of_a_proof_can_be_changed() {
    for size in [1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65] {
        let whole = root(size);
        for index in 0..size {
            let path = hashed(inclusion(index, size).expect("a leaf"), size);
            let leaf = leaf_hash(&text(index));
            let holds = |leaf: &Hash, index, size, root: &Hash, path: &[Hash]| {
                is_included(leaf, index, (size, root), path)
            };
            assert!(!holds(&leaf_hash("another"), index, size, &whole, &path));
            assert!(!holds(&leaf, index + 1, size, &whole, &path) || size == 1);
            assert!(!holds(&leaf, index, size, &root(size + 1), &path));
            for (at, other) in changed(&path).into_iter().enumerate() {
                assert!(
                    !holds(&leaf, index, size, &whole, &other),
                    "{index} of {size}, change {at}"
                );
            }
        }
        for old in 1..size {
            let path = hashed(consistency(old, size).expect("it grew"), size);
            let holds = |old: (u64, &Hash), path: &[Hash]| is_consistent(old, (size, &whole), path);
            assert!(!holds((old, &root(old + 1)), &path));
            assert!(!is_consistent((size, &whole), (old, &root(old)), &path));
            for (at, other) in changed(&path).into_iter().enumerate() {
                assert!(!holds((old, &root(old)), &other), "{old} to {size}, change {at}");
            }
        }
    }
}

/// Variants of a path: each of its bits changed in turn (one in sixteen), one hash left out, one doubled, and one
/// added.
fn changed(path: &[Hash]) -> Vec<Vec<Hash>> {
    let mut others = Vec::new();
    for at in 0..path.len() {
        for byte in 0..32 {
            let mut other = path.to_vec();
            other[at][byte] ^= 1 << (byte % 8);
            others.push(other);
        }
        let mut shorter = path.to_vec();
        shorter.remove(at);
        let mut longer = path.to_vec();
        longer.insert(at, path[at]);
        others.extend([shorter, longer]);
    }
    others.push([path, &[[0; 32]]].concat());
    others
}

/// The probes of the certificate transparency project: 196 proofs, good and bad.
#[test]
fn the_published_probes_are_judged_as_they_say() {
    use base64::Engine as _;
    let Ok(folder) = std::env::var("COUNTERFOIL_REAL_DATA") else {
        eprintln!("skipped: COUNTERFOIL_REAL_DATA does not say where the probes are");
        return;
    };
    let folder = std::path::Path::new(&folder).join("conformance/rfc6962");
    let decode = |text: &serde_json::Value| -> Option<Hash> {
        let text = text.as_str().unwrap_or_default();
        base64::prelude::BASE64_STANDARD
            .decode(text)
            .ok()?
            .try_into()
            .ok()
    };
    // Some roots are not hashes; they are only compared for equality.
    let root_of = |text: &serde_json::Value| -> Option<Hash> {
        let bytes = base64::prelude::BASE64_STANDARD.decode(text.as_str()?).ok()?;
        Some(bytes.as_slice().try_into().unwrap_or_else(|_| sha256(&[&bytes])))
    };
    let (mut folders, mut judged) = (vec![folder], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of probes") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(probe) =
                serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path).expect("a probe"))
            else {
                continue;
            };
            let number = |name: &str| probe[name].as_u64();
            let proof: Option<Vec<Hash>> = match probe["proof"].as_array() {
                Some(proof) => proof.iter().map(decode).collect(),
                None => Some(Vec::new()),
            };
            let holds = proof.is_some_and(|proof| match (number("leafIdx"), number("size1")) {
                (Some(index), _) => {
                    let (leaf, root) = (decode(&probe["leafHash"]), root_of(&probe["root"]));
                    let size = number("treeSize");
                    leaf.zip(root)
                        .zip(size)
                        .is_some_and(|((leaf, root), size)| is_included(&leaf, index, (size, &root), &proof))
                }
                (None, Some(old)) => {
                    let roots = root_of(&probe["root1"]).zip(root_of(&probe["root2"]));
                    roots
                        .zip(number("size2"))
                        .is_some_and(|((old_root, new_root), new)| {
                            is_consistent((old, &old_root), (new, &new_root), &proof)
                        })
                }
                (None, None) => false,
            });
            assert_eq!(holds, probe["wantErr"] == false, "{}", path.display());
            judged += 1;
        }
    }
    assert_eq!(judged, 196);
}
