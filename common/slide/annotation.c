/* annotation.c - see annotation.h. */
#include "common/slide/annotation.h"
#include "common/checkpoint/json.h"
#include "common/config/keys.h"
#include "common/fault/fault.h"
#include <glib/gstdio.h>
#include <math.h>

struct drawing {
	const char *name;
	char *const *tumour;
	double x, y;            /* added to all coordinates */
	struct polygons *out;
};

/* ---- classes ---- */

enum role { ROLE_TUMOUR, ROLE_CUT, ROLE_NONE, ROLE_UNKNOWN };

static gboolean is_among(const char *class, const char *const *names)
{
	for (; *names != NULL; names++)
		if (g_ascii_strcasecmp(class, *names) == 0)
			return TRUE;
	return FALSE;
}

/* Without a final *, and without what is behind a colon. */
static char *plain_class(const char *class)
{
	gsize length = strcspn(class, ":");

	while (length > 0 && (class[length - 1] == '*' || class[length - 1] == ' '))
		length--;
	return g_strndup(class, length);
}

/* What is said of a class by its name; ROLE_UNKNOWN: nothing is. */
static enum role named_role(const struct drawing *d, const char *class)
{
	static const char *const cut[] = { "_2", "exclusion", "normal", "ignore", NULL };
	static const char *const other[] = { "region", "tissue", "stroma", "immune cells", "necrosis", "other", "negative", NULL };
	g_autofree char *plain = plain_class(class != NULL && *class != '\0' ? class : "None");

	if (is_among(class != NULL ? class : "", (const char *const *)d->tumour) ||
	    is_among(plain, (const char *const *)d->tumour))
		return ROLE_TUMOUR;
	if (is_among(plain, cut))
		return ROLE_CUT;
	return is_among(plain, other) ? ROLE_NONE : ROLE_UNKNOWN;
}

static enum role role_of(const struct drawing *d, const char *class)
{
	const enum role role = named_role(d, class);

	return role != ROLE_UNKNOWN ? role : d->tumour[0] == NULL ? ROLE_TUMOUR : ROLE_NONE;
}

/* ---- GeoJSON ---- */

static gboolean refuse(GError **error, const char *what)
{
	g_set_error_literal(error, FAULT, FAULT_DATA, what);
	return FALSE;
}

/* [x, y], and what else may stand there: a height. */
static gboolean take_point(struct drawing *d, JsonNode *node, GError **error)
{
	JsonArray *at = json_as_list(node);

	if (at == NULL || json_array_get_length(at) < 2 || !json_is_number(json_array_get_element(at, 0)) ||
	    !json_is_number(json_array_get_element(at, 1)))
		return refuse(error, "expected two numbers");
	return polygons_add_point(d->out, json_array_get_double_element(at, 0) + d->x, json_array_get_double_element(at, 1) + d->y,
				  error);
}

/* Each of a list, counted from 1 in messages. */
static gboolean take_each(struct drawing *d, JsonNode *node, const char *what,
			  gboolean (*take)(struct drawing *, JsonNode *, enum role, GError **), enum role role, GError **error)
{
	JsonArray *list = json_as_list(node);
	const guint n = list != NULL ? json_array_get_length(list) : 0;

	if (list == NULL) {
		g_set_error(error, FAULT, FAULT_DATA, "expected a list of %ss", what);
		return FALSE;
	}
	for (guint i = 0; i < n; i++)
		if (!take(d, json_array_get_element(list, i), role, error)) {
			g_prefix_error(error, "%s %u: ", what, i + 1);
			return FALSE;
		}
	return TRUE;
}

static gboolean take_ring_point(struct drawing *d, JsonNode *node, enum role role G_GNUC_UNUSED, GError **error)
{
	return take_point(d, node, error);
}

static gboolean take_ring(struct drawing *d, JsonNode *node, enum role role, GError **error)
{
	if (!take_each(d, node, "point", take_ring_point, role, error))
		return FALSE;
	polygons_end_ring(d->out);
	return TRUE;
}

static gboolean take_polygon(struct drawing *d, JsonNode *node, enum role role, GError **error)
{
	if (!take_each(d, node, "ring", take_ring, role, error))
		return FALSE;
	polygons_end(d->out, role == ROLE_CUT);
	return TRUE;
}

static gboolean take_geometry(struct drawing *d, JsonNode *node, enum role role, GError **error)
{
	static const char *const passed_over[] = { "Point", "MultiPoint", "LineString", "MultiLineString", NULL };
	JsonObject *geometry = json_as_object(node);
	const char *type = json_text(geometry, "type", NULL);
	JsonNode *coordinates = type != NULL ? json_object_get_member(geometry, "coordinates") : NULL;

	if (g_strcmp0(type, "Polygon") == 0)
		return take_polygon(d, coordinates, role, error);
	if (g_strcmp0(type, "MultiPolygon") == 0)
		return take_each(d, coordinates, "polygon", take_polygon, role, error);
	if (g_strcmp0(type, "GeometryCollection") == 0)
		return take_each(d, json_object_get_member(geometry, "geometries"), "geometry", take_geometry, role, error);
	return (type != NULL && g_strv_contains(passed_over, type)) ||
	       refuse(error, "its geometry is none of Polygon, MultiPolygon, GeometryCollection, points and lines");
}

/* QuPath saves what it finds itself, too, if it is not asked for annotations alone. */
static gboolean is_annotation(JsonObject *feature)
{
	static const char *const others[] = { "detection", "cell", "tile", "tma_core", "PathDetectionObject", "PathCellObject",
					      "PathTileObject", "TMACoreObject", NULL };
	const char *type = json_text(json_child(feature, "properties"), "objectType", json_text(feature, "id", ""));

	return !g_strv_contains(others, type);
}

/* {"name": "Tumor: Positive"}, {"names": ["Tumor", "Positive"]} or "Tumor: Positive"; NULL: it has none. */
static char *class_of(JsonObject *feature)
{
	JsonObject *properties = json_child(feature, "properties"), *class = json_child(properties, "classification");
	JsonArray *names = json_list(class, "names");
	g_autoptr(GString) joined = g_string_new(NULL);

	for (guint i = 0; names != NULL && i < json_array_get_length(names); i++) {
		JsonNode *name = json_array_get_element(names, i);
		if (JSON_NODE_HOLDS_VALUE(name) && json_node_get_value_type(name) == G_TYPE_STRING)
			g_string_append_printf(joined, "%s%s", joined->len > 0 ? ": " : "", json_node_get_string(name));
	}
	if (joined->len > 0)
		return g_strdup(joined->str);
	return g_strdup(class != NULL ? json_text(class, "name", NULL) : json_text(properties, "classification", NULL));
}

static gboolean take_feature(struct drawing *d, JsonNode *node, enum role unused G_GNUC_UNUSED, GError **error)
{
	JsonObject *feature = json_as_object(node);

	if (g_strcmp0(json_text(feature, "type", NULL), "Feature") != 0)
		return refuse(error, "expected a Feature");
	JsonNode *geometry = json_object_get_member(feature, "geometry");
	g_autofree char *class = class_of(feature);
	enum role role = role_of(d, class);
	if (role == ROLE_NONE || geometry == NULL || JSON_NODE_HOLDS_NULL(geometry) || !is_annotation(feature))
		return TRUE;
	return take_geometry(d, geometry, role, error);
}

static gboolean take_features(struct drawing *d, JsonNode *root, GError **error)
{
	JsonObject *object = json_as_object(root);
	const char *type = json_text(object, "type", NULL);

	if (json_as_list(root) != NULL)
		return take_each(d, root, "feature", take_feature, ROLE_NONE, error);
	if (g_strcmp0(type, "Feature") == 0)
		return take_feature(d, root, ROLE_NONE, error);
	if (g_strcmp0(type, "FeatureCollection") == 0)
		return take_each(d, json_object_get_member(object, "features"), "feature", take_feature, ROLE_NONE, error);
	return refuse(error, "no GeoJSON: expected a FeatureCollection, a Feature or a list of them; export it from QuPath anew");
}

/* Measurements that are no number: QuPath before 0.5 writes them so (its issue 1293), and JSON has no word for them. In their place
   comes "", as long as they are. NULL: there are none, or no memory. */
static char *without_nan(const char *text, gsize length)
{
	static const char *const words[] = { "-Infinity", "Infinity", "NaN" };
	gboolean quoted = FALSE;
	char *out = NULL;

	if (g_strstr_len(text, (gssize)length, "NaN") == NULL && g_strstr_len(text, (gssize)length, "Infinity") == NULL)
		return NULL;
	out = g_try_malloc(length + 1);
	if (out == NULL)
		return NULL;
	memcpy(out, text, length);
	out[length] = '\0';
	for (gsize i = 0; i < length; i++) {
		if (quoted && out[i] == '\\') {
			i++;
			continue;
		}
		quoted ^= out[i] == '"';
		for (gsize k = 0; !quoted && k < G_N_ELEMENTS(words); k++) {
			const gsize n = strlen(words[k]);
			if (length - i < n || memcmp(out + i, words[k], n) != 0)
				continue;
			memset(out + i, ' ', n);
			out[i] = out[i + 1] = '"';
			i += n - 1;
			break;
		}
	}
	return out;
}

static gboolean draw_geojson(struct drawing *d, const char *text, gsize length, GError **error)
{
	g_autofree char *quoted = g_strdup_printf("'%s'", d->name);
	const gsize mark = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* a byte-order mark */
	g_autofree char *plain = without_nan(text + mark, length - mark);
	g_autoptr(JsonNode) root = json_parse_any(plain != NULL ? plain : text + mark, length - mark, ANNOTATION_BYTES_MAX,
						  ANNOTATION_VALUES_MAX, quoted, error);

	if (root == NULL)
		return FALSE;
	if (take_features(d, root, error))
		return TRUE;
	g_prefix_error(error, "%s: ", quoted);
	return FALSE;
}

/* ---- ASAP's XML ---- */

struct knot { double order; guint index; struct polygon_point at; };

struct asap {
	struct drawing *drawing;
	GHashTable *groups;     /* name: of the group that it is part of */
	gboolean root;          /* was seen */
	gboolean inside;        /* an Annotation is open */
	gboolean draws;         /* and counts */
	enum role role;
	GArray *knots;          /* struct knot */
};

/* Text of the file for a message. */
static char *quote(const char *text)
{
	g_autofree char *shown = excerpt(text);

	return g_strdelimit(g_steal_pointer(&shown), "\t\n\r", ' ');
}

static const char *attribute(const char **names, const char **values, const char *name)
{
	for (; *names != NULL; names++, values++)
		if (g_str_equal(*names, name))
			return *values;
	return NULL;
}

static gboolean take_number(const char *name, const char *text, double *out, GError **error)
{
	char *end = NULL;

	if (text == NULL) {
		g_set_error(error, FAULT, FAULT_DATA, "a Coordinate without %s", name);
		return FALSE;
	}
	*out = g_ascii_strtod(text, &end);
	if (end != text && *end == '\0' && isfinite(*out))
		return TRUE;
	g_autofree char *shown = quote(text);
	g_set_error(error, FAULT, FAULT_DATA, "%s is '%s', no number", name, shown);
	return FALSE;
}

/* A group without a role of its own has that of the group that it is part of. */
static enum role role_of_group(const struct asap *a, const char *group)
{
	enum role role = named_role(a->drawing, group);
	const char *at = group;

	for (guint i = 0; at != NULL && role == ROLE_UNKNOWN && i < g_hash_table_size(a->groups); i++) {
		at = g_hash_table_lookup(a->groups, at);
		role = at != NULL ? named_role(a->drawing, at) : ROLE_UNKNOWN;
	}
	return role != ROLE_UNKNOWN ? role : role_of(a->drawing, group);
}

/* They stand behind the annotations, so they are looked for first. What is wrong with the file is found later. */
static void begin_group(GMarkupParseContext *context G_GNUC_UNUSED, const char *element, const char **names, const char **values,
			gpointer groups, GError **error G_GNUC_UNUSED)
{
	const char *name = attribute(names, values, "Name"), *of = attribute(names, values, "PartOfGroup");

	if (g_str_equal(element, "Group") && name != NULL && of != NULL && g_ascii_strcasecmp(of, "None") != 0)
		g_hash_table_insert(groups, g_strdup(name), g_strdup(of));
}

static gboolean begin_annotation(struct asap *a, const char **names, const char **values, GError **error)
{
	static const char *const drawn[] = { "Polygon", "Rectangle", "Spline", NULL };
	static const char *const passed_over[] = { "Dot", "PointSet", "Measurement", "None", NULL };
	const char *type = attribute(names, values, "Type");

	if (a->inside)
		return refuse(error, "an Annotation within another");
	a->inside = TRUE;
	a->role = role_of_group(a, attribute(names, values, "PartOfGroup"));
	a->draws = type != NULL && is_among(type, drawn) && a->role != ROLE_NONE;
	g_array_set_size(a->knots, 0);
	if (type != NULL && (is_among(type, drawn) || is_among(type, passed_over)))
		return TRUE;
	g_autofree char *shown = quote(type != NULL ? type : "");
	g_set_error(error, FAULT, FAULT_DATA, "an Annotation of Type '%s': expected Polygon, Rectangle, Spline, Dot, PointSet or "
		    "Measurement", shown);
	return FALSE;
}

static gboolean take_coordinate(struct asap *a, const char **names, const char **values, GError **error)
{
	const char *order = attribute(names, values, "Order");
	struct knot k = { .order = a->knots->len, .index = a->knots->len };

	if ((order != NULL && !take_number("Order", order, &k.order, error)) ||
	    !take_number("X", attribute(names, values, "X"), &k.at.x, error) ||
	    !take_number("Y", attribute(names, values, "Y"), &k.at.y, error))
		return FALSE;
	g_array_append_val(a->knots, k);
	return TRUE;
}

static void begin_element(GMarkupParseContext *context G_GNUC_UNUSED, const char *element, const char **names,
			  const char **values, gpointer data, GError **error)
{
	struct asap *a = data;

	if (!a->root && !g_str_equal(element, "ASAP_Annotations")) {
		refuse(error, "the file does not begin with <ASAP_Annotations>: of XML, ASAP's is read alone");
		return;
	}
	a->root = TRUE;
	if (g_str_equal(element, "Annotation"))
		begin_annotation(a, names, values, error);
	else if (a->inside && a->draws && g_str_equal(element, "Coordinate"))
		take_coordinate(a, names, values, error);
}

static int by_order(const void *x, const void *y)
{
	const struct knot *a = x, *b = y;

	if (a->order < b->order || a->order > b->order)
		return a->order < b->order ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void end_element(GMarkupParseContext *context G_GNUC_UNUSED, const char *element, gpointer data, GError **error)
{
	struct asap *a = data;
	struct drawing *d = a->drawing;

	if (!g_str_equal(element, "Annotation"))
		return;
	g_array_sort(a->knots, by_order);
	for (guint i = 0; i < a->knots->len; i++) {
		const struct knot *k = &g_array_index(a->knots, struct knot, i);
		if (!polygons_add_point(d->out, k->at.x + d->x, k->at.y + d->y, error))
			return;
	}
	polygons_end_ring(d->out);
	polygons_end(d->out, a->role == ROLE_CUT);
	g_array_set_size(a->knots, 0);
	a->inside = FALSE;
}

static gboolean draw_asap(struct drawing *d, const char *text, gsize length, GError **error)
{
	static const GMarkupParser parser = { .start_element = begin_element, .end_element = end_element };
	static const GMarkupParser group_parser = { .start_element = begin_group };
	g_autoptr(GArray) knots = g_array_new(FALSE, FALSE, sizeof(struct knot));
	g_autoptr(GHashTable) groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	struct asap a = { .drawing = d, .groups = groups, .knots = knots };
	g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, &a, NULL);
	g_autoptr(GMarkupParseContext) first = g_markup_parse_context_new(&group_parser, 0, groups, NULL);
	const gsize mark = g_str_has_prefix(text, "\xef\xbb\xbf") ? 3 : 0; /* a byte-order mark */
	g_autoptr(GError) wrong = NULL;
	int line, character;

	g_markup_parse_context_parse(first, text + mark, (gssize)(length - mark), NULL);
	if (g_markup_parse_context_parse(context, text + mark, (gssize)(length - mark), &wrong) &&
	    g_markup_parse_context_end_parse(context, &wrong))
		return TRUE;
	g_markup_parse_context_get_position(context, &line, &character);
	line -= line > 1 && character == 1;     /* it stands before the end of a line, and has counted it */
	g_autofree char *valid = g_utf8_make_valid(wrong->message, -1);
	g_set_error(error, FAULT, FAULT_DATA, "'%s':%d: %s", d->name, line, g_strdelimit(valid, "\t\n\r", ' '));
	return FALSE;
}

/* ---- either ---- */

enum annotation_kind annotation_kind(const char *path)
{
	static const struct { const char *ending; enum annotation_kind kind; } kinds[] = {
		{ ".geojson", ANNOTATION_GEOJSON }, { ".json", ANNOTATION_GEOJSON }, { ".xml", ANNOTATION_ASAP },
	};
	const char *dot = strrchr(path, '.');

	for (gsize i = 0; dot != NULL && i < G_N_ELEMENTS(kinds); i++)
		if (g_ascii_strcasecmp(dot, kinds[i].ending) == 0)
			return kinds[i].kind;
	return ANNOTATION_NONE;
}

struct polygons *annotation_parse(const char *text, gsize length, const char *name, enum annotation_kind kind,
				  char *const *tumour, double x, double y, GError **error)
{
	g_return_val_if_fail(kind != ANNOTATION_NONE, NULL);
	g_autoptr(polygons_t) out = polygons_new();
	struct drawing d = { name, tumour, x, y, out };
	gboolean ok = kind == ANNOTATION_ASAP ? draw_asap(&d, text, length, error) : draw_geojson(&d, text, length, error);

	return ok ? g_steal_pointer(&out) : NULL;
}

struct polygons *annotation_read(const char *path, enum annotation_kind kind, char *const *tumour, double x, double y,
				 GError **error)
{
	g_autofree char *text = NULL;
	GStatBuf st;
	gsize length;

	if (g_stat(path, &st) == 0 && st.st_size > ANNOTATION_BYTES_MAX) {
		g_set_error(error, FAULT, FAULT_DATA, "'%s': %.0f MB; at most %d are read: export the annotations alone, without "
			    "detections, or a PNG mask", path, (double)st.st_size / 1e6, ANNOTATION_BYTES_MAX / 1000000);
		return NULL;
	}
	if (!g_file_get_contents(path, &text, &length, error))
		return NULL;
	return annotation_parse(text, length, path, kind, tumour, x, y, error);
}
