//! The JSON form, and kinesis-mock's list. Whatever is wrong is told with its
//! place: `streams[0].records[2].data`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::{InitError, InitialStream, Record};

/// How many shards kinesis-mock gives a stream that does not say (its README).
const LISTED_SHARDS: u32 = 4;

/// Reads the JSON form.
///
/// # Errors
/// If it is not JSON, or not of the schema.
pub(super) fn read(text: &str) -> Result<Vec<InitialStream>, InitError> {
    let document: Value = serde_json::from_str(text)
        .map_err(|error| InitError::at("", format!("it is not JSON: {error}")))?;
    let mut root = Object::new(&document, "")?;
    let streams = root.required("streams")?.list()?;
    let streams = streams.iter().map(stream).collect::<Result<_, _>>()?;
    root.done()?;
    Ok(streams)
}

fn stream(node: &Node<'_>) -> Result<InitialStream, InitError> {
    let mut object = Object::new(node.value, &node.place)?;
    let mut stream = InitialStream::on_demand(object.required("name")?.text()?);
    if let Some(shards) = object.optional("shards") {
        stream.shards = Some(shards.number()?);
    }
    if let Some(region) = object.optional("region") {
        stream.region = Some(region.parsed()?);
    }
    if let Some(account) = object.optional("account") {
        stream.account = Some(account.parsed()?);
    }
    if let Some(hours) = object.optional("retention_hours") {
        stream.retention_hours = Some(hours.number()?);
    }
    if let Some(tags) = object.optional("tags") {
        for (key, value) in Object::new(tags.value, &tags.place)?.members() {
            stream.tags.push((key.clone(), value.text()?.to_owned()));
        }
    }
    if let Some(consumers) = object.optional("consumers") {
        for consumer in consumers.list()? {
            stream.consumers.push(consumer.text()?.to_owned());
        }
    }
    if let Some(records) = object.optional("records") {
        stream.records = records.list()?.iter().map(record).collect::<Result<_, _>>()?;
    }
    object.done()?;
    Ok(stream)
}

fn record(node: &Node<'_>) -> Result<Record, InitError> {
    let mut object = Object::new(node.value, &node.place)?;
    let partition_key = object.required("key")?.text()?.to_owned();
    let explicit_hash_key = match object.optional("explicit_hash_key") {
        Some(hash_key) => Some(hash_key.text()?.to_owned()),
        None => None,
    };
    let given = (object.optional("text"), object.optional("data"), object.optional("json"));
    let data = match given {
        (Some(text), None, None) => Bytes::copy_from_slice(text.text()?.as_bytes()),
        (None, Some(data), None) => STANDARD
            .decode(data.text()?)
            .map_err(|error| data.error(format!("it is not base64: {error}")))?
            .into(),
        (None, None, Some(json)) => json.value.to_string().into(),
        _ => return Err(node.error("a record has one of text, data (base64) and json")),
    };
    object.done()?;
    Ok(Record { partition_key, explicit_hash_key, data })
}

/// Reads `name:shards:region,…`.
///
/// # Errors
/// If an entry cannot be one.
pub(super) fn read_list(list: &str) -> Result<Vec<InitialStream>, InitError> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(listed).collect()
}

fn listed(entry: &str) -> Result<InitialStream, InitError> {
    let wrong = |what: &str| InitError::at(entry, format!("{what}: write name:shards:region"));
    let mut parts = entry.split(':').map(str::trim);
    let (name, shards, region) = (parts.next(), parts.next(), parts.next());
    if parts.next().is_some() {
        return Err(wrong("it has more than three parts"));
    }
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| wrong("it has no name"))?;
    let shards = match shards.filter(|shards| !shards.is_empty()) {
        Some(shards) => shards.parse().map_err(|_| wrong("its shards are no number"))?,
        None => LISTED_SHARDS,
    };
    let stream = InitialStream::provisioned(name, shards);
    match region.filter(|region| !region.is_empty()) {
        Some(region) => region
            .parse()
            .map(|region| stream.region(region))
            .map_err(|error| wrong(&format!("{error}"))),
        None => Ok(stream),
    }
}

/// A value and where it stands.
struct Node<'a> {
    value: &'a Value,
    place: String,
}

impl<'a> Node<'a> {
    fn error(&self, message: impl Into<String>) -> InitError {
        InitError::at(&self.place, message)
    }

    fn text(&self) -> Result<&'a str, InitError> {
        self.value.as_str().ok_or_else(|| self.error("it has to be a text"))
    }

    fn number(&self) -> Result<u32, InitError> {
        let number = self.value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| self.error("it has to be a whole number"))
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self) -> Result<T, InitError> {
        self.text()?.parse().map_err(|error: T::Err| self.error(error.to_string()))
    }

    fn list(&self) -> Result<Vec<Node<'a>>, InitError> {
        let values = self.value.as_array().ok_or_else(|| self.error("it has to be a list"))?;
        let node = |(index, value)| Node { value, place: format!("{}[{index}]", self.place) };
        Ok(values.iter().enumerate().map(node).collect())
    }
}

/// An object whose members are taken one by one, so that what is left is known.
struct Object<'a> {
    members: &'a Map<String, Value>,
    taken: Vec<&'static str>,
    place: &'a str,
}

impl<'a> Object<'a> {
    fn new(value: &'a Value, place: &'a str) -> Result<Self, InitError> {
        let members =
            value.as_object().ok_or_else(|| InitError::at(place, "it has to be an object"))?;
        Ok(Self { members, taken: Vec::new(), place })
    }

    fn optional(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.taken.push(name);
        let value = self.members.get(name)?;
        Some(Node { value, place: self.place_of(name) })
    }

    fn required(&mut self, name: &'static str) -> Result<Node<'a>, InitError> {
        self.optional(name).ok_or_else(|| InitError::at(&self.place_of(name), "it is missing"))
    }

    /// Refuses members that nobody has asked for.
    fn done(&self) -> Result<(), InitError> {
        match self.members.keys().find(|name| !self.taken.contains(&name.as_str())) {
            Some(unknown) => {
                let known = self.taken.join(", ");
                let message = format!("there is no such member; there are {known}");
                Err(InitError::at(&self.place_of(unknown), message))
            }
            None => Ok(()),
        }
    }

    /// All members, whatever they are called.
    fn members(&self) -> impl Iterator<Item = (&'a String, Node<'a>)> {
        self.members.iter().map(|(name, value)| (name, Node { value, place: self.place_of(name) }))
    }

    fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        read(text).expect_err("it is wrong").to_string()
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, expected) in [
            ("", "it is not JSON: EOF while parsing a value at line 1 column 0"),
            ("[]", "it has to be an object"),
            ("{}", "streams: it is missing"),
            (r#"{"streams": {}}"#, "streams: it has to be a list"),
            (
                r#"{"streams": [], "stream": 1}"#,
                "stream: there is no such member; there are streams",
            ),
            (r#"{"streams": [{"name": "s"}, {}]}"#, "streams[1].name: it is missing"),
            (
                r#"{"streams": [{"name": "s", "shards": -1}]}"#,
                "streams[0].shards: it has to be a whole number",
            ),
            (
                r#"{"streams": [{"name": "s", "account": "1"}]}"#,
                "streams[0].account: an account id is twelve digits, such as 123456789012",
            ),
            (
                r#"{"streams": [{"name": "s", "tags": {"a.b": 1}}]}"#,
                "streams[0].tags.a.b: it has to be a text",
            ),
            (
                r#"{"streams": [{"name": "s", "records": [{"key": "k", "data": "?"}]}]}"#,
                "streams[0].records[0].data: it is not base64: Invalid symbol 63, offset 0.",
            ),
            (
                r#"{"streams": [{"name": "s", "records": [{"key": "k", "data": "", "text": ""}]}]}"#,
                "streams[0].records[0]: a record has one of text, data (base64) and json",
            ),
        ] {
            assert_eq!(error(text), expected, "{text}");
        }
    }

    #[test]
    fn the_list_has_kinesis_mocks_defaults() {
        let list = "first:1, other::us-west-2,last,";
        let region = "us-west-2".parse().expect("a Region");
        assert_eq!(
            read_list(list),
            Ok(vec![
                InitialStream::provisioned("first", 1),
                InitialStream::provisioned("other", 4).region(region),
                InitialStream::provisioned("last", 4),
            ])
        );
        for (list, expected) in [
            ("a:b", "a:b: its shards are no number: write name:shards:region"),
            (":1", ":1: it has no name: write name:shards:region"),
            ("a:1:b-1:c", "a:1:b-1:c: it has more than three parts: write name:shards:region"),
        ] {
            assert_eq!(read_list(list).expect_err("it is wrong").to_string(), expected);
        }
    }
}
