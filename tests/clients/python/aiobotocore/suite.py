"""aiobotocore against the emulator: every operation of its service model, over aiohttp."""

import asyncio
import unittest
from contextlib import asynccontextmanager

import aiobotocore
import botocore
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import ClientError

from emulator_under_test import CA_FILE, ENDPOINT, TLS_ENDPOINT, needs_tls, run

MIDDLE = 1 << 127
FIRST = "shardId-000000000000"
ROLE = "arn:aws:iam::000000000000:role/deliver"

known = set()
succeeded = set()


@asynccontextmanager
async def client(endpoint=ENDPOINT, **settings):
    """A client that notes which operations have succeeded, and repeats none."""
    config = AioConfig(retries={"total_max_attempts": 1}, max_pool_connections=100,
                       parameter_validation=settings.pop("validation", True))
    async with get_session().create_client(
            "kinesis", endpoint_url=endpoint, config=config, **settings) as made:
        known.update(made.meta.service_model.operation_names)

        def note(model, http_response, **_):
            if http_response.status_code == 200:
                succeeded.add(model.name)

        made.meta.events.register("after-call.kinesis", note)
        yield made


def data(records):
    return [record["Data"] for record in records]


async def active(kinesis, name):
    """The stream's summary, once no change is under way."""
    await kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    summary = await kinesis.describe_stream_summary(StreamName=name)
    return summary["StreamDescriptionSummary"]


async def read(kinesis, name, shard=FIRST):
    iterator = await kinesis.get_shard_iterator(
        StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return await kinesis.get_records(ShardIterator=iterator["ShardIterator"])


async def next_with_records(events):
    async for event in events:
        if event["SubscribeToShardEvent"]["Records"]:
            return event["SubscribeToShardEvent"]
    raise AssertionError("the subscription has ended")


class Suite(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        # What unittest turns on makes a client of many small tasks slow, and says so.
        asyncio.get_running_loop().set_debug(False)

    async def test_every_operation_of_the_model(self):
        async with client() as kinesis:
            name, tags = "everything", {"a": "1", "b": "2"}
            await kinesis.create_stream(StreamName=name, ShardCount=2)
            arn = (await active(kinesis, name))["StreamARN"]
            described = await kinesis.describe_stream(StreamName=name)
            self.assertEqual(len(described["StreamDescription"]["Shards"]), 2)
            self.assertGreaterEqual((await kinesis.describe_limits())["OpenShardCount"], 2)

            await kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=48)
            await kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=36)
            self.assertEqual((await active(kinesis, name))["RetentionPeriodHours"], 36)
            metrics = {"StreamName": name, "ShardLevelMetrics": ["ALL"]}
            await kinesis.enable_enhanced_monitoring(**metrics)
            await active(kinesis, name)
            await kinesis.disable_enhanced_monitoring(**metrics)
            key = {"StreamName": name, "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
            await kinesis.start_stream_encryption(**key)
            self.assertEqual((await active(kinesis, name))["EncryptionType"], "KMS")
            await kinesis.stop_stream_encryption(**key)
            await active(kinesis, name)
            await kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=2048)
            await active(kinesis, name)

            await kinesis.add_tags_to_stream(StreamName=name, Tags=tags)
            await kinesis.tag_resource(ResourceARN=arn, Tags={"c": "3"})
            await kinesis.remove_tags_from_stream(StreamName=name, TagKeys=["a"])
            await kinesis.untag_resource(ResourceARN=arn, TagKeys=["b"])
            of_stream = await kinesis.list_tags_for_stream(StreamName=name)
            of_resource = await kinesis.list_tags_for_resource(ResourceARN=arn)
            self.assertEqual(of_stream["Tags"], [{"Key": "c", "Value": "3"}])
            self.assertEqual(of_resource["Tags"], of_stream["Tags"])
            policy = '{"Version": "2012-10-17", "Statement": []}'
            await kinesis.put_resource_policy(ResourceARN=arn, Policy=policy)
            self.assertEqual((await kinesis.get_resource_policy(ResourceARN=arn))["Policy"], policy)
            await kinesis.delete_resource_policy(ResourceARN=arn)

            first = await kinesis.put_record(
                StreamName=name, PartitionKey="k", ExplicitHashKey="0", Data=bytes(range(256)))
            self.assertEqual(first["ShardId"], FIRST)
            await kinesis.put_records(StreamName=name, Records=[
                {"PartitionKey": "k", "ExplicitHashKey": "0", "Data": b"batch"}])
            records = (await read(kinesis, name))["Records"]
            self.assertEqual(data(records), [bytes(range(256)), b"batch"])

            made = await kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="reader")
            reader = {"ConsumerARN": made["Consumer"]["ConsumerARN"]}
            status = ""
            while status != "ACTIVE":
                answer = await kinesis.describe_stream_consumer(**reader)
                status = answer["ConsumerDescription"]["ConsumerStatus"]
            listed = await kinesis.list_stream_consumers(StreamARN=arn)
            self.assertEqual([one["ConsumerName"] for one in listed["Consumers"]], ["reader"])
            subscription = await kinesis.subscribe_to_shard(
                ShardId=FIRST, StartingPosition={"Type": "TRIM_HORIZON"}, **reader)
            events = subscription["EventStream"]
            pushed = await next_with_records(events)
            self.assertEqual(data(pushed["Records"]), data(records))
            await kinesis.put_record(
                StreamName=name, PartitionKey="k", ExplicitHashKey="0", Data=b"pushed")
            pushed = await next_with_records(events)
            self.assertEqual(data(pushed["Records"]), [b"pushed"])
            await kinesis.deregister_stream_consumer(**reader)
            events.close()

            await kinesis.split_shard(
                StreamName=name, ShardToSplit=FIRST, NewStartingHashKey=str(MIDDLE // 2))
            await active(kinesis, name)
            children = [one["ShardId"] for one in (await read(kinesis, name))["ChildShards"]]
            self.assertEqual(children, ["shardId-000000000002", "shardId-000000000003"])
            await kinesis.merge_shards(
                StreamName=name, ShardToMerge=children[0], AdjacentShardToMerge=children[1])
            await active(kinesis, name)
            await kinesis.update_shard_count(
                StreamName=name, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
            self.assertEqual((await active(kinesis, name))["OpenShardCount"], 4)

            mode = {"StreamMode": "ON_DEMAND"}
            await kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails=mode)
            self.assertEqual((await active(kinesis, name))["StreamModeDetails"], mode)
            await kinesis.update_stream_record_distribution_strategy(
                StreamARN=arn, RecordDistributionStrategy="AUTO")
            await active(kinesis, name)
            await kinesis.describe_account_settings()
            await kinesis.update_account_settings(
                MinimumThroughputBillingCommitment={"Status": "ENABLED"})
            await kinesis.update_stream_warm_throughput(StreamName=name, WarmThroughputMiBps=6)
            await active(kinesis, name)

            made = await kinesis.create_channel(
                ChannelName="archive", ServiceExecutionRoleARN=ROLE,
                StreamConfigurationList=[{
                    "StreamARN": arn, "RecordConfiguration": {"RecordFormatType": "JSON"}}],
                S3DestinationConfiguration={"StorageConfiguration": {
                    "BucketARN": "arn:aws:s3:::archive", "ExpectedBucketOwner": "000000000000",
                    "CompressionType": "GZIP"}})
            channel = {"ChannelARN": made["ChannelDescription"]["ChannelARN"]}
            await kinesis.get_waiter("channel_active").wait(**channel, WaiterConfig={"Delay": 1})
            await kinesis.update_channel(
                **channel, S3DestinationConfiguration={"DataFreshnessInSeconds": 600})
            await kinesis.get_waiter("channel_active").wait(**channel, WaiterConfig={"Delay": 1})
            described = await kinesis.describe_channel(**channel)
            destination = described["ChannelDescription"]["S3DestinationConfiguration"]
            self.assertEqual(destination["DataFreshnessInSeconds"], 600)
            listed = await kinesis.list_channels()
            self.assertEqual([one["ChannelName"] for one in listed["ChannelSummaries"]], ["archive"])
            await kinesis.delete_channel(**channel)
            while (await kinesis.list_channels())["ChannelSummaries"]:
                pass

            found = []
            async for page in kinesis.get_paginator("list_streams").paginate():
                found += page["StreamNames"]
            self.assertIn(name, found)
            page = await kinesis.list_shards(StreamName=name, MaxResults=2)
            self.assertEqual(len(page["Shards"]), 2)
            await kinesis.delete_stream(StreamName=name)
            await kinesis.get_waiter("stream_not_exists").wait(StreamName=name)
            with self.assertRaises(kinesis.exceptions.ResourceNotFoundException):
                await kinesis.describe_stream(StreamName=name)
        self.assertEqual(known - succeeded, set())

    async def test_a_subscription_resumes_where_it_was_left(self):
        async with client() as kinesis:
            await kinesis.create_stream(StreamName="resumed", ShardCount=1)
            arn = (await active(kinesis, "resumed"))["StreamARN"]
            made = await kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="reader")
            reader = made["Consumer"]["ConsumerARN"]

            async def subscribe(**position):
                while True:
                    try:
                        answer = await kinesis.subscribe_to_shard(
                            ConsumerARN=reader, ShardId=FIRST, StartingPosition=position)
                        return answer["EventStream"]
                    except kinesis.exceptions.ResourceInUseException:
                        # Not ACTIVE yet, or within five seconds of the last one.
                        await asyncio.sleep(0.1)

            async with asyncio.timeout(60):
                await kinesis.put_record(StreamName="resumed", PartitionKey="k", Data=b"0")
                events = await subscribe(Type="TRIM_HORIZON")
                left = await next_with_records(events)
                events.close()
                await kinesis.put_record(StreamName="resumed", PartitionKey="k", Data=b"1")
                events = await subscribe(Type="AFTER_SEQUENCE_NUMBER",
                                         SequenceNumber=left["ContinuationSequenceNumber"])
                pushed = await next_with_records(events)
                self.assertEqual(data(pushed["Records"]), [b"1"])
                events.close()
            await kinesis.delete_stream(StreamName="resumed", EnforceConsumerDeletion=True)

    async def test_a_hundred_calls_at_once(self):
        async with client() as kinesis:
            await kinesis.create_stream(StreamName="busy", ShardCount=1)
            await active(kinesis, "busy")
            placed = await asyncio.gather(*(
                kinesis.put_record(StreamName="busy", PartitionKey="k", Data=b"%d" % n)
                for n in range(500)))
            records = (await read(kinesis, "busy"))["Records"]
            self.assertEqual(sorted(one["SequenceNumber"] for one in placed),
                             [one["SequenceNumber"] for one in records])
            await kinesis.delete_stream(StreamName="busy")

    @needs_tls
    async def test_by_tls_with_the_certificate_that_was_written(self):
        async with client(TLS_ENDPOINT, verify=CA_FILE) as kinesis:
            limits = await kinesis.describe_limits()
            self.assertEqual(limits["ResponseMetadata"]["HTTPStatusCode"], 200)


def exercised():
    return (f"{len(succeeded)} of {len(known)} operations, pages, waiters, 100 calls at once, "
            f"SubscribeToShard with resumption" + (", TLS" if TLS_ENDPOINT else ""))


if __name__ == "__main__":
    run(f"aiobotocore {aiobotocore.__version__}, botocore {botocore.__version__}", exercised)
