"""async-kinesis against the emulator: its producer and its consumer."""

import asyncio
import os
import unittest
from importlib.metadata import version

from aiobotocore.session import get_session
from kinesis import (
    Consumer, JsonLineProcessor, JsonListProcessor, JsonProcessor, MemoryCheckPointer, Producer,
    StringProcessor,
)

from emulator_under_test import ENDPOINT, run

AT = {"endpoint_url": ENDPOINT, "region_name": os.environ["AWS_REGION"]}
FAST = {"sleep_time_no_records": 0.05, "shard_fetch_rate": 20, "idle_timeout": 0.5, **AT}


async def produce(stream, messages, shards=1, **settings):
    async with Producer(stream, create_stream=True, create_stream_shards=shards,
                        buffer_time=0.05, **settings, **AT) as producer:
        for key, message in messages:
            await producer.put(message, partition_key=key)
        await producer.flush()


async def consume(count, consumer):
    """At least so many messages. An iteration ends when the consumer is idle, which is also
    when it has checkpointed what it gave."""
    found = []
    async with asyncio.timeout(60):
        while len(found) < count:
            found += [message async for message in consumer]
    return found


class Suite(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        # What unittest turns on makes a client of many small tasks slow, and says so.
        asyncio.get_running_loop().set_debug(False)

    async def test_what_is_produced_is_consumed_from_every_shard(self):
        messages = [(f"key-{n % 7}", {"key": n % 7, "n": n}) for n in range(1000)]
        await produce("many", messages, shards=4)
        async with Consumer("many", **FAST) as consumer:
            found = await consume(1000, consumer)
        for key in range(7):
            self.assertEqual([one["n"] for one in found if one["key"] == key],
                             list(range(key, 1000, 7)), "in order for each key")

    async def test_aggregations_come_apart_again(self):
        sent = [{"n": n} for n in range(100)]
        for processor in (JsonProcessor(), JsonLineProcessor(), JsonListProcessor()):
            stream = type(processor).__name__
            await produce(stream, [("k", message) for message in sent], processor=processor)
            async with Consumer(stream, processor=processor, **FAST) as consumer:
                found = await consume(1, consumer)
            if stream == "JsonListProcessor":  # its messages are lists
                found = sum(found, [])
            self.assertEqual(found, sent, stream)
        await produce("text", [("schlüssel", "äöü 🔑")], processor=StringProcessor())
        async with Consumer("text", processor=StringProcessor(), **FAST) as consumer:
            self.assertEqual(await consume(1, consumer), ["äöü 🔑"])

    async def test_a_consumer_goes_on_from_its_checkpoint(self):
        checkpoints = MemoryCheckPointer()
        await produce("checkpointed", [("k", n) for n in range(10)])
        async with Consumer("checkpointed", checkpointer=checkpoints, **FAST) as consumer:
            self.assertEqual(await consume(10, consumer), list(range(10)))
        await produce("checkpointed", [("k", n) for n in range(10, 20)])
        async with Consumer("checkpointed", checkpointer=checkpoints, **FAST) as consumer:
            self.assertEqual(await consume(10, consumer), list(range(10, 20)))

    async def test_a_consumer_notices_a_split(self):
        await produce("split", [(str(n), n) for n in range(10)])
        async with Consumer("split", **FAST) as consumer:
            before = await consume(10, consumer)
            async with get_session().create_client("kinesis", **AT) as kinesis:
                await kinesis.split_shard(StreamName="split", NewStartingHashKey=str(1 << 127),
                                          ShardToSplit="shardId-000000000000")
            await produce("split", [(str(n), n) for n in range(10, 30)])
            after = await consume(20, consumer)
        self.assertEqual(before, list(range(10)))
        self.assertEqual(sorted(after), list(range(10, 30)))


def exercised():
    return "producer, consumer of four shards, four processors, checkpoints, a split while consuming"


if __name__ == "__main__":
    run(f"async-kinesis {version('async-kinesis')}, aiobotocore {version('aiobotocore')}", exercised)
