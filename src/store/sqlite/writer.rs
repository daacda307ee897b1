//! The one writer: a thread that carries out what is waiting, many jobs in one transaction.
//!
//! A job is answered only once its transaction is on the disk. Where one fails, the group is carried out again with each
//! job in a savepoint of its own, so that it takes nothing of the others with it; where the file itself fails, all of the
//! group fail, and the writer opens the file again for the next group: a disk that was full needs no restart.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    thread,
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{Role, fault, keys, schema, wal::Wal};
use crate::{news::Moment, store::StoreError};

/// Jobs that may wait before whoever brings another has to: a burst of a newsroom, and not more memory than that.
const WAITING: usize = 256;

/// Jobs in one transaction. Syncing the disk costs as much for one as for many, so more is better; but all of them wait
/// for the last, and the command line waits for all of them.
const GROUP: usize = 64;

/// How soon after a transaction began the next one does, at the earliest. A lone job never waits; where many come at once,
/// each group pays for one sync, one look of the followers and one walk along the readers.
const GATHERED: Duration = Duration::from_millis(4);

/// Who is to look once a job is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wakes {
    /// The followers: there may be a change of a feed.
    Followers,
    /// Nobody: there is none.
    Nobody,
}

/// One job: what to do in a transaction, and whom to tell.
trait Job: Send {
    /// Does it, and keeps the answer. It may be done again, where the first time was taken back.
    fn run(&mut self, db: &Connection) -> Result<(), StoreError>;

    /// Who is to look afterwards.
    fn wakes(&self) -> Wakes;

    /// Tells what came of it, or why nothing did.
    fn answer(self: Box<Self>, failed: Option<&StoreError>);
}

struct Waiting<T, F> {
    act: F,
    wakes: Wakes,
    outcome: Option<T>,
    asked: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: Fn(&Connection) -> Result<T, StoreError> + Send> Job for Waiting<T, F> {
    fn run(&mut self, db: &Connection) -> Result<(), StoreError> {
        self.outcome = Some((self.act)(db)?);
        Ok(())
    }

    fn wakes(&self) -> Wakes {
        self.wakes
    }

    fn answer(self: Box<Self>, failed: Option<&StoreError>) {
        let answer = match (failed, self.outcome) {
            (None, Some(outcome)) => Ok(outcome),
            (Some(error), _) => Err(error.clone()),
            (None, None) => Err(fault::closed()),
        };
        // Whoever asked may have gone: then the outcome stands, and nobody is told.
        drop(self.asked.send(answer));
    }
}

/// The way to the writer.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl Writer {
    /// Starts it on an open connection. Followers watch `committed`. It ends once all ways to it are gone.
    pub(super) fn start(
        mut db: Connection,
        file: PathBuf,
        role: Role,
        committed: watch::Sender<u64>,
        wal: Arc<Wal>,
    ) -> Result<(Self, thread::JoinHandle<()>), StoreError> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        wal.watch(&mut db)?;
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || Loop { db: Some(db), file, role, committed, wal, waiting }.run())
            .map_err(|error| StoreError::Unavailable(format!("no thread for the writer: {error}")))?;
        Ok((Self { jobs }, thread))
    }

    /// Carries out a job and waits until it is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        act: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.carry_out(act, Wakes::Followers).await
    }

    /// The same for a job that changes no feed: a check of health, say.
    pub(super) async fn beside_feeds<T: Send + 'static>(
        &self,
        act: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.carry_out(act, Wakes::Nobody).await
    }

    async fn carry_out<T: Send + 'static>(
        &self,
        act: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
        wakes: Wakes,
    ) -> Result<T, StoreError> {
        let (asked, answer) = oneshot::channel();
        let job = Box::new(Waiting { act, wakes, outcome: None, asked });
        self.jobs.send(job).await.map_err(|_| fault::closed())?;
        answer.await.map_err(|_| fault::closed())?
    }
}

struct Loop {
    /// None after a failure, until it is opened again.
    db: Option<Connection>,
    file: PathBuf,
    role: Role,
    committed: watch::Sender<u64>,
    wal: Arc<Wal>,
    waiting: mpsc::Receiver<Box<dyn Job>>,
}

impl Loop {
    /// What wakes it: a job, or the end of all ways to it.
    fn run(mut self) {
        let mut next = Instant::now();
        while let Some(first) = self.waiting.blocking_recv() {
            while let early = next.saturating_duration_since(Instant::now())
                && !early.is_zero()
            {
                thread::park_timeout(early);
            }
            next = Instant::now() + GATHERED;
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(next) = self.waiting.try_recv()
            {
                group.push(next);
            }
            self.carry_out(group);
        }
    }

    fn carry_out(&mut self, mut group: Vec<Box<dyn Job>>) {
        let mut failed: Vec<Option<StoreError>> = vec![None; group.len()];
        // A panic is a defect of ours: it costs its group, and not the writer.
        let done = catch_unwind(AssertUnwindSafe(|| self.transact(&mut group, &mut failed)));
        let done = done.unwrap_or_else(|_| Err(StoreError::Corrupt("a write panicked".to_owned())));
        if done.is_err() {
            self.db = None;
        } else if group.iter().any(|job| job.wakes() == Wakes::Followers) {
            self.committed.send_modify(|commits| *commits += 1);
        }
        for (job, failed) in group.into_iter().zip(failed) {
            job.answer(done.as_ref().err().or(failed.as_ref()));
        }
    }

    /// One transaction over all jobs. An error is that of the file: then nothing of the group is committed, as far as
    /// can be known.
    fn transact(&mut self, group: &mut [Box<dyn Job>], failed: &mut [Option<StoreError>]) -> Result<(), StoreError> {
        let db = match &mut self.db {
            Some(db) => db,
            closed => {
                let mut db = schema::writing(&self.file, self.role)?;
                self.wal.watch(&mut db)?;
                closed.insert(db)
            }
        };
        self.wal.restart_if_asked(db, self.role.waits());
        let mut all = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // A savepoint copies every page that its job touches: it is made only where one is needed.
        match group.iter_mut().try_for_each(|job| job.run(&all)) {
            Ok(()) => {}
            Err(error @ StoreError::Unavailable(_)) => return Err(error),
            Err(_) => {
                all.rollback()?;
                all = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
                one_by_one(&mut all, group, failed)?;
            }
        }
        keys::forget_old(&all, Moment::of_this_machine(), 2 * GROUP)?;
        Ok(all.commit()?)
    }
}

/// Runs each job in a savepoint, and tells which have failed.
fn one_by_one(
    all: &mut Transaction<'_>,
    group: &mut [Box<dyn Job>],
    failed: &mut [Option<StoreError>],
) -> Result<(), StoreError> {
    for (job, failed) in group.iter_mut().zip(failed) {
        let mut one = all.savepoint()?;
        match job.run(&one) {
            Ok(()) => one.commit()?,
            Err(error @ StoreError::Unavailable(_)) => return Err(error),
            Err(error) => {
                one.rollback()?;
                one.commit()?;
                *failed = Some(error);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[tokio::test]
    async fn a_job_that_fails_takes_nothing_of_its_group_with_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("feeds.db");
        let mut db = schema::writing(&file, Role::Server).expect("opens");
        schema::create(&mut db).expect("tables");
        db.execute_batch("CREATE TABLE said (word TEXT)").expect("a table");
        let committed = watch::Sender::new(0);
        let (writer, _thread) = Writer::start(db, file, Role::Server, committed, Arc::default()).expect("starts");
        let say = |word: &'static str, fails: bool| {
            writer.write(move |db: &Connection| {
                db.execute("INSERT INTO said VALUES (?)", [word])?;
                if fails { Err(StoreError::Corrupt(word.to_owned())) } else { Ok(()) }
            })
        };
        // The others wait for this one, and so are a group.
        let (go, gone) = sync_channel::<()>(0);
        let gone = std::sync::Mutex::new(gone);
        let first = writer.write(move |_: &Connection| {
            // Where it is in their group, it is carried out again, and nobody tells it twice.
            let _told_or_never = gone.lock().expect("free").recv();
            Ok(())
        });
        let all = async { tokio::join!(say("one", false), say("two", true), say("three", false)) };
        let let_go = async { tokio::task::spawn_blocking(move || go.send(()).expect("it waits")).await.expect("sent") };
        let (first, (one, two, three), ()) = tokio::join!(first, all, let_go);
        first.expect("done");
        one.expect("done");
        three.expect("done");
        assert!(matches!(two, Err(StoreError::Corrupt(word)) if word == "two"));
        let said = writer.write(|db: &Connection| {
            let mut said = db.prepare("SELECT word FROM said ORDER BY word")?;
            Ok(said.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?)
        });
        assert_eq!(said.await.expect("reads"), ["one", "three"]);
    }

    #[tokio::test]
    async fn a_job_that_panics_costs_its_group_and_not_the_writer() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("feeds.db");
        let mut db = schema::writing(&file, Role::Server).expect("opens");
        schema::create(&mut db).expect("tables");
        let committed = watch::Sender::new(0);
        let (writer, _thread) = Writer::start(db, file, Role::Server, committed, Arc::default()).expect("starts");
        let panics = writer.write(|_: &Connection| -> Result<(), StoreError> { panic!("on purpose") }).await;
        assert!(matches!(panics, Err(StoreError::Corrupt(_))), "{panics:?}");
        let feeds = |db: &Connection| Ok(db.query_row("SELECT count(*) FROM feeds", [], |row| row.get::<_, i64>(0))?);
        assert_eq!(writer.write(feeds).await.expect("it goes on"), 0);
    }
}
