# docker build -t kinesis-emulator . && docker run --rm -p 4567:4567 kinesis-emulator
FROM rust:1.95-alpine AS build
RUN apk add --no-cache build-base
WORKDIR /src
COPY . .
# For musl, which Alpine's Rust builds for, binaries are static.
RUN cargo build --profile dist --locked --package kinesis-emulator --target-dir /target

FROM scratch
COPY --from=build /target/dist/kinesis-emulator /kinesis-emulator
EXPOSE 4567
ENTRYPOINT ["/kinesis-emulator", "--host", "0.0.0.0"]
