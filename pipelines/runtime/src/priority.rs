//! Threads that nobody waits for give way: a core goes first to those between a record and its view.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// How much of a core a thread gets that others want as well: from 0 (nice 19) over 48 (nice 0, as others) to
/// 99. It is not given back: a thread without rights can only step further down.
#[derive(Clone, Copy, Debug)]
struct Place(u8);

/// Nice 5: what is shown does not wait for commits of tables, what is read does after a while.
const COMMITS: Place = Place(35);
/// Nice 10: minutes do not matter to compaction and `_now` tables, but files must not pile up for hours.
const UPKEEP: Place = Place(22);

/// Upkeep is done by one thread of a process at a time: it never has more than one core.
static TURN: Mutex<()> = Mutex::new(());

/// Puts the calling thread, and those that it starts later, where commits of tables are.
pub(crate) fn commits() {
    COMMITS.take();
}

/// Does `work` on a thread where commits of tables are: threads that it starts stay there.
pub(crate) fn at_commits<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().spawn_scoped(scope, || {
            COMMITS.take();
            work()
        })?;
        Ok(worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Puts the calling thread where upkeep is, and waits for its turn.
pub(crate) fn upkeep() -> MutexGuard<'static, ()> {
    UPKEEP.take();
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    fn take(self) {
        let priority = ThreadPriorityValue::try_from(self.0).expect("at most 99");
        let taken = set_thread_priority_and_policy(
            thread_native_id(),
            ThreadPriority::Crossplatform(priority),
            ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other),
        );
        if let Err(error) = taken {
            tracing::debug!(?error, "a thread keeps its priority");
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The 19th field of a thread's `stat` (`proc_pid_stat(5)`).
    fn nice() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, after_name) = stat.rsplit_once(") ").unwrap();
        after_name.split(' ').nth(16).unwrap().parse().unwrap()
    }

    #[test]
    fn commits_step_back_with_all_threads_that_they_start() {
        let before = nice();
        let inner = at_commits(|| (nice(), thread::spawn(nice).join().unwrap())).unwrap();
        assert_eq!(inner, (5, 5));
        assert_eq!(nice(), before, "the thread that asked for it stays");
    }

    #[test]
    fn upkeep_steps_back_further_and_one_waits_for_the_other() {
        let turn = thread::spawn(|| {
            let _turn = upkeep();
            assert!(TURN.try_lock().is_err());
            nice()
        });
        assert_eq!(turn.join().unwrap(), 10);
    }

    #[test]
    fn a_turn_that_ends_in_a_panic_is_over() {
        let panicked = thread::spawn(|| {
            let _turn = upkeep();
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        thread::spawn(|| drop(upkeep())).join().unwrap();
    }
}
