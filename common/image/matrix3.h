/*
 * matrix3.h - matrices of colours: 3 x 3, in double. No function may be given its output as an input.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

typedef double matrix3[3][3];

void matrix3_multiply(matrix3 a, matrix3 b, matrix3 out);      /* a b */
void matrix3_invert(matrix3 m, matrix3 out);                   /* m's determinant is not 0 */
/* Of a symmetric one, by Jacobi's rotations: values, the highest first; vectors[i] is the i-th, of length 1. */
void matrix3_eigen(matrix3 symmetric, double values[3], matrix3 vectors);

G_END_DECLS
