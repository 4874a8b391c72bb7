# docker build -t kinesis-emulator . && docker run --rm -p 4567:4567 kinesis-emulator
FROM rust:1.95-alpine AS build
RUN apk add --no-cache build-base
WORKDIR /src
COPY . .
# For musl, which Alpine's Rust builds for, binaries are static.
RUN cargo build --profile dist --locked --package kinesis-emulator --target-dir /target && mkdir /data

FROM scratch
COPY --from=build /target/dist/kinesis-emulator /kinesis-emulator
# For --data-dir /data and --ca-file /data/ca.pem: a named volume takes its owner over.
COPY --from=build --chown=65534:65534 /data /data
USER 65534
EXPOSE 4567
HEALTHCHECK --interval=5s --start-period=5s CMD ["/kinesis-emulator", "health"]
ENTRYPOINT ["/kinesis-emulator", "--host", "0.0.0.0"]
