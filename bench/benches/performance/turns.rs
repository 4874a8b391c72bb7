//! Servers that take turns.

use kinesis_bench::target::process::ServerProcess;

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
    let mut measured: Measured<T> =
        contenders.iter().map(|contender| (contender.name.clone(), Vec::new())).collect();
    let mut places: Vec<usize> = (0..contenders.len()).collect();
    for _ in 0..rounds {
        for place in places.clone() {
            let contender = contenders[place];
            let server = contender.start()?;
            match measure(contender, &server).await {
                Ok(value) => measured[place].1.push(value),
                Err(error) if place == 0 => {
                    return Err(format!("{}: {error}", contender.name).into());
                }
                Err(error) => {
                    eprintln!("{} is left out: {error}", contender.name);
                    measured[place].1.clear();
                    places.retain(|other| *other != place);
                }
            }
        }
        places.reverse();
    }
    Ok(measured)
}

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
