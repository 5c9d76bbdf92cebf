//! A panic in a thread of a job raises the job's fault, and whoever waits for the thread is let go.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{bounded, unbounded};
use lake::{Lake, LakeError, Owner, Table};
use model::admission::{AdmissionSettings, Partition};
use model::view::{Origin, ViewKey};
use model::{Epoch, PartitionId, Topic};
use sources::{
    Limits, PartitionReader, Polled, RecordBatch, Source, SourceError, SourceStatus, StopFlag, Wake,
};
use tempfile::TempDir;
use views::{
    Answer, Call, Cursor, ListOrder, Page, Snapshot, ViewError, ViewReader, ViewStore, ViewWriter,
};

use super::sinks::{Context, Egress, Routing, Sinks};
use crate::config::Job;
use crate::egress::{
    Committer, FinishedEpoch, FromWorker, InputTables, LikeTables, Said, Sinking, TableGroup,
    ValuationTables, ViewHost, ViewPlan, ViewQueue, ViewSink,
};
use crate::error::{Fault, JobError};
use crate::feeder::Feed;
use crate::flow::FlowGate;
use crate::folder::{Generation, JobFolder};
use crate::ingress::{PartitionPlan, Readers};
use crate::keeper::Keeper;
use crate::scrub::Anew;
use crate::status::Status;
use crate::watch::Watch;
use crate::workers::Workers;

const ON_PURPOSE: &str = "on purpose";

/// What the threads of a job share.
struct Shared {
    folder: TempDir,
    job: Job,
    status: Arc<Status>,
    gate: Arc<FlowGate>,
    stop: StopFlag,
    fault: Fault,
}

impl Shared {
    fn new() -> Self {
        let required = ["dataflow", "inputs", "valuations", "likes"];
        let (gate, stop) = (
            Arc::new(FlowGate::new(1, 1, &required)),
            StopFlag::default(),
        );
        Self {
            folder: tempfile::tempdir().unwrap(),
            job: Job::default(),
            status: Arc::default(),
            fault: Fault::new(stop.clone(), Arc::clone(&gate)),
            gate,
            stop,
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            job: &self.job,
            status: &self.status,
            gate: &self.gate,
            fault: &self.fault,
        }
    }

    fn job_folder(&self) -> JobFolder {
        JobFolder::open(self.folder.path()).unwrap()
    }

    /// Asserts that the job ends, with that reason.
    #[track_caller]
    fn ends_because(&self, what: &str) {
        assert_eq!(self.fault.first(), Some(what));
        assert!(self.stop.is_set() && self.gate.is_closed());
    }
}

/// Waits for what must come to an end.
#[track_caller]
fn ended<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waited) = bounded(1);
    thread::spawn(move || done.send(wait()));
    waited
        .recv_timeout(Duration::from_secs(30))
        .expect("the wait ends, without a panic")
}

struct Group;

impl TableGroup for Group {
    type Feed = FinishedEpoch;

    fn name(&self) -> &'static str {
        "likes"
    }

    fn epoch(feed: &FinishedEpoch) -> Epoch {
        feed.epoch
    }

    fn take(&mut self, _: &FinishedEpoch) {
        panic!("{ON_PURPOSE}");
    }

    fn rows(&self) -> usize {
        0
    }

    fn commit(&mut self, _: Epoch) -> Result<(), LakeError> {
        Ok(())
    }

    fn tables_mut(&mut self) -> Vec<&mut Table> {
        Vec::new()
    }
}

#[test]
fn a_panic_of_a_group_of_tables_ends_the_job() {
    let shared = Shared::new();
    let sinking = Sinking {
        after: Duration::ZERO,
        rows_max: 1,
        maintain: Duration::from_secs(60),
        history: Duration::ZERO,
    };
    let (gate, status) = (Arc::clone(&shared.gate), Arc::clone(&shared.status));
    let committer =
        Committer::start(Group, sinking, gate, status, &shared.fault, "no commit").unwrap();
    committer.feed(Arc::new(FinishedEpoch::default()));
    ended(|| committer.end().finish()).unwrap();
    shared.ends_because("a table's thread panicked");
}

#[test]
fn a_panic_of_the_router_ends_the_job() {
    let shared = Shared::new();
    let lake = Lake::open(&shared.folder.path().join("tables")).unwrap();
    let owner = Owner {
        job: "test".to_owned(),
        generation: 1,
    };
    let rules = odds::shipped("kms_2026_03").unwrap();
    let status = Arc::clone(&shared.status);
    let sinks = Sinks {
        inputs: InputTables::open(&lake, &owner, &[Topic::Likes], 0, status).unwrap(),
        valuations: ValuationTables::open(&lake, &owner, rules.hash()).unwrap(),
        likes: LikeTables::open(&lake, &owner).unwrap(),
    };
    let egress = Egress::start(
        &shared.context(),
        sinks,
        &lake,
        &owner,
        "rules",
        Anew::default(),
    )
    .unwrap();
    let (said, listened) = unbounded();
    let queue = Arc::new(ViewQueue::new(1));
    let routing = Routing::start(
        &shared.context(),
        listened,
        egress,
        &queue,
        unbounded().0,
        None,
        false,
    )
    .unwrap();
    // Nobody has announced it.
    let stray = FromWorker::LikeCounts(Epoch(5), Vec::new());
    assert!(said.send(Said::Worker(stray)).is_ok());
    ended(|| routing.finish(false)).unwrap();
    shared.ends_because("the router panicked");
}

struct Store;

impl ViewReader for Store {
    fn place(&self) -> &str {
        "nowhere"
    }

    fn order(&self) -> ListOrder {
        ListOrder::ById
    }

    fn read(&mut self, _: &[ViewKey]) -> Result<Snapshot, ViewError> {
        panic!("{ON_PURPOSE}");
    }

    fn list(&mut self, _: Option<&Cursor>, _: u32) -> Result<Page, ViewError> {
        panic!("{ON_PURPOSE}");
    }
}

impl ViewStore for Store {
    fn apply(&mut self, _: &Call) -> Result<Answer, ViewError> {
        panic!("{ON_PURPOSE}");
    }
}

#[test]
fn a_panic_of_the_views_ends_the_job() {
    let shared = Shared::new();
    let status = Arc::clone(&shared.status);
    let host = ViewHost::new(shared.job_folder(), shared.stop.clone(), status);
    let origin = Origin {
        code: "code".to_owned(),
        ruleset: "rules".to_owned(),
    };
    let plan = ViewPlan {
        writer: ViewWriter::new(Store, host, 1, origin),
        queue: Arc::new(ViewQueue::new(1)),
        since: Epoch(0),
        probe: Duration::from_secs(1),
        want_read_out: Box::new(|| {}),
        want_pass: Box::new(|_| {}),
        scrub: None,
        status: Arc::clone(&shared.status),
    };
    let sink = ViewSink::start(plan, &shared.fault).unwrap();
    ended(|| sink.finish()).unwrap();
    shared.ends_because("the view thread panicked");
}

struct Reader;

impl PartitionReader for Reader {
    fn partition(&self) -> PartitionId {
        PartitionId {
            topic: Topic::Likes,
            partition: 0,
        }
    }

    fn next_offset(&self) -> i64 {
        0
    }

    fn wake_with(&mut self, _: Wake) {}

    fn poll(
        &mut self,
        _: &mut RecordBatch,
        _: Limits,
        _: Option<i64>,
        _: Duration,
    ) -> Result<Polled, SourceError> {
        panic!("{ON_PURPOSE}");
    }
}

#[test]
fn a_panic_of_a_reader_ends_the_job() {
    let shared = Shared::new();
    let settings = AdmissionSettings {
        dedup_horizon_millis: 0,
        dedup_ids_max: 0,
    };
    let plan = PartitionPlan {
        reader: Box::new(Reader),
        state: Partition::new(Topic::Likes, settings),
        cuts: VecDeque::new(),
        end: None,
    };
    let readers = Readers::start(vec![plan], 1, &shared.stop, &shared.fault).unwrap();
    ended(|| readers.join());
    shared.ends_because("a reader panicked");
}

struct Broken;

impl Source for Broken {
    fn partitions(&self) -> Result<Vec<PartitionId>, SourceError> {
        Ok(Vec::new())
    }

    fn start_offsets(&self) -> Result<BTreeMap<PartitionId, i64>, SourceError> {
        panic!("{ON_PURPOSE}");
    }

    fn end_offsets(&self) -> Result<BTreeMap<PartitionId, i64>, SourceError> {
        panic!("{ON_PURPOSE}");
    }

    fn open(&self, _: PartitionId, _: i64) -> Result<Box<dyn PartitionReader>, SourceError> {
        panic!("{ON_PURPOSE}");
    }

    fn status(&self) -> SourceStatus {
        panic!("{ON_PURPOSE}");
    }

    fn commit_for_lag(&self, _: &BTreeMap<PartitionId, i64>) -> Result<(), SourceError> {
        panic!("{ON_PURPOSE}");
    }
}

#[test]
fn a_panic_of_the_keeper_ends_the_job() {
    let shared = Shared::new();
    let keeper = Keeper::start(
        &shared.context(),
        Arc::new(Broken),
        (shared.stop.clone(), shared.stop.clone()),
        (shared.job_folder(), Generation(1)),
        &[],
        false,
    )
    .unwrap();
    ended(|| keeper.finish());
    shared.ends_because("the keeper panicked");
}

#[test]
fn a_panic_of_the_watch_ends_the_job() {
    let shared = Shared::new();
    let guard = shared.fault.guard("the watch panicked");
    let status = Some(Arc::clone(&shared.status));
    let watch = Watch::start(Arc::new(Broken), status, Some(guard)).unwrap();
    ended(|| watch.finish());
    shared.ends_because("the watch panicked");
}

#[test]
fn a_panic_of_one_worker_of_two_ends_the_job() {
    let shared = Shared::new();
    let settings = graphs::Settings::new(odds::shipped("kms_2026_03").unwrap());
    let (said, _listened) = unbounded();
    let (priced, _priced) = unbounded();
    let status = Arc::default();
    let (workers, handles) =
        Workers::start(2, settings, (&said, &priced), &shared.fault, &status).unwrap();
    // Only this one is told to go back in time.
    for epoch in [5, 3] {
        assert!(handles[1].feeds.send(Feed::Close(Epoch(epoch))).is_ok());
    }
    for handle in handles {
        drop(handle.feeds);
        handle.thread.unpark();
    }
    let joined = ended(|| workers.join());
    assert!(matches!(joined, Err(JobError::Workers(_))), "{joined:?}");
    shared.ends_because("a dataflow worker panicked");
}
