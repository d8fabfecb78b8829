//! Copies standard input to standard output with the pipe sizes and read sizes of `sladd`: what a pipe can do at best.
//!
//! `rustc --edition 2024 -O -o copy benches/copy.rs`, then `cat big | ./copy > /dev/null`. One thread, one read of at most
//! 256 KiB, one write of what was read. Not part of the crate: it needs `fcntl` and the standard library only.
#![allow(clippy::unwrap_used)]

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};

const F_SETPIPE_SZ: i32 = 1031;

unsafe extern "C" {
    fn fcntl(fd: i32, command: i32, ...) -> i32;
}

fn main() -> io::Result<()> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    for fd in [stdin.as_raw_fd(), stdout.as_raw_fd()] {
        // SAFETY: plain integers; on a descriptor that is no pipe it fails and changes nothing.
        unsafe { fcntl(fd, F_SETPIPE_SZ, 1 << 20) };
    }
    // SAFETY: both stay open until the end of the process, and nothing else uses them. Files are not buffered.
    let (mut input, mut output) = unsafe { (std::fs::File::from_raw_fd(0), std::fs::File::from_raw_fd(1)) };
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match input.read(&mut buffer)? {
            0 => std::process::exit(0),
            n => output.write_all(&buffer[..n])?,
        }
    }
}
