# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += bench packaging/demo packaging/demo.d packaging/deps packaging/rpm packaging/static packaging/tree

licensedir = $(datadir)/licenses/shared-prep
license_DATA = LICENSE
dist_doc_DATA = README.md NEWS

# Of the static agent: configure with --with-static-libs, or use packaging/static/agent.
rpm: all
	$(top_srcdir)/packaging/rpm/build . .

.PHONY: rpm
