//! A session: its threads, its connections, and what it found out about the cluster.

use crate::connect::{Options, Wishes, milliseconds, profile};
use crate::error::{Error, Kind, Request};
use crate::result::Rows;
use scylla::client::session::Session as Driver;
use scylla::policies::load_balancing::{DefaultPolicy, LoadBalancingPolicy};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use std::ffi::{CStr, c_char, c_uint};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// What does not change while the session lives.
pub struct Site {
    pub local_dc: Arc<str>,
    version: String,
    scylla: bool,
    tablets: bool,
}

/// `struct cql_session`
pub struct Session {
    pub driver: Arc<Driver>,
    pub site: Site,
    /// Where requests go that are no LWTs: the replicas of the local data centre, in turn.
    pub near: Arc<dyn LoadBalancingPolicy>,
    /// True once cql_close() began. Each request under way listens, so that its listeners are the requests.
    pub closing: watch::Sender<bool>,
    pub runtime: Runtime,
}

/// `struct cql_topology`
#[repr(C)]
pub struct Topology {
    scylla: bool,
    tablets: bool,
    version: [c_char; 64],
    local_dc: [c_char; 128],
    nodes: c_uint,
    nodes_up: c_uint,
    other_nodes: c_uint,
}

fn copy_text<const SIZE: usize>(text: &str) -> [c_char; SIZE] {
    let mut copy = [0; SIZE];
    for (to, from) in copy.iter_mut().take(SIZE - 1).zip(text.bytes()) {
        *to = from as c_char;
    }
    copy
}

fn near(local_dc: Option<&str>) -> Arc<dyn LoadBalancingPolicy> {
    let policy = DefaultPolicy::builder().token_aware(true).permit_dc_failover(false);
    match local_dc {
        Some(name) => policy.prefer_datacenter(name.to_owned()),
        None => policy,
    }
    .build()
}

/// The data centre of the first of @hosts that is connected; else of the node that was @asked.
async fn first_data_centre(driver: &Driver, hosts: &[String], asked: &str) -> String {
    let cluster = driver.get_cluster_state();
    for host in hosts {
        let mut addresses = Vec::new();
        if let Ok(found) = tokio::net::lookup_host(host).await {
            addresses.extend(found);
        } else if let Ok(found) = tokio::net::lookup_host((host.as_str(), 9042)).await {
            addresses.extend(found);
        }
        let is_meant = |ip| addresses.iter().any(|address| address.ip() == ip);
        let node = cluster.get_nodes_info().iter().find(|node| node.is_connected() && is_meant(node.address.ip()));
        if let Some(name) = node.and_then(|node| node.datacenter.clone()) {
            return name;
        }
    }
    asked.to_owned()
}

async fn look_around(driver: &Driver, hosts: &[String], local_dc: Option<String>) -> Result<Site, Error> {
    let failed = |error| Error::of_execution(&error, Request::Other);
    let unreadable = |error: &dyn std::fmt::Display| Error::new(Kind::Other, &error.to_string());
    let answer =
        driver.query_unpaged("SELECT release_version, data_center FROM system.local", ()).await.map_err(failed)?;
    let rows = answer.into_rows_result().map_err(|e| unreadable(&e))?;
    let (version, asked) = rows.single_row::<(String, String)>().map_err(|e| unreadable(&e))?;

    let cluster = driver.get_cluster_state();
    let local_dc = match local_dc {
        Some(name) => {
            let mut names: Vec<_> =
                cluster.get_nodes_info().iter().filter_map(|node| node.datacenter.as_deref()).collect();
            names.sort_unstable();
            names.dedup();
            if !names.contains(&name.as_str()) {
                let text = format!("there is no data centre '{name}'; there are: {}", names.join(", "));
                return Err(Error::new(Kind::Invalid, &text));
            }
            name
        }
        None => first_data_centre(driver, hosts, &asked).await,
    };
    // Only ScyllaDB's nodes say how they shard.
    let scylla = cluster.get_nodes_info().iter().any(|node| node.sharder().is_some());
    let mut tablets = false;
    if scylla {
        let of_tablets =
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system' AND table_name = 'tablets'";
        let answer = driver.query_unpaged(of_tablets, ()).await.map_err(failed)?;
        tablets = answer.into_rows_result().map_err(|e| unreadable(&e))?.rows_num() > 0;
    }
    Ok(Site { local_dc: local_dc.into(), version, scylla, tablets })
}

async fn within<T>(limit: Option<Duration>, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let Some(limit) = limit else { return work.await };
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::new(Kind::NoHost, &format!("no node answered within {} ms", limit.as_millis()))),
    }
}

fn open(wishes: Wishes) -> Result<Session, Error> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(wishes.threads)
        .thread_name("cql-driver")
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Other, &format!("threads: {error}")))?;
    let (hosts, local_dc, limit) = (wishes.hosts.clone(), wishes.local_dc.clone(), wishes.timeout);
    let (driver, site, near) = runtime.block_on(within(limit, async {
        // Which data centre is ours, and whether there is one of that name, is known when a node has answered.
        let mut handle = profile(near(None)).into_handle();
        let builder = wishes.builder().default_execution_profile_handle(handle.clone());
        let driver = builder.build().await.map_err(|error| Error::of_connect(&error))?;
        let site = look_around(&driver, &hosts, local_dc).await?;
        let near = near(Some(&site.local_dc));
        handle.map_to_another_profile(profile(near.clone()));
        Ok((driver, site, near))
    }))?;
    Ok(Session { driver: Arc::new(driver), site, near, closing: watch::Sender::new(false), runtime })
}

/// Write the outcome of a call where its caller wants it.
///
/// # Safety
/// The pointers are NULL or valid.
unsafe fn hand_over<T>(outcome: Result<T, Error>, ret: *mut *mut T, ret_error: *mut Error) -> Kind {
    let error = match outcome {
        Ok(value) => {
            if !ret.is_null() {
                unsafe { *ret = Box::into_raw(Box::new(value)) };
            }
            Error::ok()
        }
        Err(error) => error,
    };
    let kind = error.kind;
    if !ret_error.is_null() {
        unsafe { *ret_error = error };
    }
    kind
}

/// # Safety
/// As cql.h says.
#[unsafe(no_mangle)]
unsafe extern "C" fn cql_open(options: &Options, ret_session: *mut *mut Session, ret_error: *mut Error) -> Kind {
    unsafe { hand_over(Wishes::of(options).and_then(open), ret_session, ret_error) }
}

/// # Safety
/// @s came from cql_open() and is not used any more.
#[unsafe(no_mangle)]
unsafe extern "C" fn cql_close(s: *mut Session) {
    if s.is_null() {
        return;
    }
    let session = *unsafe { Box::from_raw(s) };
    session.closing.send_replace(true);
    session.runtime.block_on(session.closing.closed());
    drop(session.driver);
    session.runtime.shutdown_timeout(Duration::from_secs(2));
}

/// # Safety
/// As cql.h says.
#[unsafe(no_mangle)]
unsafe extern "C" fn cql_topology(s: &Session, ret_topology: *mut Topology) {
    let cluster = s.driver.get_cluster_state();
    let is_local = |dc: &Option<String>| dc.as_deref() == Some(&*s.site.local_dc);
    let (local, other): (Vec<_>, Vec<_>) = cluster.get_nodes_info().iter().partition(|node| is_local(&node.datacenter));
    let topology = Topology {
        scylla: s.site.scylla,
        tablets: s.site.tablets,
        version: copy_text(&s.site.version),
        local_dc: copy_text(&s.site.local_dc),
        nodes: local.len() as c_uint,
        nodes_up: local.iter().filter(|node| node.is_connected()).count() as c_uint,
        other_nodes: other.len() as c_uint,
    };
    unsafe { *ret_topology = topology };
}

/// # Safety
/// As cql.h says.
#[unsafe(no_mangle)]
unsafe extern "C" fn cql_query(
    s: &Session,
    cql: *const c_char,
    timeout_ms: u32,
    ret_result: *mut *mut Rows,
    ret_error: *mut Error,
) -> Kind {
    let mut statement = Statement::new(unsafe { CStr::from_ptr(cql) }.to_string_lossy());
    statement.set_request_timeout(milliseconds(timeout_ms));
    let answer = s.runtime.block_on(s.driver.query_unpaged(statement, ()));
    let rows = answer
        .map_err(|error| Error::of_execution(&error, Request::Other))
        .and_then(|answer| Rows::from_answer(answer, None));
    unsafe { hand_over(rows, ret_result, ret_error) }
}

/// # Safety
/// As cql.h says.
#[unsafe(no_mangle)]
unsafe extern "C" fn cql_prepare(
    s: &Session,
    cql: *const c_char,
    ret_statement: *mut *mut PreparedStatement,
    ret_error: *mut Error,
) -> Kind {
    let text = unsafe { CStr::from_ptr(cql) }.to_string_lossy().into_owned();
    let statement = s.runtime.block_on(s.driver.prepare(text)).map_err(|error| Error::of_prepare(&error));
    unsafe { hand_over(statement, ret_statement, ret_error) }
}

/// # Safety
/// @st came from cql_prepare() and is not used any more.
#[unsafe(no_mangle)]
unsafe extern "C" fn cql_statement_free(st: *mut PreparedStatement) {
    if !st.is_null() {
        drop(unsafe { Box::from_raw(st) });
    }
}
