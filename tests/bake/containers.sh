# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Of tests/bake/run: images of containers, from a registry that wants a login, by the podman of the
# small Debian; and docker's part, by a stand-in.

registry=127.0.0.1:5000
login=visitor:wave-9f2c

# --- a registry with one image, of which a job needs nothing but a shell
mkdir layer layer/bin
cp "$GUEST/root/bin/busybox" layer/bin/
ln -s busybox layer/bin/sh
# Of "wave-9f2c".
echo 'visitor:$2b$04$dEjZRmICw3oQMSjOuXg.auLvRQ2pvSKIL7XJ0fzGc2d79/.H4RuiG' >htpasswd
cat >registry.yml <<EOS
version: 0.1
storage:
  filesystem:
    rootdirectory: $work/registry
http:
  addr: $registry
auth:
  htpasswd:
    realm: test
    path: $work/htpasswd
EOS
docker-registry serve registry.yml >registry.log 2>&1 &
registry_pid=$!
ask() { curl -fsS --max-time 20 -u "$login" "$@"; }

sum() { sha256sum <"$1" | cut -d' ' -f1; }
bytes() { stat -c %s "$1"; }
push_blob() {
	local to
	to=$(ask -X POST -o /dev/null -w '%header{location}' "http://$registry/v2/x/blobs/uploads/") &&
		ask -T "$1" -H 'Content-Type: application/octet-stream' "$to&digest=sha256:$(sum "$1")"
}
push() {
	local type=application/vnd.oci.image
	tar -C layer --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -c . >layer.tar
	gzip -n1 <layer.tar >layer.tar.gz
	printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$(sum layer.tar)" >config.json
	printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":{"mediaType":"%s.config.v1+json","digest":"sha256:%s","size":%d},"layers":[{"mediaType":"%s.layer.v1.tar+gzip","digest":"sha256:%s","size":%d}]}' \
		$type $type "$(sum config.json)" "$(bytes config.json)" $type "$(sum layer.tar.gz)" "$(bytes layer.tar.gz)" >manifest.json
	push_blob layer.tar.gz && push_blob config.json &&
		ask -T manifest.json -H "Content-Type: $type.manifest.v1+json" "http://$registry/v2/x/manifests/1"
}
check "a registry is there" wait_for 20 ask -o /dev/null "http://$registry/v2/"
check "it takes an image" push

# --- a project that wants it
mkdir c
cp p/agent p/agent.rpm c/
cp -r p/dist c/
rm -rf c/dist/images
cp -r p/src c/
auth=$(printf %s "$login" | base64)
printf '{"auths":{"%s":{"auth":"%s"}}}\n' $registry "$auth" >c/login.json
chmod 600 c/login.json
# As a user would say that it has no TLS; and that this root lies on what podman's overlay cannot.
cat >c/before.sh <<'EOS'
mkdir -p /etc/containers/registries.conf.d
printf '[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n' >/etc/containers/registries.conf.d/test.conf
printf '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' >/etc/containers/storage.conf
EOS
cat >c/shared-prep.ini <<EOS
[project]
name=hello
provider=local
agent=agent
[app hello]
source=src
script=build
targets=x86-64-v2
[image]
base=$work/base
rpm=agent.rpm
containers=$registry/x:1
login=login.json
before=before.sh
EOS
root six
pulls() { timeout 300 "$drive" bake c "$work/six" hello; }
pull_fails() { check_exit 4 "^error 4 containers: ended with [0-9]+: $1.*: see '" "$2" pulls; }
nothing_left() { same "$(find six/var/tmp -mindepth 1 -not -type d)" "" && ! pgrep -x podman; }

sed -i 's/^login=/#&/' c/shared-prep.ini
pull_fails ".*$registry/x.*(unauthorized|authentication required)" "a registry that wants a login"
sed -i 's/^#login=/login=/; s,/x:1$,/none:1,' c/shared-prep.ini
pull_fails ".*$registry/none.*manifest unknown" "an image that is not there"
sed -i 's,/none:1$,/x:1,; s,^login=.*,login=none.json,' c/shared-prep.ini
check_exit 3 "^error 3 .*login='$work/c/none.json': No such file" "a file of logins that is not there" pulls
sed -i 's,^login=.*,login=login.json,' c/shared-prep.ini
check "nothing of them is left" nothing_left

# One that takes the request and is silent: the step with less patience.
socat -u "TCP-LISTEN:5001,bind=127.0.0.1,fork,reuseaddr" OPEN:/dev/null &
silent_pid=$!
"$drive" script c containers $run >pull
check "its patience is in one place" same "$(grep -c '^IDLE=300 ' pull)" 1
sed "s/^IDLE=300 /IDLE=1 /; s/^LOGIN=.*/LOGIN=''/; s,^CONTAINERS=.*,CONTAINERS=127.0.0.1:5001/x:1," pull >pull.silent
is_silent() { in_root six "$(cat pull.silent)" >silent 2>&1; tail -n 2 silent | tr '\n' ' '; }
check "a registry that never answers is given up" same "$(is_silent)" "127.0.0.1:5001/x:1: nothing has come from its registry for 1 s exit 1 "
check "and nothing of that is left" nothing_left
kill $silent_pid
wait $silent_pid 2>/dev/null

was=$("$drive" fingerprint c x86_64 base)
touch c/login.json
echo >>c/login.json
check "a login does not count in the fingerprint" same "$("$drive" fingerprint c x86_64 base)" "$was"
pulls >six.out 2>&1
check "a bake with an image of a container" line six.out '^made '
holds_login() { grep -rlaF -e "$auth" -e "${login#*:}" six.upper c/dist; }
check "no login is in the root, nor in what is written beside it" same "$(holds_login)" ""
kill $registry_pid
wait $registry_pid 2>/dev/null

# --- a job, with no registry and no network
# crun wants to see the groups of processes, and makes none; podman would set what is read-only here.
offline() { unshare -n timeout 60 "$drive" run "$work/six" $run "$@" </dev/null; }
# shellcheck disable=SC2016
job="podman run --rm --network none --cgroups=disabled $registry/x:1 sh -c 'echo started in \$(busybox ls / | busybox tr \"\\n\" \" \")'"
offline "mount -t cgroup2 none /sys/fs/cgroup
	printf '[containers]\ndefault_sysctls = []\n' >/run/containers.conf
	export CONTAINERS_CONF=/run/containers.conf
	$job" >job.out 2>&1
check "a job starts from the image" line job.out '^started in bin '
check "it needs no pull" line job.out '^exit 0$'
offline "$(cat pull)" >again.out 2>&1
check "and a second bake none" same "$(cat again.out)" "exit 0"

# --- docker, whose daemon has to be started
root seven
cat >seven/usr/local/sbin/docker <<'EOS'
#!/bin/sh
case "$1 $2" in
info*) test -e /run/docker-up ;;
"pull -q") echo "pulled $3 $(stat -c %a "$DOCKER_CONFIG") $(cksum <"$DOCKER_CONFIG/config.json")" ;;
*) exit 1 ;;
esac
EOS
cat >seven/usr/local/sbin/systemctl <<'EOS'
#!/bin/sh
[ "$*" != 'start docker.service' ] || echo >/run/docker-up
EOS
chmod 755 seven/usr/local/sbin/*
timeout 60 "$drive" run "$work/seven" $run "$(cat pull)" 'mkdir -p /run/systemd/system' "$(cat pull)" \
	'find / -xdev -path "*/shared-prep-login*"; ls /run' <c/login.json >docker.out 2>&1
check "docker without its daemon" line docker.out '^docker is here, but its daemon does not run'
check "it is started, and finds the login" line docker.out "^pulled $registry/x:1 700 $(cksum <c/login.json)$"
check "which is gone with the step" no_line docker.out shared-prep-login
