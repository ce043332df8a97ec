/*
 * options.h - the command line that train and inference share.
 *
 *   --config FILE   settings (default: data.yaml here, else beside the program, else one folder up;
 *                   with none of them, the defaults, as `source` then says)
 *   --data DIR      moves the four paths to DIR/train, DIR/test, DIR/model, DIR/output
 *   --set KEY=VALUE any key of data.yaml, as often as wanted; wins over the file and --data
 *   --settings      print all settings as they apply, and end
 *   --print KEY     print one value a line, for scripts, and end; may be repeated
 *   --help, --version
 *
 * Errors: FAULT_USAGE, one line; FAULT_FAILED where stdout cannot be written.
 */
#pragma once
#include "common/config/config.h"

G_BEGIN_DECLS

#define BLINDRUN_VERSION "0.1.0"

struct options {
	struct settings *settings;
	char *source;   /* the file they came from, or "defaults" */
	gboolean done;  /* --help, --version or --settings was answered on stdout: end with 0. After the
	                   first two, settings are the defaults: no file is read for them */
};

/* summary is for --help; extra_opt: options of this program alone, ended by G_OPTION_ENTRY_NULL.
   argv is not changed. */
gboolean options_parse(struct options *options, int argc, char *const *argv, const char *summary,
		       const GOptionEntry *extra_opt, GError **error);
void options_clear(struct options *options);

G_END_DECLS
