//! What must hold whatever comes in. A fuzzer (`fuzz/`) looks for input that
//! breaks it; here every input runs that was kept from earlier searches.
//!
//! A target is a function of bytes that panics if a law is broken.

// Fuzzers have it from elsewhere: it needs the benchmark.
#[cfg(test)]
mod aggregated_records;
mod contents;
mod data;
mod data_directories;
mod engine_calls;
mod events;
mod requests;
mod sequence_numbers;
mod snapshots;
mod tokens;

/// A target's name, which is that of its corpus, and what must hold.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const TARGETS: [Target; 8] = [
    ("data_directories", data_directories::a_log_is_refused_or_an_emulator),
    ("engine_calls", engine_calls::the_auditor_agrees),
    ("event_stream", events::every_record_comes_out_of_the_frames),
    ("requests_cbor", requests::cbor_is_answered),
    ("requests_json", requests::json_is_answered),
    ("sequence_numbers", sequence_numbers::a_number_is_refused_or_a_place),
    ("snapshots", snapshots::a_file_is_refused_or_an_emulator),
    ("tokens", tokens::only_what_was_handed_out_opens),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{TARGETS, Target, aggregated_records};

    #[test]
    fn what_fuzzers_have_kept_breaks_no_law() {
        let aggregated: Target =
            ("aggregated_records", aggregated_records::every_record_is_taken_apart);
        for (name, law) in TARGETS.iter().copied().chain([aggregated]) {
            let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
            let mut inputs = 0;
            for entry in fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{name}: {error}")) {
                let path = entry.expect("the folder can be read").path();
                // What is printed last is what has failed.
                println!("{}", path.display());
                law(&fs::read(path).expect("the file can be read"));
                inputs += 1;
            }
            assert!(inputs > 0, "nothing is kept for {name}");
        }
    }
}
