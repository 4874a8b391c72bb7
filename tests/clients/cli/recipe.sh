# Any credentials will do; without --endpoint-url, AWS_ENDPOINT_URL_KINESIS says where (v2: from 2.13 on).
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
kinesis() { aws --endpoint-url "$ENDPOINT" kinesis "$@"; }

kinesis create-stream --stream-name recipe --shard-count 1
kinesis wait stream-exists --stream-name recipe
sequence_number=$(kinesis put-record --stream-name recipe --partition-key 42 --data paid \
    --query SequenceNumber --output text)
iterator=$(kinesis get-shard-iterator --stream-name recipe --shard-id shardId-000000000000 \
    --shard-iterator-type AT_SEQUENCE_NUMBER --starting-sequence-number "$sequence_number" \
    --query ShardIterator --output text)
data=$(kinesis get-records --shard-iterator "$iterator" --query 'Records[0].Data' --output text)
test "$(echo "$data" | base64 -d)" = paid
kinesis delete-stream --stream-name recipe
