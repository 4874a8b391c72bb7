"""Asks each emulator what can be asked over the wire; prints a Markdown table.

    features.py NAME=URL …     with a Python that has boto3, such as moto's
"""

import concurrent.futures
import datetime
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
import botocore
import botocore.config
import botocore.exceptions
import botocore.session

HEADERS = {
    "X-Amz-Date": "20260101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, "
    "SignedHeaders=host, Signature=0",
}


def post(url, operation, body, kind):
    headers = HEADERS | {"X-Amz-Target": f"Kinesis_20131202.{operation}", "Content-Type": kind}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5)
        return answer.status, answer.read(4096) if operation != "SubscribeToShard" else b""
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return 0, str(error).encode()


STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/nothing"
# Enough for each operation to be told apart from one that is not there.
ARGUMENTS = {
    "StreamName": "nothing",
    "StreamARN": STREAM,
    "ResourceARN": STREAM,
    "ConsumerARN": f"{STREAM}/consumer/nobody:1",
    "ConsumerName": "nobody",
    "ShardCount": 1,
    "ShardId": "shardId-000000000000",
    "ShardIterator": "none",
    "Policy": "{}",
    "Tags": {"a": "b"},
    "TagKeys": ["a"],
    "StreamModeDetails": {"StreamMode": "PROVISIONED"},
}


def refusal(answer):
    """The code of an error, or its text where it has none."""
    status, text = answer
    try:
        return status, json.loads(text)["__type"].rsplit("#", 1)[-1]
    except (ValueError, KeyError, TypeError):
        return status, text


def operations(url, client):
    """Of the model's operations, those that are not answered as one that nobody has heard of."""
    kind = "application/x-amz-json-1.1"
    # Some fail alike at what they do not know and at what they find nowhere: so with both.
    bodies = [b"{}", json.dumps(ARGUMENTS).encode(), json.dumps(ARGUMENTS | real(client)).encode()]
    model = client.meta.service_model.operation_names
    known = set()
    for body in bodies:
        unheard_of = refusal(post(url, "NoSuchOperation", body, kind))
        # What is needed by others goes last.
        for name in sorted(model, key=lambda name: name.startswith("De")):
            if refusal(post(url, name, body, kind)) != unheard_of:
                known.add(name)
    print(f"{url} does not know {sorted(set(model) - known)}", file=sys.stderr)
    return f"{len(known)} of {len(model)}"


def real(client):
    """A stream, an iterator and, where there are any, a consumer that are there."""
    client.create_stream(StreamName="known", ShardCount=1)
    time.sleep(1)
    name = {"StreamName": "known"}
    found = {"StreamARN": client.describe_stream_summary(**name)["StreamDescriptionSummary"]["StreamARN"]}
    found["ResourceARN"] = found["StreamARN"]
    shard = {"ShardId": "shardId-000000000000", "ShardIteratorType": "LATEST"}
    found["ShardIterator"] = client.get_shard_iterator(**name, **shard)["ShardIterator"]
    try:
        answer = client.register_stream_consumer(StreamARN=found["StreamARN"], ConsumerName="known")
        found["ConsumerARN"] = answer["Consumer"]["ConsumerARN"]
    except botocore.exceptions.ClientError:
        pass
    return name | found | {"ConsumerName": "another", "RetentionPeriodHours": 24}


class Probe:
    def __init__(self, client, url):
        self.client, self.url, self.count = client, url, 0

    def stream(self, **settings):
        self.count += 1
        name = f"probe-{self.count}"
        for old in self.client.list_streams()["StreamNames"]:
            self.delete(old)
        self.client.create_stream(StreamName=name, **(settings or {"ShardCount": 1}))
        self.active(name)
        return name

    def delete(self, name):
        """Some know no shard limit, others have one of 10."""
        try:
            self.client.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
        except self.client.exceptions.ClientError:
            pass  # It is on its way out already.
        for _ in range(100):
            if name not in self.client.list_streams()["StreamNames"]:
                return
            time.sleep(0.05)

    def active(self, name):
        for _ in range(100):
            found = self.client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
            if found["StreamStatus"] == "ACTIVE":
                return found
            time.sleep(0.05)
        raise TimeoutError("it never became ACTIVE")

    def read(self, name, kind="TRIM_HORIZON", shard="shardId-000000000000", limit=100, **more):
        start = self.client.get_shard_iterator(
            StreamName=name, ShardId=shard, ShardIteratorType=kind, **more
        )["ShardIterator"]
        return self.client.get_records(ShardIterator=start, Limit=limit)

    def put(self, name, data=b"x", key="a"):
        return self.client.put_record(StreamName=name, PartitionKey=key, Data=data)

    def fan_out(self):
        name = self.stream()
        arn = self.active(name)["StreamARN"]
        self.put(name)
        consumer = self.client.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]
        time.sleep(1)
        answer = self.client.subscribe_to_shard(
            ConsumerARN=consumer["ConsumerARN"],
            ShardId="shardId-000000000000",
            StartingPosition={"Type": "TRIM_HORIZON"},
        )
        for event in answer["EventStream"]:
            if event["SubscribeToShardEvent"]["Records"]:
                return True
        return False

    def behind(self):
        name = self.stream()
        for _ in range(3):
            self.put(name)
        time.sleep(0.3)
        return self.read(name, limit=1)["MillisBehindLatest"] > 0

    def milliseconds(self):
        name = self.stream()
        times = []
        for _ in range(4):
            self.put(name)
            time.sleep(0.013)
        for record in self.read(name)["Records"]:
            times.append(record["ApproximateArrivalTimestamp"].microsecond)
        return any(times)

    def timestamp(self):
        """Of two records 400 ms apart, AT_TIMESTAMP between them gives the second alone."""
        name = self.stream()
        # Early in a second, so that both are within it.
        time.sleep(1.05 - time.time() % 1)
        self.put(name, b"1")
        time.sleep(0.2)
        between = datetime.datetime.now(datetime.timezone.utc)
        time.sleep(0.2)
        self.put(name, b"2")
        found = self.read(name, "AT_TIMESTAMP", Timestamp=between)["Records"]
        return [record["Data"] for record in found] == [b"2"]

    def children(self):
        name = self.stream()
        self.client.split_shard(
            StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(1 << 127)
        )
        self.active(name)
        answer = self.read(name)
        for _ in range(5):
            if answer.get("ChildShards"):
                return True
            if not answer.get("NextShardIterator"):
                return False
            answer = self.client.get_records(ShardIterator=answer["NextShardIterator"])
        return False

    def lineage(self):
        name = self.stream()
        self.client.update_shard_count(
            StreamName=name, TargetShardCount=2, ScalingType="UNIFORM_SCALING"
        )
        self.active(name)
        shards = self.client.list_shards(StreamName=name)["Shards"]
        is_open = [s for s in shards if "EndingSequenceNumber" not in s["SequenceNumberRange"]]
        return len(is_open) == 2 and all(shard.get("ParentShardId") for shard in is_open)

    def on_demand(self):
        name = self.stream(StreamModeDetails={"StreamMode": "ON_DEMAND"})
        found = self.active(name)
        return found["StreamModeDetails"]["StreamMode"] == "ON_DEMAND"

    def by_arn(self):
        arn = self.active(self.stream())["StreamARN"]
        self.client.put_record(StreamARN=arn, PartitionKey="a", Data=b"x")
        self.client.describe_stream(StreamARN=arn)
        return bool(self.client.list_shards(StreamARN=arn)["Shards"])

    def cbor(self):
        status, answer = post(self.url, "ListStreams", b"\xa0", "application/x-amz-cbor-1.1")
        return status == 200 and b"StreamNames" in answer and not answer.startswith(b"{")

    def http2(self):
        words = ["curl", "-s", "-o", "/dev/null", "--max-time", "5", "--http2-prior-knowledge"]
        answer = subprocess.run(
            [*words, "-w", "%{http_version}", self.url], capture_output=True, text=True, check=False
        )
        return answer.returncode == 0 and answer.stdout == "2"

    def limits(self):
        """1,500 records put to one shard within a second are not all taken."""
        name = self.stream()
        refused = 0
        for _ in range(3):
            records = [{"PartitionKey": "a", "Data": b"x"}] * 500
            refused += self.client.put_records(StreamName=name, Records=records)["FailedRecordCount"]
        return refused > 0

    def large(self):
        name = self.stream()
        arn = self.active(name)["StreamARN"]
        self.client.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=10240)
        self.active(name)
        self.put(name, bytes(9 << 20))
        return len(self.read(name)["Records"][0]["Data"]) == 9 << 20

    def dry_run(self):
        """The record is not stored; without DryRun in the client's model, over a raw request."""
        name = self.stream()
        body = {"StreamName": name, "PartitionKey": "a", "Data": "eA==", "DryRun": True}
        post(self.url, "PutRecord", json.dumps(body).encode(), "application/x-amz-json-1.1")
        return not self.read(name)["Records"]


QUESTIONS = [
    ("SubscribeToShard pushes a record, as boto3 reads it", Probe.fan_out),
    ("MillisBehindLatest above 0 in the middle of a backlog", Probe.behind),
    ("arrival times in milliseconds", Probe.milliseconds),
    ("AT_TIMESTAMP between two records of one second", Probe.timestamp),
    ("ChildShards at the end of a split shard", Probe.children),
    ("UpdateShardCount names the parents of the new shards", Probe.lineage),
    ("ON_DEMAND stream without ShardCount", Probe.on_demand),
    ("StreamARN alone for PutRecord, DescribeStream, ListShards", Probe.by_arn),
    ("CBOR 1.1", Probe.cbor),
    ("HTTP/2 without TLS", Probe.http2),
    ("as started: more than 1,000 records a second on a shard are refused", Probe.limits),
    ("a record of 9 MiB after UpdateMaxRecordSize", Probe.large),
    ("DryRun stores nothing", Probe.dry_run),
]


def ask(url):
    config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=30)
    client = boto3.client(
        "kinesis",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )
    answers = [operations(url, client)]
    probe = Probe(client, url)
    for question, method in QUESTIONS:
        pool = concurrent.futures.ThreadPoolExecutor(1)
        try:
            answers.append("yes" if pool.submit(method, probe).result(timeout=60) else "no")
        except Exception as error:  # whatever it is, it is the answer
            print(f"{url}: {question}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
            answers.append("no")
        pool.shutdown(wait=False, cancel_futures=True)
    return answers


def main():
    servers = [argument.rsplit("=", 1) for argument in sys.argv[1:]]
    columns = [ask(url) for _, url in servers]
    questions = [f"operations known by name (model of botocore {botocore.__version__})"]
    questions += [question for question, _ in QUESTIONS]
    rows = [["", *[name for name, _ in servers]], ["---"] * (len(servers) + 1)]
    rows += [[question, *answers] for question, answers in zip(questions, zip(*columns))]
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()
    # A probe that hangs must not keep this from ending.
    os._exit(0)


main()
