//! Channels: names, formats and destinations, each with the model's constraint.

use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

use super::constraint::{Pattern, enumerations, integers, texts};
use super::error::ApiError;
use super::names::NAME;

texts! {
    /// A channel's name, unique per account and Region (model: `ChannelName`).
    ChannelName { length 1..=128, pattern NAME }

    /// What the service calls a channel (model: `ChannelId`).
    ChannelId { length 1..=64 }

    /// An ARN in channel form (model: `ChannelARN`). The exact form is read by
    /// `ChannelAddress`.
    GivenChannelArn { length 1..=2048, pattern CHANNEL_ARN }

    /// The role that the service takes on to deliver (model: `RoleARN`). Stored
    /// and shown, never used.
    RoleArn { length 1..=512, pattern ROLE_ARN }

    /// An S3 bucket (model: `BucketARN`).
    BucketArn { length 1..=2048, pattern BUCKET_ARN }

    /// The account that a bucket has to belong to (model: `ExpectedBucketOwner`).
    BucketOwner { length 12..=12, pattern BUCKET_OWNER }

    /// How the keys of delivered objects are made (model: `S3OutputKeyTemplate`).
    OutputKeyTemplate { length 1..=1024, pattern KEY_TEMPLATE }

    /// What the keys of records begin with that could not be delivered
    /// (model: `S3ErrorOutputPrefix`).
    ErrorOutputPrefix { length 1..=512, pattern ERROR_PREFIX }

    /// An S3 table bucket (model: `TableBucketARN`).
    TableBucketArn { length 1..=2048, pattern TABLE_BUCKET_ARN }

    /// The namespace of a table (model: `S3TablesNamespace`).
    TableNamespace { length 1..=255, pattern TABLE_PART }

    /// A table's name (model: `S3TablesTableName`).
    TableName { length 1..=255, pattern TABLE_PART }

    /// The column that a table is partitioned by (model: `PartitionSourceName`).
    PartitionSourceName { length 1..=255, pattern PARTITION_SOURCE }

    /// A schema of the Glue Schema Registry (model: `GSRSchemaARN`). Stored and
    /// shown, never read.
    SchemaArn { length 1..=512, pattern SCHEMA_ARN }

    /// A log group (model: `CloudWatchLogGroupName`). Stored and shown.
    LogGroupName { length 1..=512, pattern LOG_GROUP }

    /// A log stream (model: `CloudWatchLogStreamName`). Stored and shown.
    LogStreamName { length 1..=512, pattern LOG_STREAM }
}

integers! {
    /// ListChannels' page size (model: `ListChannelsInputLimit`).
    ListChannelsLimit { at_least 1, at_most 10000 }
    /// How old data may become before it is delivered, in seconds
    /// (model: `DataFreshnessInSeconds`, which declares no bounds).
    DataFreshnessInSeconds { }
}

enumerations! {
    /// Where a channel stands in its life.
    ChannelStatus {
        /// Being made: nothing is delivered yet.
        Creating = "CREATING",
        /// Delivers.
        Active = "ACTIVE",
        /// Being changed: it delivers.
        Updating = "UPDATING",
        /// Being removed.
        Deleting = "DELETING",
        /// Delivers no more, for the reason that is shown.
        Failed = "FAILED",
    }
    /// What kind of destination a channel has.
    ChannelDestinationType {
        /// Objects in a bucket.
        S3 = "S3",
        /// A table.
        S3Tables = "S3_TABLES",
    }
    /// How delivered data is encrypted.
    ChannelEncryptionType {
        /// With a KMS key.
        Kms = "KMS",
    }
    /// What records of the source stream are.
    RecordFormatType {
        /// JSON with the identifier of a registered schema.
        GsrJson = "GSR_JSON",
        /// JSON.
        Json = "JSON",
        /// Text.
        String = "STRING",
        /// Bytes.
        ByteArray = "BYTE_ARRAY",
    }
    /// The storage class of delivered objects.
    S3StorageClass {
        /// For data that is read often.
        Standard = "STANDARD",
        /// Moved as it is used.
        IntelligentTiering = "INTELLIGENT_TIERING",
        /// For data that is read rarely and at once.
        GlacierInstantRetrieval = "GLACIER_IR",
    }
    /// How delivered objects are compressed.
    S3CompressionType {
        /// They are not.
        None = "NONE",
        /// As by gzip.
        Gzip = "GZIP",
        /// As by zstd.
        Zstd = "ZSTD",
    }
    /// How a table's files are compressed.
    S3TablesCompressionType {
        /// They are not.
        None = "NONE",
        /// As by zstd.
        Zstd = "ZSTD",
        /// As by Snappy.
        Snappy = "SNAPPY",
    }
    /// What a partition is made of.
    PartitionTransform {
        /// The hour of a time.
        TimeHour = "TIME_HOUR",
    }
}

/// The key template of channels that were given none (guide).
const DEFAULT_KEY_TEMPLATE: &str = "kinesis-channel/!{channel-name}/!{channel-id}/!{yyyy}/!{MM}/!{dd}/!{HH}/!{channel-name}-!{channel-id}-!{yyyy}-!{MM}-!{dd}-!{HH}-!{mm}!{extension}";

impl DataFreshnessInSeconds {
    /// What channels have that were given none (model text).
    pub(crate) const DEFAULT: Duration = Duration::from_secs(300);
    /// What can be asked for (guide).
    pub(crate) const RANGE: RangeInclusive<Duration> = Self::DEFAULT..=Duration::from_secs(900);

    /// The time that was asked for.
    ///
    /// # Errors
    /// Unless it is 300 to 900 seconds (guide).
    pub(crate) fn checked(self) -> Result<Duration, ApiError> {
        u64::try_from(self.0)
            .ok()
            .map(Duration::from_secs)
            .filter(|freshness| Self::RANGE.contains(freshness))
            .ok_or_else(|| ApiError::data_freshness_out_of_range(self.0))
    }
}

impl ChannelId {
    /// An identifier that is a legal label of a host name, as the SDK's
    /// endpoint rules demand.
    pub(crate) fn new(drawn: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(drawn)).into())
    }

    /// Takes an identifier that was part of a channel's ARN.
    ///
    /// Returns `None` when it is not one that this service could have made.
    pub(crate) fn from_arn_resource(id: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        ((1..=63).contains(&id.len()) && id.bytes().all(legal)).then(|| Self(id.into()))
    }
}

impl ChannelName {
    /// Takes a name that a page token carries.
    ///
    /// Returns `None` when it breaks the rules for channel names.
    pub(crate) fn from_token(name: &str) -> Option<Self> {
        ((1..=128).contains(&name.len()) && (NAME.matches)(name)).then(|| Self(name.into()))
    }
}

impl OutputKeyTemplate {
    /// What channels have that were given none (guide).
    pub(crate) fn standard() -> Self {
        Self(DEFAULT_KEY_TEMPLATE.into())
    }

    /// Refuses a variable that begins and does not end, or has no name.
    ///
    /// # Errors
    /// If there is one.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let mut variables = self.0.split("!{").skip(1);
        let closed = |rest: &str| {
            rest.split_once('}').is_some_and(|(name, _)| !name.is_empty() && !name.contains('{'))
        };
        if variables.all(closed) { Ok(()) } else { Err(ApiError::key_template_malformed(&self.0)) }
    }
}

impl ErrorOutputPrefix {
    /// What channels have that were given no place for what fails (inferred:
    /// the model text says only that it is an error prefix).
    pub(crate) fn standard(name: &ChannelName, id: &ChannelId) -> Self {
        Self(format!("kinesis-channel-errors/{name}/{id}/").into())
    }
}

impl LogGroupName {
    /// What channels have that were given none (model text).
    pub(crate) fn standard(name: &ChannelName, id: &ChannelId) -> Self {
        Self(format!("/aws/kinesis/{name}/{id}").into())
    }
}

impl LogStreamName {
    /// What channels have that were given none (model text).
    pub(crate) fn standard() -> Self {
        Self("DestinationDelivery".into())
    }
}

/// Whether a text is made of ASCII letters, digits and some signs, and is not
/// empty.
fn alphanumeric_or(signs: &[u8], text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || signs.contains(&byte))
}

/// A pattern that is decided by a regular expression of its own: Java's `\d` is
/// ASCII only, unlike this crate's, and the whole text has to match.
macro_rules! patterns {
    ($($name:ident = $text:literal as $regex:literal;)*) => {$(
        static $name: Pattern = Pattern {
            text: $text,
            matches: |text| {
                static WHOLE: LazyLock<Regex> =
                    LazyLock::new(|| Regex::new($regex).expect("the pattern is a constant"));
                WHOLE.is_match(text)
            },
        };
    )*};
}

patterns! {
    CHANNEL_ARN = r"arn:aws.*:kinesis:.*:\d{12}:channel/\S+"
        as r"^arn:aws.*:kinesis:.*:[0-9]{12}:channel/[^ \t\n\x0B\f\r]+$";
    ROLE_ARN = r"arn:aws[-a-z0-9]*:iam::\d{12}:role/[a-zA-Z_0-9+=,.@\-_/]+"
        as r"^arn:aws[-a-z0-9]*:iam::[0-9]{12}:role/[a-zA-Z_0-9+=,.@\-/]+$";
    BUCKET_ARN = r"arn:aws[-a-z0-9]*:s3:::[a-z0-9._-]{3,63}"
        as r"^arn:aws[-a-z0-9]*:s3:::[a-z0-9._-]{3,63}$";
    TABLE_BUCKET_ARN = r"arn:aws[-a-z0-9]*:s3tables:[-a-z0-9]+:\d{12}:bucket/[a-z0-9_-]{3,63}"
        as r"^arn:aws[-a-z0-9]*:s3tables:[-a-z0-9]+:[0-9]{12}:bucket/[a-z0-9_-]{3,63}$";
    SCHEMA_ARN = r"arn:aws[-a-z0-9]*:glue:[-a-z0-9]+:\d{12}:schema/[-a-zA-Z0-9_$#.]+/[-a-zA-Z0-9_$#.]+"
        as r"^arn:aws[-a-z0-9]*:glue:[-a-z0-9]+:[0-9]{12}:schema/[-a-zA-Z0-9_$#.]+/[-a-zA-Z0-9_$#.]+$";
}

static BUCKET_OWNER: Pattern = Pattern {
    text: r"\d{12}",
    matches: |text| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()),
};

static KEY_TEMPLATE: Pattern = Pattern {
    text: r"[0-9A-Za-z!\-_'.*()\/=:{}]+",
    matches: |text| alphanumeric_or(b"!-_'.*()/=:{}", text),
};

static ERROR_PREFIX: Pattern = Pattern {
    text: r"[0-9A-Za-z!\-_'.*()\/]+",
    matches: |text| alphanumeric_or(b"!-_'.*()/", text),
};

static TABLE_PART: Pattern = Pattern {
    text: "[0-9a-z_]+",
    matches: |text| {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        !text.is_empty() && text.bytes().all(legal)
    },
};

static PARTITION_SOURCE: Pattern =
    Pattern { text: r"[a-zA-Z0-9\.\_]+", matches: |text| alphanumeric_or(b"._", text) };

static LOG_GROUP: Pattern =
    Pattern { text: r"[\.\-_/#A-Za-z0-9]+", matches: |text| alphanumeric_or(b".-_/#", text) };

static LOG_STREAM: Pattern = Pattern { text: "[^:*]*", matches: |text| !text.contains([':', '*']) };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::constraint::Constrained;

    #[test]
    fn patterns_match_the_whole_text() {
        for (pattern, text, expected) in [
            (&CHANNEL_ARN, "arn:aws:kinesis:us-east-1:000000000000:channel/abc", true),
            (&CHANNEL_ARN, "arn:aws:kinesis:us-east-1:000000000000:stream/channel/abc", false),
            (&CHANNEL_ARN, "arn:aws:kinesis:us-east-1:000000000000:channel/", false),
            (&ROLE_ARN, "arn:aws:iam::000000000000:role/service/deliver@home", true),
            (&ROLE_ARN, "arn:aws:iam::00000000000:role/deliver", false),
            (&BUCKET_ARN, "arn:aws:s3:::my.bucket-1", true),
            (&BUCKET_ARN, "arn:aws:s3:::My", false),
            (&TABLE_BUCKET_ARN, "arn:aws:s3tables:us-east-1:000000000000:bucket/b-1", true),
            (&TABLE_BUCKET_ARN, "arn:aws:s3tables:us-east-1:000000000000:table/b-1", false),
            (&SCHEMA_ARN, "arn:aws:glue:us-east-1:000000000000:schema/registry/s$#.", true),
            (&SCHEMA_ARN, "arn:aws:glue:us-east-1:000000000000:schema/registry", false),
            (&BUCKET_OWNER, "123456789012", true),
            (&BUCKET_OWNER, "12345678901x", false),
            (&KEY_TEMPLATE, DEFAULT_KEY_TEMPLATE, true),
            (&KEY_TEMPLATE, "a b", false),
            (&ERROR_PREFIX, "errors/!", true),
            (&ERROR_PREFIX, "errors=1", false),
            (&TABLE_PART, "orders_2", true),
            (&TABLE_PART, "Orders", false),
            (&PARTITION_SOURCE, "event.time_1", true),
            (&PARTITION_SOURCE, "event-time", false),
            (&LOG_GROUP, "/aws/kinesis/#1", true),
            (&LOG_GROUP, "a:b", false),
            (&LOG_STREAM, "any thing\n", true),
            (&LOG_STREAM, "a*", false),
        ] {
            assert_eq!((pattern.matches)(text), expected, "{} on {text:?}", pattern.text);
        }
    }

    #[test]
    fn identifiers_are_labels_of_host_names() {
        let id = ChannelId::new([0xfe; 16]);
        assert_eq!(ChannelId::from_arn_resource(id.as_str()), Some(id));
        for wrong in ["", "A", "a.b", "a_b", &"a".repeat(64)] {
            assert_eq!(ChannelId::from_arn_resource(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn data_is_300_to_900_seconds_old() {
        let checked = |seconds| DataFreshnessInSeconds::from_checked(seconds).checked();
        assert_eq!(checked(300), Ok(Duration::from_secs(300)));
        assert_eq!(checked(900), Ok(Duration::from_secs(900)));
        for wrong in [299, 901, 0, -1, i32::MIN] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn variables_of_a_template_end_and_have_names() {
        let check = |text: &str| OutputKeyTemplate::from_checked(text.into()).check();
        for legal in [DEFAULT_KEY_TEMPLATE, "plain", "a!b{c}", "!{any-name}/x}"] {
            assert_eq!(check(legal), Ok(()), "{legal}");
        }
        for wrong in ["!{", "a/!{yyyy", "!{}", "!{!{yyyy}}"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
