#!/usr/bin/env python3
"""Judge a Counterfoil store by docs/format.md. The first version was written from that document alone, by somebody who had
nothing else; it then followed the sentences that the document gained.

    python3 verify_store.py STORE [--key FILE]

Exit codes: 0 sound, 8 unsound, 1 not judged (no store of a known version), 2 called wrongly or no key, 7 locked. Every broken rule
is a line `CODE: what, where`. Nothing is written to the store or beside it. Section numbers are those of the document.
"""
import argparse
import base64
import collections
import contextlib
import functools
import hashlib
import heapq
import itertools
import json
import keyword
import os
import re
import shutil
import sqlite3
import stat
import sys
import tempfile
import urllib.parse

SOUND, NOT_JUDGED, USAGE, LOCKED, UNSOUND = 0, 1, 2, 7, 8
TAIL = 8192                # bytes of STORE.checkpoints that sections 2 and 9 look at
SHOWN = 100                # problems that are printed; all are counted
NAME = re.compile(r"(?!ledger_|audit_|sqlite_)[a-z][a-z0-9_]{0,62}")
SLUG = re.compile(r"[a-z][a-z0-9_]{0,62}")
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
SIZE = re.compile("0|[1-9][0-9]{0,19}")
DASH = "\u2014"
# White_Space of Unicode (Conventions).
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200b)))

# Section 3: the columns, key first. Types: i integer, t text, h hash, s salt, b bytes; a capital also allows NULL.
COLUMNS = {
    "ledger_stage": "stage:i project:t number:i slug:t source_text:t text_sha256:h meaning:t meaning_sha256:h",
    "ledger_run": "run:i uuid:t command:t actor:t host:t tool:t arguments:t reason:T started_us:i",
    "ledger_pass": "pass:i kind:t stage:I source:T target:T reverses:I after_batch:I now_us:i",
    "ledger_batch": "batch:i run:i pass:i step:t first_record:I last_record:I cursor:T read:i written:i unchanged:i filtered:i"
                    " refused:i merged:i entries:i committed_us:i body:T entries_sha256:h previous_head:h head:h tree_size:i"
                    " tree_root:h frontier:b",
    "ledger_record": "record:i database:t id:T salt:S",
    "ledger_entry": "batch:i record:i part:i outcome:i target:I input:H before:H after:H reason:T",
    "ledger_image": "batch:i record:i part:i kind:i body:b",
    "ledger_erasure": "record:i batch:i basis:t",
    "ledger_checkpoint": "tree_size:i note:t",
    "ledger_sparse": "record:i batch:i",
    "ledger_open": "pass:i",
    "ledger_total": "stage:i batch:i read:i written:i unchanged:i filtered:i refused:i merged:i",
    "ledger_written": "database:t rollback:i batch:i",
    "ledger_lookup": "database:t row:i how:t golden:i record:i batch:i",
}
DATABASE_COLUMNS = "record:i id:t data:t"
KEY_LENGTH = {"ledger_entry": 3, "ledger_image": 3, "ledger_sparse": 2, "ledger_written": 3, "ledger_lookup": 6}
KINDS = {"init", "load", "edit", "apply", "retry", "waive", "rollback", "merge", "erase", "reconcile"}
COUNTS = ("read", "written", "unchanged", "filtered", "refused", "merged")
CHECKED = ("ledger_stage", "ledger_run", "ledger_pass", "ledger_checkpoint", "ledger_erasure")

# Section 8.
SCHEMA_SHA256 = {
    1: "9997c9356f7f3286eedbe765fe4928a6ded3eb8cc63923fed4f1692e08281cb5",
    2: "177273eebc746c2843f9b34fede5187f23fe4327f9041e6a3a04df862f4b8082",
    3: "607150cb8e19a9b2702a3514fd9fd6cf929185c46e5d20465d784b5bbc74d9b2",
    4: "23a2d3948e08404ea468d3cd8afb703a350ad7231e30b2ba6f5766eadef7579a",
    5: "244236f7a21105fcb4e6f99b707776cde38cf9416feb2cba7911f8c76475a713",
    6: "f764230994362cf9fb4069e44ee393f1015929c85ab65195f33a7e00bd7d6222",
    7: "f7ab30b999ccd848f9507f692515d75756067658b995aac4eb423b9487939a08",
    8: "300b3afd10616e099af863f692c67ad61c1dec61ce4ade43a8d02f918af2a4ab",
}
TABLE_SQL = 'CREATE TABLE "%s"(record INTEGER PRIMARY KEY, id TEXT NOT NULL, data TEXT NOT NULL) STRICT'
SQLITE_TABLES = {n: f"CREATE TABLE {n}({columns})" for n, columns in {
    "sqlite_sequence": "name,seq", "sqlite_stat1": "tbl,idx,stat", "sqlite_stat2": "tbl,idx,sampleno,sample",
    "sqlite_stat3": "tbl,idx,neq,nlt,ndlt,sample", "sqlite_stat4": "tbl,idx,neq,nlt,ndlt,sample"}.items()}
DENSE = "b.entries>256 AND b.last_record-b.first_record<4*b.entries AND b.last_record-b.first_record<16384"
SUMS = ", ".join(f"sum(b.{c}*(u.batch IS NULL))" for c in COUNTS)
DERIVED = {
    "ledger_sparse": "SELECT DISTINCT e.record, e.batch FROM ledger_batch b NOT INDEXED JOIN ledger_entry e NOT INDEXED"
                     f" ON e.batch=b.batch WHERE b.entries>0 AND NOT ({DENSE}) ORDER BY 1, 2",
    "ledger_open": "SELECT pass FROM ledger_pass NOT INDEXED WHERE pass NOT IN"
                   " (SELECT pass FROM ledger_batch NOT INDEXED WHERE step='end') ORDER BY 1",
    "ledger_total": f"SELECT p.stage, max(max(b.batch), coalesce(max(u.batch),0)), {SUMS}"
                    " FROM ledger_pass p NOT INDEXED JOIN ledger_batch b NOT INDEXED USING(pass) LEFT JOIN (SELECT v.reverses,"
                    " max(x.batch) AS batch FROM ledger_pass v NOT INDEXED JOIN ledger_batch x NOT INDEXED USING(pass)"
                    " WHERE v.reverses IS NOT NULL AND x.step='end' GROUP BY v.reverses) u ON u.reverses=p.pass"
                    " WHERE p.kind IN('apply','retry','waive') AND p.stage IS NOT NULL AND b.read>0 GROUP BY p.stage ORDER BY 1",
    "ledger_written": "SELECT p.target, p.kind='rollback', b.batch FROM ledger_pass p NOT INDEXED JOIN ledger_batch b NOT INDEXED"
                      " USING(pass) WHERE b.read>0 AND p.target IS NOT NULL AND (p.kind<>'load' OR b.read>b.unchanged)"
                      " ORDER BY 1, 2, 3",
    "ledger_lookup": "SELECT DISTINCT d.key, CASE h.key WHEN 'absent' THEN 0 WHEN 'golden' THEN"
                     " json_extract(CASE v.type WHEN 'array' THEN v.value END,'$[0]') ELSE v.value END, h.key, CASE h.key WHEN 'golden'"
                     " THEN json_extract(CASE v.type WHEN 'array' THEN v.value END,'$[1]') ELSE 0 END, e.record, e.batch"
                     " FROM ledger_stage s NOT INDEXED JOIN ledger_pass p NOT INDEXED USING(stage) JOIN ledger_batch b NOT INDEXED"
                     " USING(pass) JOIN ledger_entry e NOT INDEXED ON e.batch=b.batch"
                     " JOIN json_each(CASE WHEN json_valid(e.reason) THEN e.reason END,'$.lookup') d"
                     " JOIN json_each(CASE d.type WHEN 'object' THEN d.value END) h"
                     " JOIN json_each(CASE h.type WHEN 'array' THEN h.value END) v"
                     " WHERE p.kind IN('apply','retry') AND instr(s.meaning,'\"lookups\":') AND b.entries>0"
                     " AND instr(e.reason,'\"lookup\":') ORDER BY 1, 2, 3, 4, 5, 6",
}

# Section 5, rule 8: (state of a pass, step) -> next state.
STATES = {("new", "data"): "open", ("open", "data"): "open", ("new", "note"): "open", ("open", "note"): "open",
          ("new", "index"): "indexed", ("open", "index"): "indexed",
          ("new", "end"): "ended", ("open", "end"): "ended", ("indexed", "end"): "ended"}


class Unsound(Exception):
    """The store is unsound in a way that leaves no sense in reading on: (code, what)."""


class NotJudged(Exception):
    """The file is no store that this document knows."""


class NoFit(Exception):
    """A reverse patch does not fit, or data is no JSON object."""


class Report:
    """The problems that were found."""

    def __init__(self):
        self.count = 0

    def add(self, code, what):
        """Print one problem, `CODE: what`."""
        self.count += 1
        if self.count <= SHOWN:
            print(f"{code}: {what}")
        elif self.count == SHOWN + 1:
            print("... and more, which are only counted")


def sha(*parts):
    """SHA-256 over the concatenation of parts."""
    return hashlib.sha256(b"".join(parts)).digest()


def hexa(value):
    """A hash as section 4 writes it: NULL is the empty text."""
    return "" if value is None else value.hex()


def array(values):
    """The bytes of a JSON array (section 4). Lone surrogates, which no store can hold, pass and will equal nothing."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


# ---- Ed25519 (RFC 8032), points as (X, Y, Z, T) ----

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def point_add(p, q):
    """The sum of two points."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_multiply(s, p):
    """s times p."""
    result = (0, 1, 1, 0)
    while s:
        if s & 1:
            result = point_add(result, p)
        p = point_add(p, p)
        s >>= 1
    return result


def point_equal(p, q):
    """Whether two points are the same."""
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def point_decode(data):
    """The point that 32 bytes encode, or None (RFC 8032, 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_valid(key, message, signature):
    """Whether the signature is valid, without the cofactor; R and the key must not be of small order (section 9)."""
    if len(signature) != 64:
        return False
    a, r, s = point_decode(key), point_decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER or any(point_equal(point_multiply(8, p), (0, 1, 1, 0)) for p in (a, r)):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return point_equal(point_multiply(s, BASE), point_add(r, point_multiply(k, a)))


# ---- Keys, notes and checkpoints (section 9) ----

def base64_bytes(text):
    """What a base64 text of RFC 4648, section 4, holds, or None. Writing it again tells every laxness."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def is_key_name(name):
    """Whether it may be the name of a key."""
    return name != "" and "+" not in name and not any(c in SPACE for c in name)


class Key:
    """A public key."""

    def __init__(self, text):
        """Read `NAME+HASH+KEY` (section 9, Keys); ValueError if it is none."""
        self.name, digits, encoded = text.strip(SPACE).split("+", 2)
        raw = base64_bytes(encoded)
        if not is_key_name(self.name) or raw is None or len(raw) != 33 or raw[0] != 1 or point_decode(raw[1:]) is None:
            raise ValueError("it is not NAME+HASH+KEY of an Ed25519 key")
        self.public = raw[1:]
        self.hash = sha(self.name.encode(), b"\n", raw)[:4]
        if digits.lower() != self.hash.hex():
            raise ValueError("its hash is not that of its name and key")

    @functools.lru_cache(maxsize=4096)
    def accepts(self, note):
        """Whether at least one signature is this key's, and all that are, are valid."""
        mine = [raw[4:] for name, raw in note.signatures if name == self.name and raw[:4] == self.hash]
        return bool(mine) and all(ed25519_valid(self.public, note.signed.encode(), s) for s in mine)


Checkpoint = collections.namedtuple("Checkpoint", "origin size root signed signatures")


def read_signature(line):
    """(name, key hash and signature) of a signature line, or None."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != DASH or not is_key_name(parts[1]):
        return None
    raw = base64_bytes(parts[2])
    return (parts[1], raw) if raw is not None and len(raw) > 4 else None


def read_checkpoint(text):
    """The Checkpoint that a text is, or None."""
    cut = text.rfind("\n\n")
    if cut < 0 or not text.endswith("\n") or cut + 2 == len(text) or CONTROL.search(text):
        return None
    signatures = tuple(read_signature(line) for line in text[cut + 2:-1].split("\n"))
    lines = text[:cut].split("\n")
    if None in signatures or len(lines) < 3 or not lines[0] or not SIZE.fullmatch(lines[1]):
        return None
    root = base64_bytes(lines[2])
    if root is None or len(root) != 32 or int(lines[1]) >= 2**64:
        return None
    return Checkpoint(lines[0], int(lines[1]), root, text[:cut + 1], signatures)


def shortest_checkpoint(lines):
    """The checkpoint in T, given as its lines without LF: of the ends of T that are one, the shortest."""
    ends = (read_checkpoint("\n".join(lines[first:]) + "\n") for first in range(len(lines) - 1, -1, -1))
    return next((c for c in ends if c), None)


def checkpoints_in(stream):
    """The checkpoints among the notes of a binary stream, in order: a T ends where signature lines end."""
    lines, signed = [], False
    for raw in stream:
        line = raw.decode("utf-8", "replace")
        is_signature = line.startswith(DASH) and line.endswith("\n")
        if signed and not is_signature:
            yield shortest_checkpoint(lines)
            lines = []
        signed = is_signature
        lines.append(line[:-1] if line.endswith("\n") else line)
    if signed:
        yield shortest_checkpoint(lines)


# ---- Reverse patches (section 7) ----

def no_constant(name):
    """NaN and Infinity are no JSON."""
    raise ValueError(name)


RAW_JSON = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=no_constant)
BLANK = re.compile("[ \t\n\r]*")


def read_json(text):
    """The value of a JSON text, or None if it is none. Of two members with one name the first counts (sections 9 and 10)."""
    try:
        return json.loads(text, parse_constant=no_constant, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    except (ValueError, RecursionError):
        return None


def fields_of(data):
    """The fields of a JSON object: an ordered dict, decoded name -> (text of the name, text of the value)."""
    try:
        is_object = isinstance(RAW_JSON.decode(data), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise NoFit("data is no JSON object")
    fields, at = {}, skip(data, skip(data, 0) + 1)
    while data[at] != "}":
        start = skip(data, at + 1) if data[at] == "," else at
        name, end = RAW_JSON.raw_decode(data, start)
        value = skip(data, skip(data, end) + 1)
        at = RAW_JSON.raw_decode(data, value)[1]
        if name in fields:
            raise NoFit("data has a name twice")
        fields[name] = (data[start:end], data[value:at])
        at = skip(data, at)
    return fields


def skip(data, at):
    """The position behind white space."""
    return BLANK.match(data, at).end()


def is_step(step):
    """Whether a value is `[pointer, position, old, new]`."""
    return (isinstance(step, list) and len(step) == 4 and isinstance(step[0], str) and step[0].startswith("/")
            and type(step[1]) is int and all(v is None or isinstance(v, str) for v in step[2:]))


def apply_patch(body, data):
    """The older data that the patch `body` makes of the newer; NoFit if it does not fit."""
    steps = read_json(body)
    if not isinstance(steps, list) or not all(is_step(s) for s in steps):
        raise NoFit("the image is no patch")
    names = [step[0][1:].replace("~1", "/").replace("~0", "~") for step in steps]
    if len(set(names)) < len(names):
        raise NoFit("the patch names a field twice")
    fields, back = fields_of(data), []
    for name, (_, position, old, _) in zip(names, steps):
        if name in fields:
            if old is None:
                del fields[name]
            else:
                fields[name] = (fields[name][0], old)
        elif old is None:
            raise NoFit("the patch removes a field that is not there")
        else:
            back.append((position, json.dumps(name, ensure_ascii=False), old))
    left, older = collections.deque(fields.values()), []
    for position, name, value in back:
        while left and len(older) < position:
            older.append(left.popleft())
        if len(older) != position:
            raise NoFit("a position of the patch does not fit")
        older.append((name, value))
    return "{" + ",".join(name + ":" + value for name, value in older + list(left)) + "}"


def patch_between(older, newer):
    """The bytes of the patch between two data, or None if there is none because it is not shorter than the older."""
    old, new = fields_of(older), fields_of(newer)
    steps = [[pointer(name), -1, None, text] for name, (_, text) in new.items() if name not in old]
    for index, (name, (_, text)) in enumerate(old.items()):
        other = new[name][1] if name in new else None
        if other != text:
            steps.append([pointer(name), index, text, other])
    patch = array(steps)
    return patch if len(patch) < len(older.encode("utf-8", "surrogatepass")) else None


def pointer(name):
    """The pointer to a field."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


# ---- Reading the store (sections 1 to 3) ----

IS = {"i": lambda v: type(v) is int, "t": lambda v: type(v) is str, "b": lambda v: type(v) is bytes,
      "h": lambda v: type(v) is bytes and len(v) == 32, "s": lambda v: type(v) is bytes and len(v) == 16}


def table_rows(db, table):
    """All rows of a table as named tuples, in the order of the key; Unsound at a value of a wrong type or length."""
    columns = [c.split(":") for c in COLUMNS.get(table, DATABASE_COLUMNS).split()]
    names, kinds = [c[0] for c in columns], [c[1] for c in columns]
    tests = [(IS[k.lower()], k.isupper()) for k in kinds]
    row_type = collections.namedtuple("Row", [n + "_" * keyword.iskeyword(n) for n in names])
    length, last = KEY_LENGTH.get(table, 1), None
    order = ",".join(f'"{n}"' for n in names[:length])
    for values in db.execute('SELECT %s FROM main."%s" NOT INDEXED ORDER BY %s'
                             % (",".join(f'"{n}"' for n in names), table, order)):
        for (test, may_be_null), value, name in zip(tests, values, names):
            if not (may_be_null if value is None else test(value)):
                raise Unsound("file.damaged", f"a value of a wrong type or length, {table}.{name} at {values[:length]!a}")
        if last is not None and values[:length] <= last:
            raise Unsound("file.damaged", f"keys are out of order, {table} at {values[:length]!a}")
        last = values[:length]
        yield row_type._make(values)


def read_head(path):
    """Whether the file has a write-ahead log; NotJudged or Unsound if it is no store that is to be read (section 2, 1 to 3)."""
    try:
        mode = os.stat(path)
    except OSError:
        mode = None
    if mode is None or (stat.S_ISREG(mode.st_mode) and mode.st_size == 0):
        if was_signed(path + ".checkpoints"):
            raise Unsound("checkpoint.truncated", "a signed store was here and is gone, STORE")
        raise NotJudged("there is no file, or it is empty")
    if not stat.S_ISREG(mode.st_mode):
        raise NotJudged("it is no plain file")
    try:
        with open(path, "rb") as f:
            head = f.read(105).ljust(105, b"\0")
    except OSError as e:
        raise NotJudged(f"it cannot be opened ({e.strerror})") from None
    if head[:16] != b"SQLite format 3\0":
        raise Unsound("file.damaged", "it does not begin as an SQLite file, bytes 0 to 15")
    if any(head[60:64] + head[68:72] + head[103:105]):
        known_version(int.from_bytes(head[68:72], "big"), int.from_bytes(head[60:64], "big"))
    return head[18] == 2


def known_version(application_id, version):
    """The version, if it is one of a store; NotJudged if not (section 2, 3 and 4)."""
    if application_id != 0x43464C31 or version not in SCHEMA_SHA256:
        raise NotJudged("application_id or user_version are those of no known store")
    return version


def was_signed(path):
    """Whether a plain file begins with checkpoints (section 2, rule 1)."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        with open(path, "rb") as f:
            return f"\n{DASH} ".encode() in f.read(TAIL)
    except OSError:
        return False


def decode_text(raw):
    """A text of the store. Bytes that are no UTF-8 make it unsound."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Unsound("file.damaged", "a text is no UTF-8") from None


@contextlib.contextmanager
def opened(path, is_wal):
    """A connection in one read transaction. A journal or log counts: then a private copy is read, as SQLite must recover it."""
    real = os.path.realpath(path)
    beside = [s for s in ("-journal", "-wal") if os.path.isfile(real + s) and os.path.getsize(real + s)]
    with contextlib.ExitStack() as stack:
        mode = "immutable=1" if is_wal else "mode=ro"
        if beside:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="verify_store_"))
            copy, mode = os.path.join(folder, "store"), "mode=rw"
            copy_still(real, copy, [""] + beside)
            real = copy
        uri = "file:" + urllib.parse.quote(os.fsencode(real)) + "?" + mode
        db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=60)
        stack.callback(db.close)
        db.text_factory = decode_text
        db.execute("BEGIN")
        yield db


def copy_still(source, copy, suffixes):
    """Copy the files, and again if one changed meanwhile."""
    for _ in range(5):
        before = [os.stat(source + s) for s in suffixes]
        for s in suffixes:
            shutil.copyfile(source + s, copy + s)
        after = [os.stat(source + s) for s in suffixes]
        if [(x.st_size, x.st_mtime_ns) for x in before] == [(x.st_size, x.st_mtime_ns) for x in after]:
            return


# ---- The store in memory: runs, passes, revisions, and numbers of batches; no records and no entries ----

Light = collections.namedtuple("Light", "pass_ step tree_size tree_root written merged refused")


class Store:
    """What most checks need."""

    def __init__(self, db, version, databases):
        self.db, self.version, self.databases = db, version, databases
        self.runs = {r.run: r for r in table_rows(db, "ledger_run")}
        self.passes = {p.pass_: p for p in table_rows(db, "ledger_pass")}
        self.stages, self.batches, self.acceptances, self.accepted_size = {}, {}, [], 0
        self.run_order = {}                   # the runs, as keys, in the order of their first batches
        for b in table_rows(db, "ledger_batch"):
            self.batches[b.batch] = Light(b.pass_, b.step, b.tree_size, b.tree_root, b.written, b.merged, b.refused)
            self.read_edit(b)
        self.ended = {b.pass_ for b in self.batches.values() if b.step == "end"}
        self.undone = {p.reverses for p in self.passes.values() if p.pass_ in self.ended}
        self.aggregating = {s for s, in db.execute("SELECT stage FROM main.ledger_stage NOT INDEXED WHERE"
                            " json_type(CASE WHEN json_valid(meaning) THEN meaning END, '$.aggregate') IS NOT NULL")}
        self.targets = {p.target for p in self.passes.values() if p.target is not None}
        self.compared = self.targets | set(databases)
        self.roots = {(b.tree_size, b.tree_root) for b in self.batches.values()}
        self.origin = self.runs[1].uuid if 1 in self.runs else None

    def pass_of(self, batch):
        """The pass of a batch, or None."""
        light = self.batches.get(batch)
        return self.passes.get(light.pass_) if light else None

    def read_edit(self, b):
        """Take from the body of an edit of the ledger itself the accepted names (section 10) and keys (section 9)."""
        p = self.passes.get(b.pass_)
        body = read_json(b.body) if b.body is not None and p and p.kind == "edit" and p.target is None else None
        if not isinstance(body, dict):
            return
        if body.get("accepted") is not None:
            self.accepted_size = max(self.accepted_size, b.tree_size)
        if isinstance(body.get("renamed"), list):
            self.acceptances += [a for a in body["renamed"] if is_acceptance(a)]


def is_acceptance(a):
    """Whether an element of `renamed` accepts anything (section 10)."""
    return (isinstance(a, dict) and all(isinstance(a.get(k), str) for k in ("project", "recorded", "slug"))
            and type(a.get("stage")) is int and SLUG.fullmatch(a["slug"]) is not None
            and isinstance(a.get("batches"), list) and [type(n) for n in a["batches"]] == [int, int]
            and all(-2**63 <= n < 2**63 for n in a["batches"]))


# ---- The schema (section 8) ----

def check_schema(db, version, report):
    """Compare the schema; answer the databases, as a dict: name -> whether its index is there."""
    objects = db.execute("SELECT type, name, tbl_name, sql FROM main.sqlite_schema").fetchall()
    if any(type(v) is not str for o in objects for v in o[:3]) or any(o[3] is not None and type(o[3]) is not str for o in objects):
        raise Unsound("schema.unexpected", "an object without a name, sqlite_schema")
    if len(set(objects)) < len(objects):
        raise Unsound("schema.unexpected", "an object that is there twice, sqlite_schema")
    known = set(objects)
    databases = {n: False for t, n, table, sql in sorted(o[:3] + (o[3] or "",) for o in objects)
                 if t == "table" and NAME.fullmatch(n) and table == n and sql == TABLE_SQL % n}
    for name in databases:
        databases[name] = index_of(name) in known
    view = ("view", "audit_row", "audit_row", audit_row_sql(list(databases)))
    if version >= 5 and view not in known:
        report.add("schema.differs", "the view of all records is missing or another, audit_row")
    for table in ("ledger_stage", "ledger_run"):
        if ("index", f"sqlite_autoindex_{table}_1", table, None) not in known:
            report.add("schema.differs", f"SQLite's index is missing, {table}")
    apart = {("table", n, n, TABLE_SQL % n) for n in databases} | {index_of(n) for n in databases}
    apart |= {("table", n, n, sql) for n, sql in SQLITE_TABLES.items()} | ({view} if version >= 5 else set())
    lines = sorted(array(o) + b"\n" for o in known - apart if not (o[0] == "index" and o[3] is None))
    if sha(*lines).hex() != SCHEMA_SHA256[version]:
        report.add("schema.differs", f"the objects of the ledger are not those of version {version}, sqlite_schema")
    return databases


def index_of(name):
    """The schema's row for the index of a database."""
    return "index", f"{name}.id", name, f'CREATE UNIQUE INDEX "{name}.id" ON "{name}"(id)'


def audit_row_sql(names):
    """The text of the view audit_row, from version 5 on."""
    terms = [f"SELECT '{n}' AS database, record, id, data FROM \"{n}\"" for n in sorted(names)]
    terms = terms or ["SELECT NULL AS database, NULL AS record, NULL AS id, NULL AS data WHERE 0"]
    while len(terms) > 100:
        terms = ["SELECT * FROM (" + " UNION ALL ".join(terms[i:i + 100]) + ")" for i in range(0, len(terms), 100)]
    return "CREATE VIEW audit_row AS\n " + "\n UNION ALL ".join(terms)


def check_databases(store, report):
    """Which databases have a table, and which tables an index."""
    for name in sorted(store.targets):
        if not NAME.fullmatch(name):
            report.add("schema.unexpected", f"a target that cannot name a database, {name!a}")
    written = {store.passes[b.pass_].target for b in store.batches.values() if (b.written or b.merged) > 0 and b.pass_ in store.passes}
    for name in sorted(written - {None} - set(store.databases)):
        report.add("schema.differs", f"the table of a database that was written to is missing, {name!a}")
    building = {p.target for p in store.passes.values() if p.pass_ not in store.ended and p.pass_ not in store.undone}
    for name, has_index in store.databases.items():
        if not has_index and name not in building and next(table_rows(store.db, name), None):
            report.add("schema.differs", f"the index of a database is missing, {name!a}")


def check_derived(store, report):
    """The tables that say nothing new: four in versions 4 and 5, five from version 6 on."""
    for table, query in DERIVED.items():
        if table == "ledger_lookup" and store.version < 6:
            continue
        for found, wanted in itertools.zip_longest(table_rows(store.db, table), store.db.execute(query)):
            if found is None or wanted is None or tuple(found) != wanted:
                report.add("schema.derived", f"it does not hold the rows of its query, {table} at {tuple(found or wanted)!a}")
                break


# ---- The ledger (section 5) ----

class Tree:
    """The Merkle tree, as its frontier."""

    def __init__(self):
        self.size, self.frontier = 0, []

    def append(self, text):
        """Append the leaf of a text."""
        x, n = sha(b"\0", text), self.size
        while n & 1:
            x, n = sha(b"\1", self.frontier.pop(), x), n >> 1
        self.frontier.append(x)
        self.size += 1

    def root(self):
        """The root: the fold of the frontier from its right end."""
        return functools.reduce(lambda right, left: sha(b"\1", left, right), reversed(self.frontier))


class Entries:
    """The entries of one batch, summed up while their leaves are appended to the tree."""

    def __init__(self, rows, tree):
        digest, tally = hashlib.sha256(), [0] * 6
        self.number, self.first, self.last = 0, None, None
        for e in rows:
            if not 1 <= e.outcome <= 5:
                raise Unsound("file.damaged", f"an outcome out of range, ledger_entry at {tuple(e[:3])!a}")
            text = array(["e1", *e[:5], hexa(e.input), hexa(e.before), hexa(e.after), e.reason])
            digest.update(text + b"\n")
            tree.append(text)
            self.number += 1
            if e.record != self.last:
                tally[e.outcome] += 1
            self.first, self.last = e.record if self.first is None else self.first, e.record
        self.sha256, self.counts = digest.digest(), (sum(tally), *tally[1:])


def entries_by_batch(store, report):
    """A function that takes the rows of one batch, batch after batch; entries of no batch are reported on the way."""
    groups = itertools.groupby(table_rows(store.db, "ledger_entry"), key=lambda e: e.batch)
    held = []

    def take(batch):
        """The rows of the batch; of None, to the end."""
        while True:
            if not held:
                held.extend(itertools.islice(groups, 1))
            if not held or (batch is not None and held[0][0] > batch):
                return ()
            number, rows = held.pop()
            if number == batch:
                return rows
            report.add("chain.stray_entry", f"an entry of a batch that does not exist, batch {number}")
    return take


def header_texts(store, b):
    """The header texts that a batch may have (section 4): its own, and (section 10) those with accepted names."""
    r, p = store.runs.get(b.run), store.passes.get(b.pass_)
    s = store.stages.get(p.stage) if p and p.stage is not None else None
    if r is None or p is None:
        return
    names = [s.slug if s else None]
    if s:
        names += [a["slug"] for a in store.acceptances if a["project"] == s.project and a["stage"] == s.number
                  and a["batches"][0] <= b.batch <= a["batches"][1]]
    for slug in names:
        of_stage = [s.project, s.number, slug, s.text.hex(), s.meaning.hex()] if s else [None, None, None, "", ""]
        yield array(["b1", b.batch, *r[1:], *of_stage, p.pass_, p.kind, *p[3:], *b[3:16], b.entries_sha256.hex(),
                     b.previous_head.hex()])


def check_chain(store, report):
    """Rules 1 to 8 and stray entries."""
    tree, states = Tree(), {}
    take = entries_by_batch(store, report)
    number, head, time = 0, bytes(32), 0
    for b in table_rows(store.db, "ledger_batch"):
        at = f"batch {b.batch}"
        if b.batch != number + 1:
            report.add("chain.gap", f"the numbers of batches have a gap, {at}")
        if b.previous_head != head:
            report.add("chain.previous_head", f"it does not name the head before it, {at}")
        if b.committed_us < time:
            report.add("chain.time", f"it is earlier than the batch before it, {at}")
        check_entries(b, Entries(take(b.batch), tree), report)
        check_header(store, b, tree, report)
        check_tree(b, tree, report)
        states[b.pass_] = STATES.get((states.get(b.pass_, "new"), b.step), "wrong")
        if states[b.pass_] == "wrong":
            report.add("chain.state", f"the step may not follow in its pass, {at}")
        store.run_order.setdefault(b.run)
        number, head, time = b.batch, b.head, b.committed_us
    take(None)
    if not number:
        report.add("chain.empty", "there is no batch, ledger_batch")


def check_entries(b, found, report):
    """Rules 4 to 6 for one batch."""
    at = f"batch {b.batch}"
    if b.entries != found.number:
        report.add("chain.entries", f"it says {b.entries} entries and has {found.number}, {at}")
    if b.entries_sha256 != found.sha256:
        report.add("chain.entries_sha256", f"its entries are not those that were hashed, {at}")
    if found.number and tuple(getattr(b, c) for c in COUNTS) != found.counts:
        report.add("chain.counts", f"its counts are not those of its entries, {at}")
    if (b.first_record, b.last_record) != (found.first, found.last):
        report.add("chain.range", f"its first or last record is not that of its entries, {at}")


def check_header(store, b, tree, report):
    """Rule 2: the head; then append the header's leaf."""
    texts = list(header_texts(store, b))
    right = next((t for t in texts if sha(t, b"\n") == b.head), None)
    if right is None:
        report.add("chain.head", f"its head is not that of its header, batch {b.batch}")
    tree.append(right or (texts or [b""])[0])


def check_tree(b, tree, report):
    """Rule 7."""
    for code, is_right in (("tree.size", b.tree_size == tree.size), ("tree.root", b.tree_root == tree.root()),
                           ("tree.frontier", b.frontier == b"".join(tree.frontier))):
        if not is_right:
            report.add(code, f"it is not that of the tree, batch {b.batch}")


Stage = collections.namedtuple("Stage", "project number slug text meaning")


def check_stages(store, report):
    """Rule 9; and keep of each revision what headers need."""
    for s in table_rows(store.db, "ledger_stage"):
        if sha(s.source_text.encode()) != s.text_sha256 or sha(s.meaning.encode()) != s.meaning_sha256:
            report.add("stage.text", f"a text is not the one that was hashed, stage {s.stage}")
        store.stages[s.stage] = Stage(s.project, s.number, s.slug, s.text_sha256, s.meaning_sha256)


def check_strays(store, report):
    """Rules 10 and 11, but for entries."""
    images = store.db.execute("SELECT i.batch, i.record, i.part FROM main.ledger_image i NOT INDEXED LEFT JOIN main.ledger_entry e"
                              " ON e.batch=i.batch AND e.record=i.record AND e.part=i.part WHERE e.batch IS NULL")
    for key in images:
        report.add("chain.stray_image", f"an image without its entry, {key!a}")
    for e in table_rows(store.db, "ledger_erasure"):
        p = store.pass_of(e.batch)
        if p is None or p.kind != "erase":
            report.add("chain.stray_erasure", f"an erasure that no erasing batch made, record {e.record}")
    stages = dict.fromkeys(p.stage for p in store.passes.values() if p.stage is not None)
    passes = {b.pass_ for b in store.batches.values()}
    for what, numbers, used in (("run", store.runs, store.run_order), ("pass", store.passes, passes),
                                ("stage", store.stages, stages)):
        for n in sorted(set(numbers) - set(used)):
            report.add("chain.stray", f"nothing belongs to it, {what} {n}")
    for what, order in (("runs", store.run_order), ("stage revisions", stages)):
        if list(order) != list(range(1, len(order) + 1)):
            report.add("chain.number", f"they are not numbered in the order of their use, {what}")
    for p in store.passes.values():
        if p.stage is not None and p.stage not in store.stages:
            report.add("chain.stray", f"its stage does not exist, pass {p.pass_}")
        if p.kind not in KINDS:
            report.add("file.damaged", f"an unknown kind, pass {p.pass_}")


def check_integrity(db, report):
    """Rule 12."""
    for table in CHECKED:
        if db.execute(f"PRAGMA main.integrity_check({table})").fetchall() != [("ok",)]:
            report.add("file.damaged", f"SQLite's integrity check fails, {table}")


# ---- Records (section 6) ----

Entry = collections.namedtuple("Entry", "batch record part outcome target input before after has_reason of_window image body pass_")


# Whether an entry is a window's, if a stage that aggregates has written it (section 3, Windows).
HAS_SPANS = "e.target IS NULL AND json_type(CASE WHEN json_valid(e.reason) THEN e.reason END, '$.spans') IS NOT NULL"


def story_entries(store):
    """(row number, "entry", Entry) of all entries with their images, by row number and in the order of stories."""
    rows = store.db.execute(
        "SELECT coalesce(e.target, e.record), e.batch, e.record, e.part, e.outcome, e.target, e.input, e.before, e.after,"
        f" e.reason IS NOT NULL, {HAS_SPANS}, i.kind, i.body FROM main.ledger_entry e NOT INDEXED LEFT JOIN main.ledger_image i"
        " ON i.batch=e.batch AND i.record=e.record AND i.part=e.part ORDER BY 1, 2, 3, 4")
    for n, *values in rows:
        e = Entry(*values, store.pass_of(values[0]))
        yield n, "entry", e._replace(of_window=bool(e.of_window) and e.pass_ is not None and e.pass_.stage in store.aggregating)


def keyed(db, table, what):
    """(number, what, row) of the rows of a table."""
    for row in table_rows(db, table):
        yield row[0], what, row


def by_number(*streams):
    """Merge streams of (number, what, value): for each number, a dict: what -> its values."""
    number = lambda item: item[0]
    for n, items in itertools.groupby(heapq.merge(*streams, key=number), key=number):
        found = collections.defaultdict(list)
        for _, what, value in items:
            found[what].append(value)
        yield n, found


def check_records(store, report):
    """All of section 6: entries, numbers, erasures and rows go by in the order of the row number."""
    for i in table_rows(store.db, "ledger_image"):
        if not 1 <= i.kind <= 4:
            raise Unsound("file.damaged", f"a kind out of range, ledger_image at {tuple(i[:3])!a}")
    streams = [story_entries(store), keyed(store.db, "ledger_record", "number"), keyed(store.db, "ledger_erasure", "erasure")]
    streams += [keyed(store.db, name, ("row", name)) for name in store.databases]
    for n, found in by_number(*streams):
        record = found["number"][0] if found["number"] else None
        if record is not None:
            if record.database not in store.compared:
                report.add("record.unknown", f"its database is none, record {n}")
            if record.salt is None and not found["erasure"]:
                report.add("record.unsalted", f"it has no salt and was not erased, record {n}")
        stories = collections.defaultdict(list)
        for e in found["entry"]:
            check_entry(store, n, e, record.salt if record else None, report)
            if e.pass_ and e.pass_.target is not None:
                stories[e.pass_.target].append(e)
        if stories and record is None:
            report.add("record.unknown", f"nothing says where it comes from, record {n}")
        names = set(stories) | {w[1] for w in found if isinstance(w, tuple)} | ({record.database} if record else set())
        for name in sorted(names & store.compared):
            row = found[("row", name)][0] if found[("row", name)] else None
            check_story(name, n, stories[name], row, record, report)
    check_inputs(store, report)


def check_entry(store, n, e, salt, report):
    """The image of an entry, as far as it is about the row n; and whether a refusal has kept its input."""
    at = f"entry {(e.batch, e.record, e.part)}"
    if e.image == 1 and salt is not None and sha(salt, e.body) != e.before:
        report.add("image.differs", f"an image is not what its entry commits to, {at}")
    if e.image == 2 and (e.before is None or e.after is None or e.before == e.after):
        report.add("image.differs", f"a patch where no row was changed, {at}")
    if (e.outcome == 4 and e.has_reason and e.image not in (3, 4) and e.pass_ and e.pass_.kind in ("load", "apply", "retry")
            and store.batches[e.batch].refused > 0):
        report.add("image.missing", f"a refusal has not kept its input, {at}")


def check_inputs(store, report):
    """Images of kind 4, and of kind 3, against the salts of their entries' `record` (section 6, Images)."""
    rows = store.db.execute("SELECT i.record, 'image', i.kind, i.body, e.outcome, coalesce(e.input, e.before), i.batch, i.part,"
                            f" {HAS_SPANS}, CASE WHEN json_valid(e.reason) THEN CAST(json_extract(e.reason, '$.image') AS TEXT) END"
                            " FROM main.ledger_image i NOT INDEXED JOIN main.ledger_entry e"
                            " ON e.batch=i.batch AND e.record=i.record AND e.part=i.part WHERE i.kind IN (3, 4) ORDER BY 1")
    images = ((row[0], row[1], row[2:]) for row in rows)
    for n, found in by_number(images, keyed(store.db, "ledger_record", "number")):
        salt = found["number"][0].salt if found["number"] else None
        for kind, body, outcome, commitment, batch, part, has_spans, noted in found["image"]:
            hashed = sha(salt or b"", body)
            pass_ = store.pass_of(batch)
            if has_spans and pass_ and pass_.stage in store.aggregating:
                wrong = outcome != 4 or noted != hashed.hex()
            else:
                wrong = outcome != 4 if commitment is None else hashed != commitment
            wrong = wrong or kind == 3
            if salt is not None and wrong:
                report.add("image.differs", f"an image is not what its entry commits to, entry {(batch, n, part)}")


def check_story(name, n, story, row, record, report):
    """Rules 1 to 5 for the row n of a database."""
    at = f"{name!a} row {n}"
    if not story:
        if row is not None:
            report.add("data.unexpected", f"a row without a story, {at}")
        if record is not None and record.database == name:
            report.add("record.unknown", f"a record without a story, {at}")
        return
    before = None
    for e in story:
        if e.before != before:
            report.add("data.changed_between", f"its row was changed between two entries, {at} batch {e.batch}")
        if (e.pass_.kind != "rollback" and e.before is not None and e.after != e.before and e.image is None):
            report.add("image.missing", f"a change without an image, {at} batch {e.batch}")
        before = e.after
    salt = record.salt if record else None
    check_row(at, row, before, salt, report)
    if salt is not None:
        check_origin(at, name, story, row, record, report)


def check_row(at, row, last, salt, report):
    """Rule 2: the row and the last commitment to it."""
    if last is None and row is not None:
        report.add("data.unexpected", f"a row that the ledger says is gone, {at}")
    elif last is not None and row is None:
        report.add("data.missing", f"a row is missing, {at}")
    elif row is not None and (salt is None or commitment_to(salt, row.id, row.data) != last):
        report.add("data.differs", f"a row is not as the ledger says, {at}")


def commitment_to(salt, id_, data):
    """The commitment to a row."""
    return sha(salt, id_.encode("utf-8", "surrogatepass"), b"\0", data.encode("utf-8", "surrogatepass"))


def check_origin(at, name, story, row, record, report):
    """Rule 5."""
    first = story[0]
    begins = first.pass_.kind in ("load", "edit", "merge") or first.target is not None or first.of_window
    if begins != (record.database == name):
        report.add("record.origin", f"it did not begin in the database that is said, {at}")
    try:
        known = go_back(story, (row.id, row.data) if row else None, record.salt)
    except NoFit as e:
        report.add("image.differs", f"an older row cannot be had back: {e}, {at}")
        return
    if begins and known is not None:
        if record.id != (None if first.before is None and first.after is None else known[0]):
            report.add("record.origin", f"its id is not the one it began with, {at}")


def go_back(story, row, salt):
    """The row (id, data) as the first entry left it, or None if unknown; NoFit if going back fails."""
    for e in reversed(story[1:]):
        if e.before == e.after:
            continue
        if e.image in (1, 4):
            row = row_of_image(e.body)
        elif e.image == 2:
            if e.after is None:
                raise NoFit("a patch of a row that is gone")
            row = row and undo(e, row, salt)
        else:
            row = None
    return row


def row_of_image(body):
    """(id, data) of an image of a row, or None."""
    id_, zero, data = body.partition(b"\0")
    try:
        return (id_.decode(), data.decode()) if zero else None
    except UnicodeDecodeError:
        return None


def undo(e, row, salt):
    """The older row that a reverse patch makes of the newer one."""
    try:
        older = apply_patch(e.body.decode(), row[1])
    except UnicodeDecodeError:
        raise NoFit("the image is no patch") from None
    if commitment_to(salt, row[0], older) != e.before:
        raise NoFit("the patch makes another row than its entry commits to")
    if patch_between(older, row[1]) != e.body:
        raise NoFit("the patch is not the one between the two rows")
    return row[0], older


# ---- Checkpoints (section 9) ----

def check_checkpoints(store, path, key, report):
    """Rules 1 to 5."""
    sizes, last = set(), None
    for row in table_rows(store.db, "ledger_checkpoint"):
        note = last = read_checkpoint(row.note)
        sizes.add(row.tree_size)
        if not agrees(store, note) or note.size != row.tree_size:
            report.add("checkpoint.differs", f"it does not agree with the ledger, checkpoint {row.tree_size}")
        elif key and row.tree_size >= store.accepted_size and not key.accepts(note):
            report.add("checkpoint.differs", f"the key does not accept it, checkpoint {row.tree_size}")
    if sizes:
        check_newest(store, last, key, "ledger_checkpoint", report)
    check_file(store, path + ".checkpoints", key, sizes, report)


def agrees(store, note):
    """Whether a note agrees with the ledger."""
    return note is not None and note.origin == store.origin and (note.size, note.root) in store.roots


def check_newest(store, note, key, where, report):
    """Rule 3: the newest one agrees, and the key accepts it."""
    if note is None or (key and not key.accepts(note)):
        report.add("checkpoint.forged", f"the key does not accept the newest checkpoint, {where}")
    elif note.origin != store.origin:
        report.add("checkpoint.replaced", f"the newest checkpoint is of another ledger, {where}")
    elif not agrees(store, note):
        longest = max((size for size, _ in store.roots), default=0)
        code = "checkpoint.truncated" if note.size > longest else "checkpoint.rewritten"
        report.add(code, f"the ledger is not the one that was signed, {where}")


def check_file(store, path, key, sizes, report):
    """Rules 4 and 5: the file beside the store."""
    if not os.path.lexists(path):
        return
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise OSError("no plain file")
        with open(path, "rb") as f:
            f.seek(max(0, os.fstat(f.fileno()).st_size - TAIL))
            newest = [c for c in checkpoints_in(f) if c][-1:]
            f.seek(0)
            for c in checkpoints_in(f):
                if c and c.origin == store.origin and c.size not in sizes and (not key or key.accepts(c)):
                    report.add("checkpoint.missing", f"a checkpoint of the file is not in the store, size {c.size}")
    except OSError:
        report.add("checkpoint.unreadable", "it is no plain file, or cannot be read, STORE.checkpoints")
        return
    if newest:
        check_newest(store, newest[0], key, "STORE.checkpoints", report)


# ---- The verdict (section 1) ----

def verify(path, key, report):
    """Check every rule."""
    is_wal = read_head(path)
    with opened(path, is_wal) as db:
        version = known_version(*(db.execute(f"PRAGMA {p}").fetchone()[0] for p in ("application_id", "user_version")))
        databases = check_schema(db, version, report)
        if report.count:
            return                            # what the tables mean is not known
        check_integrity(db, report)
        store = Store(db, version, databases)
        check_stages(store, report)
        check_databases(store, report)
        check_chain(store, report)
        check_strays(store, report)
        check_records(store, report)
        if version >= 4:
            check_derived(store, report)
        check_checkpoints(store, os.path.realpath(path), key, report)


def judge(path, key):
    """The exit code for a store."""
    report = Report()
    try:
        verify(path, key, report)
    except NotJudged as e:
        print(f"not judged: {e}")
        return NOT_JUDGED
    except Unsound as e:
        report.add(*e.args)
    except sqlite3.OperationalError as e:
        if "locked" in str(e):
            print("not judged: another program holds the store")
            return LOCKED
        report.add("file.damaged", f"it cannot be read to the end ({str(e)!a}), STORE")
    except Exception as e:                    # whatever SQLite reports, and anything unforeseen in hostile bytes
        report.add("file.damaged", f"it cannot be read to the end ({type(e).__name__}: {str(e)!a}), STORE")
    print(f"unsound: {report.count} problem(s)" if report.count else "sound: every rule holds")
    return UNSOUND if report.count else SOUND


def main():
    """The command."""
    parser = argparse.ArgumentParser(description="Judge a Counterfoil store by format.md.", allow_abbrev=False)
    parser.add_argument("store", metavar="STORE")
    parser.add_argument("--key", metavar="FILE", help="the public key that checkpoints are signed with")
    arguments = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    if sqlite3.sqlite_version_info < (3, 37):
        print("not judged: Python has an SQLite older than 3.37")
        return NOT_JUDGED
    key = None
    if arguments.key is not None:
        try:
            with open(arguments.key, "rb") as f:
                key = Key(f.read(65536).decode("utf-8"))
        except (OSError, ValueError) as e:
            print(f"usage: no key, {arguments.key!a}: {e}", file=sys.stderr)
            return USAGE
    return judge(arguments.store, key)


if __name__ == "__main__":
    sys.exit(main())
