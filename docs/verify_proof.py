#!/usr/bin/env python3
"""Checks a proof that `counterfoil prove` wrote, with nothing of Counterfoil's and nothing but the standard library.

    python3 verify_proof.py proof.txt --key counterfoil.pub

says what is proved and exits with 0, or says `not proved:` and why, and exits with 1, whatever the file holds. It accepts
exactly the texts that `counterfoil verify-proof` accepts: one proof has one text. Without --key it takes `counterfoil.pub`
of the current folder; `-` reads standard input. The signature under the checkpoint is checked here (RFC 8032), and for a
second opinion by openssl:

    python3 verify_proof.py proof.txt --key counterfoil.pub --signature checkpoint
    openssl pkeyutl -verify -pubin -inkey checkpoint.pem -rawin -in checkpoint.txt -sigfile checkpoint.sig

`--signature NAME` writes those three files. Formats: https://c2sp.org/signed-note and tlog-checkpoint; RFC 9162, 2.1.3.2
and 2.1.4.2. Needs Python 3.8 or later.
"""
import argparse
import base64
import datetime
import hashlib
import json
import os
import re
import sys

LONGEST = 512 << 20
PRIVATE = "PRIVATE+KEY+"
OUTCOMES = {1: "written", 2: "unchanged", 3: "filtered", 4: "refused", 5: "merged"}
COMMITMENTS = {"input": 6, "before": 7, "after": 8}
EPOCH = datetime.datetime(1970, 1, 1)
# What Unicode calls white space, and nothing else: `str.isspace` knows more.
WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
# Letters and marks that show nothing; what is no letter, mark, number, sign or blank is found without a list.
INVISIBLE = re.compile("[\u034f\u2800\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
# A field of a leaf: null, a whole number or a text.
FIELD = re.compile(r'null|-?(?:0|[1-9][0-9]*)|"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
BLANKS = re.compile(r"[ \t\r\n]*")


class NotProved(Exception):
    """Why nothing is proved."""


def shown(text):
    """A text from outside on one line, with nothing in it that a terminal obeys, or that hides or reorders text."""

    def safe(letter):
        is_plain = letter.isprintable() and not INVISIBLE.match(letter)
        return letter if is_plain else "\\n" if letter == "\n" else "\\u{%x}" % ord(letter)

    return text if text.isascii() and text.isprintable() else "".join(map(safe, text))


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def number(text):
    """A number without sign or leading zeros, of at most 64 bits."""
    if not re.fullmatch("0|[1-9][0-9]{0,19}", text) or int(text) >= 1 << 64:
        raise NotProved("`%s` is no number of a proof" % text[:30])
    return int(text)


def base64_bytes(text, length=None):
    """The bytes of a base64 text, which has one form."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        data = None
    if data is None or base64.b64encode(data).decode() != text or len(data) != (length or len(data)):
        raise NotProved("there is no base64 of %s bytes where it should be" % (length or "any"))
    return data


# The proof: a first line, lines in a fixed order, an empty line, and what is signed.


class Lines:
    """The lines between the first and the empty one."""

    def __init__(self, text, first):
        if not text.startswith(first + "\n"):
            raise NotProved("the file does not begin with the line `%s`" % first)
        rest = text[len(first) + 1 :]
        head, end, self.behind = ("", "\n\n", rest[1:]) if rest.startswith("\n") else rest.partition("\n\n")
        if not end:
            raise NotProved("it has no checkpoint behind an empty line")
        self.left = head.split("\n")[::-1] if head else []

    def next_is(self, word):
        return bool(self.left) and self.left[-1].startswith(word + " ")

    def take(self, word):
        if not self.next_is(word):
            raise NotProved("the line `%s ...` is not where it should be" % word)
        return self.left.pop()[len(word) + 1 :]

    def path(self):
        path = []
        while self.next_is("path"):
            path.append(base64_bytes(self.take("path"), 32))
        return path

    def leaf(self, word):
        return {"what": word, "text": self.take(word), "index": number(self.take("index")), "path": self.path()}

    def end(self):
        if self.left:
            raise NotProved("it has lines that do not belong there")


def read_opening(lines):
    """What is disclosed: the name of the commitment, the salt, the id and the data."""
    name, salt = lines.take("opening"), lines.take("salt")
    if name not in COMMITMENTS:
        raise NotProved("it opens no commitment that an entry has")
    if not re.fullmatch("[0-9a-f]{32}", salt):
        raise NotProved("the salt is not 16 bytes in hexadecimal")
    text, data = lines.take("id"), lines.take("data")
    try:
        record_id = json.loads(text) if text.startswith('"') else None
    except ValueError:
        record_id = None
    if not isinstance(record_id, str) or json.dumps(record_id, ensure_ascii=False) != text:
        raise NotProved("the id is no text, or not written as proofs write it")
    return {"name": name, "salt": bytes.fromhex(salt), "id": record_id, "data": data}


def fields(leaf, tag, count):
    """The fields of a leaf: texts, whole numbers of 64 bits, and None."""
    text, found = leaf["text"], []
    wrong = NotProved("the %s is no `%s` of this format" % (leaf["what"], tag))
    at = BLANKS.match(text).end()
    if text[at : at + 1] != "[":
        raise wrong
    mark = ","
    while mark == ",":
        field = FIELD.match(text, BLANKS.match(text, at + 1).end())
        if not field or len(found) == count:
            raise wrong
        if field.group().startswith('"'):
            found.append(json.loads(field.group()))
            if any("\ud800" <= letter <= "\udfff" for letter in found[-1]):
                raise wrong
        elif field.group() == "null":
            found.append(None)
        elif len(field.group()) > 20 or not -(1 << 63) <= int(field.group()) < 1 << 63:
            raise wrong
        else:
            found.append(int(field.group()))
        at = BLANKS.match(text, field.end()).end()
        mark = text[at : at + 1]
    if mark != "]" or BLANKS.match(text, at + 1).end() != len(text) or len(found) != count or found[0] != tag:
        raise wrong
    return found


# Trees of RFC 9162.


def node(left, right):
    return sha256(b"\1", left, right)


def check_inclusion(leaf, size, root):
    """RFC 9162, 2.1.3.2."""
    wrong = NotProved("the %s is not in the ledger that was signed: it, its place or its path was changed" % leaf["what"])
    if leaf["index"] >= size:
        raise wrong
    at, last, hashed = leaf["index"], size - 1, sha256(b"\0", leaf["text"].encode())
    for beside in leaf["path"]:
        if last == 0:
            raise wrong
        if at & 1 or at == last:
            hashed = node(beside, hashed)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hashed = node(hashed, beside)
        at, last = at >> 1, last >> 1
    if last or hashed != root:
        raise wrong


def is_consistent(old, new, path):
    """RFC 9162, 2.1.4.2."""
    (old_size, old_root), (new_size, new_root) = old, new
    if old_size == new_size:
        return old_size > 0 and not path and old_root == new_root
    if old_size == 0 or old_size > new_size or not path:
        return False
    if old_size & (old_size - 1) == 0:
        path = [old_root] + path
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    to_old = to_new = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            to_old, to_new = node(beside, to_old), node(beside, to_new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            to_new = node(to_new, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and to_old == old_root and to_new == new_root


# Signatures: Ed25519 of RFC 8032, with keys and signatures of small order refused. Nothing here is secret.

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)
NEUTRAL = (0, 1, 1, 0)


def point(data):
    """The point of 32 bytes, or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, (y & ((1 << 255) - 1)) % PRIME
    u, v = (y * y - 1) % PRIME, (CURVE * y * y + 1) % PRIME
    x = u * pow(v, 3, PRIME) * pow(u * pow(v, 7, PRIME), (PRIME - 5) // 8, PRIME) % PRIME
    if v * x * x % PRIME != u:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if v * x * x % PRIME != u:
        return None
    x = -x % PRIME if x & 1 != sign else x
    return (x, y, 1, x * y % PRIME)


def add(first, second):
    a, b = (first[1] - first[0]) * (second[1] - second[0]), (first[1] + first[0]) * (second[1] + second[0])
    c, d = 2 * first[3] * second[3] * CURVE, 2 * first[2] * second[2]
    e, f, g, h = (b - a) % PRIME, (d - c) % PRIME, (d + c) % PRIME, (b + a) % PRIME
    return (e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)


def packed(one):
    inverse = pow(one[2], PRIME - 2, PRIME)
    x, y = one[0] * inverse % PRIME, one[1] * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


def is_small(one):
    for _ in range(3):
        one = add(one, one)
    return packed(one) == packed(NEUTRAL)


BASE = point((4 * pow(5, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little"))


def is_signed(key, message, signature):
    """Whether a signature under a key's 32 bytes fits a message."""
    public = point(key)
    scalar = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or scalar >= ORDER or public is None or is_small(public):
        return False
    commitment = point(signature[:32])
    if commitment is None or is_small(commitment):
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    minus = (-public[0] % PRIME, public[1], 1, -public[3] % PRIME)
    sums, total = (None, BASE, minus, add(BASE, minus)), NEUTRAL
    for bit in range(252, -1, -1):
        total = add(total, total)
        term = sums[(scalar >> bit & 1) + 2 * (challenge >> bit & 1)]
        total = add(total, term) if term else total
    return packed(total) == signature[:32]


class Key:
    """A public key: `NAME+HASH+KEY`."""

    def __init__(self, text):
        text = text.strip(WHITE)
        if text.startswith(PRIVATE):
            raise NotProved("the key is the private half, which signs and is shown to nobody")
        parts = text.split("+", 2)
        if len(parts) != 3 or not is_name(parts[0]) or not re.fullmatch("[0-9a-fA-F]{8}", parts[1]):
            raise NotProved("the key has not the form NAME+HASH+KEY")
        data = base64_bytes(parts[2], 33)
        self.name, self.hash, self.bytes = parts[0], bytes.fromhex(parts[1]), data[1:]
        if data[0] != 1 or point(self.bytes) is None:
            raise NotProved("the key is no key of Ed25519")
        if sha256(self.name.encode(), b"\n", data)[:4] != self.hash:
            raise NotProved("the key's hash is not that of its name and key")

    @classmethod
    def given(cls, given):
        """From --key: the key, or its file."""
        if given is not None and "+" in given:
            return cls(given)
        path = "counterfoil.pub" if given is None else given
        if given is None and not os.path.exists(path):
            raise NotProved("no key to check with: give the public key, or its file, with --key")
        return cls(decoded(read(path), "the key"))


def is_name(name):
    return bool(name) and not any(letter in WHITE or letter == "+" for letter in name)


def open_note(note, key):
    """The text that the key has signed, and its signature. A note is a text, an empty line, and signatures."""
    if any(letter < " " and letter != "\n" or letter == "\x7f" for letter in note):
        raise NotProved("the checkpoint has control characters")
    end = note.rfind("\n\n")
    if end < 0 or not note[end + 2 :].endswith("\n"):
        raise NotProved("the checkpoint is no signed note")
    text, mine = note[: end + 1], []
    for line in note[end + 2 : -1].split("\n"):
        name, blank, signature = line[2:].partition(" ")
        signature = base64_bytes(signature)
        if not line.startswith("\u2014 ") or not blank or not is_name(name) or len(signature) <= 4:
            raise NotProved("a line below the checkpoint is no signature")
        if name == key.name and signature[:4] == key.hash:
            mine.append(signature[4:])
    if not mine:
        raise NotProved("the checkpoint is not signed by `%s`" % key.name)
    if not all(is_signed(key.bytes, text.encode(), signature) for signature in mine):
        raise NotProved("the signature by `%s` does not fit the checkpoint" % key.name)
    return text, mine[0]


def checkpoint(note, key):
    """Origin, size and root that a note tells."""
    text, signature = open_note(note, key)
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not lines[0]:
        raise NotProved("the checkpoint is none")
    size, root = number(lines[1]), base64_bytes(lines[2], 32)
    return {"origin": lines[0], "size": size, "root": root, "text": text, "signature": signature}


# What is proved.


def check(data, key):
    """What the bytes of a proof prove, as lines, and the checkpoint. Raises NotProved."""
    text = decoded(data, "it")
    if text.startswith("counterfoil-consistency"):
        return check_consistency(text, key)
    lists = text.startswith("counterfoil-proof v2")
    lines = Lines(text, "counterfoil-proof v2" if lists else "counterfoil-proof v1")
    entry = lines.leaf("entry")
    opening = read_opening(lines) if lines.next_is("opening") else None
    readings = read_readings(lines) if lists else None
    header = lines.leaf("header")
    lines.end()
    signed = checkpoint(lines.behind, key)
    check_inclusion(entry, signed["size"], signed["root"])
    check_inclusion(header, signed["size"], signed["root"])
    of = fields(entry, "e1", 10)
    answer = told(signed, (entry, of), (header, fields(header, "b1", 37)), opening)
    if readings:
        check_readings(of, readings)
        answer.append("  %-8s%d, as the entry says" % ("readings", sum(map(len, readings))))
    return answer, signed


def read_readings(lines):
    """The commitments of a window's readings, block by block."""
    blocks = []
    while lines.next_is("block"):
        count, block = number(lines.take("block")), []
        while lines.next_is("reading"):
            block.append(lines.take("reading"))
            if not re.fullmatch("[0-9a-f]{64}", block[-1]):
                raise NotProved("a reading is not a hash in hexadecimal")
        if count == 0 or len(block) != count:
            raise NotProved("a block does not have as many readings as it says")
        blocks.append(block)
    if not blocks:
        raise NotProved("it lists no readings")
    return blocks


def check_readings(entry, blocks):
    digest = lambda lines: sha256("".join(line + "\n" for line in lines).encode()).hex()
    try:
        inputs = json.loads(entry[9])["inputs"]
    except (TypeError, ValueError, KeyError):
        inputs = None
    if type(inputs) is not int or inputs != sum(map(len, blocks)) or digest(map(digest, blocks)) != entry[6]:
        raise NotProved("the listed readings are not those in the ledger: one was changed, added or left out")


def told(signed, entry, header, opening):
    (entry, of), (header, batch) = entry, header
    # The entries of a batch stand right before its header.
    count = batch[32] if isinstance(batch[32], int) else 0
    is_within = count >= 0 and 0 <= header["index"] - count <= entry["index"] < header["index"]
    if of[1] != batch[1] or not is_within:
        raise NotProved("the entry and the header are not of one batch")
    if opening:
        content = (opening["salt"], opening["id"].encode(), b"\0", opening["data"].encode())
        if sha256(*content).hex() != of[COMMITMENTS[opening["name"]]]:
            raise NotProved("what is disclosed is not what went through the ledger: it, its id or its salt was changed")
    numbers = (of[1], of[2], of[3], of[4], batch[33])
    texts = (batch[16], batch[4])
    if not all(isinstance(n, int) for n in numbers) or not all(isinstance(t, str) for t in texts) or of[4] not in OUTCOMES:
        raise NotProved("its leaves do not have the fields of this format")
    try:
        when = EPOCH + datetime.timedelta(microseconds=batch[33])
    except OverflowError:
        raise NotProved("its leaves do not have the fields of this format")
    by = batch[16]
    if isinstance(batch[10], str) and isinstance(batch[11], int) and batch[11] >= 0 and isinstance(batch[12], str):
        by += " of stage %d %s of %s" % (batch[11], batch[12], batch[10])
    route = " -> ".join(name for name in (batch[17], batch[18]) if isinstance(name, str))
    answer = [
        ("part", "%d" % of[3]),
        ("why", of[9]),
        ("by", by + ", " + route),
        ("text", "SHA-256 " + batch[13] if isinstance(batch[13], str) and batch[13] else None),
        ("when", "%s UTC" % when.replace(microsecond=0)),
        ("actor", batch[4]),
        ("reason", batch[8]),
        ("ledger", "%s, %d leaves, root %s" % (signed["origin"], signed["size"], signed["root"].hex())),
        ("content", "not disclosed"),
    ]
    if opening:
        answer[-1] = (opening["name"], "%s  %s" % (opening["id"], opening["data"]))
    lines = ["proved: record %d, %s in batch %d" % (of[2], OUTCOMES[of[4]], of[1])]
    return lines + ["  %-8s%s" % (name, shown(value)) for name, value in answer if isinstance(value, str)]


def check_consistency(text, key):
    lines = Lines(text, "counterfoil-consistency v1")
    path = lines.path()
    lines.end()
    # The first note ends with its signatures, before an empty line.
    first = lines.behind.find("\n\n")
    second = lines.behind.find("\n\n", first + 2) if first >= 0 else -1
    if second < 0:
        raise NotProved("it has not two checkpoints")
    old, new = checkpoint(lines.behind[: second + 1], key), checkpoint(lines.behind[second + 2 :], key)
    trees = [(signed["size"], signed["root"]) for signed in (old, new)]
    if old["origin"] != new["origin"] or not is_consistent(trees[0], trees[1], path):
        raise NotProved("the newer ledger does not extend the older one")
    line = "proved: the ledger %s with %d leaves extends the one with %d: nothing in it was changed or removed"
    return [shown(line % (new["origin"], new["size"], old["size"]))], new


def decoded(data, what):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotProved("%s is not valid UTF-8" % what)


def read(path):
    try:
        if path == "-":
            return sys.stdin.buffer.read(LONGEST)
        with open(path, "rb") as file:
            return file.read(LONGEST)
    except (OSError, ValueError) as error:
        raise NotProved("%s cannot be read: %s" % (path, getattr(error, "strerror", None) or error))


def write_signature(name, key, signed):
    """The signed text, the signature and the public key, for openssl; the last in the form of RFC 8410."""
    der = bytes.fromhex("302a300506032b6570032100") + key.bytes
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der) + b"\n-----END PUBLIC KEY-----\n"
    for suffix, content in ((".txt", signed["text"].encode()), (".sig", signed["signature"]), (".pem", pem)):
        try:
            with open(name + suffix, "wb") as file:
                file.write(content)
        except (OSError, ValueError) as error:
            raise NotProved("%s cannot be written: %s" % (name + suffix, getattr(error, "strerror", None) or error))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("proof", help="the proof; `-` reads standard input")
    arguments.add_argument("--key", help="the public key, or its file; else `counterfoil.pub`")
    arguments.add_argument("--signature", metavar="NAME", help="writes NAME.txt, NAME.sig and NAME.pem for openssl")
    arguments = arguments.parse_args()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows fewer letters is shown their numbers.
        stream.reconfigure(errors="backslashreplace")
    try:
        key = Key.given(arguments.key)
        lines, signed = check(read(arguments.proof), key)
        if arguments.signature:
            write_signature(arguments.signature, key, signed)
            name = shown(arguments.signature)
            lines.append("openssl checks the signature as well:")
            lines.append("  openssl pkeyutl -verify -pubin -inkey %s.pem -rawin -in %s.txt -sigfile %s.sig" % (name, name, name))
    except NotProved as why:
        sys.exit("not proved: " + shown(str(why)))
    except MemoryError:
        sys.exit("not proved: there is not enough memory to read it")
    try:
        print("\n".join(lines), flush=True)
    except OSError as error:
        # Nobody reads the answer, which is no proof of anything: end without a traceback at the end of the process too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit("not proved: the answer cannot be written: %s" % error.strerror)


if __name__ == "__main__":
    main()
