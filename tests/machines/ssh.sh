# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Part of tests/machines/run: machines behind sshd. The users are of a passwd, shadow and sudoers of
# our own, which lie on the host's in our mount namespace.

key() { ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$1"; }
for k in host bastion wrong login jump; do key "$k"; done
known() { printf '%s %s\n' "$1" "$(cut -d' ' -f1,2 "$2.pub")"; }
known machine host >known
known machine wrong >known.wrong
known other host >known.other
known '[127.0.0.1]:2201' host >known.users
known bastion bastion >known.bastion

mkdir -m 755 home
cp login.pub authorized && cp jump.pub authorized.jump
for f in passwd shadow sudoers; do
	cp -p "/etc/$f" "$f" 2>/dev/null || touch "$f"
done
echo "worker:x:4321:4321::$work/home:/bin/sh
nobody-special:x:4322:4321::$work/home:/bin/sh" >>passwd
printf '%s:*:19000:0:99999:7:::\n' worker nobody-special >>shadow
printf 'root ALL=(ALL) ALL\nworker ALL=(ALL) NOPASSWD: ALL\n' >sudoers
chmod 440 sudoers
for f in passwd shadow sudoers; do mount --bind "$f" "/etc/$f"; done

# daemon NAME PORT HOST-KEY AUTHORIZED [OPTION…]: its number is in NAME.pid
daemon() {
	local name=$1
	printf '%s\n' "Port $2" 'ListenAddress 127.0.0.1' "HostKey $work/$3" "AuthorizedKeysFile $work/$4" \
		'UsePAM no' 'StrictModes no' 'PidFile none' 'LogLevel VERBOSE' 'PermitRootLogin prohibit-password' \
		'AcceptEnv *' "${@:5}" >"$name.conf"
	/usr/sbin/sshd -D -e -f "$work/$name.conf" 2>>"$name.log" 3>&- &
	echo $! >"$name.pid"
	wait_for 20 grep -q '^Server listening' "$name.log" || cat "$name.log"
}
undaemon() {
	kill "$(<"$1.pid")" && wait_for 10 ended "$(<"$1.pid")" && : >"$1.log"
}
accepted() { grep -c '^Accepted publickey' "$1.log"; }
# Of one connection: what sshd has forked for it, as root or as the user.
sessions() { pgrep -f '^sshd(-session)?: '; }
folders() { compgen -G '/tmp/shared-prep-ssh.*'; }
no_folder() { ! folders; }

ours=ssh,address=root@127.0.0.1:2201,identity=$work/login,known_hosts=$work/known,alias=machine
daemon sshd 2201 host authorized

{
	cat <<-EOF
		start
		run exit 0
		run exit 7
		run kill -9 \$\$
		run no-such-program
		run env | sort; pwd; id -u
		run printf '%s|' "a  b" 'it'\''s' "\$((1 + 1))" '\$HOME' \`echo x\` '%h'; echo
		pipe $work/random out/ssh.random cat
		pipe /dev/null out/ssh.empty cat
	EOF
	for _ in {1..20}; do echo 'run true'; done
	echo stop
} >script
LC_MESSAGES=C AWS_SECRET_ACCESS_KEY=private says ssh "$ours" <script
check "ssh: it is there" line ssh "ready $(uname -m)"
check "ssh: exit codes" same "$(grep ^exit ssh | head -n 4 | tr '\n' ' ')" "exit 0 exit 7 exit 137 exit 127 "
check "ssh: environment, place and user" same "$(sed -n '/^HOME/,/^0/p' ssh | tr '\n' ' ')" \
	"HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PWD=/root /root 0 "
check "ssh: what sh reads arrives as it is" grep -qxF "a  b|it's|2|\$HOME|x|%h|" ssh
check "ssh: 64 MiB through a command" cmp random out/ssh.random
check "ssh: nothing through a command" test -e out/ssh.empty -a ! -s out/ssh.empty
check "ssh: all commands ended well" same "$(exits ssh 0)" 25
check "ssh: over one connection" same "$(accepted sshd)" 1
check "ssh: it stops" line ssh gone
check "ssh: no process is left" alone 'drive|ssh'
check "ssh: no folder is left" no_folder

says refused "${ours/known,/known.wrong,}" <<<start
check "a wrong host key is refused, and it says so" line refused "error 6 worker: .*host key is not the one.*"
check "it was not logged in to" same "$(accepted sshd)" 1
check "and not tried again" same "$(grep -c '^Connection from' sshd.log)" 2
says unknown "${ours/known,/known.other,}" <<<start
check "an unknown host is refused, and it says so" line unknown "error 6 worker: .*host key is not known.*"
says nologin "${ours/login/wrong}" <<<start
check "a login that is refused" line nologin "error 6 worker: .*does not take the key.*Permission denied.*"
check "is not tried again" same "$(grep -c '^Connection from' sshd.log)" 4

as=(env "PATH=$work/none:/nowhere")
mkdir none && ln -s "$(command -v env)" none/env
says noclient "$ours" <<<start
as=(env)
check "no ssh client: it says so" line noclient "error 4 worker: .*install OpenSSH.*"

# By its process IDs: of machines that come late.
later() { # NAME MACHINE: starts it
	timeout 120 "$drive" "$2" <<<$'start\nrun echo done\nstop' >"$1" 2>"$1.err" 3>&- &
	echo $! >"$1.pid"
}
tried() { folders && ! pgrep -x ssh; }
undaemon sshd
later late "$ours,patience=60s"
check "sshd is not there: it is tried" wait_for 20 tried
check "and nothing is said yet" same "$(cat late)" ""
daemon sshd 2201 host authorized
check "sshd comes: it is reached" wait_for 40 grep -qx gone late
check "and commands run" line late 'done'

undaemon sshd
says never "$ours,patience=1s" <<<start
check "sshd never comes: transient, with the cause" line never "error 5 worker: .*in time.*Connection refused.*"

cp wrong.pub authorized
daemon sshd 2201 host authorized
later boots "$ours,patience=60s,boots=1"
check "a machine that boots may refuse the login" wait_for 20 grep -q 'preauth' sshd.log
cp login.pub authorized
check "until its user is there" wait_for 40 grep -qx gone boots

mkfifo told
begin_held() { # NAME MACHINE: its command runs, and its own lines come from descriptor 9
	mkfifo "$1.in"
	timeout 120 "$drive" "$2" <"$1.in" >"$1" 2>"$1.err" 3>&- &
	exec 9>"$1.in"
	printf '%s\n' start "begin echo yes >$work/told; exec tail -f /dev/null" >&9
	read -rt 30 _ <>told
}
begin_held lost "$ours"
check "a command runs there" wait_for 10 pgrep -x tail
undaemon sshd
# shellcheck disable=SC2046
kill -9 $(sessions)
printf '%s\n' wait lost 'run :' stop >&9
exec 9>&-
check "sshd is killed in mid-command: the command ends with 255" wait_for 30 line lost 'exit 255'
check "the machine is lost, it says why" wait_for 30 line lost 'lost .*(closed|reset|Broken|ended).*'
check "no command begins on it" wait_for 30 line lost 'error 5 worker is not there'
check "it can be stopped" wait_for 30 line lost gone
check "no process is left of it, there neither" wait_for 20 alone 'drive|ssh|tail'

daemon sshd 2201 host authorized
begin_held killed "$ours"
check "a command runs again" wait_for 10 pgrep -x tail
kill -9 "$(pgrep -ox drive)"
exec 9>&-
check "the program is killed: nothing of ssh is left" wait_for 10 alone 'drive|ssh'
check "nor its command there" wait_for 20 alone 'tail'
rm -rf /tmp/shared-prep-ssh.*

# --- a bastion: the machine is reached through it alone
daemon bastion 2202 bastion authorized.jump
undaemon sshd
daemon sshd 2201 host authorized
jump=jump.address=root@127.0.0.1:2202,jump.identity=$work/jump,jump.known_hosts=$work/known.bastion,jump.alias=bastion
says through "$ours,$jump" <<<$'start\nrun echo through\nstop'
check "a bastion: the machine is reached" line through through
check "with one connection to each" same "$(accepted bastion) $(accepted sshd)" "1 1"
check "each with its own key" same "$(grep -h '^Accepted publickey' bastion.log sshd.log | grep -o 'SHA256:[A-Za-z0-9+/]*')" \
	"$(ssh-keygen -l -f jump.pub | cut -d' ' -f2; ssh-keygen -l -f login.pub | cut -d' ' -f2)"
check "the bastion's connection ends too" wait_for 10 alone 'ssh'
says jump.wrong "$ours,${jump/known.bastion/known.wrong}" <<<start
check "a bastion with a wrong host key is refused" line jump.wrong "error 6 worker: .*host key.*"
says jump.behind "${ours/known,/known.wrong,},$jump" <<<start
check "a machine with a wrong host key behind it too" line jump.behind "error 6 worker: .*host key.*"

# --- the user's own configuration
cat >config <<-EOF
	Host build
	  HostName 127.0.0.1
	  Port 2201
	  User worker
	  IdentityFile $work/login
	  UserKnownHostsFile $work/known.users
	  SendEnv *
	  ControlMaster auto
	  ControlPersist 60
	  ControlPath $work/theirs
	  RequestTTY force
	  RemoteCommand echo no
	  LocalForward 2299 127.0.0.1:22
	Host plain
	  HostName 127.0.0.1
	  Port 2201
	  User nobody-special
	  IdentityFile $work/login
	  UserKnownHostsFile $work/known.users
	Host strange
	  NoSuchOption 1
EOF
sed '/strange/,$d' config >config.good
printf '%s\n' start 'run id -u; pwd; env | wc -l' stop >script
LC_ALL=C says users "ssh,address=build,config=$work/config.good" <script
check "a Host of the user's own configuration, root by sudo" same \
	"$(tr '\n' ' ' <users)" "ready $(uname -m) 0 /root 3 exit 0 gone "
check "no process is left of it, nor a socket of the user's" alone 'ssh|drive' && check "no socket" absent theirs
begin_held sudo "ssh,address=build,config=$work/config.good"
check "a command runs there by sudo" wait_for 10 pgrep -x tail
printf '%s\n' stop wait >&9
exec 9>&-
check "the machine is stopped: what runs there ends" wait_for 20 alone 'tail|drive|ssh'
check "and here too" same "$(sed 1,2d sudo | tr '\n' ' ')" "gone exit 255 "
says plain "ssh,address=plain,config=$work/config.good" <<<start
check "a user who may not be root: it says so, and what to do" line plain "error 6 worker: .*sudo.*without a password.*"
says strange "ssh,address=build,config=$work/config" <<<start
check "a configuration that is wrong" line strange "error 3 worker: .*configuration.*"
says noconfig "ssh,address=build,config=$work/nothing" <<<start
check "a configuration that is not there" line noconfig "error 3 worker: .*"

undaemon sshd
undaemon bastion
check "no folder is left" no_folder
check "no secret was printed" absent "$(grep -rlF PRIVATE ./*.err ./*.log 2>/dev/null | head -n 1)"
