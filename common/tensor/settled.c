/* settled.c - see settled.h. */
#include "common/tensor/settled.h"

gboolean scope_settled(const scope *s, const char *what, enum fault otherwise, GError **error)
{
	const char *message;
	const enum scope_err failure = scope_error(s, &message);

	if (failure != SCOPE_OK)
		g_set_error(error, FAULT, failure == SCOPE_NO_MEMORY ? (int)FAULT_ROOM : (int)otherwise, "%s: %s", what, message);
	return failure == SCOPE_OK;
}
