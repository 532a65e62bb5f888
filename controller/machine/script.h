/* SPDX-License-Identifier: Apache-2.0 */
/* What the scripts of a build (step.c) and of a bake (bake_step.c) have in common, for sh; $W is
 * the folder of what we bring. */
#ifndef CONTROLLER_SCRIPT_H
#define CONTROLLER_SCRIPT_H

#include "common/num.h"

#define SCRIPT_MINUTE (60 * NSEC_PER_SEC)

/* clang-format off */

/* From standard input. */
#define SCRIPT_AGENT \
	"mkdir -p \"$W\"\n" \
	"cat >\"$W/shared-prep\"\n" \
	"chmod 755 \"$W/shared-prep\"\n" \
	"\"$W/shared-prep\" --version\n"

#define SCRIPT_APT_INSTALL \
	"apt_install() {\n" \
	"	export DEBIAN_FRONTEND=noninteractive\n" \
	"	apt-get -q update && apt-get -q -y --no-install-recommends install \"$@\"\n" \
	"}\n"

/* Those of $PACKAGES that are missing. */
#define SCRIPT_PACKAGES \
	SCRIPT_APT_INSTALL \
	"missing=\n" \
	"for p in $PACKAGES; do\n" \
	"	if command -v dpkg-query >/dev/null; then\n" \
	"		[ \"$(dpkg-query -W -f '${db:Status-Status}' \"$p\" 2>/dev/null)\" != installed ] || continue\n" \
	"	elif rpm -q --quiet --whatprovides \"$p\"; then continue; fi\n" \
	"	missing=\"$missing $p\"\n" \
	"done\n" \
	"[ -n \"$missing\" ] || exit 0\n" \
	"echo \"installing$missing\"\n" \
	"[ -w /usr ] || { echo \"packages are missing here, and cannot be installed:$missing\" >&2; exit 1; }\n" \
	"if command -v dnf >/dev/null; then dnf -y -q install $missing\n" \
	"elif command -v yum >/dev/null; then yum -y -q install $missing\n" \
	"elif command -v apt-get >/dev/null; then apt_install $missing\n" \
	"else echo \"no dnf, yum or apt-get here: cannot install$missing\" >&2; exit 1; fi\n"

/* clang-format on */

#endif
