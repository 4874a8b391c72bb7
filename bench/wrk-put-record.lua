-- The PutRecord that `kinesis-bench run put` sends, for wrk: 100 bytes of data.
wrk.method = "POST"
wrk.headers["content-type"] = "application/x-amz-json-1.1"
wrk.headers["x-amz-date"] = "20260101T000000Z"
wrk.headers["x-amz-target"] = "Kinesis_20131202.PutRecord"
wrk.headers["authorization"] = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, "
    .. "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=" .. string.rep("0", 64)
wrk.body = '{"StreamName":"test-stream","PartitionKey":"pk-0","Data":"' .. string.rep("QUJD", 33) .. 'QQ=="}'
