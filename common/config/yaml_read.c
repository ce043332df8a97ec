/*
 * yaml_read.c - data.yaml into the struct, from libyaml's events: sections, keys, values, and nothing
 * else that YAML can hold. Anything else is an error with its line; settings change only when all
 * of the file is right.
 */
#include "common/config/keys.h"
#include <errno.h>
#include <yaml.h>

#define FILE_MAX_BYTES (1 << 20)

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the last one read */
	const char *text;
	gsize length;
	const char *name;   /* the file's, for messages */
	struct settings *settings;
	GHashTable *lines;  /* of keys and sections read: their names to line numbers */
};

static void reader_init(struct reader *reader, const char *text, gsize length, const char *name)
{
	*reader = (struct reader){ .text = text, .length = length, .name = name };
	if (!yaml_parser_initialize(&reader->parser))
		g_error("libyaml: out of memory");
	yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, length);
	reader->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void reader_clear(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	yaml_parser_delete(&reader->parser);
	g_hash_table_unref(reader->lines);
}

/* "data.yaml:12: " */
static char *reader_where(const struct reader *reader, gsize line)
{
	return g_strdup_printf("%s:%" G_GSIZE_FORMAT ": ", reader->name, line);
}

static gsize reader_line(const struct reader *reader)
{
	return reader->event.start_mark.line + 1;
}

static gboolean reader_error(const struct reader *reader, gsize line, const char *message, GError **error)
{
	g_autofree char *where = reader_where(reader, line);

	return usage_error(error, "%s%s", where, message);
}

/* From 1. */
static gsize line_of_byte(const struct reader *reader, gsize byte)
{
	gsize line = 1;

	for (gsize i = 0; i < MIN(byte, reader->length); i++)
		line += reader->text[i] == '\n';
	return line;
}

static gboolean line_has_tab(const struct reader *reader, gsize wanted)
{
	gsize line = 1;

	for (gsize i = 0; i < reader->length && line <= wanted; i++) {
		if (line == wanted && reader->text[i] == '\t')
			return TRUE;
		line += reader->text[i] == '\n';
	}
	return FALSE;
}

/* What libyaml says of text that is no YAML. */
static gboolean syntax_error(const struct reader *reader, GError **error)
{
	const yaml_parser_t *parser = &reader->parser;
	gboolean unread = parser->error == YAML_READER_ERROR;
	gboolean open = !unread && parser->context != NULL && g_strcmp0(parser->problem, "found unexpected end of stream") == 0;
	gsize line = unread ? line_of_byte(reader, parser->problem_offset)
		     : open ? parser->context_mark.line + 1 : parser->problem_mark.line + 1;
	g_autofree char *where = reader_where(reader, line);

	return usage_error(error, "%s%s%s%s%s", where, parser->problem ? parser->problem : "cannot be read",
			   parser->context && !unread ? ", " : "", parser->context && !unread ? parser->context : "",
			   line_has_tab(reader, line) ? "; use spaces instead of tabs" : "");
}

/* What YAML has and settings have not: anchors, aliases, tags, zero bytes. NULL: none of it. */
static const char *surplus(const yaml_event_t *event)
{
	static const char anchor[] = "anchors (&) and aliases (*) are not known here; quote text that begins so";
	static const char tag[] = "tags (!) are not known here; quote text that begins so";

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return anchor;
	case YAML_SCALAR_EVENT:
		if (memchr(event->data.scalar.value, 0, event->data.scalar.length))
			return "a zero byte in a text";
		if (event->start_mark.line != event->end_mark.line && (event->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
								       event->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE))
			return "a quote is not closed in its line";
		return event->data.scalar.anchor ? anchor : event->data.scalar.tag ? tag : NULL;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor ? anchor : event->data.sequence_start.tag ? tag : NULL;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor ? anchor : event->data.mapping_start.tag ? tag : NULL;
	default:
		return NULL;
	}
}

static gboolean reader_next(struct reader *reader, GError **error)
{
	const char *message;

	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->parser, &reader->event))
		return syntax_error(reader, error);
	message = surplus(&reader->event);
	return message == NULL || reader_error(reader, reader_line(reader), message, error);
}

static const char *scalar(const struct reader *reader)
{
	return (const char *)reader->event.data.scalar.value;
}

static gboolean is_plain(const struct reader *reader, const char *text)
{
	return reader->event.type == YAML_SCALAR_EVENT && strcmp(scalar(reader), text) == 0 &&
	       reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static gboolean is_null(const struct reader *reader)
{
	return is_plain(reader, "~") || is_plain(reader, "null");
}

/* A sequence to its end; *names is NULL where it holds anything but texts. */
static gboolean read_names(struct reader *reader, char ***names, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);

	*names = NULL;
	for (;;) {
		if (!reader_next(reader, error))
			return FALSE;
		if (reader->event.type != YAML_SCALAR_EVENT || is_null(reader))
			break;
		g_ptr_array_add(list, g_strdup(scalar(reader)));
	}
	if (reader->event.type == YAML_SEQUENCE_END_EVENT) {
		g_ptr_array_add(list, NULL);
		*names = (char **)g_ptr_array_steal(list, NULL);
	}
	return TRUE;
}

/* A kind of value that does not fit, where the event read last is its beginning. */
static gboolean kind_error(const struct reader *reader, const struct key *key, const char *where, GError **error)
{
	g_autofree char *expected = value_expected(key), *shown = NULL;

	switch (reader->event.type) {
	case YAML_SCALAR_EVENT:
		if (is_null(reader))
			return usage_error(error, "%s%s: expected %s, not null%s", where, key->name, expected,
					   key_is_text(key) && key->min == 0 ? "; nothing is \"\"" : "");
		shown = excerpt(scalar(reader));
		return usage_error(error, "%s%s: expected %s, not '%s'", where, key->name, expected, shown);
	case YAML_SEQUENCE_START_EVENT:
		return usage_error(error, "%s%s: expected %s, not a list", where, key->name, expected);
	default:
		return usage_error(error, "%s%s: expected %s, not a mapping; quote text that begins with {", where,
				   key->name, expected);
	}
}

static gboolean read_list(struct reader *reader, const struct key *key, const char *where, GError **error)
{
	g_auto(GStrv) names = NULL;
	g_autofree char *expected = NULL, *joined = NULL, *shown = NULL;

	if (reader->event.type != YAML_SEQUENCE_START_EVENT)
		return kind_error(reader, key, where, error);
	if (!read_names(reader, &names, error))
		return FALSE;
	if (names && value_set_list(reader->settings, key, names))
		return TRUE;
	expected = value_expected(key);
	joined = names ? yaml_join(names) : g_strdup("a list of others");
	shown = excerpt(joined);
	return usage_error(error, "%s%s: expected %s, not %s", where, key->name, expected, shown);
}

/* Notes that the key or section stands on that line: once only. */
static gboolean claim(struct reader *reader, const char *name, const char *where, gsize line, GError **error)
{
	gsize first = GPOINTER_TO_SIZE(g_hash_table_lookup(reader->lines, name));

	if (first)
		return usage_error(error, "%s%s: given twice; first on line %" G_GSIZE_FORMAT, where, name, first);
	g_hash_table_insert(reader->lines, g_strdup(name), GSIZE_TO_POINTER(line));
	return TRUE;
}

static gboolean read_mapping(struct reader *reader, const char *section_opt, GError **error);

/* What stands behind "NAME:"; name has its section in front. */
static gboolean read_entry(struct reader *reader, const char *section_opt, const char *name, gsize line,
			   GError **error)
{
	g_autofree char *where = reader_where(reader, line);
	const struct section *section = section_opt ? NULL : section_find(name);
	int row = key_find(name);

	if (!reader_next(reader, error))
		return FALSE;
	if (row == KEY_NONE && section == NULL)
		return reader->event.type == YAML_MAPPING_START_EVENT && section_opt == NULL ?
			unknown_section_error(error, where, name) : unknown_key_error(error, where, name);
	if (!claim(reader, name, where, line, error))
		return FALSE;
	if (section && reader->event.type == YAML_MAPPING_START_EVENT)
		return read_mapping(reader, section->name, error);
	if (section)
		return is_plain(reader, "") || section_value_error(error, where, name);
	if (key_table[row].type == KEY_LIST)
		return read_list(reader, &key_table[row], where, error);
	if (reader->event.type != YAML_SCALAR_EVENT || is_null(reader))
		return kind_error(reader, &key_table[row], where, error);
	return settings_set(reader->settings, name, scalar(reader), where, error);
}

static gboolean read_mapping(struct reader *reader, const char *section_opt, GError **error)
{
	for (;;) {
		g_autofree char *name = NULL;
		gsize line;

		if (!reader_next(reader, error))
			return FALSE;
		line = reader_line(reader);
		if (reader->event.type == YAML_MAPPING_END_EVENT)
			return TRUE;
		if (reader->event.type != YAML_SCALAR_EVENT)
			return reader_error(reader, line, "expected a key, such as device", error);
		name = section_opt ? g_strconcat(section_opt, ".", scalar(reader), NULL) : g_strdup(scalar(reader));
		if (!read_entry(reader, section_opt, name, line, error))
			return FALSE;
	}
}

static gboolean read_stream(struct reader *reader, GError **error)
{
	if (!reader_next(reader, error) || !reader_next(reader, error))
		return FALSE;
	if (reader->event.type == YAML_STREAM_END_EVENT)
		return TRUE; /* empty, or nothing but comments */
	if (!reader_next(reader, error))
		return FALSE;
	if (reader->event.type == YAML_MAPPING_START_EVENT) {
		if (!read_mapping(reader, NULL, error))
			return FALSE;
	} else if (!is_plain(reader, "")) {
		return reader_error(reader, reader_line(reader), "expected keys and values, such as device: cpu", error);
	}
	if (!reader_next(reader, error) || !reader_next(reader, error))
		return FALSE;
	return reader->event.type == YAML_STREAM_END_EVENT ||
	       reader_error(reader, reader_line(reader), "expected one document, and here begins a second", error);
}

gboolean settings_read(struct settings *settings, const char *text, gsize length, const char *name, GError **error)
{
	g_autoptr(settings_t) copy = settings_copy(settings);
	struct settings before;
	struct reader reader;
	const char *bad;
	gboolean done;

	if (length > FILE_MAX_BYTES)
		return usage_error(error, "%s: expected settings, not a file of more than 1 MiB", name);
	text = length > 0 ? text : "";
	reader_init(&reader, text, length, name);
	reader.settings = copy;
	if (g_utf8_validate_len(text, length, &bad))
		done = read_stream(&reader, error);
	else
		done = reader_error(&reader, line_of_byte(&reader, (gsize)(bad - text)), "expected text in UTF-8", error);
	reader_clear(&reader);
	if (done) {
		before = *settings;
		*settings = *copy;
		*copy = before;
	}
	return done;
}

gboolean settings_read_file(struct settings *settings, const char *path, GError **error)
{
	g_autofree char *text = g_malloc(FILE_MAX_BYTES + 1);
	FILE *file = fopen(path, "rbe");
	gsize length = 0;
	int failure = file ? 0 : errno;

	if (file) {
		length = fread(text, 1, FILE_MAX_BYTES + 1, file);
		failure = ferror(file) ? errno : 0;
		fclose(file);
	}
	if (failure)
		return usage_error(error, "%s: cannot be read: %s", path, g_strerror(failure));
	return settings_read(settings, text, length, path, error);
}

char **yaml_split(const char *text)
{
	g_autofree char *sequence = *text == '[' ? g_strdup(text) : g_strdup_printf("[%s]", text);
	g_auto(GStrv) names = NULL;
	struct reader reader;
	gboolean whole;

	reader_init(&reader, sequence, strlen(sequence), "");
	whole = reader_next(&reader, NULL) && reader_next(&reader, NULL) && reader_next(&reader, NULL) &&
		reader.event.type == YAML_SEQUENCE_START_EVENT && read_names(&reader, &names, NULL) && names &&
		reader_next(&reader, NULL) && reader_next(&reader, NULL) &&
		reader.event.type == YAML_STREAM_END_EVENT;
	reader_clear(&reader);
	return whole ? g_steal_pointer(&names) : NULL;
}
