//! A real store that fails its caller, or the whole process of its caller, at a chosen call; and at which the product
//! writes users between two calls.

use std::{
    future::{Future, pending, poll_fn},
    mem,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
};

use directory_core::UserId;
use store::{Store, StoreError};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{
    product::{Edit, Product},
    world::World,
};

/// What happens at the `call`-th call, from 1, of a process's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interruption {
    pub(super) call: u32,
    pub(super) way: Way,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It never reaches the store, and the caller is told so.
    Refused,
    /// It takes effect, and the caller is told that the store is not available.
    ReplyLost,
    /// The process dies instead of calling.
    KilledBefore,
    /// The process dies in the midst of the call, after so many steps of it.
    KilledAmid(u8),
    /// The call takes effect, and the process dies before it learns of it.
    KilledAfter,
}

/// When the product writes: before so many calls of the store by a run's processes, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// Of any method.
    Call(u32),
    /// Of the one that applies a batch.
    Batch(u32),
}

/// What the product writes while a run is under way, whichever process works on it.
pub(super) struct Meanwhile {
    product: Product,
    world: World,
    calls: AtomicU32,
    batches: AtomicU32,
    edits: Arc<Mutex<Edits>>,
}

/// What the product writes, or has written, in the course of a run.
#[derive(Default)]
pub(super) struct Edits {
    to_come: Vec<(When, Edit)>,
    /// In the order in which they were made.
    pub(super) made: Vec<Edit>,
    /// Whom they wrote, once for each time.
    pub(super) written: Vec<UserId>,
}

impl Meanwhile {
    pub(super) fn new(product: &Product, world: World, edits: &[(When, Edit)]) -> Self {
        let edits = Arc::new(Mutex::new(Edits { to_come: edits.to_vec(), ..Edits::default() }));
        Self { product: product.clone(), world, calls: AtomicU32::new(0), batches: AtomicU32::new(0), edits }
    }

    /// The run is over: what was to come later comes now.
    pub(super) async fn is_over(&self) -> Edits {
        self.make_those_due(|_| true).await;
        mem::take(&mut *self.edits.lock().await)
    }

    async fn another_call(&self, method: &str) {
        let is_batch = u32::from(method == "apply_batch");
        let calls = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let batches = self.batches.fetch_add(is_batch, Ordering::SeqCst) + is_batch;
        self.make_those_due(move |when| match when {
            When::Call(n) => n <= calls,
            When::Batch(n) => n <= batches,
        })
        .await;
    }

    /// In a task of its own: the product does not die with the process that it writes beside.
    async fn make_those_due(&self, due: impl Fn(When) -> bool + Send + 'static) {
        let (product, world, edits) = (self.product.clone(), self.world, self.edits.clone());
        let making = tokio::spawn(async move {
            let mut edits = edits.lock().await;
            let now: Vec<(When, Edit)> = edits.to_come.extract_if(.., |(when, _)| due(*when)).collect();
            for (_, edit) in now {
                edits.made.push(edit);
                edits.written.extend(product.write(world, edit).await);
            }
        });
        making.await.unwrap();
    }
}

/// The store as one process sees it, for the length of its life.
pub(super) struct Disturbed {
    pub(super) store: Arc<dyn Store>,
    interruption: Option<Interruption>,
    meanwhile: Arc<Meanwhile>,
    calls: AtomicU32,
    dead: CancellationToken,
}

fn not_available() -> StoreError {
    StoreError::Unavailable("interrupted by the test".into())
}

impl Disturbed {
    pub(super) fn new(store: Arc<dyn Store>, interruption: Option<Interruption>, meanwhile: Arc<Meanwhile>) -> Self {
        Self { store, interruption, meanwhile, calls: AtomicU32::new(0), dead: CancellationToken::new() }
    }

    /// Cancelled once the process is dead: whoever plays it is to drop what it is doing.
    pub(super) fn death(&self) -> CancellationToken {
        self.dead.clone()
    }

    /// How many calls there were.
    pub(super) fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Each method of the store, as the process has it.
    pub(super) async fn call<T>(
        &self,
        method: &str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        if self.dead.is_cancelled() {
            return pending().await;
        }
        let n = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.meanwhile.another_call(method).await;
        match self.interruption.filter(|interruption| interruption.call == n).map(|interruption| interruption.way) {
            None => call.await,
            Some(Way::Refused) => Err(not_available()),
            Some(Way::ReplyLost) => {
                drop(call.await);
                Err(not_available())
            }
            Some(Way::KilledBefore) => self.die().await,
            Some(Way::KilledAmid(steps)) => {
                begin(call, steps).await;
                self.die().await
            }
            Some(Way::KilledAfter) => {
                drop(call.await);
                self.die().await
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.dead.cancel();
        pending().await
    }
}

/// Does the first steps of something, and drops it.
pub(super) async fn begin(call: impl Future, steps: u8) {
    let mut call = pin!(call);
    let mut left = steps;
    poll_fn(|context| {
        if left == 0 || call.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}
