/* test-sha256.c - the examples of FIPS 180-4 (csrc.nist.gov, SHA256.pdf), and GLib's own sums of parts of any length. */
#include "common/checkpoint/sha256.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_examples(void)
{
	const struct { const char *text, *sum; } known[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
		g_autofree char *sum = sha256_of(known[i].text, strlen(known[i].text));
		g_assert_cmpstr(sum, ==, known[i].sum);
	}
}

static void test_parts(void)
{
	enum { MOST = 5000 };
	g_autoptr(GRand) source = g_rand_new_with_seed(2018);
	guint8 data[MOST];

	for (int i = 0; i < MOST; i++)
		data[i] = (guint8)g_rand_int(source);
	for (int round = 0; round < 300; round++) {
		const gsize n = (gsize)g_rand_int_range(source, 0, MOST + 1);
		g_autofree char *wanted = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, n);
		g_autoptr(sha256_t) sum = sha256_new();
		for (gsize at = 0; at < n;) {
			const gsize drawn = (gsize)g_rand_int_range(source, 0, 300), part = MIN(n - at, drawn);
			sha256_add(sum, data + at, part);
			at += part;
		}
		g_autofree char *text = sha256_text(sum);
		g_assert_cmpstr(text, ==, wanted);
	}
}

/* Larger than what is read at once; what is no file, or not there, is an error, and a pipe is not waited for. */
static void test_file(void)
{
	enum { SIZE = 3000017 };
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL), *path = g_build_filename(folder, "x", NULL);
	g_autofree char *pipe = g_build_filename(folder, "p", NULL), *data = g_malloc(SIZE);
	g_autoptr(GError) error = NULL;
	guint64 bytes = 0;

	for (gsize i = 0; i < SIZE; i++)
		data[i] = (char)(i * i % 251);
	g_assert_true(g_file_set_contents(path, data, SIZE, NULL));
	g_autofree char *wanted = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data, SIZE);
	g_autofree char *sum = sha256_of_file(path, &bytes, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(sum, ==, wanted);
	g_assert_cmpuint(bytes, ==, SIZE);
	g_assert_null(sha256_of_file(folder, NULL, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
	g_clear_error(&error);
	g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
	g_assert_null(sha256_of_file(pipe, NULL, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
	g_clear_error(&error);
	unlink(pipe);
	unlink(path);
	g_assert_null(sha256_of_file(path, NULL, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	rmdir(folder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sha256/examples", test_examples);
	g_test_add_func("/sha256/parts", test_parts);
	g_test_add_func("/sha256/file", test_file);
	return g_test_run();
}
