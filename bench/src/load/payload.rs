//! The data of record *n* is `hello-n`, so that a record read back names itself.

const PREFIX: &str = "hello-";

/// The data of a record, such as `hello-0042`.
#[must_use]
pub fn data(record: usize) -> String {
    format!("{PREFIX}{record:04}")
}

/// The record whose data this is; nothing if no record has exactly this data.
#[must_use]
pub fn record_of(bytes: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(bytes).ok()?;
    let record = text.strip_prefix(PREFIX)?.parse().ok()?;
    (data(record) == text).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::{data, record_of};

    #[test]
    fn a_record_names_itself() {
        for record in [0, 7, 999, 1_000, 123_456] {
            assert_eq!(record_of(data(record).as_bytes()), Some(record));
        }
        assert_eq!(data(7), "hello-0007");
    }

    #[test]
    fn other_data_names_no_record() {
        for bytes in [&b"hello-7"[..], b"hello-", b"hello-00007", b"hullo-0007", b"\xff"] {
            assert_eq!(record_of(bytes), None);
        }
    }
}
