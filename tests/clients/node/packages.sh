# Sourced by a suite's `run`: installs the suite's package-lock.json and changes to a folder where
# the suite's files find their packages beside them. A suite that is started by hand goes by way of
# tests/clients/run.
here="$(cd "$(dirname "$0")" && pwd)"
clients="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
suite="${here#"$clients"/}"
[ -n "${ENDPOINT:-}" ] || exec "$clients/run" "$suite"

missing() {
    echo "not run: $1" >&2
    exit 3
}

for command in node npm; do
    command -v "$command" >/dev/null 2>&1 || missing "$command is missing: install Node.js 20 or later"
done
environment="$CLIENTS_FOLDER/${suite//\//-}"
mkdir -p "$environment"
if ! cmp -s "$here/package-lock.json" "$environment/installed.json"; then
    cp "$here/package.json" "$here/package-lock.json" "$environment"
    (cd "$environment" && npm_config_cache="${npm_config_cache:-$CLIENTS_FOLDER/npm-cache}" \
        npm ci --silent --no-audit --no-fund) ||
        missing "npm could not install $suite/package-lock.json: it needs a package registry"
    cp "$here/package-lock.json" "$environment/installed.json"
fi
cp "$here"/*.mjs "$clients"/node/*.mjs "$environment"
cd "$environment"
# Node trusts the emulator by this variable, and reads it at its start.
[ -z "$CA_FILE" ] || export NODE_EXTRA_CA_CERTS="$CA_FILE"
