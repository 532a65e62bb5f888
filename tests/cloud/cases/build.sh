# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# `controller build` on instances.

export XDG_STATE_HOME=$work/state
project=$work/project
mkdir -p "$project/hello"
cp -r "$TOP"/examples/project/hello "$project/"
cat >"$project/shared-prep.ini" <<END
[project]
name=hello
provider=ec2
agent=$AGENT
[aws]
caller_address=127.0.0.1
max_price=1
[app hello]
source=hello
script=build
targets=x86-64-v2 znver3
flags=safe fast
entry=bin/hello
level=3
[flags safe]
cflags=-O2
[flags fast]
cflags=-O3
END

check "it builds" "$CONTROLLER" build "$project"
check "4 archives" test "$(find "$project/dist" -name '*.tar.zst' | wc -l)" = 4
check "plan finds all well" "$CONTROLLER" plan "$project"
