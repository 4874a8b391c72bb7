//! Who is called, where: regions, accounts and ARNs.

use std::fmt;
use std::str::FromStr;

use super::channel::ChannelId;
use super::names::{ConsumerName, GivenQueueArn, GivenStreamArn, StreamName};
use super::short_text::ShortText;

/// An AWS account: twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(ShortText<12>);

impl AccountId {
    /// The account of callers whose access key does not name one.
    pub const DEFAULT: &str = "000000000000";

    /// Reads an id. `None` if it is not one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let twelve_digits = bytes.len() == 12 && bytes.iter().all(u8::is_ascii_digit);
        twelve_digits.then(|| ShortText::new(bytes)).flatten().map(Self)
    }
}

impl FromStr for AccountId {
    type Err = InvalidIdentity;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(text.as_bytes())
            .ok_or(InvalidIdentity("an account id is twelve digits, such as 123456789012"))
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// An AWS Region, such as `eu-central-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(ShortText<{ Self::BYTES_MAX }>);

impl Region {
    /// The Region of callers who do not name one.
    pub const DEFAULT: &str = "us-east-1";

    const BYTES_MAX: usize = 32;

    /// Reads a name. `None` if no Region can have it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let legal = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_name = !bytes.is_empty() && bytes.iter().all(legal);
        is_name.then(|| ShortText::new(bytes)).flatten().map(Self)
    }

    /// Whether AWS's quotas are higher here than in most Regions (guide).
    pub(crate) fn is_large(&self) -> bool {
        matches!(self.0.as_str(), "us-east-1" | "us-west-2" | "eu-west-1")
    }

    /// The ARN partition the Region belongs to.
    fn partition(&self) -> &'static str {
        let name = self.0.as_str();
        match name.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if name.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

impl FromStr for Region {
    type Err = InvalidIdentity;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(text.as_bytes()).ok_or(InvalidIdentity(
            "a Region is lower-case letters, digits and hyphens, such as us-east-1",
        ))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// An account id or Region that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidIdentity(&'static str);

impl fmt::Display for InvalidIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidIdentity {}

/// One account in one Region: streams of different realms never meet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RealmId {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
}

/// A stream's full name, which displays as its ARN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StreamAddress {
    /// Where the stream lives.
    pub realm: RealmId,
    /// What it is called there.
    pub name: StreamName,
}

impl StreamAddress {
    /// Reads an ARN that passed the model's pattern. `None` if it is not
    /// exactly a stream's: the pattern also matches consumers' ARNs.
    pub(crate) fn parse(arn: &GivenStreamArn) -> Option<Self> {
        Self::parse_text(arn.as_str())
    }

    fn parse_text(arn: &str) -> Option<Self> {
        let (realm, resource) = parse_realm(arn)?;
        let name = StreamName::from_arn_resource(resource.strip_prefix("stream/")?)?;
        Some(Self { realm, name })
    }
}

/// The account and Region in an ARN of the service, and what follows them.
fn parse_realm(arn: &str) -> Option<(RealmId, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (Some("arn"), Some(_partition), Some("kinesis")) =
        (parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let region = parts.next()?.parse().ok()?;
    let account = parts.next()?.parse().ok()?;
    Some((RealmId { account, region }, parts.next()?))
}

impl fmt::Display for StreamAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RealmId { account, region } = &self.realm;
        write!(f, "arn:{}:kinesis:{region}:{account}:stream/{}", region.partition(), self.name)
    }
}

/// A channel's full name, which displays as its ARN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ChannelAddress {
    /// Where the channel and its stream live.
    pub(crate) realm: RealmId,
    /// What the service calls it.
    pub(crate) id: ChannelId,
}

impl ChannelAddress {
    /// Reads an ARN. `None` if it is not exactly a channel's.
    pub(crate) fn parse(arn: &str) -> Option<Self> {
        let (realm, resource) = parse_arn(arn)?;
        let id = ChannelId::from_arn_resource(resource.strip_prefix("channel/")?)?;
        Some(Self { realm, id })
    }
}

impl fmt::Display for ChannelAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RealmId { account, region } = &self.realm;
        write!(f, "arn:{}:kinesis:{region}:{account}:channel/{}", region.partition(), self.id)
    }
}

/// A registration's full name, which displays as its ARN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ConsumerAddress {
    /// The stream read.
    pub(crate) stream: StreamAddress,
    /// What the consumer is called there.
    pub(crate) name: ConsumerName,
    /// When it was registered: a name registered anew has another ARN.
    pub(crate) created_seconds: u64,
}

impl ConsumerAddress {
    /// Reads an ARN. `None` if it is not exactly a consumer's.
    pub(crate) fn parse(arn: &str) -> Option<Self> {
        let (stream, consumer) = arn.split_once("/consumer/")?;
        let (name, created_seconds) = consumer.split_once(':')?;
        Some(Self {
            stream: StreamAddress::parse_text(stream)?,
            name: ConsumerName::from_arn_resource(name)?,
            created_seconds: created_seconds.parse().ok()?,
        })
    }
}

impl fmt::Display for ConsumerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/consumer/{}:{}", self.stream, self.name, self.created_seconds)
    }
}

/// What a queue is called in its ARN: made by the service, never given again,
/// and a DNS label, because clients build host names from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct QueueId(Box<str>);

impl QueueId {
    /// How many letters and digits an id has.
    const LENGTH: usize = 24;

    /// The id that 128 random bits make.
    pub(crate) fn from_bits(bits: [u8; 16]) -> Self {
        let mut rest = u128::from_be_bytes(bits);
        let digits = (0..Self::LENGTH).map(|_| {
            let digit = (rest % 36) as u32;
            rest /= 36;
            char::from_digit(digit, 36).expect("a digit is less than its base")
        });
        Self(digits.collect::<String>().into())
    }

    /// The id itself.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for QueueId {
    type Err = &'static str;

    /// Reads what could be an id.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if (1..=63).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err("a queue's id is 1 to 63 lower-case letters and digits")
        }
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A queue's full name, which displays as its ARN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct QueueAddress {
    /// Where the queue and its stream live.
    pub(crate) realm: RealmId,
    pub(crate) id: QueueId,
}

impl QueueAddress {
    /// Reads an ARN that passed the model's pattern. `None` if it is not
    /// exactly a queue's: the pattern takes more.
    pub(crate) fn parse(arn: &GivenQueueArn) -> Option<Self> {
        Self::parse_text(arn.as_str())
    }

    fn parse_text(arn: &str) -> Option<Self> {
        let (realm, resource) = parse_realm(arn)?;
        Some(Self { realm, id: resource.strip_prefix("queue/")?.parse().ok()? })
    }
}

impl fmt::Display for QueueAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RealmId { account, region } = &self.realm;
        write!(f, "arn:{}:kinesis:{region}:{account}:queue/{}", region.partition(), self.id)
    }
}

/// What takes tags and policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ResourceAddress {
    Channel(ChannelAddress),
    Consumer(ConsumerAddress),
    Queue(QueueAddress),
    Stream(StreamAddress),
}

impl ResourceAddress {
    /// Reads an ARN. `None` if it is not exactly that of any resource.
    pub(crate) fn parse(arn: &str) -> Option<Self> {
        let channel = || ChannelAddress::parse(arn).map(Self::Channel);
        let consumer = || ConsumerAddress::parse(arn).map(Self::Consumer);
        let queue = || QueueAddress::parse_text(arn).map(Self::Queue);
        let stream = || StreamAddress::parse_text(arn).map(Self::Stream);
        channel().or_else(consumer).or_else(queue).or_else(stream)
    }
}

/// The realm and the resource that an ARN of this service names.
fn parse_arn(arn: &str) -> Option<(RealmId, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (Some("arn"), Some(_partition), Some("kinesis")) =
        (parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let region = parts.next()?.parse().ok()?;
    let account = parts.next()?.parse().ok()?;
    Some((RealmId { account, region }, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::constraint::Constrained;

    fn parse(arn: &str) -> Option<StreamAddress> {
        StreamAddress::parse(&GivenStreamArn::from_checked(arn.into()))
    }

    #[test]
    fn stream_arns_round_trip() {
        for arn in [
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
            "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/a.b_c-d",
            "arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/s",
        ] {
            assert_eq!(parse(arn).expect(arn).to_string(), arn);
        }
    }

    #[test]
    fn a_queues_id_is_a_label_and_its_arn_round_trips() {
        let id = QueueId::from_bits([0xff; 16]);
        assert_eq!((id.as_str().len(), id.as_str().parse()), (24, Ok(id.clone())));
        assert_ne!(id, QueueId::from_bits([0; 16]));
        let arn = format!("arn:aws:kinesis:eu-west-1:123456789012:queue/{id}");
        let read = ResourceAddress::parse(&arn).expect("a queue's ARN");
        assert!(matches!(&read, ResourceAddress::Queue(queue) if queue.to_string() == arn));
        for id in ["", "A", "a-b", "a/b", &"a".repeat(64)] {
            let arn = format!("arn:aws:kinesis:eu-west-1:123456789012:queue/{id}");
            assert_eq!(ResourceAddress::parse(&arn), None, "{arn}");
        }
    }

    #[test]
    fn only_the_exact_form_of_a_stream_is_read() {
        for arn in [
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/c:1",
            "arn:aws:kinesis:us-east-1:000000000000:stream/a b",
            "arn:aws:kinesis:us east:000000000000:stream/a",
            "arn:aws:x:kinesis:us-east-1:000000000000:stream/a",
        ] {
            assert_eq!(parse(arn), None, "{arn}");
        }
    }

    #[test]
    fn each_kind_of_resource_is_told_by_its_arn() {
        let realm = "arn:aws:kinesis:us-east-1:000000000000";
        for (resource, expected) in [
            ("stream/channel", "stream"),
            ("stream/s/consumer/c:1", "consumer"),
            ("channel/0a1b", "channel"),
            ("queue/0a1b", "queue"),
            ("channel/0A", "none"),
            ("channel/a/consumer/c:1", "none"),
        ] {
            let found = match ResourceAddress::parse(&format!("{realm}:{resource}")) {
                Some(ResourceAddress::Channel(_)) => "channel",
                Some(ResourceAddress::Consumer(_)) => "consumer",
                Some(ResourceAddress::Queue(_)) => "queue",
                Some(ResourceAddress::Stream(_)) => "stream",
                None => "none",
            };
            assert_eq!(found, expected, "{resource}");
        }
        let arn = format!("{realm}:channel/0a1b");
        assert_eq!(ChannelAddress::parse(&arn).expect("a channel's").to_string(), arn);
    }
}
