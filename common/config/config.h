/*
 * config.h - the settings that a user writes: data.yaml and the command line, in one struct.
 *
 * Every key stands once, in the table of config.c: its name, type, range, default and help. From
 * that table come the parser, `--set`, `--settings`, the copy kept in a model folder, and the
 * messages for what does not fit. A key `tiles.size` is the field `tiles.size` here.
 *
 * Ownership: settings_new() to settings_free(); strings belong to the struct.
 * Errors:    FAULT_USAGE, one line: file, line, key, what was expected, and the nearest key:
 *            `data.yaml:12: tiles.sise: unknown key; did you mean tiles.size?`
 *            `data.yaml:14: tiles.tissue: expected a number from 0 to 1, not '1.5'`
 *            `--set tiles.size: expected a whole number from 16 to 4096, not 'big'`
 * Threads:   read-only after start.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

enum mpp_word { MPP_AUTO = 0, MPP_LEVEL0 = -1 };      /* tiles.mpp, where it is no number */
enum schedule { SCHEDULE_COSINE, SCHEDULE_PLATEAU, SCHEDULE_CONSTANT, SCHEDULE_ONE_CYCLE };
enum score_model { SCORE_MODEL_AUTO, SCORE_MODEL_MAX, SCORE_MODEL_TOP, SCORE_MODEL_LOGISTIC, SCORE_MODEL_ATTENTION };
enum normalise { NORMALISE_NONE, NORMALISE_DENSITY, NORMALISE_REINHARD, NORMALISE_MACENKO };
enum origin { ORIGIN_AUTO, ORIGIN_SLIDE, ORIGIN_SCANNED }; /* of what was drawn (data.origin) */
enum precision { PRECISION_AUTO, PRECISION_FP32, PRECISION_BF16 };

struct settings {
	char *competition;      /* a name, for the log */
	char *task;             /* which row of the table of tasks */
	struct {
		char *train, *test, *model, *output;
	} paths;
	struct {
		char *labels;       /* CSV (case, class), below paths.train; "": folders give the class */
		char *group;        /* CSV (case, group), below paths.train; "": every case is its own */
		char **classes;     /* 2 or more names, NULL-terminated; the last is the answer's */
		char *images;       /* pattern below paths.train, with {class} (where folders) and {name} */
		char *masks;        /* pattern below paths.train; "": none */
		int mask_scale;     /* level-0 px to a mask px, 1..1024 */
		char **tumour;      /* classes of drawn regions that are tumour, NULL-terminated; none: annotation.h says */
		enum origin origin; /* where their coordinates begin; auto: GeoJSON at the scanned part, XML at the slide */
		char *test;         /* pattern below paths.test, with {name} */
		double patience;    /* s: longest wait for a slide to open, or for one read of it; 0: without end */
	} data;
	struct {
		int size;           /* px, 16..4096 */
		double mpp;         /* um/px to read at; or enum mpp_word */
		double context;     /* a second picture of each place, so many times wider, of as many pixels; 1: none */
		double tissue;      /* least share of tissue, 0..1 */
		enum normalise normalise; /* each slide's stain is brought to one look */
		double fallback_mpp;/* um/px taken for a slide whose file has none; auto (0): none is
		                       assumed and it is read at level 0 */
	} tiles;
	struct {
		double validation;  /* share of cases held out, 0..0.5 */
		int seed;
	} split;
	struct {
		double cache;       /* bytes of slides that train copies to a local disk, and reads from there; 0: none */
		char *folder;       /* on that disk; the copies are in a folder of ours in it, until training ends well */
	} load;
	struct {
		double tumour, normal, negative; /* shares of a batch, >= 0 */
		int tiles_per_epoch;             /* 1..1e9 */
		double jitter;                   /* tiles move by up to this share of their side, 0..0.5 */
		double lesions;                  /* share of tumour tiles drawn lesion by lesion, 0..1 */
		double hard;                     /* share of tiles without tumour that the network erred on, 0..1 */
		double power;                    /* of a slide's number of tiles, by which it is drawn, 0..1 */
		double least;                    /* share of tumour that a tile of stratum tumour has at least, 0..1 */
		int mine_every;                  /* epochs between searches for those */
	} sampling;
	struct {
		char *network;      /* a row of the table of networks */
		char *weights;      /* .safetensors to start from; "" is random */
		double input;       /* px, whole; side that tiles are enlarged to; 0: as keys.c says */
	} model;
	struct {
		int members;        /* networks, one after the other, 1..16 (MEMBERS_MAX); 0: as split_members() says */
		int epochs, batch;
		double fixed;       /* share of the layers, the lowest, that do not learn, where model.weights is set, 0..0.9 */
		char *optimiser;
		double learning_rate, weight_decay;
		enum schedule schedule;
		double warmup;      /* share of all steps, 0..0.5 */
		double clip;        /* longest gradient, Euclidean; 0: any */
		double layer_decay; /* factor of the rate from a layer to the one below, 0.1..1 */
		double frozen;      /* share of all steps in which the head alone learns */
		gboolean screen;    /* a small network learns beside it, to look coarsely */
		double closing;     /* last share of all steps, 0..0.5: milder augmentation, half the smoothing */
		double tumour_weight; /* of tumour in the loss, against 1 of the rest */
		double label_smoothing; /* 0..0.5, Szegedy et al. 2016 */
		double average;     /* half-life, in steps, of the weights' moving average; 0: off */
		double time;        /* s since the program's start; 0: no limit */
		double checkpoint;  /* s between points to go on from */
		char *run;          /* runs of one name go on, another name begins anew */
	} training;
	struct {
		gboolean flips, turns;
		double angle;       /* degrees either way, 0..180 */
		double scale;       /* zoom by up to this share, 0..0.5 */
		double shift;       /* share of a side, 0..0.5 */
		double exact;       /* share of tiles that are flipped and turned by quarters alone, 0..1 */
		double stretch;     /* longer one way by up to this share and as much narrower, 0..0.5 */
		double stain;       /* 0..1: haematoxylin, eosin and the rest, each by 1 +- this and by +- this */
		double stain_mix;   /* 0..1: share of another sample's stain vectors */
		double colour;      /* strength, 0..1: brightness, contrast, saturation, hue */
		double damage;      /* share of samples that have elastic, blur or sharpen, noise, jpeg, each on its own */
		double elastic;     /* longest displacement, share of a side, 0..0.1 */
		double blur;        /* s.d. of a Gaussian, px, 0..10 */
		double sharpen;     /* strength of an unsharp mask, 0..4 */
		double noise;       /* s.d., of 0..1, 0..0.5 */
		double jpeg;        /* quality down to 100 * (1 - this), 0..0.95 */
		double mixup, cutmix; /* shares of samples that are put together with another, 0..1; at most 1 in all */
	} augmentation;
	struct {
		double time;        /* s since the program's start; 0: no limit */
		int batch;
		int turns;          /* of 8 flips and quarter turns, how many are averaged: 1, 2, 4 or 8 */
		double effort;      /* share of samples that are looked at in full behind a coarse look, 0..1; 1: all, at once */
	} inference;
	struct {
		int top;            /* slide score: mean of this many highest tiles */
		double background;  /* quantile of a slide's tiles that this is counted from, 0..0.9; 0: from 0 */
		enum score_model model; /* common/score/choose.h */
		double axis_threshold; /* probability of a tile that counts to the longest axis, 0..1 */
	} score;
	struct {
		char *file;         /* below paths.output */
		char **columns;     /* numbers of a case, NULL-terminated (answer_file.h); the first ranks */
		gboolean header;
		int decimals;       /* 1..12 */
	} answer;
	struct {
		gboolean heat;      /* inference draws a heat map of each case below paths.model */
	} pictures;
	struct {
		gboolean ascii;     /* plots in ASCII, not in UTF-8 */
		gboolean identifiers; /* names of cases may show */
	} log;
	char *device;           /* auto, cpu, cuda, cuda:N */
	enum precision precision;
	int threads;            /* 0: one a core */
};

/* All defaults. */
struct settings *settings_new(void);
void settings_free(struct settings *settings);
typedef struct settings settings_t; /* for g_autoptr alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(settings_t, settings_free)

/* Over what is there: a YAML file, or length bytes of one (name is said in messages; at most 1 MiB). */
gboolean settings_read_file(struct settings *settings, const char *path, GError **error);
gboolean settings_read(struct settings *settings, const char *text, gsize length, const char *name,
		       GError **error);

/* One key. "tiles.size=96"; and with key and value apart: then where is what a message begins with,
   such as "model.json: ". A list is "a, b" or "[a, b]". */
gboolean settings_assign(struct settings *settings, const char *assignment, GError **error);
gboolean settings_set(struct settings *settings, const char *key, const char *value, const char *where,
		      GError **error);

/* paths.train = DIR/train, and so on. dir is not looked at; settings_check() does. */
void settings_set_data_dir(struct settings *settings, const char *dir);

/* Where paths.model is not there, and a folder `volume` stands in its place, that is paths.model: the
   challenge's edition of 2019 mounts /data/volume instead of /data/model. */
void settings_find_model(struct settings *settings);

/* Does learning begin from weights that mean something: model.weights, or those of a network of the user's own? */
gboolean settings_go_on(const struct settings *settings);

/* Once all are read: every value fits its key (fields may have been set directly), and what keys must
   fulfil together. Which networks, tasks and optimisers there are is not known here. */
gboolean settings_check(const struct settings *settings, GError **error);

/* All keys, in the order of data.yaml, NULL-terminated; a value as settings_set takes it. */
const char *const *settings_keys(void);
char *settings_get(const struct settings *settings, const char *key);

/* A whole data.yaml, grouped, each key with its help behind it; it reads back to the same settings. */
char *settings_to_yaml(const struct settings *settings);

G_END_DECLS
