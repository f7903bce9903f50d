#!/usr/bin/env python3
"""The shop migration as a plain script: no ledger, no resume, no quarantine, nothing to prove afterwards.

What Counterfoil is compared with. It reads `orders_v1` and writes `orders_v2` in the same SQLite file, one transaction
for every 5,000 records, money as Decimal. The pragmas are SQLite's defaults as Python's sqlite3 opens a file
(journal_mode DELETE, synchronous FULL; the page size is the file's). A record that cannot be transformed stops it.

    plain_python.py STORE [--load ORDERS.ndjson]

stdout is CSV: step, records, wall_seconds, cpu_seconds, records_per_second.
"""

import argparse
import json
import re
import sqlite3
import sys
import time
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

BATCH_RECORDS = 5_000
CENT = Decimal("0.01")
TAX_RATE = Decimal("0.0825")
FREE_SHIPPING_FROM = Decimal("100.00")
SHIPPING = Decimal("6.00")
STATUS = {1: "pending", 2: "shipped", 3: "delivered"}
STATE_AND_ZIP = re.compile(r"([A-Z]{2}) ([0-9]{5}(?:-[0-9]{4})?)")


def phone_number(text):
    digits = re.sub(r"[^0-9]", "", text)
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    if len(digits) == 10:
        return f"+1-{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    return text


def address(text):
    street, city, state_and_zip = text.rsplit(", ", 2)
    match = STATE_AND_ZIP.fullmatch(state_and_zip)
    if match is None:
        raise ValueError("address without state and zip")
    return {"street": street, "city": city, "state": match[1], "zip": match[2]}


def items(order):
    products = order["product_ids"].split(",")
    quantities = order["quantities"].split(",")
    prices = order["prices"].split(",")
    if not len(products) == len(quantities) == len(prices):
        raise ValueError("lists of unlike lengths")
    return [
        {"product_id": product.strip(), "quantity": int(quantity), "unit_price": Decimal(price)}
        for product, quantity, price in zip(products, quantities, prices)
    ]


def transform(order):
    first, _, last = order["customer_name"].partition(" ")
    lines = items(order)
    subtotal = sum((line["quantity"] * line["unit_price"] for line in lines), Decimal("0.00"))
    tax = (subtotal * TAX_RATE).quantize(CENT, ROUND_HALF_EVEN)
    shipping = SHIPPING if subtotal < FREE_SHIPPING_FROM else Decimal("0.00")
    total = Decimal(order["order_total"]).quantize(CENT, ROUND_HALF_EVEN)
    created = datetime.strptime(order["created_date"], "%Y-%m-%d %H:%M:%S").isoformat() + "Z"
    return {
        "id": order["order_id"],
        "customer": {
            "name": {"first": first, "last": last},
            "contact": {"email": order["customer_email"], "phone": phone_number(order["customer_phone"])},
            "address": address(order["customer_address"]),
        },
        "items": lines,
        "pricing": {
            "subtotal": subtotal,
            "tax": tax,
            "shipping": shipping,
            "adjustment": total - (subtotal + tax + shipping),
            "total": total,
        },
        "status": STATUS[order["order_status"]],
        "timestamps": {"created": created, "updated": created},
    }


def create(connection, name):
    connection.execute(f'CREATE TABLE "{name}" (record INTEGER PRIMARY KEY, id TEXT NOT NULL, data TEXT NOT NULL)')
    connection.execute(f'CREATE UNIQUE INDEX "{name}.id" ON "{name}" (id)')


def batches(rows):
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH_RECORDS:
            yield batch
            batch = []
    if batch:
        yield batch


def load(connection, file_name):
    create(connection, "orders_v1")
    count = 0
    with open(file_name, encoding="utf-8") as lines:
        for batch in batches(lines):
            rows = [(json.loads(line)["order_id"], line.rstrip("\n")) for line in batch]
            with connection:
                connection.executemany("INSERT INTO orders_v1 (id, data) VALUES (?, ?)", rows)
            count += len(rows)
    return count


def migrate(connection):
    create(connection, "orders_v2")
    after, count = 0, 0
    while True:
        rows = connection.execute(
            "SELECT record, data FROM orders_v1 WHERE record > ? ORDER BY record LIMIT ?", (after, BATCH_RECORDS)
        ).fetchall()
        if not rows:
            return count
        written = []
        for record, data in rows:
            order = transform(json.loads(data, parse_float=Decimal))
            # Decimal has no JSON form of its own; as text it stays exact.
            text = json.dumps(order, ensure_ascii=False, separators=(",", ":"), default=str)
            written.append((record, order["id"], text))
        with connection:
            connection.executemany("INSERT INTO orders_v2 (record, id, data) VALUES (?, ?, ?)", written)
        after = rows[-1][0]
        count += len(rows)


def timed(step, work, *arguments):
    wall, cpu = time.perf_counter(), time.process_time()
    count = work(*arguments)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{step},{count},{wall:.3f},{cpu:.3f},{count / wall:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store")
    parser.add_argument("--load", metavar="ORDERS.ndjson", help="fill orders_v1 from this file first")
    arguments = parser.parse_args()
    connection = sqlite3.connect(arguments.store)
    print("step,records,wall_seconds,cpu_seconds,records_per_second")
    if arguments.load:
        timed("load", load, connection, arguments.load)
    timed("migrate", migrate, connection)
    connection.close()


if __name__ == "__main__":
    sys.exit(main())
