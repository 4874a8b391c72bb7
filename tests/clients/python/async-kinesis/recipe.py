import asyncio
import os

from kinesis import Consumer, Producer

# It takes credentials from the environment: AWS_ACCESS_KEY_ID=test, AWS_SECRET_ACCESS_KEY=test.
at = {"endpoint_url": os.environ["ENDPOINT"], "region_name": "us-east-1"}


async def main():
    async with Producer("recipe", create_stream=True, create_stream_shards=1, **at) as producer:
        await producer.put({"order": 42})
        await producer.flush()
    async with Consumer("recipe", **at) as consumer:
        async for message in consumer:
            assert message == {"order": 42}
            break

asyncio.run(main())
