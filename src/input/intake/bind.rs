//! Sockets: bound here, or handed over by the service manager.

use super::Settings;
use crate::error::{Error, Kind};
use listenfd::ListenFd;
use nix::{getsockopt_impl, libc, sockopt_impl, sys::socket::GetSockOpt};
use rustix::{
    fs::{Mode, fchmod},
    io::Errno,
    net::{
        AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, bind, getsockname, listen, socket_with,
        sockopt,
    },
};
use std::{
    fmt, fs, io,
    net::SocketAddr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            ffi::OsStrExt,
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::{UnixDatagram, UnixStream},
        },
    },
    path::{Path, PathBuf},
};

/// Where an intake is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Datagrams to an address of this machine.
    Udp(SocketAddr),
    /// Connections to an address of this machine.
    Tcp(SocketAddr),
    /// Datagrams to a socket in the file system.
    UnixDatagram(PathBuf),
    /// Connections to a socket in the file system.
    UnixStream(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Udp(address) => write!(f, "udp {address}"),
            Address::Tcp(address) => write!(f, "tcp {address}"),
            Address::UnixDatagram(path) => write!(f, "unix datagram {}", path.display()),
            Address::UnixStream(path) => write!(f, "unix stream {}", path.display()),
        }
    }
}

/// Sockets that the service manager opened for us and no intake has taken over yet.
#[derive(Debug, Default)]
pub struct Handed {
    sockets: Vec<(Address, OwnedFd)>,
    /// How many are of a sort that no intake reads.
    others: usize,
}

impl Handed {
    /// Those that the environment speaks of (`LISTEN_FDS`). To be asked once, before there are threads.
    pub fn from_env() -> Handed {
        let mut handed = ListenFd::from_env();
        let mut found = Handed::default();
        for number in 0..handed.len() {
            let sorts = [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX]
                .into_iter()
                .flat_map(|family| [(family, libc::SOCK_STREAM), (family, libc::SOCK_DGRAM)]);
            let mut sockets = sorts.filter_map(|(family, sort)| {
                handed.take_custom::<OwnedFd>(number, family, sort, "socket").ok().flatten()
            });
            match sockets.next() {
                Some(socket) => found.push(socket),
                None => found.others += 1,
            }
        }
        found
    }

    fn push(&mut self, socket: OwnedFd) {
        match address_of(&socket) {
            Some(address) => self.sockets.push((address, socket)),
            None => self.others += 1,
        }
    }

    /// Those that no intake took over: a configuration that does not fit its sockets. And how many nobody could.
    pub fn left(&self) -> (Vec<Address>, usize) {
        (self.sockets.iter().map(|(address, _)| address.clone()).collect(), self.others)
    }

    fn take(&mut self, wanted: &Address) -> Option<OwnedFd> {
        let at = self.sockets.iter().position(|(address, _)| is_meant(address, wanted))?;
        Some(self.sockets.remove(at).1)
    }
}

/// Whether a socket is the one that is wanted. `ListenStream=514` is bound to all addresses of both families, and then as
/// good as one for `0.0.0.0`.
fn is_meant(found: &Address, wanted: &Address) -> bool {
    let covers = |found: &SocketAddr, wanted: &SocketAddr| {
        found == wanted
            || found.port() == wanted.port()
                && found.is_ipv6()
                && found.ip().is_unspecified()
                && wanted.ip().is_unspecified()
    };
    match (found, wanted) {
        (Address::Udp(found), Address::Udp(wanted)) | (Address::Tcp(found), Address::Tcp(wanted)) => {
            covers(found, wanted)
        }
        (found, wanted) => found == wanted,
    }
}

/// Where a socket is bound; `None`: of no sort that is read here.
fn address_of(socket: &OwnedFd) -> Option<Address> {
    let sort = sockopt::socket_type(socket).ok()?;
    let bound = getsockname(socket).ok()?;
    match sockopt::socket_domain(socket).ok()? {
        AddressFamily::INET | AddressFamily::INET6 => {
            let address = SocketAddr::try_from(bound).ok()?;
            match sort {
                SocketType::STREAM => Some(Address::Tcp(address)),
                SocketType::DGRAM => Some(Address::Udp(address)),
                _ => None,
            }
        }
        AddressFamily::UNIX => {
            let unix = SocketAddrUnix::try_from(bound).ok()?;
            let path = PathBuf::from(std::ffi::OsStr::from_bytes(unix.path_bytes()?));
            match sort {
                SocketType::STREAM => Some(Address::UnixStream(path)),
                SocketType::DGRAM => Some(Address::UnixDatagram(path)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A socket that is ready.
#[derive(Debug)]
pub(crate) struct Bound {
    pub socket: OwnedFd,
    /// Removed with it.
    pub file: Option<SocketFile>,
    /// What was bound: another port than was asked for, where any was.
    pub address: Address,
    /// For the message at the start.
    pub shown: String,
}

/// A socket, and what keeps its name.
pub(crate) type Opened = (OwnedFd, Option<SocketFile>);

impl Bound {
    /// Takes the socket over where it was handed over, and binds it elsewhere.
    pub(crate) fn open(address: &Address, settings: &Settings, handed: &mut Handed) -> Result<Bound, Error> {
        let (taken, (socket, file)) = match handed.take(address) {
            Some(socket) => {
                rustix::io::ioctl_fionbio(&socket, true).map_err(|errno| cannot(address, &errno.into()))?;
                (true, (socket, None))
            }
            None => (false, fresh(address, settings)?),
        };
        let bound = address_of(&socket).unwrap_or_else(|| address.clone());
        let mut shown = bound.to_string();
        if taken {
            shown.push_str(", handed over");
        }
        if let Address::Udp(_) = address {
            let got = enlarge(&socket, settings.receive_buffer_bytes);
            shown = format!("{shown}, receive buffer {} KiB", got / 1024);
        }
        Ok(Bound { socket, file, address: bound, shown })
    }
}

fn fresh(address: &Address, settings: &Settings) -> Result<Opened, Error> {
    let failed = |errno: Errno| cannot(address, &errno.into());
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    match address {
        Address::Udp(at) | Address::Tcp(at) => {
            let family = if at.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
            let is_stream = matches!(address, Address::Tcp(_));
            let sort = if is_stream { SocketType::STREAM } else { SocketType::DGRAM };
            let socket = socket_with(family, sort, flags, None).map_err(failed)?;
            if is_stream {
                sockopt::set_socket_reuseaddr(&socket, true).map_err(failed)?;
            }
            bind(&socket, &SocketAddrAny::from(*at)).map_err(failed)?;
            if is_stream {
                listen(&socket, BACKLOG).map_err(failed)?;
            }
            Ok((socket, None))
        }
        Address::UnixStream(path) => named(address, path, SocketType::STREAM, settings.socket_mode),
        Address::UnixDatagram(path) => named(address, path, SocketType::DGRAM, settings.socket_mode),
    }
}

/// Asks for a large buffer, beyond what the system allows everybody where we may. What was got, as the kernel counts it.
fn enlarge(socket: &OwnedFd, bytes: usize) -> usize {
    let now = || sockopt::socket_recv_buffer_size(socket).unwrap_or(0);
    // The kernel doubles what it is asked for, for what it keeps beside the bytes.
    if now() < bytes.saturating_mul(2) && sockopt::set_socket_recv_buffer_size_force(socket, bytes).is_err() {
        let _ = sockopt::set_socket_recv_buffer_size(socket, bytes);
    }
    now()
}

/// A socket in the file system; its file goes with it.
#[derive(Debug)]
pub(crate) struct SocketFile {
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

fn named(address: &Address, path: &Path, sort: SocketType, mode: u32) -> Result<Opened, Error> {
    let at = SocketAddrUnix::new(path).map_err(|_| {
        Error::new(Kind::Config, format!("cannot listen on {address}: a socket's path has at most 107 bytes"))
    })?;
    let socket = match open_unix(&at, sort, mode) {
        Err(Errno::ADDRINUSE) => {
            remove_stale(address, path, sort)?;
            open_unix(&at, sort, mode)
        }
        opened => opened,
    };
    let socket = socket.map_err(|errno| cannot(address, &errno.into()))?;
    let made = fs::symlink_metadata(path).map_err(|error| cannot(address, &error))?;
    let file = SocketFile { path: path.to_owned(), identity: (made.dev(), made.ino()) };
    if made.permissions().mode() & 0o777 != mode & 0o777 {
        let given = fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o777));
        given.map_err(|error| cannot(address, &error))?;
    }
    Ok((socket, Some(file)))
}

/// The mode is set before the name exists, so that at no time more may connect than in the end; the process's mask may take
/// some away, which is given back afterwards.
fn open_unix(at: &SocketAddrUnix, sort: SocketType, mode: u32) -> Result<OwnedFd, Errno> {
    let socket = socket_with(AddressFamily::UNIX, sort, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    fchmod(&socket, Mode::from_raw_mode(mode & 0o777))?;
    bind(&socket, at)?;
    if sort == SocketType::STREAM {
        listen(&socket, BACKLOG)?;
    }
    Ok(socket)
}

/// Removes what a run before us left behind, and refuses to remove anything else.
fn remove_stale(address: &Address, path: &Path, sort: SocketType) -> Result<(), Error> {
    let cannot = |why: &str| Error::new(Kind::CannotCreate, format!("cannot listen on {address}: {why}"));
    let found = fs::symlink_metadata(path).map_err(|error| cannot(&error.to_string()))?;
    if !found.file_type().is_socket() {
        return Err(cannot("something else has this name; move it away, or choose another path"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(cannot("a socket of another user has this name; remove it, or choose another path"));
    }
    let tried = match sort {
        SocketType::STREAM => UnixStream::connect(path).map(drop),
        _ => UnixDatagram::unbound().and_then(|socket| socket.connect(path)),
    };
    match tried {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| cannot(&error.to_string()))
        }
        // Also one whose queue is full, and one of another sort: somebody listens.
        Ok(()) | Err(_) => Err(cannot("another program listens there; end it, or choose another path")),
    }
}

fn cannot(address: &Address, error: &io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::PermissionDenied { Kind::Permission } else { Kind::CannotCreate };
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "; another program listens there",
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need CAP_NET_BIND_SERVICE, directories the right to write"
        }
        _ => "",
    };
    Error::new(kind, format!("cannot listen on {address}: {error}{remedy}"))
}

/// So many connections wait to be accepted.
pub(super) const BACKLOG: i32 = 1024;

sockopt_impl!(
    /// Figures of a socket's memory (`SO_MEMINFO`, Linux 4.12).
    MemInfo,
    GetOnly,
    libc::SOL_SOCKET,
    libc::SO_MEMINFO,
    [u32; 9]
);

/// How many datagrams the kernel dropped of a socket since it was made: what `SO_RXQ_OVFL` says beside the next datagram, but
/// at any time.
pub(super) fn dropped(socket: &OwnedFd) -> Result<u32, nix::Error> {
    MemInfo.get(&socket.as_fd()).map(|figures| figures[DROPS])
}

/// `SK_MEMINFO_DROPS`
const DROPS: usize = 8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::{net::UdpSocket, sync::Arc};

    fn settings() -> Settings {
        Settings::new(Arc::new(|| {}))
    }

    fn open(address: &Address) -> Result<Bound, Error> {
        Bound::open(address, &settings(), &mut Handed::default())
    }

    #[test]
    fn a_socket_that_was_handed_over_is_taken_by_its_address_alone() {
        let directory = tempfile::tempdir().unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = udp.local_addr().unwrap();
        let path = directory.path().join("log");
        let mut handed = Handed::default();
        handed.push(udp.into());
        handed.push(UnixDatagram::bind(&path).unwrap().into());
        handed.push(rustix::pipe::pipe().unwrap().0);
        let other = SocketAddr::from(([127, 0, 0, 1], at.port() ^ 1));
        assert!(handed.take(&Address::Udp(other)).is_none());
        assert!(handed.take(&Address::Tcp(at)).is_none());
        assert!(handed.take(&Address::UnixStream(path.clone())).is_none());
        let bound = Bound::open(&Address::Udp(at), &settings(), &mut handed).unwrap();
        assert!(bound.shown.starts_with(&format!("udp {at}, handed over, receive buffer ")), "{}", bound.shown);
        let bound = Bound::open(&Address::UnixDatagram(path.clone()), &settings(), &mut handed).unwrap();
        assert_eq!(handed.left(), (vec![], 1));
        drop(bound);
        assert!(path.exists(), "whoever made it removes it");
    }

    #[test]
    fn a_socket_for_all_addresses_is_meant_by_that_of_either_family() {
        let at = |text: &str| text.parse().unwrap();
        let all = Address::Tcp(at("[::]:601"));
        assert!(is_meant(&all, &all) && is_meant(&all, &Address::Tcp(at("0.0.0.0:601"))));
        for other in ["0.0.0.0:602", "192.0.2.1:601", "[2001:db8::1]:601"] {
            assert!(!is_meant(&all, &Address::Tcp(at(other))), "{other}");
        }
        assert!(!is_meant(&all, &Address::Udp(at("[::]:601"))));
        assert!(!is_meant(&Address::Tcp(at("0.0.0.0:601")), &all));
    }

    #[test]
    fn a_socket_file_has_its_mode_and_goes_with_its_socket() {
        let directory = tempfile::tempdir().unwrap();
        for (name, make) in [("a", Address::UnixDatagram as fn(PathBuf) -> Address), ("b", Address::UnixStream)] {
            let path = directory.path().join(name);
            let bound = open(&make(path.clone())).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
            let error = open(&make(path.clone())).unwrap_err().to_string();
            assert!(error.ends_with("another program listens there; end it, or choose another path"), "{error}");
            drop(bound);
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_stale_socket_is_replaced_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        drop(UnixDatagram::bind(path("stale")).unwrap());
        std::os::unix::fs::symlink(path("stale"), path("link")).unwrap();
        fs::write(path("file"), "text").unwrap();
        for name in ["link", "file"] {
            let error = open(&Address::UnixDatagram(path(name))).unwrap_err().to_string();
            assert!(error.ends_with("something else has this name; move it away, or choose another path"), "{error}");
        }
        open(&Address::UnixDatagram(path("stale"))).unwrap();
        assert_eq!(fs::read(path("file")).unwrap(), b"text");
        let error = open(&Address::UnixStream("/nonexistent/a".into())).unwrap_err();
        assert_eq!(error.kind(), Kind::CannotCreate);
        let error = open(&Address::UnixStream(format!("/{}", "a".repeat(200)).into())).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
    }

    #[test]
    fn an_address_in_use_is_said() {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = udp.local_addr().unwrap();
        let error = open(&Address::Udp(at)).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("cannot listen on udp {at}: Address already in use (os error 98); another program listens there")
        );
    }
}
