/* slide_copy.c - training's slides on a local disk, where load.cache asks for it. */
#include "common/log/log.h"
#include "common/slide/copies.h"
#include "common/task/slide_work.h"

void slide_copy_begin(struct work *w)
{
	struct slide_work *sw = slide_work_of(w);
	const struct settings *s = w->settings;
	g_autoptr(GError) error = NULL;

	if (s->load.cache <= 0)
		return;
	g_autofree struct slide **slides = g_new0(struct slide *, w->n_cases);
	for (guint i = 0; i < w->n_cases; i++)
		slides[i] = w->cases[i].ready && !w->cases[i].given_up ? sw->slides[i].slide : NULL;
	sw->copies = copies_begin(s->load.folder, (guint64)s->load.cache, work_patience(w), slides, w->n_cases, &error);
	if (sw->copies == NULL)
		log_warn("copies", "load.cache: %s; slides are read where they are", error->message);
}

void slide_copy_end(struct work *w, gboolean keep)
{
	struct slide_work *sw = slide_work_of(w);
	struct copies_report r;

	if (sw->copies == NULL)
		return;
	copies_end(sw->copies, keep, &r);
	sw->copies = NULL;
	log_keep("copies", "copies copied=%u found=%u read=%u no_room=%u failed=%u", r.copied, r.taken, r.read, r.no_room, r.failed);
	if (r.no_room > 0)
		log_warn("copies", "%u slides found no room below '%s' and were read where they are; a larger load.cache, or a larger disk "
			 "by load.folder, holds more", r.no_room, w->settings->load.folder);
	if (r.why != NULL)
		log_warn("copies", "%s; it was read where it is", r.why);
	copies_report_clear(&r);
}
