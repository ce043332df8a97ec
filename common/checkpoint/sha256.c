/* sha256.c - see sha256.h. */
#include "common/checkpoint/sha256.h"
#include <openssl/evp.h>

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
