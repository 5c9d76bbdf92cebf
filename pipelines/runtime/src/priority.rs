//! Threads that nobody waits for give way: a core goes first to those between a record and its view.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Commits of tables: what is shown does not wait for them, what is read does after a while.
pub(crate) const COMMITS: Niceness = Niceness(5);
/// Compaction and `_now` tables: minutes do not matter.
const UPKEEP: Niceness = Niceness(10);

/// Held by the one thread that does upkeep.
static TURN: Mutex<()> = Mutex::new(());

/// Steps back for upkeep and waits for its turn: one thread of a process does upkeep at a time, so that it
/// never has more than one core.
pub(crate) fn upkeep_turn() -> MutexGuard<'static, ()> {
    UPKEEP.take();
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A nice value, from 0 (as others) to 19 (only when nobody else wants the core).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Niceness(i32);

impl Niceness {
    /// Gives the calling thread this value, and with it the threads that it starts later. It is not given
    /// back: a thread without rights can only step further down.
    pub(crate) fn take(self) {
        // Elsewhere the value is one of the whole process.
        #[cfg(target_os = "linux")]
        {
            let own = rustix::process::getpriority_process(None);
            let set =
                own.and_then(|own| rustix::process::setpriority_process(None, self.0.max(own)));
            if let Err(error) = set {
                tracing::debug!(%error, "a thread keeps its priority");
            }
        }
    }

    /// Runs `work` on a thread of this value: threads that it starts have it as well.
    pub(crate) fn run<T: Send>(self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                self.take();
                work()
            });
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn own() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[test]
    fn a_thread_steps_back_with_those_it_starts_and_no_other() {
        let before = own();
        let inner = UPKEEP.run(|| (own(), thread::spawn(own).join().unwrap()));
        assert_eq!(inner, (10.max(before), 10.max(before)));
        assert_eq!(own(), before);
    }

    #[test]
    fn a_thread_never_steps_forward() {
        UPKEEP.run(|| {
            COMMITS.take();
            assert!(own() >= UPKEEP.0);
        });
    }
}
