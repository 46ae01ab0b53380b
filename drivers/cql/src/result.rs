//! Rows as the caller reads them: all bytes of an answer in one block, and where each cell lies in it.

use crate::error::{Error, Kind};
use crate::request::Cell;
use scylla::deserialize::row::ColumnIterator;
use scylla::response::PagingStateResponse;
use scylla::response::query_result::QueryResult;
use std::ffi::{CStr, CString, c_char};
use std::ptr;

/// `struct cql_result`
pub struct Rows {
    names: Vec<CString>,
    rows: usize,
    cells: Vec<Option<(usize, usize)>>, // where in data; row by row
    data: Vec<u8>,
    page: Vec<u8>,
    warnings: Vec<CString>,
    coordinator: CString,
}

fn text(of: &str) -> CString {
    CString::new(of.replace('\0', " ")).expect("it has no zero any more")
}

impl Rows {
    pub fn from_answer(answer: QueryResult, page: Option<PagingStateResponse>) -> Result<Self, Error> {
        let unreadable = |error: &dyn std::fmt::Display| Error::new(Kind::Other, &error.to_string());
        let mut rows = Self {
            names: Vec::new(),
            rows: 0,
            cells: Vec::new(),
            data: Vec::new(),
            page: match page {
                Some(PagingStateResponse::HasMorePages { state }) => {
                    state.as_bytes_slice().map(|bytes| bytes.to_vec()).unwrap_or_default()
                }
                _ => Vec::new(),
            },
            warnings: answer.warnings().map(text).collect(),
            coordinator: text(&answer.request_coordinator().connection_address().to_string()),
        };
        if !answer.is_rows() {
            return Ok(rows);
        }
        let table = answer.into_rows_result().map_err(|e| unreadable(&e))?;
        rows.names = table.column_specs().iter().map(|column| text(column.name())).collect();
        rows.rows = table.rows_num();
        rows.cells.reserve(rows.rows * rows.names.len());
        rows.data.reserve(table.rows_bytes_size());
        for row in table.rows::<ColumnIterator>().map_err(|e| unreadable(&e))? {
            for column in row.map_err(|e| unreadable(&e))? {
                let cell = column.map_err(|e| unreadable(&e))?.slice;
                let place = cell.map(|bytes| (rows.data.len(), bytes.as_slice().len()));
                rows.data.extend_from_slice(cell.map_or(&[], |bytes| bytes.as_slice()));
                rows.cells.push(place);
            }
        }
        Ok(rows)
    }
}

fn at(list: &[CString], index: usize) -> *const c_char {
    list.get(index).map_or(ptr::null(), |text| text.as_ptr())
}

#[unsafe(no_mangle)]
extern "C" fn cql_rows(r: &Rows) -> usize {
    r.rows
}

#[unsafe(no_mangle)]
extern "C" fn cql_columns(r: &Rows) -> usize {
    r.names.len()
}

#[unsafe(no_mangle)]
extern "C" fn cql_column(r: &Rows, column: usize) -> *const c_char {
    at(&r.names, column)
}

/// # Safety
/// @name is a C string.
#[unsafe(no_mangle)]
unsafe extern "C" fn cql_column_find(r: &Rows, name: *const c_char) -> i32 {
    let name = unsafe { CStr::from_ptr(name) };
    r.names.iter().position(|column| column.as_c_str() == name).map_or(-1, |index| index as i32)
}

#[unsafe(no_mangle)]
extern "C" fn cql_value(r: &Rows, row: usize, column: usize) -> Cell {
    if column >= r.names.len() {
        return Cell::NULL;
    }
    match r.cells.get(row * r.names.len() + column) {
        Some(Some((start, length))) => Cell::lent(&r.data[*start..*start + *length]),
        _ => Cell::NULL,
    }
}

#[unsafe(no_mangle)]
extern "C" fn cql_page(r: &Rows) -> Cell {
    Cell::lent(&r.page)
}

#[unsafe(no_mangle)]
extern "C" fn cql_warning(r: &Rows, index: usize) -> *const c_char {
    at(&r.warnings, index)
}

#[unsafe(no_mangle)]
extern "C" fn cql_coordinator(r: &Rows) -> *const c_char {
    r.coordinator.as_ptr()
}

/// # Safety
/// @r came from a callback or cql_query() and is not used any more.
#[unsafe(no_mangle)]
unsafe extern "C" fn cql_result_free(r: *mut Rows) {
    if !r.is_null() {
        drop(unsafe { Box::from_raw(r) });
    }
}
