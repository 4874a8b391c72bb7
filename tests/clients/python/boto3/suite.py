"""boto3 against the emulator: every operation of its service model, and what it builds on them."""

import datetime
import hashlib
import unittest
from contextlib import contextmanager

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from emulator_under_test import (
    CA_FILE, ENDPOINT, LIMITS_ENDPOINT, TLS_ENDPOINT,
    advance, control, needs_control, needs_limits, needs_tls, run, until,
)

MIDDLE = 1 << 127
FIRST = "shardId-000000000000"
ROLE = "arn:aws:iam::000000000000:role/deliver"

succeeded = set()
paginated = set()
caught = set()


def client(endpoint=ENDPOINT, **settings):
    """A client that notes which operations have succeeded, and repeats none."""
    config = Config(retries={"total_max_attempts": settings.pop("attempts", 1)},
                    parameter_validation=settings.pop("validation", True))
    made = boto3.client("kinesis", endpoint_url=endpoint, config=config, **settings)

    def note(model, http_response, **_):
        if http_response.status_code == 200:
            succeeded.add(model.name)

    made.meta.events.register("after-call.kinesis", note)
    return made


kinesis = client()


@contextmanager
def stream(name, shards=1, of=kinesis, **more):
    """A stream that is ACTIVE, and deleted afterwards."""
    of.create_stream(StreamName=name, ShardCount=shards, **more)
    of.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    try:
        yield f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}"
    finally:
        of.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
        of.get_waiter("stream_not_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})


def active(name, of=kinesis):
    """The stream's summary, once no change is under way."""
    def summary():
        found = of.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        return found if found["StreamStatus"] == "ACTIVE" else None
    return until(summary)


def put(name, data, explicit_hash_key="0", of=kinesis):
    return of.put_record(StreamName=name, PartitionKey="k", Data=data,
                         ExplicitHashKey=explicit_hash_key)


def read(name, shard=FIRST, of=kinesis, **start):
    start = start or {"ShardIteratorType": "TRIM_HORIZON"}
    iterator = of.get_shard_iterator(StreamName=name, ShardId=shard, **start)["ShardIterator"]
    return of.get_records(ShardIterator=iterator)


def data(records):
    return [record["Data"] for record in records]


@contextmanager
def consumer(arn, name):
    """A consumer that is ACTIVE."""
    made = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"]
    until(lambda: kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])
          ["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE")
    yield made["ConsumerARN"]
    kinesis.deregister_stream_consumer(ConsumerARN=made["ConsumerARN"])


def subscribe(consumer_arn, shard=FIRST, **position):
    position = position or {"Type": "TRIM_HORIZON"}
    return kinesis.subscribe_to_shard(ConsumerARN=consumer_arn, ShardId=shard,
                                      StartingPosition=position)["EventStream"]


def next_with_records(events):
    for event in events:
        if event["SubscribeToShardEvent"]["Records"]:
            return event["SubscribeToShardEvent"]
    raise AssertionError("the subscription has ended")


class Suite(unittest.TestCase):
    def refused(self, kind, call, *arguments, **members):
        """The call fails with the typed exception of that name; gives the error."""
        with self.assertRaises(getattr(kinesis.exceptions, kind)) as found:
            call(*arguments, **members)
        caught.add(kind)
        return found.exception.response["Error"]


class Streams(Suite):
    def test_a_stream_is_described_as_it_was_made(self):
        with stream("born", 2, MaxRecordSizeInKiB=2048, Tags={"from": "birth"}) as arn:
            described = kinesis.describe_stream(StreamName="born")["StreamDescription"]
            self.assertEqual((described["StreamARN"], described["StreamStatus"]), (arn, "ACTIVE"))
            ranges = [tuple(shard["HashKeyRange"].values()) for shard in described["Shards"]]
            self.assertEqual(ranges, [("0", str(MIDDLE - 1)), (str(MIDDLE), str(2 * MIDDLE - 1))])
            self.assertIsNotNone(described["StreamCreationTimestamp"].tzinfo)
            summary = active("born")
            self.assertEqual(summary["OpenShardCount"], 2)
            self.assertEqual(summary["MaxRecordSizeInKiB"], 2048)
            self.assertEqual(summary["StreamModeDetails"], {"StreamMode": "PROVISIONED"})
            self.assertGreaterEqual(kinesis.describe_limits()["OpenShardCount"], 2)

    def test_settings_go_up_and_down(self):
        with stream("settings") as arn:
            kinesis.increase_stream_retention_period(StreamName="settings", RetentionPeriodHours=48)
            self.assertEqual(active("settings")["RetentionPeriodHours"], 48)
            kinesis.decrease_stream_retention_period(StreamARN=arn, RetentionPeriodHours=24)
            self.assertEqual(active("settings")["RetentionPeriodHours"], 24)
            answer = kinesis.enable_enhanced_monitoring(
                StreamName="settings", ShardLevelMetrics=["IncomingBytes", "OutgoingBytes"])
            self.assertEqual(answer["DesiredShardLevelMetrics"], ["IncomingBytes", "OutgoingBytes"])
            active("settings")
            answer = kinesis.disable_enhanced_monitoring(
                StreamName="settings", ShardLevelMetrics=["OutgoingBytes"])
            self.assertEqual(answer["DesiredShardLevelMetrics"], ["IncomingBytes"])
            active("settings")
            key = {"StreamName": "settings", "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
            kinesis.start_stream_encryption(**key)
            self.assertEqual(active("settings")["EncryptionType"], "KMS")
            self.assertEqual(put("settings", b"x")["EncryptionType"], "KMS")
            kinesis.stop_stream_encryption(**key)
            self.assertEqual(active("settings")["EncryptionType"], "NONE")
            kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=10240)
            self.assertEqual(active("settings")["MaxRecordSizeInKiB"], 10240)
            put("settings", bytes(10 << 20)[1:])

    def test_tags_and_policies(self):
        with stream("tagged", Tags={"a": "1"}) as arn:
            kinesis.add_tags_to_stream(StreamName="tagged", Tags={"b": "2", "c": ""})
            kinesis.tag_resource(ResourceARN=arn, Tags={"b": "3"})
            kinesis.remove_tags_from_stream(StreamName="tagged", TagKeys=["a"])
            kinesis.untag_resource(ResourceARN=arn, TagKeys=["c"])
            left = [{"Key": "b", "Value": "3"}]
            self.assertEqual(kinesis.list_tags_for_stream(StreamName="tagged")["Tags"], left)
            self.assertEqual(kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"], left)
            policy = '{"Version": "2012-10-17", "Statement": []}'
            kinesis.put_resource_policy(ResourceARN=arn, Policy=policy)
            self.assertEqual(kinesis.get_resource_policy(ResourceARN=arn)["Policy"], policy)
            kinesis.delete_resource_policy(ResourceARN=arn)
            self.assertEqual(kinesis.get_resource_policy(ResourceARN=arn)["Policy"], "{}")

    def test_modes_and_the_account(self):
        with stream("free") as arn:
            kinesis.update_stream_mode(
                StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"})
            self.assertEqual(active("free")["StreamModeDetails"], {"StreamMode": "ON_DEMAND"})
            kinesis.update_stream_record_distribution_strategy(
                StreamARN=arn, RecordDistributionStrategy="AUTO")
            self.assertEqual(active("free")["RecordDistributionStrategy"], "AUTO")
            kinesis.put_record(StreamName="free", Data=b"without a key")
            before = kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"]
            self.assertEqual(before["Status"], "DISABLED")
            after = kinesis.update_account_settings(
                MinimumThroughputBillingCommitment={"Status": "ENABLED"})
            self.assertEqual(after["MinimumThroughputBillingCommitment"]["Status"], "ENABLED")
            warm = kinesis.update_stream_warm_throughput(StreamName="free", WarmThroughputMiBps=6)
            self.assertEqual(warm["WarmThroughput"]["TargetMiBps"], 6)
            self.assertEqual(active("free")["OpenShardCount"], 6)


class Records(Suite):
    def test_every_byte_comes_back(self):
        with stream("bytes"):
            every_byte = bytes(range(256)) * 4
            placed = put("bytes", every_byte)
            record = read("bytes")["Records"][0]
            self.assertEqual(record["Data"], every_byte)
            self.assertEqual(record["SequenceNumber"], placed["SequenceNumber"])
            age = datetime.datetime.now(datetime.timezone.utc)
            age -= record["ApproximateArrivalTimestamp"]
            self.assertLess(abs(age), datetime.timedelta(hours=2))

    def test_keys_beyond_ascii_go_where_their_md5_says(self):
        with stream("keys", 2):
            for key in ("schlüssel", "鍵", "🔑", " ", "k" * 256):
                placed = kinesis.put_record(StreamName="keys", PartitionKey=key, Data=b"")
                upper = int.from_bytes(hashlib.md5(key.encode()).digest(), "big") >= MIDDLE
                self.assertEqual(placed["ShardId"], "shardId-00000000000" + str(int(upper)), key)
                records = read("keys", placed["ShardId"])["Records"]
                self.assertEqual(records[-1]["PartitionKey"], key)

    def test_a_batch_is_answered_record_by_record(self):
        with stream("batch", 2):
            entries = [{"PartitionKey": str(n), "Data": str(n).encode()} for n in range(500)]
            answer = kinesis.put_records(StreamName="batch", Records=entries)
            self.assertEqual((answer["FailedRecordCount"], len(answer["Records"])), (0, 500))
            found = {shard: data(read("batch", shard)["Records"])
                     for shard in (FIRST, "shardId-000000000001")}
            expected = {shard: [entry["Data"] for entry, placed in zip(entries, answer["Records"])
                                if placed["ShardId"] == shard] for shard in found}
            self.assertEqual(found, expected, "in order, each where the answer says")

    def test_every_kind_of_iterator(self):
        with stream("iterators"):
            placed = [put("iterators", b"%d" % n)["SequenceNumber"] for n in range(3)]
            second = {"StartingSequenceNumber": placed[1]}
            at = read("iterators", ShardIteratorType="AT_SEQUENCE_NUMBER", **second)
            self.assertEqual(data(at["Records"]), [b"1", b"2"])
            after = read("iterators", ShardIteratorType="AFTER_SEQUENCE_NUMBER", **second)
            self.assertEqual(data(after["Records"]), [b"2"])
            arrived = at["Records"][0]["ApproximateArrivalTimestamp"]
            at = read("iterators", ShardIteratorType="AT_TIMESTAMP", Timestamp=arrived)
            self.assertIn(b"1", data(at["Records"]))
            latest = kinesis.get_shard_iterator(
                StreamName="iterators", ShardId=FIRST, ShardIteratorType="LATEST")["ShardIterator"]
            put("iterators", b"late")
            answer = kinesis.get_records(ShardIterator=latest)
            self.assertEqual((data(answer["Records"]), answer["MillisBehindLatest"]), ([b"late"], 0))
            limited = kinesis.get_shard_iterator(
                StreamName="iterators", ShardId=FIRST, ShardIteratorType="TRIM_HORIZON")
            limited = kinesis.get_records(ShardIterator=limited["ShardIterator"], Limit=3)
            self.assertEqual(data(limited["Records"]), [b"0", b"1", b"2"])
            limited = kinesis.get_records(ShardIterator=limited["NextShardIterator"])
            self.assertEqual(data(limited["Records"]), [b"late"])

    @needs_control
    def test_a_throttle_is_retried_by_the_client(self):
        with stream("retried"):
            rule = {"operation": "PutRecord", "stream": "retried", "times": 2,
                    "reject": "ProvisionedThroughputExceededException"}
            control("POST", "/faults", rule)
            answer = put("retried", b"x", of=client(attempts=3))
            self.assertEqual(answer["ResponseMetadata"]["RetryAttempts"], 2)
            self.assertEqual(data(read("retried")["Records"]), [b"x"])

    @needs_control
    def test_records_end_with_their_retention(self):
        with stream("retention"):
            put("retention", b"x")
            advance("25h")
            self.assertEqual(read("retention")["Records"], [])


class Shards(Suite):
    def test_split_merge_and_rescale(self):
        with stream("shards"):
            put("shards", b"before")
            kinesis.split_shard(
                StreamName="shards", ShardToSplit=FIRST, NewStartingHashKey=str(MIDDLE))
            active("shards")
            closed = read("shards")
            self.assertEqual(data(closed["Records"]), [b"before"])
            children = [child["ShardId"] for child in closed["ChildShards"]]
            self.assertEqual(children, ["shardId-000000000001", "shardId-000000000002"])
            self.assertNotIn("NextShardIterator", closed)
            kinesis.merge_shards(
                StreamName="shards", ShardToMerge=children[0], AdjacentShardToMerge=children[1])
            active("shards")
            listed = kinesis.list_shards(StreamName="shards", ShardFilter={"Type": "AT_LATEST"})
            merged = listed["Shards"][0]
            self.assertEqual([merged["ParentShardId"], merged["AdjacentParentShardId"]], children)
            answer = kinesis.update_shard_count(
                StreamName="shards", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
            self.assertEqual((answer["CurrentShardCount"], answer["TargetShardCount"]), (1, 2))
            self.assertEqual(active("shards")["OpenShardCount"], 2)


class Pages(Suite):
    def pages(self, operation, page_size, **members):
        paginator = kinesis.get_paginator(operation)
        pages = paginator.paginate(PaginationConfig={"PageSize": page_size}, **members)
        paginated.add(operation)
        return pages

    def test_every_paginator_finds_everything_once(self):
        with stream("pages-a", 5) as arn, stream("pages-b"), stream("pages-c"):
            listed = self.pages("list_streams", 2).build_full_result()
            names = [name for name in listed["StreamNames"] if name.startswith("pages-")]
            self.assertEqual(names, ["pages-a", "pages-b", "pages-c"])
            self.assertEqual(len(listed["StreamSummaries"]), len(listed["StreamNames"]))
            shards = [f"shardId-00000000000{n}" for n in range(5)]
            pages = list(self.pages("describe_stream", 2, StreamName="pages-a"))
            self.assertEqual([len(page["StreamDescription"]["Shards"]) for page in pages], [2, 2, 1])
            full = self.pages("describe_stream", 2, StreamName="pages-a").build_full_result()
            found = [shard["ShardId"] for shard in full["StreamDescription"]["Shards"]]
            self.assertEqual(found, shards)
            full = self.pages("list_shards", 5, StreamName="pages-a").build_full_result()
            self.assertEqual([shard["ShardId"] for shard in full["Shards"]], shards)
            # As on AWS: the paginator says the stream's name again, which a token forbids.
            self.refused("InvalidArgumentException", self.pages(
                "list_shards", 2, StreamName="pages-a").build_full_result)
            page = kinesis.list_shards(StreamName="pages-a", MaxResults=2)
            page = kinesis.list_shards(NextToken=page["NextToken"])
            self.assertEqual([shard["ShardId"] for shard in page["Shards"]], shards[2:])
            for name in "zyx":
                kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)
            full = self.pages("list_stream_consumers", 2, StreamARN=arn).build_full_result()
            found = [one["ConsumerName"] for one in full["Consumers"]]
            self.assertEqual(sorted(found), ["x", "y", "z"])


class Waiters(Suite):
    @needs_limits
    def test_waiters_wait_for_states_that_last(self):
        limited = client(LIMITS_ENDPOINT, attempts=5)
        limited.create_stream(StreamName="waited", ShardCount=1)
        status = limited.describe_stream(StreamName="waited")["StreamDescription"]["StreamStatus"]
        self.assertEqual(status, "CREATING")
        limited.get_waiter("stream_exists").wait(StreamName="waited", WaiterConfig={"Delay": 1})
        put("waited", b"x", of=limited)
        limited.delete_stream(StreamName="waited")
        status = limited.describe_stream(StreamName="waited")["StreamDescription"]["StreamStatus"]
        self.assertEqual(status, "DELETING")
        limited.get_waiter("stream_not_exists").wait(StreamName="waited", WaiterConfig={"Delay": 1})


class FanOut(Suite):
    def test_records_are_pushed_and_a_subscription_resumes_where_it_was_left(self):
        with stream("pushed") as arn, consumer(arn, "reader") as reader:
            put("pushed", b"0")
            events = subscribe(reader)
            event = next_with_records(events)
            self.assertEqual((data(event["Records"]), event["MillisBehindLatest"]), ([b"0"], 0))
            put("pushed", b"1")
            event = next_with_records(events)
            self.assertEqual(data(event["Records"]), [b"1"])
            events.close()
            put("pushed", b"2")
            # A reader that resumes sooner is told to wait.
            resume = {"Type": "AFTER_SEQUENCE_NUMBER",
                      "SequenceNumber": event["ContinuationSequenceNumber"]}

            def again():
                try:
                    return subscribe(reader, **resume)
                except kinesis.exceptions.ResourceInUseException:
                    return None
            events = until(again)
            self.assertEqual(data(next_with_records(events)["Records"]), [b"2"])
            events.close()

    @needs_control
    def test_a_subscription_ends_after_five_minutes(self):
        with stream("ended") as arn, consumer(arn, "reader") as reader:
            put("ended", b"x")
            events = subscribe(reader)
            next_with_records(events)
            advance("301s")
            for event in events:
                self.assertEqual(event["SubscribeToShardEvent"]["Records"], [])

    def test_a_closed_shard_ends_with_its_children(self):
        with stream("closed") as arn, consumer(arn, "reader") as reader:
            put("closed", b"x")
            kinesis.split_shard(
                StreamName="closed", ShardToSplit=FIRST, NewStartingHashKey=str(MIDDLE))
            active("closed")
            events = [event["SubscribeToShardEvent"] for event in subscribe(reader)]
            self.assertEqual(data(sum((event["Records"] for event in events), [])), [b"x"])
            children = [child["ShardId"] for child in events[-1]["ChildShards"]]
            self.assertEqual(children, ["shardId-000000000001", "shardId-000000000002"])

    def test_a_consumer_that_goes_ends_its_subscription_with_an_error_in_the_stream(self):
        with stream("deregistered") as arn:
            with consumer(arn, "reader") as reader:
                put("deregistered", b"x")
                events = subscribe(reader)
                next_with_records(events)
            with self.assertRaises(EventStreamError) as found:
                list(events)
            self.assertEqual(found.exception.response["Error"]["Code"], "ResourceNotFoundException")


class Exceptions(Suite):
    def test_exceptions_are_typed(self):
        missing = self.refused("ResourceNotFoundException", kinesis.describe_stream,
                               StreamName="missing")
        self.assertEqual(
            missing["Message"], "Stream missing under account 000000000000 not found.")
        with stream("typed"):
            self.refused("ResourceInUseException", kinesis.create_stream,
                         StreamName="typed", ShardCount=1)
            self.refused("InvalidArgumentException", kinesis.merge_shards, StreamName="typed",
                         ShardToMerge=FIRST, AdjacentShardToMerge=FIRST)
            self.refused("ValidationException", kinesis.put_record, StreamName="typed",
                         Data=b"no key, and the strategy is not AUTO")
            self.refused("LimitExceededException", kinesis.create_stream,
                         StreamName="large", ShardCount=10_001)

    @needs_control
    def test_iterators_and_tokens_expire(self):
        with stream("expired", 3):
            iterator = kinesis.get_shard_iterator(
                StreamName="expired", ShardId=FIRST, ShardIteratorType="LATEST")["ShardIterator"]
            token = kinesis.list_shards(StreamName="expired", MaxResults=1)["NextToken"]
            advance("301s")
            self.refused("ExpiredIteratorException", kinesis.get_records, ShardIterator=iterator)
            self.refused("ExpiredNextTokenException", kinesis.list_shards, NextToken=token)

    @needs_control
    def test_every_other_error_of_the_model_is_typed_too(self):
        with stream("faulty"):
            # Kinesis answers with InternalFailure, which is not what the model calls it.
            for kind in sorted(errors_of("PutRecord") - {"InternalFailureException"}):
                control("POST", "/faults", {
                    "operation": "PutRecord", "stream": "faulty", "times": 1, "reject": kind})
                self.refused(kind, put, "faulty", b"x")

    @needs_limits
    def test_a_shard_takes_a_mebibyte_a_second(self):
        limited = client(LIMITS_ENDPOINT)
        with stream("limited", of=limited):
            mebibyte = bytes((1 << 20) - 1)
            put("limited", mebibyte, of=limited)
            error = self.refused("ProvisionedThroughputExceededException", put, "limited",
                                 mebibyte, of=limited)
            self.assertIn("Rate exceeded for shard shardId-000000000000 in stream limited",
                          error["Message"])

    def test_a_number_for_a_name_is_a_serialization_exception(self):
        unchecked = client(validation=False)
        with self.assertRaises(ClientError) as found:
            unchecked.create_stream(StreamName=7, ShardCount=1)
        self.assertEqual(found.exception.response["Error"]["Code"], "SerializationException")
        self.assertIn("can not be converted to a", found.exception.response["Error"]["Message"])


class Secure(Suite):
    @needs_tls
    def test_by_tls_with_the_certificate_that_was_written(self):
        secure = client(TLS_ENDPOINT, verify=CA_FILE)
        with stream("secure", of=secure) as arn, consumer(arn, "reader") as reader:
            put("secure", b"x", of=secure)
            self.assertEqual(data(read("secure", of=secure)["Records"]), [b"x"])
            events = secure.subscribe_to_shard(
                ConsumerARN=reader, ShardId=FIRST, StartingPosition={"Type": "TRIM_HORIZON"})
            event = next_with_records(events["EventStream"])
            self.assertEqual(data(event["Records"]), [b"x"])
            events["EventStream"].close()


def errors_of(operation):
    """The names of an operation's errors, as the service model has them."""
    model = kinesis.meta.service_model.operation_model(operation)
    return {shape.name for shape in model.error_shapes}


@contextmanager
def on_demand(name):
    """An on-demand stream that is ACTIVE, and deleted afterwards."""
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    arn = active(name)["StreamARN"]
    yield arn
    until(lambda: deleted(name))


def deleted(name):
    """Deletes a stream, once nothing that is on its way out holds it."""
    try:
        kinesis.delete_stream(StreamName=name)
    except kinesis.exceptions.ResourceInUseException:
        return False
    return True


class Channels(Suite):
    def test_a_channel_from_its_making_to_its_end(self):
        with on_demand("archived") as arn:
            made = kinesis.create_channel(
                ChannelName="archive", ServiceExecutionRoleARN=ROLE,
                StreamConfigurationList=[{
                    "StreamARN": arn, "RecordConfiguration": {"RecordFormatType": "JSON"}}],
                S3DestinationConfiguration={"StorageConfiguration": {
                    "BucketARN": "arn:aws:s3:::archive", "ExpectedBucketOwner": "000000000000",
                    "CompressionType": "GZIP"}})
            channel = {"ChannelARN": made["ChannelDescription"]["ChannelARN"]}
            kinesis.get_waiter("channel_active").wait(**channel, WaiterConfig={"Delay": 1})
            page = paginate("list_channels", StreamFilter=[{"StreamARN": arn}])
            self.assertEqual([one["ChannelName"] for one in page["ChannelSummaries"]], ["archive"])
            kinesis.update_channel(**channel, S3DestinationConfiguration={
                "DataFreshnessInSeconds": 600})
            until(lambda: freshness(channel) == 600)
            self.refused("ResourceInUseException", kinesis.delete_stream, StreamName="archived")
            kinesis.delete_channel(**channel)


def freshness(channel):
    found = kinesis.describe_channel(**channel)["ChannelDescription"]
    if found["ChannelStatus"] == "ACTIVE":
        return found["S3DestinationConfiguration"]["DataFreshnessInSeconds"]


class Queues(Suite):
    def test_a_record_is_received_acknowledged_set_aside_and_restored(self):
        with on_demand("queued") as arn:
            made = kinesis.create_queue(
                QueueName="work", StreamConfigurationList=[{"StreamARN": arn}], QueueAttributes={
                    "DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 1}})
            queue = {"QueueARN": made["QueueDescription"]["QueueARN"]}
            until(lambda: status(queue) == "ACTIVE")
            page = paginate("list_queues")
            self.assertEqual([one["QueueName"] for one in page["QueueSummaries"]], ["work"])
            kinesis.put_record(StreamName="queued", PartitionKey="k", Data=b"job")
            [record] = receive("queue", queue)
            self.assertEqual((record["Data"], record["ReceiveCount"]), (b"job", 1))
            self.done(kinesis.update_queue_records_visibility, queue, record,
                      VisibilityTimeoutSeconds=0)

            # It was received as often as it may be.
            [dead] = receive("dead_letter_queue", queue)
            self.assertEqual(dead["RecordId"], record["RecordId"])
            self.done(kinesis.update_dead_letter_queue_records_visibility, queue, dead,
                      VisibilityTimeoutSeconds=600)
            self.done(kinesis.restore_dead_letter_queue_records, queue, dead)
            [again] = receive("queue", queue)
            self.done(kinesis.acknowledge_queue_records, queue, again)

            kinesis.put_record(StreamName="queued", PartitionKey="k", Data=b"poison")
            receive("queue", queue, VisibilityTimeoutSeconds=0)
            [dead] = receive("dead_letter_queue", queue)
            self.assertEqual(dead["Data"], b"poison")
            self.done(kinesis.acknowledge_dead_letter_queue_records, queue, dead)
            self.assertEqual(receive("queue", queue, WaitTimeSeconds=1), [])

            kinesis.update_queue(**queue, QueueAttributes={"VisibilityTimeoutSeconds": 60})
            until(lambda: status(queue) == "ACTIVE")
            self.refused("ResourceInUseException", kinesis.delete_stream, StreamName="queued")
            kinesis.delete_queue(**queue)

    def done(self, call, queue, record, **more):
        """What is asked about one record succeeds."""
        handle = record["ReceiptHandle"]
        answer = call(**queue, Entries=[{"ReceiptHandle": handle, **more}])
        self.assertEqual(answer["Failed"], [])
        self.assertEqual([one["ReceiptHandle"] for one in answer["Successful"]], [handle])


def status(queue):
    return kinesis.describe_queue(**queue)["QueueDescription"]["QueueStatus"]


def receive(side, queue, **more):
    return getattr(kinesis, f"receive_{side}_records")(**queue, **more)["QueueRecords"]


def paginate(operation, **members):
    """All pages of a list as one."""
    paginated.add(operation)
    return kinesis.get_paginator(operation).paginate(**members).build_full_result()


class ZLast(Suite):
    """Last, by its name: looks at what the others have driven."""

    def test_no_operation_of_the_model_was_left_out(self):
        known = set(kinesis.meta.service_model.operation_names)
        self.assertEqual(known - succeeded, set())

    def test_no_paginator_was_left_out(self):
        methods = kinesis.meta.method_to_api_mapping
        self.assertEqual(paginated, {name for name in methods if kinesis.can_paginate(name)})


def exercised():
    known = kinesis.meta.service_model.operation_names
    return (f"{len(succeeded)} of {len(known)} operations, {len(paginated)} paginators, 3 waiters, "
            f"{len(caught)} typed exceptions, retries, SubscribeToShard with resumption"
            + (", AWS's limits, TLS" if TLS_ENDPOINT else ""))


if __name__ == "__main__":
    run(f"boto3 {boto3.__version__}, botocore {botocore.__version__}", exercised)
