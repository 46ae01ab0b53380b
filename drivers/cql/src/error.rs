//! What an error says about the request that it ended: was it done, was it not, or does nobody know?

use scylla::errors::{
    BadQuery, ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, NewSessionError, PrepareError, RequestAttemptError, WriteType,
};
use scylla::statement::Consistency;
use std::ffi::{c_char, c_int};

/// `enum cql_kind`
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ok = 0,
    Unavailable = 1,
    Unknown = 2,
    ReadFailed = 3,
    Overloaded = 4,
    Syntax = 5,
    Invalid = 6,
    NotFound = 7,
    Auth = 8,
    NoHost = 9,
    Exists = 10,
    Other = 11,
}

const MESSAGE_SIZE: usize = 240;

/// `struct cql_error`
#[repr(C)]
#[derive(Clone, Debug)]
pub struct Error {
    pub kind: Kind,
    pub cas: bool,
    pub consistency: c_int,
    pub received: c_int,
    pub required: c_int,
    message: [c_char; MESSAGE_SIZE],
}

/// Is the request an LWT that writes? Then some errors that are harmless elsewhere leave it in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    LwtWrite,
    Other,
}

impl Error {
    pub fn ok() -> Self {
        Self::new(Kind::Ok, "")
    }

    /// One line, cut to what the caller's struct holds, never inside a character.
    pub fn new(kind: Kind, text: &str) -> Self {
        let mut message = [0; MESSAGE_SIZE];
        let mut at = 0;
        for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).as_bytes();
            if at + bytes.len() >= MESSAGE_SIZE {
                break;
            }
            for b in bytes {
                message[at] = *b as c_char;
                at += 1;
            }
        }
        Self { kind, cas: false, consistency: -1, received: 0, required: 0, message }
    }

    fn counted(mut self, consistency: Consistency, received: i32, required: i32) -> Self {
        self.consistency = c_int::from(consistency as u16);
        self.received = received;
        self.required = required;
        self
    }

    pub fn of_execution(error: &ExecutionError, request: Request) -> Self {
        let text = error.to_string();
        match error {
            ExecutionError::LastAttemptError(attempt) => Self::of_attempt(attempt, request),
            // No node of the plan had a connection: nothing was sent.
            ExecutionError::EmptyPlan | ExecutionError::ConnectionPoolError(_) => Self::new(Kind::NoHost, &text),
            ExecutionError::PrepareError(error) => Self::of_prepare(error),
            ExecutionError::BadQuery(BadQuery::SerializationError(_) | BadQuery::ValuesTooLongForKey(..))
            | ExecutionError::BadQuery(BadQuery::TooManyQueriesInBatchStatement(_)) => Self::new(Kind::Invalid, &text),
            // The client's own time-out. After DDL: it was done, and whether everybody knows is open.
            ExecutionError::RequestTimeout(_)
            | ExecutionError::SchemaAgreementError(_)
            | ExecutionError::MetadataError(_) => Self::new(Kind::Unknown, &text),
            _ => Self::new(Kind::Other, &text),
        }
    }

    /// A prepare writes nothing: one that was not answered can simply be repeated.
    pub fn of_prepare(error: &PrepareError) -> Self {
        match error {
            PrepareError::AllAttemptsFailed { first_attempt } => {
                let mut error = Self::of_attempt(first_attempt, Request::Other);
                if error.kind == Kind::Unknown {
                    error.kind = Kind::ReadFailed;
                }
                error
            }
            PrepareError::ConnectionPoolError(_) => Self::new(Kind::NoHost, &error.to_string()),
            _ => Self::new(Kind::Other, &error.to_string()),
        }
    }

    pub fn of_connect(error: &NewSessionError) -> Self {
        let kind = match error {
            NewSessionError::MetadataError(MetadataError::ConnectionPoolError(ConnectionPoolError::Broken {
                last_connection_error,
                ..
            })) => of_connection(last_connection_error),
            NewSessionError::MetadataError(_) | NewSessionError::FailedToResolveAnyHostname(_) => Kind::NoHost,
            NewSessionError::EmptyKnownNodesList | NewSessionError::IllegalConfig(_) => Kind::Invalid,
            _ => Kind::Other,
        };
        Self::new(kind, &error.to_string())
    }

    fn of_attempt(attempt: &RequestAttemptError, request: Request) -> Self {
        match attempt {
            RequestAttemptError::DbError(error, text) => Self::of_database(error, text, request),
            RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => {
                Self::new(Kind::Invalid, &attempt.to_string())
            }
            // Too many requests on the connection: this one was not sent.
            RequestAttemptError::UnableToAllocStreamId => Self::new(Kind::Overloaded, &attempt.to_string()),
            // A broken connection, an answer that cannot be read: the server may have done it.
            _ => Self::new(Kind::Unknown, &attempt.to_string()),
        }
    }

    fn of_database(error: &DbError, text: &str, request: Request) -> Self {
        let lwt = request == Request::LwtWrite;
        let make = |kind| Self::new(kind, text);
        match error {
            // An LWT asks for the replicas of its Paxos round first, at a serial level. When it is short of
            // replicas at another level, that is its commit: the round may have been decided.
            DbError::Unavailable { consistency, required, alive } => {
                let begun = lwt && !matches!(consistency, Consistency::Serial | Consistency::LocalSerial);
                make(if begun { Kind::Unknown } else { Kind::Unavailable }).counted(*consistency, *alive, *required)
            }
            DbError::WriteTimeout { consistency, received, required, write_type }
            | DbError::WriteFailure { consistency, received, required, write_type, .. } => {
                let mut error = make(Kind::Unknown).counted(*consistency, *received, *required);
                error.cas = *write_type == WriteType::Cas;
                error
            }
            // An LWT reads between its rounds. An earlier of its own ballots may be finished by somebody else.
            DbError::ReadTimeout { consistency, received, required, .. }
            | DbError::ReadFailure { consistency, received, required, .. } => {
                make(if lwt { Kind::Unknown } else { Kind::ReadFailed }).counted(*consistency, *received, *required)
            }
            // Also said by a coordinator that cannot keep hints any more, and that is when an LWT commits.
            DbError::Overloaded | DbError::RateLimitReached { .. } if lwt => make(Kind::Unknown),
            DbError::Overloaded | DbError::RateLimitReached { .. } | DbError::IsBootstrapping => make(Kind::Overloaded),
            DbError::SyntaxError => make(Kind::Syntax),
            DbError::Invalid | DbError::ConfigError => make(of_invalid(text)),
            DbError::AlreadyExists { .. } => make(Kind::Exists),
            DbError::AuthenticationError | DbError::Unauthorized => make(Kind::Auth),
            // Other: a code that version 4 of the protocol does not know, such as CAS_WRITE_UNKNOWN.
            DbError::ServerError | DbError::Other(_) => make(Kind::Unknown),
            _ => make(Kind::Other),
        }
    }
}

fn of_connection(error: &ConnectionError) -> Kind {
    match error {
        ConnectionError::ConnectionSetupRequestError(setup) => match setup.get_error() {
            ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError | DbError::Unauthorized, _)
            | ConnectionSetupRequestErrorKind::MissingAuthentication => Kind::Auth,
            _ => Kind::NoHost,
        },
        _ => Kind::NoHost,
    }
}

/// The protocol has one code for "makes no sense" and "speaks of what is not there"; only the text tells.
fn of_invalid(text: &str) -> Kind {
    const EXISTS: [&str; 2] = ["already exists", "conflicts with an existing column"];
    const NOT_FOUND: [&str; 7] = [
        "does not exist",
        "doesn't exist",
        "unconfigured table",
        "Undefined column",
        "Unknown keyspace",
        "Unknown identifier",
        "Unrecognized name",
    ];
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&EXISTS) {
        Kind::Exists
    } else if says(&NOT_FOUND) {
        Kind::NotFound
    } else {
        Kind::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn text(error: &Error) -> &str {
        unsafe { CStr::from_ptr(error.message.as_ptr()) }.to_str().unwrap()
    }

    fn kind(error: DbError, request: Request) -> Kind {
        Error::of_attempt(&RequestAttemptError::DbError(error, String::new()), request).kind
    }

    #[test]
    fn a_message_is_one_line_and_ends_between_characters() {
        assert_eq!(text(&Error::new(Kind::Other, "line 1\nline 2\r\t")), "line 1 line 2  ");
        let cut = Error::new(Kind::Other, &"ü".repeat(200));
        assert_eq!(text(&cut), "ü".repeat(119)); // 238 bytes and the end
        assert_eq!(text(&Error::new(Kind::Other, &"x".repeat(500))).len(), MESSAGE_SIZE - 1);
    }

    #[test]
    fn unavailable_means_not_begun_unless_an_lwt_was_about_to_commit() {
        let at = |consistency| DbError::Unavailable { consistency, required: 2, alive: 1 };
        assert_eq!(kind(at(Consistency::Quorum), Request::Other), Kind::Unavailable);
        assert_eq!(kind(at(Consistency::LocalSerial), Request::LwtWrite), Kind::Unavailable);
        assert_eq!(kind(at(Consistency::Serial), Request::LwtWrite), Kind::Unavailable);
        assert_eq!(kind(at(Consistency::Quorum), Request::LwtWrite), Kind::Unknown);
    }

    #[test]
    fn a_read_that_failed_leaves_an_lwt_in_doubt() {
        let read = DbError::ReadTimeout {
            consistency: Consistency::LocalSerial,
            received: 1,
            required: 2,
            data_present: false,
        };
        assert_eq!(kind(read.clone(), Request::Other), Kind::ReadFailed);
        assert_eq!(kind(read, Request::LwtWrite), Kind::Unknown);
    }

    #[test]
    fn overloaded_is_not_done_unless_an_lwt_may_have_been() {
        assert_eq!(kind(DbError::Overloaded, Request::Other), Kind::Overloaded);
        assert_eq!(kind(DbError::Overloaded, Request::LwtWrite), Kind::Unknown);
        assert_eq!(kind(DbError::IsBootstrapping, Request::LwtWrite), Kind::Overloaded);
    }

    #[test]
    fn a_write_that_timed_out_is_unknown_with_its_counts() {
        let write = |write_type| {
            let error =
                DbError::WriteTimeout { consistency: Consistency::Quorum, received: 1, required: 2, write_type };
            Error::of_attempt(&RequestAttemptError::DbError(error, "slow".to_owned()), Request::LwtWrite)
        };
        let error = write(WriteType::Cas);
        assert_eq!((error.kind, error.cas), (Kind::Unknown, true));
        assert_eq!((error.consistency, error.received, error.required), (4, 1, 2));
        assert_eq!(text(&error), "slow");
        assert!(!write(WriteType::Batch).cas);
    }

    #[test]
    fn what_the_server_does_not_explain_is_unknown() {
        assert_eq!(kind(DbError::ServerError, Request::Other), Kind::Unknown);
        assert_eq!(kind(DbError::Other(0x1700), Request::LwtWrite), Kind::Unknown);
        let timeout = ExecutionError::RequestTimeout(std::time::Duration::from_millis(1));
        assert_eq!(Error::of_execution(&timeout, Request::Other).kind, Kind::Unknown);
    }

    #[test]
    fn nothing_was_sent_without_a_connection() {
        assert_eq!(Error::of_execution(&ExecutionError::EmptyPlan, Request::LwtWrite).kind, Kind::NoHost);
        let pool = ExecutionError::ConnectionPoolError(ConnectionPoolError::Initializing);
        assert_eq!(Error::of_execution(&pool, Request::LwtWrite).kind, Kind::NoHost);
    }

    #[test]
    fn invalid_is_told_apart_by_its_text() {
        assert_eq!(of_invalid("Keyspace 'x' does not exist"), Kind::NotFound);
        assert_eq!(of_invalid("Undefined column name foo in table k.t"), Kind::NotFound);
        assert_eq!(of_invalid("Column with name 'a' already exists"), Kind::Exists);
        assert_eq!(of_invalid("Some partition key parts are missing: k"), Kind::Invalid);
    }
}
