/* map_targets.c - see map_targets.h. */
#include "train/map_targets.h"

tensor *map_targets_move(scope *outer, const tensor *targets, int cells, const tensor *grid)
{
	SCOPE(s, outer, SCOPE_NO_GRAD);
	int64_t n = t_size(targets, 0), size = (int64_t)cells * cells, first = t_size(targets, 1) - size;
	tensor *map = t_reshape(s, t_narrow(s, targets, 1, first, size), DIMS(n, 1, cells, cells));
	tensor *centres = t_permute(s, t_upsample2d(s, t_permute(s, grid, DIMS(0, 3, 1, 2)), cells, cells), DIMS(0, 2, 3, 1));
	map = t_reshape(s, t_grid_sample(s, map, centres), DIMS(n, size));
	return scope_keep(outer, first > 0 ? t_cat(s, 1, LIST(t_narrow(s, targets, 1, 0, first), map)) : map);
}
