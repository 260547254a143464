//! The MCP server behind Envoy: prepared answers, by path, as fast as a socket takes them.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread;

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use crate::http;
use crate::machine::Core;
use crate::messages::Load;

/// Starts the server on a thread of its own, pinned to `core`; it runs until the process ends.
pub fn start(loads: &[Load], core: Option<Core>) -> io::Result<SocketAddr> {
    let answers: HashMap<String, Vec<u8>> = loads.iter().map(|load| (load.path(), answer(&load.response))).collect();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    thread::Builder::new().name("upstream".to_owned()).spawn(move || {
        let served = core.map_or(Ok(()), Core::pin_this_thread).and_then(|()| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
            LocalSet::new().block_on(&runtime, accept(listener, answers))
        });
        if let Err(error) = served {
            eprintln!("the upstream has stopped: {error}");
        }
    })?;
    Ok(address)
}

fn answer(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

async fn accept(listener: std::net::TcpListener, answers: HashMap<String, Vec<u8>>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let answers = Rc::new(answers);
    loop {
        let (stream, _) = listener.accept().await?;
        let answers = Rc::clone(&answers);
        // Envoy closes idle connections as it likes; that is no error here.
        tokio::task::spawn_local(async move { serve(stream, &answers).await.ok() });
    }
}

async fn serve(stream: TcpStream, answers: &HashMap<String, Vec<u8>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    while let Some(head) = http::head(&mut reader).await? {
        http::body(&mut reader, &head, |_| {}).await?;
        let answer = answers
            .get(head.target())
            .map_or(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".as_slice(), Vec::as_slice);
        reader.get_mut().write_all(answer).await?;
    }
    Ok(())
}
