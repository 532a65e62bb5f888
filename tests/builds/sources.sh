# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Part of tests/builds/run: what of a source arrives, and projects that cannot be built.

project "a b'\$c" <<<"name=odd"$'\n'"$(app x show)"
odd="a b'\$c"
script "$odd" show <<'EOF'
find . ! -name show -printf '%P|%y|%m|%s|%l\n' | LC_ALL=C sort
find . -type f ! -name show -exec sha256sum {} + | LC_ALL=C sort
echo >"$PREFIX/file"
EOF
src="$odd/src"
mkdir "$src/a dir" "$src/-d" "$src/empty"
echo text >"$src/a dir/ü"
echo text >"$src/a dir/$(printf 'raw\377\n$(touch x) \\')"
echo text >"$src/$(printf 'n%0200d' 1)"
ln -s '../a dir/ü' "$src/-d/link"
ln -s /nowhere "$src/-d/dangling"
head -c 100000 /dev/urandom >"$src/one" && ln "$src/one" "$src/two"
truncate -s 3M "$src/sparse" && echo middle >>"$src/sparse" && truncate -s 8M "$src/sparse"
chmod 600 "$src/one"
chmod 751 "$src/empty"
chown 12345:12345 "$src/two"
(cd "$src" && find . ! -name show -printf '%P|%y|%m|%s|%l\n' && find . -type f ! -name show -exec sha256sum {} +) >all
builds 0 "a source with odd names, links and holes" "$odd"
arrived() { sed -n '/^== build/,/^== pack/p' "$odd/dist/default/x_$machine.log" | grep -v '^=='; }
# Sizes of directories are those of the file system.
plain() { sed -E 's/(\|d\|[0-7]+)\|[0-9]+/\1/' | LC_ALL=C sort; }
check "arrives as it is" same "$(arrived | plain)" "$(plain <all)"
mkfifo "$src/pipe"
builds 3 "a FIFO in a source is refused" "$odd"
check "and named" line "$odd.err" "^controller: .*source '.*/src/pipe' is no file"
check "nothing of that run is left" no_runs
rm "$src/pipe"

project small <<<"$(app x fill)"
script small fill <<<'echo >"$PREFIX/file"'
cp small/shared-prep.ini ini
sed 's/^agent=.*/agent=none/' ini >small/shared-prep.ini
builds 3 "no agent" small
check "it says which file" line small.err "/small/none'"
sed "s/^targets=.*/targets=$foreign/" ini >small/shared-prep.ini
builds 3 "no agent for a target" small
check "it says for which" line small.err "$foreign"
# An ELF header says what a program is for: 62 is x86_64, 183 aarch64.
if [ "$machine" = x86_64 ]; then number='\xb7\x00'; else number='\x3e\x00'; fi
cp agent agent.foreign
printf '%b' "$number" | dd of=agent.foreign bs=1 seek=18 conv=notrunc status=none
sed "s/^targets=.*/targets=$foreign/; s,^agent=.*,agent=$work/agent.foreign," ini >small/shared-prep.ini
builds 3 "a target of another architecture" small
check "it says so, and what to do" line small.err "target '$foreign' is for $foreign, this machine is $machine: use provider=ec2 or ssh"
sed "s,^agent=.*,agent=$work/agent.foreign," ini >small/shared-prep.ini
builds 3 "an agent of another architecture" small
cp ini small/shared-prep.ini
rm -rf state/shared-prep small/dist

touch small/dist
builds 4 "dist is a file" small
rm small/dist
mkdir small/dist
mount -t tmpfs -o ro tmpfs small/dist
builds 4 "dist cannot be written to" small
check "one line says so" same "$(grep -c '' small.err)" 1
check "before anything has begun" no_runs
umount small/dist
mount -t tmpfs -o size=64k tmpfs small/dist
script small fill <<<'head -c 1000000 /dev/urandom >"$PREFIX/file"'
builds 4 "no space in dist" small
check "it says so" line small.err 'No space left on device'
check "no part is left" same "$(partial small/dist)" ""
umount small/dist
rm -rf state/shared-prep
script small fill <<<'head -c 1000000 /dev/urandom >"$PREFIX/file"'
builds 0 "with space it is built" small

mount -t tmpfs -o ro tmpfs state
builds 4 "XDG_STATE_HOME cannot be written to" small
check "one line says so" same "$(grep -c "state.*Read-only" small.err)" 1
umount state
as=(env -u XDG_STATE_HOME)
builds 0 "XDG_STATE_HOME is not set" small
check "then it is ~/.local/state" test -d home/.local/state/shared-prep
as=(env -u XDG_STATE_HOME -u HOME)
builds 3 "nor is HOME" small
check "it says so" line small.err 'neither XDG_STATE_HOME nor HOME is set'
as=(env -u HOME)
builds 0 "HOME is not needed with XDG_STATE_HOME" small

# --- an ordinary user
rm -rf small/dist && mkdir -m 777 small/dist && mkdir user && chown 12345 user
as=(setpriv --reuid=12345 --regid=12345 --clear-groups env "HOME=$work/user" "XDG_STATE_HOME=$work/user/state")
builds 0 "an ordinary user builds" small
check "the archive is good" ./agent verify -q "small/dist/default/x_$machine.tar.zst"
check "it is the user's" same "$(stat -c %u "small/dist/default/x_$machine.tar.zst")" 12345
check "its owner in the archive is root" same "$(tar --numeric-owner -tvf "small/dist/default/x_$machine.tar.zst" | awk '{print $2}' | sort -u)" 0/0
check "its state is private" same "$(stat -c %a user/state/shared-prep)" 700
as=(env)
rm -rf small/dist
