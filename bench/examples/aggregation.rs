//! Makes aggregates and takes them apart, one line of JSON for each.
//!
//! `aggregation make` reads a list of user records per line and answers the data
//! of one stream record; `aggregation split` reads the data of a stream record per
//! line and answers its user records, or `null` for a plain record. Data is
//! hexadecimal. `tests/clients/python/aggregation` compares other implementations
//! by it:
//!
//! ```sh
//! echo '[{"partition_key":"a","data":"01"},{"partition_key":"b","data":"02"}]' |
//!     cargo run -p kinesis-bench --example aggregation -- make
//! ```

use std::io::{self, BufRead};

use kinesis_bench::aggregation::{Aggregator, Limits, UserRecord, deaggregate};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Line {
    partition_key: String,
    explicit_hash_key: Option<String>,
    data: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mode = std::env::args().nth(1).unwrap_or_default();
    for line in io::stdin().lock().lines() {
        let answer = match mode.as_str() {
            "make" => serde_json::to_string(&make(serde_json::from_str(&line?)?)?)?,
            "split" => serde_json::to_string(&split(serde_json::from_str(&line?)?)?)?,
            _ => return Err("say `make` or `split`".into()),
        };
        println!("{answer}");
    }
    Ok(())
}

fn make(records: Vec<Line>) -> Result<String, Box<dyn std::error::Error>> {
    let limits = Limits::new(Limits::BYTES_MAX, usize::MAX)?;
    let mut aggregator = Aggregator::new(limits);
    for record in records {
        let mut user = UserRecord::new(record.partition_key, bytes(&record.data)?);
        user.explicit_hash_key = record.explicit_hash_key.map(|key| key.parse()).transpose()?;
        if aggregator.add(user)?.is_some() {
            return Err("the user records of a line do not fit into one stream record".into());
        }
    }
    Ok(hexadecimal(&aggregator.flush().ok_or("a line without user records")?.data))
}

fn split(data: String) -> Result<Option<Vec<Line>>, Box<dyn std::error::Error>> {
    let Some(split) = deaggregate::split(&bytes(&data)?) else { return Ok(None) };
    if let Some(damage) = split.damage {
        return Err(damage.into());
    }
    let lines = split.records.into_iter().map(|record| Line {
        partition_key: record.partition_key,
        explicit_hash_key: record.explicit_hash_key.map(|key| key.to_string()),
        data: hexadecimal(&record.data),
    });
    Ok(Some(lines.collect()))
}

fn hexadecimal(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hexadecimal: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let pairs = hexadecimal.as_bytes().chunks(2);
    pairs.map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?)).collect()
}
