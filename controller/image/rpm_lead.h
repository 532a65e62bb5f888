/* SPDX-License-Identifier: Apache-2.0 */
/* The first bytes of a package of RPM: which machine it is for. rpm's documentation, "Package
 * format", "Lead"; the numbers: its file rpmrc, arch_canon. */
#ifndef CONTROLLER_RPM_LEAD_H
#define CONTROLLER_RPM_LEAD_H

#include "common/err.h"

/* "x86_64" or "aarch64". Kind config: it is no binary package, or for something else. */
must_check int rpm_lead_arch(int fd, const char *path, const char **ret, struct err *e);

#endif
