// SPDX-License-Identifier: GPL-2.0
/*
 * ping: messages there and back, one after the other.
 *
 * The kernel sends them and takes the time; its file nop has the result.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "mkctl.h"

static void take(struct mk_ping *p, char *text)
{
	struct { const char *key; unsigned long long *value; } const table[] = {
		{ "rounds", &p->rounds },
		{ "lost", &p->lost },
		{ "min_ns", &p->min },
		{ "median_ns", &p->median },
		{ "max_ns", &p->max },
	};
	char *key, *value;
	size_t i;

	while (mk_text_pair(&text, &key, &value))
		for (i = 0; i < ARRAY_SIZE(table); i++)
			if (!strcmp(key, table[i].key))
				*table[i].value = strtoull(value, NULL, 10);
}

/*
 * mk_ping_measure() - Send messages to an instance and back.
 * @op: what an error is said of
 * @count: how many
 * @ping: where the result goes
 *
 * Return: MK_OK, also if some were lost, or MK_FAILED after it has said why.
 */
int mk_ping_measure(const char *op, const char *name, unsigned int count,
		    struct mk_ping *ping)
{
	char buf[16], *text = NULL;
	int lock, err = 0;

	memset(ping, 0, sizeof(*ping));
	/* There is one result for all: until it is read nobody asks for another */
	lock = mk_file_open(name, "nop", O_RDONLY);
	if (lock < 0)
		return mk_error_op(op, name, errno);
	snprintf(buf, sizeof(buf), "%u", count);
	if (flock(lock, LOCK_EX) || mk_file_write(name, "nop", buf))
		err = errno;
	else
		text = mk_file_read(name, "nop", NULL);
	if (!err && !text)
		err = errno;
	close(lock);
	if (err)
		return mk_error_op(op, name, err);
	take(ping, text);
	free(text);
	return MK_OK;
}

void mk_ping_json(struct mk_json *json, const struct mk_ping *ping)
{
	mk_text_json_number(json, "rounds", ping->rounds);
	mk_text_json_number(json, "lost", ping->lost);
	mk_text_json_number(json, "min_ns", ping->min);
	mk_text_json_number(json, "median_ns", ping->median);
	mk_text_json_number(json, "max_ns", ping->max);
}

static void print_json(const char *name, const struct mk_ping *ping)
{
	struct mk_json json = { .out = stdout };

	mk_text_json_open(&json, NULL, '{');
	mk_text_json_string(&json, "name", name);
	mk_ping_json(&json, ping);
	mk_text_json_close(&json, '}');
}

static void print(const char *name, const struct mk_ping *p)
{
	char min[32], median[32], max[32];

	mk_text_ns(min, sizeof(min), p->min);
	mk_text_ns(median, sizeof(median), p->median);
	mk_text_ns(max, sizeof(max), p->max);
	printf("%s: %llu round trips, %llu lost, min %s, median %s, max %s\n",
	       name, p->rounds, p->lost, min, median, max);
}

int mk_ping(int argc, char **argv)
{
	unsigned int count = 10;
	bool json = false;
	const struct mk_opt opts[] = {
		{ "count", 'c', MK_OPT_COUNT, &count },
		{ "json", 'j', MK_OPT_FLAG, &json },
		{ }
	};
	struct mk_ping ping;
	const char *name;
	int ret = mk_opts_parse_name(argc, argv, opts, &name);

	if (!ret)
		ret = mk_ping_measure("ping", name, count, &ping);
	if (ret)
		return ret;
	if (json)
		print_json(name, &ping);
	else
		print(name, &ping);
	return ping.rounds == count && !ping.lost ? MK_OK : MK_FAILED;
}
