//! Servers that take turns.

use std::error::Error;
use std::time::Duration;

use kinesis_bench::target::process::ServerProcess;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use tokio::time::timeout;

use crate::Outcome;
use crate::contender::Contender;
use crate::row::{Row, Unit};

/// What all contenders did.
pub(crate) type Measured<T> = Vec<Turns<T>>;

/// What a contender did in each round.
#[derive(Debug)]
pub(crate) struct Turns<T> {
    name: String,
    /// Or why it is left out.
    values: Result<Vec<T>, String>,
}

/// Measures each in turn on a server of its own, round by round; every second round the
/// other way about. One that fails takes part no more, has no figure, and a sentence says
/// why.
///
/// # Errors
/// When the first fails.
pub(crate) async fn take<T>(
    what: &str,
    rounds: usize,
    contenders: Vec<&Contender>,
    measure: impl AsyncFn(&Contender, &ServerProcess) -> Outcome<T>,
) -> Outcome<Measured<T>> {
    let mut field = Field::new(what, contenders);
    for round in 0..rounds {
        let mut places = field.places();
        if round % 2 == 1 {
            places.reverse();
        }
        for place in places {
            let contender = field.contenders[place];
            let measured = in_time(async { measure(contender, &contender.start()?).await }).await;
            field.keep(place, measured)?;
        }
    }
    Ok(field.measured)
}

/// Measures all at once, each on a server of its own: within a round they take many short
/// turns, in an order drawn anew for each, so that whatever slows the machine down for
/// longer than a few turns slows all of them down. `open` makes what a server is called
/// with in a round, `turn` calls it, and `close` says what came of all its turns. One that
/// fails is left out as [`take`] does it.
///
/// # Errors
/// When the first fails.
pub(crate) async fn interleave<C, T>(
    what: &str,
    (rounds, turns): (usize, usize),
    contenders: Vec<&Contender>,
    open: impl AsyncFn(&ServerProcess) -> Outcome<C>,
    turn: impl AsyncFn(&mut C) -> Outcome<()>,
    close: impl Fn(C) -> T,
) -> Outcome<Measured<T>> {
    let mut field = Field::new(what, contenders);
    let mut chance = StdRng::seed_from_u64(SEED);
    for _ in 0..rounds {
        let mut running = Vec::with_capacity(field.contenders.len());
        for place in field.places() {
            let contender = field.contenders[place];
            let opened = in_time(async {
                let server = contender.start()?;
                let caller = open(&server).await?;
                Ok((server, caller))
            });
            match opened.await {
                Ok((server, caller)) => running.push((place, server, caller)),
                Err(why) => field.leave_out(place, &*why)?,
            }
        }
        for _ in 0..turns {
            running.shuffle(&mut chance);
            for (place, _, caller) in &mut running {
                if let Err(why) = in_time(turn(caller)).await {
                    field.leave_out(*place, &*why)?;
                }
            }
            running.retain(|(place, ..)| field.is_measured(*place));
        }
        for (place, _, caller) in running {
            field.keep(place, Ok(close(caller)))?;
        }
    }
    Ok(field.measured)
}

/// The same orders in every run.
const SEED: u64 = 1;

/// A server that takes longer for a turn would keep all others waiting.
const TURN_WITHIN: Duration = Duration::from_secs(120);

async fn in_time<T>(turn: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    timeout(TURN_WITHIN, turn).await.map_err(|_| format!("it took over {TURN_WITHIN:?}"))?
}

/// Those who take turns, and what they have done so far.
struct Field<'a, T> {
    what: &'a str,
    contenders: Vec<&'a Contender>,
    measured: Measured<T>,
}

impl<'a, T> Field<'a, T> {
    fn new(what: &'a str, contenders: Vec<&'a Contender>) -> Self {
        let none =
            |contender: &&Contender| Turns { name: contender.name.clone(), values: Ok(Vec::new()) };
        let measured = contenders.iter().map(none).collect();
        Self { what, contenders, measured }
    }

    fn is_measured(&self, place: usize) -> bool {
        self.measured[place].values.is_ok()
    }

    /// Of all who still take part.
    fn places(&self) -> Vec<usize> {
        (0..self.contenders.len()).filter(|place| self.is_measured(*place)).collect()
    }

    fn keep(&mut self, place: usize, measured: Outcome<T>) -> Outcome<()> {
        match (measured, &mut self.measured[place].values) {
            (Ok(value), Ok(values)) => values.push(value),
            (Err(why), Ok(_)) => self.leave_out(place, &*why)?,
            (_, Err(_)) => {}
        }
        Ok(())
    }

    fn leave_out(&mut self, place: usize, why: &(dyn Error + Send + Sync)) -> Outcome<()> {
        let Turns { name, values } = &mut self.measured[place];
        if place == 0 {
            return Err(format!("{name}: {why}").into());
        }
        let sentence = format!("{name} is left out of {}: {why}", self.what);
        eprintln!("{sentence}");
        *values = Err(sentence);
        Ok(())
    }
}

/// A row with a figure of each contender.
pub(crate) fn row<T: Copy>(
    what: impl Into<String>,
    unit: Unit,
    measured: &Measured<T>,
    of: impl Fn(T) -> f64,
) -> Row {
    measured.iter().fold(Row::new(what, unit), |row, Turns { name, values }| match values {
        Ok(values) => row.figure(name, values.iter().map(|value| of(*value)).collect()),
        Err(why) => row.left_out(name, why),
    })
}
