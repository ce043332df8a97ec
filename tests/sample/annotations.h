/* A scene's tumour as polygons, as QuPath's GeoJSON and ASAP's XML have it: what its mask shows, drawn.
 *
 * Each run of tumour cells in a row is a rectangle, in px of level 0: GeoJSON from the bounds' corner, as QuPath shows
 * slides; XML from the slide's. GeoJSON has one annotation of class Tumor, a MultiPolygon, and XML one a rectangle; a scene
 * without tumour has none. Both have a point, which is no region. */
#pragma once

#include "mirax.h"
#include "scene.h"

/* Writes base.geojson and base.xml. */
bool annotations_write(const char *base, const struct Scene *scene, const struct MiraxBounds *bounds, GError **error);
