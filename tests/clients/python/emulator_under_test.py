"""The emulator that a suite runs against, as tests/clients/run hands it over."""

import json
import os
import time
import unittest
import urllib.request

ENDPOINT = os.environ["ENDPOINT"]
TLS_ENDPOINT = os.environ.get("TLS_ENDPOINT")
CA_FILE = os.environ.get("CA_FILE")
LIMITS_ENDPOINT = os.environ.get("LIMITS_ENDPOINT")
CONTROL = os.environ.get("CONTROL")

needs_control = unittest.skipUnless(CONTROL, "another emulator has no such control API")
needs_limits = unittest.skipUnless(LIMITS_ENDPOINT, "another emulator is not started with limits")
needs_tls = unittest.skipUnless(TLS_ENDPOINT, "another emulator's certificate is not known")


def control(method, path, body=None):
    """Asks the control API; gives its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(CONTROL + path, data=data, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def advance(duration):
    """Moves the emulator's clock, by a duration such as "301s"."""
    control("POST", "/clock", {"advance": duration})


def until(fact, within_seconds=30):
    """Asks again until `fact()` is true, and gives what it was."""
    deadline = time.monotonic() + within_seconds
    while True:
        found = fact()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_seconds} s: {fact}")
        time.sleep(0.02)


def run(client, exercised):
    """Runs the tests of the main module, then says `client` and what `exercised()` tells."""
    program = unittest.main(module="__main__", exit=False, verbosity=1)
    result = program.result
    print("client:", client)
    skipped = f", {len(result.skipped)} skipped" if result.skipped else ""
    print(f"exercised: {exercised()} ({result.testsRun} tests{skipped})")
    raise SystemExit(0 if result.wasSuccessful() and result.testsRun else 1)
