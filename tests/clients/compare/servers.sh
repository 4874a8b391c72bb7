# Sourced by the scripts here: the servers that can be compared, and how they are started.
#
# RIVALS=FOLDER            where the others are installed [default: rivals in the target folder]
# FERROKINESIS=PATH        a ferrokinesis 0.7.0 that is there already, in place of building it
#
# Expects $here, $target and $emulator. Gives `names`, and by name `labels`; `start NAME`, which
# sets `urls` and `pids`, and `stop`, which ends all. What is missing is said and left out.
rivals="${RIVALS:-$target/rivals}"
work="$(mktemp -d)"
# commands: words parted by tabs, @1 for the port and @2 for another.
declare -A pids=() urls=() labels=() commands=() folders=()

missing() {
    echo "not run: $1" >&2
    exit 3
}
left_out() { # name, why
    echo "left out: $1: $2" >&2
    printf -- '- %s was left out: %s\n' "$1" "$2" >>"$work/notes.md"
}
words() { (IFS=$'\t'; echo "$*"); }
command -v python3 >/dev/null 2>&1 || missing "python3 is missing: install Python 3.10 or later"

stop() {
    local name pid tenths
    for name in "${!pids[@]}"; do kill "${pids[$name]}" 2>/dev/null || true; done
    for name in "${!pids[@]}"; do
        pid="${pids[$name]}"
        # One that is too busy to hear it has five seconds.
        for ((tenths = 0; tenths < 50; tenths++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    pids=() urls=()
}
trap 'stop; rm -rf "$work"' EXIT
touch "$work/notes.md"

# What can be had, in the order of the tables.
names=(ours)
labels[ours]="kinesis-emulator (TCP)"
commands[ours]=$(words "$emulator" --port @1)
mkdir -p "$rivals"

ferrokinesis="${FERROKINESIS:-$(command -v ferrokinesis || echo "$rivals/bin/ferrokinesis")}"
if [ ! -x "$ferrokinesis" ]; then
    cargo install --quiet --root "$rivals" --version 0.7.0 ferrokinesis || true
fi
if [ -x "$ferrokinesis" ]; then
    names+=(ferrokinesis)
    labels[ferrokinesis]="ferrokinesis 0.7.0"
    commands[ferrokinesis]=$(words "$ferrokinesis" --port @1 --log-level error)
else
    left_out "ferrokinesis 0.7.0" "cargo could not install it: name one in FERROKINESIS"
fi

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    left_out "kinesis-mock and kinesalite" "node or npm is missing: install Node 18 or later"
else
    if ! cmp -s "$here/package.json" "$rivals/package.json"; then
        cp "$here/package.json" "$rivals/package.json"
        (cd "$rivals" && npm install --silent --no-audit --no-fund) ||
            rm -f "$rivals/package.json"
    fi
    # Each of the two by the version that is really there.
    version() { node -p "require('$rivals/node_modules/$1/package.json').version" 2>/dev/null; }
    if installed="$(version kinesis-local)"; then
        names+=(kinesis-mock)
        labels[kinesis-mock]="kinesis-mock $installed"
        commands[kinesis-mock]=$(words env KINESIS_MOCK_PLAIN_PORT=@1 KINESIS_MOCK_TLS_PORT=@2 \
            LOG_LEVEL=ERROR node main.js)
        # It looks for its certificate in the folder it is started in.
        folders[kinesis-mock]="$rivals/node_modules/kinesis-local"
    else
        left_out "kinesis-mock" "npm could not install kinesis-local: it needs a package registry"
    fi
    if installed="$(version kinesalite)"; then
        names+=(kinesalite)
        labels[kinesalite]="kinesalite $installed"
        commands[kinesalite]=$(words node "$rivals/node_modules/kinesalite/cli.js" --port @1)
    else
        left_out "kinesalite" "npm could not install it: it needs a package registry"
    fi
fi

moto="$rivals/venv/bin/moto_server"
if [ ! -x "$moto" ]; then
    { python3 -m venv "$rivals/venv" &&
        "$rivals/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            -r "$here/requirements.txt"; } || true
fi
if [ -x "$moto" ]; then
    names+=(moto)
    labels[moto]="moto $("$rivals/venv/bin/python" -c 'from importlib.metadata import version; print(version("moto"))')"
    commands[moto]=$(words "$moto" -H 127.0.0.1 -p @1)
else
    left_out "moto" "pip could not install it: it needs venv, pip and a package index"
fi

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
start() { # name
    local port words
    port=$(free_port)
    IFS=$'\t' read -ra words <<<"${commands[$1]}"
    words=("${words[@]//@1/$port}")
    words=("${words[@]//@2/$(free_port)}")
    (cd "${folders[$1]:-$work}" && exec "${words[@]}") >"$work/$1.log" 2>&1 &
    pids[$1]=$!
    urls[$1]="http://127.0.0.1:$port"
    python3 "$here/measure.py" wait "${urls[$1]}" || {
        tail -n 5 "$work/$1.log" >&2
        return 1
    }
}
