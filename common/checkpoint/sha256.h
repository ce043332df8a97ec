/*
 * sha256.h - SHA-256 (FIPS 180-4) as 64 hexadecimal digits, by libcrypto, which takes the processor's instructions for it:
 * files of weights are summed at each save.
 *
 * Threads: no state beside the struct. Errors: of files alone.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct sha256;

struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *sum, const void *data, gsize size);
/* Of all that was added; nothing may be added to it any more. */
char *sha256_text(struct sha256 *sum);
void sha256_free(struct sha256 *sum);

char *sha256_of(const void *data, gsize size);
/* Of a regular file, which is read, not mapped: a disk that fails is an error then, not a signal. bytes_opt: of it.
   GFileError, without the name: EINVAL where it is no regular file. */
char *sha256_of_file(const char *path, guint64 *bytes_opt, GError **error);

typedef struct sha256 sha256_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sha256_t, sha256_free)

G_END_DECLS
