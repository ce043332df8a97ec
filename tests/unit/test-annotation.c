/* test-annotation.c - QuPath's GeoJSON and ASAP's XML: what is drawn, cut out and passed over, and what a file that is wrong says. */
#include "common/fault/fault.h"
#include "common/slide/annotation.h"
#include <glib/gstdio.h>
#include <math.h>

static const char *const any[] = { NULL };

static struct polygons *parse(const char *text, const char *const *tumour, double x, double y, GError **error)
{
	return annotation_parse(text, strlen(text), "a", text[0] == '<' ? ANNOTATION_ASAP : ANNOTATION_GEOJSON, (char *const *)tumour, x,
				y, error);
}

/* On 16 x 8 px of 1. */
static guint64 area_of(const char *text, const char *const *tumour)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(polygons_t) p = parse(text, tumour, 0, 0, &error);

	g_assert_no_error(error);
	g_autoptr(mask_t) m = polygons_mask(p, "a", 1, 0, 0, 16, 8, &error);
	g_assert_no_error(error);
	return m->area;
}

static void assert_refused(const char *text, const char *message)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(parse(text, any, 0, 0, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, message);
}

#define BOX(l, t, r, b) "[[" #l "," #t "],[" #r "," #t "],[" #r "," #b "],[" #l "," #b "],[" #l "," #t "]]"
#define POLYGON(rings) "{\"type\":\"Polygon\",\"coordinates\":[" rings "]}"
#define FEATURE(properties, geometry) "{\"type\":\"Feature\",\"properties\":" properties ",\"geometry\":" geometry "}"
#define ALL(features) "{\"type\":\"FeatureCollection\",\"features\":[" features "]}"
#define CLASS(name) "{\"objectType\":\"annotation\",\"classification\":{\"name\":\"" name "\",\"color\":[200,0,0]}}"

static void test_geometries(void)
{
	g_assert_cmpuint(area_of(ALL(FEATURE("{}", POLYGON(BOX(1, 1, 5, 5)))), any), ==, 16);
	g_assert_cmpuint(area_of("[" FEATURE("null", POLYGON(BOX(1, 1, 5, 5) "," BOX(2, 2, 4, 4))) "]", any), ==, 12);
	g_assert_cmpuint(area_of(FEATURE("{}", "{\"coordinates\":[[" BOX(1, 1, 5, 5) "],[" BOX(3, 3, 6, 6) "," BOX(5, 5, 6, 6)
					 "]],\"type\":\"MultiPolygon\"}"), any), ==, 16 + 9 - 4 - 1);
	g_assert_cmpuint(area_of(FEATURE("{}", "{\"type\":\"GeometryCollection\",\"geometries\":[" POLYGON(BOX(0, 0, 2, 1)) ","
					 "{\"type\":\"GeometryCollection\",\"geometries\":[" POLYGON(BOX(4, 0, 5, 1))
					 ",{\"type\":\"Point\",\"coordinates\":[1,1]}]}]}"), any), ==, 3);
	/* a height beside the place; whole numbers or not */
	g_assert_cmpuint(area_of(FEATURE("{}", POLYGON("[[0,0,7],[2.0,0,7],[2,1e0,7],[0,1,7]]")), any), ==, 2);
	/* nothing to draw */
	g_assert_cmpuint(area_of(ALL(""), any), ==, 0);
	g_assert_cmpuint(area_of("[]", any), ==, 0);
	g_assert_cmpuint(area_of(ALL(FEATURE("{}", "null") "," FEATURE("{}", "{\"type\":\"LineString\",\"coordinates\":[[0,0],[9,9]]}")
				     "," FEATURE("{}", "{\"type\":\"MultiPoint\",\"coordinates\":[[0,0]]}")
				     "," FEATURE("{}", POLYGON("[[1,1],[2,2],[1,1]]"))), any), ==, 0);
}

/* As QuPath 0.2 to 0.5 writes: two annotations, what it detected itself, and other places for the class. */
static void test_qupath(void)
{
	static const char *const stroma[] = { "STROMA", NULL }, *const positive[] = { "Tumor: Positive", NULL };
	static const char file[] = ALL(
		FEATURE(CLASS("Tumor"), POLYGON(BOX(0, 0, 4, 4))) ","
		FEATURE(CLASS("Stroma"), POLYGON(BOX(3, 0, 8, 4))) ","
		FEATURE(CLASS("Ignore*"), POLYGON(BOX(0, 0, 1, 8))) ","
		FEATURE("{\"objectType\":\"detection\",\"classification\":{\"name\":\"Tumor\"}}", POLYGON(BOX(8, 0, 9, 8))) ","
		FEATURE("{\"objectType\":\"cell\"}", POLYGON(BOX(8, 0, 9, 8))) ","
		"{\"type\":\"Feature\",\"id\":\"PathDetectionObject\",\"geometry\":" POLYGON(BOX(8, 0, 9, 8)) "},"
		"{\"type\":\"Feature\",\"id\":\"PathAnnotationObject\",\"geometry\":" POLYGON(BOX(9, 0, 10, 1)) "},"
		FEATURE("{\"classification\":{\"names\":[\"Tumor\",\"Positive\"]}}", POLYGON(BOX(10, 0, 11, 1))) ","
		FEATURE("{\"classification\":\"Region*\"}", POLYGON(BOX(11, 0, 12, 1))) ","
		FEATURE(CLASS("Tumor: Positive"), POLYGON(BOX(12, 0, 13, 1))));

	g_assert_cmpuint(area_of(file, any), ==, 16 - 4 + 1 + 1 + 1);
	g_assert_cmpuint(area_of(file, stroma), ==, 20);
	g_assert_cmpuint(area_of(file, positive), ==, 2);
}

/* Measurements that are no number, as QuPath before 0.5 writes them, and a byte-order mark; a name that reads like one stays, and a
   point that is none is refused. */
static void test_nan(void)
{
	static const char *const named[] = { "NaN \"Infinity", NULL };
	static const char file[] = "\xef\xbb\xbf" ALL(
		FEATURE("{\"classification\":{\"name\":\"Tumor\"},\"measurements\":{\"a\":NaN,\"b\":-Infinity,\"c\": Infinity }}",
			POLYGON(BOX(0, 0, 2, 2))) ","
		FEATURE("{\"classification\":{\"name\":\"NaN \\\"Infinity\"},\"measurements\":[NaN]}", POLYGON(BOX(4, 0, 5, 1))));

	g_assert_cmpuint(area_of(file, any), ==, 4 + 1);
	g_assert_cmpuint(area_of(file, named), ==, 1);
	assert_refused(ALL(FEATURE("{}", POLYGON("[[0,0],[NaN,0],[1,1]]"))), "'a': feature 1: ring 1: point 2: expected two numbers");
}

#define XML(annotations) "<?xml version=\"1.0\"?>\n<ASAP_Annotations>\n\t<Annotations>\n" annotations "\t</Annotations>\n\t<AnnotationGroups>\n" \
	"\t\t<Group Name=\"Tumor\" PartOfGroup=\"None\" Color=\"#00ff00\">\n\t\t\t<Attributes/>\n\t\t</Group>\n\t</AnnotationGroups>\n" \
	"</ASAP_Annotations>\n"
#define ANNOTATION(type, group, points) "<Annotation Name=\"Annotation 0\" Type=\"" type "\" PartOfGroup=\"" group "\" Color=\"#F4FA58\">\n" \
	"<Coordinates>\n" points "</Coordinates>\n</Annotation>\n"
#define AT(order, x, y) "<Coordinate Order=\"" #order "\" X=\"" #x "\" Y=\"" #y "\" />\n"
#define XBOX(l, t, r, b) AT(0, l, t) AT(1, r, t) AT(2, r, b) AT(3, l, b)

static void test_asap(void)
{
	static const char *const metastases[] = { "metastases", NULL }, *const none[] = { "none", NULL };
	static const char camelyon16[] = XML(ANNOTATION("Polygon", "_2", XBOX(1, 1, 3, 3))
					     ANNOTATION("Spline", "_0", XBOX(0, 0, 4, 4)) ANNOTATION("Polygon", "_1", XBOX(8, 0, 9, 2))
					     ANNOTATION("Dot", "_0", AT(0, 12, 1)) ANNOTATION("PointSet", "_0", XBOX(12, 0, 13, 1)));
	static const char camelyon17[] = XML(ANNOTATION("Polygon", "metastases", XBOX(0, 0, 4, 4))
					     ANNOTATION("Rectangle", "normal", XBOX(0, 0, 1, 1)) ANNOTATION("Polygon", "None", XBOX(9, 0, 10, 1)));

	g_assert_cmpuint(area_of(camelyon16, any), ==, 16 - 4 + 2);
	g_assert_cmpuint(area_of(camelyon17, any), ==, 16 - 1 + 1);
	g_assert_cmpuint(area_of(camelyon17, metastases), ==, 15);
	g_assert_cmpuint(area_of(camelyon17, none), ==, 1);
	/* out of order: else it would be a bow */
	g_assert_cmpuint(area_of(XML(ANNOTATION("Polygon", "None", AT(0, 0, 0) AT(2, 4, 4) AT(1, 4, 0) AT(3, 0, 4))), any), ==, 16);
	g_assert_cmpuint(area_of(XML(""), any), ==, 0);
	g_assert_cmpuint(area_of(XML(ANNOTATION("Polygon", "None", AT(0, 0, 0) AT(1, 4, 0))), any), ==, 0);
	g_autoptr(polygons_t) marked = annotation_parse("\xef\xbb\xbf<ASAP_Annotations/>", 22, "a", ANNOTATION_ASAP, (char *const *)any, 0, 0,
							NULL);
	g_assert_cmpuint(marked->list->len, ==, 0);
}

/* Groups of groups: what has no role of its own has that of what it is part of. */
static void test_asap_groups(void)
{
#define GROUP(name, of) "<Group Name=\"" name "\" PartOfGroup=\"" of "\" Color=\"#00ff00\"><Attributes/></Group>\n"
	static const char *const tumour[] = { "Tumour", NULL };
	static const char file[] = "<ASAP_Annotations>\n<Annotations>\n"
		ANNOTATION("Polygon", "lobular", XBOX(0, 0, 4, 4)) ANNOTATION("Polygon", "fat", XBOX(0, 0, 1, 1))
		ANNOTATION("Polygon", "in situ", XBOX(8, 0, 10, 1)) ANNOTATION("Polygon", "round", XBOX(12, 0, 15, 1))
		"</Annotations>\n<AnnotationGroups>\n" GROUP("Tumour", "None") GROUP("lobular", "Tumour") GROUP("in situ", "lobular")
		GROUP("Normal", "None") GROUP("fat", "Normal") GROUP("round", "about") GROUP("about", "round")
		"</AnnotationGroups>\n</ASAP_Annotations>\n";

	g_assert_cmpuint(area_of(file, tumour), ==, 16 - 1 + 2);
	g_assert_cmpuint(area_of(file, any), ==, 16 - 1 + 2 + 3);
}

static void test_origin(void)
{
	g_autoptr(polygons_t) json = parse(FEATURE("{}", POLYGON(BOX(1, 1, 5, 5))), any, 1000, 2000.5, NULL);
	g_autoptr(polygons_t) xml = parse(XML(ANNOTATION("Polygon", "None", XBOX(1.25, 1, 5, 5))), any, -1, 0, NULL);

	g_assert_true(g_array_index(json->points, struct polygon_point, 0).x == 1001 && json->points->len == 4);
	g_assert_true(g_array_index(json->points, struct polygon_point, 2).y == 2005.5);
	g_assert_true(g_array_index(xml->points, struct polygon_point, 0).x == 0.25);
}

static void test_bad_geojson(void)
{
	assert_refused("", "'a': byte 0: expected a value");
	assert_refused("{\"type\":\"Topology\"}", "'a': no GeoJSON: expected a FeatureCollection, a Feature or a list of them; export it from "
		       "QuPath anew");
	assert_refused("{\"type\":\"FeatureCollection\"}", "'a': expected a list of features");
	assert_refused("[3]", "'a': feature 1: expected a Feature");
	assert_refused(ALL(FEATURE("{}", "{\"type\":\"Circle\"}")), "'a': feature 1: its geometry is none of Polygon, MultiPolygon, "
		       "GeometryCollection, points and lines");
	assert_refused(ALL(FEATURE("{}", POLYGON(BOX(1, 1, 2, 2))) "," FEATURE("{}", POLYGON("[[0,0],[1,2],[\"3\",4]]"))),
		       "'a': feature 2: ring 1: point 3: expected two numbers");
	assert_refused(FEATURE("{}", "{\"type\":\"MultiPolygon\",\"coordinates\":[[" BOX(1, 1, 2, 2) ",[[0]]]]}"),
		       "'a': polygon 1: ring 2: point 1: expected two numbers");
	assert_refused(FEATURE("{}", "{\"type\":\"Polygon\",\"coordinates\":[[0,0],[1,1]]}"), "'a': ring 1: point 1: expected two numbers");
	assert_refused(FEATURE("{}", "{\"type\":\"Polygon\"}"), "'a': expected a list of rings");
	assert_refused(FEATURE("{}", POLYGON("[[0,1e999],[1,2],[3,4]]")),
		       "'a': ring 1: point 1: 0, inf is no place on a slide; coordinates are level-0 px");
	assert_refused(FEATURE("{}", POLYGON("[[0,0],[-2e9,2],[3,4]]")),
		       "'a': ring 1: point 2: -2e+09, 2 is no place on a slide; coordinates are level-0 px");
}

static void test_bad_xml(void)
{
	assert_refused("<Annotations MicronsPerPixel=\"0.25\">\n", "'a':1: the file does not begin with <ASAP_Annotations>: of XML, ASAP's is "
		       "read alone");
	assert_refused(XML(ANNOTATION("Polygon", "None", AT(0, 1, 1) "<Coordinate Order=\"1\" X=\"1,5\" Y=\"2\"/>")),
		       "'a':7: X is '1,5', no number");
	assert_refused(XML(ANNOTATION("Polygon", "None", "<Coordinate Order=\"1\" X=\"1\"/>")), "'a':6: a Coordinate without Y");
	assert_refused(XML(ANNOTATION("Ellipse", "None", "")), "'a':4: an Annotation of Type 'Ellipse': expected Polygon, Rectangle, Spline, "
		       "Dot, PointSet or Measurement");
	assert_refused(XML(ANNOTATION("Polygon", "None", ANNOTATION("Polygon", "None", ""))), "'a':6: an Annotation within another");
	assert_refused(XML(ANNOTATION("Polygon", "None", AT(0, 1, 1) AT(1, 2, 2) AT(2, nan, 3))), "'a':8: X is 'nan', no number");
	assert_refused(XML(ANNOTATION("Polygon", "None", AT(0, 1, 1) AT(1, 2, 2) AT(2, 2e9, 3))),
		       "'a':10: 2e+09, 3 is no place on a slide; coordinates are level-0 px");
	g_autoptr(GError) error = NULL;
	g_assert_null(parse("<ASAP_Annotations>\n<Annotations>\n</ASAP_Annotations>", any, 0, 0, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_true(g_str_has_prefix(error->message, "'a':3: "));
	g_clear_error(&error);
	g_assert_null(annotation_parse("", 0, "a", ANNOTATION_ASAP, (char *const *)any, 0, 0, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
}

static void test_files(void)
{
	static const struct { const char *path; enum annotation_kind kind; } kinds[] = {
		{ "a/b.png", ANNOTATION_NONE }, { "a.geojson", ANNOTATION_GEOJSON }, { "a.JSON", ANNOTATION_GEOJSON },
		{ "a.b/c.Xml", ANNOTATION_ASAP }, { "a.xml/c", ANNOTATION_NONE }, { "xml", ANNOTATION_NONE },
	};
	g_autofree char *folder = g_dir_make_tmp("blindrun-annotation-XXXXXX", NULL), *path = g_build_filename(folder, "S1.geojson", NULL);
	g_autofree char *large = g_strdup_printf("'%s': 67 MB; at most 67 are read: export the annotations alone, without detections, or a "
						 "PNG mask", path);
	g_autoptr(GError) error = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		g_assert_cmpint(annotation_kind(kinds[i].path), ==, kinds[i].kind);
	g_assert_null(annotation_read(path, ANNOTATION_GEOJSON, (char *const *)any, 0, 0, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	g_clear_error(&error);
	g_assert_true(g_file_set_contents(path, FEATURE("{}", POLYGON(BOX(1, 1, 5, 5))), -1, NULL));
	g_autoptr(polygons_t) p = annotation_read(path, ANNOTATION_GEOJSON, (char *const *)any, 3, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(p->list->len, ==, 1);
	g_assert_cmpint(truncate(path, ANNOTATION_BYTES_MAX + 1), ==, 0);
	g_assert_null(annotation_read(path, ANNOTATION_GEOJSON, (char *const *)any, 0, 0, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, large);
	g_unlink(path);
	g_rmdir(folder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/annotation/geometries", test_geometries);
	g_test_add_func("/annotation/qupath", test_qupath);
	g_test_add_func("/annotation/asap", test_asap);
	g_test_add_func("/annotation/asap-groups", test_asap_groups);
	g_test_add_func("/annotation/nan", test_nan);
	g_test_add_func("/annotation/origin", test_origin);
	g_test_add_func("/annotation/bad-geojson", test_bad_geojson);
	g_test_add_func("/annotation/bad-xml", test_bad_xml);
	g_test_add_func("/annotation/files", test_files);
	return g_test_run();
}
