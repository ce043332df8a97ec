/*
 * task.h - what differs between competitions, and nothing else does.
 *
 * A case is what is answered for (a slide, a patient); a sample is what the network sees (a tile, a patch);
 * the outputs of a case's samples become its answer. A task is a table of functions over these three;
 * settings, split, sampler, loader, augmentation, networks, fit, validation, checkpoints and inference are
 * written against this header alone.
 *
 * Life of a work: open lists the cases of a phase; prepare looks into one (in any thread, once a case) so
 * that its samples can be counted, picked, planned and read; release forgets that; close. Look is for a report
 * on the data: it may be called at any time in between, and changes nothing.
 *
 * Ownership: work and all it points to belong to the task, from open to close.
 * Errors:    FAULT_DATA with the case's identifier. A case that cannot be prepared is left out of training
 *            and answered with the fallback; it never ends a run.
 * Hanging:   a read, look or prepare that takes longer than work->patience is given up, and its case with it. What
 *            prepare makes is the case's only between case_change_begin and _end.
 * Threads:   prepare, release, look, read and picture in any thread (one case is prepared by one thread, before any
 *            read of it); all else on the main thread.
 */
#pragma once
#include "common/answer/answer_file.h"
#include "common/config/config.h"
#include "common/image/fingerprint.h"
#include "common/metrics/metrics.h"
#include "common/tensor/tensor.h"
#include <json-glib/json-glib.h>
#include <math.h>

G_BEGIN_DECLS

enum phase { PHASE_TRAIN, PHASE_TEST };

/* Names one thing that the network sees. Only the task reads more than `item`. */
struct sample {
	guint32 item;           /* its case, an index of work->cases */
	guint32 variant;        /* 0: as it is */
	guint32 coarse;         /* 1: a coarse look, of variant 0, by the network's screen (sample_shape.screen) */
	gint32 at[3];
};

/* What read() fills, of a coarse sample as sample_shape_of() says: 1 + more pictures of height * width * channels bytes, channels
   together; and `targets` numbers. The last map * map of them, where there is a map, are one number a cell of the sample, row by row:
   they move with its pixels. */
struct sample_shape {
	int channels, height, width, targets, map, more;
	int input;              /* px, height and width, that the network gets them enlarged to; 0: as they are */
	gboolean screen;        /* it has a screen (common/model/model.h), which learns beside it */
};
enum { SCREEN_SIDE = 48 };      /* px, the most that a screen sees: more costs more, less may be too little to see anything */
static inline guint sample_pictures(const struct sample_shape *s) { return 1 + (guint)s->more; }
static inline gsize sample_pixels(const struct sample_shape *s)        /* of one picture */
{
	return (gsize)s->height * (gsize)s->width;
}
static inline gsize sample_input(const struct sample_shape *s)         /* pixels of one picture, to the network */
{
	return s->input > 0 ? (gsize)s->input * (gsize)s->input : sample_pixels(s);
}
static inline gsize sample_bytes(const struct sample_shape *s)
{
	return sample_pictures(s) * sample_pixels(s) * (gsize)s->channels;
}
/* Of a coarse sample: all that the first picture shows, and no more detail than the screen sees. */
static inline struct sample_shape sample_shape_of(const struct sample_shape *s, gboolean coarse)
{
	struct sample_shape out = *s;

	if (!coarse)
		return out;
	out.height = MIN(s->height, SCREEN_SIDE);
	out.width = MIN(s->width, SCREEN_SIDE);
	out.more = out.input = 0;
	return out;
}

enum given_up { GIVEN_UP_NOT, GIVEN_UP_LATE, GIVEN_UP_AT_STOP, GIVEN_UP_AT_END };

struct work_case {
	char *id;
	int label;              /* index of its class; -1: not known */
	char *group;            /* cases of one group are never split; NULL: a group of its own */
	guint stratum;          /* the split keeps shares of these: class, lesion size */
	gboolean ready;         /* prepare succeeded */
	char *left_out;         /* why it is not used; NULL: it is, or open() said why */
	double size;            /* for reports by size (lesion um2; 0: none, or not known) */
	gint given_up;          /* enum given_up, atomic; a thread hangs in it: nothing touches it, nor frees it */
};

/* Bytes that reading takes at most, beside the batches: whatever the number of threads, and each of them. */
struct task_reading { guint64 all, thread; };

/* What a look at one case found. Zeroed before; look_clear() after. */
enum { LOOK_NUMBERS = 12, LOOK_STAIN = 4 };
struct look_number { const char *name; double value; }; /* static, with its unit: "width_px" */
struct look {
	char *content;          /* equal where the content is, byte by byte; NULL: not known */
	struct fingerprint print; /* of a small picture of it */
	gboolean coloured;
	double colour[3];       /* where coloured: mean optical density (natural) in red, green, blue */
	gboolean stained;
	double stain[LOOK_STAIN]; /* where stained: numbers by which stains are compared; the task's own */
	guint tried, failed;    /* samples that were read, spread over the case */
	char *reason;           /* why the first of them failed */
	GPtrArray *doubts;      /* char *: sentences, each with the case and what to do; NULL: none */
	struct look_number numbers[LOOK_NUMBERS];
	guint n_numbers;
};
void look_clear(struct look *look);

struct work {
	const struct task *task;
	const struct settings *settings;        /* outlive the work */
	enum phase phase;
	struct sample_shape shape;
	int outputs;            /* of the network, a sample; a network that draws a map gives it behind them (model.h) */
	guint n_answers;        /* numbers of a case's answer, >= 1 */
	const struct answer_column *columns; /* (n_answers) what they are */
	guint n_cases;
	struct work_case *cases; /* (n_cases) sorted by id */
	char *listed;           /* case_sum() of all that were found, before any was opened; NULL: of those that there are */
	guint n_left_out;       /* that open found unusable, said in `notes`; later, too, those that have a `left_out` */
	GPtrArray *notes;       /* char *: sentences for stderr about the data */
	double patience;        /* s that a prepare or read may take, or that long after it last got on (jobs.h); 0: any */
	guint n_given_up;       /* cases; close() then leaves what hanging threads use */
};

/* A sum over identifiers and classes of all cases. g_free it. */
char *case_sum(const struct work *work);

struct task {
	const char *name;
	const char *noun;       /* what messages call a case */

	/* 1. Cases. `facts`: what the training data settled (a resolution, a fit of the score), kept in the
	   model folder: written in training, given to open() for PHASE_TEST, else NULL. */
	struct work *(*open)(const struct settings *settings, enum phase phase, JsonObject *facts_opt,
			     GError **error);
	void (*close)(struct work *work);
	gboolean (*prepare)(struct work *work, guint item, GError **error);
	void (*release)(struct work *work, guint item);
	/* While training's cases stay prepared: copies of them on a local disk are begun, where load.cache asks for them, and ended.
	   keep: for a run that goes on. NULL, both: none are made. */
	void (*copy_begin)(struct work *work);
	void (*copy_end)(struct work *work, gboolean keep);
	void (*facts)(const struct work *work, JsonObject *facts);
	struct task_reading (*reading)(const struct work *work);        /* before any is prepared */
	/* Makes a training case stand as a case of a test folder (paths.test), by links: for the rehearsal. */
	gboolean (*stage)(const struct work *work, guint item, const char *folder, GError **error);
	/* One line a case, key=value, and one for all. */
	char *(*describe)(const struct work *work, guint item);
	char *(*summary)(const struct work *work);
	/* Samples that a case which is prepared has in its first round. */
	guint64 (*samples)(const struct work *work, guint item);
	/* Opens a case, prepared or not, and reads a little of it everywhere. Fails where it cannot be opened. */
	gboolean (*look)(struct work *work, guint item, struct look *out, GError **error);
	/* Of all cases that are prepared together: a sentence with what to do, which the caller frees. NULL: there is none. */
	char *(*doubt)(const struct work *work);

	/* Of a case that is prepared: its mean optical density (natural) in red, green, blue. NULL: it has none. */
	void (*colour)(const struct work *work, guint item, double colour[3]);

	/* 2. Samples. For training a case has samples in each of n_strata strata; the sampler picks a
	   stratum by share and a case by how many it has (sampler.h); pick chooses one of its samples, and may move it,
	   by 64 random bits: the same ones give the same sample. The first stratum has what is sought. sure: is the sample
	   negative beyond doubt, so that it may be drawn more often where the network errs on it? read: bytes and, where known, targets. */
	int n_strata;
	const char *const *strata;
	double (*share)(const struct settings *settings, int stratum);
	guint32 (*count)(const struct work *work, guint item, int stratum);
	void (*pick)(const struct work *work, guint item, int stratum, guint64 random, struct sample *out);
	gboolean (*sure)(const struct work *work, const struct sample *sample);
	/* For answering: appends the samples that a case needs next, given what its first n gave (outputs:
	   n, `judged` numbers each; NAN where reading failed). Round 0 has n = 0: of all that the case has, in
	   their order, share_count() are taken, evenly over it; a larger share contains the smaller ones. Some may be
	   coarse looks (sample.coarse). Nothing appended ends. No state. */
	void (*next)(const struct work *work, guint item, int round, double share, const struct sample *samples,
		     const float *outputs, gsize n, GArray *out);
	gboolean (*read)(struct work *work, const struct sample *sample, guint8 *bytes, float *targets,
			 GError **error);

	/* 3. Objective. output (N, outputs, and those of its map), target (N, targets). loss: one number; smoothing: share of
	   a label that goes to all classes alike. judge: (N, judged), the first of which is higher for the positive. truth: of a
	   sample, by its first target, 1, 0, or -1 for neither. */
	int judged;
	tensor *(*loss)(const struct work *work, scope *s, const tensor *output, const tensor *target, double smoothing);
	tensor *(*judge)(const struct work *work, scope *s, const tensor *output);
	int (*truth)(const float *target);

	/* 4. Answer. features: of a case, from its samples; the first ranks cases. fit: from the features
	   of cases that the network did not learn from (n, n_features) to facts; said (n): the first number of each one's answer.
	   Its order is as by a fit that had not seen the case; its height is calibrated by all of them together, so what is
	   counted at a threshold is a little too good. answer: features (NULL:
	   it could not be read) to the first number of the answer, by which cases are ranked. further: of a case that is
	   prepared and was read, to the numbers behind the first (answer: work->n_answers; the first is there); NULL: there
	   are none. write: all answers (n_cases, work->n_answers). check: the file, read back: char * to wrong and to doubts
	   (common/answer/answer_check.h). */
	int n_features;
	void (*features)(const struct work *work, guint item, const struct sample *samples,
			 const float *outputs, gsize n, double *features);
	void (*fit)(const struct work *work, const guint *items, gsize n, const double *features,
		    JsonObject *facts, double *said);
	void (*answer)(JsonObject *facts_opt, const double *features_opt, double *answer);
	void (*further)(struct work *work, guint item, const struct sample *samples, const float *outputs, gsize n,
			double *answer);
	gboolean (*write)(const struct work *work, const double *answers, GError **error);
	gboolean (*check)(const struct work *work, const char *path, GPtrArray *wrong, GPtrArray *doubts,
			  GError **error);
	/* How good ranked cases are: the competition's metric, higher is better; and what the log calls the
	   AUC of samples. */
	const char *metric, *sample_metric;
	/* Classes of work_case.size, the smallest first, for reports: one's sizes are up to `most`. Ended by no name. */
	const struct size_class { const char *name; double most; } *sizes;
	struct interval (*measure)(const struct work *work, const guint *items, gsize n,
				   const double *features);

	/* 5. Pictures, for who looks; NULL: none. Of a case, prepared or not: itself, small, with what the network said laid
	   over it where it was said. share: of the samples of its first round that were taken: fewer stand for larger
	   areas, and show it. n 0: itself alone. A PNG, written beside and renamed. GFileError: of the file. Any thread. */
	gboolean (*picture)(struct work *work, guint item, double share, const struct sample *samples, const float *outputs,
			    gsize n, const char *path, GError **error);

	/* 6. Bags: a model from some of a case's samples together to one number for it, learned from the labels of cases alone
	   (common/score/attention.h); NULL: none. */
	const struct bag_task *bags;
};

struct bag_task {
	int feature;            /* of a case, that takes its logit; features() leaves it NAN */
	int (*label)(const struct work *work, guint item);      /* 1, 0; -1: not known, it takes no part */
	gboolean (*needed)(JsonObject *facts_opt);              /* does answer() make use of that feature? */
	/* What the samples of a bag are picked by: the highest of these. n: of samples, then of those of the first round. The caller
	   frees them. NULL: the first round's own outputs. */
	float *(*ranks)(const struct sample *samples, const float *outputs, gsize *n);
};

/* How many of a case's n samples a share is, 0 < share <= 1: never fewer than SHARE_LEAST, where there are. */
enum { SHARE_LEAST = 64 };
static inline guint64 share_count(double share, guint64 n)
{
	return MIN(n, MAX((guint64)ceil(share * (double)n), SHARE_LEAST));
}

/* Is it of the last class, whose probability is the answer? Not where its label is not known. */
static inline guint8 case_positive(const struct work *work, guint item)
{
	const int label = work->cases[item].label;

	return label >= 0 && work->settings->data.classes[label + 1] == NULL;
}

static inline const char *case_class(const struct work *work, guint item)
{
	const int label = work->cases[item].label;

	return label >= 0 ? work->settings->data.classes[label] : "?";
}

/* guint64, for each round of a case that is prepared: how many samples answering looks at in it, of such a share, as far as that
   does not follow from what they give. Main thread. */
GArray *task_rounds(const struct work *work, guint item, double share);

/* By settings->task. FAULT_USAGE, naming those there are. */
const struct task *task_find(const char *name, GError **error);

/* Are cases looked at coarsely first, and then in full where that says so? */
static inline gboolean work_coarse_first(const struct work *w)
{
	return w->phase == PHASE_TEST && w->shape.screen && w->settings->inference.effort < 1;
}

/* s: how long data that went away are waited for: as long as a read of them, or where reads have all time, 5 minutes. */
double work_patience(const struct work *work);
/* A prepare or read took longer than work->patience: every later read of the case fails at once. Says so in *error,
   FAULT_DATA. Main thread. */
void case_give_up(struct work *work, guint item, GError **error);
/* True and *error where it is given up. Any thread. */
gboolean case_given_up(const struct work *work, guint item, GError **error);
/* A case that is ready is not used: released, counted, and why is kept. Main thread. */
void case_leave_out(struct work *work, guint item, const char *why);
/* Around what prepare changes of a case; FALSE, and nothing may be changed, where it was given up meanwhile. */
gboolean case_change_begin(struct work *work, guint item, GError **error);
void case_change_end(void);

extern const struct task slide_classification;

G_END_DECLS
