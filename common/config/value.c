/*
 * value.c - one value: from text to its field, from its field to text, and what it must be, in words.
 */
#include "common/config/keys.h"

#define NAME_MAX_BYTES 255

#define FIELD(settings, key, ctype) ((ctype *)G_STRUCT_MEMBER_P(settings, (key)->offset))
#define CONST_FIELD(settings, key, ctype) ((ctype const *)(const void *)((const char *)(settings) + (key)->offset))

static int word_find(const char *words, const char *text)
{
	g_auto(GStrv) list = g_strsplit(words, " ", -1);

	for (int i = 0; list[i]; i++)
		if (strcmp(list[i], text) == 0)
			return i;
	return -1;
}

static char *word_at(const char *words, int index)
{
	g_auto(GStrv) list = g_strsplit(words, " ", -1);

	return g_strdup(index >= 0 && index < (int)g_strv_length(list) ? list[index] : "?");
}

/* "auto, fp32 or bf16": last stands before the last one. */
static char *words_join(const char *words, const char *last)
{
	g_auto(GStrv) list = g_strsplit(words, " ", -1);
	g_autoptr(GString) text = g_string_new(list[0]);

	for (guint i = 1; list[i]; i++)
		g_string_append_printf(text, "%s%s", list[i + 1] ? ", " : last, list[i]);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* One line of UTF-8 that YAML can hold as it is. */
static gboolean is_one_line(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL))
		return FALSE;
	for (; *text; text = g_utf8_next_char(text)) {
		gunichar c = g_utf8_get_char(text);

		if (g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029 || c == 0xfeff || (c & 0xfffe) == 0xfffe)
			return FALSE;
	}
	return TRUE;
}

static gboolean is_file_name(const char *text)
{
	return *text && strlen(text) <= NAME_MAX_BYTES && strchr(text, '/') == NULL && strcmp(text, ".") != 0 &&
	       strcmp(text, "..") != 0;
}

/* {name} at least once, and nothing else in braces than words. */
static gboolean is_pattern(const char *text, const char *words)
{
	gboolean named = FALSE;

	for (; *text; text++) {
		const char *close = strchr(text, '}');

		if (*text == '}')
			return FALSE;
		if (*text == '{') {
			g_autofree char *word = close ? g_strndup(text + 1, (gsize)(close - text - 1)) : g_strdup("");

			if (word_find(words, word) < 0)
				return FALSE;
			named = named || strcmp(word, "name") == 0;
			text = close;
		}
	}
	return named;
}

static gboolean is_device(const char *text)
{
	if (word_find("auto cpu cuda", text) >= 0)
		return TRUE;
	if (!g_str_has_prefix(text, "cuda:"))
		return FALSE;
	text += strlen("cuda:");
	return *text && strlen(text) <= 3 && strspn(text, "0123456789") == strlen(text);
}

static gboolean text_fits(const struct key *key, const char *text)
{
	double length = (double)strlen(text);

	if (!is_one_line(text) || length < key->min || length > key->max)
		return FALSE;
	if (*text == '\0')
		return TRUE;
	switch (key->type) {
	case KEY_FILE:
		return is_file_name(text);
	case KEY_PATTERN:
		return is_pattern(text, key->words);
	case KEY_DEVICE:
		return is_device(text);
	default:
		return TRUE;
	}
}

static gboolean list_fits(const struct key *key, char *const *names)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	guint count = 0;

	for (; names[count]; count++)
		if (!is_one_line(names[count]) || !is_file_name(names[count]) ||
		    !g_hash_table_add(seen, names[count]))
			return FALSE;
	return count >= key->min && count <= key->max;
}

/* Words that a choice had before, as a switch; they stay good. */
static const char *word_now(const struct key *key, const char *text)
{
	static const struct { const char *key, *before, *now; } others[] = {
		{ "tiles.normalise", "true yes", "density" }, { "tiles.normalise", "false no", "none" },
	};
	g_autofree char *word = g_ascii_strdown(text, -1);

	for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
		if (strcmp(key->name, others[i].key) == 0 && word_find(others[i].before, word) >= 0)
			return others[i].now;
	return text;
}

/* An int or an enum. */
static gboolean count_set(int *field, const struct key *key, const char *text)
{
	gint64 number;
	g_autofree char *digits = NULL;

	if (key->type == KEY_CHOICE) {
		int word = word_find(key->words, word_now(key, text));

		if (word >= 0)
			*field = word;
		return word >= 0;
	}
	if (!whole_number_parse(text, &number) || (double)number < key->min || (double)number > key->max)
		return FALSE;
	digits = g_strdup_printf("%d", (int)number);
	if (key->words && word_find(key->words, digits) < 0)
		return FALSE;
	*field = (int)number;
	return TRUE;
}

static gboolean number_set(double *field, const struct key *key, const char *text)
{
	const char *end;
	double number;
	gboolean is;

	if (key->type == KEY_WORD_OR_NUMBER && word_find(key->words, text) >= 0) {
		*field = -word_find(key->words, text);
		return TRUE;
	}
	is = key->type == KEY_DURATION ? duration_parse(text, &number) : key->type == KEY_SIZE ? size_parse(text, &number)
	   : number_parse(text, &end, &number) && *end == '\0';
	if (!is || number < key->min || number > key->max)
		return FALSE;
	*field = number;
	return TRUE;
}

static gboolean switch_set(gboolean *field, const char *text)
{
	g_autofree char *word = g_ascii_strdown(text, -1);

	if (word_find("true yes", word) >= 0)
		*field = TRUE;
	else if (word_find("false no", word) >= 0)
		*field = FALSE;
	else
		return FALSE;
	return TRUE;
}

gboolean value_set_list(struct settings *settings, const struct key *key, char *const *names)
{
	char ***field = FIELD(settings, key, char **), **old = *field;

	if (!list_fits(key, names))
		return FALSE;
	*field = g_strdupv((char **)names);
	g_strfreev(old);
	return TRUE;
}

gboolean value_set(struct settings *settings, const struct key *key, const char *text)
{
	g_auto(GStrv) names = NULL;
	char **field, *old;

	switch (key->type) {
	case KEY_LIST:
		names = is_one_line(text) ? yaml_split(text) : NULL;
		return names && value_set_list(settings, key, names);
	case KEY_COUNT:
	case KEY_CHOICE:
		return count_set(FIELD(settings, key, int), key, text);
	case KEY_NUMBER:
	case KEY_WORD_OR_NUMBER:
	case KEY_DURATION:
	case KEY_SIZE:
		return number_set(FIELD(settings, key, double), key, text);
	case KEY_SWITCH:
		return switch_set(FIELD(settings, key, gboolean), text);
	default:
		if (!text_fits(key, text))
			return FALSE;
		field = FIELD(settings, key, char *);
		old = *field;
		*field = g_strdup(text);
		g_free(old);
		return TRUE;
	}
}

char *value_get(const struct settings *settings, const struct key *key)
{
	double number;

	switch (key->type) {
	case KEY_LIST:
		return yaml_join(*CONST_FIELD(settings, key, char **));
	case KEY_COUNT:
		return g_strdup_printf("%d", *CONST_FIELD(settings, key, int));
	case KEY_CHOICE:
		return word_at(key->words, *CONST_FIELD(settings, key, int));
	case KEY_NUMBER:
		return number_print(*CONST_FIELD(settings, key, double));
	case KEY_WORD_OR_NUMBER:
		number = *CONST_FIELD(settings, key, double);
		return number > 0 ? number_print(number) : word_at(key->words, (int)-number);
	case KEY_DURATION:
		return duration_print(*CONST_FIELD(settings, key, double));
	case KEY_SIZE:
		return size_print(*CONST_FIELD(settings, key, double));
	case KEY_SWITCH:
		return g_strdup(*CONST_FIELD(settings, key, gboolean) ? "true" : "false");
	default:
		return g_strdup(*CONST_FIELD(settings, key, char *));
	}
}

void value_own(struct settings *settings, const struct key *key)
{
	if (key->type == KEY_LIST)
		*FIELD(settings, key, char **) = g_strdupv(*FIELD(settings, key, char **));
	else if (key_is_text(key))
		*FIELD(settings, key, char *) = g_strdup(*FIELD(settings, key, char *));
}

void value_clear(struct settings *settings, const struct key *key)
{
	if (key->type == KEY_LIST)
		g_clear_pointer(FIELD(settings, key, char **), g_strfreev);
	else if (key_is_text(key))
		g_clear_pointer(FIELD(settings, key, char *), g_free);
}

char *value_expected(const struct key *key)
{
	g_autofree char *least = number_print(key->min), *most = number_print(key->max);
	const char *last = key->type == KEY_WORD_OR_NUMBER ? ", " : " or ";
	g_autofree char *words = key->words ? words_join(key->words, last) : NULL;

	switch (key->type) {
	case KEY_TEXT:
		return g_strdup_printf("text of one line%s", key->min > 0 ? ", not empty" : "");
	case KEY_FILE:
		return g_strdup("a file's name, without '/'");
	case KEY_PATTERN:
		return g_strdup_printf("a path with {name} in it%s%s", word_find(key->words, "class") >= 0 ?
				       ", where wanted also {class}" : "", key->min > 0 ? "" : "; or \"\"");
	case KEY_DEVICE:
		return g_strdup("auto, cpu, cuda or cuda:N");
	case KEY_COUNT:
		return words ? g_steal_pointer(&words) : g_strdup_printf("a whole number from %s to %s", least, most);
	case KEY_NUMBER:
		return g_strdup_printf("a number from %s to %s", least, most);
	case KEY_WORD_OR_NUMBER:
		return g_strdup_printf("%s or a number from %s to %s", words, least, most);
	case KEY_DURATION:
		return g_strdup("a time up to 365d, such as 28h, 1h30m or 90s");
	case KEY_SIZE:
		return g_strdup("a size, such as 20G, 1.5T or 500M");
	case KEY_SWITCH:
		return g_strdup("true or false");
	case KEY_CHOICE:
		return g_steal_pointer(&words);
	case KEY_LIST:
		return g_strdup_printf("a list of %s or more different names without '/', such as [a, b]", least);
	}
	return g_strdup("");
}

char *value_range(const struct key *key)
{
	g_autofree char *least = number_print(key->min), *most = number_print(key->max);

	if (key->type == KEY_CHOICE || (key->type == KEY_COUNT && key->words))
		return words_join(key->words, ", ");
	if (key->type != KEY_COUNT && key->type != KEY_NUMBER && key->type != KEY_WORD_OR_NUMBER)
		return NULL;
	if (key->max < 1e6)
		return g_strdup_printf("%s..%s", least, most);
	return key->min > 0 ? g_strdup_printf("from %s", least) : NULL; /* the rest is as good as no limit */
}
