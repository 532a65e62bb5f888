/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/ami.h"

#include "common/num.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* Seen by AWS: one answer that fails for the moment, then one that says it is done. */
static int look_twice(struct ami *a, uint64_t *ret_done, uint64_t *ret_all, struct err *e)
{
	*ret_done = *ret_all = 0;
	return a->n_made++ == 0 ? err_set(e, ERR_TRANSIENT, ETIMEDOUT, "no answer") : 1;
}

static int look_final(struct ami *a, uint64_t *ret_done, uint64_t *ret_all, struct err *e)
{
	*ret_done = *ret_all = 0;
	a->n_made++;
	return err_set(e, ERR_REMOTE, EIO, "it failed");
}

static void test_wait(void **state)
{
	struct project p = {.aws.lifetime = 3600 * NSEC_PER_SEC};
	struct show show;
	struct ami a = {.project = &p, .show = &show};
	struct err e = ERR_INIT;

	(void)state;
	show_start(&show, true);
	assert_int_equal(ami_wait(&a, look_twice, &e), 0);
	assert_int_equal(a.n_made, 2);
	assert_int_equal(e.kind, ERR_NONE);
	a.n_made = 0;
	assert_int_equal(ami_wait(&a, look_final, &e), -EIO);
	assert_int_equal(a.n_made, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
