#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The body of what `controller userdata` prints, behind the values of userdata_script.c: url, list,
# and for each architecture rpm_ARCH and sum_ARCH. Comment lines are left out there. cloud-init runs
# it once for each instance, in its last stage; it may be run again by hand.
# shellcheck disable=SC2154
set -uo pipefail
umask 022
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root
data=/usr/local/data
stage=$data/.userdata
kept=$data/.agent.rpm
gate=/etc/systemd/system/ecs.service.d/10-shared-prep.conf
declare -A sum_of

say() { printf 'shared-prep userdata: %s\n' "$*" >&2; }
die() {
	say "$*: no task is taken; when that is put right: bash $0"
	exit 1
}

# Before all else, and in /etc, so that it holds in later boots too if this fails: what the RPM
# asserts is that /shared is ready, which it is without any archive too. Where ECS waits for the end
# of cloud-init its start is queued, and asserts nothing yet; elsewhere it may be up.
mkdir -p "${gate%/*}" && cat >"$gate" <<-END && systemctl daemon-reload || {
	# Until the script of user data has succeeded, which removes it.
	[Unit]
	AssertPathExists=!$gate
END
	systemctl --no-block stop ecs.service
	die "'$gate' cannot be put in force"
}
if [ ! -e /run/shared-prep/ready ]; then
	case $(systemctl show -p ActiveState ecs.service) in
	*=activ* | *=reload*) systemctl stop ecs.service || die "ecs.service runs, and cannot be stopped" ;;
	esac
fi

hex() { printf '%s=' "$1" | base64 -d | od -An -vtx1 | tr -d ' \n'; }
sum() { sha256sum <"$1" | cut -d' ' -f1; }
same() { [ -f "$1" ] && [ "$(sum "$1")" = "$2" ]; }

# fetch NAME FILE
fetch() {
	local code
	case $url in
	s3://*)
		command -v aws >/dev/null || die "s3:// needs the AWS CLI, which is not here: install it, or give an https:// URL"
		aws s3 cp --only-show-errors "$url/$1" "$2"
		return
		;;
	esac
	command -v curl >/dev/null || die "curl is not here: install it, or give an s3:// URL"
	code=$(curl -gfsSL --proto "=${url%%:*}" --max-redirs 5 \
		--connect-timeout 10 --speed-limit 1024 --speed-time 60 -w '%{http_code}' -o "$2" \
		"$url/${1//+/%2B}") && return
	case $code in 404 | 410) die "'$url/$1' is not there (HTTP $code)" ;; esac
	return 1
}

# get NAME FILE SHA256: half a minute of pauses, then it is given up
get() {
	local try
	for try in 1 2 3 4 5; do
		[ "$try" = 1 ] || sleep $(((try - 1) * (try - 1)))
		rm -f "$2"
		fetch "$1" "$2" || continue
		same "$2" "$3" && touch "$2" && return
		die "'$url/$1' is not the file that this was made for: its SHA-256 is $(sum "$2"), not $3"
	done
	die "'$url/$1' cannot be had"
}

mkdir -p "$data" && exec 9<"$data" && flock -n 9 || die "'$data' cannot be used, or is in use by another run"
rm -rf "$stage"
mkdir "$stage" || die "'$stage' cannot be made"
trap 'rm -rf "$stage"' EXIT

arch=$(uname -m)
name=rpm_$arch rpm=${!name-}
name=sum_$arch rpm_sum=${!name-}
[ "$rpm" ] || die "this machine is $arch, and there is no RPM for it"
if ! same "$kept" "$rpm_sum" || ! rpm -q shared-prep >/dev/null 2>&1; then
	say "installs '$rpm'"
	get "$rpm" "$stage/rpm" "$rpm_sum"
	rpm -U --nodeps --oldpackage --replacepkgs "$stage/rpm" || die "'$rpm' cannot be installed"
	mv -f "$stage/rpm" "$kept"
fi

# An empty file stands for an archive, with what is known of it before it is here. One that is under
# its name with other content is of another time, and must not be chosen.
while read -r a b c d; do
	if [ "$a" = - ]; then
		key=$b arch=$c march=$d
		continue
	fi
	f=${a}_$key.tar.zst
	sum_of[$f]=$b
	if same "$data/$f" "$(hex "$b")"; then
		ln "$data/$f" "$stage/$f" || die "'$stage/$f' cannot be made"
		continue
	fi
	rm -f "$data/$f"
	: >"$stage/$f" && printf '{"format":1,"app":"%s","key":"%s","arch":"%s","march":"%s"}' \
		"$a" "$key" "$arch" "$march" >"$stage/$f.json" || die "'$stage/$f' cannot be made"
done <<<"$list"

# What is chosen is fetched, and may turn out to need more of the processor than was known.
more=1
while [ "$more" ]; do
	more=
	chosen=$(shared-prep plan --choose "$stage") && [ "$chosen" ] || die "no archive to take"
	while IFS=$'\t' read -r _ f; do
		[ ! -s "$stage/$f" ] || continue
		say "fetches '$f'"
		get "$f" "$stage/part" "$(hex "${sum_of[$f]}")"
		mv -f "$stage/part" "$stage/$f"
		more=1
	done <<<"$chosen"
done

# Newer than what is prepared?
verb=start
fresh() { [ /run/shared-prep/ready -nt "$1" ] || verb=restart; }
fresh "$kept"
while IFS=$'\t' read -r _ f; do
	[ "$data/$f" -ef "$stage/$f" ] || mv -f "$stage/$f" "$data/$f" || die "'$data/$f' cannot be made"
	fresh "$data/$f"
done <<<"$chosen"

# The gate of the RPM takes over. shared-prep waits for nothing of cloud-init, so that it may be
# waited for; ECS waits for the end of this, so that it may not.
rm -f "$gate"
systemctl daemon-reload
timeout 1800 systemctl "$verb" shared-prep.service ||
	die "shared-prep.service has failed, see journalctl -u shared-prep"
! systemctl -q is-enabled ecs.service 2>/dev/null || systemctl --no-block start ecs.service
say "done"
