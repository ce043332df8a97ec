/*
 * fit_step.c - see fit_work.h. A step is five calls: input, augment, forward, backward, optimiser.
 */
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "common/machine/stop.h"
#include "common/random/random.h"
#include "train/augment.h"
#include "train/blend.h"
#include "train/fit_work.h"
#include "train/map_targets.h"
#include <math.h>

enum { PURPOSE_DROPOUT = 200, NOT_FINITE_MAX = 50 };

static gboolean failed(scope *s, const char *doing, const struct fit *f, GError **error)
{
	const char *message;
	enum scope_err e = scope_error(s, &message);

	if (e == SCOPE_NO_MEMORY)
		g_set_error(error, FAULT, FAULT_ROOM, "%s: out of memory with %u samples at once; a smaller network or tiles.size "
			    "helps: %s", doing, f->memory.part, message);
	else if (e != SCOPE_OK)
		g_set_error(error, FAULT, FAULT_FAILED, "%s: %s", doing, message);
	return e != SCOPE_OK;
}

void fit_push(struct fit *f)
{
	guint n = f->batch;
	g_autofree struct sample *samples = g_new(struct sample, n);

	for (guint i = 0; i < n; i++)
		sampler_draw(f->sampler, (guint64)f->now.epoch, f->drawn + i, &samples[i]);
	loader_push(f->loader, samples, n, (gpointer)(gsize)f->drawn);
	f->drawn += n;
}

/* Samples that could not be read give way to others of their batch; false where none could. */
static gboolean fill_gaps(struct fit *f, struct batch *b)
{
	gsize size = sample_bytes(&f->work->shape);
	gsize targets = (gsize)f->work->shape.targets;
	guint good = b->n;

	for (guint i = 0; i < b->n && good == b->n; i++)
		if (b->failed[i] == NULL)
			good = i;
	for (guint i = 0; i < b->n; i++) {
		if (b->failed[i] == NULL) {
			good = i;
			continue;
		}
		log_warn("sample", "%s; %s", b->failed[i]->message, good < b->n ? "another takes its place" : "nothing of its batch can be read");
		if (good == b->n)
			continue;
		memcpy(b->bytes + i * size, b->bytes + good * size, size);
		memcpy(b->targets + i * targets, b->targets + good * targets, targets * sizeof *b->targets);
	}
	return good < b->n;
}

/* How samples are changed, little of it where training closes; of a whole batch, so that its parts do not matter. out:
   (n * pictures), all pictures of a sample alike. */
static void draw_augmentations(const struct fit *f, const struct batch *b, struct augmentation *out)
{
	const struct sample_shape *shape = &f->work->shape;
	const guint pictures = sample_pictures(shape);
	const guint64 first = (gsize)b->tag, epoch = (guint64)f->now.epoch;

	for (guint i = 0; i < b->n; i++)
		augment_draw(f->settings, f->strength, f->seed, epoch, first + i, &out[i]);
	if (shape->channels == 3)
		augment_mix(f->settings, f->strength, f->seed, epoch, first, b->bytes, pictures * sample_pixels(shape), out, b->n);
	augment_spread(out, b->n, pictures, f->settings->tiles.context);
}

/* n samples, (n * pictures, H * W, C), to the same. */
static tensor *augmented(scope *s, const tensor *values, const struct sample_shape *shape, const struct augmentation *of,
			 guint n, int device)
{
	tensor *x = t_reshape(s, values, DIMS(-1, shape->height, shape->width, shape->channels));

	x = augment(s, t_permute(s, x, DIMS(0, 3, 1, 2)), of, n * sample_pictures(shape), device);
	return t_reshape(s, t_permute(s, x, DIMS(0, 2, 3, 1)), t_dims(values));
}

/* Of a batch; gradient, screen: Euclidean norms of the gradients of the network and of its screen. */
struct learned { double loss, gradient, screen; };

/* The screen's, of the same pictures: by the truth and, alike in weight, by what the network makes of them (Hinton et al. 2015).
   Nothing of it reaches the network, whose batch norms and dropout it does not pass. */
static tensor *screen_loss(struct fit *f, scope *s, const tensor *values, const tensor *target, const tensor *output)
{
	tensor *y = model_screen(f->model, s, input_screen(s, f->model, values, &f->work->shape, f->device.index));
	tensor *truth = f->work->task->loss(f->work, s, y, target, f->smoothing);

	SCOPE(still, s, SCOPE_NO_GRAD);
	tensor *said = scope_keep(s, t_softmax(still, t_narrow(still, output, 1, 0, f->model->outputs), 1));
	return t_add(s, truth, t_cross_entropy(s, y, said));
}

/* Samples from..from+n of a batch: their share of its loss is added, and their gradients are to those there; of the last, the norms
   are taken. */
static gboolean learn_part(struct fit *f, const struct batch *b, const struct augmentation *all, guint from, guint n,
			   struct learned *of_batch, GError **error)
{
	const struct sample_shape *shape = &f->work->shape;
	const struct augmentation *of = all + from * sample_pictures(shape);
	guint64 first = (gsize)b->tag + from, seed = f->seed;
	int device = f->device.index;

	tensor_seed(random_hash(seed, (guint64)f->now.epoch, first, PURPOSE_DROPOUT));

	SCOPE(s, NULL, 0);
	int before = stage_enter("augmenting");
	tensor *x = input_values(s, b->bytes + from * sample_bytes(shape), n, shape, device);
	tensor *values = augmented(s, x, shape, of, n, device);
	x = input_normalise(s, f->model, values, shape, device);
	stage_leave(before);
	tensor *target = t_from(s, b->targets + from * (gsize)shape->targets, DIMS(n, shape->targets), T_F32, device);
	if (shape->map > 0)
		target = map_targets_move(s, target, shape->map, augment_grid(s, of, n, shape->height, shape->width, device));
	SCOPE(net, s, f->device.flags | (f->keeps ? 0 : SCOPE_TRAIN));
	tensor *y = t_to(net, model_forward(f->model, net, x, NULL), T_F32, device);
	tensor *mean = f->work->task->loss(f->work, net, y, target, f->smoothing);
	const double share = (double)n / b->n;
	tensor *sum = shape->screen ? t_add(net, mean, screen_loss(f, net, values, target, y)) : mean;
	t_backward(net, n < b->n ? t_affine(net, sum, share, 0) : sum);
	const gboolean last = from + n == b->n;
	tensor *gradient = last ? t_grad_norm(net, f->model->params, 0, f->model->own) : NULL;
	tensor *screen = last && shape->screen ? t_grad_norm(net, f->model->params, f->model->own, G_MAXSIZE) : NULL;
	of_batch->loss += share * t_item(net, mean);    /* what a GPU is waited for, with all of its work under way */
	if (gradient != NULL)
		of_batch->gradient = t_item(net, gradient);
	if (screen != NULL)
		of_batch->screen = t_item(net, screen);
	return !failed(net, "training step", f, error); /* and so of s */
}

/* From parameter `from` on. */
static void zero_gradients(struct fit *f, gsize from)
{
	for (gsize i = from; i < scope_count(f->model->params); i++)
		t_zero_grad(scope_at(f->model->params, i, NULL, NULL));
}

/* All of a batch, in parts; where the memory of the device does not hold one, in smaller ones from then on. */
static gboolean learn(struct fit *f, struct batch *b, struct learned *l, GError **error)
{
	g_autofree struct augmentation *augmentations = g_new(struct augmentation, b->n * sample_pictures(&f->work->shape));
	const int before = stage_enter("augmenting");

	blend(f->settings, f->strength, f->seed, (guint64)f->now.epoch, (gsize)b->tag, &f->work->shape, b->bytes, b->targets, b->n);
	draw_augmentations(f, b, augmentations);
	stage_leave(before);
	for (;;) {
		g_autoptr(GError) wrong = NULL;
		gboolean ok = TRUE;
		const guint parts = (b->n + f->memory.part - 1) / f->memory.part, part = (b->n + parts - 1) / parts;
		*l = (struct learned){ 0 };
		for (guint from = 0; ok && from < b->n && isfinite(l->loss); from += part)      /* alike, for batch norms */
			ok = learn_part(f, b, augmentations, from, MIN(part, b->n - from), l, &wrong);
		if (ok)
			return TRUE;
		zero_gradients(f, 0);
		if (!g_error_matches(wrong, FAULT, FAULT_ROOM) || f->memory.part <= 1) {
			g_propagate_error(error, g_steal_pointer(&wrong));
			return FALSE;
		}
		f->memory.part = (MIN(f->memory.part, b->n) + 1) / 2;
		log_warn("memory", "epoch %" G_GINT64_FORMAT " step %" G_GINT64_FORMAT ": %s; it goes on with %u at once",
			 f->now.epoch + 1, f->now.at + 1, wrong->message, f->memory.part);
	}
}

/* A batch of which nothing could be read is left out, after a little while: whatever the data come from may be back then. Where
   it is not for as long as one read is waited for, the run ends, before it goes through all its steps without learning. */
static gboolean leave_out(struct fit *f, GError **error)
{
	enum { UNREAD_MOST = 20 };
	const double now = log_seconds(), patience = work_patience(f->work);

	if (f->unread++ == 0)
		f->unread_at = now;
	if (f->unread >= UNREAD_MOST && now - f->unread_at >= patience) {
		g_set_error(error, FAULT, FAULT_DATA, "no sample of the last %u batches could be read, for %.0f s: is '%s' still there? "
			    "Started again, it goes on from the last point that was saved", f->unread, now - f->unread_at,
			    f->settings->paths.train);
		return FALSE;
	}
	const double wait = MIN(1, patience / UNREAD_MOST);
	for (int i = 0; i < 10 && stop_asked() == NULL; i++)
		g_usleep((gulong)(wait * G_USEC_PER_SEC / 10));
	return TRUE;
}

/* What is not finite would stay in the weights for good. */
static gboolean leave_step(struct fit *f, const struct learned *l, GError **error)
{
	const char *what = isfinite(l->loss) ? "gradient" : "loss";

	zero_gradients(f, 0);
	log_warn("loss", "epoch %" G_GINT64_FORMAT " step %" G_GINT64_FORMAT ": the %s is not finite; the step is left out; a lower "
		 "training.learning_rate helps", f->now.epoch + 1, f->now.at + 1, what);
	if (++f->now.not_finite < NOT_FINITE_MAX)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DIVERGED, "the %s was not finite %d times in a row; try --set training.learning_rate=%g", what,
		    NOT_FINITE_MAX, optim_rate(f->settings) / 10);
	return FALSE;
}

/* Its other steps and the network's go on. */
static void leave_screen(struct fit *f)
{
	log_warn("screen", "epoch %" G_GINT64_FORMAT " step %" G_GINT64_FORMAT ": the gradient of the screen is not finite: it takes no step",
		 f->now.epoch + 1, f->now.at + 1);
	zero_gradients(f, f->model->own);
}

/* Pascanu et al. 2013. from, n: parameters; norm: of their gradients. */
static void clip(struct fit *f, scope *s, gsize from, gsize n, double norm)
{
	const double most = f->settings->training.clip;

	if (most > 0 && norm > most)
		t_grad_scale_(s, f->model->params, from, n, most / norm);
}

gboolean fit_step(struct fit *f, struct batch *b, double *loss, GError **error)
{
	struct learned l;

	*loss = NAN;
	if (!fill_gaps(f, b))
		return leave_out(f, error);
	f->unread = 0;
	fit_enter_phase(f);
	if (!learn(f, b, &l, error))
		return FALSE;
	if (!isfinite(l.loss) || !isfinite(l.gradient))
		return leave_step(f, &l, error);
	*loss = l.loss;
	f->now.not_finite = 0;
	f->gradient = l.gradient;
	f->gradient_sum += l.gradient;
	f->gradients++;
	SCOPE(s, NULL, 0);
	clip(f, s, 0, f->model->own, l.gradient);
	if (isfinite(l.screen))
		clip(f, s, f->model->own, G_MAXSIZE, l.screen);
	else
		leave_screen(f);
	optim_step(f->optim, s, fit_rate(f), f->settings->training.weight_decay);
	zero_gradients(f, 0);
	if (f->average != NULL)
		average_step(s, f->average, f->model, f->settings->training.average, f->now.step);
	return !failed(s, "optimiser step", f, error);
}
