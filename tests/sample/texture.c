/* Each cell is drawn once, as amounts of stain, when the tissue is made; then each cell's amounts
 * are scaled towards a target that does not know the class, smoothly from cell to cell, and turned
 * into colour when asked for. */
#include "texture.h"

#include "plane.h"
#include "random.h"

#define AMOUNT_STEPS 100	/* of stored amounts, a unit */
#define GLASS 255		/* stored haematoxylin where there is no tissue */

struct Texture {
	struct Plane plane;
	guint8 **amounts;		/* (rows + 2, columns + 2) of (tile, tile, 2), NULL: all glass */
	double *factors;		/* (rows + 2, columns + 2, 2), of haematoxylin and of eosin */
	struct StainPalette palette;
};

static gsize cell_index(const struct Texture *texture, int column, int row)
{
	return (gsize)(row + 1) * (gsize)(texture->plane.layout->columns + 2) + (gsize)(column + 1);
}

/* The canvas as stored amounts, with each stain's mean over the tissue; NULL if all is glass. */
static guint8 *store(const struct Canvas *canvas, double means[2])
{
	gsize pixels = (gsize)canvas->side * (gsize)canvas->side, tissue = 0;
	g_autofree guint8 *amounts = g_malloc(pixels * 2);

	means[0] = means[1] = 0;
	for (gsize i = 0; i < pixels; i++) {
		amounts[2 * i] = GLASS;
		amounts[2 * i + 1] = 0;
		if (!canvas->tissue[i])
			continue;
		amounts[2 * i] = (guint8)CLAMP(canvas->haematoxylin[i] * AMOUNT_STEPS, 0, GLASS - 1);
		amounts[2 * i + 1] = (guint8)CLAMP(canvas->eosin[i] * AMOUNT_STEPS, 0, 255);
		means[0] += canvas->haematoxylin[i];
		means[1] += canvas->eosin[i];
		tissue++;
	}
	means[0] /= (double)MAX(tissue, 1);
	means[1] /= (double)MAX(tissue, 1);
	return tissue ? g_steal_pointer(&amounts) : NULL;
}

static void draw_cell(struct Texture *texture, struct Canvas *canvas, int column, int row)
{
	gsize index = cell_index(texture, column, row);
	int tile = texture->plane.tile;
	double means[2], targets[2];

	canvas->left = (double)column * tile;
	canvas->top = (double)row * tile;
	plane_draw(&texture->plane, canvas);
	texture->amounts[index] = store(canvas, means);
	plane_targets(&texture->plane, canvas->left + tile / 2.0, canvas->top + tile / 2.0, targets);
	for (int kind = 0; kind < 2; kind++)
		texture->factors[2 * index + (gsize)kind] =
			CLAMP(targets[kind] / MAX(means[kind], 0.01), 0.6, 1.6);
}

/* Factors between the middles of cells, so that no seam shows. */
static void blend_factors(const struct Texture *texture, int column, int row, int x, int y, double *factors)
{
	double u = (x + 0.5) / texture->plane.tile - 0.5, v = (y + 0.5) / texture->plane.tile - 0.5;
	int beside = u < 0 ? -1 : 1, below = v < 0 ? -1 : 1;
	const struct Layout *layout = texture->plane.layout;
	double sum = 0;

	factors[0] = factors[1] = 0;
	for (int i = 0; i < 4; i++) {
		int c = column + (i & 1 ? beside : 0), r = row + (i >> 1 ? below : 0);
		if (c < -1 || r < -1 || c > layout->columns || r > layout->rows ||
		    !texture->amounts[cell_index(texture, c, r)])
			continue;
		double weight = (i & 1 ? fabs(u) : 1 - fabs(u)) * (i >> 1 ? fabs(v) : 1 - fabs(v)) + 1e-9;
		sum += weight;
		for (int kind = 0; kind < 2; kind++)
			factors[kind] += weight * texture->factors[2 * cell_index(texture, c, r) + (gsize)kind];
	}
	factors[0] /= sum;
	factors[1] /= sum;
}

static bool texture_cell(gpointer self, int column, int row, guint8 *rgba)
{
	const struct Texture *texture = self;
	const guint8 *amounts = texture->amounts[cell_index(texture, column, row)];
	double factors[2];

	if (!amounts)
		return false;
	for (int y = 0; y < texture->plane.tile; y++)
		for (int x = 0; x < texture->plane.tile; x++, rgba += 4, amounts += 2) {
			rgba[3] = amounts[0] == GLASS ? 0 : 255;
			if (amounts[0] == GLASS)
				continue;
			blend_factors(texture, column, row, x, y, factors);
			stain_colour(&texture->palette, amounts[0] * factors[0] / AMOUNT_STEPS,
				amounts[1] * factors[1] / AMOUNT_STEPS, rgba);
		}
	return true;
}

static void texture_free(gpointer self)
{
	struct Texture *texture = self;
	gsize cells = (gsize)(texture->plane.layout->columns + 2) * (gsize)(texture->plane.layout->rows + 2);

	for (gsize i = 0; i < cells; i++)
		g_free(texture->amounts[i]);
	g_free(texture->amounts);
	g_free(texture->factors);
	g_free(texture);
}

static const struct TissueKind texture_kind = { "texture", texture_cell, texture_free };

/* Is there tissue in the cell or beside it? */
static bool near_tissue(const struct Layout *layout, int column, int row)
{
	for (int i = 0; i < 9; i++)
		if (layout_cell(layout, column + i % 3 - 1, row + i / 3 - 1) != LAYOUT_GLASS)
			return true;
	return false;
}

struct Tissue texture_tissue(const struct Layout *layout, int tile, double mpp,
	const struct Stain *stain, guint64 seed)
{
	struct Texture *texture = g_new0(struct Texture, 1);
	gsize cells = (gsize)(layout->columns + 2) * (gsize)(layout->rows + 2);
	struct Canvas canvas;

	texture->plane = (struct Plane){
		.layout = layout, .tile = tile, .um = mpp, .seed = random_mix(seed),
		.direction = random_fraction(random_mix(seed)) * G_PI,
	};
	texture->amounts = g_new0(guint8 *, cells);
	texture->factors = g_new0(double, cells * 2);
	stain_palette_init(&texture->palette, stain);
	canvas_init(&canvas, tile, mpp);
	for (int row = -1; row <= layout->rows; row++)
		for (int column = -1; column <= layout->columns; column++)
			if (near_tissue(layout, column, row))
				draw_cell(texture, &canvas, column, row);
	canvas_clear(&canvas);
	return (struct Tissue){ &texture_kind, texture };
}
