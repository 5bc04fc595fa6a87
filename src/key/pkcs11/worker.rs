//! The threads on which the calls of one module are made.
//!
//! A driver may be written for one thread, may take seconds, and may never
//! come back. So nobody calls it from a thread of their own: calls wait in one
//! queue, and who waits for one can leave.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// How often a caller who can be called off looks whether that has happened.
const LOOK: Duration = Duration::from_millis(20);

/// A switch that ends waiting for a token, from whatever thread. Cloning shares it.
///
/// The call that is under way cannot be broken off, since PKCS#11 has no way to
/// do so; its result is thrown away when it comes, and no further one is begun.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Not yet cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all waiting that was told of this switch, now and later.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How long to wait for a call. Waiting for its turn does not count.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    pub(super) limit: Duration,
    pub(super) cancellation: Option<Cancellation>,
    /// Calls are made by whoever asks for them, and waited for however long they take.
    pub(super) on_caller: bool,
}

impl Patience {
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancellation.as_ref().is_some_and(Cancellation::is_cancelled)
    }
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoResult {
    /// The caller was called off.
    Cancelled,
    /// The call was begun and took longer than allowed.
    TooSlow,
    /// It was not begun, since an earlier call does not come back.
    Stuck,
    /// It went down in the middle.
    Panicked,
    /// The system gives no thread.
    NoThread,
}

/// The queue of one module and the threads that serve it.
pub(super) struct Worker(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: VecDeque<Task>,
    threads: usize,
    idle: usize,
    /// How many threads there may be.
    most: usize,
    /// Threads in a call that nobody waits for any more.
    stuck: usize,
}

type Task = Box<dyn FnOnce(Turn) + Send>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Run,
    Refuse,
}

/// Where a call is.
enum Phase<T> {
    Queued,
    Running(Instant),
    Done(T),
    Ended(NoResult),
    /// The caller has left.
    Left,
}

struct Ticket<T> {
    phase: Mutex<Phase<T>>,
    changed: Condvar,
}

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread makes a module's calls.
pub(super) fn is_worker() -> bool {
    IS_WORKER.get()
}

impl Worker {
    /// With one thread, which begins when it is needed.
    pub(super) fn new() -> Self {
        let state = State { queue: VecDeque::new(), threads: 0, idle: 0, most: 1, stuck: 0 };
        Self(Arc::new(Inner { state: Mutex::new(state), work: Condvar::new() }))
    }

    /// From now on up to so many calls are made side by side.
    pub(super) fn allow(&self, threads: usize) {
        self.0.lock().most = threads.max(1);
    }

    /// Makes a call and waits for it.
    pub(super) fn run<T: Send + 'static>(
        &self,
        patience: &Patience,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoResult> {
        if patience.is_cancelled() {
            return Err(NoResult::Cancelled);
        }
        if patience.on_caller {
            return Ok(f());
        }
        let ticket = Arc::new(Ticket { phase: Mutex::new(Phase::Queued), changed: Condvar::new() });
        let (theirs, inner) = (Arc::clone(&ticket), Arc::clone(&self.0));
        self.submit(Box::new(move |turn| theirs.serve(turn, &inner, f)))?;
        ticket.wait(patience, &self.0)
    }

    fn submit(&self, task: Task) -> Result<(), NoResult> {
        let mut state = self.0.lock();
        if state.stuck >= state.most {
            return Err(NoResult::Stuck);
        }
        // Those that are idle have been woken for what is in the queue already.
        if state.idle <= state.queue.len() && state.threads < state.most {
            let inner = Arc::clone(&self.0);
            let spawned = std::thread::Builder::new().name("kyso-pkcs11".into()).spawn(move || inner.serve());
            match spawned {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads == 0 => return Err(NoResult::NoThread),
                Err(_) => {}
            }
        }
        state.queue.push_back(task);
        let idle = state.idle > 0;
        drop(state);
        // Those that are in a call look at the queue when they come back.
        if idle {
            self.0.work.notify_one();
        }
        Ok(())
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a thread. It has no end, as the module is never unloaded.
    fn serve(&self) {
        IS_WORKER.set(true);
        let mut state = self.lock();
        loop {
            match state.queue.pop_front() {
                Some(task) => {
                    drop(state);
                    task(Turn::Run);
                    state = self.lock();
                }
                None => {
                    state.idle += 1;
                    state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.idle -= 1;
                }
            }
        }
    }

    /// A caller leaves a call that goes on; who waits for a turn that may never come is told.
    fn leave(&self) -> VecDeque<Task> {
        let mut state = self.lock();
        state.stuck += 1;
        if state.stuck >= state.most { std::mem::take(&mut state.queue) } else { VecDeque::new() }
    }

    /// A call came back after all.
    fn come_back(&self) {
        self.lock().stuck -= 1;
    }
}

impl<T> Ticket<T> {
    fn lock(&self) -> MutexGuard<'_, Phase<T>> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, turn: Turn, inner: &Inner, f: impl FnOnce() -> T) {
        {
            let mut phase = self.lock();
            match (&*phase, turn) {
                (Phase::Left, _) => return,
                (_, Turn::Refuse) => *phase = Phase::Ended(NoResult::Stuck),
                // Nobody is woken for this, which would cost as much as to be woken for the
                // result: who waits looks at the clock when it is time to.
                (_, Turn::Run) => *phase = Phase::Running(now()),
            }
        }
        if turn == Turn::Refuse {
            self.changed.notify_one();
            return;
        }
        // A panic must not take the one thread of the module along.
        let result = catch_unwind(AssertUnwindSafe(f));
        let mut phase = self.lock();
        if matches!(*phase, Phase::Left) {
            // The locks of ticket and queue are taken in this order everywhere.
            inner.come_back();
            return;
        }
        *phase = result.map_or(Phase::Ended(NoResult::Panicked), Phase::Done);
        drop(phase);
        self.changed.notify_one();
    }

    fn wait(&self, patience: &Patience, inner: &Inner) -> Result<T, NoResult> {
        let mut phase = self.lock();
        loop {
            let left = match &*phase {
                Phase::Done(_) | Phase::Ended(_) => break,
                _ if patience.is_cancelled() => return Err(self.leave(phase, inner, NoResult::Cancelled)),
                Phase::Running(since) => patience.limit.saturating_sub(since.elapsed()),
                // Its turn may begin just after this look.
                _ => patience.limit.max(LOOK),
            };
            if left.is_zero() {
                return Err(self.leave(phase, inner, NoResult::TooSlow));
            }
            let step = if patience.cancellation.is_some() { left.min(LOOK) } else { left };
            phase = self.changed.wait_timeout(phase, step).unwrap_or_else(PoisonError::into_inner).0;
        }
        match std::mem::replace(&mut *phase, Phase::Left) {
            Phase::Done(value) => Ok(value),
            Phase::Ended(why) => Err(why),
            // The loop ends with one of the two.
            Phase::Queued | Phase::Running(_) | Phase::Left => Err(NoResult::Panicked),
        }
    }

    fn leave(&self, mut phase: MutexGuard<'_, Phase<T>>, inner: &Inner, why: NoResult) -> NoResult {
        let running = matches!(*phase, Phase::Running(_));
        *phase = Phase::Left;
        let waiting = if running { inner.leave() } else { VecDeque::new() };
        drop(phase);
        for task in waiting {
            task(Turn::Refuse);
        }
        why
    }
}

#[allow(clippy::disallowed_methods)] // measures a device and decides nothing
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const FOREVER: Duration = Duration::from_secs(3600);

    fn patience(limit: Duration) -> Patience {
        Patience { limit, cancellation: None, on_caller: false }
    }

    #[test]
    fn calls_are_made_one_by_one_on_one_thread() {
        let worker = Arc::new(Worker::new());
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let worker = Arc::clone(&worker);
                std::thread::spawn(move || worker.run(&patience(FOREVER), || std::thread::current().id()).unwrap())
            })
            .map(|t| t.join().unwrap())
            .collect();
        assert!(threads.iter().all(|id| *id == threads[0] && *id != std::thread::current().id()));
    }

    #[test]
    fn who_leaves_a_call_that_hangs_frees_those_behind() {
        let worker = Arc::new(Worker::new());
        let (release, hung) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel();
        let switch = Cancellation::new();
        let call = {
            let (worker, switch) = (Arc::clone(&worker), switch.clone());
            std::thread::spawn(move || {
                let patience = Patience { limit: FOREVER, cancellation: Some(switch), on_caller: false };
                worker.run(&patience, move || {
                    began.send(()).unwrap();
                    hung.recv()
                })
            })
        };
        begun.recv().unwrap();
        let behind = {
            let worker = Arc::clone(&worker);
            std::thread::spawn(move || worker.run(&patience(FOREVER), || ()))
        };
        while worker.0.lock().queue.is_empty() {
            std::thread::yield_now();
        }
        switch.cancel();
        assert_eq!(call.join().unwrap().unwrap_err(), NoResult::Cancelled);
        assert_eq!(behind.join().unwrap().unwrap_err(), NoResult::Stuck);
        assert_eq!(worker.run(&patience(FOREVER), || ()).unwrap_err(), NoResult::Stuck);
        // It comes back, and all is as before.
        release.send(()).unwrap();
        while worker.0.lock().stuck > 0 {
            std::thread::yield_now();
        }
        assert_eq!(worker.run(&patience(FOREVER), || 7).unwrap(), 7);
    }

    #[test]
    fn a_call_over_its_limit_is_left_and_others_go_on_where_they_may() {
        let worker = Worker::new();
        worker.allow(2);
        let (release, hung) = mpsc::channel::<()>();
        assert_eq!(worker.run(&patience(Duration::ZERO), move || hung.recv()).unwrap_err(), NoResult::TooSlow);
        assert_eq!(worker.run(&patience(FOREVER), || 7).unwrap(), 7);
        drop(release);
    }

    #[test]
    fn the_limit_counts_from_the_beginning_of_a_call_and_not_from_its_queue() {
        let worker = Arc::new(Worker::new());
        let (release, hung) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel();
        let first = {
            let worker = Arc::clone(&worker);
            std::thread::spawn(move || {
                worker.run(&patience(FOREVER), move || {
                    began.send(()).unwrap();
                    hung.recv()
                })
            })
        };
        begun.recv().unwrap();
        let second = {
            let worker = Arc::clone(&worker);
            std::thread::spawn(move || worker.run(&patience(Duration::from_millis(1)), std::thread::park))
        };
        while worker.0.lock().queue.is_empty() {
            std::thread::yield_now();
        }
        // Long after its limit it waits still for its turn.
        std::thread::sleep(3 * LOOK);
        assert!(!second.is_finished());
        drop(release);
        assert!(first.join().unwrap().unwrap().is_err());
        assert_eq!(second.join().unwrap().unwrap_err(), NoResult::TooSlow);
    }

    #[test]
    fn calls_on_the_callers_thread_wait_for_nobody() {
        let worker = Worker::new();
        let direct = Patience { on_caller: true, ..patience(Duration::ZERO) };
        let thread = worker.run(&direct, || std::thread::current().id()).unwrap();
        assert_eq!((thread, worker.0.lock().threads), (std::thread::current().id(), 0));
        let switch = Cancellation::new();
        switch.cancel();
        let direct = Patience { cancellation: Some(switch), ..direct };
        assert_eq!(worker.run(&direct, || ()).unwrap_err(), NoResult::Cancelled);
    }

    #[test]
    fn a_panic_ends_one_call_alone() {
        let worker = Worker::new();
        let panics = worker.run(&patience(FOREVER), || std::panic::resume_unwind(Box::new(())));
        assert_eq!(panics.unwrap_err(), NoResult::Panicked);
        assert_eq!(worker.run(&patience(FOREVER), || 7).unwrap(), 7);
    }

    #[test]
    fn what_is_cancelled_is_not_begun() {
        let switch = Cancellation::new();
        switch.cancel();
        let patience = Patience { limit: FOREVER, cancellation: Some(switch), on_caller: false };
        let called = Worker::new().run(&patience, || panic!("called"));
        assert_eq!(called.unwrap_err(), NoResult::Cancelled);
    }
}
