// SPDX-License-Identifier: GPL-2.0
/*
 * ps and inspect: what there is, as a table or text for people, as JSON for
 * programs. Both show what the files say at the moment of reading.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

/* One line of ps; each word is allocated. */
enum column { NAME, ID, STATE, CPUS, MEMORY, REASON, COLUMNS };

struct row {
	char *word[COLUMNS];
};

static const char * const titles[] = {
	"NAME", "ID", "STATE", "CPUS", "MEMORY", "REASON"
};

static const char * const files[] = {
	NULL, "id", "state", "cpus", "memory", "reason"
};

static void row_free(struct row *row)
{
	int c;

	for (c = 0; c < COLUMNS; c++)
		free(row->word[c]);
}

/* Reads one instance; false if it is gone. */
static bool row_read(struct row *row, const char *name)
{
	int c;

	memset(row, 0, sizeof(*row));
	row->word[NAME] = mk_text_copy(name);
	for (c = ID; c < COLUMNS; c++) {
		row->word[c] = mk_file_word(name, files[c]);
		if (!row->word[c]) {
			row_free(row);
			return false;
		}
	}
	return true;
}

static struct row *rows_read(size_t *count)
{
	char **names;
	size_t i, n = mk_file_list(&names);
	struct row *rows = calloc(n + 1, sizeof(*rows));

	if (!rows)
		mk_error_out_of_memory();
	*count = 0;
	for (i = 0; i < n; i++)
		if (row_read(&rows[*count], names[i]))
			++*count;
	mk_file_list_free(names, n);
	return rows;
}

/* For people: a size with its unit, and a dash where there is nothing. */
static void row_beautify(struct row *row)
{
	char size[32];
	int c;

	mk_text_size(size, sizeof(size), mk_text_bytes(row->word[MEMORY]));
	free(row->word[MEMORY]);
	row->word[MEMORY] = mk_text_copy(strcmp(size, "0") ? size : "");
	if (!strcmp(row->word[REASON], "none"))
		*row->word[REASON] = '\0';
	for (c = 0; c < COLUMNS; c++) {
		if (*row->word[c])
			continue;
		free(row->word[c]);
		row->word[c] = mk_text_copy("-");
	}
}

static void print_table(struct row *rows, size_t n)
{
	int c, len, width[COLUMNS];
	size_t i;

	for (c = 0; c < COLUMNS; c++) {
		width[c] = strlen(titles[c]);
		for (i = 0; i < n; i++) {
			len = strlen(rows[i].word[c]);
			if (len > width[c])
				width[c] = len;
		}
	}
	for (c = 0; c < REASON; c++)
		printf("%-*s  ", width[c], titles[c]);
	printf("%s\n", titles[REASON]);
	for (i = 0; i < n; i++) {
		for (c = 0; c < REASON; c++)
			printf("%-*s  ", width[c], rows[i].word[c]);
		printf("%s\n", rows[i].word[REASON]);
	}
}

/* What ps and inspect have in common. */
static void json_row(struct mk_json *json, const struct row *row)
{
	mk_text_json_string(json, "name", row->word[NAME]);
	mk_text_json_number(json, "id", strtoull(row->word[ID], NULL, 10));
	mk_text_json_string(json, "state", row->word[STATE]);
	mk_text_json_string(json, "cpus", row->word[CPUS]);
	mk_text_json_number(json, "memory", mk_text_bytes(row->word[MEMORY]));
	mk_text_json_string(json, "reason", row->word[REASON]);
}

static void print_json(const struct row *rows, size_t n)
{
	struct mk_json json = { .out = stdout };
	size_t i;

	mk_text_json_open(&json, NULL, '[');
	for (i = 0; i < n; i++) {
		mk_text_json_open(&json, NULL, '{');
		json_row(&json, &rows[i]);
		mk_text_json_close(&json, '}');
	}
	mk_text_json_close(&json, ']');
}

int mk_show_ps(int argc, char **argv)
{
	bool json = false;
	const struct mk_opt opts[] = {
		{ "json", 'j', MK_OPT_FLAG, &json },
		{ }
	};
	struct row *rows;
	size_t i, n;

	if (mk_opts_parse(argc, argv, opts, NULL, 0, 0))
		return MK_USAGE;
	rows = rows_read(&n);
	if (json) {
		print_json(rows, n);
	} else {
		for (i = 0; i < n; i++)
			row_beautify(&rows[i]);
		print_table(rows, n);
	}
	for (i = 0; i < n; i++)
		row_free(&rows[i]);
	free(rows);
	return MK_OK;
}

static const char * const stats[] = {
	"messages_sent", "messages_received", "bytes_sent",
	"bytes_received", "doorbells_sent", "doorbells_received",
	"doorbells_suppressed", "doorbells_missed", "ring_full",
	"bad_messages", "console_dropped", "channels",
};

/* One file of stats/; the empty string if this kernel does not have it. */
static char *read_stat(const char *name, const char *stat)
{
	char file[64], *word;

	snprintf(file, sizeof(file), "stats/%s", stat);
	word = mk_file_word(name, file);
	return word ? word : mk_text_copy("");
}

static void inspect_lines(const char *name, const char *title, const char *file)
{
	char *text = mk_file_word(name, file), *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			printf("%-10s %s\n", title, line);
	free(text);
}

static void inspect_print(const char *name, struct row *row)
{
	size_t i;
	char *n;
	int c;

	row_beautify(row);
	for (c = 0; c < COLUMNS; c++)
		printf("%-10s %s\n", c ? files[c] : "name", row->word[c]);
	inspect_lines(name, "wanted", "memory.wanted");
	inspect_lines(name, "range", "memory.map");
	inspect_lines(name, "cmdline", "cmdline");
	inspect_lines(name, "image", "image");
	inspect_lines(name, "abi", "abi");
	inspect_lines(name, "events", "events");
	for (i = 0; i < ARRAY_SIZE(stats); i++) {
		n = read_stat(name, stats[i]);
		if (*n)
			printf("%-10s %s %s\n", "stats", stats[i], n);
		free(n);
	}
}

/* A value that is a plain decimal number becomes one in JSON. */
static void json_value(struct mk_json *json, const char *key, const char *value)
{
	size_t len = strlen(value);

	if (len && len < 20 && strspn(value, "0123456789") == len)
		mk_text_json_number(json, key, strtoull(value, NULL, 10));
	else
		mk_text_json_string(json, key, value);
}

/* A file of "key value" lines becomes an object; hashes stay text. */
static void json_pairs(struct mk_json *json, const char *name, const char *file)
{
	char *text = mk_file_word(name, file), *rest = text, *key, *value;

	mk_text_json_open(json, file, '{');
	while (mk_text_pair(&rest, &key, &value)) {
		if (strstr(key, "sha256") || !strcmp(key, "features"))
			mk_text_json_string(json, key, value);
		else
			json_value(json, key, value);
	}
	mk_text_json_close(json, '}');
	free(text);
}

static void json_ranges(struct mk_json *json, const char *name)
{
	char *text = mk_file_word(name, "memory.map"), *rest = text, *line;
	unsigned long long start, end;
	int node;

	mk_text_json_open(json, "memory_map", '[');
	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%llx-%llx node%d", &start, &end, &node) != 3)
			continue;
		mk_text_json_open(json, NULL, '{');
		mk_text_json_number(json, "start", start);
		mk_text_json_number(json, "size", end - start);
		mk_text_json_number(json, "node", node);
		mk_text_json_close(json, '}');
	}
	mk_text_json_close(json, ']');
	free(text);
}

static void inspect_json(const char *name, const struct row *row)
{
	struct mk_json json = { .out = stdout };
	char *cmdline = mk_file_word(name, "cmdline"), *n;
	char *wanted = mk_file_word(name, "memory.wanted");
	size_t i;

	mk_text_json_open(&json, NULL, '{');
	json_row(&json, row);
	if (wanted)
		mk_text_json_number(&json, "memory_wanted", mk_text_bytes(wanted));
	json_ranges(&json, name);
	mk_text_json_string(&json, "cmdline", cmdline ? cmdline : "");
	json_pairs(&json, name, "image");
	json_pairs(&json, name, "abi");
	json_pairs(&json, name, "events");
	mk_text_json_open(&json, "stats", '{');
	for (i = 0; i < ARRAY_SIZE(stats); i++) {
		n = read_stat(name, stats[i]);
		if (*n)
			json_value(&json, stats[i], n);
		free(n);
	}
	mk_text_json_close(&json, '}');
	mk_text_json_close(&json, '}');
	free(wanted);
	free(cmdline);
}

int mk_show_inspect(int argc, char **argv)
{
	bool json = false;
	const struct mk_opt opts[] = {
		{ "json", 'j', MK_OPT_FLAG, &json },
		{ }
	};
	const char *name;
	struct row row;

	if (mk_opts_parse(argc, argv, opts, &name, 1, 1))
		return MK_USAGE;
	if (!mk_file_name_ok(name) || !row_read(&row, name))
		return mk_error_op("inspect", name, ENOENT);
	if (json)
		inspect_json(name, &row);
	else
		inspect_print(name, &row);
	row_free(&row);
	return MK_OK;
}
