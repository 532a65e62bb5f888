/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"

#include "common/num.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t clock_now(void)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_deadline(uint64_t ns)
{
	uint64_t now = clock_now();

	return ns > CLOCK_FOREVER - now ? CLOCK_FOREVER : now + ns;
}

uint64_t clock_left(uint64_t deadline)
{
	uint64_t now = clock_now();

	if (deadline == CLOCK_FOREVER)
		return CLOCK_FOREVER;
	return deadline > now ? deadline - now : 0;
}

void clock_sleep(uint64_t ns, uint64_t deadline)
{
	uint64_t until = clock_deadline(ns);
	struct timespec ts;

	if (until > deadline)
		until = deadline;
	ts.tv_sec = (time_t)(until / NSEC_PER_SEC);
	ts.tv_nsec = (long)(until % NSEC_PER_SEC);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* The kernel's pool may be empty early in the boot, and jitter must not wait for it. */
static uint64_t random_u64(void)
{
	uint64_t v;

	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) == (ssize_t)sizeof(v))
		return v;
	v = clock_now() ^ ((uint64_t)getpid() << 32);
	v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ULL;
	v = (v ^ (v >> 27)) * 0x94d049bb133111ebULL;
	return v ^ (v >> 31);
}

uint64_t clock_jitter(uint64_t max)
{
	uint64_t range = max + 1;
	uint64_t skip, v;

	if (range == 0)
		return random_u64();
	/* Values below 2^64 mod range would make small results likelier. */
	skip = (0 - range) % range;
	do {
		v = random_u64();
	} while (v < skip);
	return v % range;
}
