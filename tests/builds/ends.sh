# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Part of tests/builds/run: a controller that is interrupted or killed, and two at once.

project long <<EOF
parallel=2
$(app a quick)
$(app b waits)
$(app c quick)
EOF
script long quick <<<'echo >"$PREFIX/file"'
script long waits <<<'echo waiting; setsid tail -f /dev/null & exec tail -f /dev/null'

# begins [OPTION…]: a build of long in the background, until a and c are done and b waits; its number
# is in $controlling
begins() {
	"$controller" build long "$@" >long.out 2>long.err </dev/null 3>&- &
	controlling=$!
	wait_for 60 sh -c "grep -q '^a_.*: built' long.err && grep -q '^c_.*: built' long.err &&
		grep -q '^waiting' long/dist/default/b_$machine.log"
}
ends() { # CODE TEXT
	local status=0
	wait "$controlling" || status=$?
	check "$2" same "$status" "$1"
}
quiet() { ! pgrep -lx 'controller|tail|cat|sh|timeout'; }

for signal in INT TERM HUP; do
	rm -rf long/dist
	begins
	check "a build runs" same $? 0
	# A background job of a script has SIGINT ignored: the controller sets it.
	kill -s $signal "$controlling"
	ends 5 "SIG$signal: exit code 5"
	check "SIG$signal: it says so" line long.err '^controller: interrupted$'
	check "SIG$signal: it says how to go on" line long.err "'controller build --resume $(runs)' does what is not done"
	check "SIG$signal: no process is left" quiet
	check "SIG$signal: no mount is left" same "$(mounts)" "$before"
	check "SIG$signal: the report tells" jq -e '[.builds[].state] == ["done", "waiting", "done"]' long/dist/build.json
	[ $signal = HUP ] || rm -rf state/shared-prep
done
"$controller" ls --here >ls.out 2>ls.err
check "ls shows the run" line ls.out "^run	$(runs)	ended	long	0 left$"
check "ls --json too" sh -c "'$controller' ls --here --json | jq -e '.runs | length == 1 and .[0].state == \"ended\"'"
script long waits <<<'echo >"$PREFIX/file"'
old=$(stat -c '%i %Y' "long/dist/default/a_$machine.tar.zst")
(cd / && "$controller" build --resume "$(runs)") >long.out 2>long.err
check "--resume knows the project" line long.err "^b_$machine: built"
check "and builds nothing again" same "$(stat -c '%i %Y' "long/dist/default/a_$machine.tar.zst")" "$old"
check "all is there then" jq -e '[.builds[].state] | unique == ["done"]' long/dist/build.json
check "the run is over" no_runs

# --- SIGKILL
script long waits <<<'echo waiting; setsid tail -f /dev/null & exec tail -f /dev/null'
rm -rf long/dist
begins
check "a build runs" same $? 0
run=$(runs)
"$controller" ls --here >ls.out
check "ls shows that it is active" line ls.out "^run	$run	active	"
check_exit 5 "another controller works on it" "it cannot be resumed meanwhile" "$controller" build --resume "$run"
check_exit 5 "another controller works on it" "nor collected" "$controller" gc --run "$run"
check_exit 5 "long/dist': another controller writes there" "nor can another write to its dist" "$controller" build long
check "and left no run of its own" same "$(runs)" "$run"
kill -9 "$controlling"
ends 137 "killed"
check "no process is left" wait_for 20 quiet
check "no mount is left" same "$(mounts)" "$before"
# What it was writing when it was killed.
printf '{"event":"bui' >>"state/shared-prep/$run/journal"
echo damaged >>"long/dist/default/c_$machine.tar.zst"
script long waits <<<'echo >"$PREFIX/file"'
"$controller" build --resume "$run" long >long.out 2>long.err
check "--resume builds what is missing" line long.err "^b_$machine: built"
check "and what was damaged" line long.err "^c_$machine: built"
check "and no more" no_line long.err "^a_$machine: "
check "all is good" ./agent verify -q long/dist/default/*.tar.zst
check "that run is over" no_runs

script long waits <<<'echo waiting; setsid tail -f /dev/null & exec tail -f /dev/null'
rm -rf long/dist
begins
check "a build runs" same $? 0
kill -9 "$controlling"
ends 137 "killed"
run=$(runs)
check "no process is left" wait_for 20 quiet
check "gc removes what is left of a local run" "$controller" gc --run "$run"
check "all of it" no_runs
check_exit 2 "there is none here|not one of this machine" "gc of it again" "$controller" gc --run "${run%??}"

mkdir -p "state/shared-prep/$run" && echo alien >"state/shared-prep/$run/journal"
"$controller" ls --here >ls.out 2>ls.err
check "ls with a journal that is none" line ls.out "^run	$run	damaged	"
rm -rf state/shared-prep

# --- two at once, with a dist of their own each
project other <<<"$(app a quick)"
script other quick <<<'echo >"$PREFIX/file"'
script long waits <<<'echo >"$PREFIX/file"'
rm -rf long/dist
"$controller" build long >long.out 2>long.err </dev/null 3>&- &
controlling=$!
builds 0 "two builds at once" other
ends 0 "both end well"
check "a machine's /shared is its own" absent "/shared/a_$machine"
