/* Text is put together in memory: a few rectangles a slide. */
#include "annotations.h"

/* The next run of tumour cells from *cell on, in reading order; false: there is none. */
static bool next_run(const struct Layout *layout, int *cell, int *row, int *start, int *end)
{
	int count = layout->columns * layout->rows;

	while (*cell < count && layout->cells[*cell] != LAYOUT_TUMOUR)
		++*cell;
	if (*cell == count)
		return false;
	*row = *cell / layout->columns;
	*start = *end = *cell % layout->columns;
	while (*end < layout->columns && layout->cells[*row * layout->columns + *end] == LAYOUT_TUMOUR)
		++*end;
	*cell = *row * layout->columns + *end;
	return true;
}

static char *geojson(const struct Scene *scene, gint64 x, gint64 y)
{
	GString *text = g_string_new("{\"type\": \"FeatureCollection\", \"features\": [\n"
		"{\"type\": \"Feature\", \"geometry\": {\"type\": \"Point\", \"coordinates\": [1, 1]}, \"properties\": {}}");
	int cell = 0, row, start, end, tile = scene->tile;

	for (int i = 0; next_run(scene->layout, &cell, &row, &start, &end); i++) {
		gint64 left = x + (gint64)start * tile, right = x + (gint64)end * tile, top = y + (gint64)row * tile;
		g_string_append(text, i > 0 ? ",\n" : ",\n{\"type\": \"Feature\", \"properties\": {\"objectType\": \"annotation\", "
			"\"classification\": {\"name\": \"Tumor\"}},\n\"geometry\": {\"type\": \"MultiPolygon\", \"coordinates\": [");
		g_string_append_printf(text, "[[[%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT "], [%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
			"], [%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT "], [%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT "]]]",
			left, top, right, top, right, top + tile, left, top + tile);
	}
	g_string_append(text, scene->layout->lesion > 0 ? "]}}\n]}\n" : "\n]}\n");
	return g_string_free(text, FALSE);
}

static char *xml(const struct Scene *scene, gint64 x, gint64 y)
{
	GString *text = g_string_new("<?xml version=\"1.0\"?>\n<ASAP_Annotations>\n\t<Annotations>\n"
		"\t\t<Annotation Name=\"Annotation 0\" Type=\"Dot\" PartOfGroup=\"None\" Color=\"#F4FA58\">\n\t\t\t<Coordinates>\n"
		"\t\t\t\t<Coordinate Order=\"0\" X=\"1\" Y=\"1\" />\n\t\t\t</Coordinates>\n\t\t</Annotation>\n");
	int cell = 0, row, start, end, tile = scene->tile;

	for (int i = 1; next_run(scene->layout, &cell, &row, &start, &end); i++) {
		gint64 corner[4][2];
		for (int k = 0; k < 4; k++) {
			corner[k][0] = x + (gint64)(k == 1 || k == 2 ? end : start) * tile;
			corner[k][1] = y + (gint64)(row + k / 2) * tile;
		}
		g_string_append_printf(text, "\t\t<Annotation Name=\"Annotation %d\" Type=\"Polygon\" PartOfGroup=\"Tumor\" "
			"Color=\"#F4FA58\">\n\t\t\t<Coordinates>\n", i);
		for (int k = 0; k < 4; k++)
			g_string_append_printf(text, "\t\t\t\t<Coordinate Order=\"%d\" X=\"%" G_GINT64_FORMAT "\" Y=\"%"
				G_GINT64_FORMAT "\" />\n", k, corner[k][0], corner[k][1]);
		g_string_append(text, "\t\t\t</Coordinates>\n\t\t</Annotation>\n");
	}
	g_string_append(text, "\t</Annotations>\n\t<AnnotationGroups>\n"
		"\t\t<Group Name=\"Tumor\" PartOfGroup=\"None\" Color=\"#64FE2E\">\n\t\t\t<Attributes />\n\t\t</Group>\n"
		"\t</AnnotationGroups>\n</ASAP_Annotations>\n");
	return g_string_free(text, FALSE);
}

bool annotations_write(const char *base, const struct Scene *scene, const struct MiraxBounds *bounds, GError **error)
{
	g_autofree char *json_path = g_strconcat(base, ".geojson", NULL), *xml_path = g_strconcat(base, ".xml", NULL);
	g_autofree char *json = geojson(scene, scene->origin_x - bounds->x, scene->origin_y - bounds->y);
	g_autofree char *asap = xml(scene, scene->origin_x, scene->origin_y);

	return g_file_set_contents(json_path, json, -1, error) && g_file_set_contents(xml_path, asap, -1, error);
}
