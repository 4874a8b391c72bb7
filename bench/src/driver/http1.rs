//! As much of an HTTP/1.1 client as a benchmark needs: one request at a time on a
//! connection that is kept, answers with a length or in chunks.

use std::fmt;
use std::io;
use std::mem;
use std::ops::Range;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What bytes travel over: a socket, or TLS over one.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection to the target.
pub struct Connection {
    wire: Box<dyn Wire>,
    /// The request of [`exchange`](Self::exchange), built in place.
    pub request: Vec<u8>,
    /// What was read of the answer. It only grows, so that answers of one kind take new
    /// memory once.
    buffer: Vec<u8>,
    is_used: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<Body = Vec<u8>> {
    /// The status code.
    pub status: u16,
    /// The body, without the marks of chunks.
    pub body: Body,
    /// Whether the connection can be used again.
    pub is_kept: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Broken {
    /// The other side had closed a kept connection before it saw the request.
    WasIdle,
    /// Anything else.
    Io(io::Error),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WasIdle => f.write_str("the connection was closed"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Connection {
    /// A connection over a wire that is ready.
    #[must_use]
    pub fn new(wire: Box<dyn Wire>) -> Self {
        Self { wire, request: Vec::new(), buffer: Vec::with_capacity(4_096), is_used: false }
    }

    /// Sends [`request`](Self::request) and reads the answer to its end.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no HTTP/1.1.
    pub async fn exchange(&mut self) -> Result<Answer, Broken> {
        let request = mem::take(&mut self.request);
        let answer = self.send(&request).await.map(|Answer { status, body, is_kept }| Answer {
            status,
            body: body.to_vec(),
            is_kept,
        });
        self.request = request;
        answer
    }

    /// Sends a request that was written before and reads the answer to its end. Its body
    /// lies in the connection until the next request.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange).
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<&[u8]>, Broken> {
        self.buffer.clear();
        let was_used = mem::replace(&mut self.is_used, true);
        if let Err(error) = self.wire.write_all(request).await {
            return Err(if was_used { Broken::WasIdle } else { Broken::Io(error) });
        }
        self.wire.flush().await?;
        let mut searched = 0;
        let head_end = loop {
            let read = self.wire.read_buf(&mut self.buffer).await;
            match read {
                Ok(0) | Err(_) if self.buffer.is_empty() && was_used => {
                    return Err(Broken::WasIdle);
                }
                Ok(0) => return Err(cut().into()),
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            let from = searched;
            if let Some(at) = find(&self.buffer[from..], HEAD_END) {
                break from + at;
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(unfit("a head without end").into());
            }
            searched = self.buffer.len().saturating_sub(3);
        };
        let head = Head::parse(&self.buffer[..head_end])?;
        let start = head_end + HEAD_END.len();
        let end = match head.length {
            Length::Bytes(length) => {
                let end = start.saturating_add(length);
                self.read_to(end).await?;
                end
            }
            Length::Chunked => self.read_chunks(start).await?,
        };
        Ok(Answer { status: head.status, body: &self.buffer[start..end], is_kept: head.is_kept })
    }

    async fn read_to(&mut self, end: usize) -> io::Result<()> {
        if end > BODY_BYTES_MAX {
            return Err(unfit("an answer of more than 64 MiB"));
        }
        while self.buffer.len() < end {
            self.buffer.reserve(end - self.buffer.len());
            if self.wire.read_buf(&mut self.buffer).await? == 0 {
                return Err(cut());
            }
        }
        Ok(())
    }

    /// Moves what chunks hold together, from `start` on; where it ends.
    async fn read_chunks(&mut self, start: usize) -> io::Result<usize> {
        let (mut end, mut at) = (start, start);
        loop {
            let line = self.read_line(at).await?;
            let size = str::from_utf8(&self.buffer[line.clone()]).unwrap_or("");
            let size = size.split(';').next().unwrap_or("").trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| unfit("a chunk's size"))?;
            at = line.end + 2;
            if size == 0 {
                // Trailers, of which there are none, and the last empty line.
                while !self.read_line(at).await?.is_empty() {
                    at = self.read_line(at).await?.end + 2;
                }
                return Ok(end);
            }
            self.read_to(at.saturating_add(size).saturating_add(2)).await?;
            self.buffer.copy_within(at..at + size, end);
            end += size;
            at += size + 2;
        }
    }

    /// The line that begins at `at`, without its end.
    async fn read_line(&mut self, at: usize) -> io::Result<Range<usize>> {
        loop {
            if let Some(end) = find(&self.buffer[at.min(self.buffer.len())..], b"\r\n") {
                return Ok(at..at + end);
            }
            let longer = self.buffer.len() + 1;
            self.read_to(longer).await?;
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_used", &self.is_used).finish_non_exhaustive()
    }
}

struct Head {
    status: u16,
    length: Length,
    is_kept: bool,
}

enum Length {
    Bytes(usize),
    Chunked,
}

impl Head {
    fn parse(head: &[u8]) -> io::Result<Self> {
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let status = lines.next().and_then(|line| line.strip_prefix(b"HTTP/1."));
        let status = status.and_then(|line| number(line.get(2..5)?));
        let status = status.and_then(|status| u16::try_from(status).ok());
        let status = status.ok_or_else(|| unfit("a status line"))?;
        let (mut length, mut is_kept) = (Length::Bytes(0), !head.starts_with(b"HTTP/1.0"));
        for line in lines {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii_start());
            if name.eq_ignore_ascii_case(b"content-length") {
                length = Length::Bytes(number(value).ok_or_else(|| unfit("a length"))?);
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                length = Length::Chunked;
            } else if name.eq_ignore_ascii_case(b"connection") {
                is_kept = !value.eq_ignore_ascii_case(b"close");
            }
        }
        Ok(Self { status, length, is_kept })
    }
}

/// A number in decimal digits.
fn number(digits: &[u8]) -> Option<usize> {
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Where the first of these lies. Their number is part of the type, so that no call is
/// made to compare them.
fn find<const N: usize>(bytes: &[u8], wanted: &[u8; N]) -> Option<usize> {
    bytes.array_windows().position(|window| window == wanted)
}

const HEAD_END: &[u8; 4] = b"\r\n\r\n";

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed before the answer")
}

fn unfit(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer is not HTTP/1.1: {what}"))
}

const HEAD_BYTES_MAX: usize = 65_536;
/// `GetRecords` answers at most 10 MiB of data, which base64 makes a third longer.
const BODY_BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::{Answer, Broken, Connection};

    /// One exchange with a target that sends `pieces` one by one and then hangs up.
    async fn answered(pieces: &[&str]) -> Result<Answer, Broken> {
        let (near, mut far) = duplex(64);
        let mut connection = Connection::new(Box::new(near));
        connection.request = b"POST / HTTP/1.1\r\n\r\n".to_vec();
        let serve = async {
            let mut request = vec![0; connection_request_bytes()];
            far.read_exact(&mut request).await.unwrap();
            for piece in pieces {
                far.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(far);
        };
        tokio::join!(connection.exchange(), serve).0
    }

    fn connection_request_bytes() -> usize {
        b"POST / HTTP/1.1\r\n\r\n".len()
    }

    #[tokio::test]
    async fn answers_come_in_any_pieces_with_a_length_or_in_chunks() {
        for (pieces, status, body, is_kept) in [
            (&["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"][..], 200, "{}", true),
            (
                &["HTTP/1.1 400 Bad\r", "\ncontent-length:5\r\n", "\r\nab", "cde"],
                400,
                "abcde",
                true,
            ),
            (&["HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"], 200, "", false),
            (&["HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"], 200, "", false),
            (
                &[
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\na",
                    "bc\r\n1;x=y\r\nd\r\n",
                    "0\r\n\r\n",
                ],
                200,
                "abcd",
                true,
            ),
        ] {
            let answer = answered(pieces).await.unwrap();
            let expected = Answer { status, body: body.into(), is_kept };
            assert_eq!(answer, expected, "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn what_is_cut_off_or_no_answer_is_an_error() {
        for pieces in [
            &[][..],
            &["HTTP/1.1 200 OK\r\n"],
            &["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"],
            &["SSH-2.0-OpenSSH_9\r\n\r\n"],
            &["HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"],
            &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"],
        ] {
            assert!(matches!(answered(pieces).await, Err(Broken::Io(_))), "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn a_kept_connection_that_was_closed_is_told_apart() {
        let (near, mut far) = duplex(256);
        let mut connection = Connection::new(Box::new(near));
        connection.request = b"POST".to_vec();
        let serve = async {
            far.read_exact(&mut [0; 4]).await.unwrap();
            far.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            drop(far);
        };
        let (first, ()) = tokio::join!(connection.exchange(), serve);
        assert_eq!(first.unwrap().status, 200);
        assert!(matches!(connection.exchange().await, Err(Broken::WasIdle)));
    }

    #[tokio::test]
    async fn bodies_of_requests_sent_again_lie_in_the_same_memory() {
        let (near, mut far) = duplex(256);
        let mut connection = Connection::new(Box::new(near));
        let serve = async {
            for answer in [
                "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst",
                "HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n4\r\nseco\r\n2\r\nnd\r\n0\r\n\r\n",
            ] {
                far.read_exact(&mut [0; 4]).await.unwrap();
                far.write_all(answer.as_bytes()).await.unwrap();
            }
        };
        let calls = async {
            let first = connection.send(b"POST").await.unwrap();
            assert_eq!(first, Answer { status: 200, body: &b"first"[..], is_kept: true });
            let memory = connection.buffer.as_ptr();
            let second = connection.send(b"POST").await.unwrap();
            assert_eq!(second, Answer { status: 500, body: &b"second"[..], is_kept: true });
            assert_eq!(connection.buffer.as_ptr(), memory);
        };
        tokio::join!(calls, serve);
    }
}
