# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Part of tests/builds/run: scripts that fail, and what becomes of the others.

# Each app is the script of its name.
names=(fails silent speaks nothing killed removed file loud forks late stubborn own124 last)
project bad <<EOF
$(for n in "${names[@]}"; do
	case $n in
	late | stubborn) app "$n" "$n" timeout=1s ;;
	*) app "$n" "$n" ;;
	esac
done)
EOF
script bad fails <<<'echo so far so good; echo "make: *** [all] Error 2" >&2; exit 3'
script bad silent <<<'exit 1'
# A line that is neither UTF-8 nor harmless to a terminal, and long.
script bad speaks <<'EOF'
printf '\033]0;title\007\351\233 %0300d\n\n  \n' 7
exit 1
EOF
script bad nothing <<<':'
script bad killed <<<'kill -9 $$'
script bad removed <<<'rm -rf "$PREFIX"'
script bad file <<<'rmdir "$PREFIX" && echo >"$PREFIX"'
script bad loud <<<'head -c 100000000 /dev/zero | tr "\0" "x"; echo >"$PREFIX/file"'
script bad forks <<<'setsid tail -f /dev/null & tail -f /dev/null & echo >"$PREFIX/file"'
script bad late <<<'echo begun; setsid tail -f /dev/null & tail -f /dev/null'
# timeout(1) has to kill it, which takes it ten seconds.
script bad stubborn <<<'trap "" TERM; echo begun; while :; do tail -f /dev/null; done'
script bad own124 <<<'exit 124'
script bad last <<<'echo >"$PREFIX/file"'
builds 4 "scripts fail: exit code 4" bad -j 4
check "it says how many, and where to look" line bad.err "^controller: 10 of 13 builds failed: see their logs in '.*/bad/dist'$"
why() { jq -r --arg a "$1" '.builds[] | select(.app == $a) | .state + ": " + (.why // "")' bad/dist/build.json; }
check "why: the last line of its log" same "$(why fails)" "failed: build: ended with 3: make: *** [all] Error 2"
check "which is kept" grep -qxF 'so far so good' "bad/dist/default/fails_$machine.log"
check "why: nothing more to say" same "$(why silent)" "failed: build: ended with 1"
check "why: only what a terminal can show" same "$(why speaks | tr -d 0)" "failed: build: ended with 1:  ];title ?? "
check "why: nothing was made" same "$(why nothing)" "failed: pack: ended with 1: nothing left nothing in /shared/nothing_$machine, and no nothing_$machine.tar.* in its folder"
check "why: a signal" same "$(why killed)" "failed: build: ended with 137: Killed"
check "why: PREFIX was removed" same "$(why removed | cut -c 1-45)" "failed: pack: ended with 1: removed left noth"
check "why: PREFIX is a file" same "$(why file | cut -c 1-13)" "failed: pack:"
check "why: too long" same "$(why late)" "failed: build: took longer than 1.000 s (timeout=)"
check "why: too long, and it had to be killed" same "$(why stubborn)" "failed: build: took longer than 1.000 s (timeout=)"
check "an exit code of 124 is only that" same "$(why own124)" "failed: build: ended with 124"
for n in loud forks last; do
	check "$n is built" ./agent verify -q "bad/dist/default/${n}_$machine.tar.zst"
done
check "100 MB are in the log" test "$(stat -c %s "bad/dist/default/loud_$machine.log")" -gt 100000000
check "nothing of those that failed is there" absent "bad/dist/default/fails_$machine.tar.zst"
check "no part either" same "$(partial bad)" ""
check "all are told, each with its log or archive" same "$(grep -c "^$work/bad/dist/default/" bad.out)" 13
check "their processes are gone" alone
check "the run waits to be gone on with" line bad.err "'controller build --resume $(runs)' does what is not done"

script bad fails <<<'echo >"$PREFIX/file"'
first=$(stat -c %i "bad/dist/default/last_$machine.tar.zst")
builds 0 "--resume, with a beginning of its id" bad --resume "$(runs | cut -c 1-13)" --app fails --app last
check "builds what is missing" ./agent verify -q "bad/dist/default/fails_$machine.tar.zst"
check "and that alone" same "$(stat -c %i "bad/dist/default/last_$machine.tar.zst")" "$first"
check "the report has both" jq -e '[.builds[].state] == ["done", "done"]' bad/dist/build.json
check "that run has ended" no_runs

# --- --on-error
project stop <<EOF
parallel=1
$(app a fails)
$(app b fine)
EOF
script stop fails <<<'echo no; exit 1'
script stop fine <<<'echo >"$PREFIX/file"'
builds 4 "--on-error=stop" stop --on-error=stop
check "says what failed" line stop.err "^controller: a_$machine: build: ended with 1: no$"
check "the others are not begun" jq -e '[.builds[].state] == ["failed", "waiting"]' stop/dist/build.json
check "nothing is done, nothing is kept of the run" no_runs
builds 4 "--on-error=keep" stop
check "the others are built" jq -e '[.builds[].state] == ["failed", "done"]' stop/dist/build.json

chmod -x stop/src/fine
builds 3 "a script that is not executable" stop
check "it says which" line stop.err "script=.*'fine'.*executable"
rm -rf state/shared-prep
