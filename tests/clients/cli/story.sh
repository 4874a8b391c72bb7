# Sourced by a suite's `run`: what both versions of the AWS CLI have to do. Needs $aws, the command
# and what it always takes, as an array.
called="$(mktemp)"
trap 'rm -f "$called"' EXIT
failed() {
    echo "FAILED: $1" >&2
    exit 1
}
is() { # what, found, expected
    [ "$2" = "$3" ] || failed "$1 is \"$2\" and not \"$3\""
}
kinesis() {
    echo "$1 ${2-}" >>"$called"
    "${aws[@]}" --endpoint-url "$ENDPOINT" kinesis "$@" || failed "aws kinesis $*"
}
text() { kinesis "$@" --output text; }
refused() { # expected error, command
    local expected=$1 said
    shift
    ! said="$("${aws[@]}" --endpoint-url "$ENDPOINT" kinesis "$@" 2>&1)" || failed "aws kinesis $* is not refused"
    case $said in *"($expected)"*) ;; *) failed "aws kinesis $*: $said" ;; esac
}

# The recipe of docs/clients.md, by the version under test.
(
    aws() { command "${aws[@]}" "$@"; }
    . "$here/../recipe.sh"
)

# A record is put, and found by its sequence number.
kinesis create-stream --stream-name orders --shard-count 3
kinesis wait stream-exists --stream-name orders
is status "$(text describe-stream --stream-name orders --query StreamDescription.StreamStatus)" ACTIVE
placed=($(text put-record --stream-name orders --partition-key 42 --data paid --query '[ShardId, SequenceNumber]'))
text put-record --stream-name orders --partition-key 42 --data shipped >/dev/null
at() {
    text get-shard-iterator --stream-name orders --shard-id "${placed[0]}" \
        --shard-iterator-type "$1" --starting-sequence-number "${placed[1]}" --query ShardIterator
}
found=($(text get-records --shard-iterator "$(at AT_SEQUENCE_NUMBER)" --limit 1 --query 'Records[].[SequenceNumber, PartitionKey, Data]'))
is "the record at its sequence number" "${found[*]}" "${placed[1]} 42 $(printf paid | base64)"
is "the record after it" "$(text get-records --shard-iterator "$(at AFTER_SEQUENCE_NUMBER)" --query 'Records[].Data')" "$(printf shipped | base64)"
is "what a batch failed" "$(text put-records --stream-name orders --records Data=x,PartitionKey=a Data=y,PartitionKey=b --query FailedRecordCount)" 0

# Pages.
for name in page-1 page-2 page-3 page-4; do
    kinesis create-stream --stream-name "$name" --shard-count 1
    kinesis wait stream-exists --stream-name "$name"
done
is "the streams, two at a time" "$(text list-streams --page-size 2 --query 'StreamNames' | xargs)" "orders page-1 page-2 page-3 page-4"
first="$(kinesis list-streams --max-items 3 --output json)"
token="$(python3 -c 'import json, sys; print(json.load(sys.stdin)["NextToken"])' <<<"$first")"
is "the streams after three" "$(text list-streams --starting-token "$token" --query 'StreamNames' | xargs)" "page-3 page-4"
is "shards, one at a time" "$(text describe-stream --stream-name orders --page-size 1 --query 'StreamDescription.Shards[].ShardId' | xargs | wc -w | xargs)" 3
is "shards listed" "$(text list-shards --stream-name orders --query 'length(Shards)')" 3
for name in page-1 page-2 page-3 page-4; do kinesis delete-stream --stream-name "$name"; done
kinesis wait stream-not-exists --stream-name page-4

# Resharding.
summary() { text describe-stream-summary --stream-name orders --query "StreamDescriptionSummary.$1"; }
kinesis split-shard --stream-name orders --shard-to-split shardId-000000000000 --new-starting-hash-key 1000
kinesis wait stream-exists --stream-name orders
is "open shards after a split" "$(summary OpenShardCount)" 4
kinesis merge-shards --stream-name orders --shard-to-merge shardId-000000000003 --adjacent-shard-to-merge shardId-000000000004
kinesis wait stream-exists --stream-name orders
is "open shards after a merge" "$(summary OpenShardCount)" 3
is "shards promised" "$(text update-shard-count --stream-name orders --target-shard-count 6 --scaling-type UNIFORM_SCALING --query TargetShardCount)" 6
kinesis wait stream-exists --stream-name orders
is "open shards after a rescaling" "$(summary OpenShardCount)" 6

# Tags, settings, consumers.
kinesis add-tags-to-stream --stream-name orders --tags team=a,stage=test
kinesis remove-tags-from-stream --stream-name orders --tag-keys stage
is tags "$(text list-tags-for-stream --stream-name orders --query 'Tags[].[Key, Value]' | xargs)" "team a"
kinesis increase-stream-retention-period --stream-name orders --retention-period-hours 48
kinesis decrease-stream-retention-period --stream-name orders --retention-period-hours 36
is retention "$(summary RetentionPeriodHours)" 36
text enable-enhanced-monitoring --stream-name orders --shard-level-metrics ALL >/dev/null
text disable-enhanced-monitoring --stream-name orders --shard-level-metrics ALL >/dev/null
kinesis start-stream-encryption --stream-name orders --encryption-type KMS --key-id alias/aws/kinesis
is encryption "$(summary EncryptionType)" KMS
kinesis stop-stream-encryption --stream-name orders --encryption-type KMS --key-id alias/aws/kinesis
arn="$(summary StreamARN)"
consumer="$(text register-stream-consumer --stream-arn "$arn" --consumer-name reader --query Consumer.ConsumerARN)"
is "the consumer" "$(text describe-stream-consumer --consumer-arn "$consumer" --query ConsumerDescription.ConsumerStatus)" ACTIVE
is "consumers" "$(text list-stream-consumers --stream-arn "$arn" --query 'Consumers[].ConsumerName')" reader
kinesis deregister-stream-consumer --consumer-arn "$consumer"
kinesis update-stream-mode --stream-arn "$arn" --stream-mode-details StreamMode=ON_DEMAND
is mode "$(summary StreamModeDetails.StreamMode)" ON_DEMAND
is "the account's shards" "$(text describe-limits --query OpenShardCount)" 6

# Refusals end with a code and say which error it was.
refused ResourceNotFoundException describe-stream --stream-name missing
refused ResourceInUseException create-stream --stream-name orders --shard-count 1
refused InvalidArgumentException get-records --shard-iterator AAAA

kinesis delete-stream --stream-name orders --enforce-consumer-deletion
kinesis wait stream-not-exists --stream-name orders
if [ -n "$TLS_ENDPOINT" ]; then
    is "streams by TLS" "$("${aws[@]}" --endpoint-url "$TLS_ENDPOINT" --ca-bundle "$CA_FILE" kinesis list-streams --output text --query 'length(StreamNames)')" 0
fi

echo "client: $("${aws[0]}" --version 2>&1 | cut -d ' ' -f 1 | tr / ' ')"
echo "exercised: $(grep -v '^wait' "$called" | cut -d ' ' -f 1 | sort -u | wc -l) commands, both waiters, AT_SEQUENCE_NUMBER, pages, resharding, tags, errors${TLS_ENDPOINT:+, TLS}"
