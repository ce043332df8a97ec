/*
 * json.h - JSON that others may have written: the manifest of a model folder.
 *
 * json-glib calls itself for each nesting, ends the program on half a surrogate pair, and takes comments,
 * hexadecimal numbers and whatever follows. So a strict scan without recursion goes first, and json-glib
 * sees only what RFC 8259 allows, within the limits below.
 *
 * Errors:    FAULT_DATA, one line: `model.json: byte 17: expected a value`.
 * Ownership: json_object_unref what json_parse returns; what the getters return lives as long as it.
 * Threads:   no state.
 */
#pragma once
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

enum {
	JSON_DEPTH_MAX = 64,
	/* A manifest is 4 KB and up to 200 bytes, 7 values, an epoch: of the 100 000 that training.epochs allows,
	   20 MB and 700 000 values. json-glib takes up to 300 bytes of memory for a value. */
	JSON_LENGTH_MAX = 32 * 1024 * 1024,
	JSON_VALUES_MAX = 1 << 20,
	/* Of one object: its hash can be made to collide, then each costs a comparison with all before it. */
	JSON_MEMBERS_MAX = 1024,
};

/* An object from length bytes, which need no NUL behind them; name is said in errors. */
JsonObject *json_parse(const char *text, gsize length, const char *name, GError **error);
/* Any value, within other limits on bytes and values; json_node_unref it. */
JsonNode *json_parse_any(const char *text, gsize length, gsize length_max, guint values_max, const char *name, GError **error);

/* A member, whatever the text has there: where it is missing or of another type, `standard` (NULL for an
   object or a list). A number is finite, whole or not; json_whole wants it written as a whole one. */
double json_number(JsonObject *in_opt, const char *name, double standard);
gint64 json_whole(JsonObject *in_opt, const char *name, gint64 standard);
const char *json_text(JsonObject *in_opt, const char *name, const char *standard_opt);
JsonObject *json_child(JsonObject *in_opt, const char *name);
JsonArray *json_list(JsonObject *in_opt, const char *name);

/* The same of a value itself; NULL, FALSE where it is of another type. */
JsonObject *json_as_object(JsonNode *node_opt);
JsonArray *json_as_list(JsonNode *node_opt);
gboolean json_is_number(JsonNode *node_opt);

/* A file's name as JSON can have it: as it is where it is UTF-8, else with each byte beyond ASCII as \ooo. g_free it. */
char *json_name(const char *name);

G_END_DECLS
