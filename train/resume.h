/*
 * resume.h - what a model folder holds for a run that starts over it: nothing, a run to go on with, or one that
 * is done.
 *
 * The manifest's member "resume" has what it needs: "settings" of that run, its "state" (train/state.h),
 * "held", the cases held out, "out_of_fold", what was said of them, "hard", hard samples, "cases" and "listed", which there
 * were, "facts", what the data had settled, and "history"; the file of the role "state" has the tensors.
 *
 * An unfinished run of other settings is refused, by the first key that differs (but for those that change no
 * weights: paths, threads, times, how answers are written). Where a run is finished and other settings are wanted,
 * where it has another name (training.run), or its state is damaged, a new run begins; the model that is there
 * stays until the new run has one that was validated.
 */
#pragma once
#include "common/checkpoint/model_folder.h"
#include "common/task/task.h"
#include "train/state.h"

G_BEGIN_DECLS

struct resume {
	struct state state;
	JsonObject *facts;      /* as struct task's facts() gave them */
	JsonArray *history;
	GPtrArray *held;        /* by member: identifiers of the cases held out (GHashTable, a set) */
	JsonArray *out_of_fold; /* out_of_fold.h */
	char *hard;             /* mine_to_text() of its hard samples */
	char *cases, *listed;   /* case_sum() of what could be opened, and of all: are the data those that the run began with? */
	char *file;             /* the state's tensors; NULL: the run is finished */
};

/* *out: NULL where a new run begins; resume_free. fresh: begin anew whatever is there. FAULT_USAGE for a run of
   other settings. */
gboolean resume_find(const struct model_folder *folder, const struct settings *settings, gboolean fresh,
		     struct resume **out, GError **error);
void resume_free(struct resume *resume);
typedef struct resume resume_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(resume_t, resume_free)

/* The manifest's member "resume". history: a new reference is taken; held: by member, taken. */
JsonObject *resume_to_json(const struct work *work, const struct state *state, JsonObject *facts, JsonArray *history,
			   JsonArray *held);
/* {"tiles.size": "256", ...}: all settings. */
JsonObject *resume_settings_json(const struct settings *settings);

G_END_DECLS
