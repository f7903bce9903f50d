"""Aggregates readings as benches/sensors/0001_windows.toml does, with another program and without a ledger.

usage: peers.py duckdb|polars|pandas|python rows STORE.db
       peers.py duckdb|polars|pandas|python ndjson READINGS.ndjson
       peers.py sqlite rows STORE.db

`rows` are the JSON texts of the table readings_v1. The windows stay in memory. Prints one JSON object: CPU seconds (user and system
of all threads, without imports), the peak of resident memory, and figures of the windows, to be compared. All but SQLite may use
two threads. exact.py is the judge, but slow.
"""

import json
import math
import os
import resource
import sqlite3
import sys
import tempfile

os.environ.setdefault("POLARS_MAX_THREADS", "2")
THREADS = 2
PAGE = 5_000
SECONDS = 300
SUMS = ["temperature_mean", "temperature_std", "humidity_max", "pressure_mean"]


def pages(store):
    """Yields the rows of the store, joined by line feeds: SQLite does the joining."""
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    page = """SELECT max(record), group_concat(data, char(10))
        FROM (SELECT record, data FROM readings_v1 WHERE record > ?1 ORDER BY record LIMIT ?2)"""
    after = 0
    while True:
        after, lines = connection.execute(page, (after, PAGE)).fetchone()
        if after is None:
            return
        yield lines


def as_file(source, path, work):
    """Gives what reads files a file: the rows of a store are written to one first."""
    if source == "ndjson":
        return work(path)
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson", dir=os.path.dirname(path) or ".") as lines:
        for page in pages(path):
            lines.write(page)
            lines.write("\n")
        lines.flush()
        return work(lines.name)


def figures(windows, readings, anomalies, sums):
    return {"windows": windows, "readings": readings, "anomalies": anomalies, **dict(zip(SUMS, sums))}


DUCKDB = """CREATE TABLE windows AS WITH
measured AS (
    SELECT sensor_id, time_bucket(INTERVAL 5 minutes, timestamp) AS start, count(*) AS sample_count,
        avg(temperature) AS temperature_mean, min(temperature) AS temperature_min, max(temperature) AS temperature_max,
        stddev_samp(temperature) AS temperature_std, avg(humidity) AS humidity_mean, min(humidity) AS humidity_min,
        max(humidity) AS humidity_max, avg(pressure) AS pressure_mean
    FROM read_json('{path}', format = 'newline_delimited', columns = {{sensor_id: 'BIGINT', timestamp: 'TIMESTAMP',
        temperature: 'DOUBLE', humidity: 'DOUBLE', pressure: 'DOUBLE'}}) GROUP BY ALL),
every AS (
    SELECT sensor_id, unnest(generate_series(min(start), max(start), INTERVAL 5 minutes)) AS start FROM measured GROUP BY sensor_id),
series AS (
    SELECT every.*, coalesce(sample_count, 0) AS sample_count, measured.* EXCLUDE (sensor_id, start, sample_count)
    FROM every LEFT JOIN measured USING (sensor_id, start))
SELECT *, if(sample_count >= 50, 'good', 'poor') AS data_quality,
    coalesce(count(temperature_mean) OVER hour = 12
        AND abs(temperature_mean - avg(temperature_mean) OVER hour) > 2 * stddev_samp(temperature_mean) OVER hour, false)
        AS temperature_anomaly
FROM series WINDOW hour AS (PARTITION BY sensor_id ORDER BY start ROWS 11 PRECEDING)"""


def duckdb(source, path):
    import duckdb

    begin()

    def work(path):
        connection = duckdb.connect()
        connection.execute(f"SET threads = {THREADS}")
        connection.execute(DUCKDB.format(path=path.replace("'", "''")))
        sums = ", ".join(f"sum({name})" for name in SUMS)
        select = f"SELECT count(*), sum(sample_count), count_if(temperature_anomaly), {sums} FROM windows"
        windows, readings, anomalies, *sums = connection.execute(select).fetchone()
        return figures(windows, int(readings), anomalies, sums)

    return as_file(source, path, work)


def polars(source, path):
    import polars as pl

    begin()

    def work(path):
        schema = {"id": pl.String, "sensor_id": pl.Int64, "timestamp": pl.String}
        schema |= {name: pl.Float64 for name in ("temperature", "humidity", "pressure")}
        temperature, humidity = pl.col("temperature"), pl.col("humidity")
        at = pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="us")
        measured = (
            pl.scan_ndjson(path, schema=schema)
            .with_columns(start=at.dt.truncate("5m"))
            .group_by("sensor_id", "start")
            .agg(
                pl.len().alias("sample_count"),
                temperature.mean().alias("temperature_mean"),
                temperature.min().alias("temperature_min"),
                temperature.max().alias("temperature_max"),
                temperature.std().alias("temperature_std"),
                humidity.mean().alias("humidity_mean"),
                humidity.min().alias("humidity_min"),
                humidity.max().alias("humidity_max"),
                pl.col("pressure").mean().alias("pressure_mean"),
            )
            .collect(engine="streaming")
        )
        ends = measured.group_by("sensor_id").agg(first=pl.col("start").min(), last=pl.col("start").max())
        every = ends.select("sensor_id", start=pl.datetime_ranges("first", "last", "5m")).explode("start")
        series = every.join(measured, on=["sensor_id", "start"], how="left").sort("sensor_id", "start")
        mean = pl.col("temperature_mean")
        hour = mean.rolling_mean(12), mean.rolling_std(12)
        windows = series.with_columns(
            pl.col("sample_count").fill_null(0),
            (((mean - hour[0]).abs() > 2 * hour[1]).over("sensor_id").fill_null(False)).alias("temperature_anomaly"),
        ).with_columns(data_quality=pl.when(pl.col("sample_count") >= 50).then(pl.lit("good")).otherwise(pl.lit("poor")))
        sums = [windows[name].sum() for name in SUMS]
        return figures(len(windows), windows["sample_count"].sum(), windows["temperature_anomaly"].sum(), sums)

    return as_file(source, path, work)


def pandas(source, path):
    import pandas as pd

    begin()

    def work(path):
        raw = pd.read_json(path, lines=True, dtype={"id": str, "sensor_id": "int64"}, convert_dates=False)
        raw["start"] = pd.to_datetime(raw["timestamp"], format="%Y-%m-%dT%H:%M:%S.%fZ").dt.floor("5min")
        groups = raw.groupby(["sensor_id", "start"])
        measures = {"temperature": ["mean", "min", "max", "std"], "humidity": ["mean", "min", "max"], "pressure": ["mean"]}
        measured = groups.agg(measures)
        measured.columns = ["_".join(name) for name in measured.columns]
        measured["sample_count"] = groups.size()
        starts = measured.reset_index("start").groupby("sensor_id")["start"]
        ends = pd.DataFrame({"first": starts.min(), "last": starts.max()})
        if (((ends["last"] - ends["first"]) // pd.Timedelta("5min")) + 1).sum() != len(measured):
            every = [
                (sensor, start)
                for sensor, first, last in ends.itertuples()
                for start in pd.date_range(first, last, freq="5min")
            ]
            measured = measured.reindex(pd.MultiIndex.from_tuples(every, names=["sensor_id", "start"]))
            measured["sample_count"] = measured["sample_count"].fillna(0)
        mean = measured["temperature_mean"]
        hour = mean.groupby("sensor_id").rolling(12)
        average, deviation = (series.droplevel(0) for series in (hour.mean(), hour.std()))
        measured["temperature_anomaly"] = (mean - average).abs() > 2 * deviation
        measured["data_quality"] = (measured["sample_count"] >= 50).map({True: "good", False: "poor"})
        sums = [float(measured[name].sum()) for name in SUMS]
        anomalies = int(measured["temperature_anomaly"].sum())
        return figures(len(measured), int(measured["sample_count"].sum()), anomalies, sums)

    return as_file(source, path, work)


def python(source, path):
    from datetime import datetime

    begin()
    windows = {}
    lines = open(path, encoding="utf-8") if source == "ndjson" else (line for page in pages(path) for line in page.split("\n"))
    for line in lines:
        row = json.loads(line)
        start = int(datetime.fromisoformat(row["timestamp"]).timestamp()) // SECONDS
        key = row["sensor_id"], start
        found = windows.get(key)
        if found is None:
            found = windows[key] = [0, [], [], []]
        found[0] += 1
        for values, name in zip(found[1:], ("temperature", "humidity", "pressure")):
            value = row[name]
            if value is not None:
                values.append(value)
    return figures(*followed(windows))


def followed(windows):
    series = {}
    for sensor, start in windows:
        series.setdefault(sensor, []).append(start)
    count = readings = anomalies = 0
    sums = [0.0] * len(SUMS)
    for sensor, starts in series.items():
        means = []
        for start in range(min(starts), max(starts) + 1):
            rows, temperatures, humidities, pressures = windows.get((sensor, start), (0, [], [], []))
            count, readings = count + 1, readings + rows
            mean = sum(temperatures) / len(temperatures) if temperatures else None
            means = [*means, mean][-12:]
            if len(means) == 12 and None not in means:
                average = sum(means) / 12
                deviation = math.sqrt(sum((one - average) ** 2 for one in means) / 11)
                anomalies += abs(mean - average) > 2 * deviation
            std = math.sqrt(sum((one - mean) ** 2 for one in temperatures) / (len(temperatures) - 1)) if len(temperatures) > 1 else None
            shown = mean, std, max(humidities, default=None), sum(pressures) / len(pressures) if pressures else None
            sums = [whole + (part or 0) for whole, part in zip(sums, shown)]
    return count, readings, anomalies, sums


# Deviations from sums of squares about 20, which is near enough to what is measured: SQLite has no stddev.
SQLITE = """WITH RECURSIVE
reading AS MATERIALIZED (
    SELECT data ->> 'sensor_id' AS sensor_id, unixepoch(data ->> 'timestamp') / 300 AS start, data ->> 'temperature' AS temperature,
        data ->> 'humidity' AS humidity, data ->> 'pressure' AS pressure FROM readings_v1),
measured AS MATERIALIZED (
    SELECT sensor_id, start, count(*) AS sample_count, avg(temperature) AS temperature_mean, min(temperature) AS temperature_min,
        max(temperature) AS temperature_max, count(temperature) AS n, sum(temperature - 20) AS s,
        sum((temperature - 20) * (temperature - 20)) AS q, avg(humidity) AS humidity_mean, min(humidity) AS humidity_min,
        max(humidity) AS humidity_max, avg(pressure) AS pressure_mean
    FROM reading GROUP BY sensor_id, start),
every(sensor_id, start, last) AS (
    SELECT sensor_id, min(start), max(start) FROM measured GROUP BY sensor_id
    UNION ALL SELECT sensor_id, start + 1, last FROM every WHERE start < last),
series AS (
    SELECT sensor_id, start, coalesce(sample_count, 0) AS sample_count, temperature_mean, temperature_min, temperature_max,
        CASE WHEN n > 1 THEN sqrt(max(q - s * s / n, 0) / (n - 1)) END AS temperature_std,
        humidity_mean, humidity_min, humidity_max, pressure_mean, temperature_mean - 20 AS m
    FROM every LEFT JOIN measured USING (sensor_id, start)),
hours AS (
    SELECT *, count(m) OVER hour AS n, sum(m) OVER hour AS s, sum(m * m) OVER hour AS q FROM series
    WINDOW hour AS (PARTITION BY sensor_id ORDER BY start ROWS 11 PRECEDING))
SELECT *, CASE WHEN sample_count >= 50 THEN 'good' ELSE 'poor' END AS data_quality,
    coalesce(n = 12 AND abs(m - s / 12) > 2 * sqrt(max(q - s * s / 12, 0) / 11), 0) AS temperature_anomaly
FROM hours"""


def sqlite(source, path):
    begin()
    if source != "rows":
        sys.exit("SQLite reads rows")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.create_function("sqrt", 1, math.sqrt, deterministic=True)
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"CREATE TEMP TABLE windows AS {SQLITE}")
    sums = ", ".join(f"sum({name})" for name in SUMS)
    select = f"SELECT count(*), sum(sample_count), sum(temperature_anomaly), {sums} FROM windows"
    windows, readings, anomalies, *sums = connection.execute(select).fetchone()
    return figures(windows, readings, anomalies, sums)


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


started = 0.0


def begin():
    """From here on CPU counts: a tool need not be imported for each table."""
    global started
    started = cpu()


def main():
    tools = {"duckdb": duckdb, "polars": polars, "pandas": pandas, "python": python, "sqlite": sqlite}
    if len(sys.argv) != 4 or sys.argv[1] not in tools or sys.argv[2] not in ("rows", "ndjson"):
        sys.exit(__doc__)
    found = tools[sys.argv[1]](sys.argv[2], sys.argv[3])
    taken = cpu() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_s": round(taken, 3), "peak_mib": round(peak), **found}))


if __name__ == "__main__":
    main()
