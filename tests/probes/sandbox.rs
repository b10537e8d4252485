//! Tries one thing that a sandbox refuses, and says whether it was possible: exit code 0, or 1 with the system's words.
//!
//! Built by the tests themselves with the compiler alone, because what it does takes system calls that no safe library makes. Not
//! here: which of them a level refuses (`tests/tests/sandbox`).
use std::ffi::{c_int, c_long, c_void};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::time::Duration;

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn ioctl(descriptor: c_int, request: u64, ...) -> c_int;
    fn getpid() -> c_int;
}

/// Numbers of system calls.
const IS_X86: bool = cfg!(target_arch = "x86_64");
const PTRACE: c_long = if IS_X86 { 101 } else { 117 };
const UNSHARE: c_long = if IS_X86 { 272 } else { 97 };
const KEYCTL: c_long = if IS_X86 { 250 } else { 219 };
const READV: c_long = if IS_X86 { 310 } else { 270 };
const PERF: c_long = if IS_X86 { 298 } else { 241 };
const MOUNT: c_long = if IS_X86 { 165 } else { 40 };
const KILL: c_long = if IS_X86 { 62 } else { 129 };
const SOCKET: c_long = if IS_X86 { 41 } else { 198 };
const CONNECT: c_long = if IS_X86 { 42 } else { 203 };
const SENDTO: c_long = if IS_X86 { 44 } else { 206 };
const IO_URING_SETUP: c_long = 425;

const FAST_OPEN: c_long = 0x2000_0000;

/// Connections that are made to be nobody's.
const FLOOD: usize = 400;

const NEW_USER: c_long = 0x1000_0000;
const TIOCSTI: u64 = 0x5412;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match attempt(&words) {
        Ok(()) => {}
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}

fn attempt(words: &[&str]) -> io::Result<()> {
    match words {
        ["tcp", port] => {
            let mut stream = TcpStream::connect(("127.0.0.1", number(port)))?;
            answered(&mut stream)
        }
        ["through", host, port] => answered(&mut through(host, number(port))?),
        ["carry", host, port, bytes] => carry(through(host, number(port))?, number(bytes)),
        ["plain", host, port] => plain(host, number(port)),
        ["flood"] => {
            for _ in 0..FLOOD {
                let mut stream = TcpStream::connect(door()?.ok_or_else(|| io::Error::other("no proxy"))?)?;
                stream.write_all(b"\x16\x03\x01 no http \r\n").ok();
            }
            Ok(())
        }
        ["fast-open", port] => {
            // A message that makes its connection: no call names the port but this one.
            let socket = call_for(&[SOCKET, 2, 1, 0])?;
            let address = address(number(port));
            call(&[SENDTO, socket, c"?".as_ptr() as c_long, 1, FAST_OPEN, address.as_ptr() as c_long, 16])
        }
        ["mptcp", port] => {
            let socket = call_for(&[SOCKET, 2, 1, 262])?;
            let address = address(number(port));
            call(&[CONNECT, socket, address.as_ptr() as c_long, 16])
        }
        ["serve"] => TcpListener::bind(("0.0.0.0", 0)).map(drop),
        ["udp", port] => {
            let socket = UdpSocket::bind(("127.0.0.1", 0))?;
            socket.set_read_timeout(Some(Duration::from_secs(2)))?;
            socket.send_to(b"?", ("127.0.0.1", number(port)))?;
            socket.recv(&mut [0]).map(drop)
        }
        ["loopback"] => {
            let listener = TcpListener::bind(("127.0.0.1", 0))?;
            let mut stream = TcpStream::connect(listener.local_addr()?)?;
            listener.accept()?.0.write_all(b"!")?;
            stream.read_exact(&mut [0])
        }
        ["unix", path] => answered(&mut UnixStream::connect(path)?),
        ["reach", path] => UnixStream::connect(path).map(drop),
        ["abstract", name] => {
            answered(&mut UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)?)
        }
        ["listen", path] => UnixListener::bind(path).map(drop),
        ["pair"] => {
            let (mut one, mut other) = UnixStream::pair()?;
            one.write_all(b"!")?;
            other.read_exact(&mut [0])
        }
        ["datagram", path] => UnixDatagram::pair()?.0.send_to(b"?", path).map(drop),
        ["trace"] => call(&[PTRACE, 0, 0, 0, 0]),
        ["read-memory"] => read_own_memory(),
        ["keys"] => call(&[KEYCTL, 0, -3, 1]),
        ["measure"] => {
            // A software event: the size of the description, and a clock.
            let mut description = [0_u64; 16];
            description[0] = 1 | (128 << 32);
            call(&[PERF, description.as_ptr() as c_long, 0, -1, -1, 0])
        }
        ["ring"] => {
            let parameters = [0_u8; 120];
            call(&[IO_URING_SETUP, 1, parameters.as_ptr() as c_long])
        }
        ["namespace"] => call(&[UNSHARE, NEW_USER]),
        ["mount", folder] => {
            let folder = std::ffi::CString::new(*folder)?;
            call(&[MOUNT, c"none".as_ptr() as c_long, folder.as_ptr() as c_long, c"tmpfs".as_ptr() as c_long, 0, 0])
        }
        ["type"] => {
            let byte = b' ';
            // SAFETY: the request reads one byte where it is told to.
            done(unsafe { ioctl(io::stdin().as_raw_fd(), TIOCSTI, &raw const byte) }.into())
        }
        ["capabilities"] => {
            let status = std::fs::read_to_string("/proc/self/status")?;
            let mut sets = status.lines().filter_map(|line| line.strip_prefix("CapEff:"));
            let has_any = sets.any(|set| set.trim().chars().any(|digit| digit != '0'));
            has_any.then_some(()).ok_or_else(|| io::Error::other("there are none"))
        }
        ["signal", pid] => call(&[KILL, number::<c_long>(pid), 0]),
        other => Err(io::Error::other(format!("{other:?} is nothing to try"))),
    }
}

fn answered(stream: &mut (impl Read + Write)) -> io::Result<()> {
    stream.write_all(b"?")?;
    stream.read_exact(&mut [0])
}

/// Returns where the proxy is that the environment names.
fn door() -> io::Result<Option<String>> {
    let named = std::env::var("HTTPS_PROXY").ok();
    let place = named.as_deref().map(|named| named.strip_prefix("http://").ok_or(named));
    place.transpose().map(|place| place.map(str::to_owned)).map_err(|named| io::Error::other(named.to_owned()))
}

/// Connects as programs do: through the proxy where there is one.
fn through(host: &str, port: u16) -> io::Result<TcpStream> {
    let Some(door) = door()? else { return TcpStream::connect((host, port)) };
    let mut stream = TcpStream::connect(door)?;
    write!(stream, "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n")?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? > 0 {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let status = head.lines().next().unwrap_or_default();
    if status.contains(" 200 ") { Ok(stream) } else { Err(io::Error::other(status.to_owned())) }
}

/// Sends some bytes to who sends back what it gets, and looks at what comes.
fn carry(mut stream: TcpStream, count: usize) -> io::Result<()> {
    let bytes: Vec<u8> = (0..count).map(|place| (place % 251) as u8).collect();
    let (mut sender, sent) = (stream.try_clone()?, bytes.clone());
    let sending = std::thread::spawn(move || {
        sender.write_all(&sent)?;
        sender.shutdown(std::net::Shutdown::Write)
    });
    let mut back = Vec::new();
    stream.read_to_end(&mut back)?;
    sending.join().map_err(|_| io::Error::other("the sender panicked"))??;
    let told = format!("{} of {count} bytes came back", back.len());
    (back == bytes).then_some(()).ok_or_else(|| io::Error::other(told))
}

/// Asks for a page in plain HTTP, through the proxy.
fn plain(host: &str, port: u16) -> io::Result<()> {
    let mut stream = TcpStream::connect(door()?.ok_or_else(|| io::Error::other("no proxy"))?)?;
    write!(stream, "GET http://{host}:{port}/page HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    println!("{answer}");
    answer.starts_with("HTTP/1.1 200").then_some(()).ok_or_else(|| io::Error::other("refused"))
}

/// Returns the address of a port of this machine as the system takes it.
fn address(port: u16) -> [u8; 16] {
    let [high, low] = port.to_be_bytes();
    let [first, second] = 2_u16.to_ne_bytes();
    [first, second, high, low, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
}

fn read_own_memory() -> io::Result<()> {
    let (from, mut to) = ([7_u8], [0_u8]);
    let local = [to.as_mut_ptr() as usize, 1];
    let remote = [from.as_ptr() as usize, 1];
    // SAFETY: getpid has no preconditions.
    let own = unsafe { getpid() }.into();
    call(&[READV, own, local.as_ptr() as c_long, 1, remote.as_ptr() as c_long, 1, 0])
}

/// Makes a system call that returns a number.
fn call_for(words: &[c_long]) -> io::Result<c_long> {
    let at = |index: usize| words.get(index).copied().unwrap_or(0);
    // SAFETY: the arguments are numbers.
    let answer = unsafe { syscall(words[0], at(1), at(2), at(3)) };
    done(answer).map(|()| answer)
}

/// Makes a system call of at most six arguments.
fn call(words: &[c_long]) -> io::Result<()> {
    let at = |index: usize| words.get(index).copied().unwrap_or(0) as *const c_void;
    // SAFETY: every call here only looks, or reads and writes what its arguments name, which outlives it.
    done(unsafe { syscall(words[0], at(1), at(2), at(3), at(4), at(5), at(6)) })
}

fn done(answer: c_long) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn number<T: std::str::FromStr + Default>(text: &str) -> T {
    text.parse().unwrap_or_default()
}
