"""Checks saved runs with jsonschema and hdrhistogram; see `run` beside this file."""

import csv
import json
import pathlib
import sys
from importlib.metadata import version

import jsonschema
from hdrh.histogram import HdrHistogram

JTL = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,"
    "failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect"
).split(",")


def histograms(node):
    """Every histogram of a saved run, however deep."""
    if isinstance(node, dict):
        if "v2_base64" in node:
            yield node
        for child in node.values():
            yield from histograms(child)
    elif isinstance(node, list):
        for child in node:
            yield from histograms(child)


def value_of_rank(decoded, rank):
    """The package rounds a rank to the nearest; a quantile needs the next one up."""
    seen = 0
    for step in decoded.get_recorded_iterator():
        seen += step.count_added_in_this_iter_step
        if seen >= rank:
            return step.value_iterated_to
    raise AssertionError(f"{rank} is beyond all")


def check_histogram(saved):
    decoded = HdrHistogram.decode(saved["v2_base64"])
    summary = saved["summary"]
    assert decoded.get_total_count() == summary["count"], (decoded.get_total_count(), summary)
    for name, part in [("p50_us", 500), ("p90_us", 900), ("p99_us", 990), ("p999_us", 999)]:
        theirs = value_of_rank(decoded, -(-part * summary["count"] // 1_000))
        assert decoded.values_are_equivalent(theirs, summary[name]), (name, theirs, summary)
    assert decoded.values_are_equivalent(decoded.get_max_value(), summary["max_us"]), summary


def check_percentile_text(path):
    """The lines of an .hgrm file are numbers that rise to all."""
    before = (0.0, 0.0, 0)
    lines = path.read_text().splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"], lines[0]
    for line in lines[2:]:
        if line.startswith("#["):
            continue
        value, quantile, count = line.split()[:3]
        now = (float(value), float(quantile), int(count))
        assert all(a <= b for a, b in zip(before, now)), line
        before = now
    assert before[1] == 1.0, before


def main():
    schema_path, samples, *files = sys.argv[1:]
    schema = json.loads(pathlib.Path(schema_path).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    failed = decoded = 0
    for file in files:
        saved = json.loads(pathlib.Path(file).read_text())
        for error in validator.iter_errors(saved):
            failed += 1
            print(f"{file}: {error.json_path}: {error.message[:200]}")
        for histogram in histograms(saved):
            if histogram["v2_base64"] and histogram["summary"]["count"]:
                check_histogram(histogram)
                decoded += 1
    samples = pathlib.Path(samples)
    check_percentile_text(samples / "open-loop.hgrm")
    with open(samples / "open-loop.jtl", newline="") as jtl:
        rows = list(csv.reader(jtl))
        assert rows[0] == JTL, rows[0]
        assert all(len(row) == len(JTL) for row in rows), "a row has too few cells"
        assert all(row[0].isdigit() and row[1].isdigit() for row in rows[1:]), "whole milliseconds"
    print(f"client: jsonschema {version('jsonschema')}, hdrhistogram {version('hdrhistogram')}")
    print(f"exercised: {len(files)} saved runs by their schema, {decoded} histograms, {len(rows) - 1} calls of a JTL")
    if failed:
        print(f"{failed} errors by the schema")
    sys.exit(1 if failed else 0)


main()
