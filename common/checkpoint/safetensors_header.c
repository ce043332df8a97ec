/*
 * safetensors_header.c - see safetensors_header.h. Weights come from strangers, so the header is read by a
 * strict parser of the one shape it may have, in place and without recursion. json-glib is no match for
 * hostile text: it takes octal and hexadecimal numbers, wraps large ones, lets the last of two equal names
 * win, ignores what follows, and overflows the stack on deep nesting.
 */
#include "common/checkpoint/safetensors_header.h"
#include "common/fault/fault.h"

#define NAME_MAX_BYTES 512      /* messages repeat names */

static const struct {
	const char *name;
	guint bytes;
} types[] = {
	[T_F32] = { "F32", 4 }, [T_F16] = { "F16", 2 }, [T_BF16] = { "BF16", 2 }, [T_U8] = { "U8", 1 },
	[T_I64] = { "I64", 8 }, [T_F64] = { "F64", 8 }, [T_BOOL] = { "BOOL", 1 },
};
#define TYPES_KNOWN "F32, F16, BF16, U8, I64, F64, BOOL"

const char *safetensors_type_name(enum dtype type)
{
	return (guint)type < G_N_ELEMENTS(types) ? types[type].name : NULL;
}

/* Bytes of a tensor. A 0 among the sizes hides no overflow of the others: strides are made of them. */
gboolean safetensors_size(enum dtype type, dims shape, gsize *size)
{
	gsize product = types[type].bytes;
	gboolean empty = FALSE;
	for (int i = 0; i < shape.n; i++) {
		if (shape.d[i] == 0)
			empty = TRUE;
		else if (!g_size_checked_mul(&product, product, (gsize)shape.d[i]) || product > G_MAXINT64)
			return FALSE;
	}
	*size = empty ? 0 : product;
	return TRUE;
}

struct parser {
	char *start, *at, *end;
	const char *file;
	GError **error;
};

static gboolean bad(struct parser *p, const char *what)
{
	g_set_error(p->error, FAULT, FAULT_DATA, "%s: header, byte %" G_GSIZE_FORMAT ": %s", p->file,
		    (gsize)(p->at - p->start), what);
	return FALSE;
}

/* Skips blanks; the next byte, or NUL at the end. */
static char peek(struct parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
		p->at++;
	return p->at < p->end ? *p->at : '\0';
}

static gboolean take(struct parser *p, char c)
{
	if (peek(p) != c || p->at == p->end)
		return FALSE;
	p->at++;
	return TRUE;
}

static gboolean expect(struct parser *p, char c)
{
	char what[] = "expected '?'";
	what[10] = c;
	return take(p, c) || bad(p, what);
}

/* The four digits of \uXXXX; -1 where they are none. */
static int parse_hex4(const char *at, const char *end)
{
	int value = 0;
	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = g_ascii_xdigit_value(at[i]);
		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

/* \uXXXX, or two of them for a character beyond 0xffff; p->at is behind the u. UTF-8 goes to `to`. */
static gboolean parse_unicode(struct parser *p, char **to)
{
	int c = parse_hex4(p->at, p->end);
	if (c >= 0xd800 && c < 0xdc00 && p->end - p->at >= 10 && p->at[4] == '\\' && p->at[5] == 'u') {
		int low = parse_hex4(p->at + 6, p->end);
		c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
		p->at += 6;
	}
	if (c <= 0 || (c >= 0xd800 && c < 0xe000))
		return bad(p, "not a character");
	p->at += 4;
	*to += g_unichar_to_utf8((gunichar)c, *to);
	return TRUE;
}

/* A text in quotes, decoded where it stands: no escape is shorter than what it stands for. */
static gboolean parse_text(struct parser *p, const char **text)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	if (!take(p, '"'))
		return bad(p, "expected a text in quotes");
	char *start = p->at, *to = start;
	while (p->at < p->end && *p->at != '"') {
		if ((guchar)*p->at < 0x20)
			return bad(p, "a control character in a text");
		if (*p->at != '\\') {
			*to++ = *p->at++;
			continue;
		}
		const char *escape = p->end - p->at < 2 ? NULL : memchr(escapes, p->at[1], sizeof escapes - 1);
		if (escape != NULL) {
			*to++ = meant[escape - escapes];
			p->at += 2;
		} else if (p->end - p->at >= 2 && p->at[1] == 'u') {
			p->at += 2;
			if (!parse_unicode(p, &to))
				return FALSE;
		} else {
			return bad(p, "unknown escape");
		}
	}
	if (p->at == p->end)
		return bad(p, "a text without an end");
	if (!g_utf8_validate(start, to - start, NULL))
		return bad(p, "a text that is not UTF-8");
	p->at++;
	*to = '\0';
	*text = start;
	return TRUE;
}

const char *safetensors_name_fault(const char *name)
{
	if (strlen(name) > NAME_MAX_BYTES)
		return "a name of more than " G_STRINGIFY(NAME_MAX_BYTES) " bytes";
	for (const char *c = name; *c != '\0'; c++)
		if ((guchar)*c < 0x20 || *c == 0x7f)
			return "a control character in a name";
	return NULL;
}

static gboolean parse_name(struct parser *p, const char **name)
{
	const char *text;
	if (!parse_text(p, &text))
		return FALSE;
	const char *fault = safetensors_name_fault(text);
	if (fault != NULL)
		return bad(p, fault);
	*name = text;
	return TRUE;
}

static gboolean parse_whole(struct parser *p, guint64 *out)
{
	guint64 value = 0;
	if (peek(p) == '-')
		return bad(p, "a number below zero");
	if (!g_ascii_isdigit(peek(p)))
		return bad(p, "expected a whole number");
	if (*p->at == '0' && p->end - p->at > 1 && g_ascii_isdigit(p->at[1]))
		return bad(p, "a number that begins with 0");
	for (; p->at < p->end && g_ascii_isdigit(*p->at); p->at++)
		if (!g_uint64_checked_mul(&value, value, 10) ||
		    !g_uint64_checked_add(&value, value, (guint64)(*p->at - '0')) || value > G_MAXINT64)
			return bad(p, "a number above 9223372036854775807");
	if (p->at < p->end && (*p->at == '.' || *p->at == 'e' || *p->at == 'E'))
		return bad(p, "expected a whole number");
	*out = value;
	return TRUE;
}

/* [1, 2, ...]: at most max numbers, else what is the error. */
static gboolean parse_wholes(struct parser *p, guint64 *list, int max, const char *what, int *n)
{
	*n = 0;
	if (!take(p, '['))
		return bad(p, "expected a list");
	if (take(p, ']'))
		return TRUE;
	do {
		if (*n == max)
			return bad(p, what);
		if (!parse_whole(p, &list[*n]))
			return FALSE;
		++*n;
	} while (take(p, ','));
	return expect(p, ']');
}

static gboolean parse_type(struct parser *p, enum dtype *type)
{
	const char *text;
	if (!parse_name(p, &text))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
		if (strcmp(types[i].name, text) == 0) {
			*type = (enum dtype)i;
			return TRUE;
		}
	}
	g_autofree char *what = g_strdup_printf("dtype '%.16s' is not one of " TYPES_KNOWN, text);
	g_autofree char *shown = g_utf8_make_valid(what, -1); /* it may have been cut */
	return bad(p, shown);
}

/* {"dtype": text, "shape": [...], "data_offsets": [begin, end]}, in any order, each once. */
static gboolean parse_tensor(struct parser *p, struct safetensors_entry *e)
{
	gboolean type = FALSE, shape = FALSE, offsets = FALSE;
	if (!expect(p, '{'))
		return FALSE;
	do {
		const char *key;
		guint64 list[5];
		int n;
		if (!parse_name(p, &key) || !expect(p, ':'))
			return FALSE;
		if (strcmp(key, "dtype") == 0 && !type) {
			if (!parse_type(p, &e->view.type))
				return FALSE;
			type = TRUE;
		} else if (strcmp(key, "shape") == 0 && !shape) {
			if (!parse_wholes(p, list, 5, "a shape of more than 5 dimensions", &n))
				return FALSE;
			e->view.shape.n = n;
			for (int i = 0; i < n; i++)
				e->view.shape.d[i] = (gint64)list[i];
			shape = TRUE;
		} else if (strcmp(key, "data_offsets") == 0 && !offsets) {
			if (!parse_wholes(p, list, 2, "more than 2 data_offsets", &n))
				return FALSE;
			if (n != 2)
				return bad(p, "less than 2 data_offsets");
			e->begin = list[0];
			e->end = list[1];
			offsets = TRUE;
		} else {
			return bad(p, "expected dtype, shape and data_offsets, each once");
		}
	} while (take(p, ','));
	if (!type || !shape || !offsets)
		return bad(p, "expected dtype, shape and data_offsets, each once");
	return expect(p, '}');
}

static gboolean parse_metadata(struct parser *p, GArray *pairs)
{
	if (!expect(p, '{'))
		return FALSE;
	if (take(p, '}'))
		return TRUE;
	do {
		struct safetensors_pair pair;
		if (!parse_name(p, &pair.key) || !expect(p, ':') || !parse_text(p, &pair.value))
			return FALSE;
		g_array_append_val(pairs, pair);
	} while (take(p, ','));
	return expect(p, '}');
}

static gboolean parse_header(struct parser *p, GArray *entries, GArray *pairs)
{
	gboolean metadata = FALSE;
	if (!expect(p, '{'))
		return FALSE;
	if (!take(p, '}')) {
		do {
			struct safetensors_entry e = { 0 };
			if (!parse_name(p, &e.view.name) || !expect(p, ':'))
				return FALSE;
			if (strcmp(e.view.name, "__metadata__") == 0) {
				if (metadata)
					return bad(p, "a second __metadata__");
				if (!parse_metadata(p, pairs))
					return FALSE;
				metadata = TRUE;
			} else {
				if (!parse_tensor(p, &e))
					return FALSE;
				g_array_append_val(entries, e);
			}
		} while (take(p, ','));
		if (!expect(p, '}'))
			return FALSE;
	}
	peek(p);
	return p->at == p->end || bad(p, "something behind the header");
}

gboolean safetensors_header_parse(char *text, gsize length, const char *file, GArray *entries, GArray *pairs,
				  GError **error)
{
	struct parser p = { text, text, text + length, file, error };
	return parse_header(&p, entries, pairs);
}
