# What lands or rejects.
check:
    .ci/run

# The 1,000-record / 4-shard measurement.
bench *arguments:
    cargo run --release -p kinesis-bench -- {{ arguments }}

# How long an emulator takes to start and answer its first call.
startup:
    cargo build --release -p kinesis-emulator
    cargo bench -p kinesis-bench --bench startup

# What a snapshot costs beside the number of its records.
snapshots:
    cargo bench -p kinesis-bench --bench snapshot

# Licences and advisories (needs cargo-deny).
deny:
    cargo deny check
