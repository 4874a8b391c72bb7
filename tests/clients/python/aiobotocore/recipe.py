import asyncio
import os

from aiobotocore.session import get_session


async def main():
    # Without endpoint_url, the variable AWS_ENDPOINT_URL_KINESIS says where.
    async with get_session().create_client(
            "kinesis", endpoint_url=os.environ["ENDPOINT"], region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test") as kinesis:
        await kinesis.create_stream(StreamName="recipe", ShardCount=1)
        await kinesis.get_waiter("stream_exists").wait(StreamName="recipe")
        put = await kinesis.put_record(StreamName="recipe", PartitionKey="42", Data=b"paid")
        iterator = await kinesis.get_shard_iterator(
            StreamName="recipe", ShardId=put["ShardId"], ShardIteratorType="TRIM_HORIZON")
        read = await kinesis.get_records(ShardIterator=iterator["ShardIterator"])
        assert read["Records"][0]["Data"] == b"paid"
        await kinesis.delete_stream(StreamName="recipe")

asyncio.run(main())
