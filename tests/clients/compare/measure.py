"""What `run` needs beside the bench: waiting, start-up times, and the tables of COMPARE.md."""

import datetime
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

PARTS = "<!-- {} begin: written by tests/clients/compare/run -->", "<!-- {} end -->"
TITLES = {
    "thousand-four": "1,000 single puts on 4 shards, then read by 4 tasks",
    "put-batch": "PutRecords of 500 records of 100 bytes, 4 producers, then read back",
    "end-to-end": "End to end, polled: 200 records a second, a reader per shard, 20 ms between empty reads",
    "fan-out": "End to end, enhanced fan-out: 200 records a second, a subscription per shard",
}
FIGURES = {
    "thousand-four": ["produce records/s", "produce p50", "produce p99", "consume records/s"],
    "put-batch": ["produce records/s", "produce p50", "produce p99", "consume records/s"],
    "end-to-end": ["end to end p50", "end to end p99", "produce p50", "produce p99"],
    "fan-out": ["end to end p50", "end to end p99", "produce p50", "produce p99"],
}


def answers(url):
    """Whether ListStreams is answered with 200."""
    headers = {
        "X-Amz-Target": "Kinesis_20131202.ListStreams",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, "
        "SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-amz-json-1.1",
    }
    try:
        request = urllib.request.Request(url, b"{}", headers)
        return urllib.request.urlopen(request, timeout=5).status == 200
    except OSError:
        return False


def wait(url, seconds=30.0):
    until = time.monotonic() + seconds
    while not answers(url):
        if time.monotonic() > until:
            return False
        time.sleep(0.001)
    return True


def ticks():
    fields = [int(field) for field in Path("/proc/stat").read_text().split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def quiet(most, seconds):
    """Waits until the processors are idle enough for three seconds; a load average lags behind."""
    until = time.monotonic() + seconds
    while True:
        before = ticks()
        time.sleep(3)
        after = ticks()
        busy = (after[0] - before[0]) / max(after[1] - before[1], 1)
        if busy <= most or time.monotonic() > until:
            break
    print(f"the machine is {busy:.0%} busy, load average {os.getloadavg()[0]:.2f}", file=sys.stderr)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def resident(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024


def starts(turns, servers, out):
    found = {}
    for turn in range(turns + 1):
        for line in Path(servers).read_text().splitlines():
            label, folder, *words = line.split("\t")
            port, other = free_port(), free_port()
            words = [word.replace("@1", port).replace("@2", other) for word in words]
            began = time.monotonic()
            process = subprocess.Popen(
                words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                if wait(f"http://127.0.0.1:{port}"):
                    took = time.monotonic() - began
                    time.sleep(0.5)
                    # The first turn brings the program into the machine's memory.
                    if turn > 0:
                        found.setdefault(label, []).append([took * 1e3, resident(process.pid)])
            finally:
                process.terminate()
                process.wait()
    Path(out).write_text(json.dumps(found))


def cells(*words):
    return "| " + " | ".join(words) + " |\n"


def figures(markdown):
    """The bench's own comparisons: (target, figure) -> (baseline, this, ratio, finding)."""
    found, other = {}, None
    for line in markdown.splitlines():
        if heading := re.match(r"\*\*(.*) against (.*)\*\*: ", line):
            other = heading[1]
        row = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if other and len(row) == 5 and line.startswith("|") and "---" not in line:
            found[other, row[0]] = row[1:]
    return found


def held(run):
    broken = {}
    for repetition in run["repetitions"]:
        if not repetition.get("is_warm_up"):
            for law, count in repetition["verdict"].items():
                broken[law] = broken.get(law, 0) + count
    words = [f"{count:,} {law.replace('_', ' ')}" for law, count in broken.items() if count]
    failed = [breach for breach in run["breaches"] if "calls to put records failed" in breach]
    turns = sum(not repetition.get("is_warm_up") for repetition in run["repetitions"])
    if failed:
        words.append("calls failed")
    return f"held in {turns} turns" if not words else f"**broken**: {', '.join(words)}"


def short(reason):
    """Its first words, as cells are narrow."""
    reason = re.sub(r"[|<>*`\[\]]", " ", reason)
    return reason if len(reason) < 120 else reason[:100].rsplit(" ", 1)[0] + " …"


def scenario(folder, name):
    text = f"### {TITLES.get(name, name)}\n\n`--scenario {name}`"
    saved, report = folder / f"{name}.json", folder / f"{name}.md"
    refused = folder / f"{name}.refused"
    why = [line.split("\t", 1) for line in refused.read_text().splitlines()] if refused.exists() else []
    if not saved.exists() or not report.exists() or not report.read_text():
        return text + "\n\nNot measured.\n"
    runs = json.loads(saved.read_text())
    markdown = report.read_text()
    compared = figures(markdown)
    baseline = runs[0]["label"]
    environment = runs[0]["environment"]
    turns = sum(not repetition.get("is_warm_up") for repetition in runs[0]["repetitions"])
    text += f", {turns} turns"
    if (busy := environment.get("busy_share")) is not None:
        text += f"; other programs took {busy:.0%} of the machine"
    if load := environment.get("load_average_before"):
        text += f"; load average at the start {load[0]:.1f}"
    text += ".\n\n"
    columns = FIGURES.get(name, FIGURES["thousand-four"])
    text += cells("target", *columns, "promises") + cells("---", *["--:"] * len(columns), "---")
    for run in runs:
        row = []
        for column in columns:
            if run["label"] == baseline:
                of = [found[0] for (_, figure), found in compared.items() if figure == column]
                row.append(of[0] if of else "–")
            else:
                found = compared.get((run["label"], column))
                row.append(f"{found[1]}<br>{found[2]}" if found else "–")
        text += cells(run["label"], *row, held(run))
    for label, reason in why:
        text += cells(label, *["–"] * len(columns), f"not measured: {short(reason)}")
    breaches = [(run["label"], breach) for run in runs for breach in run["breaches"]]
    if breaches:
        text += "\nWhat was broken, as the bench said it:\n\n"
        for label, breach in breaches[:24]:
            text += f"- {label}: {breach}\n"
        if len(breaches) > 24:
            text += f"- and {len(breaches) - 24} more of the kind\n"
    body = markdown.split("\n<details><summary>What was measured")[0].strip()
    command = re.search(r"```sh\n(.*?)\n```", markdown, re.S)
    text += f"\n<details><summary>The bench's report</summary>\n\n```sh\n{command[1]}\n```\n\n{body}\n\n</details>\n"
    return text


def megabytes(count):
    return f"{count / 2**20:.1f} MiB"


def spread(values, written):
    return f"{written(statistics.median(values))}<br>({written(min(values))} to {written(max(values))})"


def footing(folder):
    text = "### Start-up and memory\n\n"
    found = json.loads((folder / "starts.json").read_text())
    turns = max(map(len, found.values()))
    text += (
        f"Start: from the start of the process to the answer of its first ListStreams, {turns} turns "
        "taken in rotation after one that is left out, median (least to most). Resident: half a second "
        "later. Peak: the most that was resident while a fresh process took in 100,000 records of "
        "100 bytes (`run drain --records 100000 --target-pid PID`) and gave them back once.\n\n"
    )
    text += cells("target", "start", "resident", "peak", "promises") + cells("---", "--:", "--:", "--:", "---")
    files = dict(line.split("\t") for line in (folder / "memory.tsv").read_text().splitlines())
    for label, measured in found.items():
        peak, kept = "–", "not measured"
        path = folder / files.get(label, "-")
        if path.exists() and path.stat().st_size:
            run = json.loads(path.read_text())
            kept = held(run)
            if process := run["repetitions"][-1].get("process"):
                peak = megabytes(process["peak_rss_bytes"])
                if (records := run["repetitions"][-1]["phases"][0]["records"]) < 100_000:
                    peak, kept = f"{peak} at {records:,} records", "not determined"
        text += cells(
            label,
            spread([took for took, _ in measured], lambda ms: f"{ms:.1f} ms"),
            spread([size for _, size in measured], megabytes),
            peak,
            kept.replace("in 1 turns", "in 1 turn"),
        )
    return text


def machines(folder, names):
    for name in names:
        path = folder / f"{name}.json"
        if path.exists() and path.stat().st_size:
            yield json.loads(path.read_text())[0]["environment"]


def write(folder, path, names):
    environment = next(machines(folder, names), {})
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    parts = [
        f"Measured on {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}",
        f"{environment.get('cpu_model') or 'unknown processor'}",
        f"{environment.get('cpu_cores') or os.cpu_count()} hardware threads",
        f"Node {node.stdout.strip()}" if node.returncode == 0 else "",
        f"Python {sys.version.split()[0]}",
    ]
    text = ", ".join(filter(None, parts)) + ".\n\n"
    busy = max((one.get("busy_share") or 0 for one in machines(folder, names)), default=0)
    if busy > 0.1:
        text += (
            f"**The machine was not idle: other programs took up to {busy:.0%} of it.** Ratios are of turns "
            "that alternate, so they bear that better than the figures do, and their intervals are wide.\n\n"
        )
    notes = (folder / "notes.md").read_text()
    text += notes + "\n" if notes else ""
    text += "\n".join(scenario(folder, name) for name in names)
    text += "\n" + footing(folder)
    fill(path, "measured", text)
    features = folder / "features.md"
    if features.exists() and features.read_text():
        fill(path, "asked", features.read_text())


def fill(path, part, text):
    begin, end = (marker.format(part) for marker in PARTS)
    before, rest = path.read_text().split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}")


def main():
    match sys.argv[1:]:
        case ["wait", url]:
            sys.exit(0 if wait(url) else 1)
        case ["quiet", most, seconds]:
            quiet(float(most), float(seconds))
        case ["starts", turns, servers, out]:
            starts(int(turns), servers, out)
        case ["write", folder, path, *names]:
            write(Path(folder), Path(path), names)
        case _:
            sys.exit("usage: measure.py wait|quiet|starts|write …")


main()
