//! Servers that take turns.

use kinesis_bench::target::process::ServerProcess;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::Outcome;
use crate::contender::Contender;
use crate::row::{Row, Unit};

/// What each contender did in each round, by name.
pub(crate) type Measured<T> = Vec<(String, Vec<T>)>;

/// Measures each in turn on a server of its own, round by round; every second round the
/// other way about. One that fails takes part no more and has no figure.
///
/// # Errors
/// When the first fails.
pub(crate) async fn take<T>(
    rounds: usize,
    contenders: Vec<&Contender>,
    measure: impl AsyncFn(&Contender, &ServerProcess) -> Outcome<T>,
) -> Outcome<Measured<T>> {
    let (mut measured, mut places) = begin(&contenders);
    for _ in 0..rounds {
        for place in places.clone() {
            let contender = contenders[place];
            let done = async { measure(contender, &contender.start()?).await }.await;
            match done {
                Ok(value) => measured[place].1.push(value),
                Err(error) => leave_out(place, &error, &mut measured, &mut places)?,
            }
        }
        places.reverse();
    }
    Ok(measured)
}

/// Measures all at once, each on a server of its own: within a round they take many short
/// turns, in an order drawn anew for each, so that whatever slows the machine down for
/// longer than a few turns slows all of them down. `open` makes what a server is called
/// with in a round, `turn` calls it, and `close` says what came of all its turns. One that
/// fails takes part no more and has no figure.
///
/// # Errors
/// When the first fails.
pub(crate) async fn interleave<C, T>(
    rounds: usize,
    turns: usize,
    contenders: Vec<&Contender>,
    open: impl AsyncFn(&ServerProcess) -> Outcome<C>,
    turn: impl AsyncFn(&mut C) -> Outcome<()>,
    close: impl Fn(C) -> T,
) -> Outcome<Measured<T>> {
    let (mut measured, mut places) = begin(&contenders);
    let mut chance = StdRng::seed_from_u64(SEED);
    for _ in 0..rounds {
        let mut running = Vec::with_capacity(places.len());
        for place in places.clone() {
            let opened = async {
                let server = contenders[place].start()?;
                let caller = open(&server).await?;
                Outcome::Ok((server, caller))
            };
            match opened.await {
                Ok((server, caller)) => running.push((place, server, caller)),
                Err(error) => leave_out(place, &error, &mut measured, &mut places)?,
            }
        }
        for _ in 0..turns {
            running.shuffle(&mut chance);
            for (place, _, caller) in &mut running {
                if let Err(error) = turn(caller).await {
                    leave_out(*place, &error, &mut measured, &mut places)?;
                }
            }
            running.retain(|(place, ..)| places.contains(place));
        }
        for (place, _, caller) in running {
            measured[place].1.push(close(caller));
        }
    }
    Ok(measured)
}

/// The same orders in every run.
const SEED: u64 = 1;

fn begin<T>(contenders: &[&Contender]) -> (Measured<T>, Vec<usize>) {
    let measured = contenders.iter().map(|contender| (contender.name.clone(), Vec::new()));
    (measured.collect(), (0..contenders.len()).collect())
}

fn leave_out<T>(
    place: usize,
    why: &Failed,
    measured: &mut Measured<T>,
    places: &mut Vec<usize>,
) -> Outcome<()> {
    let (name, values) = &mut measured[place];
    if place == 0 {
        return Err(format!("{name}: {why}").into());
    }
    eprintln!("{name} is left out: {why}");
    values.clear();
    places.retain(|other| *other != place);
    Ok(())
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A row with a figure of each contender.
pub(crate) fn row<T: Copy>(
    what: impl Into<String>,
    unit: Unit,
    measured: &Measured<T>,
    of: impl Fn(T) -> f64,
) -> Row {
    measured.iter().fold(Row::new(what, unit), |row, (name, values)| {
        row.figure(name, values.iter().map(|value| of(*value)).collect())
    })
}
