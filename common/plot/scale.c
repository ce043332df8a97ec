/* scale.c - see scale.h. */
#include "common/plot/scale.h"
#include <math.h>

#define MOST 1e100      /* of an end: differences and products stay finite */

/* The smallest of 1, 2, 5, 10 times a power of ten that is not below. */
static double round_up(double step)
{
	double power = pow(10, floor(log10(step))), times = step / power;

	return power * (times <= 1 + 1e-9 ? 1 : times <= 2 + 1e-9 ? 2 : times <= 5 + 1e-9 ? 5 : 10);
}

/* most: the largest of the values that share a unit. */
static void write_tick(struct scale *s, double value, double step, double most)
{
	static const struct { double at; const char *unit; } units[] = { { 1e9, "G" }, { 1e6, "M" }, { 1e4, "k" } };
	double divisor = 1;
	const char *unit = "";
	char *text = s->text[s->n];

	for (gsize i = 0; i < G_N_ELEMENTS(units) && divisor <= 1; i++)
		if (most >= units[i].at && value != 0) {
			divisor = MIN(units[i].at, units[i].at <= 1e4 ? 1e3 : units[i].at);
			unit = units[i].unit;
		}
	double digits = ceil(-log10(step / divisor) - 1e-6);
	if (most >= 1e13 || digits > 4)
		g_snprintf(text, sizeof s->text[0], "%.3g", value);
	else
		g_snprintf(text, sizeof s->text[0], "%.*f%s", (int)MAX(digits, 0), value / divisor, unit);
	char *zeros = strchr(text, 'e');        /* 2e-05: 2e-5 */
	if (zeros != NULL && zeros[1] != '\0' && zeros[2] == '0')
		memmove(zeros + 2, zeros + 3, strlen(zeros + 3) + 1);
}

static void add_tick(struct scale *s, double value, double step)
{
	if (s->n == SCALE_TICKS)
		return;
	write_tick(s, value, step, s->log ? value : MAX(fabs(s->low), fabs(s->high)));
	s->tick[s->n++] = value;
}

static void linear_ticks(struct scale *s, guint about, enum scale_flags flags)
{
	double step = round_up((s->high - s->low) / about);

	if (flags & SCALE_WHOLE)
		step = MAX(step, 1);
	if (!(flags & SCALE_ENDS)) {
		s->low = step * floor(s->low / step + 1e-6);
		s->high = step * ceil(s->high / step - 1e-6);
		if (s->high <= s->low)
			s->high = s->low + step;
	}
	double first = ceil(s->low / step - 1e-6);
	for (int i = 0; i < SCALE_TICKS && step * (first + i) <= s->high + step * 1e-6; i++)
		add_tick(s, step * (first + i), step);
	if (s->n == 0)          /* no whole number lies between the ends */
		add_tick(s, s->low, s->high - s->low);
}

/* Powers of ten; of few decades also twice and five times of them. */
static void log_ticks(struct scale *s, guint about, enum scale_flags flags)
{
	static const double times[] = { 1, 2, 5 };
	double first = floor(log10(s->low) + 1e-9), last = ceil(log10(s->high) - 1e-9);
	double every = MAX(1, ceil((last - first) / about));
	gboolean few = last - first <= 2;

	if (!(flags & SCALE_ENDS) && !few) {
		s->low = pow(10, first);
		s->high = pow(10, last);
	}
	for (double power = first; power <= last; power += every)
		for (int i = 0; i < (few ? 3 : 1); i++) {
			double value = times[i] * pow(10, power);

			if (value >= s->low * (1 - 1e-9) && value <= s->high * (1 + 1e-9))
				add_tick(s, value, value);
		}
	if (s->n == 0)
		add_tick(s, s->low, s->high - s->low);
}

void scale_init(struct scale *s, double least, double most, guint about, enum scale_flags flags)
{
	if (!isfinite(least) || !isfinite(most)) {
		least = 0;
		most = 1;
	}
	*s = (struct scale){ .low = CLAMP(MIN(least, most), -MOST, MOST), .high = CLAMP(MAX(least, most), -MOST, MOST) };
	double size = MAX(fabs(s->low), fabs(s->high));
	if (s->high - s->low <= size * 1e-9 || size < 1 / MOST) {       /* one value: some room around it */
		s->low -= size * 0.1;
		s->high += size < 1 / MOST ? 1 : size * 0.1;
	}
	s->log = (flags & SCALE_LOG) && s->low >= 1 / MOST;
	about = CLAMP(about, 2, 10);
	if (s->log)
		log_ticks(s, about, flags);
	else
		linear_ticks(s, about, flags);
}

double scale_place(const struct scale *s, double value)
{
	double place = s->log ? log(value / s->low) / log(s->high / s->low) : (value - s->low) / (s->high - s->low);

	if (s->log && value <= 0)
		return 0;
	return isnan(value) ? NAN : CLAMP(place, 0, 1);
}
