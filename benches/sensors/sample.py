"""Writes the sample records of migrations/sensors. usage: sample.py FOLDER

The same bytes on every machine. README.md of the sample says what each sensor is there for.
"""

import json
import random
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
DAY = datetime(2026, 3, 28, tzinfo=UTC)
dice = random.Random(4)


def instant(text):
    return datetime.fromisoformat(text)


def utc(at):
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def with_offset(at):
    return at.astimezone(BERLIN).isoformat()


def without_offset(at):
    return at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S")


class Sensor:
    """Numbers its readings in the order in which they are taken."""

    def __init__(self, name, written=utc):
        self.name, self.written, self.readings = name, written, []

    def take(self, at, temperature, **other):
        count = len(self.readings) + 1
        values = {"temperature": temperature, "humidity": round(45 + 6 * dice.random(), 1), "pressure": round(1013 + 2 * dice.random(), 2)}
        row = {"id": f"{self.name}:{count:03}", "sensor_id": self.name, "timestamp": self.written(at), **values, **other}
        row = {name: value for name, value in row.items() if value is not ...}
        self.readings.append((at, row))
        return row

    def steadily(self, begin, end, every, temperature):
        """Takes a reading every so many seconds, with a temperature around a value."""
        at = instant(begin)
        while at < instant(end):
            self.take(at, round(temperature + dice.random() - 0.5, 2))
            at += timedelta(seconds=every)


def flat():
    """Eleven windows of exactly 20.0, one of 21.0, three of 20.0."""
    sensor = Sensor(1)
    for count in range(30):
        sensor.take(DAY + timedelta(hours=9, seconds=60 + 150 * count), 21.0 if count // 2 == 11 else 20.0)
    return sensor


def wobbling():
    """A flat line that wobbles by a hundredth, as the last digit of a converter does."""
    sensor = Sensor(2)
    for count in range(28):
        sensor.take(DAY + timedelta(hours=9, seconds=45 + 150 * count), 4.01 if count == 25 else 4.00)
    return sensor


def spiked():
    """A reading a minute, and one that is what the chip answers before it has measured."""
    sensor = Sensor(3)
    sensor.steadily("2026-03-28T09:00:10Z", "2026-03-28T10:15:00Z", 60, 21.2)
    spike = sensor.readings[67][1]
    corrected = {**spike}
    spike["temperature"] = 85.0
    corrected["temperature"] = 21.31
    return sensor, [corrected]


def offline():
    """A reading a minute, half a window after the others; 25 minutes are kept by the sensor and sent later."""
    sensor = Sensor(4)
    sensor.steadily("2026-03-28T09:02:30Z", "2026-03-28T10:32:30Z", 60, 5.0)
    gone = range(57, 82)
    late = [row for at, (_, row) in enumerate(sensor.readings) if at in gone]
    sensor.readings = [reading for at, reading in enumerate(sensor.readings) if at not in gone]
    wet, quoted = sensor.readings[20][1], sensor.readings[40][1]
    corrected = [{**wet}, {**quoted}]
    wet["humidity"], quoted["temperature"] = 447.0, str(quoted["temperature"])
    return sensor, corrected + late


def gappy():
    """Nulls, a window of nothing but nulls, absent fields, a time that nobody can read, and a clock ten minutes slow."""
    sensor = Sensor(5)
    sensor.steadily("2026-03-28T10:00:20Z", "2026-03-28T10:20:00Z", 60, 18.5)
    rows = [row for _, row in sensor.readings]
    for row in rows[5:10]:
        row["temperature"] = None
    for row in rows[2:4]:
        del row["humidity"]
    rows[12]["pressure"] = None
    rows[14]["timestamp"] = "n/a"
    moved = {**rows[17]}
    rows[17]["timestamp"] = utc(instant(moved["timestamp"]) - timedelta(minutes=10))
    return sensor, [moved]


def dense():
    """A reading every five seconds: windows of 60, 50 and 49 readings, and the beginning of one."""
    sensor = Sensor(7)
    for window, count in enumerate([60, 50, 49, 3]):
        for reading in range(count):
            at = DAY + timedelta(hours=10, minutes=5 * window, seconds=5 * reading)
            sensor.take(at, round(-18 + 0.4 * dice.random(), 2))
    return sensor


def nights():
    """Both nights in which the clocks of Berlin change, with offsets, and seven months between them."""
    sensor = Sensor(8, with_offset)
    sensor.steadily("2026-03-29T01:30:00+01:00", "2026-03-29T04:00:00+02:00", 120, 8.0)
    sensor.steadily("2026-10-25T01:30:00+02:00", "2026-10-25T03:30:00+01:00", 180, 11.0)
    return sensor


def naive():
    """The same nights, in local time without an offset; two times do not say when they were."""
    sensor = Sensor(9, without_offset)
    sensor.steadily("2026-03-29T01:40:00+01:00", "2026-03-29T03:20:00+02:00", 300, 8.5)
    skipped = sensor.readings[5][1]
    corrected = [{**skipped, "timestamp": with_offset(sensor.readings[5][0])}]
    skipped["timestamp"] = "2026-03-29 02:05:00"
    sensor.steadily("2026-10-25T01:50:00+02:00", "2026-10-25T02:00:00+02:00", 300, 11.5)
    at = instant("2026-10-25T02:30:00+01:00")
    row = sensor.take(at, 11.4)
    corrected.append({**row, "timestamp": with_offset(at)})
    sensor.steadily("2026-10-25T03:00:00+01:00", "2026-10-25T03:10:00+01:00", 300, 11.5)
    return sensor, corrected


def named():
    """A negative number and a text as names of sensors."""
    below, roof = Sensor(-3), Sensor("roof")
    below.steadily("2026-03-28T10:03:05Z", "2026-03-28T10:07:00Z", 60, 12.0)
    roof.steadily("2026-03-28T10:01:15Z", "2026-03-28T10:12:00Z", 90, 9.0)
    return [below, roof]


def meters():
    """What two meters count in each hour of four days: one of 23 hours and one of 25."""
    rows = []
    for first, days in [("2026-03-28", 2), ("2026-10-25", 2)]:
        begin = datetime.fromisoformat(first).replace(tzinfo=BERLIN)
        end = (begin + timedelta(days=days)).astimezone(UTC)
        at = begin.astimezone(UTC)
        while at < end:
            hour = at.astimezone(BERLIN).hour
            for meter, base in [("kitchen", 40), ("heat", 160)]:
                tenths = base + 7 * ((hour * hour) % 13) + dice.randrange(20)
                rows.append({"id": f"{meter}:{utc(at)}", "meter": meter, "at": with_offset(at), "kwh": tenths / 100})
            at += timedelta(hours=1)
    return rows


def write(file, rows):
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    file.write_text("".join(lines), encoding="utf-8")


def main():
    folder = Path(sys.argv[1])
    whole = [flat(), wobbling(), dense(), nights(), *named()]
    late = []
    for sensor, later in [spiked(), offline(), gappy(), naive()]:
        whole.append(sensor)
        late += later
    taken = [reading for sensor in whole for reading in sensor.readings]
    # They arrive in time for the most part: each may be overtaken by what is taken in the next half a minute.
    taken.sort(key=lambda reading: reading[0] + timedelta(seconds=dice.randrange(30)))
    write(folder / "readings_v1.ndjson", [row for _, row in taken])
    write(folder / "late.ndjson", late)
    write(folder / "meters_v1.ndjson", meters())


if __name__ == "__main__":
    main()
