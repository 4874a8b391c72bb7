"""HTTP/2 against the emulator, frame by frame, and by curl and h2load."""

import base64
import json
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest
from importlib.metadata import version
from urllib.parse import urlsplit

import h2.connection
import h2.events
import h2.exceptions

from emulator_under_test import CA_FILE, ENDPOINT, TLS_ENDPOINT, needs_tls, run

AUTHORIZATION = ("AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, "
                 "SignedHeaders=host, Signature=" + "0" * 64)
tools = ["h2 " + version("h2")]


class Connection:
    """One connection: sends requests, collects what comes of each."""

    def __init__(self, endpoint=ENDPOINT):
        address = urlsplit(endpoint)
        self.scheme, self.authority = address.scheme, address.netloc
        self.socket = socket.create_connection((address.hostname, address.port), timeout=30)
        if address.scheme == "https":
            context = ssl.create_default_context(cafile=CA_FILE)
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket, server_hostname=address.hostname)
        self.http = h2.connection.H2Connection()
        self.http.initiate_connection()
        self.answers, self.seen = {}, []
        self.flush()

    def flush(self):
        self.socket.sendall(self.http.data_to_send())

    def headers(self, operation):
        return [(":method", "POST"), (":path", "/"), (":scheme", self.scheme),
                (":authority", self.authority), ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", "Kinesis_20131202." + operation), ("x-amz-date", "20260101T000000Z"),
                ("authorization", AUTHORIZATION)]

    def request(self, operation, **members):
        """Sends a request, as far as the windows let it at once; gives the stream's id."""
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, self.headers(operation))
        body = json.dumps(members).encode()
        self.answers[stream] = {"body": b"", "ended": False}
        while body:
            room = min(self.http.local_flow_control_window(stream), self.http.max_outbound_frame_size)
            if room == 0:
                self.flush()
                self.receive()
                continue
            self.http.send_data(stream, body[:room], end_stream=len(body) <= room)
            body = body[room:]
        self.flush()
        return stream

    def receive(self, acknowledge=True):
        """Takes in what has arrived."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        for event in self.http.receive_data(data):
            self.seen.append(event)
            answer = self.answers.get(getattr(event, "stream_id", None))
            match event:
                case h2.events.ResponseReceived():
                    answer["status"] = int(dict(event.headers)[b":status"])
                case h2.events.DataReceived():
                    answer["body"] += event.data
                    if acknowledge:
                        self.http.acknowledge_received_data(
                            event.flow_controlled_length, event.stream_id)
                case h2.events.StreamEnded() | h2.events.StreamReset():
                    answer["ended"] = True
        self.flush()

    def answer(self, stream):
        while not self.answers[stream]["ended"]:
            self.receive()
        found = self.answers[stream]
        return found["status"], json.loads(found["body"] or b"null")

    def call(self, operation, **members):
        status, answer = self.answer(self.request(operation, **members))
        assert status == 200, answer
        return answer

    def make(self, name):
        self.call("CreateStream", StreamName=name, ShardCount=1)
        while self.call("DescribeStreamSummary", StreamName=name)[
                "StreamDescriptionSummary"]["StreamStatus"] != "ACTIVE":
            pass

    def iterator(self, name):
        return self.call("GetShardIterator", StreamName=name, ShardId="shardId-000000000000",
                         ShardIteratorType="TRIM_HORIZON")["ShardIterator"]


class Frames(unittest.TestCase):
    def connect(self, endpoint=ENDPOINT):
        made = Connection(endpoint)
        self.addCleanup(made.socket.close)
        return made

    def test_prior_knowledge(self):
        self.assertIn("StreamNames", self.connect().call("ListStreams"))

    @needs_tls
    def test_alpn(self):
        secure = self.connect(TLS_ENDPOINT)
        self.assertEqual(secure.socket.selected_alpn_protocol(), "h2")
        self.assertIn("StreamNames", secure.call("ListStreams"))

    def test_as_many_streams_as_the_server_says(self):
        connection = self.connect()
        connection.make("many")
        most = connection.http.remote_settings.max_concurrent_streams
        count = min(most, 200)
        streams = [connection.request("PutRecord", StreamName="many", PartitionKey="k",
                                      Data=base64.b64encode(b"%d" % n).decode())
                   for n in range(count)]
        placed = {connection.answer(stream)[1]["SequenceNumber"] for stream in streams}
        self.assertEqual(len(placed), count)
        read = connection.call("GetRecords", ShardIterator=connection.iterator("many"))
        self.assertEqual({one["SequenceNumber"] for one in read["Records"]}, placed)

    def test_windows_hold_bodies_back_in_both_directions(self):
        connection = self.connect()
        connection.make("large")
        data = base64.b64encode(bytes(1_000_000)).decode()
        connection.call("PutRecord", StreamName="large", PartitionKey="k", Data=data)
        iterator = connection.iterator("large")
        slow = connection.request("GetRecords", ShardIterator=iterator)
        while connection.http.remote_flow_control_window(slow) > 0:
            connection.receive(acknowledge=False)
        # With room on the connection and none on its stream it waits, and other streams do not.
        connection.http.increment_flow_control_window(1 << 20)
        connection.flush()
        while connection.http.remote_flow_control_window(slow) > 0:
            connection.receive(acknowledge=False)
        held = len(connection.answers[slow]["body"])
        self.assertEqual(held, 65_535, "a stream's first window")
        self.assertIn("StreamNames", connection.call("ListStreams"))
        self.assertEqual(len(connection.answers[slow]["body"]), held)
        connection.http.increment_flow_control_window(2_000_000, slow)
        connection.http.increment_flow_control_window(2_000_000)
        connection.flush()
        self.assertEqual(connection.answer(slow)[1]["Records"][0]["Data"], data)

    def test_a_stream_that_is_reset_disturbs_no_other(self):
        connection = self.connect()
        gone = connection.http.get_next_available_stream_id()
        connection.http.send_headers(gone, connection.headers("PutRecord"))
        connection.http.send_data(gone, b'{"StreamName": "')
        connection.http.reset_stream(gone, 8)
        connection.flush()
        self.assertIn("StreamNames", connection.call("ListStreams"))

    def test_a_flood_of_resets_ends_its_own_connection_and_no_other(self):
        connection = self.connect()
        other = self.connect()
        # The GOAWAY that says why may be lost: more is on its way to a socket that is closed.
        with self.assertRaises((ConnectionError, h2.exceptions.ProtocolError)):
            for _ in range(20_000):
                stream = connection.http.get_next_available_stream_id()
                connection.http.send_headers(stream, connection.headers("ListStreams"))
                connection.http.reset_stream(stream, 8)
                connection.flush()
            while True:
                connection.receive()
        self.assertIn("StreamNames", other.call("ListStreams"))
        self.assertIn("StreamNames", self.connect().call("ListStreams"))

    def test_pings_are_answered(self):
        connection = self.connect()
        connection.http.ping(b"a minute")
        connection.flush()
        while not any(isinstance(event, h2.events.PingAckReceived) for event in connection.seen):
            connection.receive()

    def test_nonsense_after_the_preface_ends_its_connection_only(self):
        address = urlsplit(ENDPOINT)
        with socket.create_connection((address.hostname, address.port), timeout=30) as nonsense:
            nonsense.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64)
            while nonsense.recv(65536):
                pass
        self.assertIn("StreamNames", self.connect().call("ListStreams"))


class Tools(unittest.TestCase):
    HEADERS = ["-H", "Content-Type: application/x-amz-json-1.1",
               "-H", "X-Amz-Target: Kinesis_20131202.ListStreams",
               "-H", "X-Amz-Date: 20260101T000000Z", "-H", "Authorization: " + AUTHORIZATION]

    def tool(self, name, *arguments):
        if not shutil.which(name):
            self.skipTest(f"{name} is missing")
        shown = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
        tools.append(name + " " + re.search(r"\d+\.\d+\.\d+", shown).group())
        done = subprocess.run([name, *arguments], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_curl(self):
        ways = [("1.1", ENDPOINT, ["--http1.1"]), ("2", ENDPOINT, ["--http2-prior-knowledge"])]
        if TLS_ENDPOINT:
            ways += [("2", TLS_ENDPOINT, ["--cacert", CA_FILE]),
                     ("1.1", TLS_ENDPOINT, ["--http1.1", "--cacert", CA_FILE])]
        for expected, endpoint, options in ways:
            answer = self.tool("curl", "-sS", *options, *self.HEADERS, "-d", "{}",
                               "-w", "\n%{http_version} %{http_code}", endpoint)
            body, protocol = answer.rsplit("\n", 1)
            self.assertEqual(protocol, f"{expected} 200")
            self.assertIn("StreamNames", json.loads(body))

    def test_h2load(self):
        with tempfile.NamedTemporaryFile("w") as body:
            body.write("{}")
            body.flush()
            shown = self.tool("h2load", "-n", "5000", "-c", "4", "-m", "50", *self.HEADERS,
                              "-d", body.name, ENDPOINT)
        self.assertIn("5000 succeeded, 0 failed, 0 errored", shown)


def exercised():
    return ("prior knowledge, ALPN, 200 streams at once, flow control both ways, resets, "
            "rapid reset, pings, nonsense" +
            ("; 5,000 requests by h2load" if shutil.which("h2load") else ""))


class Client:
    """What was run, known only at the end."""

    def __str__(self):
        return ", ".join(sorted(set(tools)))


if __name__ == "__main__":
    run(Client(), exercised)
