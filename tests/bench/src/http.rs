//! As much of HTTP/1.1 as both ends of the measured connection need: heads, and where bodies end (RFC 9112).

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// What a message's head says.
#[derive(Debug)]
pub(crate) struct Head {
    /// Request line or status line, without its line break.
    pub(crate) start_line: String,
    framing: Framing,
}

#[derive(Debug, Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
}

impl Head {
    /// The status code of a status line.
    pub(crate) fn status(&self) -> Option<u16> {
        self.start_line.split(' ').nth(1)?.parse().ok()
    }

    /// The target of a request line.
    pub(crate) fn target(&self) -> &str {
        self.start_line.split(' ').nth(1).unwrap_or_default()
    }
}

/// Reads the next head; `None` if the connection ended before it.
pub(crate) async fn head(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Head>> {
    let mut line = Vec::with_capacity(256);
    reader.read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    let start_line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
    let mut framing = Framing::Length(0);
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).await?;
        let field = line.trim_ascii_end();
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if field.is_empty() {
            return Ok(Some(Head { start_line, framing }));
        }
        let Some((name, value)) = field.iter().position(|byte| *byte == b':').and_then(|at| field.split_at_checked(at))
        else {
            return Err(malformed("a header line without a colon"));
        };
        let value = value.trim_ascii_start().strip_prefix(b":").unwrap_or(value).trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            framing = Framing::Length(number(value, 10)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            framing = Framing::Chunked;
        }
    }
}

/// Reads the body that belongs to `head`, shows it to `visit` piece by piece, and returns its length.
pub(crate) async fn body(
    reader: &mut (impl AsyncBufRead + Unpin),
    head: &Head,
    mut visit: impl FnMut(&[u8]),
) -> io::Result<usize> {
    if let Framing::Length(length) = head.framing {
        exactly(reader, length, &mut visit).await?;
        return Ok(length);
    }
    let mut total = 0;
    let mut line = Vec::with_capacity(16);
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).await?;
        let size = number(line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii(), 16)?;
        exactly(reader, size, &mut visit).await?;
        // The line break after a chunk; after the last one it ends the (empty) trailer section.
        exactly(reader, 2, &mut |_| {}).await?;
        if size == 0 {
            return Ok(total);
        }
        total += size;
    }
}

async fn exactly(
    reader: &mut (impl AsyncBufRead + Unpin),
    mut left: usize,
    visit: &mut impl FnMut(&[u8]),
) -> io::Result<()> {
    while left > 0 {
        let buffered = reader.fill_buf().await?;
        if buffered.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let piece = buffered.get(..left).unwrap_or(buffered);
        visit(piece);
        let taken = piece.len();
        reader.consume(taken);
        left -= taken;
    }
    Ok(())
}

fn number(text: &[u8], radix: u32) -> io::Result<usize> {
    let text = std::str::from_utf8(text).map_err(|_| malformed("a length that is no number"))?;
    usize::from_str_radix(text, radix).map_err(|_| malformed("a length that is no number"))
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8]) -> io::Result<(Head, Vec<u8>, usize)> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(async {
            let mut reader = message;
            let head = head(&mut reader).await?.expect("a head");
            let mut bytes = Vec::new();
            let length = body(&mut reader, &head, |piece| bytes.extend_from_slice(piece)).await?;
            assert!(reader.is_empty(), "all of the message was read");
            Ok((head, bytes, length))
        })
    }

    #[test]
    fn bodies_end_where_their_head_says() {
        let (head, bytes, length) = read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y:z\r\n\r\nhello").unwrap();
        assert_eq!((head.status(), bytes.as_slice(), length), (Some(200), b"hello".as_slice(), 5));
        let (head, bytes, length) =
            read(b"POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n")
                .unwrap();
        assert_eq!((head.target(), bytes.as_slice(), length), ("/a", b"abc0123456789".as_slice(), 13));
        assert_eq!(read(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().2, 0);
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        assert!(read(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel").is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel").is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\ncontent-length: 5").is_err());
    }
}
