//! Threads that nobody waits for give way: a core goes first to those between a record and its view.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Steps of niceness that a thread is behind the process: of a core that others want as well it gets a tenth less
/// for each. It is not given back: a thread without rights can only step further down.
#[derive(Clone, Copy, Debug)]
struct Place(i32);

/// What is shown does not wait for commits of tables, what is read does after a while.
const COMMITS: Place = Place(5);
/// Minutes do not matter to compaction and `_now` tables, but files must not pile up for hours.
const UPKEEP: Place = Place(10);

/// The niceness that the process was started with.
static OWN: LazyLock<i32> = LazyLock::new(|| nice_of("/proc/self/stat").unwrap_or(0));

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

/// Puts the calling thread where upkeep is, without a turn: for what is over in well under a second.
pub(crate) fn step_back() {
    UPKEEP.take();
}

/// Puts the calling thread where upkeep is, and waits for its turn.
pub(crate) fn upkeep() -> MutexGuard<'static, ()> {
    UPKEEP.take();
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    fn take(self) {
        let nice = (*OWN + self.0).clamp(-20, 19);
        // From 0 (nice 19) to 99 (nice -20), rounded down.
        let priority = u8::try_from(99 * (19 - nice) / 39).ok();
        let priority = priority.and_then(|priority| ThreadPriorityValue::try_from(priority).ok());
        let priority = priority.expect("0 to 99");
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

/// The 19th field of a process's or thread's `stat` (`proc_pid_stat(5)`).
fn nice_of(stat: &str) -> Option<i32> {
    let stat = std::fs::read_to_string(stat).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    after_name.split(' ').nth(16)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn nice() -> i32 {
        nice_of("/proc/thread-self/stat").unwrap()
    }

    fn behind(steps: i32) -> i32 {
        (*OWN + steps).min(19)
    }

    #[test]
    fn commits_step_back_with_all_threads_that_they_start() {
        let before = nice();
        let inner = at_commits(|| (nice(), thread::spawn(nice).join().unwrap())).unwrap();
        assert_eq!(inner, (behind(5), behind(5)));
        assert_eq!(nice(), before, "the thread that asked for it stays");
    }

    #[test]
    fn upkeep_steps_back_further_and_one_waits_for_the_other() {
        let turn = thread::spawn(|| {
            let _turn = upkeep();
            assert!(TURN.try_lock().is_err());
            nice()
        });
        assert_eq!(turn.join().unwrap(), behind(10));
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
