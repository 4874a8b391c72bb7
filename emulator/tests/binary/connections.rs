//! Many connections at a time.

use std::net::TcpStream;
use std::process::Child;

use crate::running::{Running, exchange};

#[test]
fn ten_thousand_connections_are_served() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let emulator = Running::start(&["--port", "0"], &[]);
    // This process needs as many descriptors as the emulator: as many as it gets.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _as_it_was = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let count = allowed.saturating_sub(500).min(10_000);
    let before = resident_bytes(&emulator.child);
    let mut sockets = Vec::new();
    for number in 0..count {
        let connected = TcpStream::connect(&emulator.address);
        let mut socket = connected.unwrap_or_else(|error| panic!("connection {number}: {error}"));
        assert_eq!(exchange(&mut socket, "ListStreams", "{}").0, 200, "connection {number}");
        sockets.push(socket);
    }
    let each = resident_bytes(&emulator.child).saturating_sub(before) / count.max(1);
    println!("{count} connections are open at a time, and each takes {each} bytes");
    for (number, socket) in sockets.iter_mut().enumerate().step_by(10) {
        assert_eq!(exchange(socket, "ListStreams", "{}").0, 200, "connection {number}, again");
    }
}

/// What a process has in memory, where the system says so; otherwise 0.
fn resident_bytes(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()));
    let status = status.unwrap_or_default();
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    kibibytes.map_or(0, |text| {
        text.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of KiB") * 1024
    })
}
