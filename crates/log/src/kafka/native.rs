//! The only unsafe code of the crate: the calls of librdkafka that rdkafka does not wrap, or wraps at a price.
//!
//! Input: rdkafka's clients. Output: [`Intake`], which hands records over in batches and borrowed, and [`Outlet`], which
//! produces without an allocation per record on this side.
//!
//! Invariants:
//! - N-1: queues, topic handles and records never outlive their client: the structures here own it, and their `Drop`
//!   releases what they hold before the client goes.
//! - N-2: a record is destroyed exactly once, also when the caller's closure panics.
//!
//! Why not rdkafka's own calls: `BaseConsumer::poll` takes a lock and makes an event per record (300 ns), while a batch
//! of the queue API costs 130; and records share that queue with group changes, which would wait behind half a million
//! of them. `BaseProducer::send` allocates the topic's name and looks the topic up for every record.
//!
//! Absent: decisions. Source: `rdkafka.h` and the C code of librdkafka 2.12.1, cited where it matters.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{self, NonNull};
use std::slice;
use std::time::Duration;

use kilat_domain::Timestamp;
use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::closing::Closing;
use super::context::Context;
use crate::{Headers, Record};

/// Records taken from a queue under one call; a bound on the buffer, not on what a poll delivers.
const BATCH_RECORDS_MAX: usize = 256;

/// `RD_KAFKA_PARTITION_UA`, a macro the bindings leave out: the partitioner chooses.
const PARTITION_BY_KEY: i32 = -1;

/// Room for everything `rd_kafka_produceva` is told about a record.
const PRODUCE_FIELDS: usize = 6;

/// A consumer and a queue that chosen partitions deliver to, apart from the queue of its group's events.
pub(super) struct Intake {
    queue: NonNull<sys::rd_kafka_queue_t>,
    events: NonNull<sys::rd_kafka_queue_t>,
    topics: Vec<Topic>,
    started: Vec<(usize, i32)>,
    ended: Vec<(i32, i64)>,
    consumer: Closing<BaseConsumer<Context>>,
}

// SAFETY: librdkafka's handles may be used from any thread, also at the same time (INTRODUCTION.md, "Threads and
// callbacks"); nothing here is tied to the thread that made it.
unsafe impl Send for Intake {}

/// Why a partition delivers nothing at the moment.
#[derive(Debug)]
pub(super) struct IntakeError {
    pub(super) input: usize,
    pub(super) partition: i32,
    pub(super) code: RDKafkaErrorCode,
}

impl Intake {
    /// An intake without partitions for records of `topics`.
    pub(super) fn new(consumer: BaseConsumer<Context>, topics: &[CString]) -> Intake {
        let client = consumer.client().native_ptr();
        // SAFETY: `client` is alive as long as `consumer`. Both calls return an own handle and never null, except for
        // `get_consumer` of a client without a group.
        let (queue, events) = unsafe {
            let queue = NonNull::new(sys::rd_kafka_queue_new(client));
            let events = NonNull::new(sys::rd_kafka_queue_get_consumer(client))
                .or_else(|| NonNull::new(sys::rd_kafka_queue_get_main(client)));
            (queue.expect("librdkafka ends the process when out of memory"), events.expect("a client has a main queue"))
        };
        // An event ends the wait for records, so that a group change is served at once.
        // SAFETY: `wake` is handed the queue as its opaque; `Drop` takes the callback back before it releases the queue.
        unsafe { sys::rd_kafka_queue_cb_event_enable(events.as_ptr(), Some(wake), queue.as_ptr().cast()) };
        let topics = topics.iter().map(|name| Topic::new(client, name)).collect();
        Intake { queue, events, topics, started: Vec::new(), ended: Vec::new(), consumer: Closing::new(consumer) }
    }

    pub(super) fn consumer(&self) -> &BaseConsumer<Context> {
        &self.consumer
    }

    /// Whether group changes, errors or log lines wait to be served by `consumer().poll`.
    pub(super) fn has_events(&self) -> bool {
        // SAFETY: the handle is owned by `self`.
        unsafe { sys::rd_kafka_queue_length(self.events.as_ptr()) > 0 }
    }

    /// Makes a partition deliver to this intake once it is assigned. Must precede the assignment.
    pub(super) fn route(&self, input: usize, partition: i32) {
        let client = self.consumer.client().native_ptr();
        // SAFETY: the name is the handle's own. The partition's queue handle is released at once, the forwarding stays:
        // it is marked as the application's, and an assignment does not touch it (`rd_kafka_toppar_op_fetch_start`).
        unsafe {
            let name = sys::rd_kafka_topic_name(self.topics[input].handle.as_ptr());
            let partition = sys::rd_kafka_queue_get_partition(client, name, partition);
            if !partition.is_null() {
                sys::rd_kafka_queue_forward(partition, self.queue.as_ptr());
                sys::rd_kafka_queue_destroy(partition);
            }
        }
    }

    /// Starts reading a partition at `offset` outside any group.
    pub(super) fn start(&mut self, input: usize, partition: i32, offset: i64) -> Result<(), RDKafkaErrorCode> {
        // SAFETY: topic and queue are owned by `self`; `Drop` stops the partition before it releases them.
        let started = unsafe {
            sys::rd_kafka_consume_start_queue(
                self.topics[input].handle.as_ptr(),
                partition,
                offset,
                self.queue.as_ptr(),
            )
        };
        if started != 0 {
            return Err(last_error());
        }
        self.started.push((input, partition));
        Ok(())
    }

    /// Hands at most `records_max` waiting records to `take`; waits up to `timeout` for the first where there are none.
    ///
    /// An event, or the end of a partition, ends the wait early.
    ///
    /// *Errors:* a partition cannot be read; the records before are delivered.
    pub(super) fn take(
        &mut self,
        timeout: Duration,
        records_max: usize,
        take: &mut dyn FnMut(&[Record<'_>]),
    ) -> Result<usize, IntakeError> {
        let mut taken = 0;
        self.ended.clear();
        while taken < records_max {
            // A batch waits until it is full or the time is over, hence: what is there, else one.
            let mut batch = self.batch(Duration::ZERO, records_max - taken);
            if batch.is_empty() && taken == 0 && !timeout.is_zero() {
                batch = self.batch(timeout, 1);
            }
            if batch.is_empty() {
                break;
            }
            let messages: Vec<Message> = batch.collect();
            let mut records = Vec::with_capacity(messages.len());
            let mut failed = None;
            for message in &messages {
                match self.input(message) {
                    Ok(input) => records.push(message.record(input)),
                    Err(IntakeError { partition, code: RDKafkaErrorCode::PartitionEOF, .. }) => {
                        self.ended.push((partition, message.offset()));
                    }
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            take(&records);
            taken += records.len();
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(taken)
    }

    /// The partitions whose end the last `take` met, with the offset of that end; where `enable.partition.eof` is set.
    pub(super) fn ended(&self) -> &[(i32, i64)] {
        &self.ended
    }

    fn batch(&self, timeout: Duration, records_max: usize) -> Batch {
        let mut batch = Batch { messages: [ptr::null_mut(); BATCH_RECORDS_MAX], next: 0, len: 0 };
        let room = records_max.min(BATCH_RECORDS_MAX);
        // SAFETY: the buffer has room for that many pointers; those written are owned by the batch from here on.
        let len = unsafe {
            sys::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                milliseconds(timeout),
                batch.messages.as_mut_ptr(),
                room,
            )
        };
        batch.len = usize::try_from(len).unwrap_or(0);
        batch
    }

    fn input(&self, message: &Message) -> Result<usize, IntakeError> {
        // SAFETY: a message is valid until it is destroyed. Its topic is the object our handle points to, kept alive by it.
        let raw = unsafe { message.0.as_ref() };
        let input = self.topics.iter().position(|topic| topic.handle.as_ptr() == raw.rkt).or_else(|| {
            self.topics.iter().position(|topic| {
                // SAFETY: both are live topics; names are NUL-terminated and live as long.
                unsafe {
                    !raw.rkt.is_null()
                        && CStr::from_ptr(sys::rd_kafka_topic_name(topic.handle.as_ptr()))
                            == CStr::from_ptr(sys::rd_kafka_topic_name(raw.rkt))
                }
            })
        });
        match input {
            Some(input) if raw.err == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(input),
            _ => Err(IntakeError { input: input.unwrap_or(0), partition: raw.partition, code: raw.err.into() }),
        }
    }

    /// Generation and membership of the group as of now: `None` for who is not, or no longer, a member.
    pub(super) fn generation(&self) -> Option<i32> {
        // SAFETY: the client is alive; what the call gives is ours and released at once. Its member id is NUL-terminated.
        unsafe {
            let seat = NonNull::new(sys::rd_kafka_consumer_group_metadata(self.consumer.client().native_ptr()))?;
            let generation = sys::rd_kafka_consumer_group_metadata_generation_id(seat.as_ptr());
            let named = *sys::rd_kafka_consumer_group_metadata_member_id(seat.as_ptr()) != 0;
            sys::rd_kafka_consumer_group_metadata_destroy(seat.as_ptr());
            (generation >= 0 && named).then_some(generation)
        }
    }

    /// The next offset this intake will deliver of each partition, past markers and aborted records; `None` where nothing
    /// was delivered yet. Never blocks.
    pub(super) fn positions(&self, partitions: &TopicPartitionList) -> Vec<Option<i64>> {
        let positions = partitions.clone();
        // SAFETY: client and list are alive; the call writes the offsets of the list, which nobody else sees.
        unsafe { sys::rd_kafka_position(self.consumer.client().native_ptr(), positions.ptr()) };
        let offset = |offset| if let Offset::Offset(offset) = offset { Some(offset) } else { None };
        positions.elements().iter().map(|element| offset(element.offset())).collect()
    }

    /// The high watermark of a partition as of its last fetch; `None` before the first. Never blocks.
    pub(super) fn high_watermark(&self, input: usize, partition: i32) -> Option<i64> {
        let (mut low, mut high) = (-1, -1);
        // SAFETY: client and topic are alive, the name is the topic's own, the offsets are ours.
        unsafe {
            let name = sys::rd_kafka_topic_name(self.topics[input].handle.as_ptr());
            let client = self.consumer.client().native_ptr();
            sys::rd_kafka_get_watermark_offsets(client, name, partition, &mut low, &mut high);
        }
        (high >= 0).then_some(high)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // SAFETY: all handles are owned and released once, before the client (a field, dropped after this). Taking the
        // callback back locks the events queue, so that no `wake` is running when the queue goes.
        unsafe {
            for &(input, partition) in &self.started {
                sys::rd_kafka_consume_stop(self.topics[input].handle.as_ptr(), partition);
            }
            sys::rd_kafka_queue_cb_event_enable(self.events.as_ptr(), None, ptr::null_mut());
            sys::rd_kafka_queue_destroy(self.events.as_ptr());
            sys::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
        self.topics.clear();
    }
}

unsafe extern "C" fn wake(_: *mut sys::rd_kafka_t, intake: *mut c_void) {
    // SAFETY: registered by `Intake::new` with its queue, which outlives the registration.
    unsafe { sys::rd_kafka_queue_yield(intake.cast()) };
}

/// A topic handle.
struct Topic {
    handle: NonNull<sys::rd_kafka_topic_t>,
}

impl Topic {
    fn new(client: *mut sys::rd_kafka_t, name: &CStr) -> Topic {
        // SAFETY: the client is alive, the name NUL-terminated, and null stands for the default settings, so that the
        // call cannot refuse any.
        let handle = unsafe { sys::rd_kafka_topic_new(client, name.as_ptr(), ptr::null_mut()) };
        Topic { handle: NonNull::new(handle).expect("a topic without settings of its own can be opened") }
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: owned, and its client is still alive (N-1).
        unsafe { sys::rd_kafka_topic_destroy(self.handle.as_ptr()) };
    }
}

/// Records taken from a queue; those not handed out are destroyed with it.
struct Batch {
    messages: [*mut sys::rd_kafka_message_t; BATCH_RECORDS_MAX],
    next: usize,
    len: usize,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.next == self.len
    }
}

impl Iterator for Batch {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        let message = *self.messages[..self.len].get(self.next)?;
        self.next += 1;
        NonNull::new(message).map(Message)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

/// A record as librdkafka holds it.
struct Message(NonNull<sys::rd_kafka_message_t>);

impl Message {
    fn offset(&self) -> i64 {
        // SAFETY: a message is valid until it is destroyed.
        unsafe { self.0.as_ref() }.offset
    }

    fn record(&self, input: usize) -> Record<'_> {
        // SAFETY: the message is valid until it is destroyed, and the record borrows it.
        let (raw, timestamp) = unsafe {
            let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
            (self.0.as_ref(), sys::rd_kafka_message_timestamp(self.0.as_ptr(), &mut kind))
        };
        Record {
            input,
            partition: u32::try_from(raw.partition).unwrap_or_default(),
            offset: raw.offset,
            timestamp: Timestamp(timestamp),
            // SAFETY: both point into the fetched buffer, which the message keeps; null stands for none.
            key: unsafe { bytes(raw.key, raw.key_len) },
            value: unsafe { bytes(raw.payload, raw.len) },
            headers: self,
        }
    }
}

impl Headers for Message {
    fn for_each(&self, each: &mut dyn FnMut(&str, &[u8])) {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is valid; the list, its names and values belong to it. A record has one user at a time (it
        // is neither `Send` nor `Sync`), so that the parsing on the first call meets no other.
        unsafe {
            if sys::rd_kafka_message_headers(self.0.as_ptr(), &mut headers)
                != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
            {
                return;
            }
            let (mut name, mut value, mut len): (*const c_char, *const c_void, usize) = (ptr::null(), ptr::null(), 0);
            for index in 0.. {
                let found = sys::rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut len);
                if found != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                    break;
                }
                // A header that is not UTF-8 is not one of ours; Kafka demands it, librdkafka does not check.
                if let Ok(name) = CStr::from_ptr(name).to_str() {
                    each(name, bytes(value, len).unwrap_or_default());
                }
            }
        }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: owned (N-2).
        unsafe { sys::rd_kafka_message_destroy(self.0.as_ptr()) };
    }
}

/// # Safety
///
/// `start` is null, or `len` bytes can be read there for as long as `'a`.
unsafe fn bytes<'a>(start: *const c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast(), len) })
}

/// A producer with handles of the topics it writes.
pub(super) struct Outlet {
    topics: Vec<Topic>,
    producer: Closing<BaseProducer<Context>>,
}

// SAFETY: as for `Intake`.
unsafe impl Send for Outlet {}
// SAFETY: the same; no call here changes what another reads.
unsafe impl Sync for Outlet {}

/// A record to be produced; everything is copied.
pub(super) struct Produce<'a, H> {
    /// Index of the topic.
    pub(super) output: usize,
    /// By the hash of the key where `None`.
    pub(super) partition: Option<i32>,
    pub(super) key: &'a [u8],
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: H,
}

impl Outlet {
    pub(super) fn new(producer: BaseProducer<Context>, topics: &[CString]) -> Outlet {
        let client = producer.client().native_ptr();
        Outlet {
            topics: topics.iter().map(|name| Topic::new(client, name)).collect(),
            producer: Closing::new(producer),
        }
    }

    pub(super) fn producer(&self) -> &BaseProducer<Context> {
        &self.producer
    }

    /// Puts a record into the producer's queue; `QueueFull` when there is no room, and nothing has happened.
    pub(super) fn produce<'a, H>(&self, record: Produce<'_, H>) -> Result<(), RDKafkaErrorCode>
    where
        H: ExactSizeIterator<Item = (&'a str, &'a [u8])>,
    {
        use sys::rd_kafka_vtype_t as is;
        let value = record.value.map_or((ptr::null(), 0), |value| (value.as_ptr(), value.len()));
        let memory = |start: *const u8, size| sys::rd_kafka_vu_s__bindgen_ty_1 {
            mem: sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: start.cast_mut().cast(), size },
        };
        let field = |vtype, u| sys::rd_kafka_vu_t { vtype, u };
        let headers = self.headers(record.headers);
        let topic = self.topics[record.output].handle.as_ptr();
        let fields: [sys::rd_kafka_vu_t; PRODUCE_FIELDS] = [
            field(is::RD_KAFKA_VTYPE_RKT, sys::rd_kafka_vu_s__bindgen_ty_1 { rkt: topic }),
            field(
                is::RD_KAFKA_VTYPE_PARTITION,
                sys::rd_kafka_vu_s__bindgen_ty_1 { i32_: record.partition.unwrap_or(PARTITION_BY_KEY) },
            ),
            field(is::RD_KAFKA_VTYPE_MSGFLAGS, sys::rd_kafka_vu_s__bindgen_ty_1 { i: sys::RD_KAFKA_MSG_F_COPY }),
            field(is::RD_KAFKA_VTYPE_VALUE, memory(value.0, value.1)),
            field(is::RD_KAFKA_VTYPE_KEY, memory(record.key.as_ptr(), record.key.len())),
            field(is::RD_KAFKA_VTYPE_HEADERS, sys::rd_kafka_vu_s__bindgen_ty_1 { headers }),
        ];
        let used = if headers.is_null() { PRODUCE_FIELDS - 1 } else { PRODUCE_FIELDS };
        // SAFETY: each field carries the member of the union that its type names. Key and value are copied by the call
        // (`MSG_F_COPY`). The headers are the call's if it succeeds and still ours if it fails; so is the error object.
        unsafe {
            let error = sys::rd_kafka_produceva(self.producer.client().native_ptr(), fields.as_ptr(), used);
            if error.is_null() {
                return Ok(());
            }
            let code = sys::rd_kafka_error_code(error);
            sys::rd_kafka_error_destroy(error);
            if !headers.is_null() {
                sys::rd_kafka_headers_destroy(headers);
            }
            Err(code.into())
        }
    }

    fn headers<'a>(&self, headers: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>) -> *mut sys::rd_kafka_headers_t {
        if headers.len() == 0 {
            return ptr::null_mut();
        }
        // SAFETY: the list is new, and names and values are copied with the lengths given.
        unsafe {
            let list = sys::rd_kafka_headers_new(headers.len());
            for (name, value) in headers {
                sys::rd_kafka_header_add(
                    list,
                    name.as_ptr().cast(),
                    name.len().cast_signed(),
                    value.as_ptr().cast(),
                    value.len().cast_signed(),
                );
            }
            list
        }
    }

    /// Sends everything queued without lingering and waits until all of it is answered; `false` when time is over.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        // SAFETY: the client is alive. With delivery reports as events the call serves none of them: it waits for the
        // count of outstanding records to become zero, and is woken then.
        let flushed = unsafe { sys::rd_kafka_flush(self.producer.client().native_ptr(), milliseconds(timeout)) };
        flushed == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
    }
}

fn last_error() -> RDKafkaErrorCode {
    // SAFETY: no arguments; the value is the calling thread's own.
    unsafe { sys::rd_kafka_last_error() }.into()
}

/// librdkafka waits in whole milliseconds: rounded up, so that a short wait is none too few.
fn milliseconds(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
}
