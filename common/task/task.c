/* task.c - the table of tasks. */
#include "common/task/task.h"
#include "common/fault/fault.h"

static const struct task *const tasks[] = { &slide_classification };

const struct task *task_find(const char *name, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(tasks); i++) {
		if (g_str_equal(tasks[i]->name, name))
			return tasks[i];
		g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", tasks[i]->name);
	}
	g_set_error(error, FAULT, FAULT_USAGE, "task: '%s' is unknown; there are %s", name, known->str);
	return NULL;
}

void look_clear(struct look *look)
{
	g_free(look->content);
	g_free(look->reason);
	g_clear_pointer(&look->doubts, g_ptr_array_unref);
	*look = (struct look){ 0 };
}
