/*
 * annotation.h - tumour that was drawn, as two programs for whole slides save it: QuPath's GeoJSON (RFC 7946: a
 * FeatureCollection, one Feature or a bare list of them) and ASAP's XML.
 *
 * GeoJSON: Polygon, MultiPolygon and GeometryCollection count; points, lines and QuPath's detections, cells, tiles and cores
 * are passed over. The class is properties.classification: its name, the first of its names, or itself.
 * ASAP: Annotations of Type Polygon, Rectangle and Spline (its knots as a polygon) count, in the order of their
 * Coordinates' Order; Dot, PointSet and Measurement are passed over. The class is PartOfGroup.
 *
 * A class is compared without regard to case in ASCII, to QuPath's final * and to what stands behind a colon
 * (`Tumor: Positive` is Tumor); an unclassified region's is None. What a region is, follows from it:
 *   tumour    it is in `tumour`; where that is empty, all classes that stand below are not, None too
 *   cut out   _2, Exclusion, Normal, Ignore: holes in the tumour, whatever order they stand in. _0 and _1 are tumour, _2 is cut
 *             out in Camelyon16 (its README), Normal in Camelyon17's masks, as ASAP's authors make them
 *   neither   any other; where `tumour` is empty: Region, Tissue, Stroma, Immune cells, Necrosis, Other, Negative, which QuPath
 *             has on its list from the start or gives to what it finds itself
 *
 * Errors:  FAULT_DATA, one line: `'S1.geojson': feature 3: ring 2: point 5: expected two numbers`,
 *          `'S1.xml':12: X is '1,5', no number`; more than ANNOTATION_BYTES_MAX or ANNOTATION_VALUES_MAX.
 * Threads: no state.
 */
#pragma once
#include "common/slide/polygons.h"

G_BEGIN_DECLS

enum {
	ANNOTATION_BYTES_MAX = 64 << 20,
	ANNOTATION_VALUES_MAX = 1 << 22, /* of GeoJSON: a point has three, with its list; some 150 bytes of memory each */
};

enum annotation_kind { ANNOTATION_NONE, ANNOTATION_GEOJSON, ANNOTATION_ASAP };

/* By the ending: .geojson and .json, .xml, whatever their case. */
enum annotation_kind annotation_kind(const char *path);

/* What a file draws; x, y: what is added to its coordinates, level-0 px. Polygons are in the file's order. tumour:
   NULL-terminated. */
struct polygons *annotation_read(const char *path, enum annotation_kind kind, char *const *tumour, double x, double y,
				 GError **error);
/* The same over text in memory, which a NUL follows; name is for messages. */
struct polygons *annotation_parse(const char *text, gsize length, const char *name, enum annotation_kind kind,
				  char *const *tumour, double x, double y, GError **error);

G_END_DECLS
