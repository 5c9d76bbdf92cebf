//! What the kernel says of this process: CPU time and memory.

use std::fs;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Clock ticks of `/proc/self/stat` in a second: 100 on every Linux.
const TICKS: f64 = 100.0;

/// CPU seconds of this process, user and system, in steps of 10 ms.
pub(crate) fn process_cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    // The name, in parentheses, may hold anything; user and system time are fields 14 and 15.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks
        .map(str::parse::<u64>)
        .sum::<Result<_, _>>()
        .context("read CPU times")?;
    Ok(ticks as f64 / TICKS)
}

/// CPU seconds of the calling thread. What other programs take from it does not count.
pub(crate) fn thread_cpu_seconds() -> Result<f64> {
    // The kernel adds up at ticks and when the thread leaves its core; without this up to 4 ms lack.
    thread::sleep(Duration::from_nanos(1));
    let text =
        fs::read_to_string("/proc/thread-self/schedstat").context("read the thread's schedstat")?;
    let nanos = text.split_whitespace().next().unwrap_or_default();
    let nanos: u64 = nanos.parse().context("read the thread's CPU time")?;
    Ok(nanos as f64 / 1e9)
}

/// Resident memory now.
pub(crate) fn resident_bytes() -> Result<u64> {
    status("VmRSS:")
}

/// The highest resident memory since the start.
pub(crate) fn peak_bytes() -> Result<u64> {
    status("VmHWM:")
}

fn status(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.split_whitespace().next());
    let kib: u64 = kib
        .context("find the memory in /proc/self/status")?
        .parse()
        .context("read the memory")?;
    Ok(kib << 10)
}

/// How often `act` is done a CPU second of this thread, in about `seconds`.
///
/// `act` is called with the number of the call, and what it returns is kept from being optimised away.
pub(crate) fn rate<T>(seconds: f64, mut act: impl FnMut(usize) -> T) -> Result<f64> {
    let (started, before) = (Instant::now(), thread_cpu_seconds()?);
    let mut calls = 0;
    let mut until = 1;
    loop {
        while calls < until {
            black_box(act(calls));
            calls += 1;
        }
        if started.elapsed().as_secs_f64() >= seconds {
            break;
        }
        until += until.div_ceil(8);
    }
    Ok(calls as f64 / (thread_cpu_seconds()? - before))
}

/// What `act` gives, and the CPU seconds of this thread that it took.
pub(crate) fn timed<T>(act: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let before = thread_cpu_seconds()?;
    let given = act()?;
    Ok((given, thread_cpu_seconds()? - before))
}
