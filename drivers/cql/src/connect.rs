//! From the caller's options to the driver's.

use crate::error::{Error, Kind};
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslFiletype, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::TlsContext;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::LoadBalancingPolicy;
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::statement::{Consistency, SerialConsistency};
use std::ffi::{CStr, c_char, c_uint};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// A node that says nothing is given up for dead after the two together (the driver's own figures are 30 s each:
/// a frozen coordinator cost 22 s then, and 3 s with these).
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
const SCHEMA_AGREEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// `struct cql_options`
#[repr(C)]
pub struct Options {
    hosts: *const c_char,
    local_dc: *const c_char,
    user: *const c_char,
    password: *const c_char,
    tls_ca: *const c_char,
    tls_cert: *const c_char,
    tls_key: *const c_char,
    tls_any_name: bool,
    threads: c_uint,
    connect_timeout_ms: u32,
}

/// The same, checked and owned.
pub struct Wishes {
    pub hosts: Vec<String>,
    pub local_dc: Option<String>,
    pub threads: usize,
    pub timeout: Option<Duration>,
    login: Option<(String, String)>,
    tls: Option<SslConnectorBuilder>,
}

/// 0: no limit.
pub fn milliseconds(count: u32) -> Option<Duration> {
    (count > 0).then(|| Duration::from_millis(count.into()))
}

/// # Safety
/// @text is NULL or a C string.
unsafe fn owned(text: *const c_char) -> Option<String> {
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

fn invalid(text: &str) -> Error {
    Error::new(Kind::Invalid, text)
}

fn split_hosts(list: &str) -> Result<Vec<String>, Error> {
    let hosts: Vec<_> = list.split(',').map(|host| host.trim().to_owned()).collect();
    if hosts.iter().any(|host| host.is_empty()) {
        return Err(invalid("the list of hosts is HOST[:PORT],HOST[:PORT],..., and one of them is empty"));
    }
    Ok(hosts)
}

impl Wishes {
    /// # Safety
    /// Each text of @options is NULL or a C string.
    pub unsafe fn of(options: &Options) -> Result<Self, Error> {
        let (hosts, user, password, ca, certificate, key) = unsafe {
            (
                owned(options.hosts).ok_or_else(|| invalid("no hosts"))?,
                owned(options.user),
                owned(options.password),
                owned(options.tls_ca),
                owned(options.tls_cert),
                owned(options.tls_key),
            )
        };
        let tls = match (ca, certificate, key) {
            (None, None, None) => None,
            (Some(ca), None, None) => Some(tls(&ca, None, options.tls_any_name)?),
            (Some(ca), Some(certificate), Some(key)) => {
                Some(tls(&ca, Some((&certificate, &key)), options.tls_any_name)?)
            }
            _ => return Err(invalid("a client certificate needs its key, and both need the file of the authority")),
        };
        Ok(Self {
            hosts: split_hosts(&hosts)?,
            local_dc: unsafe { owned(options.local_dc) },
            threads: options.threads.max(1) as usize,
            timeout: milliseconds(options.connect_timeout_ms),
            login: user.map(|user| (user, password.unwrap_or_default())),
            tls,
        })
    }

    /// A builder with everything but the profile.
    pub fn builder(self) -> SessionBuilder {
        let mut builder = SessionBuilder::new()
            .known_nodes(&self.hosts)
            .connection_timeout(self.timeout.map_or(CONNECTION_TIMEOUT, |limit| limit.min(CONNECTION_TIMEOUT)))
            .schema_agreement_timeout(SCHEMA_AGREEMENT_TIMEOUT)
            .schema_agreement_interval(Duration::from_millis(50))
            .keepalive_interval(KEEPALIVE_INTERVAL)
            .keepalive_timeout(KEEPALIVE_TIMEOUT)
            .tcp_nodelay(true)
            .fetch_full_schema_metadata(false); // where the copies of a partition lie is all that we ask
        if let Some((user, password)) = self.login {
            builder = builder.user(user, password);
        }
        if let Some(tls) = self.tls {
            builder = builder.tls_context(Some(TlsContext::from(tls)));
        }
        builder
    }
}

/// No retries, no time limit, no timestamps that the caller has not asked for.
pub fn profile(policy: Arc<dyn LoadBalancingPolicy>) -> ExecutionProfile {
    ExecutionProfile::builder()
        .load_balancing_policy(policy)
        .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
        .speculative_execution_policy(None)
        .consistency(Consistency::Quorum)
        .serial_consistency(Some(SerialConsistency::LocalSerial))
        .request_timeout(None)
        .build()
}

/// Trust the authority in file @ca and nobody else. The driver compares the certificate with the node's address,
/// not with a name, so that a certificate must have the address in it.
fn tls(ca: &str, client: Option<(&str, &str)>, any_name: bool) -> Result<SslConnectorBuilder, Error> {
    // X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH
    const OTHER_NAME: [i32; 2] = [62, 64];
    let wrong = |what: &str, file: &str, why: &dyn std::fmt::Display| invalid(&format!("{what} {file}: {why}"));

    let mut builder = SslConnector::builder(SslMethod::tls()).map_err(|e| wrong("TLS", "", &e))?;
    let pem = fs::read(ca).map_err(|e| wrong("certificates", ca, &e))?;
    let authorities = X509::stack_from_pem(&pem).map_err(|e| wrong("certificates", ca, &e))?;
    if authorities.is_empty() {
        return Err(wrong("certificates", ca, &"no PEM certificate in it"));
    }
    let mut store = X509StoreBuilder::new().map_err(|e| wrong("certificates", ca, &e))?;
    for authority in authorities {
        store.add_cert(authority).map_err(|e| wrong("certificates", ca, &e))?;
    }
    builder.set_cert_store(store.build());
    if let Some((certificate, key)) = client {
        builder.set_certificate_chain_file(certificate).map_err(|e| wrong("certificate", certificate, &e))?;
        builder.set_private_key_file(key, SslFiletype::PEM).map_err(|e| wrong("key", key, &e))?;
        builder.check_private_key().map_err(|e| wrong("key", key, &e))?;
    }
    if any_name {
        builder.set_verify_callback(SslVerifyMode::PEER, |good, context| {
            good || OTHER_NAME.contains(&context.error().as_raw())
        });
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::ssl::{Ssl, SslAcceptor, SslStream};
    use openssl::x509::X509Name;
    use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
    use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};

    #[test]
    fn hosts_are_split_and_none_is_empty() {
        assert_eq!(split_hosts("a, b:9043 ,[::1]:9042").unwrap(), ["a", "b:9043", "[::1]:9042"]);
        for bad in ["", "a,,b", "a,", " "] {
            assert_eq!(split_hosts(bad).unwrap_err().kind, Kind::Invalid, "{bad:?}");
        }
    }

    #[test]
    fn a_certificate_file_that_is_none_is_refused() {
        assert_eq!(tls("/nonexistent/ca.pem", None, false).err().unwrap().kind, Kind::Invalid);
        assert_eq!(tls("Cargo.toml", None, false).err().unwrap().kind, Kind::Invalid);
    }

    fn key() -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
    }

    /// A certificate for @address, signed by @issuer or by itself.
    fn certificate(name: &str, key: &PKey<Private>, issuer: Option<(&X509, &PKey<Private>)>, address: &str) -> X509 {
        let mut subject = X509Name::builder().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(issuer.map_or(&*subject, |(issuer, _)| issuer.subject_name())).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        if issuer.is_none() {
            builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        } else {
            let context = builder.x509v3_context(None, None);
            let extension = SubjectAlternativeName::new().ip(address).build(&context).unwrap();
            builder.append_extension(extension).unwrap();
        }
        builder.sign(issuer.map_or(key, |(_, key)| key), MessageDigest::sha256()).unwrap();
        builder.build()
    }

    /// Does a client that trusts @trusted, set up as for the driver, shake hands with a node of this certificate?
    fn shakes_hands(trusted: &X509, node: &X509, node_key: &PKey<Private>, any_name: bool) -> bool {
        let mut file = std::env::temp_dir();
        file.push(format!("boxoffice-ca-{:?}.pem", std::thread::current().id()));
        fs::write(&file, trusted.to_pem().unwrap()).unwrap();
        let client = tls(file.to_str().unwrap(), None, any_name).unwrap().build().into_context();
        fs::remove_file(&file).unwrap();

        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(node).unwrap();
        acceptor.set_private_key(node_key).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || acceptor.accept(listener.accept().unwrap().0).is_ok());

        // As the driver does it for each connection.
        let mut ssl = Ssl::new(&client).unwrap();
        ssl.param_mut().set_ip(IpAddr::from(Ipv4Addr::LOCALHOST)).unwrap();
        let mut stream = SslStream::new(ssl, TcpStream::connect(address).unwrap()).unwrap();
        let connected = stream.connect().is_ok();
        drop(stream);
        assert_eq!(server.join().unwrap(), connected);
        connected
    }

    #[test]
    fn a_node_is_known_by_its_authority_and_its_address() {
        let (ca_key, other_key, node_key) = (key(), key(), key());
        let ca = certificate("authority", &ca_key, None, "");
        let other = certificate("another authority", &other_key, None, "");
        let node = certificate("node", &node_key, Some((&ca, &ca_key)), "127.0.0.1");
        let elsewhere = certificate("node", &node_key, Some((&ca, &ca_key)), "192.0.2.1");
        assert!(shakes_hands(&ca, &node, &node_key, false));
        assert!(!shakes_hands(&ca, &elsewhere, &node_key, false), "a certificate of another address");
        assert!(shakes_hands(&ca, &elsewhere, &node_key, true), "the name is not to be compared");
        for any_name in [false, true] {
            assert!(!shakes_hands(&other, &node, &node_key, any_name), "signed by somebody else");
            assert!(!shakes_hands(&other, &elsewhere, &node_key, any_name), "signed by somebody else");
        }
    }
}
