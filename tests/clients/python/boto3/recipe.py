import os

import boto3

# Without endpoint_url, the variable AWS_ENDPOINT_URL_KINESIS says where.
kinesis = boto3.client("kinesis", endpoint_url=os.environ["ENDPOINT"], region_name="us-east-1",
                       aws_access_key_id="test", aws_secret_access_key="test")

kinesis.create_stream(StreamName="recipe", ShardCount=1)
kinesis.get_waiter("stream_exists").wait(StreamName="recipe")
put = kinesis.put_record(StreamName="recipe", PartitionKey="42", Data=b"paid")
iterator = kinesis.get_shard_iterator(StreamName="recipe", ShardId=put["ShardId"],
                                      ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
assert kinesis.get_records(ShardIterator=iterator)["Records"][0]["Data"] == b"paid"
kinesis.delete_stream(StreamName="recipe")
