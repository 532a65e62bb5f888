# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Part of tests/builds/run: what a build makes, and what its script finds.

mkdir -p good/bin
project good <<EOF
name=good-things
$(app first fill targets= "targets=${cpus[*]}" flags='default fast' 'env=ONE=1 "TWO=a  b; \$x"' entry=bin/hello version='1.2 (x)')
$(app second archive)
$(app third flat)
[flags fast]
cflags=-O3 '-DTEXT="a b"'
ldflags=-Wl,-O1
env=TWO=2
EOF
script good fill <<'EOF'
set -e
[ $# = 1 ] && [ "$1" = "$PREFIX" ] && [ -z "$(ls -A "$PREFIX")" ] && [ ! -t 0 ] && ! read -r line
[ ! -e mark ] && touch mark
env | sort
echo "arguments: $*; in: $(pwd); user: $(id -u); umask: $(umask)"
mkdir "$PREFIX/bin"
printf 'int main(void)\n{\n\treturn 0;\n}\n' >hello.c
$CC -O1 -o "$PREFIX/bin/hello" hello.c
ln "$PREFIX/bin/hello" "$PREFIX/bin/same"
ln -s hello "$PREFIX/bin/link"
mkdir "$PREFIX/a dir" && echo text >"$PREFIX/a dir/ü $(printf '\377')"
truncate -s 1M "$PREFIX/hole"
EOF
script good archive <<'EOF'
set -e
mkdir -p out/"${PREFIX##*/}"/share
echo 'from an archive' >out/"${PREFIX##*/}"/share/file
tar -C out -czf "${PREFIX##*/}.tar.gz" "${PREFIX##*/}"
EOF
script good flat <<'EOF'
mkdir out && echo flat >out/file && tar -C out -cJf "${PREFIX##*/}.tar.xz" .
EOF

builds 0 "a project is built" good
check "it says what is built" line good.err "^first_${cpus[0]} \(fast\): built in [0-9.]+ m?s, "
check "and where" same "$(grep -c '\.tar\.zst' good.out)" 6
check "all archives are there, and nothing else" same "$(cd good/dist && find . -type f ! -name 'worker-*.log' | sort | tr '\n' ' ')" \
	"$({
		echo ./build.json
		for f in default fast; do for c in "${cpus[@]}"; do printf '%s\n' "./$f/first_$c".{log,tar.zst}; done; done
		printf '%s\n' "./default/second_$machine".{log,tar.zst} "./default/third_$machine".{log,tar.zst}
	} | sort | tr '\n' ' ')"
check "the run has left nothing" no_runs

# tree FOLDER: all that tar keeps of it
tree() { (cd "$1" && find . -printf '%P %y %#m %s %n %l\n' | sort && find . -type f -exec sha256sum {} + | sort -k2); }
for a in good/dist/*/*.tar.zst; do
	key=$(basename "$a" .tar.zst)
	rm -rf gnu ours && mkdir gnu
	check "$key is good" ./agent verify "$a"
	check "GNU tar unpacks $key" tar -C gnu -xf "$a"
	check "the agent unpacks $key" ./agent unpack -q "$a" ours
	check "both the same" same "$(tree gnu)" "$(tree ours)"
	./agent verify --json "$a" >verify.json
	log=${a%.tar.zst}.log
	case $key in
	first*)
		c=${key#first_}
		check "its manifest" jq -e --arg c "$c" --arg m "$machine" '.archives[0].manifest | .app == "first" and
			.key == $c and .version == "1.2 (x)" and .arch == $m and .march == $c and .entry == "bin/hello" and
			(.features | length > 3)' verify.json
		;;
	second*) check "it holds what its archive held" same "$(cat "ours/$key/share/file")" 'from an archive' ;;
	third*) check "also without a folder of its name" same "$(cat "ours/$key/file")" flat ;;
	esac
	check "its log has the script's part" line "$log" '^== build on local$'
done

log=good/dist/fast/first_${cpus[1]}.log
option=-march
[ "$machine" = x86_64 ] || option=-mcpu
for l in "PREFIX=/shared/first_${cpus[1]}" "CC=cc" "CFLAGS=$option=${cpus[1]} -O3 '-DTEXT=\"a b\"'" "LDFLAGS=-Wl,-O1" \
	"MAKEFLAGS=-j$(nproc)" "TARGET=${cpus[1]}" FLAGSET=fast HOME=/root ONE=1 TWO=2; do
	check "the script finds ${l%%=*}" grep -qxF -- "$l" "$log"
done
check "and its arguments, folder, user and umask" grep -qxE \
	"arguments: /shared/first_${cpus[1]}; in: /shared/\\.build-[0-9a-f-]+/tree; user: 0; umask: 0022" "$log"
check "words of env= arrive as they are" grep -qxF 'TWO=a  b; $x' "good/dist/default/first_${cpus[1]}.log"
check "nothing of ours is in its environment" no_line "$log" '^(XDG|OLDPWD|BUILD|TOP|SHARED_PREP_[^R])'

check "build.json names all" jq -e --arg m "$machine" '.format == 1 and .project == "good-things" and .provider == "local" and
	(.builds | length) == 6 and all(.builds[]; .state == "done" and .place == "local" and .seconds > 0) and
	(.builds[0] | .app == "first" and .flags == "default")' good/dist/build.json
jq -r '.builds[] | .sha256 + "  " + .archive' good/dist/build.json >sums
check "with their checksums" sh -c 'cd good/dist && sha256sum -c ../../sums'
check "and sizes" same "$(jq '[.builds[].bytes] | add' good/dist/build.json)" "$(cat good/dist/*/*.zst | wc -c)"

# --- a choice
rm -rf good/dist
builds 0 "--app, --target, --flags" good --app first --target "${cpus[0]}" --flags fast
check "that alone is built" same "$(cd good/dist && echo */*.zst)" "fast/first_${cpus[0]}.tar.zst"
builds 2 "an app that is not there" good --app none
builds 2 "a target that no app has" good --target none
builds 2 "flags that are not there" good --flags none
builds 2 "a choice that leaves nothing" good --app second --flags fast
check "it says so" line good.err 'nothing to build'
builds 2 "--on-error with another word" good --on-error=never
builds 2 "--on-error=ask without a terminal" good --on-error=ask
builds 2 "--keep is for EC2" good --keep
builds 2 "a run that is not there" good --resume 0000
rm -rf good/dist
builds 0 "--dry-run" good --dry-run
check "names all" same "$(grep -c "^worker [0-9].*/good/dist/.*\.tar\.zst" good.out)" 6
check "and makes nothing" test ! -e good/dist -a -z "$(runs)"
builds 0 "--json" good --json --app third -q
check "prints the report" jq -e '.builds | length == 1' good.out
check "the one that is kept" cmp good.out good/dist/build.json
check "-q is quiet" same "$(cat good.err)" ""
