/* regions.c - see regions.h. A root is its region's first run. */
#include "common/slide/regions.h"
#include "common/slide/union_find.h"

guint32 regions_label(const struct region_run *runs, const guint32 *rows, guint32 height, gboolean diagonal,
		      guint32 *label)
{
	guint32 reach = diagonal ? 1 : 0, n = 0;

	for (guint32 i = 0; i < rows[height]; i++)
		label[i] = i;
	for (guint32 y = 1; y < height; y++) {
		guint32 up = rows[y - 1], here = rows[y];

		while (up < rows[y] && here < rows[y + 1]) {
			if (runs[up].start < runs[here].end + reach && runs[here].start < runs[up].end + reach)
				union_join(label, up, here);
			if (runs[up].end < runs[here].end)
				up++;
			else
				here++;
		}
	}
	/* A parent is never later than its child: it has its number before. */
	for (guint32 i = 0; i < rows[height]; i++)
		label[i] = label[i] == i ? n++ : label[label[i]];
	return n;
}
