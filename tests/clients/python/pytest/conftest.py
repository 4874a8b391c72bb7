import itertools
import json
import os
import subprocess
import urllib.request

import boto3
import pytest

ACCOUNTS = itertools.count(100_000_000_000)


@pytest.fixture(scope="session")
def kinesis_url():
    """The address of an emulator that lives as long as the tests."""
    program = os.environ.get("KINESIS_EMULATOR", "kinesis-emulator")
    command = [program, "--port", "0", "--state-delay", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
        # "kinesis-emulator is ready at http://127.0.0.1:40213"; no line at all if it cannot start.
        yield next(emulator.stdout).split()[-1]
        emulator.terminate()


@pytest.fixture
def kinesis(kinesis_url):
    """A client with an account of the test's own: an access key of twelve digits is an account."""
    return boto3.client("kinesis", endpoint_url=kinesis_url, region_name="us-east-1",
                        aws_access_key_id=str(next(ACCOUNTS)), aws_secret_access_key="test")


@pytest.fixture
def advance(kinesis_url):
    """Moves the emulator's clock: advance("25h"). All tests of the session have that clock."""
    def move(duration):
        body = json.dumps({"advance": duration}).encode()
        urllib.request.urlopen(f"{kinesis_url}/_emulator/clock", body).close()
    return move
