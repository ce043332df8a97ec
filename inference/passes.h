/*
 * passes.h - the model over all cases: coarsely first, then as plan.h says, until all is done or the time is over.
 *
 * Bags (answers_set_bags) are made where a pass looks at all of a case: what a coarse one says is without them.
 *
 * A complete answer that the model gave is on disk after the first pass, and the best so far after each. The log
 * names each plan before it begins and what came of it: "plan pass=2 share=0.25 ...", "scanned pass=2 ...".
 */
#pragma once
#include "common/model/memory.h"
#include "inference/answer.h"
#include "inference/colours.h"

G_BEGIN_DECLS

/* Ends well at inference.time, and at stop_asked(). Errors are the network's; what was scored so far is kept. */
gboolean passes_run(struct work *work, struct model *const *models, guint n_models, const struct device *device,
		    const struct memory *memory, struct answers *answers, struct colours *colours, GError **error);

G_END_DECLS
