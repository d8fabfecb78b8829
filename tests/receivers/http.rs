//! A server of HTTP/1.1, that answers as it is told.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// A request, its body unpacked.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// What Loki would have of it: ids, times and lines.
    pub fn loki(&self) -> Vec<(String, u64, String)> {
        let json = self.json();
        let values = json["streams"][0]["values"].as_array().unwrap().clone();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        values
            .iter()
            .map(|value| (text(&value[2]["sladd_id"]), text(&value[0]).parse().unwrap(), text(&value[1])))
            .collect()
    }

    /// What Elasticsearch would have of it: ids and documents.
    pub fn bulk(&self) -> Vec<(String, serde_json::Value)> {
        let lines: Vec<serde_json::Value> = self
            .body
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        lines.chunks(2).map(|pair| (pair[0]["create"]["_id"].as_str().unwrap().to_owned(), pair[1].clone())).collect()
    }
}

/// A server that goes on until the test ends; it has seen these requests.
pub struct Server {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Request>>>,
    pub connections: Arc<Mutex<usize>>,
}

/// What is answered: the whole head and body. An empty answer closes the connection.
pub type Answer = Arc<dyn Fn(&Request) -> Vec<u8> + Send + Sync>;

pub fn serve(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Server {
    serve_under(None, answer)
}

pub fn serve_under(
    tls: Option<Arc<rustls::ServerConfig>>,
    answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, connections) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::<Mutex<usize>>::default());
    let answer: Answer = Arc::new(answer);
    let (to_see, to_count) = (Arc::clone(&seen), Arc::clone(&connections));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            *to_count.lock().unwrap() += 1;
            let (answer, seen, tls) = (Arc::clone(&answer), Arc::clone(&to_see), tls.clone());
            thread::spawn(move || {
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                match tls {
                    None => talk(stream, &answer, &seen),
                    Some(config) => {
                        let connection = rustls::ServerConnection::new(config).unwrap();
                        talk(rustls::StreamOwned::new(connection, stream), &answer, &seen);
                    }
                }
            });
        }
    });
    Server { address, seen, connections }
}

fn talk(stream: impl Read + Write, answer: &Answer, seen: &Mutex<Vec<Request>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream) {
        let bytes = answer(&request);
        seen.lock().unwrap().push(request);
        if bytes.is_empty() || stream.get_mut().write_all(&bytes).and_then(|()| stream.get_mut().flush()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut BufReader<impl Read>) -> Option<Request> {
    let mut line = |into: &mut String| -> Option<()> {
        into.clear();
        (stream.read_line(into).ok()? > 0).then_some(())?;
        into.truncate(into.trim_end().len());
        Some(())
    };
    let (mut first, mut text, mut headers) = (String::new(), String::new(), Vec::new());
    line(&mut first)?;
    loop {
        line(&mut text)?;
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':')?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { line: first, headers, body: Vec::new() };
    let length: usize = request.header("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    if request.header("content-encoding") == Some("gzip") {
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut unpacked).unwrap();
        body = unpacked;
    }
    request.body = body;
    Some(request)
}

/// A whole answer.
pub fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

/// A server that answers anything with these bytes, as soon as it has read so much, and then ends the connection.
pub fn rude(read_bytes: usize, bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream): Result<TcpStream, _> = stream else { continue };
            let bytes = bytes.clone();
            thread::spawn(move || {
                let mut scrap = vec![0; read_bytes];
                if stream.read_exact(&mut scrap).is_ok() {
                    let _ = stream.write_all(&bytes);
                    let _ = stream.shutdown(std::net::Shutdown::Write);
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
    address
}
