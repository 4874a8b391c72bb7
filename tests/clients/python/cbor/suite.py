"""Kinesis by CBOR 1.1, as Java's SDKs and the KCL speak it."""

import http.client
import json
import platform
import time
import unittest
import zlib
from urllib.parse import urlsplit

from cbor import Time, decode, encode
from emulator_under_test import ENDPOINT, control, needs_control, run, until

CBOR = "application/x-amz-cbor-1.1"
JSON = "application/x-amz-json-1.1"
FIRST = "shardId-000000000000"
called = set()


def send(operation, body, content_type=CBOR):
    """Sends a request; gives the response, unread."""
    address = urlsplit(ENDPOINT)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request("POST", "/", body, {
        "Content-Type": content_type,
        "X-Amz-Target": "Kinesis_20131202." + operation,
        "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        "amz-sdk-invocation-id": "6f3b1a52-0000-4000-8000-000000000000",
        "amz-sdk-request": "attempt=1; max=4",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, "
                         "SignedHeaders=host, Signature=" + "0" * 64,
    })
    response = connection.getresponse()
    response.connection = connection
    return response


class Refused(Exception):
    def __init__(self, status, error):
        super().__init__(status, error)
        self.status, self.error = status, error


def call(operation, **members):
    """Calls an operation; gives its answer."""
    response = send(operation, encode(members))
    body = response.read()
    response.connection.close()
    assert response.headers["x-amzn-RequestId"]
    if response.status != 200:
        assert response.headers["Content-Type"] == CBOR
        raise Refused(response.status, decode(body))
    called.add(operation)
    if not body:
        return None
    assert response.headers["Content-Type"] == CBOR, response.headers
    return decode(body)


def make(stream, shards=1):
    call("CreateStream", StreamName=stream, ShardCount=shards)
    until(lambda: call("DescribeStreamSummary", StreamName=stream)
          ["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")


def read(stream, **start):
    start = start or {"ShardIteratorType": "TRIM_HORIZON"}
    iterator = call("GetShardIterator", StreamName=stream, ShardId=FIRST, **start)
    return call("GetRecords", ShardIterator=iterator["ShardIterator"])["Records"]


def events(response):
    """The messages of an event stream: their headers and payloads, checksums checked."""
    def exactly(count):
        data = b""
        while len(data) < count:
            more = response.read(count - len(data))
            if not more:
                return data
            data += more
        return data

    while prelude := exactly(12):
        length, header_length, checksum = (
            int.from_bytes(prelude[at:at + 4], "big") for at in (0, 4, 8))
        assert zlib.crc32(prelude[:8]) == checksum
        rest = exactly(length - 12)
        assert zlib.crc32(prelude + rest[:-4]) == int.from_bytes(rest[-4:], "big")
        headers, at = {}, 0
        while at < header_length:
            name = rest[at + 1:at + 1 + rest[at]].decode()
            at += 1 + rest[at]
            assert rest[at] == 7, "every header is text"
            size = int.from_bytes(rest[at + 1:at + 3], "big")
            headers[name] = rest[at + 3:at + 3 + size].decode()
            at += 3 + size
        yield headers, rest[header_length:-4]


class Bytes(unittest.TestCase):
    def test_a_request_is_what_jackson_writes(self):
        moment = Time(1_767_225_600_123)
        written = encode({"StreamName": "s", "Limit": 1000, "Data": b"\x00\xff", "At": moment,
                          "List": [True, -1]})
        self.assertEqual(written.hex(" "), (
            "bf 6a 53 74 72 65 61 6d 4e 61 6d 65 61 73 65 4c 69 6d 69 74 19 03 e8 "
            "64 44 61 74 61 42 00 ff 62 41 74 c1 1b 00 00 01 9b 76 da a8 7b "
            "64 4c 69 73 74 9f f5 20 ff ff"))
        self.assertEqual(decode(written)["At"], moment)


class Calls(unittest.TestCase):
    def test_times_are_whole_milliseconds(self):
        make("times")
        described = call("DescribeStream", StreamName="times")["StreamDescription"]
        self.assertIsInstance(described["StreamCreationTimestamp"], Time)
        self.assertEqual(call("ListStreams")["StreamSummaries"][-1]["StreamCreationTimestamp"],
                         described["StreamCreationTimestamp"])
        call("PutRecord", StreamName="times", PartitionKey="k", Data=b"0")
        first = read("times")[0]["ApproximateArrivalTimestamp"]
        self.assertIsInstance(first, Time)
        self.assertLess(abs(first - time.time() * 1000), 7_200_000)
        found = read("times", ShardIteratorType="AT_TIMESTAMP", Timestamp=first)
        self.assertEqual([record["Data"] for record in found], [b"0"])

    @needs_control
    def test_a_time_finds_the_record_of_its_millisecond(self):
        make("milliseconds")
        for data in (b"0", b"1"):
            call("PutRecord", StreamName="milliseconds", PartitionKey="k", Data=data)
            control("POST", "/clock", {"advance": "5ms"})
        arrived = [record["ApproximateArrivalTimestamp"] for record in read("milliseconds")]
        self.assertGreaterEqual(arrived[1] - arrived[0], 5)
        at = read("milliseconds", ShardIteratorType="AT_TIMESTAMP", Timestamp=arrived[1])
        self.assertEqual([record["Data"] for record in at], [b"1"])
        later = Time(arrived[0] + 1)
        at = read("milliseconds", ShardIteratorType="AT_TIMESTAMP", Timestamp=later)
        self.assertEqual([record["Data"] for record in at], [b"1"])

    def test_blobs_are_bytes_both_ways(self):
        make("blobs")
        every_byte = bytes(range(256)) * 300
        placed = call("PutRecords", StreamName="blobs", Records=[
            {"PartitionKey": "schlüssel", "Data": every_byte},
            {"PartitionKey": "k", "ExplicitHashKey": "0", "Data": b""}])
        self.assertEqual(placed["FailedRecordCount"], 0)
        records = read("blobs")
        self.assertEqual([record["Data"] for record in records], [every_byte, b""])
        self.assertEqual(records[0]["PartitionKey"], "schlüssel")
        self.assertEqual([record["SequenceNumber"] for record in records],
                         [entry["SequenceNumber"] for entry in placed["Records"]])

    def test_json_sees_what_cbor_wrote(self):
        make("both")
        call("PutRecord", StreamName="both", PartitionKey="k", Data=b"\xfe\xed")
        iterator = call("GetShardIterator", StreamName="both", ShardId=FIRST,
                        ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        by_cbor = call("GetRecords", ShardIterator=iterator)["Records"][0]
        response = send("GetRecords", json.dumps({"ShardIterator": iterator}), JSON)
        by_json = json.loads(response.read())["Records"][0]
        self.assertEqual(by_json["Data"], "/u0=")
        self.assertEqual(round(by_json["ApproximateArrivalTimestamp"] * 1000),
                         by_cbor["ApproximateArrivalTimestamp"])
        self.assertEqual(by_json["SequenceNumber"], by_cbor["SequenceNumber"])

    def test_the_calls_of_the_kcl(self):
        make("kcl", 2)
        shards = call("ListShards", StreamName="kcl", MaxResults=1)
        self.assertEqual(len(shards["Shards"]), 1)
        shards = call("ListShards", NextToken=shards["NextToken"])
        self.assertEqual([shard["ShardId"] for shard in shards["Shards"]], ["shardId-000000000001"])
        call("SplitShard", StreamName="kcl", ShardToSplit=FIRST, NewStartingHashKey=str(1 << 126))
        until(lambda: call("DescribeStreamSummary", StreamName="kcl")
              ["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")
        iterator = call("GetShardIterator", StreamName="kcl", ShardId=FIRST,
                        ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        end = call("GetRecords", ShardIterator=iterator)
        self.assertEqual([child["ParentShards"] for child in end["ChildShards"]], [[FIRST]] * 2)
        self.assertIsNone(end.get("NextShardIterator"))
        horizon = call("ListShards", StreamName="kcl", ShardFilter={
            "Type": "AT_TIMESTAMP", "Timestamp": Time(int(time.time() * 1000) - 1000)})
        self.assertTrue(horizon["Shards"])
        call("DeleteStream", StreamName="kcl", EnforceConsumerDeletion=True)

    def test_a_subscription_pushes_cbor(self):
        make("pushed")
        call("PutRecord", StreamName="pushed", PartitionKey="k", Data=b"\x00\xff")
        arn = call("DescribeStreamSummary", StreamName="pushed")
        arn = arn["StreamDescriptionSummary"]["StreamARN"]
        consumer = call("RegisterStreamConsumer", StreamARN=arn, ConsumerName="reader")["Consumer"]
        self.assertIsInstance(consumer["ConsumerCreationTimestamp"], Time)
        until(lambda: call("DescribeStreamConsumer", ConsumerARN=consumer["ConsumerARN"])
              ["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE")
        response = send("SubscribeToShard", encode({
            "ConsumerARN": consumer["ConsumerARN"], "ShardId": FIRST,
            "StartingPosition": {"Type": "AT_TIMESTAMP", "Timestamp": Time(0)}}))
        self.assertEqual(response.status, 200, response.headers)
        self.assertEqual(response.headers["Content-Type"], "application/vnd.amazon.eventstream")
        messages = events(response)
        headers, payload = next(messages)
        self.assertEqual(headers[":event-type"], "initial-response")
        for headers, payload in messages:
            self.assertEqual((headers[":event-type"], headers[":content-type"]),
                             ("SubscribeToShardEvent", CBOR))
            event = decode(payload)
            if event["Records"]:
                break
        record = event["Records"][0]
        self.assertEqual((record["Data"], record["PartitionKey"]), (b"\x00\xff", "k"))
        self.assertIsInstance(record["ApproximateArrivalTimestamp"], Time)
        # Its time is the event's, which can be a second after the record's.
        self.assertGreaterEqual(int(event["ContinuationSequenceNumber"]), int(record["SequenceNumber"]))
        called.add("SubscribeToShard")
        response.connection.close()


class Errors(unittest.TestCase):
    def refusal(self, operation, **members):
        with self.assertRaises(Refused) as found:
            call(operation, **members)
        return found.exception.status, found.exception.error

    def test_errors_are_cbor_with_a_type(self):
        status, error = self.refusal("DescribeStream", StreamName="missing")
        self.assertEqual((status, error["__type"]), (400, "ResourceNotFoundException"))
        self.assertEqual(
            error["message"], "Stream missing under account 000000000000 not found.")
        status, error = self.refusal("CreateStream", StreamName="", ShardCount=0)
        self.assertEqual((status, error["__type"]), (400, "ValidationException"))
        self.assertIn("3 validation errors detected", error["message"])

    def test_what_is_no_cbor_is_refused(self):
        for body in (b"\xbf", b'{"StreamName": "s"}', b"\xbf\x61"):
            response = send("DescribeStream", body)
            self.assertEqual(response.status, 400, body)
            self.assertEqual(decode(response.read())["__type"], "SerializationException")


def exercised():
    return (f"{len(called)} operations: milliseconds, indefinite lengths, blobs as bytes, errors, "
            f"SubscribeToShard with CBOR payloads, the KCL's calls")


if __name__ == "__main__":
    run(f"written for the suite, Python {platform.python_version()}", exercised)
