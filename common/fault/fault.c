/* fault.c - see fault.h. */
#include "common/fault/fault.h"
#include <gio/gio.h>

G_DEFINE_QUARK(blindrun-fault, fault)

int fault_exit_code(const GError *error)
{
	if (error == NULL)
		return 0;
	if (error->domain == FAULT)
		return error->code;
	if (g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC) ||
	    g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOMEM) ||
	    g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
		return FAULT_ROOM;
	if (error->domain == G_OPTION_ERROR)
		return FAULT_USAGE;
	return FAULT_FAILED;
}
