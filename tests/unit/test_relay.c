/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/relay.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define AHEAD 3
#define LIMIT 60 /* seconds until a test that hangs is killed */

static struct relay *open_relay(size_t parts, size_t ahead)
{
	struct relay *r = NULL;
	struct err e = ERR_INIT;

	alarm(LIMIT);
	assert_int_equal(relay_open(parts, ahead, &r, &e), 0);
	return r;
}

/* Puts one byte. */
static bool put(struct relay *r, size_t part, uint8_t value)
{
	struct relay_slot *s;
	struct err e = ERR_INIT;

	if (relay_slot(r, part, &s, &e) != 1)
		return false;
	s->data[0] = value;
	s->len = 1;
	relay_put(r, part, s);
	return true;
}

static void assert_read(struct relay *r, uint8_t value)
{
	const void *data;
	struct err e = ERR_INIT;

	assert_int_equal(relay_read(r, &data, &e), 1);
	assert_int_equal(*(const uint8_t *)data, value);
}

static void assert_end(struct relay *r)
{
	const void *data;
	struct err e = ERR_INIT;

	assert_int_equal(relay_read(r, &data, &e), 0);
	assert_int_equal(relay_read(r, &data, &e), 0);
}

static void take(struct relay *r, size_t want)
{
	size_t part;

	assert_true(relay_take(r, &part));
	assert_int_equal(part, want);
}

static void test_order(void **state)
{
	struct relay *r = open_relay(3, 4);
	size_t none;

	(void)state;
	take(r, 0);
	take(r, 1);
	take(r, 2);
	assert_false(relay_take(r, &none));
	assert_true(put(r, 2, 5));
	assert_true(put(r, 1, 3));
	relay_end(r, 2, NULL);
	assert_true(put(r, 0, 1));
	assert_true(put(r, 1, 4));
	assert_read(r, 1);
	assert_true(put(r, 0, 2));
	relay_end(r, 0, NULL);
	relay_end(r, 1, NULL);
	for (uint8_t i = 2; i <= 5; i++)
		assert_read(r, i);
	assert_end(r);
	relay_close(r);
}

static void test_empty(void **state)
{
	struct relay *r = open_relay(2, 0);
	struct relay_slot *s;
	struct err e = ERR_INIT;

	(void)state;
	take(r, 0);
	take(r, 1);
	relay_end(r, 1, NULL);
	for (unsigned i = 0; i < 2 * RELAY_RESERVE; i++) {
		assert_int_equal(relay_slot(r, 0, &s, &e), 1);
		s->len = 0;
		relay_put(r, 0, s);
	}
	relay_end(r, 0, NULL);
	assert_end(r);
	relay_close(r);
}

static void test_last_used_first(void **state)
{
	struct relay *r = open_relay(1, 0);
	struct relay_slot *first, *second;
	const void *data;
	struct err e = ERR_INIT;

	(void)state;
	take(r, 0);
	assert_int_equal(relay_slot(r, 0, &first, &e), 1);
	first->len = 1;
	relay_put(r, 0, first);
	assert_int_equal(relay_read(r, &data, &e), 1);
	assert_true(put(r, 0, 2));
	assert_read(r, 2);
	assert_int_equal(relay_slot(r, 0, &second, &e), 1);
	assert_ptr_equal(first, second);
	relay_put(r, 0, second);
	relay_close(r);
}

static void test_errors(void **state)
{
	struct relay *r = open_relay(4, 4);
	struct err third = ERR_INIT, second = ERR_INIT, got = ERR_INIT;
	const void *data;
	size_t none;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		take(r, i);
	assert_int_equal(err_set(&third, ERR_DATA, EBADMSG, "third"), -EBADMSG);
	assert_int_equal(err_set(&second, ERR_DATA, ENOMEM, "second"), -ENOMEM);
	relay_end(r, 2, &third);
	assert_false(relay_take(r, &none));
	assert_true(put(r, 1, 2));
	relay_end(r, 1, &second);
	assert_true(put(r, 0, 1));
	relay_end(r, 0, NULL);
	assert_read(r, 1);
	assert_read(r, 2);
	assert_int_equal(relay_read(r, &data, &got), -ENOMEM);
	assert_string_equal(got.msg, "second");
	assert_int_equal(relay_read(r, &data, &got), -ENOMEM);
	relay_close(r);
}

/* Part 1 in a thread: puts until it is told to stop or has put all. */
struct filler {
	struct relay *relay;
	unsigned to_put;
	pthread_mutex_t lock;
	pthread_cond_t change;
	unsigned done;
	bool stopped;
};

static void *fill(void *arg)
{
	struct filler *f = arg;
	bool more = true;

	for (unsigned i = 0; more && i < f->to_put; i++) {
		more = put(f->relay, 1, 2);
		pthread_mutex_lock(&f->lock);
		f->done += more;
		f->stopped = !more;
		pthread_cond_broadcast(&f->change);
		pthread_mutex_unlock(&f->lock);
	}
	relay_end(f->relay, 1, NULL);
	return NULL;
}

static unsigned wait_filled(struct filler *f, unsigned least)
{
	unsigned done;

	pthread_mutex_lock(&f->lock);
	while (f->done < least)
		pthread_cond_wait(&f->change, &f->lock);
	done = f->done;
	pthread_mutex_unlock(&f->lock);
	return done;
}

/* The decoder that is ahead takes its share and no more; the one that is read has its reserve. */
static void test_reserve(void **state)
{
	struct filler f = {.to_put = AHEAD + RELAY_RESERVE};
	pthread_t thread;

	(void)state;
	f.relay = open_relay(2, AHEAD);
	pthread_mutex_init(&f.lock, NULL);
	pthread_cond_init(&f.change, NULL);
	take(f.relay, 0);
	take(f.relay, 1);
	assert_int_equal(pthread_create(&thread, NULL, fill, &f), 0);
	assert_int_equal(wait_filled(&f, AHEAD), AHEAD);
	for (unsigned i = 0; i < RELAY_RESERVE; i++)
		assert_true(put(f.relay, 0, 1));
	assert_int_equal(wait_filled(&f, AHEAD), AHEAD);
	assert_read(f.relay, 1);
	for (unsigned i = 0; i < 2 * RELAY_RESERVE; i++) {
		assert_read(f.relay, 1);
		assert_true(put(f.relay, 0, 1));
	}
	assert_int_equal(wait_filled(&f, AHEAD), AHEAD);
	relay_end(f.relay, 0, NULL);
	for (unsigned i = 0; i < RELAY_RESERVE - 1; i++)
		assert_read(f.relay, 1);
	for (unsigned i = 0; i < f.to_put; i++)
		assert_read(f.relay, 2);
	assert_end(f.relay);
	assert_int_equal(pthread_join(thread, NULL), 0);
	relay_close(f.relay);
}

static void test_stop(void **state)
{
	struct filler f = {.to_put = AHEAD + 1};
	pthread_t thread;
	size_t none;

	(void)state;
	f.relay = open_relay(3, AHEAD);
	pthread_mutex_init(&f.lock, NULL);
	pthread_cond_init(&f.change, NULL);
	take(f.relay, 0);
	take(f.relay, 1);
	assert_int_equal(pthread_create(&thread, NULL, fill, &f), 0);
	assert_int_equal(wait_filled(&f, AHEAD), AHEAD);
	relay_stop(f.relay);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(f.stopped);
	assert_false(put(f.relay, 0, 1));
	assert_false(relay_take(f.relay, &none));
	relay_close(f.relay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_last_used_first),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_stop),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
