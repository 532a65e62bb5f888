# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A spot instance is taken away: what is no notice does nothing; from the notice on no job begins,
# jobs end in time, hooks run, and what is left is out of /shared before the deadline.
spool=/shared/jobs
notice=/run/shared-prep/interrupt.json
kept=/var/kept

fake() # METHOD PATH: what is asked of the metadata service itself (tests/fake/metadata)
{
	local reply
	exec 9<>/dev/tcp/169.254.169.254/80
	printf '%s /fake/%s HTTP/1.1\r\nHost: fake\r\nContent-Length: 0\r\n\r\n' "$1" "$2" >&9
	read -r reply <&9
	exec 9>&-
	[[ $reply == *' 200 '* ]]
}
said() { journalctl -b -q -o cat -u shared-prep-jobs.service | grep -q -- "$1"; } # REGEX
submit() { shared-prep submit "$@"; }
prints() { wait_for 30 grep -qs "$2" "$spool/run/$1/stdout"; } # ID TEXT
folder() { echo "$kept"/*/{done,failed}/"$1" | tr ' ' '\n' | grep -v '\*'; } # ID
result() { jq -r "$2" "$(folder "$1")/result.json"; }                         # ID FILTER

mkdir -p "$kept" /etc/shared-prep/conf.d /etc/shared-prep/interrupt.d
printf '[Interrupt]\nPoll=1s\n[Persist]\nTo=%s\n' "$kept" >/etc/shared-prep/conf.d/interrupt.conf
cat >/etc/shared-prep/interrupt.d/60-note <<'H'
#!/bin/sh
env | grep '^SHARED_PREP_INTERRUPT_' >/var/hook
H
chmod 755 /etc/shared-prep/interrupt.d/60-note
systemctl restart shared-prep-jobs.service

early=$(submit -- echo early)
shared-prep jobs --wait "$early" >/dev/null
saves=$(submit --name saves -- /bin/sh -c \
	'trap "echo saved >checkpoint; echo saved; exit 0" TERM; echo begun; tail -f /dev/null & wait')
deaf=$(submit --grace 1h -- /bin/sh -c 'trap "" TERM; echo begun; while :; do tail -f /dev/null; done')
prints "$saves" begun
prints "$deaf" begun
late=$(submit -- echo late)

# No answer, an answer that is none, a page of somebody else, an error.
fake PUT 'fault?*/spot/instance-action=503,garbage,junk,ok'
check "trouble is told" wait_for 60 said 'a notice of interruption might be missed'
check "and its end" wait_for 60 said 'notices of interruption can be read again'
fails "it is no notice" test -e "$notice"
check "the one job runs on" test -d "$spool/run/$saves/work"
check "the other too" test -d "$spool/run/$deaf/work"

fake PUT 'announce/terminate?in=60'
check "the notice is seen" wait_for 20 test -e "$notice"
is "it says what comes" "$(jq -r '"\(.kind) \(.source)"' "$notice")" 'terminate spot/instance-action'
check "containers see it too" cmp "$notice" /shared/interrupt.json
deadline=$(date -d "$(jq -r .deadline "$notice")" +%s)
is "the deadline is 10 s earlier" "$(($(date -d "$(jq -r .time "$notice")" +%s) - deadline))" 10
check "all hooks end" wait_for 60 said 'all hooks are over'
at_least "before the deadline" "$deadline" "$(date +%s)"

is "a job that ended before is saved" "$(cat "$(folder "$early")/stdout")" early
is "one that listens ended by itself" "$(result "$saves" '"\(.state) \(.exit)"')" 'interrupted 0'
is "with all that it said" "$(tr '\n' ' ' <"$(folder "$saves")/stdout")" 'begun saved '
is "one that does not was killed" "$(result "$deaf" '"\(.state) \(.signal)"')" 'interrupted 9'
like "its result says why" "$(result "$deaf" .reason)" '^terminate at '
is "what waited was not begun" "$(ls "$spool/new")" "$late"
is "a hook is told" "$(sed -n 's/^SHARED_PREP_INTERRUPT_KIND=//p' /var/hook)" terminate
is "and until when" "$(sed -n 's/^SHARED_PREP_INTERRUPT_DEADLINE=//p' /var/hook)" \
	"$(jq -r .deadline "$notice")"
check "the watcher is well" systemctl is-active shared-prep-jobs.service

fake DELETE announce
check "a notice taken back frees the queue" wait_for 60 test -e "$spool/done/$late"
fails "and is not told any more" test -e "$notice"
