/*
 * fuzz-report.c - any bytes as a log, and as two runs up to the first NUL and behind it: a page that is well-formed, of
 * known elements, no larger than what it tells. Each line is also taken apart and put together again.
 */
#include "common/log/logfmt.h"
#include "common/report/page.h"
#include "tests/fuzz/memory_file.h"
#include "tests/page/markup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is appended is what is read, but for control characters, which are blanks. */
static void put_together(const struct logfmt_pair *pair)
{
	g_autoptr(GString) line = g_string_new("word");
	g_autofree char *wanted = g_strdup(pair->value);
	g_auto(logfmt_t) again = { 0 };

	for (char *c = wanted; *c != '\0'; c++)
		if ((guchar)*c < ' ')
			*c = ' ';
	logfmt_append(line, pair->key, pair->value);
	logfmt_parse(&again, line->str, line->len);
	g_assert_cmpstr(logfmt_get(&again, pair->key), ==, wanted);
	g_assert_cmpuint(again.pairs->len, ==, 1);
	g_assert_cmpuint(again.words->len, ==, 1);
}

static void take_apart(const uint8_t *line, size_t size)
{
	g_autofree char *copy = g_malloc(size + 1);
	g_auto(logfmt_t) parts = { 0 };

	memcpy(copy, line, size);
	logfmt_parse(&parts, copy, size);
	for (guint i = 0; i < parts.pairs->len; i++)
		put_together(&g_array_index(parts.pairs, struct logfmt_pair, i));
}

static struct story *tell(const uint8_t *data, size_t size)
{
	g_autofree char *copy = g_memdup2(data, size);
	struct story *s = story_new();

	story_take(s, copy, size);
	story_end(s);
	return s;
}

static void check(const struct story *const *stories, guint n, size_t size)
{
	static const char *const names[] = { "one", "two" };
	g_autofree char *html = page_html(stories, names, n);

	markup_check(html);
	g_assert_cmpuint(strlen(html), <, 100000 + 400 * size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t first = nul != NULL ? (size_t)(nul - data) : size, behind = MIN(first + 1, size);
	g_autofree char *path = NULL;
	g_autoptr(story_t) all = story_new(), one = tell(data, first), two = tell(data + behind, size - behind);
	g_autoptr(GError) error = NULL;

	for (size_t at = 0, end; at < size; at = end + 1) {
		const uint8_t *newline = memchr(data + at, '\n', size - at);

		end = newline != NULL ? (size_t)(newline - data) : size;
		take_apart(data + at, end - at);
	}
	int fd = memory_file(data, size, &path);
	g_assert_true(story_read(all, path, &error));
	g_assert_no_error(error);
	close(fd);
	story_end(all);
	check((const struct story *const[]){ all }, 1, size);
	check((const struct story *const[]){ one, two }, 2, size);
	return 0;
}
