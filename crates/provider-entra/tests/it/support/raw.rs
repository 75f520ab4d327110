//! A server that answers with exactly the given bytes, for what an HTTP library would not send.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Bytes to answer a GET with, and whether to close the connection after them.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) bytes: Vec<u8>,
    pub(crate) close: bool,
}

pub(crate) struct Raw {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    script: Mutex<VecDeque<Scripted>>,
    /// For each GET the number of its connection and its target.
    reads: Mutex<Vec<(usize, String)>>,
}

impl Raw {
    /// Answers GETs in order, the last answer stays; every POST gets a token.
    pub(crate) async fn start(script: impl IntoIterator<Item = Scripted>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let state = Arc::new(State { script: Mutex::new(script.into_iter().collect()), reads: Mutex::new(Vec::new()) });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(serve(stream, connection, Arc::clone(&shared)));
            }
        });
        Self { url, state }
    }

    pub(crate) fn reads(&self) -> Vec<(usize, String)> {
        self.state.reads.lock().expect("lock").clone()
    }
}

/// A whole answer that keeps the connection.
pub(crate) fn whole(status: &str, body: &str) -> Scripted {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nrequest-id: raw-1\r\n\r\n", body.len());
    Scripted { bytes: (head + body).into_bytes(), close: false }
}

async fn serve(mut stream: TcpStream, connection: usize, state: Arc<State>) {
    while let Some(target) = receive(&mut stream).await {
        let answer = match target {
            None => whole("200 OK", r#"{"token_type":"Bearer","expires_in":3600,"access_token":"token-1"}"#),
            // This Graph tells no changes.
            Some(target) if target.ends_with("$deltatoken=latest") => whole("200 OK", r#"{"value":[]}"#),
            Some(target) => {
                state.reads.lock().expect("lock").push((connection, target));
                let mut script = state.script.lock().expect("lock");
                if script.len() > 1 { script.pop_front() } else { script.front().cloned() }.expect("an answer")
            }
        };
        if stream.write_all(&answer.bytes).await.is_err() || answer.close {
            return;
        }
    }
}

/// Reads one request: the target of a GET, `None` inside for a POST, `None` at the end of the connection.
async fn receive(stream: &mut TcpStream) -> Option<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("text").to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("length"))];
    stream.read_exact(&mut body).await.ok()?;
    let target = head.strip_prefix("get ").and_then(|rest| rest.split(' ').next()).map(str::to_owned);
    Some(target)
}
