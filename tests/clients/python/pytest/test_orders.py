import pytest


def publish(kinesis, order):
    """The code under test."""
    return kinesis.put_record(StreamName="orders", PartitionKey=order, Data=b"paid")["ShardId"]


def read(kinesis, shard):
    iterator = kinesis.get_shard_iterator(
        StreamName="orders", ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    return [record["Data"] for record in kinesis.get_records(ShardIterator=iterator)["Records"]]


@pytest.fixture(autouse=True)
def orders(kinesis):
    kinesis.create_stream(StreamName="orders", ShardCount=4)


def test_an_order_is_published(kinesis):
    assert read(kinesis, publish(kinesis, "42")) == [b"paid"]


def test_other_tests_are_not_seen(kinesis):
    assert kinesis.list_streams()["StreamNames"] == ["orders"]
    assert not any(read(kinesis, f"shardId-{n:012}") for n in range(4))


def test_an_order_is_kept_for_a_day(kinesis, advance):
    shard = publish(kinesis, "42")
    advance("23h")
    assert read(kinesis, shard) == [b"paid"]
    advance("2h")
    assert read(kinesis, shard) == []
