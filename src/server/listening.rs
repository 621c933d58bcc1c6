//! Where the server listens: TCP addresses, Unix sockets of its own, sockets that systemd hands over.

use crate::config::Listen;
use listenfd::ListenFd;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Who may connect to a Unix socket of ours: its owner and its group. Whoever can is believed as a proxy, so never everybody.
const SOCKET_MODE: u32 = 0o660;
/// Sockets that systemd may hand over.
const PASSED_MAX: usize = 64;

/// Why the server can't listen. Each text is for whoever operates it.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// An address can't be had.
    #[error("[server] listen = \"{0}\": {1}")]
    Address(String, io::Error),
    /// Another process answers at this socket.
    #[error(
        "[server] listen = \"unix:{0}\": another process listens there; stop it, or use another path"
    )]
    Busy(PathBuf),
    /// Something of somebody else has the socket's name.
    #[error(
        "[server] listen = \"unix:{0}\": there is something that is no socket, and it was left alone"
    )]
    NoSocket(PathBuf),
    /// systemd handed nothing over.
    #[error(
        "[server] listen has \"systemd\", but systemd handed no socket over: start paraph.socket, which starts the service when it is needed"
    )]
    NothingPassed,
    /// What systemd handed over can't be served.
    #[error(
        "[server] listen has \"systemd\", but socket {0} of those that systemd handed over can't be used: only listening stream sockets of TCP or Unix can"
    )]
    Unsuited(usize),
    /// A passed socket that others reach, without TLS in front of it.
    #[error(
        "[server] listen has \"systemd\", and systemd handed over {0}, which others can reach, so [server] public_url must be the https address of the proxy in front of it"
    )]
    Open(SocketAddr),
}

/// The open doors. Unix sockets of our own leave no file behind once this is dropped.
#[derive(Default)]
pub struct Listeners {
    /// Peers are known by their address.
    pub tcp: Vec<TcpListener>,
    /// Peers are proxies on this machine.
    pub unix: Vec<UnixListener>,
    /// What is removed at the end.
    pub files: Vec<SocketFile>,
}

impl From<TcpListener> for Listeners {
    fn from(listener: TcpListener) -> Self {
        Self {
            tcp: vec![listener],
            ..Self::default()
        }
    }
}

/// The name of a Unix socket that we made; removed on drop, unless it is somebody else's by then.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if is_ours && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the socket's file can't be removed");
        }
    }
}

/// Opens everything, or nothing. `is_https`: whether a proxy ends the TLS in front, so that others may reach the sockets.
///
/// # Errors
/// The first that can't be opened.
pub fn open(listen: &[Listen], is_https: bool) -> Result<Listeners, ListenError> {
    let mut doors = Listeners::default();
    for place in listen {
        match place {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address)
                    .map_err(|e| ListenError::Address(place.to_string(), e))?;
                doors.tcp.push(listener);
            }
            Listen::Unix(path) => {
                let (listener, file) = bind_unix(path)?;
                doors.unix.push(listener);
                doors.files.push(file);
            }
            Listen::Systemd => take_passed(ListenFd::from_env(), is_https, &mut doors)?,
        }
    }
    Ok(doors)
}

fn bind_unix(path: &Path) -> Result<(UnixListener, SocketFile), ListenError> {
    let failed = |e: io::Error| ListenError::Address(format!("unix:{}", path.display()), e);
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NoSocket(path.to_owned()));
        }
        // A server that was killed leaves the file; nobody answers there.
        Ok(_) => match UnixStream::connect(path) {
            Ok(_) => return Err(ListenError::Busy(path.to_owned())),
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path).map_err(failed)?;
            }
            Err(e) => return Err(failed(e)),
        },
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(failed(e)),
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    let found = std::fs::symlink_metadata(path).map_err(failed)?;
    let file = SocketFile {
        path: path.to_owned(),
        device: found.dev(),
        inode: found.ino(),
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE)).map_err(failed)?;
    Ok((listener, file))
}

fn take_passed(
    mut passed: ListenFd,
    is_https: bool,
    doors: &mut Listeners,
) -> Result<(), ListenError> {
    if passed.len() == 0 {
        return Err(ListenError::NothingPassed);
    }
    if passed.len() > PASSED_MAX {
        return Err(ListenError::Unsuited(PASSED_MAX + 1));
    }
    for index in 0..passed.len() {
        let unsuited = |_| ListenError::Unsuited(index + 1);
        if let Ok(Some(listener)) = passed.take_tcp_listener(index) {
            let address = listener.local_addr().map_err(unsuited)?;
            if !is_https && !address.ip().to_canonical().is_loopback() {
                return Err(ListenError::Open(address));
            }
            doors.tcp.push(listener);
        } else {
            let listener = passed.take_unix_listener(index).map_err(unsuited)?;
            doors
                .unix
                .push(listener.ok_or(ListenError::Unsuited(index + 1))?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("paraph-listen-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn socket(&self) -> PathBuf {
            self.0.join("http.sock")
        }

        fn open(&self) -> Result<Listeners, ListenError> {
            open(&[Listen::Unix(self.socket())], false)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_socket_is_for_its_owner_and_group_and_goes_with_the_server() {
        let folder = Folder::new("mode");
        let doors = folder.open().unwrap();
        let found = std::fs::symlink_metadata(folder.socket()).unwrap();
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o777, 0o660);
        UnixStream::connect(folder.socket()).unwrap();
        drop(doors);
        assert!(!folder.socket().exists());
    }

    #[test]
    fn what_a_killed_server_left_is_replaced_and_a_living_one_is_not() {
        let folder = Folder::new("stale");
        drop(UnixListener::bind(folder.socket()).unwrap());
        assert!(
            folder.socket().exists(),
            "std leaves the file, as a kill does"
        );
        let living = folder.open().unwrap();
        assert!(matches!(folder.open(), Err(ListenError::Busy(_))));
        UnixStream::connect(folder.socket()).expect("the first one still answers");
        drop(living);
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let folder = Folder::new("file");
        std::fs::write(folder.socket(), "mine").unwrap();
        assert!(matches!(folder.open(), Err(ListenError::NoSocket(_))));
        assert_eq!(std::fs::read(folder.socket()).unwrap(), b"mine");
    }

    #[test]
    fn a_socket_that_somebody_else_made_meanwhile_stays() {
        let folder = Folder::new("other");
        let doors = folder.open().unwrap();
        std::fs::remove_file(folder.socket()).unwrap();
        // Held open, so that the new file can't have the old one's number.
        let other = UnixListener::bind(folder.socket()).unwrap();
        drop(doors);
        assert!(folder.socket().exists());
        drop(other);
    }
}
