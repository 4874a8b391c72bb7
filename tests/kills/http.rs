//! As much of a client as is needed to see what was answered and what was not.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

/// A header that has every part of a signature.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150122/us-east-1/kinesis/aws4_request, \
     SignedHeaders=host;x-amz-date, Signature=0";

/// A kept connection. Nothing is tried twice.
pub(crate) struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Answer {
    Done(Value),
    /// A 4xx: nothing was done.
    Refused(String),
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream: BufReader::new(stream) })
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// If there is no answer: the emulator was killed, and nobody knows what was
    /// done.
    pub(crate) fn call(&mut self, operation: &str, input: &Value) -> io::Result<Answer> {
        let body = input.to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-amz-json-1.1\r\n\
             x-amz-target: Kinesis_20131202.{operation}\r\nx-amz-date: 20150122T012202Z\r\n\
             authorization: {SIGNED}\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let mut length = 0;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| cut())?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        match status.split(' ').nth(1) {
            Some("200") if body.is_empty() => Ok(Answer::Done(Value::Null)),
            Some("200") => Ok(Answer::Done(serde_json::from_slice(&body)?)),
            Some(code) if code.starts_with('4') => {
                Ok(Answer::Refused(String::from_utf8_lossy(&body).into_owned()))
            }
            _ => panic!("{operation} {input}: {status} {}", String::from_utf8_lossy(&body)),
        }
    }

    /// Calls an operation that cannot be refused.
    pub(crate) fn ask(&mut self, operation: &str, input: &Value) -> io::Result<Value> {
        match self.call(operation, input)? {
            Answer::Done(answer) => Ok(answer),
            Answer::Refused(why) => panic!("{operation} {input} was refused: {why}"),
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(cut)
    }
}

fn cut() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
