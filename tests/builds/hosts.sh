# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Part of tests/builds/run: provider=ssh, on an sshd whose root is a copy of this machine's, so that
# what is made there is seen, and is nobody else's.

host=$work/host
mkdir -p "$host"/{dev,etc,proc,root/.ssh,run/sshd,sys,tmp,var/tmp}
for d in /*; do
	if [ -L "$d" ]; then
		cp -P "$d" "$host$d"
	elif [ -d "$d" ] && [ ! -e "$host$d" ] && [[ $d =~ ^/(usr|bin|sbin|lib.*|opt)$ ]]; then
		mkdir "$host$d" && mount --rbind -o ro "$d" "$host$d"
	fi
done
cp -a /etc/. "$host/etc"
chmod 1777 "$host/tmp" "$host/var/tmp"
for d in /var/lib/dpkg /var/lib/rpm; do
	[ ! -d "$d" ] || { mkdir -p "$host$d" && mount --bind -o ro "$d" "$host$d"; }
done
mount -t proc proc "$host/proc"
mount --bind -o ro /sys "$host/sys"
for n in null zero full random urandom tty; do
	: >"$host/dev/$n" && mount --bind "/dev/$n" "$host/dev/$n"
done
# ssh takes the home from passwd, not from HOME.
sed "s,^root:.*,root:x:0:0::$HOME:/bin/sh," /etc/passwd >passwd
mount --bind passwd /etc/passwd

for k in hostkey login wrong; do ssh-keygen -q -t ed25519 -N '' -C "$k" -f "$k"; done
cp hostkey login.pub "$host/root/.ssh"
mkdir -p -m 700 home/.ssh
printf '[127.0.0.1]:2202 %s\n' "$(cut -d' ' -f1,2 hostkey.pub)" >home/.ssh/known
cat >home/.ssh/config <<EOF
Host builder
HostName 127.0.0.1
Port 2202
IdentityFile $work/login
UserKnownHostsFile $work/home/.ssh/known
StrictHostKeyChecking yes
EOF
printf '%s\n' 'Port 2202' 'ListenAddress 127.0.0.1' 'HostKey /root/.ssh/hostkey' 'AuthorizedKeysFile /root/.ssh/login.pub' \
	'UsePAM no' 'StrictModes no' 'PidFile none' 'PermitRootLogin prohibit-password' >"$host/etc/ssh/test"
chroot "$host" /usr/sbin/sshd -D -e -f /etc/ssh/test 2>sshd.log 3>&- &
daemon=$!
check "an sshd is there" wait_for 20 grep -q '^Server listening' sshd.log

# What is on the host, of what is its own; and what is mounted there.
state() {
	(cd "$host" && find . -xdev ! -path './proc/*' -printf '%p %y %m %s\n' | LC_ALL=C sort)
	grep -c "$host" /proc/self/mountinfo
}
connected() { pgrep -f '^sshd(-session)?: root'; }
unconnected() { ! connected; }
as_it_was() { state | diff was -; }
state >was

provider=ssh
project far <<EOF
$(app a fill packages=coreutils)
[host one]
address=builder
EOF
script far fill <<<'echo "home is $HOME"; setsid tail -f /dev/null & mkdir "$PREFIX/bin" && cp /bin/true "$PREFIX/bin"'
builds 0 "provider=ssh builds" far
check "an archive" ./agent verify -q "far/dist/default/a_$machine.tar.zst"
check "there" jq -e '.builds[0].place == "builder"' far/dist/build.json
check "at home" line "far/dist/default/a_$machine.log" '^home is /root$'
check "no connection is left" wait_for 20 unconnected
check "nor a process of the script" wait_for 20 alone
check "the host is as it was" as_it_was

script far fill <<<'exit 1'
builds 4 "a failure there" far
check "the host is as it was after it" as_it_was
rm -rf state/shared-prep
sed -i s/packages=.*/packages=no-such-package/ far/shared-prep.ini
builds 4 "a package that cannot be had" far
check "it says so" jq -e '.builds[0].why | startswith("packages: ")' far/dist/build.json
check "the host is as it was after that" as_it_was
sed -i '/packages=.*/d' far/shared-prep.ini

script far fill <<<'echo waiting; exec tail -f /dev/null'
"$controller" build far >far.out 2>far.err </dev/null 3>&- &
controlling=$!
check "a build runs there" wait_for 60 grep -q '^waiting' "far/dist/default/a_$machine.log"
kill -INT "$controlling"
status=0
wait "$controlling" || status=$?
check "interrupted: exit code 5" same "$status" 5
check "no connection is left then" wait_for 20 unconnected
check "nor a process" wait_for 20 alone
check "the host is as it was after an interrupt" as_it_was

# --- a host that runs apps itself
cp agent "$host/root/agent"
check "a host is prepared" chroot "$host" /root/agent prepare --quiet
state >prepared
as_prepared() { state | diff prepared -; }
rm "far/dist/default/a_$machine.log"
"$controller" build far >far.out 2>far.err </dev/null 3>&- &
controlling=$!
check "a build runs on it" wait_for 60 grep -q '^waiting' "far/dist/default/a_$machine.log"
kill -INT "$controlling"
wait "$controlling"
check "nothing of it is left after an interrupt" wait_for 20 as_prepared
script far fill <<<'echo >"$PREFIX/file"'
builds 0 "a build on it" far
check "it is as it was" as_prepared
mkdir "$host/shared/a_$machine"
: >"$host/shared/a_$machine/installed"
builds 4 "a build of what is installed there" far
check "it says so" line far.err "/shared/a_$machine is there already, and not ours"
check "what is installed stays" test -e "$host/shared/a_$machine/installed"
rm -r "${host:?}/shared/a_$machine"
check "it is as it was after that" as_prepared
check "the host is released" chroot "$host" /root/agent release
rm "$host/root/agent"

# --- several builds on one host
project choice <<EOF
$(app a fill targets= "targets=${cpus[0]} $machine" 'flags=default fast')
[flags fast]
cflags=-O3
[host one]
address=builder
targets=${cpus[0]} $machine
EOF
script choice fill <<<'echo >"$PREFIX/file"'
builds 0 "four builds on one host" choice
check "all are there" same "$(cd choice/dist && echo */*.zst)" "$(for f in default fast; do
	for c in "${cpus[0]}" "$machine"; do echo "$f/a_$c.tar.zst"; done; done | xargs)"
check "the host is as it was after four" as_it_was
rm -rf state/shared-prep
cut -d' ' -f1,2 wrong.pub | sed 's/^/[127.0.0.1]:2202 /' >home/.ssh/known
builds 6 "a host key that is another" choice --target "${cpus[0]}"
check "is refused" line choice.err 'host key'

kill "$daemon"
wait "$daemon"
provider=
umount /etc/passwd
# A session that was refused last may still be about to end.
unmounted() { ! mountpoint -q "$1" || umount -R "$1"; }
for d in "$host"/{*,dev/*,var/lib/*}; do wait_for 20 unmounted "$d"; done
