#!/usr/bin/env bash
# Outlives the test process that started it, however that one ends: when standard input closes, waits a while
# for the next test process, then stops the server and deletes its data, unless somebody uses it.
# guard.sh LINGER_S USERS_LOCK SERVER_SCRIPT
set -euo pipefail
cat >/dev/null
sleep "$1"
exec flock --nonblock "$2" "$3" reset
