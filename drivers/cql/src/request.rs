//! One statement or batch under way: values copied in, one callback out, whatever happens.

use crate::error::{Error, Kind, Request as About};
use crate::policy::Pinned;
use crate::result::Rows;
use crate::session::Session;
use scylla::response::PagingState;
use scylla::serialize::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, SerialConsistency};
use std::ffi::{c_uint, c_void};
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use std::{ptr, slice};

/// `struct cql_cell`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Cell {
    data: *const u8,
    size: i32,
}

impl Cell {
    pub const NULL: Self = Self { data: ptr::null(), size: -1 };
    const UNSET: i32 = -2;

    pub fn lent(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), size: bytes.len() as i32 }
    }

    /// # Safety
    /// If size is above 0, data points to as many bytes.
    unsafe fn bytes(&self) -> &[u8] {
        if self.size > 0 { unsafe { slice::from_raw_parts(self.data, self.size as usize) } } else { &[] }
    }
}

/// `struct cql_request`
#[repr(C)]
pub struct Request {
    consistency: c_uint,
    lwt: bool,
    attempt: c_uint,
    timeout_ms: u32,
    page_size: i32,
    page: Cell,
}

/// What the driver is to be told, checked and owned.
struct Terms {
    consistency: Consistency,
    lwt: bool,
    attempt: usize,
    timeout: Option<Duration>,
    page_size: i32,
    page: PagingState,
}

impl Terms {
    /// # Safety
    /// @request->page is readable.
    unsafe fn of(request: &Request) -> Result<Self, Error> {
        let unknown_level = |_| Error::new(Kind::Invalid, "the request's consistency is none of the protocol's");
        let page = unsafe { request.page.bytes() };
        Ok(Self {
            consistency: u16::try_from(request.consistency)
                .map_err(|_| ())
                .and_then(|level| Consistency::try_from(level).map_err(|_| ()))
                .map_err(unknown_level)?,
            lwt: request.lwt,
            attempt: request.attempt as usize,
            timeout: crate::connect::milliseconds(request.timeout_ms),
            page_size: request.page_size,
            page: if page.is_empty() { PagingState::start() } else { PagingState::new_from_raw_bytes(page) },
        })
    }

    /// What an error of this request can mean. A read at a serial level is an LWT, too, but it writes nothing.
    fn about(&self) -> About {
        let reads = matches!(self.consistency, Consistency::Serial | Consistency::LocalSerial);
        if self.lwt && !reads { About::LwtWrite } else { About::Other }
    }
}

#[derive(Clone)]
enum Slot {
    Null,
    Unset,
    At(Range<usize>),
}

/// The values of a request, copied: their bytes one after another, and where each lies.
struct Values {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
}

struct Row<'a> {
    bytes: &'a [u8],
    slots: &'a [Slot],
}

impl Values {
    /// # Safety
    /// @cells points to @count cells, and each of them to its bytes.
    unsafe fn copy(cells: *const Cell, count: usize) -> Result<Self, Error> {
        let cells = if count > 0 { unsafe { slice::from_raw_parts(cells, count) } } else { &[] };
        let mut values = Self { bytes: Vec::new(), slots: Vec::with_capacity(count) };
        for cell in cells {
            let start = values.bytes.len();
            values.slots.push(match cell.size {
                0.. => Slot::At(start..start + cell.size as usize),
                -1 => Slot::Null,
                Cell::UNSET => Slot::Unset,
                _ => return Err(Error::new(Kind::Invalid, "a value's size is neither a size nor NULL nor UNSET")),
            });
            values.bytes.extend_from_slice(unsafe { cell.bytes() });
        }
        Ok(values)
    }

    /// The rows of a batch: the first @counts[0] values, the next @counts[1], ...
    fn rows(&self, counts: &[usize]) -> Vec<Row<'_>> {
        let mut rest = &self.slots[..];
        let row = |count: &usize| {
            let (slots, after) = rest.split_at(*count);
            rest = after;
            Row { bytes: &self.bytes, slots }
        };
        counts.iter().map(row).collect()
    }
}

impl SerializeRow for Row<'_> {
    fn serialize(&self, _: &RowSerializationContext<'_>, writer: &mut RowWriter) -> Result<(), SerializationError> {
        for slot in self.slots {
            let cell = writer.make_cell_writer();
            match slot {
                Slot::Null => cell.set_null(),
                Slot::Unset => cell.set_unset(),
                Slot::At(place) => cell.set_value(&self.bytes[place.clone()]).map_err(SerializationError::new)?,
            };
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

type Done = unsafe extern "C" fn(ctx: *mut c_void, result: *mut Rows, error: *const Error);

/// The caller's callback. It is called once: call() consumes it.
struct Callback {
    done: Done,
    ctx: *mut c_void,
}

// SAFETY: the context is only handed back; that its owner can be called from a session's thread is cql.h's rule.
unsafe impl Send for Callback {}

impl Callback {
    fn call(self, outcome: Result<Rows, Error>) {
        match outcome {
            Ok(rows) => unsafe { (self.done)(self.ctx, Box::into_raw(Box::new(rows)), &Error::ok()) },
            Err(error) => unsafe { (self.done)(self.ctx, ptr::null_mut(), &error) },
        }
    }
}

/// Run @request on the session's threads; when the session is closed first, it ends as unknown.
fn start(session: &Session, callback: Callback, request: impl Future<Output = Result<Rows, Error>> + Send + 'static) {
    let mut closing = session.closing.subscribe(); // cql_close() waits until all of these are gone
    session.runtime.spawn(async move {
        let outcome = tokio::select! {
            biased;
            outcome = request => outcome,
            _ = closing.wait_for(|closing| *closing) => {
                Err(Error::new(Kind::Unknown, "the session was closed before the answer came"))
            }
        };
        callback.call(outcome);
        drop(closing);
    });
}

fn policy(session: &Session, attempt: usize) -> Arc<Pinned> {
    let (local, otherwise) = (session.site.local_dc.clone(), session.near.clone());
    Arc::new(Pinned { local, attempt, otherwise })
}

/// # Safety
/// As cql.h says; the values are copied before this returns.
#[unsafe(no_mangle)]
unsafe extern "C" fn cql_execute(
    s: &Session,
    st: &PreparedStatement,
    values: *const Cell,
    count: usize,
    request: &Request,
    done: Done,
    ctx: *mut c_void,
) {
    let callback = Callback { done, ctx };
    let input = unsafe { Terms::of(request).and_then(|terms| Ok((terms, Values::copy(values, count)?))) };
    let (terms, values) = match input {
        Ok(input) => input,
        Err(error) => return start(s, callback, async { Err(error) }),
    };
    let mut statement = st.clone();
    statement.set_consistency(terms.consistency);
    statement.set_serial_consistency(Some(SerialConsistency::LocalSerial));
    statement.set_request_timeout(terms.timeout);
    if terms.lwt {
        statement.set_load_balancing_policy(Some(policy(s, terms.attempt)));
    }
    let driver = s.driver.clone();
    start(s, callback, async move {
        let row = Row { bytes: &values.bytes, slots: &values.slots };
        let about = terms.about();
        let failed = |error| Error::of_execution(&error, about);
        if terms.page_size > 0 {
            statement.set_page_size(terms.page_size);
            let (answer, page) = driver.execute_single_page(&statement, &row, terms.page).await.map_err(failed)?;
            Rows::from_answer(answer, Some(page))
        } else {
            Rows::from_answer(driver.execute_unpaged(&statement, &row).await.map_err(failed)?, None)
        }
    });
}

/// # Safety
/// As cql.h says; statements and values are copied before this returns.
#[unsafe(no_mangle)]
unsafe extern "C" fn cql_batch(
    s: &Session,
    logged: bool,
    statements: *const *const PreparedStatement,
    value_counts: *const usize,
    count: usize,
    values: *const Cell,
    request: &Request,
    done: Done,
    ctx: *mut c_void,
) {
    let callback = Callback { done, ctx };
    if count == 0 {
        return start(s, callback, async { Err(Error::new(Kind::Invalid, "a batch of nothing")) });
    }
    let counts = unsafe { slice::from_raw_parts(value_counts, count) }.to_vec();
    let statements = unsafe { slice::from_raw_parts(statements, count) };
    let input = unsafe { Terms::of(request).and_then(|terms| Ok((terms, Values::copy(values, counts.iter().sum())?))) };
    let (terms, values) = match input {
        Ok(input) => input,
        Err(error) => return start(s, callback, async { Err(error) }),
    };
    let mut batch = Batch::new(if logged { BatchType::Logged } else { BatchType::Unlogged });
    for statement in statements {
        batch.append_statement(unsafe { &**statement }.clone());
    }
    batch.set_consistency(terms.consistency);
    batch.set_serial_consistency(Some(SerialConsistency::LocalSerial));
    batch.set_request_timeout(terms.timeout);
    if terms.lwt {
        batch.set_load_balancing_policy(Some(policy(s, terms.attempt)));
    }
    let driver = s.driver.clone();
    start(s, callback, async move {
        let about = terms.about();
        let answer = driver.batch(&batch, values.rows(&counts)).await;
        Rows::from_answer(answer.map_err(|error| Error::of_execution(&error, about))?, None)
    });
}
