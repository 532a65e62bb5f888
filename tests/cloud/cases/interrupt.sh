# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# `controller build` that is interrupted once: it removes all it has made, the group too that goes
# only when the instances have gone.

export XDG_STATE_HOME=$work/state
project=$work/project
mkdir -p "$project/source"
printf '#!/bin/sh\nexec tail -f /dev/null\n' >"$project/source/build"
chmod +x "$project/source/build"
cat >"$project/shared-prep.ini" <<END
[project]
name=endless
agent=$AGENT
[aws]
caller_address=127.0.0.1
[app endless]
source=source
script=build
targets=x86-64-v2 znver3
END

builds_run() { [ "$(grep -c '^worker [0-9]*: build ' "$work/progress")" = "$1" ]; }
"$CONTROLLER" build "$project" 2>"$work/progress" &
controller_pid=$!
check "both builds begin" wait_for 120 builds_run 2
kill -INT "$controller_pid"
wait "$controller_pid"
status=$?
check "it ends as interrupted" test "$status" = 5
check "and tells of nothing that is left" test "$(grep -c ' left' "$work/progress")" = 0
check "as there is nothing" test \
	"$("$CONTROLLER" ls --json | jq -c '[.runs, .resources]')" = '[[],[]]'
