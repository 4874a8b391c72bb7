# A command with an emulator of its own: AWS_ENDPOINT_URL_KINESIS and the rest are set, the exit code is the command's.
kinesis-emulator exec -- sh -c 'curl -sf "$AWS_ENDPOINT_URL_KINESIS/health"'

# One that stays. Its first line says where it is; the others are variables to export.
kinesis-emulator --port 4571 --journal >emulator.out &
until grep -q 'is ready at' emulator.out; do sleep 0.1; done
eval "$(kinesis-emulator env --port 4571)"
control="$AWS_ENDPOINT_URL_KINESIS/_emulator"

curl -sf "$control" >/dev/null                                       # everything there is, as JSON
curl -sf "$control/clock" -d '{"advance": "25h"}'                    # a day later, every record has expired
curl -sf "$control/limits" -X PUT -d '"aws"'                         # AWS's limits from now on
curl -sf "$control/faults" -d '{"operation": "PutRecord", "reject": "ProvisionedThroughputExceededException", "times": 2}'
curl -sf "$control/snapshots" -X POST                                # as it is now, by number …
curl -sf "$control/snapshots/1/restore" -X POST                      # … and back to it
curl -sf "$control/journal" >/dev/null                               # who has called what
curl -sf "$control/reset" -X POST                                    # as it was at its start
kill %1
