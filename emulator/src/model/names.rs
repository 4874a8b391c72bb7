//! Names and opaque texts that callers give, each with the model's constraint.
//!
//! The types that begin with `Given` keep the caller's spelling: their meaning
//! depends on the stream they are used on, and refusals quote them as given.

use std::sync::LazyLock;

use regex::Regex;

use super::constraint::{Pattern, texts};

texts! {
    /// A stream's name: 1 to 128 of `a-z A-Z 0-9 _ . -` (model: `StreamName`).
    StreamName { length 1..=128, pattern NAME }

    /// A shard id as the caller spelled it: 1 to 128 name characters
    /// (model: `ShardId`). AWS reads it leniently, see [`ShardIndex::resolve`].
    ///
    /// [`ShardIndex::resolve`]: super::shard_id::ShardIndex::resolve
    GivenShardId { length 1..=128, pattern NAME }

    /// An ARN in stream form (model: `StreamARN`). The pattern also matches
    /// consumer ARNs, so the exact form is read by `StreamAddress`.
    GivenStreamArn { length 1..=2048, pattern STREAM_ARN }

    /// The reserved stream identifier (model: `StreamId`): checked, then
    /// ignored, and never handed out, because current clients would build an
    /// AWS host name from it.
    GivenStreamId { length 1..=24, pattern STREAM_ID }

    /// A consumer's name, unique per stream (model: `ConsumerName`).
    ConsumerName { length 1..=128, pattern NAME }

    /// An ARN in consumer form (model: `ConsumerARN`).
    GivenConsumerArn { length 1..=2048, pattern CONSUMER_ARN }

    /// A queue's name, unique per account and Region (model: `QueueName`).
    QueueName { length 1..=128, pattern NAME }

    /// An ARN in queue form (model: `QueueARN`).
    GivenQueueArn { length 1..=2048, pattern QUEUE_ARN }

    /// A receipt handle as the caller sent it back (model: `ReceiptHandle`).
    GivenReceiptHandle { length 1..=1024 }

    /// What a record is called in queues: the same in all of a stream's queues
    /// and at every delivery (model: `RecordId`).
    RecordId { length 1..=64, pattern RECORD_ID }

    /// The ARN of anything that takes tags and policies (model: `ResourceARN`).
    GivenResourceArn { length 1..=2048, pattern RESOURCE_ARN }

    /// A KMS key: id, ARN or alias (model: `KeyId`). Stored and shown, never used.
    KeyId { length 1..=2048 }

    /// A resource policy (model: `Policy`, which declares no bounds).
    PolicyText { }

    /// The text that names a record's place in the hash key space: 1 to 256
    /// UTF-16 units (model: `PartitionKey`).
    PartitionKey { length 1..=256 }

    /// A page token as the caller sent it back (model: `NextToken`).
    GivenNextToken { length 1..=1048576 }

    /// A tag's key (model: `TagKey`).
    TagKey { length 1..=128 }

    /// A tag's value (model: `TagValue`).
    TagValue { length 0..=256 }
}

impl ConsumerName {
    /// Takes a name that was part of a well-formed consumer ARN.
    ///
    /// Returns `None` when it breaks the rules for consumer names.
    pub(crate) fn from_arn_resource(name: &str) -> Option<Self> {
        ((1..=128).contains(&name.len()) && (NAME.matches)(name)).then(|| Self(name.into()))
    }
}

impl QueueName {
    /// Takes a name that stood in a page token. `None` when it breaks the rules
    /// for queue names.
    pub(crate) fn from_token(name: &str) -> Option<Self> {
        ((1..=128).contains(&name.len()) && (NAME.matches)(name)).then(|| Self(name.into()))
    }
}

impl StreamName {
    /// Takes a name that was part of a well-formed stream ARN.
    ///
    /// Returns `None` when it breaks the rules for stream names.
    pub(crate) fn from_arn_resource(name: &str) -> Option<Self> {
        ((1..=128).contains(&name.len()) && (NAME.matches)(name)).then(|| Self(name.into()))
    }
}

/// What names are made of.
pub(super) static NAME: Pattern = Pattern {
    text: "[a-zA-Z0-9_.-]+",
    matches: |text| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    },
};

static STREAM_ID: Pattern = Pattern {
    text: "[a-z0-9]{20}-[a-z0-9]{3}",
    matches: |text| {
        let lower_alphanumeric = |part: &[u8]| {
            part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        match text.as_bytes().split_at_checked(20) {
            Some((head, [b'-', tail @ ..])) => {
                tail.len() == 3 && lower_alphanumeric(head) && lower_alphanumeric(tail)
            }
            _ => false,
        }
    },
};

static CONSUMER_ARN: Pattern = Pattern {
    text: r"^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+",
    matches: |text| {
        static WHOLE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(concat!(
                r"^arn:aws.*:kinesis:.*:[0-9]{12}:.*stream/[a-zA-Z0-9_.-]+",
                r"/consumer/[a-zA-Z0-9_.-]+:[0-9]+$"
            ))
            .expect("the pattern is a constant")
        });
        WHOLE.is_match(text)
    },
};

static QUEUE_ARN: Pattern = Pattern {
    text: r"arn:aws.*:kinesis:.*:\d{12}:queue/\S+",
    matches: |text| {
        static WHOLE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^arn:aws.*:kinesis:.*:[0-9]{12}:queue/[^ \t\n\x0B\f\r]+$")
                .expect("the pattern is a constant")
        });
        WHOLE.is_match(text)
    },
};

static RECORD_ID: Pattern = Pattern {
    text: "^[a-z0-9]+$",
    matches: |text| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    },
};

static RESOURCE_ARN: Pattern = Pattern {
    text: r"arn:aws.*:kinesis:.*:\d{12}:.*(stream|channel|queue)/\S+",
    matches: |text| {
        static WHOLE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(
                r"^arn:aws.*:kinesis:.*:[0-9]{12}:.*(stream|channel|queue)/[^ \t\n\x0B\f\r]+$",
            )
            .expect("the pattern is a constant")
        });
        WHOLE.is_match(text)
    },
};

static STREAM_ARN: Pattern = Pattern {
    text: r"arn:aws.*:kinesis:.*:\d{12}:stream/\S+",
    matches: |text| {
        // Java's \d and \S are ASCII only, unlike this crate's.
        static WHOLE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^arn:aws.*:kinesis:.*:[0-9]{12}:stream/[^ \t\n\x0B\f\r]+$")
                .expect("the pattern is a constant")
        });
        WHOLE.is_match(text)
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_the_whole_text() {
        for (pattern, text, expected) in [
            (&NAME, "orders-2.eu_west", true),
            (&NAME, "", false),
            (&NAME, "two words", false),
            (&NAME, "señal", false),
            (&STREAM_ID, "abcdefghij0123456789-a1b", true),
            (&STREAM_ID, "abcdefghij0123456789-a1", false),
            (&STREAM_ID, "Abcdefghij0123456789-a1b", false),
            (&STREAM_ARN, "arn:aws:kinesis:us-east-1:000000000000:stream/orders", true),
            (&STREAM_ARN, "arn:aws-cn:kinesis:cn-north-1:000000000000:stream/a/consumer/b:1", true),
            (&STREAM_ARN, "arn:aws:kinesis:us-east-1:00000:stream/orders", false),
            (&STREAM_ARN, "arn:aws:kinesis:us-east-1:000000000000:stream/", false),
            (&STREAM_ARN, "arn:aws:sqs:us-east-1:000000000000:stream/orders", false),
            (&STREAM_ARN, "arn:aws:kinesis:us-east-1:000000000000:stream/a b", false),
        ] {
            assert_eq!((pattern.matches)(text), expected, "{} on {text:?}", pattern.text);
        }
    }
}
