//! The node that accepts calls, begins them after their commit, and passes their answers on.

use super::inbox::{Answer, Inbox};
use super::pending::{Entry, Head, PendingCalls};
use super::{AsyncCall, AsyncClient, AsyncOutcome, AsyncResult, RetryPolicy};
use crate::error::StreamsError;
use crate::record::{Data, Record};
use crate::serde::Serde;
use crate::stores::{bytes_of, read_stored};
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver, Wiring};
use comanda_state_stores::TaskStores;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

pub(crate) type IdempotencyKey<K, V> = Arc<dyn Fn(&K, &V) -> String + Send + Sync>;

/// What the topology says of a node.
pub(crate) struct CallNodeSpec<K, V, R> {
    pub name: String,
    pub store: String,
    pub idempotency_key: IdempotencyKey<K, V>,
    pub keys: Serde<K>,
    pub requests: Serde<V>,
    pub responses: Serde<R>,
    pub max_in_flight: usize,
    pub retry: RetryPolicy,
}

/// The task's side of such a node.
pub(crate) trait CallingNode {
    /// Whether an answer waits for the task's next step.
    fn has_answers(&self) -> bool;

    /// Passes answers on that have come; tells whether there were any.
    fn take_answers(&mut self, ctx: &mut TaskContext) -> Result<bool, StreamsError>;

    /// Begins calls that are due. Only while all that the task has written is committed.
    fn start_due(&mut self, now_ms: i64) -> Result<(), StreamsError>;

    /// What was written is committed.
    fn committed(&mut self);

    /// What was written since the last commit is undone: its answers come again.
    fn aborted(&mut self);
}

/// When to look for calls to begin: looking costs a scan.
#[derive(Clone, Copy)]
enum Look {
    /// Something was committed, or undone.
    Now,
    /// A call that was put off is due then.
    At(i64),
    /// After the next commit.
    Later,
}

/// One task's instance. What it knows beside its store are the calls that it has begun itself, which are bounded, and
/// their answers.
pub(crate) struct CallNode<K, V, R> {
    spec: Arc<CallNodeSpec<K, V, R>>,
    client: Arc<dyn AsyncClient>,
    stores: TaskStores,
    pending: PendingCalls,
    outputs: Outputs<K, AsyncResult<V, R>>,
    inbox: Inbox,
    /// Begun, and not yet gone from the committed store, by number.
    in_flight: BTreeMap<u64, Head>,
    /// Answers to be passed on.
    ready: VecDeque<Answer>,
    /// Answers passed on in the running transaction.
    passed_on: Vec<Answer>,
    look: Look,
}

impl<K: Data, V: Data, R: Data> CallNode<K, V, R> {
    pub fn open(
        wiring: &mut Wiring,
        spec: &Arc<CallNodeSpec<K, V, R>>,
        outputs: Outputs<K, AsyncResult<V, R>>,
    ) -> Result<Rc<RefCell<Self>>, StreamsError> {
        let client = wiring.async_clients.get(&spec.name).ok_or_else(|| {
            StreamsError::Topology(format!("`{}` makes asynchronous calls, and no client has that name", spec.name))
        })?;
        let changelog = format!("{}-{}-changelog", wiring.application_id, spec.store).into();
        let node = Rc::new(RefCell::new(Self {
            spec: spec.clone(),
            client,
            stores: wiring.stores.clone(),
            pending: PendingCalls { bytes: wiring.stores.key_value(&spec.store)?, changelog },
            outputs,
            inbox: Inbox::default(),
            in_flight: BTreeMap::new(),
            ready: VecDeque::new(),
            passed_on: vec![],
            look: Look::Now,
        }));
        wiring.calling.push(node.clone());
        Ok(node)
    }

    fn accept(&self, ctx: &mut TaskContext, record: &Record<K, V>) -> Result<(), StreamsError> {
        let (Some(key), Some(request)) = (&record.key, &record.value) else {
            ctx.drop_record();
            return Ok(());
        };
        let (spec, changelog) = (&self.spec, &self.pending.changelog);
        let entry = Entry {
            timestamp: record.timestamp,
            headers: record.headers.clone(),
            idempotency_key: (spec.idempotency_key)(key, request),
            request: bytes_of(&spec.requests, changelog, request)?,
        };
        self.pending.accept(&bytes_of(&spec.keys, changelog, key)?, &entry)
    }

    /// Heads to be called now, as many as may be, and when to look again.
    fn due(&self, now_ms: i64) -> Result<(Vec<Head>, Look), StreamsError> {
        let latest_ms = self.latest_due_ms(now_ms);
        let astray = self.pending.heads(latest_ms.saturating_add(1), i64::MAX)?;
        let room = self.spec.max_in_flight.saturating_sub(self.in_flight.len());
        let mut due = vec![];
        for head in self.pending.heads(0, now_ms.saturating_add(1))?.chain(astray) {
            let head = head?;
            if due.len() >= room {
                return Ok((due, Look::Later));
            }
            if !self.in_flight.contains_key(&head.number) {
                due.push(head);
            }
        }
        let next = self.pending.heads(now_ms.saturating_add(1), latest_ms.saturating_add(1))?.next().transpose()?;
        Ok((due, next.map_or(Look::Later, |head| Look::At(head.due_ms))))
    }

    /// A call put off until after that was put off by a clock that is ahead of this one: it is due at once.
    fn latest_due_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.spec.retry.longest_ms)
    }

    fn start(&mut self, head: Head) -> Result<(), StreamsError> {
        let Some(Entry { idempotency_key, request, .. }) = self.pending.entry(&head)? else { return Ok(()) };
        let (key, attempt) = (head.key.clone().into(), head.attempts.saturating_add(1));
        let call = AsyncCall { idempotency_key, key, request: request.into(), attempt };
        let reply = self.inbox.reply_to(head.number);
        self.in_flight.insert(head.number, head);
        self.client.call(call, reply);
        Ok(())
    }

    /// An answer ends its call, or puts it off.
    fn pass_on(&self, ctx: &mut TaskContext, head: &Head, outcome: &AsyncOutcome) -> Result<(), StreamsError> {
        let Some(entry) = self.pending.entry(head)? else { return self.pending.remove(head) };
        let attempts = head.attempts.saturating_add(1);
        self.stores.set_record_timestamp(entry.timestamp);
        if matches!(outcome, AsyncOutcome::Failed { retry: true, .. }) && attempts < self.spec.retry.attempts {
            let pause_ms = self.spec.retry.pause_ms(attempts, &entry.idempotency_key);
            self.pending.put_off(head, ctx.now_ms.saturating_add(pause_ms).max(0));
            return Ok(());
        }
        self.pending.remove(head)?;
        self.outputs.forward(ctx, self.record(head, entry, outcome, attempts)?)
    }

    fn record(
        &self,
        head: &Head,
        entry: Entry,
        outcome: &AsyncOutcome,
        attempts: u32,
    ) -> Result<Record<K, AsyncResult<V, R>>, StreamsError> {
        let (spec, changelog) = (&self.spec, &self.pending.changelog);
        let response = match outcome {
            AsyncOutcome::Done(bytes) => {
                let read = spec.responses.deserialize_shared(&spec.name, bytes);
                read.map_err(|error| format!("the answer cannot be read: {}", error.reason))
            }
            AsyncOutcome::Failed { reason, .. } => Err(reason.clone()),
        };
        let request = read_stored(&spec.requests, changelog, &entry.request)?;
        let key = read_stored(&spec.keys, changelog, &head.key)?;
        let value = AsyncResult { request, response, attempts };
        Ok(Record { key: Some(key), value: Some(value), timestamp: entry.timestamp, headers: entry.headers })
    }
}

impl<K: Data, V: Data, R: Data> Receiver<K, V> for Rc<RefCell<CallNode<K, V, R>>> {
    fn receive(&mut self, ctx: &mut TaskContext, record: Record<K, V>) -> Result<(), StreamsError> {
        self.borrow().accept(ctx, &record)
    }
}

impl<K: Data, V: Data, R: Data> CallingNode for CallNode<K, V, R> {
    fn has_answers(&self) -> bool {
        !self.ready.is_empty() || !self.inbox.is_empty()
    }

    fn take_answers(&mut self, ctx: &mut TaskContext) -> Result<bool, StreamsError> {
        self.ready.append(&mut self.inbox.take());
        let any = !self.ready.is_empty();
        while let Some((number, outcome)) = self.ready.pop_front() {
            let Some(head) = self.in_flight.get(&number).cloned() else { continue };
            self.passed_on.push((number, outcome.clone()));
            self.pass_on(ctx, &head, &outcome)?;
        }
        Ok(any)
    }

    fn start_due(&mut self, now_ms: i64) -> Result<(), StreamsError> {
        let is_time = match self.look {
            Look::Now => true,
            Look::At(due_ms) => due_ms <= now_ms || due_ms > self.latest_due_ms(now_ms),
            Look::Later => false,
        };
        if !is_time {
            return Ok(());
        }
        let (due, look) = self.due(now_ms)?;
        self.look = look;
        due.into_iter().try_for_each(|head| self.start(head))
    }

    fn committed(&mut self) {
        for (number, _) in self.passed_on.drain(..) {
            self.in_flight.remove(&number);
        }
        self.look = Look::Now;
    }

    fn aborted(&mut self) {
        for answer in self.passed_on.drain(..).rev() {
            self.ready.push_front(answer);
        }
        self.look = Look::Now;
    }
}
