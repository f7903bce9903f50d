"""Aggregates readings without any float, slowly: the judge of the others.

usage: exact.py READINGS.ndjson|csv [--every 300] [--mixed] [--good 50] [--over 12] [--k 2] [--min-deviation 0] [--gap 100000] [--zone ZONE] [--without ID,...]
       [--corrections FILE]

Prints each window as a line of JSON, in the order of time and then of sensors. Sums are exact; means and deviations are rounded
once, half to even, to 17 significant digits; the rule for anomalies is decided on the means as they are written, without a root. Of two
readings with one id the later one counts. A time without an offset is in ZONE. A reading that cannot be aggregated is left out, and
named on stderr.
"""

import argparse
import csv
import json
import sys
from datetime import datetime, timezone
from decimal import Decimal
from fractions import Fraction
from math import isqrt
from zoneinfo import ZoneInfo

DIGITS = 17
MEASURES = {
    "temperature": ("mean", "min", "max", "std", "sum"),
    "humidity": ("mean", "min", "max"),
    "pressure": ("mean",),
}


class Number(str):
    """A number as it was written."""

    def exact(self):
        return Fraction(self)


def plain(digits, exponent):
    """Writes digits * 10 ** exponent as a plain decimal without zeros at its end."""
    if digits == 0:
        return "0"
    while digits % 10 == 0:
        digits, exponent = digits // 10, exponent + 1
    return format(Decimal(digits).scaleb(exponent), "f")


def half_even(whole, twice_rest, unit):
    """Rounds up, or not: twice_rest is twice what is left of one unit."""
    return whole + (twice_rest > unit or (twice_rest == unit and whole % 2))


def rounded(value):
    """Rounds a fraction to significant digits."""
    if value == 0:
        return "0"
    sign, value = ("-", -value) if value < 0 else ("", value)
    exponent = len(str(value.numerator)) - len(str(value.denominator)) - DIGITS
    while True:
        scaled = value / Fraction(10) ** exponent
        whole, rest = divmod(scaled.numerator, scaled.denominator)
        if len(str(whole)) <= DIGITS:
            break
        exponent += 1
    return sign + plain(half_even(whole, 2 * rest, scaled.denominator), exponent)


def root(value):
    """Rounds the square root of a fraction to significant digits."""
    if value == 0:
        return "0"
    exponent = (len(str(value.numerator)) - len(str(value.denominator))) // 2 - DIGITS
    while True:
        scaled = value / Fraction(10) ** (2 * exponent)
        whole = isqrt(scaled.numerator // scaled.denominator)
        if len(str(whole)) <= DIGITS:
            break
        exponent += 1
    above = (2 * whole + 1) ** 2 * scaled.denominator - 4 * scaled.numerator
    return plain(whole + (above < 0 or (above == 0 and whole % 2)), exponent)


def measured(take, numbers):
    """Returns a measure of numbers in the order of their readings."""
    if not numbers:
        return None
    values = [number.exact() for number in numbers]
    if take == "min":
        return numbers[values.index(min(values))]
    if take == "max":
        return numbers[values.index(max(values))]
    if take == "sum":
        places = max(max(-Decimal(number).as_tuple().exponent, 0) for number in numbers)
        total = sum(values)
        return Number(format(Decimal(int(total * 10**places)).scaleb(-places), "f"))
    if take == "mean":
        return Number(rounded(sum(values) / len(values)))
    return Number(root(variance(values))) if len(values) > 1 else None


def variance(values):
    return (len(values) * sum(value * value for value in values) - sum(values) ** 2) / (len(values) * (len(values) - 1))


def is_anomaly(means, k, min_deviation):
    """Whether the last of some means is too far from their own mean."""
    if any(mean is None for mean in means):
        return False
    values = [mean.exact() for mean in means]
    away = abs(values[-1] - sum(values) / len(values))
    return away**2 > k**2 * variance(values) and away > min_deviation


def readings(file):
    with open(file, encoding="utf-8", newline="") as lines:
        if file.endswith(".csv"):
            for number, row in enumerate(csv.DictReader(lines)):
                numbers = {name: Number(row[name]) if row[name] else None for name in MEASURES}
                yield number, {**numbers, "sensor_id": int(row["sensor_id"]), "timestamp": row["timestamp"]}
        else:
            for line in lines:
                row = json.loads(line, parse_float=Number, parse_int=Number)
                yield row["id"], row


def seconds(text, zone):
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        if zone is None:
            raise ValueError("no offset")
        both = {at.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1)}
        if len(both) > 1:
            raise ValueError("the clocks skipped this time, or showed it twice")
        at = both.pop()
    since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return since.days * 86_400 + since.seconds


def windows_of(rows, options):
    """Returns the readings of each window of each sensor."""
    series = {}
    for name, row in rows:
        try:
            at = seconds(row["timestamp"], options.zone)
            for path in MEASURES:
                if not isinstance(row.get(path), (Number, type(None))):
                    raise ValueError(f"{path} is no number")
        except ValueError as problem:
            print(f"{name}: {problem}", file=sys.stderr)
            continue
        sensor = None if options.mixed else row["sensor_id"]
        series.setdefault(sensor, {}).setdefault(at - at % options.every, []).append(row)
    return series


def follow(sensor, windows, options):
    """Returns the windows of one sensor, in order, with the empty ones between them."""
    starts, found, last = [], [], None
    for start in sorted(windows):
        gap = (start - last) // options.every - 1 if last is not None else 0
        if gap > options.gap:
            starts.append(None)
        elif gap > 0:
            starts += range(last + options.every, start, options.every)
        starts.append(start)
        last = start
    means = []
    for start in starts:
        if start is None:
            means = []
            continue
        rows = windows.get(start, [])
        window = {} if options.mixed else {"sensor_id": sensor}
        window["window"] = datetime.fromtimestamp(start, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        window["sample_count"] = Number(len(rows))
        for path, takes in MEASURES.items():
            numbers = [row[path] for row in rows if row.get(path) is not None]
            for take in takes:
                window[f"{path}_{take}"] = measured(take, numbers)
        means = [*means, window["temperature_mean"]][-options.over :]
        full = len(means) == options.over
        window["temperature_anomaly"] = full and is_anomaly(means, options.k, options.min_deviation)
        window["data_quality"] = "good" if len(rows) >= options.good else "poor"
        found.append((start, window))
    return found


def text(value):
    if isinstance(value, Number):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def line(window):
    return "{" + ",".join(f"{json.dumps(name)}:{text(value)}" for name, value in window.items()) + "}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("readings")
    parser.add_argument("--corrections")
    parser.add_argument("--zone", type=ZoneInfo)
    parser.add_argument("--without", type=lambda ids: ids.split(","), default=[])
    parser.add_argument("--every", type=int, default=300)
    parser.add_argument("--mixed", action="store_true")
    parser.add_argument("--good", type=int, default=50)
    parser.add_argument("--over", type=int, default=12)
    parser.add_argument("--k", type=Fraction, default=Fraction(2))
    parser.add_argument("--min-deviation", type=Fraction, default=Fraction(0))
    parser.add_argument("--gap", type=int, default=100_000)
    options = parser.parse_args()
    rows = dict(readings(options.readings))
    if options.corrections:
        rows.update(readings(options.corrections))
    rows = {name: row for name, row in rows.items() if name not in options.without}
    found = []
    for sensor, windows in windows_of(rows.items(), options).items():
        found += follow(sensor, windows, options)
    for _, window in sorted(found, key=lambda one: (one[0], str(one[1].get("sensor_id")))):
        print(line(window))


if __name__ == "__main__":
    main()
