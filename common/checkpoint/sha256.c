/* sha256.c - see sha256.h. */
#include "common/checkpoint/sha256.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };       /* bytes read at once */

struct sha256 { EVP_MD_CTX *context; };

/* What a libcrypto answers that has no SHA-256 or no memory. */
static void must(int done)
{
	if (done != 1)
		g_error("libcrypto gives no SHA-256");
}

struct sha256 *sha256_new(void)
{
	struct sha256 *sum = g_new0(struct sha256, 1);

	sum->context = EVP_MD_CTX_new();
	must(sum->context != NULL && EVP_DigestInit_ex(sum->context, EVP_sha256(), NULL));
	return sum;
}

void sha256_add(struct sha256 *sum, const void *data, gsize size)
{
	must(EVP_DigestUpdate(sum->context, data, size));
}

char *sha256_text(struct sha256 *sum)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	GString *text = g_string_new(NULL);

	must(EVP_DigestFinal_ex(sum->context, bytes, &n));
	for (unsigned i = 0; i < n; i++)
		g_string_append_printf(text, "%02x", bytes[i]);
	return g_string_free(text, FALSE);
}

void sha256_free(struct sha256 *sum)
{
	if (sum == NULL)
		return;
	EVP_MD_CTX_free(sum->context);
	g_free(sum);
}

char *sha256_of(const void *data, gsize size)
{
	g_autoptr(sha256_t) sum = sha256_new();

	sha256_add(sum, data, size);
	return sha256_text(sum);
}

static char *fail(GError **error, int code)
{
	g_set_error_literal(error, G_FILE_ERROR, (gint)g_file_error_from_errno(code), g_strerror(code));
	return NULL;
}

/* NULL, and errno: it could not be read. */
static char *sum_of(int fd, guint64 *bytes)
{
	g_autoptr(sha256_t) sum = sha256_new();
	g_autofree guint8 *piece = g_malloc(PIECE);
	ssize_t n;

	*bytes = 0;
	while ((n = read(fd, piece, PIECE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return NULL;
		sha256_add(sum, piece, (gsize)n);
		*bytes += (guint64)n;
	}
	return sha256_text(sum);
}

char *sha256_of_file(const char *path, guint64 *bytes_opt, GError **error)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);   /* a pipe would be waited for */
	guint64 bytes;
	struct stat st;

	if (fd < 0)
		return fail(error, errno);
	errno = EINVAL;
	char *sum = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? sum_of(fd, &bytes) : NULL;
	const int code = errno;
	close(fd);
	if (sum == NULL)
		return fail(error, code);
	if (bytes_opt != NULL)
		*bytes_opt = bytes;
	return sum;
}
