/*
 * test-stain.c - stains of a picture that is made of known ones; and Macenko's and Reinhard's normalisation against the
 * papers' own steps in numpy (stain_peer.py), pixel by pixel.
 */
#include "common/image/stain.h"
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4001, NO_TEST = 77 };
static const double glass[3] = { 0.95, 0.93, 0.96 };
static const double known[2][3] = { { 0.6, 0.7, 0.387 }, { 0.22, 0.88, 0.421 } };      /* of length 1, nearly */

/* Haematoxylin and eosin in all shares, a tenth of it glass, some noise. */
static guint8 *make(guint32 seed)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(seed);
	guint8 *rgb = g_malloc(3 * N);

	for (int i = 0; i < N; i++) {
		const double drawn = g_rand_double_range(random, -0.2, 1.2), share = CLAMP(drawn, 0, 1);
		const double dark = g_rand_double_range(random, 0.9, 1.6), amount = i % 10 == 0 ? 0 : dark;
		for (int k = 0; k < 3; k++) {
			const double od = amount * (share * known[0][k] + (1 - share) * known[1][k]) + g_rand_double_range(random, -0.01, 0.01);
			rgb[3 * i + k] = (guint8)CLAMP(lround(255 * glass[k] * exp(-od)), 0, 255);
		}
	}
	return rgb;
}

static void test_matrix(void)
{
	matrix3 m = { { 4, 1, -2 }, { 1, 2, 0.5 }, { -2, 0.5, 3 } }, inverse, one, vectors;
	double values[3];

	matrix3_invert(m, inverse);
	matrix3_multiply(m, inverse, one);
	matrix3_eigen(m, values, vectors);
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++) {
			const double *a = vectors[i], *b = vectors[k];
			g_assert_cmpfloat_with_epsilon(one[i][k], i == k, 1e-12);
			g_assert_cmpfloat_with_epsilon(a[0] * b[0] + a[1] * b[1] + a[2] * b[2], i == k, 1e-12);
			g_assert_cmpfloat_with_epsilon(m[k][0] * a[0] + m[k][1] * a[1] + m[k][2] * a[2], values[i] * a[k], 1e-12);
		}
	g_assert_true(values[0] > values[1] && values[1] > values[2]);
}

/* The two that it is made of, to 2 degrees: a hundredth of the pixels lies beyond either. */
static void test_known(void)
{
	g_autofree guint8 *rgb = make(1);
	struct stain s;

	g_assert_true(stain_estimate(rgb, N, glass, &s));
	for (int i = 0; i < 2; i++) {
		double dot = 0, length = 0;
		for (int k = 0; k < 3; k++) {
			dot += s.vector[i][k] * known[i][k];
			length += s.vector[i][k] * s.vector[i][k];
		}
		g_assert_cmpfloat_with_epsilon(length, 1, 1e-9);
		g_assert_cmpfloat(dot, >, cos(2 * G_PI / 180));
		g_assert_cmpfloat(s.most[i], >, 1.3);
		g_assert_cmpfloat(s.most[i], <, 1.8);
	}
}

/* Of too little, or one stain alone, nothing is said. */
static void test_none(void)
{
	g_autofree guint8 *rgb = make(1), *single = g_malloc(3 * N);
	struct stain s;
	struct recolour r;

	g_assert_false(stain_estimate(rgb, STAIN_PIXELS / 2, glass, &s));
	g_assert_false(stain_estimate(rgb, 0, glass, &s));
	for (int i = 0; i < N; i++)
		for (int k = 0; k < 3; k++)
			single[3 * i + k] = (guint8)lround(255 * glass[k] * exp(-(0.5 + i % 100 * 0.01) * known[0][k]));
	g_assert_false(stain_estimate(single, N, glass, &s));
	memset(single, 200, 3 * N);
	g_assert_false(stain_estimate(single, N, glass, &s));
	g_assert_false(recolour_reinhard(single, N, &r));
	g_assert_false(recolour_reinhard(single, 0, &r));
}

/* What the peer prints of a picture; NULL, and the test is skipped, where it cannot run. */
static char **peer(const char *method, const guint8 *rgb)
{
	g_autofree char *folder = g_path_get_dirname(__FILE__), *script = g_build_filename(folder, "stain_peer.py", NULL);
	g_autofree char *path = NULL, *output = NULL, *where = g_strdup_printf("%.17g,%.17g,%.17g", glass[0], glass[1], glass[2]);
	const char *pythons[] = { g_getenv("PYTHON"), "python3", "/usr/bin/python3" };
	const int fd = g_file_open_tmp("stain-XXXXXX", &path, NULL);
	int status = -1;

	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	g_assert_true(g_file_set_contents(path, (const char *)rgb, 3 * N, NULL));
	for (gsize i = 0; status != 0 && g_file_test(script, G_FILE_TEST_EXISTS) && i < G_N_ELEMENTS(pythons); i++) {
		const char *argv[] = { pythons[i], script, method, path, where, NULL };
		g_clear_pointer(&output, g_free);
		if (pythons[i] == NULL ||
		    !g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, NULL, &status, NULL))
			status = -1;
		else if (status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == NO_TEST))
			g_error("%s: status %d", script, status);
	}
	g_unlink(path);
	if (status != 0)
		g_test_skip(output != NULL ? g_strstrip(output) : "no python3 with numpy");
	return status == 0 ? g_strsplit(g_strstrip(output), "\n", -1) : NULL;
}

static void numbers(const char *line, int n, double *out)
{
	char *end = (char *)line;

	for (int i = 0; i < n; i++)
		out[i] = g_ascii_strtod(end, &end);
	g_assert_cmpstr(end, ==, "");
}

/* Each value is the peer's, rounded, or one off. */
static void compare(const struct recolour *r, const guint8 *rgb, char *const *lines)
{
	g_autofree guint8 *got = g_memdup2(rgb, 3 * N);
	guint off = 0;

	g_assert_cmpuint(g_strv_length((char **)lines), ==, N);
	recolour_apply(r, got, N);
	for (int i = 0; i < N; i++) {
		double want[3];
		numbers(lines[i], 3, want);
		for (int k = 0; k < 3; k++) {
			g_assert_cmpfloat(fabs(got[3 * i + k] - want[k]), <, 0.55);
			off += got[3 * i + k] != rgb[3 * i + k];
		}
	}
	g_assert_cmpuint(off, >, N);
}

static void test_macenko(void)
{
	g_autofree guint8 *rgb = make(2);
	g_auto(GStrv) lines = peer("macenko", rgb);
	struct stain s;
	struct recolour r;
	double want[3];

	if (lines == NULL)
		return;
	g_assert_true(stain_estimate(rgb, N, glass, &s));
	for (int i = 0; i < 2; i++) {
		numbers(lines[i], 3, want);
		for (int k = 0; k < 3; k++)
			g_assert_cmpfloat_with_epsilon(s.vector[i][k], want[k], 1e-9);
	}
	numbers(lines[2], 2, want);
	for (int i = 0; i < 2; i++)
		g_assert_cmpfloat_with_epsilon(s.most[i], want[i], 1e-9);
	recolour_macenko(&s, glass, &r);
	compare(&r, rgb, lines + 3);
}

static void test_reinhard(void)
{
	g_autofree guint8 *rgb = make(3);
	g_auto(GStrv) lines = peer("reinhard", rgb);
	struct recolour r;

	if (lines == NULL)
		return;
	g_assert_true(recolour_reinhard(rgb, N, &r));
	compare(&r, rgb, lines + 2);
}

/* Glass becomes white; the stains themselves, where they are the reference's, stay. */
static void test_ends(void)
{
	const double clear[3] = { 1, 1, 1 };
	guint8 rgb[9] = { 242, 237, 245 }, before[6];
	struct recolour r;

	for (int i = 0; i < 6; i++)
		rgb[3 + i] = before[i] = (guint8)lround(255 * exp(-0.8 * stain_reference.vector[i / 3][i % 3]));
	recolour_macenko(&stain_reference, clear, &r);
	recolour_apply(&r, rgb + 3, 2);
	for (int i = 0; i < 6; i++)
		g_assert_cmpint(ABS(rgb[3 + i] - before[i]), <=, 1);
	recolour_macenko(&stain_reference, glass, &r);
	recolour_apply(&r, rgb, 1);
	for (int i = 0; i < 3; i++)
		g_assert_cmpint(rgb[i], >=, 254);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/stain/matrix", test_matrix);
	g_test_add_func("/stain/known", test_known);
	g_test_add_func("/stain/none", test_none);
	g_test_add_func("/stain/macenko", test_macenko);
	g_test_add_func("/stain/reinhard", test_reinhard);
	g_test_add_func("/stain/ends", test_ends);
	return g_test_run();
}
