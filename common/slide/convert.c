/* convert.c - OpenSlide's words to bytes: see slide.h. */
#include "common/slide/slide.h"
#include <string.h>
#ifdef __x86_64__
#include <tmmintrin.h>
#endif

enum { RUN = 64 }; /* px that are converted together; they were opaque, or it is done again one by one */

#ifdef __x86_64__
/* As convert_run. */
__attribute__((target("ssse3"))) static gboolean convert_run_ssse3(const guint32 *argb, guint8 *rgb)
{
	const __m128i order = _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
	__m128i all = _mm_set1_epi32(-1), four[4];

	for (int i = 0; i < RUN; i += 16, rgb += 48) {
		for (int k = 0; k < 4; k++) {
			four[k] = _mm_loadu_si128((const __m128i *)(const void *)(argb + i + 4 * k));
			all = _mm_and_si128(all, four[k]);
			four[k] = _mm_shuffle_epi8(four[k], order);
		}
		_mm_storeu_si128((__m128i *)(void *)rgb, _mm_or_si128(four[0], _mm_slli_si128(four[1], 12)));
		_mm_storeu_si128((__m128i *)(void *)(rgb + 16), _mm_or_si128(_mm_srli_si128(four[1], 4), _mm_slli_si128(four[2], 8)));
		_mm_storeu_si128((__m128i *)(void *)(rgb + 32), _mm_or_si128(_mm_srli_si128(four[2], 8), _mm_slli_si128(four[3], 4)));
	}
	return (_mm_movemask_epi8(_mm_cmpeq_epi8(all, _mm_set1_epi8(-1))) & 0x8888) == 0x8888;
}
#endif

static void store_word(guint8 *to, guint32 word)
{
	word = GUINT32_TO_LE(word);
	memcpy(to, &word, sizeof(word));
}

/* RUN words, as if they were opaque: were they? */
static gboolean convert_run(const guint32 *argb, guint8 *rgb)
{
	guint32 all = ~0u;
#ifdef __x86_64__
	if (__builtin_cpu_supports("ssse3"))
		return convert_run_ssse3(argb, rgb);
#endif
	for (int i = 0; i < RUN; i += 4, rgb += 12) {   /* 12 bytes, as three words */
		guint32 a = GUINT32_SWAP_LE_BE(argb[i] << 8), b = GUINT32_SWAP_LE_BE(argb[i + 1] << 8),
			c = GUINT32_SWAP_LE_BE(argb[i + 2] << 8), d = GUINT32_SWAP_LE_BE(argb[i + 3] << 8);
		store_word(rgb, a | b << 24);
		store_word(rgb + 4, b >> 8 | c << 16);
		store_word(rgb + 8, c >> 16 | d << 8);
		all &= argb[i] & argb[i + 1] & argb[i + 2] & argb[i + 3];
	}
	return all >> 24 == 255;
}

static guint8 whole(guint32 premultiplied, guint32 alpha)
{
	return (guint8)MIN(255, (premultiplied * 255 + alpha / 2) / alpha);
}

static void convert_one(guint32 argb, guint8 *rgb)
{
	guint32 alpha = argb >> 24;

	if (alpha == 0)
		argb = 0xffffffff;
	if (alpha == 0 || alpha == 255) {
		rgb[0] = (guint8)(argb >> 16);
		rgb[1] = (guint8)(argb >> 8);
		rgb[2] = (guint8)argb;
		return;
	}
	rgb[0] = whole(argb >> 16 & 255, alpha);
	rgb[1] = whole(argb >> 8 & 255, alpha);
	rgb[2] = whole(argb & 255, alpha);
}

gboolean slide_unscanned(const guint32 *argb, gsize n)
{
	gsize i = 0;

	while (i < n && argb[i] == 0)
		i++;
	return i == n;
}

void slide_convert(const guint32 *argb, gsize n, guint8 *rgb, guint8 *scanned)
{
	for (gsize i = 0, step; i < n; i += step) {
		step = MIN(RUN, n - i);
		if (step == RUN && convert_run(argb + i, rgb + 3 * i)) {
			if (scanned != NULL)
				memset(scanned + i, 255, RUN);
			continue;
		}
		if (slide_unscanned(argb + i, step)) {
			memset(rgb + 3 * i, 255, 3 * step);
			if (scanned != NULL)
				memset(scanned + i, 0, step);
			continue;
		}
		for (gsize k = i; k < i + step; k++) {
			convert_one(argb[k], rgb + 3 * k);
			if (scanned != NULL)
				scanned[k] = (guint8)(argb[k] >> 24);
		}
	}
}
