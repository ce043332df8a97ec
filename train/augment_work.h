/*
 * augment_work.h - what the files of augmentation share.
 * Private to train/augment*.c.
 */
#pragma once
#include "common/image/matrix3.h"
#include "train/augment.h"

G_BEGIN_DECLS

/* Draws without state: the k-th of an effect, for a sample. */
struct draws { guint64 key; guint n; };
double draws_between(struct draws *d, double low, double high);

/* Of each sample's draws, its purposes; random_hash()'s last number. */
enum { PURPOSE_AUGMENT = 100, PURPOSE_MIX = 150 };

/* One effect each: its part of *out, which changes nothing before. strength > 0. */
void augment_draw_geometry(const struct settings *s, double strength, struct draws *d, struct augmentation *out);
void augment_draw_elastic(const struct settings *s, double strength, struct draws *d, struct augmentation *out);
void augment_draw_stain(const struct settings *s, double strength, struct draws *d, struct augmentation *out);
void augment_draw_colour(const struct settings *s, double strength, struct draws *d, struct augmentation *out);
void augment_draw_blur(const struct settings *s, double strength, struct draws *d, struct augmentation *out);
void augment_draw_noise(const struct settings *s, double strength, struct draws *d, struct augmentation *out);
void augment_draw_jpeg(const struct settings *s, double strength, struct draws *d, struct augmentation *out);
/* Is this sample one of those that are damaged? */
gboolean augment_damages(const struct settings *s, struct draws *d);

/* A field of each augmentation, side by side, as floats: shape (n, ...) of all that stand from offset on. */
tensor *augment_gather(scope *s, const struct augmentation *of, guint n, gsize offset, dims shape, int device);
#define GATHER(field, ...) augment_gather(s, of, n, offsetof(struct augmentation, field), DIMS(n, __VA_ARGS__), device)
/* Whether a field of any is other than in one that changes nothing. */
gboolean augment_any(const struct augmentation *of, guint n, gsize offset, gsize size);
#define ANY(field) augment_any(of, n, offsetof(struct augmentation, field), sizeof of->field)

G_END_DECLS
