//! Writes made-up runs, as saved runs and as pages, to look at reports without measuring
//! anything: `cargo run -p kinesis-bench --example sample_runs -- FOLDER`.

use std::path::PathBuf;
use std::{env, fs, io};

use kinesis_bench::report::format::{Choices, Format};
use kinesis_bench::report::run::Run;
use kinesis_bench::report::{sample, saved};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    fs::create_dir_all(&folder)?;
    for (name, runs) in [
        ("closed-loop", vec![sample::closed_loop()]),
        ("open-loop", vec![sample::open_loop()]),
        ("comparison", sample::comparison()),
        ("broken", vec![sample::broken()]),
        ("unverified", vec![sample::unverified()]),
        ("complete", vec![sample::complete()]),
    ] {
        fs::write(folder.join(format!("{name}.json")), saved::text(&runs))?;
        show(&runs, Format::Html, folder.join(format!("{name}.html")))?;
    }
    let open_loop = [sample::open_loop()];
    show(&open_loop, Format::Hgrm, folder.join("open-loop.hgrm"))?;
    show(&open_loop, Format::Jtl, folder.join("open-loop.jtl"))?;
    Ok(())
}

fn show(runs: &[Run], format: Format, path: PathBuf) -> io::Result<()> {
    let text = format.render(runs, &Choices::default()).map_err(io::Error::other)?;
    fs::write(path, text)
}
