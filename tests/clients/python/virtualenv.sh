# Sourced by a suite's `run`: gives $python, with the suite's requirements.txt installed, and
# `missing`. A suite that is started by hand goes by way of tests/clients/run.
here="$(cd "$(dirname "$0")" && pwd)"
clients="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
[ -n "${ENDPOINT:-}" ] || exec "$clients/run" "${here#"$clients"/}"

missing() {
    echo "not run: $1" >&2
    exit 3
}

base="${PYTHON:-python3}"
command -v "$base" >/dev/null 2>&1 || missing "$base is missing: install Python 3.10 or later, or name one with PYTHON="
"$base" -c 'import venv, ensurepip' 2>/dev/null || missing "$base has no venv or pip: install them (Debian: apt-get install python3-venv)"

suite="${here#"$clients"/}"
environment="$CLIENTS_FOLDER/${suite//\//-}"
python="$environment/bin/python"
if ! cmp -s "$here/requirements.txt" "$environment/requirements.txt"; then
    "$base" -m venv --clear "$environment"
    PIP_CACHE_DIR="${PIP_CACHE_DIR:-$CLIENTS_FOLDER/pip-cache}" "$python" -m pip install --quiet \
        --disable-pip-version-check -r "$here/requirements.txt" ||
        missing "pip could not install $suite/requirements.txt: it needs Python 3.10 or later and a package index"
    cp "$here/requirements.txt" "$environment/requirements.txt"
fi
# What the suites in Python share is beside this file.
export PYTHONPATH="$clients/python" PYTHONDONTWRITEBYTECODE=1
