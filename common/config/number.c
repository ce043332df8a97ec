/*
 * number.c - numbers and times as text. They are read and written in the C locale whatever the user's
 * is, and in full: "96px", "0x60" and "nan" are none.
 */
#include "common/config/keys.h"
#include <errno.h>
#include <math.h>

gboolean number_parse(const char *text, const char **end, double *number)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char *behind;
	double value;

	if (!g_ascii_isdigit(*digits) && *digits != '.')
		return FALSE; /* space, nan, inf */
	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
		return FALSE;
	errno = 0;
	value = g_ascii_strtod(text, &behind);
	if (behind == text || errno == ERANGE)
		return FALSE;
	*number = value + 0.0; /* no negative zero */
	*end = behind;
	return TRUE;
}

char *number_print(double number)
{
	static const char *const formats[] = { "%.15g", "%.16g", "%.17g" };
	char text[G_ASCII_DTOSTR_BUF_SIZE];
	const char *exponent;

	for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
		g_ascii_formatd(text, sizeof text, formats[i], number);
		if (g_ascii_strtod(text, NULL) == number)
			break;
	}
	exponent = strchr(text, 'e'); /* 1e-8 rather than 1e-08 */
	if (exponent)
		return g_strdup_printf("%.*se%d", (int)(exponent - text), text, (int)g_ascii_strtoll(exponent + 1, NULL, 10));
	return g_strdup(text);
}

gboolean whole_number_parse(const char *text, gint64 *number)
{
	char *end;

	if (!g_ascii_isdigit(text[*text == '-' || *text == '+']))
		return FALSE;
	errno = 0;
	*number = g_ascii_strtoll(text, &end, 10);
	return *end == '\0' && errno == 0;
}

static const struct {
	char letter;
	int seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

gboolean duration_parse(const char *text, double *seconds)
{
	gsize unit = 0;
	double sum = 0, number;
	const char *end;

	if (number_parse(text, &end, &number) && *end == '\0') {
		*seconds = number;
		return TRUE;
	}
	do {
		if (!g_ascii_isdigit(*text) || !number_parse(text, &end, &number))
			return FALSE;
		while (unit < G_N_ELEMENTS(units) && units[unit].letter != *end)
			unit++;
		if (unit == G_N_ELEMENTS(units))
			return FALSE;
		sum += number * units[unit++].seconds;
		text = end + 1;
	} while (*text);
	*seconds = sum;
	return TRUE;
}

static const struct {
	char letter;
	double bytes;
} sizes[] = { { 'T', 1e12 }, { 'G', 1e9 }, { 'M', 1e6 }, { 'K', 1e3 } };

gboolean size_parse(const char *text, double *bytes)
{
	const char *end;
	double number;

	if (!number_parse(text, &end, &number))
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
		if (*end == sizes[i].letter) {
			number *= sizes[i].bytes;
			end++;
			break;
		}
	*bytes = number;
	return *end == '\0';
}

char *size_print(double bytes)
{
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) { /* 1500G rather than 1.5T */
		const double whole = bytes / sizes[i].bytes;
		if (whole >= 1 && whole == floor(whole))
			return g_strdup_printf("%.0f%c", whole, sizes[i].letter);
	}
	return number_print(bytes);
}

char *duration_print(double seconds)
{
	g_autoptr(GString) text = NULL;
	gint64 left = (gint64)seconds;

	if (seconds == 0 || (double)left != seconds)
		return number_print(seconds);
	text = g_string_new(NULL);
	for (gsize i = 1; i < G_N_ELEMENTS(units); i++) { /* 28h rather than 1d4h */
		if (left >= units[i].seconds)
			g_string_append_printf(text, "%d%c", (int)(left / units[i].seconds), units[i].letter);
		left %= units[i].seconds;
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}
