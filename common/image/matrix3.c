/* matrix3.c - see matrix3.h. */
#include "common/image/matrix3.h"
#include <math.h>
#include <string.h>

void matrix3_multiply(matrix3 a, matrix3 b, matrix3 out)
{
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
}

void matrix3_invert(matrix3 m, matrix3 out)
{
	double det = 0;

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++) {
			int r = (j + 1) % 3, s = (j + 2) % 3, c = (i + 1) % 3, d = (i + 2) % 3;
			out[i][j] = m[r][c] * m[s][d] - m[r][d] * m[s][c];
		}
	for (int j = 0; j < 3; j++)
		det += m[0][j] * out[j][0];
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			out[i][j] /= det;
}

/* Turns rows p and q of v, and a in their plane, so that a[p][q] becomes 0. */
static void rotate(matrix3 a, matrix3 v, int p, int q)
{
	double angle = 0.5 * atan2(2 * a[p][q], a[q][q] - a[p][p]), c = cos(angle), s = sin(angle);

	for (int k = 0; k < 3; k++) {
		double x = a[p][k], y = a[q][k];
		a[p][k] = c * x - s * y;
		a[q][k] = s * x + c * y;
		x = v[p][k];
		y = v[q][k];
		v[p][k] = c * x - s * y;
		v[q][k] = s * x + c * y;
	}
	for (int k = 0; k < 3; k++) {
		double x = a[k][p], y = a[k][q];
		a[k][p] = c * x - s * y;
		a[k][q] = s * x + c * y;
	}
}

void matrix3_eigen(matrix3 m, double values[3], matrix3 vectors)
{
	enum { SWEEPS = 12 };   /* it converges quadratically: four or five are enough for double */
	matrix3 a, v = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } };
	int order[3] = { 0, 1, 2 };

	memcpy(a, m, sizeof a);
	for (int sweep = 0; sweep < SWEEPS; sweep++)
		for (int p = 0; p < 2; p++)
			for (int q = p + 1; q < 3; q++)
				rotate(a, v, p, q);
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2 - i; k++)
			if (a[order[k]][order[k]] < a[order[k + 1]][order[k + 1]]) {
				int t = order[k];
				order[k] = order[k + 1];
				order[k + 1] = t;
			}
	for (int i = 0; i < 3; i++) {
		values[i] = a[order[i]][order[i]];
		memcpy(vectors[i], v[order[i]], sizeof vectors[i]);
	}
}
