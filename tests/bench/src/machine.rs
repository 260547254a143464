//! The machine under measurement: its cores, and what processes take of it.

use std::fs;
use std::io;
use std::thread;

use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};

/// A core that threads are pinned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Core(usize);

impl Core {
    /// Pins the calling thread, and threads that it starts later.
    pub fn pin_this_thread(self) -> io::Result<()> {
        Ok(sched_setaffinity(None, &self.set())?)
    }

    /// Pins every thread that `process` has now, and so those that these start later.
    pub fn pin_process(self, process: u32) -> io::Result<()> {
        for thread in threads(process)? {
            match sched_setaffinity(Some(thread), &self.set()) {
                // It ended in between.
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn set(self) -> CpuSet {
        let mut set = CpuSet::new();
        set.set(self.0);
        set
    }
}

/// Which cores do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Envoy's, and nobody else's of this benchmark.
    pub envoy: Option<Core>,
    /// The clients'.
    pub clients: Option<Core>,
    /// The upstream's; with two cores also the clients'.
    pub upstream: Option<Core>,
}

impl Placement {
    /// Places on the cores that this process may use; with a single one nothing is pinned.
    pub fn choose() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let cores: Vec<Core> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).map(Core).collect();
        Ok(match *cores.as_slice() {
            [envoy, clients, upstream, ..] => {
                Self { envoy: Some(envoy), clients: Some(clients), upstream: Some(upstream) }
            }
            [envoy, other] => Self { envoy: Some(envoy), clients: Some(other), upstream: Some(other) },
            _ => Self { envoy: None, clients: None, upstream: None },
        })
    }
}

fn threads(process: u32) -> io::Result<Vec<Pid>> {
    let mut threads = Vec::new();
    for entry in fs::read_dir(format!("/proc/{process}/task"))? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        threads.extend(number.and_then(Pid::from_raw));
    }
    Ok(threads)
}

/// CPU time that all threads of `process` have taken, in nanoseconds.
pub fn cpu_nanoseconds(process: u32) -> io::Result<u64> {
    let mut total = 0;
    for thread in threads(process)? {
        let path = format!("/proc/{process}/task/{}/schedstat", thread.as_raw_nonzero());
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => continue,
            Err(error) => return Err(io::Error::new(error.kind(), format!("{path}: {error}"))),
        };
        let first = text.split(' ').next().and_then(|number| number.parse::<u64>().ok());
        total += first.ok_or_else(|| io::Error::other(format!("{path} holds no time: {text:?}")))?;
    }
    Ok(total)
}

/// Resident memory of `process`, in bytes.
pub fn resident_bytes(process: u32) -> io::Result<u64> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path)?;
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.map(|it| it * 1024).ok_or_else(|| io::Error::other(format!("{path} has no VmRSS")))
}

/// Time that the machine has spent since it started, in ticks.
#[derive(Debug, Clone, Copy)]
pub struct Ticks {
    all: u64,
    /// Neither idle nor waiting.
    busy: u64,
    stolen: u64,
}

impl Ticks {
    /// What `/proc/stat` says now.
    pub fn now() -> io::Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let numbers: Vec<u64> =
            text.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8).flat_map(str::parse).collect();
        let &[user, nice, system, idle, waiting, interrupt, soft_interrupt, stolen] = numbers.as_slice() else {
            return Err(io::Error::other("/proc/stat has fewer columns than Linux 2.6.11"));
        };
        let busy = user + nice + system + interrupt + soft_interrupt + stolen;
        Ok(Self { all: busy + idle + waiting, busy, stolen })
    }

    /// Of the time since `before`, the part that was stolen by the hypervisor, and the part in which a core was busy.
    pub fn since(self, before: Self) -> Usage {
        let part = |now: u64, then: u64| {
            let all = self.all.saturating_sub(before.all).max(1);
            now.saturating_sub(then) as f64 / all as f64
        };
        Usage { stolen: part(self.stolen, before.stolen), busy: part(self.busy, before.busy) }
    }
}

/// Parts of the machine's time, 0 to 1.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Given by the hypervisor to others.
    pub stolen: f64,
    /// Not idle, stolen time included.
    pub busy: f64,
}

/// Number of cores that the calling thread may use.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_can_be_measured() {
        let me = std::process::id();
        let before = cpu_nanoseconds(me).unwrap();
        let mut sum = 0_u64;
        while cpu_nanoseconds(me).unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(resident_bytes(me).unwrap() > 100_000);
        let ticks = Ticks::now().unwrap();
        let usage = Ticks::now().unwrap().since(ticks);
        assert!((0.0..=1.0).contains(&usage.busy), "{usage:?}");
    }
}
