"""Aggregates made by one side are taken apart by the other, and the bytes are equal.

Started by ./run, which brings the package. What Python makes is recorded in
bench/src/aggregation/vectors.json, so that `cargo test` alone compares with it.
"""

import base64
import hashlib
import json
import os
import pathlib
import subprocess
import sys
from importlib.metadata import version

from aws_kinesis_agg import MAGIC
from aws_kinesis_agg.aggregator import AggRecord
from aws_kinesis_agg.deaggregator import deaggregate_records

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[3]
VECTORS = ROOT / "bench" / "src" / "aggregation" / "vectors.json"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
EXAMPLE = TARGET / "debug" / "examples" / "aggregation"
HASH_KEY_MAX = str(2**128 - 1)


def record(partition_key, data, hash_key=None):
    return {"partition_key": partition_key, "explicit_hash_key": hash_key, "data": data.hex()}


def cases():
    """Name and user records. Data is hexadecimal."""
    yield "one record", [record("user-1", b"hello")]
    yield "two keys", [record("user-1", b"hello"), record("user-2", b"world")]
    yield "a key that repeats", [record("a", b"1"), record("b", b"2"), record("a", b"3")]
    yield "explicit hash keys", [
        record("a", b"1", "0"),
        record("b", b"2", HASH_KEY_MAX),
        record("a", b"3", "0"),
        record("c", b"4", "170141183460469231731687303715884105728"),
    ]
    yield "hash keys for some", [record("a", b"1", "7"), record("b", b"2"), record("c", b"3", "8")]
    yield "keys beyond ASCII", [record("Grüße", b"1"), record("鍵", b"2"), record("🔑", b"3")]
    yield "no data", [record("a", b""), record("b", b"")]
    yield "every byte", [record("a", bytes(range(256))), record("b", bytes(range(255, -1, -1)))]
    yield "lengths of two bytes", [record("k" * 256, b"x" * 127), record("l" * 128, b"y" * 128)]
    yield "indices of two bytes", [record(f"key-{n}", b"%d" % n, str(n)) for n in range(130)]
    inner = MAGIC + b"\x0a\x01a\x1a\x04\x08\x00\x1a\x00"
    inner += hashlib.md5(inner[len(MAGIC) :]).digest()
    yield "an aggregate inside", [record("a", inner), record("b", b"2")]


def damaged(aggregate):
    """Name, data, and whether it is still an aggregate."""
    flipped = bytearray(aggregate)
    flipped[10] ^= 1
    yield "a flipped bit", bytes(flipped), False
    yield "cut off", aggregate[:-1], False
    yield "one byte more", aggregate + b"\0", False
    yield "another magic number", b"\xf3\x89\x9a\xc3" + aggregate[4:], False
    yield "magic number only", MAGIC, False
    yield "magic number and digest", MAGIC + hashlib.md5(b"").digest(), False
    yield "empty", b"", False
    nonsense = b"\xff\xff\xff\xff"
    yield "no protobuf", MAGIC + nonsense + hashlib.md5(nonsense).digest(), False
    unknown = b"\x0a\x01a\x1a\x04\x08\x00\x1a\x00\x78\x01"
    yield "a member nobody knows", MAGIC + unknown + hashlib.md5(unknown).digest(), True


def python_makes(records):
    aggregate = AggRecord()
    for user in records:
        taken = aggregate.add_user_record(
            user["partition_key"], bytes.fromhex(user["data"]), user["explicit_hash_key"]
        )
        assert taken, "the case is too large for one aggregate"
    _, _, data = aggregate.get_contents()
    # The package never finds a key again when it reckons, so it expects more bytes.
    assert aggregate.get_size_bytes() >= len(data)
    return data


def python_reads(data):
    """User records, or None for a plain record."""
    stored = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "sequenceNumber": "49",
            "approximateArrivalTimestamp": 1.0,
            "partitionKey": "outer",
            "data": base64.b64encode(data),
        }
    }
    read = deaggregate_records([stored])
    if len(read) == 1 and "aggregated" not in read[0]["kinesis"]:
        return None
    assert [user["kinesis"]["subSequenceNumber"] for user in read] == list(range(len(read)))
    return [
        record(
            user["kinesis"]["partitionKey"],
            base64.b64decode(user["kinesis"]["data"]),
            user["kinesis"]["explicitHashKey"],
        )
        for user in read
    ]


def rust(mode, lines):
    """Our example answers each line of JSON with one."""
    asked = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([EXAMPLE, mode], input=asked, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def as_python_reads(records):
    """What the package makes of records without a hash key beside some with one:
    it gives them the first hash key of the table. The KCL does not, nor do we."""
    first = next((user["explicit_hash_key"] for user in records if user["explicit_hash_key"]), None)
    return [{**user, "explicit_hash_key": user["explicit_hash_key"] or first} for user in records]


def main():
    made = [(name, records, python_makes(records)) for name, records in cases()]
    broken = list(damaged(made[1][2]))
    vectors = {
        "made_with": f"aws_kinesis_agg {version('aws_kinesis_agg')} (PyPI) by tests/clients/python/aggregation/run --record",
        "aggregates": [
            {"name": name, "records": records, "aggregate": data.hex()}
            for name, records, data in made
        ],
        "damaged": [
            {"name": name, "data": data.hex(), "is_aggregate": python_reads(data) is not None}
            for name, data, _ in broken
        ],
    }
    if "--record" in sys.argv:
        VECTORS.write_text(json.dumps(vectors, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"wrote {len(made)} aggregates and {len(broken)} damaged ones to {VECTORS.name}")

    failures = []

    def check(what, expected, found):
        if expected != found:
            failures.append(f"{what}: expected {expected!r}, found {found!r}")

    check("vectors.json", json.loads(VECTORS.read_text(encoding="utf-8")), vectors)

    for (name, records, _), read in zip(made, rust("split", [data.hex() for _, _, data in made])):
        check(f"{name}: ours reads theirs", records, read)
    for (name, records, theirs), ours in zip(made, rust("make", [records for _, records, _ in made])):
        ours = bytes.fromhex(ours)
        if len(records) == 1:
            check(f"{name}: ours goes alone", bytes.fromhex(records[0]["data"]), ours)
            continue
        check(f"{name}: same bytes", theirs.hex(), ours.hex())
        check(f"{name}: theirs reads ours", as_python_reads(records), python_reads(ours))
    for (name, data, is_aggregate), read in zip(
        broken, rust("split", [data.hex() for _, data, _ in broken])
    ):
        check(f"{name}: theirs", is_aggregate, python_reads(data) is not None)
        check(f"{name}: ours", is_aggregate, read is not None)

    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    print(f"client: aws-kinesis-agg {version('aws_kinesis_agg')}")
    print(f"exercised: {len(made)} aggregates both ways, byte for byte; {len(broken)} damaged ones")
    sys.exit(1 if failures else 0)


main()
