//! The CQL client of `cql.h`: the official driver `scylla` behind a narrow C face. The header is the manual.
//!
//! Values travel as the bytes that the protocol carries, so that nothing here knows a type.
//!
//! - `session`: connect, close, prepare, statements without values, what the cluster is
//! - `connect`: from the caller's options to the driver's: hosts, TLS, timings
//! - `policy`: which node an LWT goes to
//! - `request`: one statement or batch under way, its callback exactly once
//! - `result`: rows as the caller reads them
//! - `error`: what an error says about the request: done, not done, unknown

// An error is the caller's C struct, and none is made where nothing went wrong.
#![allow(clippy::result_large_err)]

mod connect;
mod error;
mod policy;
mod request;
mod result;
mod session;
