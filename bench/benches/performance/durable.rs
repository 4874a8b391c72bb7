//! What it costs to keep everything on the disk: puts that are synced before they are
//! answered, beside the same emulator in memory, and beside rivals as they were started.

use std::env;
use std::fs;
use std::process;

use kinesis_bench::report::units;

use crate::contender::Contender;
use crate::load::Window;
use crate::requests::Puts;
use crate::row::{Bound, Row, Unit};
use crate::turns;
use crate::{Contenders, Outcome, Plan};

/// A server that writes down all it has for each put is the slower the more it has.
const STORED: usize = 10_000;
const CONNECTIONS: usize = 32;

/// A rival is to be given in its durable mode, `@` in the name of its directory, too: each
/// round begins with an empty one.
pub(crate) async fn measure(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let folder = env::temp_dir().join(format!("kinesis-durable-{}", process::id()));
    let directory = folder.join("@").display().to_string();
    let synced = contenders.ours.with("with --data-dir", &["--data-dir", &directory]);
    let memory = contenders.ours.with("in memory", &[]);
    let all = [&synced, &memory].into_iter().chain(&contenders.rivals).collect::<Vec<&Contender>>();
    let what = format!(
        "PutRecord, {CONNECTIONS} connections, {} records stored",
        units::count(STORED as u64)
    );
    let measured = turns::take(&what, plan.rounds, all, async |contender, server| {
        Puts::over(CONNECTIONS).among(STORED).load(contender, server, plan.timing).await
    });
    let mut measured = measured.await?;
    fs::remove_dir_all(&folder)?;
    let in_memory = measured.remove(1);
    let beside_rivals = turns::row(
        format!("{what}: synced requests"),
        Unit::PerSecond,
        &measured,
        Window::records_per_second,
    );
    measured.truncate(1);
    measured.push(in_memory);
    let beside_memory = turns::row(
        format!("{what}: synced, and in memory"),
        Unit::PerSecond,
        &measured,
        Window::records_per_second,
    );
    Ok(vec![beside_rivals.bound(Bound::TimesRivalAtLeast(50.0)), beside_memory])
}
