/*
 * test-safetensors.c - files written and read back, a file made by hand, and a table of malformed files with
 * the message of each; what happens when a file is there already or the disk is full.
 */
#include "common/checkpoint/safetensors.h"
#include "common/fault/fault.h"
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

/* A file: length, header, n bytes of data (0, 1, 2, ...). */
static GByteArray *file_of(const char *header, gsize header_size, guint n)
{
	GByteArray *file = g_byte_array_new();
	guint64 length = header_size;
	g_byte_array_append(file, (const guint8 *)&length, 8);
	g_byte_array_append(file, (const guint8 *)header, (guint)header_size);
	for (guint i = 0; i < n; i++)
		g_byte_array_append(file, &(guint8){ (guint8)i }, 1);
	return file;
}

/* A path in a new folder; folder and file go with leave(). */
struct place {
	char *folder, *path;
};

static struct place enter(void)
{
	g_autoptr(GError) error = NULL;
	struct place p = { .folder = g_dir_make_tmp("blindrun-XXXXXX", &error) };
	g_assert_no_error(error);
	p.path = g_build_filename(p.folder, "x.safetensors", NULL);
	return p;
}

static void leave(struct place *p)
{
	g_unlink(p->path);
	g_assert_cmpint(g_rmdir(p->folder), ==, 0);
	g_free(p->path);
	g_free(p->folder);
}

static void assert_bytes(const void *a, gsize a_size, const void *b, gsize b_size)
{
	g_assert_cmpuint(a_size, ==, b_size);
	g_assert_true(a_size == 0 || memcmp(a, b, a_size) == 0);
}

static const void *source_of_list(void *context, guint i, GError **error)
{
	(void)error;
	return ((const void *const *)context)[i];
}

static void test_round_trip(void)
{
	static const float f32[] = { 1, -2.5f, 3e38f, 0, 5, 6 };
	static const guint8 half[4] = { 1, 2, 3, 4 }, bytes[3] = { 7, 8, 255 }, truth[2] = { 1, 0 };
	static const gint64 whole = G_MININT64;
	static const double f64[2] = { 1e300, -0.0 };
	static const struct safetensor tensors[] = {
		{ .name = "u8", .type = T_U8, .shape = { 1, { 3 } } }, /* odd: what follows is not aligned */
		{ .name = "f32", .type = T_F32, .shape = { 2, { 2, 3 } } },
		{ .name = "f16", .type = T_F16, .shape = { 5, { 1, 1, 2, 1, 1 } } },
		{ .name = "bf16", .type = T_BF16, .shape = { 1, { 2 } } },
		{ .name = "one", .type = T_I64, .shape = { 0, { 0 } } },
		{ .name = "none", .type = T_F32, .shape = { 3, { 4, 0, 9 } } },
		{ .name = "f64", .type = T_F64, .shape = { 1, { 2 } } },
		{ .name = "\"ä\\/ \xf0\x9f\x94\xac", .type = T_BOOL, .shape = { 1, { 2 } } },
	};
	static const gsize sizes[] = { 3, 24, 4, 4, 8, 0, 16, 2 };
	const void *data[] = { bytes, f32, half, half, &whole, NULL, f64, truth };
	static const char *const metadata[] = { "format", "pt", "note", "two\nlines, \"quoted\", \x01", "", "", NULL };
	struct place p = enter();
	g_autoptr(GError) error = NULL;
	g_autofree char *sha = NULL, *contents = NULL;
	guint64 size = 0;
	gsize length;

	gboolean written = safetensors_write(p.path, tensors, G_N_ELEMENTS(tensors), metadata, source_of_list, data,
					     &sha, &size, &error);
	g_assert_no_error(error);
	g_assert_true(written);
	g_assert_true(g_file_get_contents(p.path, &contents, &length, &error));
	g_autofree char *expected = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)contents, length);
	g_assert_cmpstr(sha, ==, expected);
	g_assert_cmpuint(size, ==, length);
	guint64 header;
	memcpy(&header, contents, 8);
	g_assert_cmpuint(header % 8, ==, 0);

	g_autoptr(safetensors_t) file = safetensors_open(p.path, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(safetensors_count(file), ==, G_N_ELEMENTS(tensors));
	for (guint i = 0; i < G_N_ELEMENTS(tensors); i++) {
		const struct safetensor *t = safetensors_find(file, tensors[i].name);
		g_assert_nonnull(t);
		g_assert_true(t == safetensors_at(file, i));
		g_assert_cmpint(t->type, ==, tensors[i].type);
		g_assert_cmpint(t->shape.n, ==, tensors[i].shape.n);
		for (int d = 0; d < t->shape.n; d++)
			g_assert_cmpint(t->shape.d[d], ==, tensors[i].shape.d[d]);
		assert_bytes(t->data, t->size, data[i], sizes[i]);
	}
	g_assert_null(safetensors_find(file, "f"));
	g_assert_null(safetensors_at(file, G_N_ELEMENTS(tensors)));
	for (int i = 0; metadata[i] != NULL; i += 2)
		g_assert_cmpstr(safetensors_metadata(file, metadata[i]), ==, metadata[i + 1]);
	g_assert_null(safetensors_metadata(file, "none"));
	leave(&p);
}

/* The bytes are what the format says, and nothing is fine too. */
static void test_bytes_written(void)
{
	static const char text[] = "{\"__metadata__\":{\"a\":\"b\"},"
				   "\"we\":{\"dtype\":\"U8\",\"shape\":[1,4],\"data_offsets\":[0,4]}}       ";
	static const struct safetensor one = { .name = "we", .type = T_U8, .shape = { 2, { 1, 4 } } };
	static const guint8 data[] = { 0, 1, 2, 3 };
	g_autoptr(GByteArray) expected = file_of(text, 88, 4);
	struct place p = enter();
	g_autoptr(GError) error = NULL;
	char *contents;
	gsize length;
	g_assert_cmpuint(strlen(text), ==, 88);
	safetensors_write(p.path, &one, 1, (const char *[]){ "a", "b", NULL }, source_of_list,
			  (const void *[]){ data }, NULL, NULL, &error);
	g_assert_no_error(error);
	g_file_get_contents(p.path, &contents, &length, &error);
	assert_bytes(contents, length, expected->data, expected->len);
	g_free(contents);
	g_unlink(p.path);

	safetensors_write(p.path, NULL, 0, NULL, source_of_list, NULL, NULL, NULL, &error);
	g_assert_no_error(error);
	g_file_get_contents(p.path, &contents, &length, &error);
	assert_bytes(contents, length, "\10\0\0\0\0\0\0\0{}      ", 16);
	g_free(contents);
	g_autoptr(safetensors_t) file = safetensors_open(p.path, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(safetensors_count(file), ==, 0);
	g_assert_null(safetensors_find(file, "a"));
	leave(&p);
}

/* As other writers make it: data not in the header's order, blanks, escapes, fields in any order. */
static void test_by_hand(void)
{
	static const char text[] =
		"{ \"b\\u00e4\\ud83d\\udd2c\" : { \"data_offsets\" : [ 2 , 4 ] , \"shape\" : [ 2 ] , \"dtype\":\"U8\"},\n"
		"\t\"__metadata__\":{\"z\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"a\":\"\"},\r\n"
		"\"empty\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[2,2]},"
		"\"a\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[0,2]}}  \n";
	g_autoptr(GByteArray) bytes = file_of(text, strlen(text), 4);
	g_autoptr(GError) error = NULL;
	g_autoptr(safetensors_t) file = safetensors_parse(bytes->data, bytes->len, "hand", &error);
	g_assert_no_error(error);
	g_assert_cmpuint(safetensors_count(file), ==, 3);
	g_assert_cmpstr(safetensors_at(file, 0)->name, ==, "a");
	g_assert_cmpstr(safetensors_at(file, 1)->name, ==, "empty");
	g_assert_cmpstr(safetensors_at(file, 2)->name, ==, "bä\xf0\x9f\x94\xac");
	assert_bytes(safetensors_at(file, 0)->data, safetensors_at(file, 0)->size, "\0\1", 2);
	assert_bytes(safetensors_at(file, 2)->data, safetensors_at(file, 2)->size, "\2\3", 2);
	g_assert_cmpint(safetensors_at(file, 0)->shape.n, ==, 0);
	g_assert_cmpint(safetensors_at(file, 0)->type, ==, T_BF16);
	g_assert_cmpstr(safetensors_metadata(file, "z"), ==, "\"\\/\b\f\n\r\t");
	g_assert_cmpstr(safetensors_metadata(file, "a"), ==, "");
}

#define T(name, dtype, shape, offsets) \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define A2 T("a", "U8", "[2]", "[0,2]")
#define EACH_ONCE "expected dtype, shape and data_offsets, each once"

static const struct {
	const char *header;
	guint data;             /* bytes */
	const char *message;    /* behind "bad: " */
} malformed[] = {
	/* JSON */
	{ "", 0, "header, byte 0: expected '{'" },
	{ "[]", 0, "header, byte 0: expected '{'" },
	{ "{", 0, "header, byte 1: expected a text in quotes" },
	{ "{}}", 0, "header, byte 2: something behind the header" },
	{ "{} {}", 0, "header, byte 3: something behind the header" },
	{ "{" A2 "} x", 2, "header, byte 54: something behind the header" },
	{ "{" A2 ",}", 2, "header, byte 53: expected a text in quotes" },
	{ "{" A2 " " A2 "}", 2, "header, byte 53: expected '}'" },
	{ "{'a':1}", 0, "header, byte 1: expected a text in quotes" },
	{ "{\"a\" 1}", 0, "header, byte 5: expected ':'" },
	{ "{\"a\":1}", 0, "header, byte 5: expected '{'" },
	{ "{\"a", 0, "header, byte 3: a text without an end" },
	{ "{\"a\\", 0, "header, byte 3: unknown escape" },
	{ "{\"a\\x\":1}", 0, "header, byte 3: unknown escape" },
	{ "{\"a\\u00", 0, "header, byte 5: not a character" },
	{ "{\"a\\u00g0\":1}", 0, "header, byte 5: not a character" },
	{ "{\"a\\u0000\":1}", 0, "header, byte 5: not a character" },
	{ "{\"a\\ud800\":1}", 0, "header, byte 5: not a character" },
	{ "{\"a\\ud800\\u0041\":1}", 0, "header, byte 11: not a character" },
	{ "{\"a\\udc00\":1}", 0, "header, byte 5: not a character" },
	{ "{\"a\nb\":1}", 0, "header, byte 3: a control character in a text" },
	{ "{\"a\\nb\":1}", 0, "header, byte 7: a control character in a name" },
	{ "{\"\xff\":1}", 0, "header, byte 3: a text that is not UTF-8" },
	{ "/* */{}", 0, "header, byte 0: expected '{'" },
	/* metadata */
	{ "{\"__metadata__\":[]}", 0, "header, byte 16: expected '{'" },
	{ "{\"__metadata__\":{\"a\":1}}", 0, "header, byte 21: expected a text in quotes" },
	{ "{\"__metadata__\":{\"a\":\"1\"", 0, "header, byte 24: expected '}'" },
	{ "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "header, byte 34: a second __metadata__" },
	{ "{\"__metadata__\":{\"a\":\"1\",\"b\":\"\",\"\\u0061\":\"2\"}}", 0, "two metadata are named 'a'" },
	/* what is said of a tensor */
	{ "{\"a\":{}}", 0, "header, byte 6: expected a text in quotes" },
	{ "{\"a\":{\"dtype\":\"U8\"}}", 0, "header, byte 18: " EACH_ONCE },
	{ "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0, "header, byte 27: " EACH_ONCE },
	{ "{\"a\":{\"strides\":[1]}}", 0, "header, byte 16: " EACH_ONCE },
	{ "{" T("a", "F8", "[2]", "[0,2]") "}", 2,
	  "header, byte 18: dtype 'F8' is not one of F32, F16, BF16, U8, I64, F64, BOOL" },
	{ "{" T("a", "0123456789abcdeäf", "[2]", "[0,2]") "}", 2,
	  "header, byte 34: dtype '0123456789abcde\xef\xbf\xbd' is not one of F32, F16, BF16, U8, I64, F64, BOOL" },
	{ "{\"a\":{\"dtype\":1}}", 0, "header, byte 14: expected a text in quotes" },
	{ "{\"a\":{\"dtype\":null}}", 0, "header, byte 14: expected a text in quotes" },
	{ "{" T("a", "U8", "2", "[0,2]") "}", 2, "header, byte 27: expected a list" },
	{ "{" T("a", "U8", "[[2]]", "[0,2]") "}", 2, "header, byte 28: expected a whole number" },
	{ "{" T("a", "U8", "[\"2\"]", "[0,2]") "}", 2, "header, byte 28: expected a whole number" },
	{ "{" T("a", "U8", "[-2]", "[0,2]") "}", 2, "header, byte 28: a number below zero" },
	{ "{" T("a", "U8", "[+2]", "[0,2]") "}", 2, "header, byte 28: expected a whole number" },
	{ "{" T("a", "U8", "[2.0]", "[0,2]") "}", 2, "header, byte 29: expected a whole number" },
	{ "{" T("a", "U8", "[2e0]", "[0,2]") "}", 2, "header, byte 29: expected a whole number" },
	{ "{" T("a", "U8", "[02]", "[0,2]") "}", 2, "header, byte 28: a number that begins with 0" },
	{ "{" T("a", "U8", "[0x2]", "[0,2]") "}", 2, "header, byte 29: expected ']'" },
	{ "{" T("a", "U8", "[2,]", "[0,2]") "}", 2, "header, byte 30: expected a whole number" },
	{ "{" T("a", "U8", "[2 1]", "[0,2]") "}", 2, "header, byte 30: expected ']'" },
	{ "{" T("a", "U8", "[1,1,1,1,1,2]", "[0,2]") "}", 2, "header, byte 38: a shape of more than 5 dimensions" },
	{ "{" T("a", "U8", "[9223372036854775808]", "[0,2]") "}", 2,
	  "header, byte 46: a number above 9223372036854775807" },
	{ "{" T("a", "U8", "[18446744073709551618]", "[0,2]") "}", 2,
	  "header, byte 47: a number above 9223372036854775807" },
	{ "{" T("a", "U8", "[2]", "[0]") "}", 2, "header, byte 49: less than 2 data_offsets" },
	{ "{" T("a", "U8", "[2]", "[0,1,2]") "}", 2, "header, byte 51: more than 2 data_offsets" },
	{ "{" T("a", "U8", "[2]", "[-1,1]") "}", 2, "header, byte 47: a number below zero" },
	/* shapes, offsets and the data */
	{ "{" T("a", "F64", "[1152921504606846976]", "[0,2]") "}", 2, "tensor 'a': its shape overflows" },
	{ "{" T("a", "U8", "[4294967296,4294967296]", "[0,0]") "}", 0, "tensor 'a': its shape overflows" },
	{ "{" T("a", "U8", "[0,4294967296,4294967296]", "[0,0]") "}", 0, "tensor 'a': its shape overflows" },
	{ "{" T("a", "F32", "[2]", "[0,4]") "}", 4,
	  "tensor 'a': shape and dtype make 8 bytes, but data_offsets are 0 and 4" },
	{ "{" T("a", "U8", "[2]", "[2,0]") "}", 2,
	  "tensor 'a': shape and dtype make 2 bytes, but data_offsets are 2 and 0" },
	{ "{" A2 "}", 1, "tensor 'a': ends at byte 2 of 1 bytes of data" },
	{ "{" A2 "}", 5, "3 bytes at the end belong to no tensor" },
	{ "{}", 1, "1 bytes at the end belong to no tensor" },
	{ "{" A2 "," T("b", "U8", "[2]", "[1,3]") "}", 3, "tensor 'b': overlaps 'a'" },
	{ "{" A2 "," T("b", "U8", "[2]", "[0,2]") "}", 2, "tensor 'b': overlaps 'a'" },
	{ "{" T("b", "U8", "[2]", "[3,5]") "," A2 "}", 5,
	  "tensor 'b': begins at byte 3 of the data, but what is before it ends at 2" },
	{ "{" T("b", "U8", "[2]", "[1,3]") "}", 3,
	  "tensor 'b': begins at byte 1 of the data, but what is before it ends at 0" },
	{ "{" A2 "," T("b", "U8", "[1]", "[2,3]") "," T("\\u0061", "U8", "[1]", "[3,4]") "}", 4,
	  "two tensors are named 'a'" },
};

static void assert_refused(const void *data, gsize size, const char *message)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *expected = g_strdup_printf("bad: %s", message);
	g_autofree void *exact = g_memdup2(data, size); /* so that the sanitizer sees a step beyond */
	g_assert_null(safetensors_parse(exact, size, "bad", &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, expected);
}

static void test_malformed(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(malformed); i++) {
		g_autoptr(GByteArray) file = file_of(malformed[i].header, strlen(malformed[i].header),
						     malformed[i].data);
		assert_refused(file->data, file->len, malformed[i].message);
	}
}

static void test_truncated(void)
{
	static const char text[] = "{" A2 "}";
	g_autoptr(GByteArray) file = file_of(text, strlen(text), 2);
	g_autoptr(GError) error = NULL;
	for (guint size = 0; size < file->len; size++) /* no prefix of a file is a file */
		g_assert_null(safetensors_parse(file->data, size, "bad", NULL));
	assert_refused("", 0, "not a safetensors file: 0 bytes long");
	assert_refused(file->data, 7, "not a safetensors file: 7 bytes long");
	assert_refused(file->data, 20, "not a safetensors file, or cut short: the header should be 53 bytes long, "
				       "12 follow");
	const char *own = "not a safetensors file, but one of PyTorch's own: build/weights FILE --to OUT.safetensors makes one of it";
	assert_refused("PK\3\4\0\0\0\0\0\0\0\0", 12, own);
	assert_refused("\200\2\212\nl\374\234F\371 j\250P\31.", 15, own); /* torch.save, 2019 */
	assert_refused("\201\2\0\0\0\0\0\0{}", 10, "not a safetensors file, or cut short: the header should be 641 bytes long, 2 follow");
	assert_refused("\377\377\377\377\377\377\377\377{}", 10, "not a safetensors file, or cut short: the header "
								"should be 18446744073709551615 bytes long, 2 follow");

	gsize big = 100000001;
	g_autofree char *blanks = g_malloc(big + 8);
	memset(blanks, ' ', big + 8);
	memcpy(blanks, &(guint64){ big }, 8);
	g_assert_null(safetensors_parse(blanks, big + 8, "bad", &error));
	g_assert_cmpstr(error->message, ==, "bad: a header of 100000001 bytes: at most 100000000 are read");
}

static void test_long_name(void)
{
	for (guint n = 512; n <= 513; n++) {
		g_autofree char *name = g_strnfill(n, 'n');
		g_autofree char *text = g_strdup_printf("{\"%s\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
							name);
		g_autoptr(GByteArray) file = file_of(text, strlen(text), 0);
		if (n == 513) {
			assert_refused(file->data, file->len, "header, byte 516: a name of more than 512 bytes");
		} else {
			g_autoptr(safetensors_t) good = safetensors_parse(file->data, file->len, "long", NULL);
			g_assert_nonnull(good);
		}
	}
}

static void assert_not_opened(const char *path, const char *why)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *expected = g_strdup_printf("%s: %s", path, why);
	g_assert_null(safetensors_open(path, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, expected);
}

static void test_open(void)
{
	struct place p = enter();
	assert_not_opened(p.path, "No such file or directory");
	assert_not_opened(p.folder, "not a file");
	g_assert_true(g_file_set_contents(p.path, "", 0, NULL));
	assert_not_opened(p.path, "not a safetensors file: 0 bytes long");
	leave(&p);
}

static void assert_not_written(const struct safetensor *tensors, guint n, const char *message)
{
	struct place p = enter();
	g_autoptr(GError) error = NULL;
	g_autofree char *expected = g_strdup_printf("%s: %s", p.path, message);
	static const guint8 zeros[64];
	g_assert_false(safetensors_write(p.path, tensors, n, NULL, source_of_list, (const void *[]){ zeros, zeros },
					 NULL, NULL, &error));
	g_assert_error(error, FAULT, FAULT_FAILED);
	g_assert_cmpstr(error->message, ==, expected);
	g_assert_false(g_file_test(p.path, G_FILE_TEST_EXISTS));
	leave(&p);
}

static void test_write_refuses(void)
{
	struct safetensor two[] = { { .name = "a", .shape = DIMS(1) }, { .name = "a", .shape = DIMS(2) } };
	assert_not_written(two, 2, "tensor 'a': a second one of that name");
	two[1].name = "__metadata__";
	assert_not_written(two, 2, "tensor '__metadata__': no name for a tensor");
	two[1].name = "b";
	two[1].shape.d[0] = -1;
	assert_not_written(two, 2, "tensor 'b': no such shape");
	two[1].shape.d[0] = G_MAXINT64;
	assert_not_written(two, 2, "tensor 'b': no such shape");
	two[1].type = (enum dtype)7;
	assert_not_written(two, 2, "tensor 'b': no such dtype");
}

static const void *source_that_fails(void *context, guint i, GError **error)
{
	if (i == 0)
		return context;
	g_set_error(error, FAULT, FAULT_ROOM, "no memory");
	return NULL;
}

static void test_source_fails(void)
{
	static const struct safetensor two[] = { { .name = "a", .type = T_U8, .shape = { 1, { 8 } } },
						 { .name = "b", .type = T_U8, .shape = { 1, { 8 } } } };
	guint8 eight[8] = { 0 };
	struct place p = enter();
	g_autoptr(GError) error = NULL;
	g_autofree char *expected = g_strdup_printf("%s: tensor 'b': no memory", p.path);
	g_assert_false(safetensors_write(p.path, two, 2, NULL, source_that_fails, eight, NULL, NULL, &error));
	g_assert_error(error, FAULT, FAULT_ROOM);
	g_assert_cmpstr(error->message, ==, expected);
	g_assert_false(g_file_test(p.path, G_FILE_TEST_EXISTS));
	leave(&p);
}

static void test_existing(void)
{
	struct place p = enter();
	g_autoptr(GError) error = NULL;
	g_autofree char *expected = g_strdup_printf("%s: creating: File exists", p.path), *contents = NULL;
	g_assert_true(g_file_set_contents(p.path, "mine", -1, NULL));
	g_assert_false(safetensors_write(p.path, NULL, 0, NULL, source_of_list, NULL, NULL, NULL, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST);
	g_assert_cmpstr(error->message, ==, expected);
	g_assert_true(g_file_get_contents(p.path, &contents, NULL, NULL));
	g_assert_cmpstr(contents, ==, "mine");
	leave(&p);
}

/* 1 MiB into a place that has not as much. */
static void assert_no_room(const char *path, const char *why)
{
	static guint8 data[1 << 20];
	static const struct safetensor one = { .name = "a", .type = T_U8, .shape = { 1, { sizeof data } } };
	g_autoptr(GError) error = NULL;
	g_autofree char *expected = g_strdup_printf("%s: writing: %s", path, why), *sha = NULL;
	guint64 size = 77;
	g_assert_false(safetensors_write(path, &one, 1, NULL, source_of_list, (const void *[]){ data }, &sha,
					 &size, &error));
	g_assert_error(error, FAULT, FAULT_ROOM);
	g_assert_cmpint(fault_exit_code(error), ==, 4);
	g_assert_cmpstr(error->message, ==, expected);
	g_assert_null(sha);
	g_assert_cmpuint(size, ==, 77);
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void test_full_disk(void)
{
	struct place p = enter();
	/* in a namespace of our own the mount ends with this process */
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", p.folder, "tmpfs", 0, "size=64k") != 0) {
		g_test_skip("needs the right to mount a small disk");
	} else {
		assert_no_room(p.path, "No space left on device");
		g_assert_cmpint(umount(p.folder), ==, 0);
	}
	leave(&p);
}

/* The same by a limit on files, which needs no rights. */
static void test_file_limit(void)
{
	struct place p = enter();
	struct rlimit before;
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 65536, before.rlim_max }), ==, 0);
	assert_no_room(p.path, "File too large");
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
	signal(SIGXFSZ, handler);
	leave(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/safetensors/round-trip", test_round_trip);
	g_test_add_func("/safetensors/bytes-written", test_bytes_written);
	g_test_add_func("/safetensors/by-hand", test_by_hand);
	g_test_add_func("/safetensors/malformed", test_malformed);
	g_test_add_func("/safetensors/truncated", test_truncated);
	g_test_add_func("/safetensors/long-name", test_long_name);
	g_test_add_func("/safetensors/open", test_open);
	g_test_add_func("/safetensors/write-refuses", test_write_refuses);
	g_test_add_func("/safetensors/source-fails", test_source_fails);
	g_test_add_func("/safetensors/existing", test_existing);
	g_test_add_func("/safetensors/full-disk", test_full_disk);
	g_test_add_func("/safetensors/file-limit", test_file_limit);
	return g_test_run();
}
