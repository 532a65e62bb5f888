# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The lab itself: another one, with TLS, that is killed while a machine of its own is in use.
# shellcheck disable=SC2154

# All that came of the second lab, by process id; of other labs there may be some that still go.
family() {
	ps -e -o pid=,ppid= | awk -v top="$second_pid" '{ parent[$1] = $2 } END {
		for (pid in parent) {
			for (p = pid; p in parent && p != top; p = parent[p]) { }
			if (p == top && pid != top) print pid
		}
	}'
}
members_left() { ps -o pid=,stat=,args= -p "$(paste -sd, "$second/family")" | awk '$2 !~ /^Z/'; }
none_left() { [ -z "$(members_left)" ]; }

start_second() {
	local line
	mkdir "$second"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=lab \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$second/key" -out "$second/pem" 2>/dev/null
	mkfifo "$second/out" "$second/in"
	"$PYTHON" "$TOP/tests/cloud/server" --key "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
		--folder "$second" --tls "$second/pem:$second/key" >"$second/out" 2>"$second/err" &
	second_pid=$!
	exec 4<"$second/out"
	read -rt 60 -u 4 line
	exec 4<&-
	second_url=https://127.0.0.1:${line#ready }
}

second_aws() { AWS_ENDPOINT_URL=$second_url AWS_CA_BUNDLE=$second/pem aws ec2 "$@" --output text; }

second_machine() {
	local image group
	image=$(second_aws describe-images --owners amazon --query 'Images[0].ImageId' \
		--filters Name=name,Values='al2023-ami-2023*kernel-6.1-x86_64')
	group=$(second_aws describe-security-groups --query 'SecurityGroups[0].GroupId')
	second_aws authorize-security-group-ingress --group-id "$group" --protocol tcp --port 22 \
		--cidr 127.0.0.0/8 >/dev/null
	ssh-keygen -q -t ed25519 -N '' -f "$second/login"
	second_aws run-instances --instance-type c7a.large --image-id "$image" --user-data "#cloud-config
ssh_authorized_keys: ['$(<"$second/login.pub")']" --query 'Instances[0].InstanceId' >/dev/null
	second_aws describe-instances --query 'Reservations[0].Instances[0].PublicIpAddress'
}

second=$work/second
start_second
curl -sS --cacert "$second/pem" -d '{"knobs": {"pending": 0}}' "$second_url/lab" >/dev/null
check "a lab with TLS" test "$(curl -sS --cacert "$second/pem" "$second_url/checkip")" = 127.0.0.1
check_exit 60 certificate "whose certificate counts" curl -sS "$second_url/checkip"
address=$(second_machine)
exec 4<>"$second/in"
ssh -F none -i "$second/login" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
	"ec2-user@$address" 'echo there; exec cat' <&4 >"$second/said" 2>/dev/null &
check "a machine without host keys in its user data makes some" wait_for 30 grep there "$second/said"
family >"$second/family"
check "it is there" grep sshd <(members_left)
kill -KILL "$second_pid"
if wait_for 60 none_left; then
	ok "all of it goes when the lab is killed"
else
	not_ok "all of it goes when the lab is killed" "$(members_left)"
fi
exec 4<&-
