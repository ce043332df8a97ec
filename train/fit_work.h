/*
 * fit_work.h - what the files of the fit share: fit.c goes through members and their epochs, fit_member.c makes a member, fit_step.c
 * takes steps, fit_phase.c says how, fit_mine.c seeks hard samples, fit_bags.c makes a model of bags, fit_save.c keeps what was
 * reached, fit_say.c tells of it.
 * Private to train/.
 */
#pragma once
#include "common/model/input.h"
#include "common/optim/optim.h"
#include "common/score/attention.h"
#include "train/fit.h"
#include "train/mine.h"
#include "train/out_of_fold.h"

G_BEGIN_DECLS

struct fit {
	const struct fit_job *job;
	struct work *work;
	const struct settings *settings;
	struct device device;
	struct memory memory;
	guint batch;
	sampler_t *sampler;
	struct loader *loader;
	model_t *model, *average;       /* average NULL: off */
	optim_t *optim;
	guint *held;                    /* (n_held) items */
	gsize n_held;
	guint64 held_samples;           /* that a validation reads, about */
	struct state now;
	GArray *hard;                   /* struct hard_sample: what was found, as saved with the state */
	double strength, smoothing;     /* of augmentation, 0..1; of labels: as the phase has it */
	struct out_of_fold judged_cases; /* by the weights in the folder, those of members before among them */
	guint64 seed;                   /* of this member */
	double deadline;                /* log_seconds() at which this member must be done; 0: none */
	double time;                    /* s that it had until then, when it was begun */
	struct attention *attention;    /* of this member, while it is saved */
	guint64 drawn;                  /* samples of this epoch pushed */
	/* of this process alone */
	guint unread;                   /* batches in a row of which nothing could be read */
	double unread_at;               /* log_seconds() at the first of them */
	double began, seconds_before;   /* log_seconds(); of the processes before */
	double step_s, wait_s, save_s;  /* training alone; of it, waiting; saving */
	double save_cost;               /* s, of the last save */
	guint64 samples;
	gint64 first_step;
	gint64 past_before;             /* steps of the epochs that are over, beyond what the plan that is gone on with has for them */
	JsonArray *history;
	JsonObject *about;              /* of the weights in the folder; NULL: there are none */
	gboolean judged;                /* they were validated, those of this member or of one before */
	double save_at;                 /* log_seconds() of the next point to go on from */
	GError *unsaved;                /* why the newest of the best was not saved, or NULL */
	gboolean cut;                   /* the time was over before the last epoch was judged */
	double planned_at;              /* log_seconds() of the last look at the plan */
	double gradient, gradient_sum;  /* Euclidean norm: the newest; of this epoch */
	gint64 gradients;               /* in the sum */
	double frozen;                  /* share of the steps, the first, in which the head alone learns */
	gboolean keeps;                 /* nothing learns: what was loaded tells more than what there is to learn from */
	double epoch_step_s;            /* step_s and samples as the epoch began */
	guint64 epoch_samples;
};

enum weights {
	WEIGHTS_STAY,           /* those in the folder */
	WEIGHTS_UNJUDGED,       /* the newest, since nothing better is known yet */
	WEIGHTS_BEST,           /* the newest: they were validated, and are the best */
	WEIGHTS_BAGS,           /* those in the folder, which are judged, and beside them the model of bags that goes with them */
};

/* fit_member.c: the member that f->now names, from its start or from where the job goes on with it; and its end. The epochs that it is
   set: PLAN_OPEN where it is the time that says. */
gboolean fit_member_start(struct fit *f, GError **error);
/* held_samples, by the share of them that is judged. */
void fit_count_held(struct fit *f);
void fit_member_end(struct fit *f);
guint fit_epochs_set(const struct settings *settings);

/* fit_save.c. Where the job goes on with a run: all of it is read. Else nothing. */
gboolean fit_restore(struct fit *f, GError **error);
/* A point to go on from, and the weights. */
gboolean fit_save(struct fit *f, enum weights which, GError **error);
/* The same when it is time to, or `now`. A save that fails is no end: what was saved before stays, it is said,
   and tried again in a minute. */
void fit_save_point(struct fit *f, gboolean now);
/* The same for the best, at the end of an epoch; patient: it is tried again for a while. */
gboolean fit_save_best(struct fit *f, const struct validation *validation, gboolean patient, GError **error);
/* The score of a case, fitted to facts by all that was said of cases that were held out; held_opt: the name of each and
   the probability that it would have got, with labels_opt 1 for each positive one, 0 for others. How good that is, by the task's
   metric. */
struct interval fit_judge(const struct fit *f, JsonObject *facts, JsonArray *held_opt, GString *labels_opt);

/* fit_phase.c: what progress decides, and nothing else. The learning rate now: */
double fit_rate(const struct fit *f);
/* strength, smoothing, and whether the body is frozen. */
void fit_enter_phase(struct fit *f);

/* fit_step.c: a batch, drawn and pushed to the loader; and one learned from. *loss: NAN where it was not finite. */
void fit_push(struct fit *f);
gboolean fit_step(struct fit *f, struct batch *batch, double *loss, GError **error);

/* fit_mine.c: seeks hard samples, where it is time to; gives f->hard to the sampler. The seconds an epoch that a search will
   take, about. */
gboolean fit_mine(struct fit *f, GError **error);
void fit_use_hard(struct fit *f);
double fit_mine_guess(const struct fit *f);

/* fit_bags.c: decides whether a model of bags is made, when costs.validation is known; s that are kept back for it;
   makes it and saves it, at the end of the member. What goes wrong there is said, and no error: FAULT_STOPPED alone is. */
void fit_bags_decide(struct fit *f);
double fit_bags_cost(const struct fit *f);
gboolean fit_bags(struct fit *f, GError **error);

/* A scan by the network that is validated. FAULT_STOPPED, and TRUE, where the program was asked to stop. */
struct scan fit_scan(const struct fit *f, double deadline);
gboolean fit_stopped(const struct fit *f, GError **error);

/* Progress; an epoch, as it stood at its end, before the state moved on; why training ends here. */
void fit_say_step(const struct fit *f);
void fit_say_epoch(const struct fit *f, const struct state *now, const struct validation *validation, gboolean saved);
void fit_say_ended(const struct fit *f);
/* Adds the epoch to the history, for the diagnosis: of very many, some. */
void fit_note_epoch(struct fit *f, const struct validation *validation);

G_END_DECLS
