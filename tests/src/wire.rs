//! HTTP/1.1 as bytes on a TCP connection: what was sent is what is seen, nothing is normalised.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The first line and the fields of a request or response.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// The exact bytes, with the empty line at the end.
    pub raw: Vec<u8>,
    /// The first line.
    pub line: String,
    /// Names in lower case, and values, in order.
    pub fields: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// Reads the bytes up to and including the empty line.
    pub fn parse(raw: &[u8]) -> Self {
        let mut lines = raw.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let fields = lines.filter_map(|line| {
            let colon = line.iter().position(|b| *b == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
            Some((name, line[colon + 1..].trim_ascii().to_vec()))
        });
        Self { line, fields: fields.collect(), raw: raw.to_vec() }
    }

    /// The value of the first field of that name, which is given in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(it, _)| it == name).and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// Whether there is a field of that name.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(it, _)| it == name)
    }

    /// How the body of a message with this head is framed. `is_response` frames to the end of the connection what says
    /// nothing about its length.
    pub fn framing(&self, is_response: bool) -> Framing {
        let bodiless = is_response && [" 204", " 202 ", " 304"].iter().any(|it| self.line.contains(it));
        if self.get("transfer-encoding").is_some_and(|it| it.to_ascii_lowercase().contains("chunked")) {
            return Framing::Chunked(0);
        }
        match self.get("content-length").and_then(|it| it.parse().ok()) {
            Some(length) => Framing::Length(length),
            None if is_response && !bodiless => Framing::UntilClose,
            None => Framing::Length(0),
        }
    }
}

/// How a body is framed, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// This many bytes are still to come.
    Length(usize),
    /// Chunks; this many bytes are left of the current one.
    Chunked(usize),
    /// To the end of the connection.
    UntilClose,
    /// It is complete.
    Done,
}

/// A part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Some of its bytes.
    Bytes(Vec<u8>),
    /// Its end, with the trailers.
    End(Vec<(String, Vec<u8>)>),
}

/// A connection with what was read ahead on it.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    ahead: Vec<u8>,
}

impl Wire {
    /// A connection on which nothing was read.
    pub fn new(stream: TcpStream) -> Self {
        // Without it small writes wait for each other's acknowledgement. A socket that is gone says so on first use.
        let _ = stream.set_nodelay(true);
        Self { stream, ahead: Vec::new() }
    }

    /// Writes exactly these bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    async fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = vec![0; 64 * 1024];
        let read = self.stream.read(&mut buffer).await?;
        self.ahead.extend_from_slice(&buffer[..read]);
        Ok(read)
    }

    async fn fill_or_fail(&mut self) -> io::Result<()> {
        if self.fill().await? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Reads a head; `None` if the peer closes before its first byte.
    pub async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = self.ahead.windows(4).position(|it| it == b"\r\n\r\n") {
                let raw: Vec<u8> = self.ahead.drain(..end + 4).collect();
                return Ok(Some(Head::parse(&raw)));
            }
            if self.fill().await? == 0 {
                return if self.ahead.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|it| it == b"\r\n") {
                let line: Vec<u8> = self.ahead.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.fill_or_fail().await?;
        }
    }

    /// Reads the next piece of a body, as soon as any of it is there.
    ///
    /// # Errors
    /// The connection ended, or was reset, before the body did.
    pub async fn piece(&mut self, framing: &mut Framing) -> io::Result<Piece> {
        let most = match *framing {
            Framing::Done | Framing::Length(0) => {
                *framing = Framing::Done;
                return Ok(Piece::End(Vec::new()));
            }
            Framing::Length(left) => left,
            Framing::UntilClose => usize::MAX,
            Framing::Chunked(0) => {
                let size = self.line().await?;
                let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
                    .map_err(|_| io::Error::other(format!("chunk size {size:?}")))?;
                if size == 0 {
                    *framing = Framing::Done;
                    return Ok(Piece::End(self.trailers().await?));
                }
                size
            }
            Framing::Chunked(left) => left,
        };
        if self.ahead.is_empty() {
            let read = self.fill().await?;
            if read == 0 && *framing == Framing::UntilClose {
                *framing = Framing::Done;
                return Ok(Piece::End(Vec::new()));
            }
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let bytes: Vec<u8> = self.ahead.drain(..most.min(self.ahead.len())).collect();
        match framing {
            Framing::Length(left) => *left -= bytes.len(),
            Framing::Chunked(left) => {
                *left = most - bytes.len();
                if *left == 0 {
                    self.line().await?;
                }
            }
            Framing::UntilClose | Framing::Done => {}
        }
        Ok(Piece::Bytes(bytes))
    }

    async fn trailers(&mut self) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut trailers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { return Ok(trailers) };
            trailers.push((name.to_ascii_lowercase(), value.trim().as_bytes().to_vec()));
        }
    }

    /// Waits until the peer closes or resets the connection; returns what it sent before that.
    pub async fn closed(&mut self) -> Vec<u8> {
        while matches!(self.fill().await, Ok(1..)) {}
        std::mem::take(&mut self.ahead)
    }

    /// Cuts the connection with a reset instead of an orderly end.
    pub fn reset(self) {
        // Lingering for no time at all is how a reset is asked for.
        let _ = self.stream.set_zero_linger();
    }
}
