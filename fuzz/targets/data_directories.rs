#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kinesis_fuzz::run("data_directories", bytes));
