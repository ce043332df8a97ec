/*
 * map_targets.h - a map among a sample's targets, moved as augmentation moves its pixels.
 */
#pragma once
#include "common/tensor/tensor.h"

/* targets (N, T), the last cells * cells of which are a map, row by row, to the same with the map moved by the grid
   (N, H, W, 2) that moved the pixels (t_grid_sample). A cell takes what lies where the grid points at its centre: flips and
   quarter turns are exact, anything between is bilinear; beyond the border it is reflected, as pixels are. */
tensor *map_targets_move(scope *s, const tensor *targets, int cells, const tensor *grid);
