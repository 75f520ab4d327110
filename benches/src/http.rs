//! HTTP/1.1 over one connection that is kept, without anything that a baseline could be accused of.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection to one server.
pub(crate) struct Http {
    stream: BufReader<TcpStream>,
    host: String,
    /// The newest answer's.
    body: Vec<u8>,
    line: String,
}

/// How long an answer's body is.
enum Length {
    Known(usize),
    Chunked,
}

impl Http {
    /// To `HOST:PORT`.
    pub(crate) fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("nobody listens on {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let stream = BufReader::with_capacity(1 << 16, stream);
        Ok(Self { stream, host: address.to_owned(), body: Vec::new(), line: String::new() })
    }

    /// The body of a 200.
    pub(crate) fn get(&mut self, target: &str, authorization: &str) -> Result<&[u8]> {
        let head = format!("GET {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\n\r\n", self.host);
        self.stream.get_mut().write_all(head.as_bytes())?;
        let status = self.receive()?;
        ensure!(status == 200, "{target} was answered with {status}: {}", String::from_utf8_lossy(&self.body));
        Ok(&self.body)
    }

    /// Status and body.
    pub(crate) fn post(&mut self, target: &str, kind: &str, authorization: &str, body: &[u8]) -> Result<(u16, &[u8])> {
        let authorization =
            if authorization.is_empty() { String::new() } else { format!("Authorization: {authorization}\r\n") };
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\n{authorization}Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let status = self.receive()?;
        Ok((status, &self.body))
    }

    fn receive(&mut self) -> Result<u16> {
        let status = self.line()?.split(' ').nth(1).context("no status line")?.parse()?;
        let mut length = Length::Known(0);
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = Length::Known(value.trim().parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                length = Length::Chunked;
            }
        }
        self.body.clear();
        match length {
            Length::Known(bytes) => self.read(bytes)?,
            Length::Chunked => loop {
                let bytes = usize::from_str_radix(self.line()?, 16)?;
                self.read(bytes)?;
                self.line()?;
                if bytes == 0 {
                    break;
                }
            },
        }
        Ok(status)
    }

    fn line(&mut self) -> Result<&str> {
        self.line.clear();
        if self.stream.read_line(&mut self.line)? == 0 {
            bail!("the connection was closed");
        }
        Ok(self.line.trim_end())
    }

    fn read(&mut self, bytes: usize) -> Result<()> {
        let have = self.body.len();
        self.body.resize(have + bytes, 0);
        Ok(self.stream.read_exact(&mut self.body[have..])?)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    #[test]
    fn answers_with_a_length_and_in_chunks_come_over_one_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in [
                "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsec\r\na\r\nond answer\r\n0\r\n\r\n",
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            ] {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                while line != "\r\n" {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                }
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let mut http = Http::connect(&address).unwrap();
        assert_eq!(http.get("/", "Bearer x").unwrap(), b"first");
        assert_eq!(http.get("/", "Bearer x").unwrap(), b"second answer");
        assert!(http.get("/", "Bearer x").unwrap_err().to_string().contains("404"));
        server.join().unwrap();
    }
}
