#!/usr/bin/env python3
"""Checks a proof that `counterfoil prove` wrote, with nothing of Counterfoil's and nothing but the standard library.

    python3 verify_proof.py proof.txt

says what is proved and exits with 0, or says what does not hold and exits with 1. It checks the leaves, their paths, the
root in the checkpoint and what is disclosed. The signature under the checkpoint is one command more, which it prints:

    python3 verify_proof.py proof.txt --key counterfoil.pub --signature checkpoint
    openssl pkeyutl -verify -pubin -inkey checkpoint.pem -rawin -in checkpoint.txt -sigfile checkpoint.sig

`--signature NAME` writes those three files. Formats: https://c2sp.org/signed-note and tlog-checkpoint; RFC 9162, 2.1.3.2.
"""
import argparse
import base64
import hashlib
import json
import sys


def fail(message):
    sys.exit("not proved: " + message)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def read_proof(text):
    """The leaves with their indexes and paths, the opening, and the note."""
    lines, _, note = text.partition("\n\n")
    lines = lines.split("\n")
    if lines[0] != "counterfoil-proof v1":
        fail("the file does not begin with `counterfoil-proof v1`")
    leaves, opening = [], {}
    for line in lines[1:]:
        word, _, value = line.partition(" ")
        if word in ("entry", "header"):
            leaves.append({"what": word, "text": value, "path": []})
        elif word == "index" and leaves:
            leaves[-1]["index"] = int(value)
        elif word == "path" and leaves:
            leaves[-1]["path"].append(base64.b64decode(value, validate=True))
        elif word in ("opening", "salt", "id", "data"):
            opening[word] = value
        else:
            fail("there is a line `%s` that does not belong there" % word)
    if [leaf["what"] for leaf in leaves] != ["entry", "header"]:
        fail("it has not one entry and one header")
    return leaves, opening, note


def root_of(leaf, index, size, path):
    """The root that a leaf, its place and its path lead to."""
    if index >= size:
        fail("the leaf is beyond the end of the ledger")
    at, last, node = index, size - 1, sha256(b"\0", leaf.encode())
    for beside in path:
        if last == 0:
            fail("a path is too long")
        if at & 1 or at == last:
            node = sha256(b"\1", beside, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha256(b"\1", node, beside)
        at, last = at >> 1, last >> 1
    if last:
        fail("a path is too short")
    return node


def check_opening(opening, entry):
    """What is disclosed against the commitment in the entry."""
    place = {"input": 6, "before": 7, "after": 8}.get(opening.get("opening"))
    if place is None:
        fail("it opens no commitment that an entry has")
    record_id = json.loads(opening["id"])
    commitment = sha256(bytes.fromhex(opening["salt"]), record_id.encode(), b"\0", opening["data"].encode())
    if commitment.hex() != entry[place]:
        fail("what is disclosed is not what went through the ledger")
    return record_id


def write_signature(name, key, note):
    """The signed text, the signature and the public key, for openssl."""
    text, _, signatures = note.rpartition("\n\n")
    key_name, key_hash, key_bytes = open(key).read().strip().split("+", 2)
    key_bytes = base64.b64decode(key_bytes)
    for line in signatures.splitlines():
        _, signer, signature = line.split(" ")
        signature = base64.b64decode(signature)
        if signer == key_name and signature[:4].hex() == key_hash:
            break
    else:
        fail("the checkpoint is not signed by " + key_name)
    # An Ed25519 public key in the form of RFC 8410.
    der = bytes.fromhex("302a300506032b6570032100") + key_bytes[1:]
    pem = "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % base64.b64encode(der).decode()
    for suffix, content in ((".txt", (text + "\n").encode()), (".sig", signature[4:]), (".pem", pem.encode())):
        with open(name + suffix, "wb") as file:
            file.write(content)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("proof")
    arguments.add_argument("--key", help="the public key's file, with --signature")
    arguments.add_argument("--signature", metavar="NAME", help="writes NAME.txt, NAME.sig and NAME.pem for openssl")
    arguments = arguments.parse_args()
    text = open(arguments.proof, encoding="utf-8", newline="").read()
    leaves, opening, note = read_proof(text)
    origin, size, root = note.split("\n")[:3]
    for leaf in leaves:
        if root_of(leaf["text"], leaf["index"], int(size), leaf["path"]) != base64.b64decode(root):
            fail("the %s is not in the ledger that was signed" % leaf["what"])
    entry, header = (json.loads(leaf["text"]) for leaf in leaves)
    first = leaves[1]["index"] - header[32]
    if entry[0] != "e1" or header[0] != "b1" or entry[1] != header[1]:
        fail("the entry and the header are not of one batch")
    if not first <= leaves[0]["index"] < leaves[1]["index"]:
        fail("the entry does not stand in its batch")
    outcome = ("", "written", "unchanged", "filtered", "refused", "merged")[entry[4]]
    print("proved: record %d, %s in batch %d" % (entry[2], outcome, entry[1]))
    print("  by      %s of stage %s %s, %s -> %s" % (header[16], header[11], header[12], header[17], header[18]))
    print("  who     %s: %s" % (header[4], header[8]))
    print("  when    %d microseconds since 1970 UTC" % header[33])
    print("  ledger  %s, %s leaves" % (origin, size))
    if opening:
        print("  %-7s %s  %s" % (opening["opening"], check_opening(opening, entry), opening["data"]))
    if arguments.signature:
        write_signature(arguments.signature, arguments.key or "counterfoil.pub", note)
    print("the signature is still to be checked:")
    name = arguments.signature or "checkpoint"
    print("  openssl pkeyutl -verify -pubin -inkey %s.pem -rawin -in %s.txt -sigfile %s.sig" % (name, name, name))


if __name__ == "__main__":
    main()
