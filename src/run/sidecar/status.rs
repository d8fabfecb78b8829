//! The status server: metrics, health and a page for people, on a loopback address or a socket.
//!
//! Goes in: a [`Board`]. Comes out: answers to GET and HEAD, and nothing else is understood. It runs on a thread of its own and
//! cannot hold up the desk: it only reads what the desk has published. A browser that was lured here under another name is
//! refused.

mod figures;
mod metrics;
mod page;

use super::board::{Board, View};
use crate::{
    error::{Error, Kind},
    policy::wiring::Listen,
};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, uri::Authority},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::{Layout, Metrics};
use rustix::{
    fs::{Mode, fchmod},
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with},
};
use std::{
    convert::Infallible,
    fs, io,
    net::{IpAddr, SocketAddr, TcpListener},
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::{self, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time,
};

/// A server that listens. Dropping it ends it and removes its socket.
///
/// ```
/// use sladd::{policy::wiring::Listen, run::sidecar::{board::Board, status::Server}};
/// let server = Server::bind(&Listen::Tcp("127.0.0.1:0".parse().expect("an address")), Board::new())?;
/// assert!(matches!(server.address(), Listen::Tcp(address) if address.port() != 0));
/// # Ok::<(), sladd::Error>(())
/// ```
#[derive(Debug)]
pub struct Server {
    address: Listen,
    /// Dropped first: the thread ends.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<thread::JoinHandle<()>>,
    socket: Option<SocketFile>,
}

impl Server {
    /// Listens, and answers from then on. Blocks nobody, and takes no connection before it returns.
    ///
    /// # Errors
    /// [`Kind::Config`] for an address that others than this machine can reach, [`Kind::CannotCreate`] where something else stands or
    /// listens, [`Kind::Permission`], [`Kind::Io`].
    pub fn bind(listen: &Listen, board: Arc<Board>) -> Result<Server, Error> {
        Bound::to(listen)?.serve(board)
    }

    /// Where it listens, with the port that it was given.
    pub fn address(&self) -> &Listen {
        &self.address
    }
}

/// A server that is bound and has no thread yet: whoever gives up rights binds before and serves after, so that the thread
/// is born without them.
#[derive(Debug)]
pub struct Bound {
    address: Listen,
    door: Door,
    socket: Option<SocketFile>,
}

impl Bound {
    /// Binds. Connections wait until it serves.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub fn to(listen: &Listen) -> Result<Bound, Error> {
        Ok(match listen {
            Listen::Tcp(address) => {
                let (address, listener) = bind_tcp(*address)?;
                Bound { address: Listen::Tcp(address), door: Door::Tcp(listener), socket: None }
            }
            Listen::Unix(path) => {
                let (listener, file) = bind_unix(path)?;
                Bound { address: listen.clone(), door: Door::Unix(listener), socket: Some(file) }
            }
        })
    }

    /// Answers from now on, on a thread that inherits the rights of this one.
    ///
    /// # Errors
    /// [`Kind::Io`] where there is no thread or no descriptor left.
    pub fn serve(self, board: Arc<Board>) -> Result<Server, Error> {
        let Bound { address, door, socket } = self;
        let cannot = |error: io::Error| failed(Kind::Io, format!("cannot start the status server: {error}"));
        let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(cannot)?;
        let (stop, stopped) = oneshot::channel();
        let by_name = door.is_met_by_name();
        let counter = Arc::new(Counter { metrics: Metrics::of(board.clone()), board, by_name });
        let thread = thread::Builder::new().name("status".to_owned());
        let thread = thread.spawn(move || run(runtime, door, counter, stopped)).map_err(cannot)?;
        Ok(Server { address, stop: Some(stop), thread: Some(thread), socket })
    }
}

impl Server {
    /// Whether it answers no more, though nobody asked it to stop.
    pub(super) fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        drop(self.socket.take());
    }
}

fn failed(kind: Kind, message: String) -> Error {
    Error::new(kind, message)
}

fn bind_tcp(address: SocketAddr) -> Result<(SocketAddr, TcpListener), Error> {
    if !address.ip().is_loopback() {
        let message =
            format!("cannot listen on {address}: others than this machine could connect; listen on 127.0.0.1");
        return Err(failed(Kind::Config, message));
    }
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok((listener.local_addr()?, listener))
    });
    bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let message =
                format!("cannot listen on {address}: another program does; write another port under [status]");
            failed(Kind::CannotCreate, message)
        }
        io::ErrorKind::PermissionDenied => {
            let message = format!("cannot listen on {address}: no permission; write a port above 1023 under [status]");
            failed(Kind::Permission, message)
        }
        _ => failed(Kind::Io, format!("cannot listen on {address}: {error}")),
    })
}

/// A socket in the file system that we made.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and inode, so that nobody else's is removed.
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn bind_unix(path: &Path) -> Result<(UnixListener, SocketFile), Error> {
    let shown = path.display();
    let cannot = |error: io::Error| {
        let kind = if error.kind() == io::ErrorKind::PermissionDenied { Kind::Permission } else { Kind::CannotCreate };
        failed(kind, format!("cannot make the socket {shown}: {error}"))
    };
    let address = SocketAddrUnix::new(path).map_err(|_| {
        failed(Kind::Config, format!("cannot make the socket {shown}: a socket's path has at most 107 bytes"))
    })?;
    let socket = match open_unix(&address) {
        Err(Errno::ADDRINUSE) => {
            remove_stale(path)?;
            open_unix(&address)
        }
        opened => opened,
    };
    let listener = UnixListener::from(socket.map_err(|errno| cannot(errno.into()))?);
    let made = fs::symlink_metadata(path).map_err(cannot)?;
    let file = SocketFile { path: path.to_owned(), identity: (made.dev(), made.ino()) };
    if made.permissions().mode() & 0o777 != SOCKET_MODE {
        fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE)).map_err(cannot)?;
    }
    Ok((listener, file))
}

/// The mode is set before the name exists, so that at no time more may connect than in the end; the process's mask may take
/// some away, which is given back afterwards.
fn open_unix(address: &SocketAddrUnix) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    fchmod(&socket, Mode::from_raw_mode(SOCKET_MODE))?;
    bind(&socket, address)?;
    listen(&socket, CONNECTIONS as i32)?;
    Ok(socket)
}

/// Removes what a run before us left behind, and refuses to remove anything else.
fn remove_stale(path: &Path) -> Result<(), Error> {
    let shown = path.display();
    let cannot = |why: &str| failed(Kind::CannotCreate, format!("cannot make the socket {shown}: {why}"));
    let found = fs::symlink_metadata(path).map_err(|error| cannot(&error.to_string()))?;
    if !found.file_type().is_socket() {
        return Err(cannot("something else has this name; move it away, or write another path under [status]"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(cannot("a socket of another user has this name; remove it, or write another path under [status]"));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| cannot(&error.to_string()))
        }
        // Also one whose queue is full: somebody listens.
        Ok(_) | Err(_) => Err(cannot("another program listens there; end it, or write another path under [status]")),
    }
}

/// What connections come through.
#[derive(Debug)]
enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Door {
    /// Whether whoever connects says by which name: a browser reaches no socket in the file system, and what stands before
    /// one may pass on any name.
    fn is_met_by_name(&self) -> bool {
        match self {
            Door::Tcp(_) => true,
            Door::Unix(_) => false,
        }
    }
}

fn run(runtime: Runtime, door: Door, counter: Arc<Counter>, stopped: oneshot::Receiver<Infallible>) {
    runtime.spawn(async move {
        let failed = match OpenDoor::of(door) {
            Ok(door) => take(door, counter).await,
            Err(error) => error,
        };
        crate::run::say!("sladd: the status server ends: {failed}");
    });
    // Comes back when the server is dropped; open connections end with the runtime.
    let _ = runtime.block_on(stopped);
}

/// A door that the runtime watches.
enum OpenDoor {
    Tcp(tokio::net::TcpListener),
    Unix(tokio::net::UnixListener),
}

impl OpenDoor {
    fn of(door: Door) -> io::Result<OpenDoor> {
        match door {
            Door::Tcp(listener) => tokio::net::TcpListener::from_std(listener).map(OpenDoor::Tcp),
            Door::Unix(listener) => tokio::net::UnixListener::from_std(listener).map(OpenDoor::Unix),
        }
    }
}

/// Takes connections, so many at a time; more wait in the kernel's queue.
async fn take(door: OpenDoor, counter: Arc<Counter>) -> io::Error {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else {
            return io::Error::other("no more connections are taken");
        };
        let counter = counter.clone();
        let taken = match &door {
            OpenDoor::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(converse(stream, counter, place));
            }),
            OpenDoor::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(converse(stream, counter, place));
            }),
        };
        if taken.is_err() {
            // Out of descriptors, or the other side is gone already: neither stays so.
            time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

/// One question, one answer. The place is free again when it is over.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: S, counter: Arc<Counter>, _place: OwnedSemaphorePermit) {
    let service = service_fn(async |request: Request<Incoming>| Ok::<_, Infallible>(counter.answer(&request)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .keep_alive(false)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever went wrong went wrong for whoever asked.
    let _ = time::timeout(CONNECTION_TIME, connection).await;
}

/// Where questions are answered.
struct Counter {
    board: Arc<Board>,
    metrics: Metrics,
    by_name: bool,
}

type Answer = Response<Full<Bytes>>;

impl Counter {
    fn answer<B>(&self, request: &Request<B>) -> Answer {
        if self.by_name && !is_loopback(request.headers(), request.uri()) {
            return text(
                StatusCode::MISDIRECTED_REQUEST,
                "only asked as localhost or by a loopback address does this server answer\n",
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are understood\n");
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match request.uri().path() {
            "/" => {
                let page = page::page(&figures::figures(&self.board.view()));
                let mut answer = answer(StatusCode::OK, "text/html; charset=utf-8", page);
                let allowed = HeaderValue::from_maybe_shared(page::content_security_policy());
                match allowed {
                    Ok(allowed) => answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, allowed),
                    Err(_) => return text(StatusCode::INTERNAL_SERVER_ERROR, "no page can be made\n"),
                };
                answer
            }
            "/status.json" => {
                let figures = figures::figures(&self.board.view()).to_string();
                answer(StatusCode::OK, "application/json", figures)
            }
            "/metrics" => {
                let accept = request.headers().get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
                let accept = accept.collect::<Vec<_>>().join(",");
                let layout = Layout::asked((!accept.is_empty()).then_some(&*accept));
                match self.metrics.text(layout) {
                    Some(metrics) => {
                        let mut answer = answer(StatusCode::OK, layout.media(), metrics);
                        answer.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
                        answer
                    }
                    None => text(StatusCode::INTERNAL_SERVER_ERROR, "no metrics can be written\n"),
                }
            }
            "/healthz" => health(&self.board.view()),
            "/readyz" => readiness(&self.board.view()),
            _ => text(StatusCode::NOT_FOUND, "there is nothing here\n"),
        }
    }
}

fn health(view: &View) -> Answer {
    if view.is_alive() {
        text(StatusCode::OK, "alive\n")
    } else {
        let silent = format!("nothing has moved for {} seconds\n", view.beat_age.as_secs());
        text(StatusCode::SERVICE_UNAVAILABLE, silent)
    }
}

fn readiness(view: &View) -> Answer {
    if view.is_ready() {
        text(StatusCode::OK, "ready\n")
    } else if view.is_alive() {
        text(StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", view.life().name()))
    } else {
        health(view)
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    answer(status, "text/plain; charset=utf-8", body)
}

fn answer(status: StatusCode, media: &'static str, body: impl Into<Bytes>) -> Answer {
    const ALWAYS: [(HeaderName, &str); 5] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    for (name, value) in ALWAYS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Whether a request was meant for this machine: a page elsewhere may have its own name lead here, but its browser says it.
fn is_loopback(headers: &HeaderMap, uri: &Uri) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let host = host.to_str().ok().filter(|host| !host.contains('@')).and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|host| is_loopback_name(host.host())) && uri.host().is_none_or(is_loopback_name)
}

fn is_loopback_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let address = name.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Those who own the socket and their group may connect.
const SOCKET_MODE: u32 = 0o660;

/// Connections at a time.
const CONNECTIONS: usize = 64;

/// A question has at most so many headers,
const HEADERS: usize = 64;

/// and so many bytes of them.
const HEADER_BYTES: usize = 16 << 10;

/// It is asked within this time,
const HEADER_TIME: Duration = Duration::from_secs(3);

/// and over within this, read or not.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// After a connection that could not be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::sidecar::board::{Life, Snapshot};

    fn counter(by_name: bool) -> Counter {
        let board = Board::new();
        board.publish(Snapshot { life: Life::Ready, ..Snapshot::default() });
        Counter { metrics: Metrics::of(board.clone()), board, by_name }
    }

    fn asked(method: &str, uri: &str, hosts: &[&str]) -> Request<()> {
        let request = Request::builder().method(method).uri(uri);
        hosts.iter().fold(request, |request, host| request.header("host", *host)).body(()).unwrap()
    }

    fn status(request: &Request<()>) -> u16 {
        counter(true).answer(request).status().as_u16()
    }

    #[test]
    fn only_names_and_addresses_of_this_machine_are_answered() {
        for host in ["localhost", "LocalHost:9464", "localhost.", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:9464"] {
            assert_eq!(status(&asked("GET", "/healthz", &[host])), 200, "{host}");
        }
        for host in [
            "",
            ":80",
            "example.net",
            "localhost.example.net",
            "127.0.0.1.example.net",
            "192.0.2.1",
            "0.0.0.0",
            "[2001:db8::1]",
            "[::]",
            "user@localhost",
            "localhost, example.net",
            "2130706433",
            "::1",
        ] {
            assert_eq!(status(&asked("GET", "/healthz", &[host])), 421, "{host}");
        }
        assert_eq!(status(&asked("GET", "/healthz", &[])), 421);
        assert_eq!(status(&asked("GET", "/healthz", &["localhost", "localhost"])), 421);
        assert_eq!(status(&asked("GET", "http://example.net/healthz", &["localhost"])), 421);
        assert_eq!(status(&asked("GET", "http://localhost/healthz", &["localhost"])), 200);
    }

    #[test]
    fn a_socket_is_not_met_by_name() {
        let answer = counter(false).answer(&asked("GET", "/healthz", &["status.example.net"]));
        assert_eq!(answer.status(), 200);
    }

    #[test]
    fn nothing_but_reading_is_understood_and_nothing_but_the_known_is_there() {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"] {
            assert_eq!(status(&asked(method, "/", &["localhost"])), 405, "{method}");
        }
        for path in [
            "/index.html",
            "//",
            "/metrics/",
            "/../etc/passwd",
            "/.git/config",
            "/status.json/",
            "/Metrics",
            "/%2e%2e/",
        ] {
            assert_eq!(status(&asked("GET", path, &["localhost"])), 404, "{path}");
        }
        for path in ["/", "/?a=b", "/metrics", "/status.json", "/healthz", "/readyz"] {
            assert_eq!(status(&asked("GET", path, &["localhost"])), 200, "{path}");
            assert_eq!(status(&asked("HEAD", path, &["localhost"])), 200, "{path}");
        }
    }

    #[test]
    fn a_desk_that_stands_still_is_neither_healthy_nor_ready() {
        let board = Board::new();
        board.publish(Snapshot { life: Life::Ready, ..Snapshot::default() });
        let alive = board.view();
        assert_eq!((health(&alive).status(), readiness(&alive).status()), (StatusCode::OK, StatusCode::OK));
        let stuck = View { beat_age: Duration::from_secs(10), ..alive };
        let refused = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!((health(&stuck).status(), readiness(&stuck).status()), (refused, refused));
        let figures = figures::figures(&stuck);
        assert_eq!(
            (&figures["state"], &figures["problems"][0]),
            (&"stuck".into(), &"nothing has moved for 10 seconds".into())
        );
    }

    #[test]
    fn what_was_asked_is_never_said_again() {
        let request = asked("GET", "/customer-4711?mail=ola@example.net", &["localhost"]);
        let answer = counter(true).answer(&request);
        assert!(!format!("{answer:?}").contains("4711"));
    }

    #[test]
    fn an_address_that_others_can_reach_is_refused() {
        let error = Server::bind(&Listen::Tcp("0.0.0.0:0".parse().unwrap()), Board::new()).unwrap_err();
        assert_eq!(
            (error.kind(), &*error.to_string()),
            (Kind::Config, "cannot listen on 0.0.0.0:0: others than this machine could connect; listen on 127.0.0.1")
        );
    }

    #[test]
    fn a_port_in_use_is_said_with_the_remedy() {
        let first = Server::bind(&Listen::Tcp("127.0.0.1:0".parse().unwrap()), Board::new()).unwrap();
        let Listen::Tcp(address) = first.address() else { panic!() };
        let error = Server::bind(first.address(), Board::new()).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (
                Kind::CannotCreate,
                format!("cannot listen on {address}: another program does; write another port under [status]")
            )
        );
    }

    #[test]
    fn a_socket_has_its_mode_and_is_removed_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("status.sock");
        let server = Server::bind(&Listen::Unix(path.clone()), Board::new()).unwrap();
        let made = fs::symlink_metadata(&path).unwrap();
        assert!(made.file_type().is_socket());
        assert_eq!(made.permissions().mode() & 0o777, 0o660);
        drop(server);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_left_behind_is_replaced_and_everything_else_stays() {
        let directory = tempfile::tempdir().unwrap();
        let bind = |name: &str| Server::bind(&Listen::Unix(directory.path().join(name)), Board::new());
        drop(UnixListener::bind(directory.path().join("stale")).unwrap());
        let server = bind("stale").unwrap();

        let error = bind("stale").unwrap_err().to_string();
        assert!(
            error.ends_with("another program listens there; end it, or write another path under [status]"),
            "{error}"
        );
        assert!(UnixStream::connect(directory.path().join("stale")).is_ok(), "the first one still listens");

        fs::write(directory.path().join("file"), b"kept").unwrap();
        std::os::unix::fs::symlink(directory.path().join("stale"), directory.path().join("link")).unwrap();
        fs::create_dir(directory.path().join("directory")).unwrap();
        for name in ["file", "link", "directory"] {
            let error = bind(name).unwrap_err();
            assert_eq!(error.kind(), Kind::CannotCreate);
            let end = "something else has this name; move it away, or write another path under [status]";
            assert!(error.to_string().ends_with(end), "{error}");
        }
        assert_eq!(fs::read(directory.path().join("file")).unwrap(), b"kept");

        // Somebody put another there while we ran: it is not ours to remove.
        fs::remove_file(directory.path().join("stale")).unwrap();
        fs::write(directory.path().join("stale"), b"theirs").unwrap();
        drop(server);
        assert_eq!(fs::read(directory.path().join("stale")).unwrap(), b"theirs");
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_refused() {
        let long = format!("/tmp/{}", "a".repeat(120));
        let error = Server::bind(&Listen::Unix(long.into()), Board::new()).unwrap_err().to_string();
        assert!(error.ends_with(": a socket's path has at most 107 bytes"), "{error}");
        let error = Server::bind(&Listen::Unix("/nonexistent/a.sock".into()), Board::new()).unwrap_err().to_string();
        assert_eq!(error, "cannot make the socket /nonexistent/a.sock: No such file or directory (os error 2)");
    }
}
