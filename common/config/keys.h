/*
 * keys.h - the table of keys behind config.h, for the files of this folder alone.
 *
 * One row says all there is to say of a key; parser, messages, data.yaml and --help follow from it.
 * Functions on values name neither file nor key: what they lack, the caller puts in front.
 */
#pragma once
#include "common/config/config.h"

G_BEGIN_DECLS

enum key_type {
	/* char *, of a length from min to max bytes, in UTF-8 and on one line */
	KEY_TEXT,
	KEY_FILE,    /* a file's name, without folder */
	KEY_PATTERN, /* a path with {name}; words are the names it may have in braces */
	KEY_DEVICE,  /* auto, cpu, cuda, cuda:N */
	/* int, from min to max */
	KEY_COUNT,   /* where there are words, one of these numbers */
	/* double, from min to max */
	KEY_NUMBER,
	KEY_WORD_OR_NUMBER, /* or one of words; word i is stored as -i */
	KEY_DURATION,       /* s */
	KEY_SIZE,           /* bytes */
	/* others */
	KEY_SWITCH, /* gboolean */
	KEY_CHOICE, /* an enum; word i is stored as i */
	KEY_LIST,   /* char **, min to max different names, NULL-terminated */
};

struct key {
	const char *name; /* "tiles.size" */
	enum key_type type;
	gsize offset;     /* in struct settings */
	const char *standard; /* the default, as settings_set() takes it */
	double min, max;
	const char *words; /* "auto level0" */
	const char *help;  /* the comment in data.yaml, without the range; may have more lines */
};

struct section {
	const char *name, *help;
};

/* Rows in the order of data.yaml; a section's rows stand together. Both end with a NULL name. */
extern const struct key key_table[];
extern const struct section section_table[];

#define KEY_NONE (-1)
/* A row's index, or KEY_NONE. */
int key_find(const char *name);
/* The section's row, or NULL. */
const struct section *section_find(const char *name);
/* The dotted key, or section, that was probably meant; NULL where none is near. */
const char *key_nearest(const char *name);
const char *section_nearest(const char *name);
/* Whether the key is in that section; whether its field is a char *. */
gboolean key_is_in(const struct key *key, const char *section);
gboolean key_is_text(const struct key *key);
/* "size" of "tiles.size". */
const char *key_last_part(const char *name);

/* FAULT_USAGE, on one line whatever the arguments hold. Always FALSE. */
gboolean usage_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* WHERE KEY: a message for a key or section that does not exist. Always FALSE. */
gboolean unknown_key_error(GError **error, const char *where, const char *name);
gboolean unknown_section_error(GError **error, const char *where, const char *name);
/* WHERE SECTION: a message for a section that was given a value. Always FALSE. */
gboolean section_value_error(GError **error, const char *where, const char *name);
/* Text for a message: cut where long. */
char *excerpt(const char *text);

struct settings *settings_copy(const struct settings *settings);

/* What a value must be: "a whole number from 16 to 4096". */
char *value_expected(const struct key *key);
/* What the comment says of it: "16..4096", "cosine, plateau, constant"; NULL: nothing. */
char *value_range(const struct key *key);
/* FALSE: does not fit, and settings are as before. The second one is for KEY_LIST alone. */
gboolean value_set(struct settings *settings, const struct key *key, const char *text);
gboolean value_set_list(struct settings *settings, const struct key *key, char *const *names);
char *value_get(const struct settings *settings, const struct key *key);
/* In a struct that was copied as bytes: its text becomes its own. */
void value_own(struct settings *settings, const struct key *key);
void value_clear(struct settings *settings, const struct key *key);

/* "a, b" or "[a, 'b']" to its parts, NULL where it is no such list; and back. */
char **yaml_split(const char *text);
char *yaml_join(char *const *parts);

/* A decimal number that text begins with; end is set behind it. */
gboolean number_parse(const char *text, const char **end, double *number);
gboolean whole_number_parse(const char *text, gint64 *number);
/* 5400, 90s, 1h30m: larger units first, each at most once. */
gboolean duration_parse(const char *text, double *seconds);
/* The shortest decimal text that reads back as the same number. */
char *number_print(double number);
char *duration_print(double seconds);
/* Bytes, or with a unit of 1000 behind: "20G", "1.5T", "500M", "64K". */
gboolean size_parse(const char *text, double *bytes);
char *size_print(double bytes);

G_END_DECLS
