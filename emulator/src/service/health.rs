//! Paths that supervisors ask whether the emulator is up: LocalStack's,
//! kinesis-mock's, ferrokinesis's and the usual ones.
//!
//! Whoever can ask is answered: an emulator takes requests when it is ready,
//! its initial streams included. Every other GET is refused as AWS refuses it.

use http::Method;

/// The answer to a GET of a path that says how the emulator is.
///
/// LocalStack calls a service `available` until somebody has used it, so that is
/// what scripts wait for; its older `/health` said `running`. Blanks are as
/// LocalStack has them, for those who look with `grep`.
const PAGES: &[(&str, &str)] = &[
    (
        "/_localstack/health",
        concat!(
            r#"{"services": {"kinesis": "available"}, "edition": "kinesis-emulator", "version": ""#,
            env!("CARGO_PKG_VERSION"),
            r#""}"#
        ),
    ),
    (
        "/_localstack/init",
        r#"{"completed": {"BOOT": true, "START": true, "READY": true, "SHUTDOWN": false}, "scripts": []}"#,
    ),
    ("/_localstack/init/boot", COMPLETED),
    ("/_localstack/init/start", COMPLETED),
    ("/_localstack/init/ready", COMPLETED),
    ("/_localstack/init/shutdown", r#"{"completed": false, "scripts": []}"#),
    ("/health", HEALTHY),
    ("/healthcheck", HEALTHY),
    ("/healthz", HEALTHY),
    ("/live", HEALTHY),
    ("/livez", HEALTHY),
    ("/ready", HEALTHY),
    ("/readyz", HEALTHY),
    ("/_health", HEALTHY),
    ("/_health/live", HEALTHY),
    ("/_health/ready", HEALTHY),
];

const COMPLETED: &str = r#"{"completed": true, "scripts": []}"#;
const HEALTHY: &str = r#"{"status": "ok", "services": {"kinesis": "running"}}"#;

/// The page that a request asks for. HEAD gets its head alone.
pub(super) fn page(request: &http::request::Parts) -> Option<&'static str> {
    let head_only = match request.method {
        Method::GET => false,
        Method::HEAD => true,
        _ => return None,
    };
    let (_, page) = PAGES.iter().find(|(path, _)| *path == request.uri.path())?;
    Some(if head_only { "" } else { page })
}
