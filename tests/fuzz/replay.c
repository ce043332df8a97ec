/*
 * replay.c - runs a fuzz target over files, and over the files of folders, given as arguments: what an
 * engine once found stays found, without the engine. Prints how many; a failure ends the program.
 */
#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	g_autofree char *text = NULL;
	g_autofree uint8_t *exact = NULL;
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	g_autoptr(GError) error = NULL;
	const char *name;
	gsize size;
	int count = 0;

	while (dir && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *below = g_build_filename(path, name, NULL);

		count += replay(below);
	}
	if (dir)
		return count;
	if (!g_file_get_contents(path, &text, &size, &error)) {
		fprintf(stderr, "replay: %s\n", error->message);
		exit(1);
	}
	exact = g_memdup2(text, size);
	LLVMFuzzerTestOneInput(exact, size);
	return 1;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		count += replay(argv[i]);
	printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
