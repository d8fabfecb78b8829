//! A server of syslog over TCP: it takes whole messages alone.

use std::{
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

pub struct Server {
    pub address: SocketAddr,
    pub messages: Arc<Mutex<Vec<String>>>,
}

pub fn serve(tls: Option<Arc<rustls::ServerConfig>>, counted: bool) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server { address: listener.local_addr().unwrap(), messages: Arc::default() };
    let messages = Arc::clone(&server.messages);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            let (messages, tls) = (Arc::clone(&messages), tls.clone());
            thread::spawn(move || match tls {
                None => take(BufReader::new(stream), counted, &messages),
                Some(config) => {
                    let connection = rustls::ServerConnection::new(config).unwrap();
                    let stream = rustls::StreamOwned::new(connection, stream);
                    take(BufReader::new(stream), counted, &messages)
                }
            });
        }
    });
    server
}

fn take(mut stream: BufReader<impl Read>, counted: bool, messages: &Mutex<Vec<String>>) -> Option<()> {
    loop {
        let mut bytes = Vec::new();
        if counted {
            stream.read_until(b' ', &mut bytes).ok()?;
            let length: usize = std::str::from_utf8(bytes.strip_suffix(b" ")?).unwrap().parse().unwrap();
            bytes = vec![0; length];
            stream.read_exact(&mut bytes).ok()?;
        } else {
            stream.read_until(b'\n', &mut bytes).ok()?;
            bytes.truncate(bytes.strip_suffix(b"\n")?.len());
        }
        messages.lock().unwrap().push(String::from_utf8(bytes).unwrap());
    }
}
