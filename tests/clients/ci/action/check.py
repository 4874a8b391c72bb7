"""Reads action.yml as GitHub would, and plays its last step."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request

import yaml

ROOT = pathlib.Path(sys.argv[1]).resolve()
HERE = pathlib.Path(__file__).parent


def variables(path):
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def main():
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert action["runs"]["using"] == "composite", action["runs"]
    steps = action["runs"]["steps"]
    assert all(step["shell"] == "bash" for step in steps)

    # Every input that a step or a user names is one that it has.
    inputs = set(action["inputs"])
    named = set(re.findall(r"\$\{\{ inputs\.(\w+) \}\}", (ROOT / "action.yml").read_text()))
    assert named == inputs, (named, inputs)
    workflow = yaml.safe_load((HERE / "workflow.yml").read_text())
    use = next(step for step in workflow["jobs"]["test"]["steps"] if "with" in step)
    assert set(use["with"]) <= inputs, use
    for output in action["outputs"].values():
        step, name = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", output["value"]).groups()
        assert step == steps[-1]["id"] and name in {"url", "pid"}, output

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        given = {"inputs.port": "0", "inputs.options": use["with"]["options"], "runner.temp": str(folder)}
        environment = {
            name: re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: given[found[1]], value)
            for name, value in steps[-1]["env"].items()
        }
        environment["BINARY"] = os.environ["EMULATOR"]
        files = {name: folder / name for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
        github = {"GITHUB_ACTION_PATH": str(ROOT), **{name: str(path) for name, path in files.items()}}
        # So GitHub runs `shell: bash`.
        subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", steps[-1]["run"]],
                       env={**os.environ, **environment, **github}, check=True)
        outputs, exported = variables(files["GITHUB_OUTPUT"]), variables(files["GITHUB_ENV"])
        try:
            assert exported["AWS_ENDPOINT_URL_KINESIS"] == outputs["url"], (exported, outputs)
            assert urllib.request.urlopen(outputs["url"] + "/health").status == 200
            limits = urllib.request.urlopen(outputs["url"] + "/_emulator/limits").read().decode()
            assert "aws" in limits, limits
        finally:
            os.kill(int(outputs["pid"]), signal.SIGTERM)


main()
