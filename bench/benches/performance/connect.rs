//! Calling a server that is a process of its own.

use kinesis_bench::driver::{Driver, DriverKind};
use kinesis_bench::target::choice::{Access, TargetChoice};
use kinesis_bench::target::process::ServerProcess;
use kinesis_bench::target::trust::Trust;
use kinesis_bench::target::{Profile, Target};

use crate::Outcome;

/// The server as a target, and what calls it.
pub(crate) async fn open(server: &ServerProcess, driver: DriverKind) -> Outcome<(Target, Driver)> {
    let access = Access {
        driver,
        is_http2: false,
        connections: 1,
        is_owned: false,
        trust: Trust::default(),
        shards: 1,
        profile: Profile::default(),
    };
    let target = TargetChoice::Endpoint(server.url().parse()?).open(&access).await?;
    let driver = target.driver(&access)?;
    Ok((target, driver))
}
