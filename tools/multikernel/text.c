// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers and text, for people and for programs.
 *
 * Some of this text was chosen by an instance (the reason of a panic), which
 * is nobody to be trusted with the user's terminal, nor with the syntax of
 * the JSON that another program is about to read.
 */
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

/* A size as the kernel writes and takes it, "512M" or plain bytes. */
unsigned long long mk_text_bytes(const char *text)
{
	static const char units[] = "KMGTPE";
	unsigned long long n;
	const char *unit;
	char *end;

	n = strtoull(text, &end, 0);
	unit = *end > ' ' ? strchr(units, *end & ~0x20) : NULL;
	return unit ? n << (10 * (unit - units + 1)) : n;
}

/* The shortest exact form: 536870912 becomes 512M. */
void mk_text_size(char *buf, size_t size, unsigned long long bytes)
{
	static const char units[] = " KMGTPE";
	int i = 0;

	while (bytes && !(bytes % 1024) && units[i + 1]) {
		bytes /= 1024;
		i++;
	}
	if (i)
		snprintf(buf, size, "%llu%c", bytes, units[i]);
	else
		snprintf(buf, size, "%llu", bytes);
}

/* The form that fits in five columns: 1610612736 becomes 1.5G. */
void mk_text_short(char *buf, size_t size, unsigned long long bytes)
{
	static const char units[] = "\0KMGTPE";
	unsigned long long tenths = 0;
	int i = 0;

	while (bytes >= 1024) {
		tenths = bytes % 1024 * 10 / 1024;
		bytes /= 1024;
		i++;
	}
	if (i && bytes < 10 && tenths)
		snprintf(buf, size, "%llu.%llu%c", bytes, tenths, units[i]);
	else
		snprintf(buf, size, "%llu%.1s", bytes, &units[i]);
}

void mk_text_ns(char *buf, size_t size, unsigned long long ns)
{
	if (ns < 10000)
		snprintf(buf, size, "%llu ns", ns);
	else if (ns < 10000000)
		snprintf(buf, size, "%llu.%llu us", ns / 1000, ns / 100 % 10);
	else
		snprintf(buf, size, "%llu.%llu ms", ns / 1000000,
			 ns / 100000 % 10);
}

/*
 * mk_text_pair() - Take the next "key value" line.
 * @lines: where to go on; the text is cut into pieces
 *
 * Return: false when there is none left.
 */
bool mk_text_pair(char **lines, char **key, char **value)
{
	char *line;

	do {
		line = strsep(lines, "\n");
		if (!line)
			return false;
	} while (!*line);
	*key = strsep(&line, " \t");
	*value = line ? line : "";
	return true;
}

/*
 * mk_text_list() - Read a list of numbers, such as 0,2-3.
 * @has: becomes true for each number in the list, and stays as it is for others
 * @max: how many numbers there are room for; what is beyond is passed over
 */
void mk_text_list(const char *text, bool *has, unsigned long max)
{
	unsigned long first, last;
	char *end;

	for (; *text; text = end + strspn(end, ",\n ")) {
		first = strtoul(text, &end, 10);
		if (end == text)
			return;
		last = *end == '-' ? strtoul(end + 1, &end, 10) : first;
		for (; first <= last && first < max; first++)
			has[first] = true;
	}
}

/* The same the other way round; the caller frees it. */
char *mk_text_list_of(const bool *has, unsigned long max)
{
	unsigned long first, next;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		mk_error_out_of_memory();
	for (first = 0; first < max; first = next + 1) {
		for (next = first; next < max && has[next]; next++)
			;
		if (next == first)
			continue;
		fprintf(out, "%s%lu", ftell(out) ? "," : "", first);
		if (next > first + 1)
			fprintf(out, "-%lu", next - 1);
	}
	fclose(out);
	return text;
}

char *mk_text_copy(const char *text)
{
	char *new = strdup(text);

	if (!new)
		mk_error_out_of_memory();
	return new;
}

/* How many bytes the valid UTF-8 sequence at @s has; 0 if it is none. */
static int utf8_length(const unsigned char *s)
{
	static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned long c;
	int i, n;

	n = *s < 0x80 ? 1 : *s < 0xc0 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 :
	    *s < 0xf8 ? 4 : 0;
	if (n < 2)
		return n;
	c = *s & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

/* What a terminal may obey: also as two bytes, and as what is no text at all. */
static bool obeyed(const unsigned char *c, int n)
{
	if (!n || *c == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0))
		return true;
	return *c < ' ' && *c != '\n' && *c != '\t';
}

/* What a terminal would obey becomes question marks. */
void mk_text_clean(char *text)
{
	int n;

	for (; *text; text += n) {
		n = utf8_length((unsigned char *)text);
		if (obeyed((unsigned char *)text, n)) {
			n = n ? n : 1;
			memset(text, '?', n);
		}
	}
}

static int json_char(FILE *out, const unsigned char *s)
{
	int n = utf8_length(s);

	if (!n)
		fputs("\\ufffd", out);
	else if (n > 1)
		fwrite(s, 1, n, out);
	else if (*s == '"' || *s == '\\')
		fprintf(out, "\\%c", *s);
	else if (*s == '\n')
		fputs("\\n", out);
	else if (*s < ' ' || *s == 0x7f)
		fprintf(out, "\\u%04x", *s);
	else
		fputc(*s, out);
	return n ? n : 1;
}

static void json_text(FILE *out, const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	fputc('"', out);
	while (*c)
		c += json_char(out, c);
	fputc('"', out);
}

/* Begins a line, unless all goes on one. */
static void json_line(struct mk_json *json)
{
	if (!json->one_line)
		fprintf(json->out, "\n%*s", 2 * json->depth, "");
}

static void json_next(struct mk_json *json, const char *key)
{
	if (json->filled)
		fputs(json->one_line ? ", " : ",", json->out);
	if (json->depth)
		json_line(json);
	if (key) {
		json_text(json->out, key);
		fputs(": ", json->out);
	}
	json->filled = true;
}

/*
 * mk_text_json_open() - Begin an object or an array.
 * @key: its name in the object around it; NULL inside an array, and outside
 * @bracket: { or [
 */
void mk_text_json_open(struct mk_json *json, const char *key, char bracket)
{
	json_next(json, key);
	fputc(bracket, json->out);
	json->depth++;
	json->filled = false;
}

void mk_text_json_close(struct mk_json *json, char bracket)
{
	json->depth--;
	if (json->filled)
		json_line(json);
	fputc(bracket, json->out);
	json->filled = true;
	if (!json->depth)
		fputc('\n', json->out);
}

void mk_text_json_string(struct mk_json *json, const char *key, const char *s)
{
	json_next(json, key);
	json_text(json->out, s);
}

void mk_text_json_bool(struct mk_json *json, const char *key, bool value)
{
	json_next(json, key);
	fputs(value ? "true" : "false", json->out);
}

void mk_text_json_number(struct mk_json *json, const char *key,
			 unsigned long long n)
{
	json_next(json, key);
	fprintf(json->out, "%llu", n);
}
