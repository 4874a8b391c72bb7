#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kinesis_fuzz::every_record_is_taken_apart(bytes));
