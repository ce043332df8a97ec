/* near.c - see near.h. */
#include "common/config/near.h"
#include <string.h>

static gboolean same(char a, char b) { return g_ascii_tolower(a) == g_ascii_tolower(b); }

int near_distance(const char *a, const char *b)
{
	enum { MOST = 60 };
	int rows[3][MOST + 1];
	int *two_up = rows[0], *up = rows[1], *row = rows[2];
	int m = (int)strlen(a), n = (int)strlen(b);

	if (m > MOST || n > MOST)
		return G_MAXINT;
	for (int j = 0; j <= n; j++)
		up[j] = j;
	for (int i = 1; i <= m; i++) {
		int *oldest = two_up;

		row[0] = i;
		for (int j = 1; j <= n; j++) {
			row[j] = up[j - 1] + !same(a[i - 1], b[j - 1]);
			row[j] = MIN(row[j], MIN(up[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = MIN(row[j], two_up[j - 2] + 1);
		}
		two_up = up;
		up = row;
		row = oldest;
	}
	return up[n];
}

gboolean near_enough(int letters, const char *name)
{
	return letters <= (int)(strlen(name) + 1) / 3;
}
