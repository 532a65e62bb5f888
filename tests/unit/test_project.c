/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"
#include "controller/money.h"
#include "controller/project/project.h"

#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define APP "[app a]\nsource=src\nscript=build\ntargets=znver4\n"

/* A program as far as its header says so: x86_64 is 62, aarch64 183. */
static void write_agent(const struct scratch *t, const char *name, unsigned char machine)
{
	unsigned char image[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 2, [18] = machine};
	int fd = openat(t->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_int_equal(write(fd, image, sizeof(image)), sizeof(image));
	close(fd);
}

static int setup(void **state)
{
	struct scratch *t;
	int rc = scratch_setup(state);

	t = *state;
	scratch_write(t, "src/build", "#!/bin/sh\n");
	scratch_write(t, "src/plain", "");
	assert_int_equal(fchmodat(t->fd, "src/build", 0755, 0), 0);
	assert_int_equal(symlinkat("/bin/sh", t->fd, "src/outside"), 0);
	scratch_write(t, "config", "");
	write_agent(t, "agent.x86", 62);
	write_agent(t, "agent.arm", 183);
	write_agent(t, "agent.other", 8);
	return rc;
}

static int load(const struct scratch *t, const char *text, struct project *p, struct err *e)
{
	scratch_write(t, "shared-prep.ini", text);
	return project_load(t->path, p, e);
}

static void test_defaults(void **state)
{
	const struct scratch *t = *state;
	auto_project struct project p = {0};
	struct err e = ERR_INIT;
	char path[128];

	assert_int_equal(load(t, "[project]\nname=p\n" APP, &p, &e), 0);
	snprintf(path, sizeof(path), "%s/shared-prep.ini", t->path);
	assert_string_equal(p.file, path);
	assert_string_equal(p.dir, t->path);
	snprintf(path, sizeof(path), "%s/dist", t->path);
	assert_string_equal(p.dist, path);
	snprintf(path, sizeof(path), "%s/src", t->path);
	assert_string_equal(p.app[0].source, path);
	assert_string_equal(p.name, "p");
	assert_int_equal(p.provider, PROVIDER_EC2);
	assert_int_equal(p.parallel, 16);
	assert_int_equal(p.agent.len, 0);
	assert_string_equal(p.app[0].script, "build");
	assert_int_equal(p.app[0].flags.len, 1);
	assert_string_equal(p.app[0].flags.word[0], "default");
	assert_string_equal(p.app[0].entry, "");
	assert_string_equal(p.app[0].version, "");
	assert_true(p.app[0].timeout == 7200 * NSEC_PER_SEC);
	assert_int_equal(p.app[0].level, 19);
	assert_string_equal(project_flags(&p, "default")->cflags, "-O2");
	assert_string_equal(project_flags(&p, "default")->fcflags, "-O2");
	assert_string_equal(project_flags(&p, "default")->ldflags, "");
	assert_string_equal(p.aws.region, "");
	assert_string_equal(p.aws.base, "al2023");
	assert_string_equal(p.aws.caller_address, "https://checkip.amazonaws.com");
	assert_int_equal(p.aws.market, MARKET_SPOT_FIRST);
	assert_int_equal(p.aws.max_price, 0);
	assert_int_equal(p.aws.max_cost, 0);
	assert_true(p.aws.volume == 16 * GIB);
	assert_true(p.aws.lifetime == 1800 * NSEC_PER_SEC);
	assert_int_equal(p.aws.vcpus, 4);
}

static const char everything[] =
	"[project]\nname=oct\nprovider=ssh\nparallel=3\ndist=/nowhere/dist\n"
	"agent=agent.x86\nagent=agent.arm\n"
	"[aws]\nregion=eu-west-1\nprofile=my profile\nbase=ami-0123456789abcdef0\nkernel=6.1\n"
	"subnets=subnet-12345678 subnet-0123456789abcdef0\ntags=team=a 'cost centre=47 11'\n"
	"tags=x=\ncaller_address=2001:db8::1\nbastion=ann@[2001:db8::2]:2222\nuser=ec2-user\n"
	"market=on-demand\nmax_price=0.25\nmax_cost=5\nvolume=32G\nlifetime=1h\nvcpus=8\n"
	"[app my_app]\nsource=src\nscript=build\ntargets=c7g znver4\ntargets=c5.18xlarge\n"
	"flags=fast default\npackages=gcc14 gcc14-c++\nenv=CC=gcc14-gcc \"X=a b\" Y=\n"
	"entry=bin/my_app\nversion=9.2 (x)\ntimeout=30min\nlevel=3\n"
	"[flags fast]\ncflags=-O3 -DX='a b'\nfcflags=\nldflags=-s\nenv=Z=1\n"
	"[target znver4]\ntypes=c7a.4xlarge m8a.large\n"
	"[target Standard_HB120rs_v3]\nmarch=znver3\n"
	"[host one]\naddress=root@one.example.org:22\ntargets=c7g znver4\n"
	"[host two]\naddress=alias_two\n";

static const char an_image[] =
	"[project]\nname=p\n"
	"[image]\nname=oct\nbase=al2023-ecs\napps=a\nflags=fast\nrpm=config\n"
	"repositories=config\nrepositories=/etc/hostname\npackages=jq zstd\ncopy=src\ncopy=config\n"
	"config=config\nunits=chronyd.service x@1.timer\necs=ECS_CLUSTER=c 'ECS_X=a b'\n"
	"containers=public.ecr.aws/x/y:1.2\nlogin=config\nbefore=config\nafter=config\ncheck=config\n"
	"types=c7a.large c7g.16xlarge\nsize=20G\nformat=qcow2\nregions=eu-west-1 us-gov-east-1\n"
	"accounts=123456789012\nencrypt=yes\nkms_key=alias/x\ndeprecate=90d\niops=8000\n"
	"throughput=2000\nparameter=/team/image\n"
	"[flags fast]\n" APP;

static void test_image(void **state)
{
	const struct scratch *t = *state;
	auto_project struct project p = {0};
	struct err e = ERR_INIT;
	char path[128];

	if (load(t, an_image, &p, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(p.image.there);
	assert_string_equal(p.image.name, "oct");
	assert_string_equal(p.image.base, "al2023-ecs");
	assert_string_equal(p.image.flags, "fast");
	snprintf(path, sizeof(path), "%s/src", t->path);
	assert_int_equal(p.image.copy.len, 2);
	assert_string_equal(p.image.copy.word[0], path);
	assert_int_equal(p.image.repositories.len, 2);
	assert_string_equal(p.image.repositories.word[1], "/etc/hostname");
	assert_int_equal(p.image.units.len, 2);
	assert_string_equal(p.image.ecs.word[1], "ECS_X=a b");
	assert_true(p.image.size == 20 * GIB);
	assert_int_equal(p.image.format, IMAGE_QCOW2);
	assert_int_equal(p.image.regions.len, 2);
	assert_true(p.image.encrypt);
	assert_true(p.image.deprecate == 90 * 86400 * NSEC_PER_SEC);
	assert_int_equal(p.image.throughput, 2000);
	assert_string_equal(p.image.parameter, "/team/image");
}

static void test_image_defaults(void **state)
{
	auto_project struct project p = {0}, none = {0}, local = {0};
	struct err e = ERR_INIT;

	assert_int_equal(
		load(*state, "[project]\nname=p\n[aws]\nbase=al2\n[image]\n" APP, &p, &e), 0);
	assert_true(p.image.there);
	assert_string_equal(p.image.name, "p");
	assert_string_equal(p.image.base, "al2");
	assert_string_equal(p.image.flags, "default");
	assert_string_equal(p.image.check, "");
	assert_int_equal(p.image.format, IMAGE_RAW);
	assert_int_equal(p.image.iops, 4000);
	assert_int_equal(p.image.throughput, 1000);
	assert_false(p.image.encrypt);
	assert_int_equal(load(*state, "[project]\nname=p\n" APP, &none, &e), 0);
	assert_false(none.image.there);
	assert_int_equal(
		load(*state, "[project]\nname=p\nprovider=local\n[image]\nbase=debian:trixie\n" APP,
			&local, &e),
		0);
	assert_string_equal(local.image.base, "debian:trixie");
}

static void test_everything(void **state)
{
	auto_project struct project p = {0};
	struct err e = ERR_INIT;
	const struct project_flags *f;
	struct target t;

	if (load(*state, everything, &p, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(p.provider, PROVIDER_SSH);
	assert_string_equal(p.dist, "/nowhere/dist");
	assert_int_equal(p.agent.len, 2);
	assert_string_equal(p.aws.profile, "my profile");
	assert_string_equal(p.aws.base, "ami-0123456789abcdef0");
	assert_int_equal(p.aws.subnets.len, 2);
	assert_int_equal(p.aws.tags.len, 3);
	assert_string_equal(p.aws.tags.word[1], "cost centre=47 11");
	assert_int_equal(p.aws.max_price, MONEY_DOLLAR / 4);
	assert_int_equal(p.aws.max_cost, 5 * MONEY_DOLLAR);
	assert_int_equal(p.aws.market, MARKET_ON_DEMAND);
	assert_int_equal(p.app[0].targets.len, 3);
	assert_string_equal(p.app[0].env.word[1], "X=a b");
	assert_string_equal(p.app[0].env.word[2], "Y=");
	assert_true(p.app[0].timeout == 1800 * NSEC_PER_SEC);
	f = project_flags(&p, "fast");
	assert_string_equal(f->cflags, "-O3 -DX='a b'");
	assert_string_equal(f->cxxflags, "-O3 -DX='a b'");
	assert_string_equal(f->fcflags, "");
	assert_string_equal(f->ldflags, "-s");
	assert_ptr_equal(project_app(&p, "my_app"), &p.app[0]);
	assert_null(project_app(&p, "my"));
	assert_null(project_flags(&p, "slow"));
	assert_null(project_target(&p, "c7g"));
	assert_string_equal(project_target(&p, "znver4")->types.word[1], "m8a.large");
	assert_int_equal(project_target_find(&p, "Standard_HB120rs_v3", &t, &e), 0);
	assert_string_equal(t.march, "znver3");
	assert_int_equal(p.n_hosts, 2);
	assert_string_equal(p.host[1].address, "alias_two");
}

static void test_agent(void **state)
{
	const struct scratch *t = *state;
	auto_project struct project p = {0};
	auto_free char *found = NULL;
	struct err e = ERR_INIT;
	char want[128];

	assert_int_equal(load(t, "[project]\nname=p\nagent=agent.arm\n" APP, &p, &e), 0);
	snprintf(want, sizeof(want), "%s/agent.arm", t->path);
	assert_int_equal(project_agent(&p, "aarch64", &found, &e), 0);
	assert_string_equal(found, want);
	free(found);
	found = NULL;
	if (access(PKGLIBDIR "/x86_64/shared-prep", R_OK) == 0)
		return;
	assert_int_equal(project_agent(&p, "x86_64", &found, &e), -ENOENT);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.msg, PKGLIBDIR "/x86_64/shared-prep"));
}

#define NAME    "[project]\nname=p\n"
#define P(text) NAME text "\n" APP             /* line 3 */
#define A(text) NAME APP text "\n"             /* line 7 */
#define W(text) NAME "[aws]\n" text "\n" APP   /* line 4 */
#define I(text) NAME "[image]\n" text "\n" APP /* line 4 */
#define LONG    "0123456789012345678901234567890123456789012345678901234567890123"

/* What stands before the line is the file. */
static const struct {
	const char *text, *want;
} bad[] = {
	{"", "/shared-prep.ini: there is no [app NAME]"},
	{"[project]\nname=a b\n" APP, ":2: [project] name=: 'a b' is not a name: use letters, "},
	{P("provider=ecs"), ":3: [project] provider=: 'ecs' is none of ec2, ssh, local"},
	{P("provider=ssh"), ":3: [project] provider=: ssh needs a [host NAME]"},
	{P("parallel=0"), ":3: [project] parallel=: '0' "},
	{P("parallel=257"), ":3: [project] parallel=: '257' "},
	{P("dist="), ":3: [project] dist=: the value is empty"},
	{P("dist=src"), ":3: [project] dist=: '"},
	{P("dist=src/new/dist"),
		"/src/new/dist' is inside the source of [app a], or above it: use "},
	{P("dist=."), "/.' is inside the source of [app a], or above it: use a folder beside it"},
	{P("agent=absent"), ":3: [project] agent=: agent '"},
	{P("agent=config"), "/config' is not a program for x86_64 or aarch64: use a static "},
	{P("agent=agent.other"), "/agent.other' is not a program for x86_64 or aarch64: use "},
	{P("agent=agent.x86\nagent=agent.arm\nagent=./agent.x86"), ":5: [project] agent=: '"},
	{P("agents=x"), ":3: unknown key 'agents=' in [project]: did you mean 'agent='?"},
	{P("[awss]"), ":3: unknown section [awss]: did you mean [aws]?"},

	{I("name=a/b"), ":4: [image] name=: 'a/b' is not a name: "},
	{I("name=a+b"), ":4: [image] name=: 'a+b' has a '+', which no name of an AMI may have"},
	{I("base=debian:bookworm"),
		":4: [image] base=: 'debian:bookworm' is no base of provider=ec2"},
	{I("[project]\nprovider=local"), ":3: [image]: base= is missing"},
	{I("base=absent\n[project]\nprovider=local"), "/absent': No such file or directory"},
	{I("base=debian:\n[project]\nprovider=local"),
		":4: [image] base=: 'debian:' names no suite"},
	{I("[project]\nprovider=ssh\n[host h]\naddress=h"),
		":3: [image]: provider=ssh makes no images, as its hosts are not to be wiped: "},
	{I("apps=b"), ":4: [image] apps=: there is no [app b]"},
	{I("apps=a a"), ":4: [image] apps=: 'a' is there twice"},
	{I("flags=fast"), ":4: [image] flags=: there is no [flags fast]"},
	{I("rpm=absent"), "/absent': No such file or directory"},
	{I("rpm=config\nrpm=src"), "/src' is not a file"},
	{I("copy=absent"), ":4: [image] copy=: '"},
	{I("check=src"), ":4: [image] check=: '"},
	{I("units=ssh"), ":4: [image] units=: 'ssh' is not the name of a unit that can be enabled"},
	{I("units=../x.service"), ":4: [image] units=: '../x.service' is not the name of a unit"},
	{I("ecs=x=1"), ":4: [image] ecs=: 'x=1' is not NAME=VALUE"},
	{I("containers=a;b"),
		":4: [image] containers=: 'a;b' is not the name of a container image"},
	{I("types=c5"), ":4: [image] types=: 'c5' is no instance type: "},
	{I("size=1M"), ":4: [image] size=: '1M' is not between 1G and 16T"},
	{I("format=vmdk"), ":4: [image] format=: 'vmdk' is none of raw, qcow2"},
	{I("regions=europe"), ":4: [image] regions=: 'europe' is no region: "},
	{I("accounts=12345678901"),
		":4: [image] accounts=: '12345678901' is not the ID of an account"},
	{I("encrypt=1"), ":4: [image] encrypt=: '1' is none of no, yes"},
	{I("kms_key=alias/x"), ":4: [image] kms_key=: encrypt=yes is missing"},
	{I("encrypt=yes\naccounts=123456789012"),
		":5: [image] accounts=: an image that is encrypted with the account's own key "},
	{I("deprecate=1h"), ":4: [image] deprecate=: '1h' is not between 1d and 3650d"},
	{I("iops=100"), ":4: [image] iops=: '100' "},
	{I("iops=3000\nthroughput=1000"), ":5: [image] throughput=: 1000 MiB/s need iops=4000"},
	{I("parameter=x"), ":4: [image] parameter=: 'x' is not the path of a parameter: "},
	{I("parameter=/aws/x"), ":4: [image] parameter=: '/aws/x' begins as those of AWS do: "},

	{"[app jobs]\nsource=src\nscript=build\ntargets=c5\n",
		":1: [app jobs]: '/shared/jobs' is there already: name the app otherwise"},
	{"[app tool_c5]\n",
		":1: [app tool_c5]: 'tool_c5' reads as the app 'tool' built for 'c5': "},
	{"[app t_x86_64]\n", ":1: [app t_x86_64]: 't_x86_64' reads as the app 't' built for "},
	{"[app ../x]\n", ":1: [app ../x]: '../x' is not a name: "},
	{"[app " LONG "]\n", ":1: [app " LONG "]: '" LONG "' is not a name: "},
	{"[app]\n", ":1: [app] needs a name: [app NAME]"},
	{APP APP, ":5: there is a [app a] already"},
	{NAME "[app a]\nscript=build\ntargets=c5\n", ":3: [app a]: source= is missing"},
	{NAME "[app a]\nsource=src\ntargets=c5\n", ":3: [app a]: script= is missing"},
	{NAME "[app a]\nsource=src\nscript=build\n", ":3: [app a]: targets= is missing"},
	{A("source=absent"), ":7: [app a] source=: "},
	{A("source=config"), ":7: [app a] source=: "},
	{A("script=../config"), ":7: [app a] script=: '../config' is not a path beneath that of "},
	{A("script=/bin/sh"), ":7: [app a] script=: '/bin/sh' is not a path beneath that of "},
	{A("script=absent"), ":7: [app a] script=: "},
	{A("script=outside"), ":7: [app a] script=: "},
	{A("script=plain"), ":7: [app a] script=: 'plain' is not executable: chmod +x"},
	{A("targets=c5\ntargets=znver44 c5n"),
		":8: [app a] targets=: 'znver44' is no target: did you mean 'znver4'?"},
	{A("targets=c5 c5"), ":7: [app a] targets=: 'c5' is there twice"},
	{A("targets=znver4"), ":6: [app a] targets=: 'znver4' is there twice"},
	{A("targets=zeus neoverse-v1"),
		":7: [app a] targets=: 'zeus' and 'neoverse-v1' are the same target"},
	{A("targets=p5"),
		":7: [app a] targets=: the processor of 'p5' is not known: say march= in its "},
	{A("targets=a/b"), ":7: [app a] targets=: 'a/b' is no target: "},
	{A("flags=fats\n[flags fast]"),
		":7: [app a] flags=: there is no [flags fats]: did you mean "},
	{A("flags=default default"), ":7: [app a] flags=: 'default' is there twice"},
	{A("packages=--root=/"), ":7: [app a] packages=: '--root=/' is not the name of a package"},
	{A("packages=gcc\n[project]\nprovider=local"),
		":7: [app a] packages=: nothing is installed with provider=local: install them on "},
	{A("env=X"), ":7: [app a] env=: 'X' is not NAME=VALUE"},
	{A("env=1X=2"), ":7: [app a] env=: '1X=2' is not NAME=VALUE"},
	{A("env='X=1"), ":7: [app a] env=: a ' has no end"},
	{A("env=PREFIX=/"), ":7: [app a] env=: 'PREFIX=/' is set for each build: choose another "},
	{A("env=CFLAGS=-O3"), ":7: [app a] env=: 'CFLAGS=-O3' belongs into a [flags NAME]"},
	{A("entry=/bin/a"), ":7: [app a] entry=: '/bin/a' is not a path beneath that of the app: "},
	{A("version=\xc3\xa4"), ":7: [app a] version=: '\xc3\xa4' holds a character that is not "},
	{A("timeout=0"), ":7: [app a] timeout=: '0' is not between 1s and 7d"},
	{A("timeout=8d"), ":7: [app a] timeout=: '8d' is not between 1s and 7d"},
	{A("timeout=30m"), ":7: [app a] timeout=: '30m' is not a duration: use "},
	{A("level=23"), ":7: [app a] level=: '23' "},

	{A("[flags a]\ncflags=-O2 $X"), ":8: [flags a] cflags=: '$' means something to a shell"},
	{A("[flags a]\nldflags='"), ":8: [flags a] ldflags=: a ' has no end"},
	{A("[flags .x]"), ":7: [flags .x]: '.x' is not a name: "},
	{A("[target fast]\nmarch=znver4"), ":8: [target fast] march=: 'fast' is no target: "},
	{A("[target fast]"), ":7: [target fast]: 'fast' is no target: use an instance type, "},
	{A("[target c5]\nmarch=znver4"), ":8: [target c5] march=: march 'znver4' is more than "},
	{A("[target znver4]\nmarch=znver4"), ":8: [target znver4] march=: 'znver4' says already "},
	{A("[target znver4]\ntypes=c7a"),
		":8: [target znver4] types=: 'c7a' is no instance type: "},
	{A("[target znver4]\ntypes=c6a.large"),
		":8: [target znver4] types=: march 'znver4' is more than machines of 'c6a.large' have"},
	{A("[target znver4]\ntypes=c7a.large c7a.large"),
		":8: [target znver4] types=: 'c7a.large' is there twice"},
	{A("[target x86_64]\ntypes=c7g.large"),
		":8: [target x86_64] types=: 'c7g.large' is not x86_64"},
	{A("[host h]"), ":7: [host h]: address= is missing"},
	{A("[host h]\naddress=-oProxyCommand=x"),
		":8: [host h] address=: '-oProxyCommand=x' is not "},
	{A("[host h]\naddress=x@-oX"), ":8: [host h] address=: 'x@-oX' is not [user@]host[:port]"},
	{A("[host h]\naddress=-x@h"), ":8: [host h] address=: '-x@h' is not [user@]host[:port]"},
	{A("[host h]\naddress=h:0"), ":8: [host h] address=: 'h:0' is not [user@]host[:port]"},
	{A("[host h]\naddress=[::1"), ":8: [host h] address=: '[::1' is not [user@]host[:port]"},
	{A("[host h]\naddress=[h]:22"),
		":8: [host h] address=: '[h]:22' is not [user@]host[:port]"},
	{A("[host h]\naddress=h\ntargets=cx5"), ":9: [host h] targets=: 'cx5' is no target"},
	{A("[project]\nprovider=ssh\n[host h]\naddress=h\ntargets=c5"),
		":6: [app a] targets=: no [host NAME] takes 'znver4'"},

	{W("region=eu west"), ":4: [aws] region=: 'eu west' holds a blank"},
	{W("base=debian"), ":4: [aws] base=: 'debian' is no base: use al2023, al2, "},
	{W("base=ami-xyz"), ":4: [aws] base=: 'ami-xyz' is no base: "},
	{W("kernel=6"),
		":4: [aws] kernel=: '6' is not the line of a kernel: use '6.1' or the like"},
	{W("subnets=vpc-12345678"), ":4: [aws] subnets=: 'vpc-12345678' is not the ID of a subnet"},
	{W("subnets=subnet-12345678\nprivate_subnets=subnet-12345678"),
		":5: [aws] private_subnets=: subnets= are given too: use one of both"},
	{W("tags=team"), ":4: [aws] tags=: 'team' is not KEY=VALUE"},
	{W("tags==x"), ":4: [aws] tags=: '=x' is not KEY=VALUE"},
	{W("tags=a=1 AWS:b=2"), ":4: [aws] tags=: 'AWS:b=2' begins as tags do that are reserved: "},
	{W("tags=shared-prep:run=2"),
		":4: [aws] tags=: 'shared-prep:run=2' begins as tags do that "},
	{W("tags=a=1\ntags=b=1 a=2"), ":5: [aws] tags=: 'a=2' is there twice"},
	{W("tags=" LONG LONG "x=1"), "' has a key of more than 128 characters"},
	{W("tags=x=" LONG LONG LONG LONG "x"), "' has a value of more than 256 characters"},
	{W("caller_address=0.0.0.0/0"), ":4: [aws] caller_address=: '0.0.0.0/0' is a range: give "},
	{W("caller_address=192.0.2.1/32"),
		":4: [aws] caller_address=: '192.0.2.1/32' is a range: "},
	{W("caller_address=::/0"), ":4: [aws] caller_address=: '::/0' is a range: "},
	{W("caller_address=0.0.0.0"), ":4: [aws] caller_address=: '0.0.0.0' is every address: "},
	{W("caller_address=::"), ":4: [aws] caller_address=: '::' is every address: give your own"},
	{W("caller_address=0:0::0"), ":4: [aws] caller_address=: '0:0::0' is every address: "},
	{W("caller_address=example.org"),
		":4: [aws] caller_address=: 'example.org' is neither an address nor an https:// "},
	{W("caller_address=http://example.org/"),
		":4: [aws] caller_address=: 'http://example.org/' is asked in the clear: use https://"},
	{W("caller_address=http://127.0.0.1@example.org/"),
		":4: [aws] caller_address=: 'http://127.0.0.1@example.org/' has no host, or one "},
	{W("caller_address=http://127.0.0.1.example.org/"),
		"' is asked in the clear: use https://"},
	{W("caller_address=https://"),
		":4: [aws] caller_address=: 'https://' has no host, or one "},
	{W("bastion=a b"), ":4: [aws] bastion=: 'a b' is not [user@]host[:port]"},
	{W("bastion=b\nssh_config=config"), ":4: [aws] bastion=: ssh_config= is given too, and "},
	{W("ssh_config=absent"), ":4: [aws] ssh_config=: '"},
	{W("user=Ec2"), ":4: [aws] user=: 'Ec2' is not the name of a user"},
	{W("market=cheap"), ":4: [aws] market=: 'cheap' is none of spot-first, spot, on-demand"},
	{W("max_price=$1"),
		":4: [aws] max_price=: '$1' is not an amount: use US dollars, as 5 or "},
	{W("max_cost=-1"), ":4: [aws] max_cost=: '-1' is not an amount: use US dollars, as 5 or "},
	{W("volume=4G"), ":4: [aws] volume=: '4G' is not between 8G and 16T"},
	{W("lifetime=5s"), ":4: [aws] lifetime=: '5s' is not between 1min and 24h"},
	{W("vcpus=0"), ":4: [aws] vcpus=: '0' "},
	{W("access_key=x"), ":4: unknown key 'access_key=' in [aws]"},
};

static void test_bad(void **state)
{
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_project struct project p = {0};
		struct err e = ERR_INIT;

		if (load(t, bad[i].text, &p, &e) == 0)
			fail_msg("taken: %s", bad[i].text);
		if (!strstr(e.msg, bad[i].want))
			fail_msg("'%s' does not hold '%s'", e.msg, bad[i].want);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_memory_equal(e.msg, t->path, strlen(t->path));
		assert_null(strchr(e.msg, '\n'));
	}
}

static const char *const good[] = {
	W("caller_address=192.0.2.1"),
	W("caller_address=https://[2001:db8::1]:8443/ip?x=1"),
	W("caller_address=http://127.0.0.1:8080/"),
	W("caller_address=http://[::1]:8080"),
	W("bastion=ann@b.example.org:2222"),
	W("bastion=2001:db8::1"),
	W("ssh_config=config"),
	W("base=al2-ecs\nbase=al2"),
	W("tags=\ntags=Name=x"),
	W("kernel="),
	P("dist=other/dist"),
	P("dist=src2"),
	A("targets=\ntargets=x86_64"),
	A("[flags default]\ncflags="),
	A("[target c7a]\nmarch=x86-64-v2\ntypes=c5.large t3.micro"),
	A("[target x86_64]\ntypes=p5.48xlarge"),
	A("[app b_v2]\nsource=./src/../src\nscript=build\ntargets=c5 c5.large c5n m5\n"),
};

static void test_good(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_project struct project p = {0};
		struct err e = ERR_INIT;

		if (load(*state, good[i], &p, &e) < 0)
			fail_msg("%s", e.msg);
	}
}

static void test_bounds(void **state)
{
	auto_project struct project p = {0}, q = {0}, r = {0};
	struct err e = ERR_INIT;
	char text[16384];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text), W("tags=") "[aws]\n");
	for (int i = 0; i < 41; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "tags=k%d=v\n", i);
	assert_int_equal(load(*state, text, &p, &e), -E2BIG);
	assert_non_null(strstr(e.msg, ":50: [aws] tags=: more than 40 tags"));

	len = (size_t)snprintf(text, sizeof(text), "%s", A("targets="));
	for (int i = 1; i < 258; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "targets=c5.%dxlarge\n", i);
	assert_int_equal(load(*state, text, &q, &e), -E2BIG);
	assert_non_null(strstr(e.msg, "more than 256 targets"));

	len = 0;
	for (int i = 0; i < 65; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "[app a%d]\n", i);
	assert_int_equal(load(*state, text, &r, &e), -E2BIG);
	assert_non_null(strstr(e.msg, ":65: more than 64 sections like [app a64]"));
}

static void test_paths(void **state)
{
	const struct scratch *t = *state;
	static const char *const absent[] = {"absent", "src", "src/build/x"};
	struct err e = ERR_INIT;
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
		auto_project struct project p = {0};

		snprintf(path, sizeof(path), "%s/%s", t->path, absent[i]);
		assert_true(project_load(path, &p, &e) < 0);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_non_null(strstr(e.msg, path));
	}
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(test_defaults),
		WITH_SCRATCH(test_everything),
		WITH_SCRATCH(test_image),
		WITH_SCRATCH(test_image_defaults),
		WITH_SCRATCH(test_agent),
		WITH_SCRATCH(test_bad),
		WITH_SCRATCH(test_good),
		WITH_SCRATCH(test_bounds),
		WITH_SCRATCH(test_paths),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
