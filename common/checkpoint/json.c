/* json.c - see json.h. The grammar and its names are those of RFC 8259. */
#include "common/checkpoint/json.h"
#include "common/fault/fault.h"
#include <math.h>

struct scan {
	const char *start, *at, *end;
	const char *name;
	GError **error;
	int depth;              /* objects and lists that are open */
	guint64 objects;        /* bit i: the one at depth i + 1 is an object */
	guint members[JSON_DEPTH_MAX]; /* of each that is open */
	guint values, values_max; /* of all kinds */
};

G_STATIC_ASSERT(JSON_DEPTH_MAX <= 64); /* bits */

static gboolean bad(struct scan *s, const char *what)
{
	g_set_error(s->error, FAULT, FAULT_DATA, "%s: byte %" G_GSIZE_FORMAT ": %s", s->name,
		    (gsize)(s->at - s->start), what);
	return FALSE;
}

/* The next byte, which stays; NUL at the end: as a byte of the text it fits nowhere. */
static char peek(const struct scan *s)
{
	return s->at < s->end ? *s->at : '\0';
}

static gboolean take(struct scan *s, char c)
{
	if (s->at == s->end || *s->at != c)
		return FALSE;
	s->at++;
	return TRUE;
}

static void skip_blanks(struct scan *s)
{
	while (s->at < s->end && memchr(" \t\n\r", *s->at, 4) != NULL)
		s->at++;
}

/* Behind \u: the code unit of four digits, or -1. */
static int take_unit(struct scan *s)
{
	int unit = 0;

	if (s->end - s->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = g_ascii_xdigit_value(s->at[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	s->at += 4;
	return unit;
}

/* Behind the backslash. A high surrogate wants a low one; the character 0 would end the text for C. */
static gboolean scan_escape(struct scan *s)
{
	int unit;

	if (!take(s, 'u'))
		return s->at < s->end && memchr("\"\\/bfnrt", *s->at, 8) != NULL && s->at++;
	unit = take_unit(s);
	if (unit >= 0xd800 && unit < 0xdc00) {
		if (!take(s, '\\') || !take(s, 'u'))
			return FALSE;
		unit = take_unit(s);
		return unit >= 0xdc00 && unit < 0xe000;
	}
	return unit > 0 && (unit < 0xdc00 || unit >= 0xe000);
}

static gboolean scan_text(struct scan *s)
{
	if (!take(s, '"'))
		return bad(s, "expected a text in quotes");
	while (s->at < s->end && *s->at != '"') {
		if ((guchar)*s->at < 0x20)
			return bad(s, "a control character in a text");
		if (*s->at++ == '\\' && !scan_escape(s))
			return bad(s, "an escape that is no character");
	}
	return take(s, '"') || bad(s, "a text without an end");
}

static gboolean scan_digits(struct scan *s)
{
	const char *first = s->at;

	while (g_ascii_isdigit(peek(s)))
		s->at++;
	return s->at > first || bad(s, "expected a digit");
}

static gboolean scan_number(struct scan *s)
{
	take(s, '-');
	if (!take(s, '0') && !scan_digits(s))
		return FALSE;
	if (take(s, '.') && !scan_digits(s))
		return FALSE;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			take(s, '-');
		return scan_digits(s);
	}
	return TRUE;
}

/* A value that holds no others. */
static gboolean scan_plain(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };

	if (peek(s) == '"')
		return scan_text(s);
	if (peek(s) == '-' || g_ascii_isdigit(peek(s)))
		return scan_number(s);
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
		gsize length = strlen(words[i]);

		if ((gsize)(s->end - s->at) >= length && memcmp(s->at, words[i], length) == 0) {
			s->at += length;
			return TRUE;
		}
	}
	return bad(s, "expected a value");
}

static gboolean in_object(const struct scan *s)
{
	return s->depth > 0 && (s->objects >> (s->depth - 1) & 1);
}

/* { or [, if it is next; *opened says whether it was. */
static gboolean scan_open(struct scan *s, gboolean *opened)
{
	gboolean object = peek(s) == '{';

	*opened = object || peek(s) == '[';
	if (!*opened)
		return TRUE;
	if (s->depth == JSON_DEPTH_MAX)
		return bad(s, "nested deeper than anything of ours");
	s->at++;
	s->members[s->depth] = 0;
	s->objects &= ~(1ull << s->depth);
	s->objects |= (guint64)object << s->depth++;
	skip_blanks(s);
	return TRUE;
}

/* } or ], as what was opened last wants it. */
static gboolean take_close(struct scan *s)
{
	if (s->depth == 0 || !take(s, in_object(s) ? '}' : ']'))
		return FALSE;
	s->depth--;
	return TRUE;
}

/* What stands before a value in an object; nothing does in a list. */
static gboolean scan_key(struct scan *s)
{
	if (!in_object(s))
		return TRUE;
	if (s->members[s->depth - 1]++ == JSON_MEMBERS_MAX)
		return bad(s, "more members than an object of ours has");
	if (!scan_text(s))
		return FALSE;
	skip_blanks(s);
	return take(s, ':') || bad(s, "expected a colon");
}

/* One value with all it holds, and nothing behind it. */
static gboolean scan_all(struct scan *s)
{
	gboolean opened;

	for (;;) {
		skip_blanks(s);
		if (s->values++ == s->values_max)
			return bad(s, "more values than a file of ours has");
		if (!scan_open(s, &opened))
			return FALSE;
		if (opened && !take_close(s)) {
			if (!scan_key(s))
				return FALSE;
			continue;
		}
		if (!opened && !scan_plain(s))
			return FALSE;
		for (skip_blanks(s); take_close(s); skip_blanks(s))
			;
		if (s->depth == 0)
			return s->at == s->end || bad(s, "something behind the end");
		if (!take(s, ','))
			return bad(s, in_object(s) ? "expected a comma or }" : "expected a comma or ]");
		skip_blanks(s);
		if (!scan_key(s))
			return FALSE;
	}
}

JsonNode *json_parse_any(const char *text, gsize length, gsize length_max, guint values_max, const char *name, GError **error)
{
	struct scan s = { .name = name, .error = error, .values_max = values_max };
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	g_autoptr(GError) wrong = NULL;
	const char *invalid;

	if (length > length_max) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: %" G_GSIZE_FORMAT " bytes of JSON; at most %" G_GSIZE_FORMAT
			    " are read", name, length, length_max);
		return NULL;
	}
	s.start = s.at = text = length > 0 ? text : "";
	s.end = text + length;
	if (!g_utf8_validate_len(text, length, &invalid)) {
		s.at = invalid;
		bad(&s, "not UTF-8");
		return NULL;
	}
	if (!scan_all(&s))
		return NULL;
	if (!json_parser_load_from_data(parser, text, (gssize)length, &wrong)) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: %s", name, wrong->message);
		return NULL;
	}
	return json_parser_steal_root(parser);
}

JsonObject *json_parse(const char *text, gsize length, const char *name, GError **error)
{
	g_autoptr(JsonNode) root = json_parse_any(text, length, JSON_LENGTH_MAX, JSON_VALUES_MAX, name, error);

	if (root != NULL && JSON_NODE_HOLDS_OBJECT(root))
		return json_object_ref(json_node_get_object(root));
	if (root != NULL)
		g_set_error(error, FAULT, FAULT_DATA, "%s: no JSON object", name);
	return NULL;
}

/* Its type, where it is neither object nor list nor null; else G_TYPE_INVALID. */
static GType plain_type(JsonNode *node)
{
	return node != NULL && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_INVALID;
}

JsonObject *json_as_object(JsonNode *node)
{
	return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

JsonArray *json_as_list(JsonNode *node)
{
	return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

gboolean json_is_number(JsonNode *node)
{
	return plain_type(node) == G_TYPE_INT64 || plain_type(node) == G_TYPE_DOUBLE;
}

static JsonNode *member(JsonObject *in, const char *name)
{
	return in != NULL ? json_object_get_member(in, name) : NULL;
}

double json_number(JsonObject *in, const char *name, double standard)
{
	JsonNode *node = member(in, name);
	double number = json_is_number(node) ? json_node_get_double(node) : NAN;        /* of a whole number, too */

	return isfinite(number) ? number : standard;
}

gint64 json_whole(JsonObject *in, const char *name, gint64 standard)
{
	JsonNode *node = member(in, name);

	return plain_type(node) == G_TYPE_INT64 ? json_node_get_int(node) : standard;
}

const char *json_text(JsonObject *in, const char *name, const char *standard)
{
	JsonNode *node = member(in, name);

	return plain_type(node) == G_TYPE_STRING ? json_node_get_string(node) : standard;
}

JsonObject *json_child(JsonObject *in, const char *name) { return json_as_object(member(in, name)); }

JsonArray *json_list(JsonObject *in, const char *name) { return json_as_list(member(in, name)); }

char *json_name(const char *name) { return g_utf8_validate(name, -1, NULL) ? g_strdup(name) : g_strescape(name, NULL); }
