# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests/cloud/run and for cases in bash, after tests/lib.sh.
#
#   lab '{"knobs": {"pending": 3}}'    tells the lab (control.py), prints its report
#   lab_report FILTER                  what jq makes of the report
#   witness save|compare FILE          what is in the account (witness.py)
#   killed_at K before|after COMMAND…  a command that is killed at its K-th request
#   work                               the suite's folder
# shellcheck disable=SC2154

# Of this machine, or else of a folder of our own.
find_python() {
	PYTHON=python3
	if ! python3 -c 'import boto3, moto, yaml' 2>/dev/null; then
		PYTHON=$BUILD/venv/bin/python3
		[ -x "$PYTHON" ] || python3 -m venv "$BUILD/venv"
		"$PYTHON" -m pip install -q --disable-pip-version-check -r "$TOP/tests/cloud/requirements.txt"
		PATH=$BUILD/venv/bin:$PATH
	fi
	export PYTHON PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$TOP/tests/cloud
	"$PYTHON" -c 'import boto3, moto, yaml'
}

# start_lab OPTION…: exports LAB and what a client needs; "$work" is the suite's folder
start_lab() {
	local line
	mkfifo "$work/lab.in" "$work/lab.out"
	"$PYTHON" "$TOP/tests/cloud/server" --key "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" --until-eof \
		--folder "$work" "$@" <"$work/lab.in" >"$work/lab.out" 2>"$work/lab.err" &
	lab_pid=$!
	exec 7>"$work/lab.in" 8<"$work/lab.out"
	read -rt 60 -u 8 line || { cat "$work/lab.err"; return 1; }
	export LAB=http://127.0.0.1:${line#ready }
	export AWS_ENDPOINT_URL=$LAB
}

stop_lab() {
	exec 5>&- 7>&-
	wait "$lab_pid"
}

lab() { curl -sS --fail-with-body --max-time 60 -d "$1" "$LAB/lab"; }
lab_report() { curl -sS --fail-with-body --max-time 60 "$LAB/lab" | jq -r "$1"; }

start_witness() {
	mkfifo "$work/witness.in" "$work/witness.out"
	"$PYTHON" "$TOP/tests/cloud/witness.py" <"$work/witness.in" >"$work/witness.out" &
	exec 5>"$work/witness.in" 6<"$work/witness.out"
}
# killed_at K before|after COMMAND…: it gets SIGKILL at its K-th request, before or after that is done;
# status 137, or its own where it makes fewer
killed_at() {
	local k=$1 when=$2 pid
	shift 2
	[ -p "$work/go" ] || mkfifo "$work/go"
	(read -r _ <"$work/go" && exec "$@") &
	pid=$!
	lab "{\"faults\": [{\"skip\": $((k - 1)), \"kill\": $pid, \"when\": \"$when\"}]}" >/dev/null
	echo >"$work/go"
	wait "$pid"
}

witness() {
	local line
	echo "$@" >&5
	while IFS= read -rt 120 -u 6 line; do
		case $line in
		"status "*) return "${line#status }" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	return 2
}

# What the controller has called since the lab began, each action of which its least policy names.
# Who one is may be asked without any; resources of a name are no actions.
actions_are_in_policy() {
	local folder=$work/policy
	mkdir -p "$folder/x"
	printf '%s\n' '[project]' name=x provider=ec2 "agent=$AGENT" '[app x]' source=x script=x targets=znver3 \
		'[image]' base=al2023-ecs "rpm=$RPM" regions=us-west-2 accounts=210987654321 deprecate=90d \
		parameter=/x/image >"$folder/shared-prep.ini"
	install -m 755 /dev/null "$folder/x/x"
	"$CONTROLLER" plan --policy "$folder" | jq -r '.Statement[].Action[]' | sort -u >"$folder/policy"
	lab_report '.actions[]' | grep -v '^sts:GetCallerIdentity$' | sort -u >"$folder/called"
	comm -13 "$folder/policy" "$folder/called" >"$folder/beyond"
	diag "$(wc -l <"$folder/called") actions of $(wc -l <"$folder/policy")"
	! grep . "$folder/beyond"
}

# An account of its own for whoever asks: nothing of this machine's.
client_environment() {
	unset "${!AWS_@}"
	export AWS_ACCESS_KEY_ID=AKIATESTTESTTESTTEST AWS_SECRET_ACCESS_KEY=test/secret+of/the+suite/0123456789
	export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
	export AWS_PAGER='' AWS_MAX_ATTEMPTS=1 HOME=$work/home WORK=$work
	mkdir -p "$HOME"
}

# run_case FILE: from a fresh account; a case in Python prints lines "ok TEXT" and "not ok TEXT"
run_case() {
	local name=${1##*/} line status=0
	lab '{"reset": true}' >/dev/null
	witness save "$work/before"
	case $1 in
	*.py)
		timeout -k 5 600 "$PYTHON" "$1" >"$work/case" || status=$?
		while IFS= read -r line; do
			case $line in
			"ok "*) ok "$name: ${line#ok }" ;;
			"not ok "*) not_ok "$name: ${line#not ok }" ;;
			*) diag "${line#\# }" ;;
			esac
		done <"$work/case"
		[ "$status" = 0 ] || grep -q '^not ok' "$work/case" || not_ok "$name ended with status $status"
		;;
	*)
		# shellcheck disable=SC1090
		. "$1"
		;;
	esac
	check "$name: nothing is left" witness compare "$work/before"
	check "$name: every signature was right" test "$(lab_report '.refused | tojson')" = "[]"
	check "$name: the lab had no problem" test "$(lab_report '.problems | join("\n")')" = ""
}
