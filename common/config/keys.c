/*
 * keys.c - the one table of what can be set, and the search in it: exact, and for the key that was
 * probably meant. A new key is a field in config.h and a row here; data.yaml is then printed anew by
 * `train --config /dev/null --settings`.
 */
#include "common/config/keys.h"
#include "common/config/near.h"
#include "common/fault/fault.h"
#include <stdarg.h>

#define AT(field) G_STRUCT_OFFSET(struct settings, field)
#define PATH_MAX_BYTES 4000
#define YEAR (365.0 * 24 * 3600)

const struct section section_table[] = {
	{ "paths", "as the challenge mounts them; --data DIR moves all four" },
	{ "data", "where the slides and their labels are" },
	{ "tiles", "what the network sees: squares of a slide" },
	{ "split", "slides held out of training, to judge by" },
	{ "load", "copies of the slides, where paths.train is slow to read" },
	{ "sampling", "what a batch is made of; 1, 1, 2: quarter, quarter, half" },
	{ "model", "the network" },
	{ "training", "how the network learns" },
	{ "augmentation", "random changes of training tiles" },
	{ "inference", "how slides are read to answer" },
	{ "score", "from a slide's tiles to the slide's probability" },
	{ "answer", "the file that is scored, below paths.output" },
	{ "pictures", "for whoever may look at them: a contest needs none" },
	{ "log", "the lines that come back" },
	{ NULL, NULL },
};

/* name, type, field, default, least, most, words, help */
const struct key key_table[] = {
{ "competition", KEY_TEXT, AT(competition), "help-2018-2-2", 0, 200, NULL, "a name, for the log" },
{ "task", KEY_TEXT, AT(task), "slide-classification", 1, 200, NULL,
  "a probability for each slide" },

{ "paths.train", KEY_TEXT, AT(paths.train), "/data/train", 1, PATH_MAX_BYTES, NULL,
  "training images, masks and labels" },
{ "paths.test", KEY_TEXT, AT(paths.test), "/data/test", 1, PATH_MAX_BYTES, NULL, "images to answer for" },
{ "paths.model", KEY_TEXT, AT(paths.model), "/data/model", 1, PATH_MAX_BYTES, NULL,
  "what train leaves for inference; where there is none but\n/data/volume (the edition of 2019), that" },
{ "paths.output", KEY_TEXT, AT(paths.output), "/data/output", 1, PATH_MAX_BYTES, NULL, "the answer" },

{ "data.labels", KEY_TEXT, AT(data.labels), "", 0, PATH_MAX_BYTES, NULL,
  "a CSV (case, class) below paths.train;\n\"\": folders give the class" },
{ "data.group", KEY_TEXT, AT(data.group), "", 0, PATH_MAX_BYTES, NULL,
  "a CSV (case, patient or site) below paths.train: a group\nis never split; \"\": each slide is its own group" },
{ "data.classes", KEY_LIST, AT(data.classes), "negative, positive", 2, 1000, NULL,
  "two or more; the last one's probability is the answer" },
{ "data.images", KEY_PATTERN, AT(data.images), "image/{class}/{name}.mrxs", 1, PATH_MAX_BYTES, "name class",
  "below paths.train; {class} may go where labels has it;\n{name}/{name}.svs where each slide has a folder" },
{ "data.masks", KEY_PATTERN, AT(data.masks), "mask/{class}/{name}.png", 0, PATH_MAX_BYTES, "name class",
  "below paths.train; \"\": there are none; .png, or what was drawn:\n.geojson or .json of QuPath, .xml of ASAP" },
{ "data.mask_scale", KEY_COUNT, AT(data.mask_scale), "16", 1, 1024, NULL,
  "level-0 pixels to a mask pixel; masks begin where\nthe scanned part does, or are of the whole slide" },
{ "data.tumour", KEY_LIST, AT(data.tumour), "[]", 0, 1000, NULL,
  "classes (QuPath) or groups (ASAP) of drawn regions that are tumour;\n[]: all but Region, Tissue, Stroma, Immune cells, Necrosis, Other,\n"
  "Negative. Normal, Exclusion, Ignore, _2 are cut out of the tumour" },
{ "data.origin", KEY_CHOICE, AT(data.origin), "auto", 0, 0, "auto slide scanned",
  "where coordinates of drawn regions begin: at the slide's corner\nor the scanned part's; auto: GeoJSON scanned, as QuPath shows\n"
  "slides, XML slide, as ASAP does" },
{ "data.test", KEY_PATTERN, AT(data.test), "{name}.mrxs", 1, PATH_MAX_BYTES, "name", "below paths.test" },
{ "data.patience", KEY_DURATION, AT(data.patience), "5m", 0, YEAR, NULL,
  "longest wait for a slide to open, or for one read of it:\nthen the slide is given up; 0: without end" },

{ "tiles.size", KEY_COUNT, AT(tiles.size), "256", 16, 4096, NULL, "side, px" },
{ "tiles.mpp", KEY_WORD_OR_NUMBER, AT(tiles.mpp), "auto", 0.01, 100, "auto level0",
  "um/px to read at; auto: the training slides' median;\nlevel0: each slide as it was scanned" },
{ "tiles.context", KEY_NUMBER, AT(tiles.context), "1", 1, 16, NULL,
  "also look at each place so many times wider, in as\nmany pixels, and join what both show; 1: not" },
{ "tiles.tissue", KEY_NUMBER, AT(tiles.tissue), "0.25", 0, 1, NULL, "least share of tissue" },
{ "tiles.normalise", KEY_CHOICE, AT(tiles.normalise), "density", 0, 0, "none density reinhard macenko",
  "bring the stain of each slide to the same look;\nby default each channel's mean density" },
{ "tiles.fallback_mpp", KEY_WORD_OR_NUMBER, AT(tiles.fallback_mpp), "auto", 0.01, 100, "auto",
  "um/px of slides whose file has none;\nauto: they are read at level 0" },

{ "split.validation", KEY_NUMBER, AT(split.validation), "0.2", 0, 0.5, NULL, "share held out" },
{ "split.seed", KEY_COUNT, AT(split.seed), "2018", 0, G_MAXINT, NULL,
  "of every random choice: the same seed, the same run, unless a limit\nof time cuts it" },

{ "load.cache", KEY_SIZE, AT(load.cache), "0", 0, 1e15, NULL,
  "such as 200G: train copies so much of the slides to a local disk while\nit learns, and reads there; 0: nothing" },
{ "load.folder", KEY_TEXT, AT(load.folder), "/tmp", 1, PATH_MAX_BYTES, NULL,
  "on that disk; train removes the copies where it ends well, and else\nfinds them again" },

{ "sampling.tumour", KEY_NUMBER, AT(sampling.tumour), "1", 0, 1000, NULL,
  "share of tiles with tumour" },
{ "sampling.normal", KEY_NUMBER, AT(sampling.normal), "1", 0, 1000, NULL,
  "share of normal tissue in positive slides" },
{ "sampling.negative", KEY_NUMBER, AT(sampling.negative), "2", 0, 1000, NULL, "share of negative slides" },
{ "sampling.tiles_per_epoch", KEY_COUNT, AT(sampling.tiles_per_epoch), "20000", 1, 1e9, NULL,
  "an epoch is this many, however many there are; where judging\n"
  "takes long, epochs may be fewer and longer" },
{ "sampling.jitter", KEY_NUMBER, AT(sampling.jitter), "0", 0, 0.5, NULL,
  "tiles move by up to this share of their side" },
{ "sampling.lesions", KEY_NUMBER, AT(sampling.lesions), "0.5", 0, 1, NULL,
  "share of tumour tiles drawn lesion by lesion, large and\nsmall ones of a slide alike; the others tile by tile" },
{ "sampling.power", KEY_NUMBER, AT(sampling.power), "0.5", 0, 1, NULL,
  "slides are drawn by their number of such tiles, counted up\nto 100, to this power; 0: all slides alike" },
{ "sampling.least", KEY_NUMBER, AT(sampling.least), "0", 0, 1, NULL,
  "share of tumour that a tile of tumour must have; above 0,\ntiles are drawn one by one, not by lesion" },
{ "sampling.hard", KEY_NUMBER, AT(sampling.hard), "0.3", 0, 1, NULL,
  "share of tiles without tumour that are drawn from those\nthat the network took for tumour; 0: off" },
{ "sampling.mine_every", KEY_COUNT, AT(sampling.mine_every), "1", 1, 1000, NULL,
  "epochs after which such tiles are sought anew" },

{ "model.network", KEY_TEXT, AT(model.network), "resnet18", 1, 200, NULL,
  "simple, squeezenet1_1, resnet18, resnet34, resnet50,\ndensenet121, inception_v3, efficientnet_b0, convnext_tiny,\n"
  "vit_small; unet, which learns where the masks have tumour;\nor your own: FILE.pt of TorchScript, seen from data.yaml" },
{ "model.weights", KEY_TEXT, AT(model.weights), "", 0, PATH_MAX_BYTES, NULL,
  "a .safetensors file to start from, seen from data.yaml;\n\"\": random" },
{ "model.input", KEY_WORD_OR_NUMBER, AT(model.input), "auto", 16, 4096, "auto",
  "side that the network gets tiles enlarged to, px, where they\n"
  "are smaller; auto: tiles.size, or to go on from weights, which were\n"
  "learned on large pictures, twice that, up to 192" },

{ "training.members", KEY_COUNT, AT(training.members), "0", 0, 16, NULL,
  "networks that answer together; each holds out other slides,\n"
  "and they share the time; 0: 3 where training.time is half an\n"
  "hour or more (1/split.validation at most), else 1" },
{ "training.epochs", KEY_COUNT, AT(training.epochs), "0", 0, 100000, NULL,
  "each of sampling.tiles_per_epoch tiles, for each network;\n"
  "0, best with a training.time: as many as it holds; without one\n"
  "20, or fewer and longer ones where much is held out" },
{ "training.batch", KEY_COUNT, AT(training.batch), "64", 1, 65536, NULL, "samples a step" },
{ "training.optimiser", KEY_TEXT, AT(training.optimiser), "adamw", 1, 200, NULL, "adamw, adam, radam, sgd" },
{ "training.learning_rate", KEY_WORD_OR_NUMBER, AT(training.learning_rate), "auto", 1e-8, 10, "auto",
  "the highest of the schedule; auto: 0.001, or 0.0003 where\nmodel.weights, or your own network's, are gone on from" },
{ "training.weight_decay", KEY_NUMBER, AT(training.weight_decay), "0.05", 0, 1, NULL,
  "how strongly weights are drawn towards 0; adam and sgd, where the\nloss has it, want less: some 0.0001" },
{ "training.schedule", KEY_CHOICE, AT(training.schedule), "cosine", 0, 0, "cosine plateau constant one_cycle",
  "of the learning rate" },
{ "training.warmup", KEY_NUMBER, AT(training.warmup), "0.05", 0, 0.5, NULL,
  "share of all steps in which the rate rises at first" },
{ "training.clip", KEY_NUMBER, AT(training.clip), "0", 0, 1e6, NULL,
  "longest gradient (L2 norm), beyond which it is scaled\ndown; 0: any" },
{ "training.layer_decay", KEY_NUMBER, AT(training.layer_decay), "1", 0.1, 1, NULL,
  "factor of the rate from each layer to the one below" },
{ "training.frozen", KEY_NUMBER, AT(training.frozen), "0", 0, 1, NULL,
  "share of all steps, the first, in which the head alone\nlearns, where there are weights to go on from; 1: all" },
{ "training.fixed", KEY_NUMBER, AT(training.fixed), "0", 0, 0.9, NULL,
  "share of the layers, the lowest, that stay as they are, where there\nare weights to go on from: steps are faster" },
{ "training.screen", KEY_SWITCH, AT(training.screen), "false", 0, 0, NULL,
  "a small network learns beside it, for 4 to 9 % of the time, by which\ninference can look at all tiles coarsely first" },
{ "training.closing", KEY_NUMBER, AT(training.closing), "0", 0, 0.5, NULL,
  "last share of all steps: with a quarter of the augmentation, half\nthe label smoothing and, of schedules that do not fall, 0.3 of the rate" },
{ "training.label_smoothing", KEY_NUMBER, AT(training.label_smoothing), "0.1", 0, 0.5, NULL,
  "share of a label that goes to all classes alike" },
{ "training.tumour_weight", KEY_NUMBER, AT(training.tumour_weight), "1", 0.01, 100, NULL,
  "of tumour in the loss, against 1 of the rest" },
{ "training.average", KEY_NUMBER, AT(training.average), "200", 0, 1e6, NULL,
  "half-life of the weights' moving average, steps; 0: off" },
{ "training.time", KEY_DURATION, AT(training.time), "0", 0, YEAR, NULL,
  "longest that train may take, from each start, such as 28h;\n0: no limit" },
{ "training.checkpoint", KEY_DURATION, AT(training.checkpoint), "10m", 0.1, YEAR, NULL,
  "how often the point to go on from is saved" },
{ "training.run", KEY_TEXT, AT(training.run), "", 0, 200, NULL,
  "a name: a model folder with a run of this name is gone on\nwith, one with another begun anew" },

{ "augmentation.flips", KEY_SWITCH, AT(augmentation.flips), "true", 0, 0, NULL, "left to right, up to down" },
{ "augmentation.turns", KEY_SWITCH, AT(augmentation.turns), "true", 0, 0, NULL, "by 90, 180, 270 degrees" },
{ "augmentation.angle", KEY_NUMBER, AT(augmentation.angle), "10", 0, 180, NULL, "turn by up to this, degrees" },
{ "augmentation.scale", KEY_NUMBER, AT(augmentation.scale), "0.2", 0, 0.5, NULL,
  "zoom in or out by up to this share" },
{ "augmentation.shift", KEY_NUMBER, AT(augmentation.shift), "0.05", 0, 0.5, NULL,
  "move by up to this share of the side" },
{ "augmentation.exact", KEY_NUMBER, AT(augmentation.exact), "0.5", 0, 1, NULL,
  "share of tiles of which angle, scale, shift and stretch stay\nas they are: as sharp as those to be answered for" },
{ "augmentation.stretch", KEY_NUMBER, AT(augmentation.stretch), "0", 0, 0.5, NULL,
  "stretch one way, any way, by up to this share" },
{ "augmentation.stain", KEY_NUMBER, AT(augmentation.stain), "0.15", 0, 1, NULL,
  "strength of changes of haematoxylin and eosin, each;\n0.05 is light, 0.2 strong" },
{ "augmentation.stain_mix", KEY_NUMBER, AT(augmentation.stain_mix), "0", 0, 1, NULL,
  "up to this share of the stains of another tile" },
{ "augmentation.colour", KEY_NUMBER, AT(augmentation.colour), "0.25", 0, 1, NULL,
  "strength of changes of brightness, contrast, colour" },
{ "augmentation.damage", KEY_NUMBER, AT(augmentation.damage), "0.3", 0, 1, NULL,
  "share of tiles with each of the next: bent, blurred or\nsharpened, with noise, as JPEG" },
{ "augmentation.elastic", KEY_NUMBER, AT(augmentation.elastic), "0", 0, 0.1, NULL,
  "bend by up to this share of the side" },
{ "augmentation.blur", KEY_NUMBER, AT(augmentation.blur), "0", 0, 10, NULL, "blur by up to this s.d., px" },
{ "augmentation.sharpen", KEY_NUMBER, AT(augmentation.sharpen), "0", 0, 4, NULL,
  "sharpen by up to this; 1 is strong" },
{ "augmentation.noise", KEY_NUMBER, AT(augmentation.noise), "0", 0, 0.5, NULL,
  "noise of up to this s.d., of white" },
{ "augmentation.jpeg", KEY_NUMBER, AT(augmentation.jpeg), "0", 0, 0.95, NULL,
  "JPEG of a quality down to 100 * (1 - this)" },
{ "augmentation.mixup", KEY_NUMBER, AT(augmentation.mixup), "0", 0, 1, NULL,
  "share of tiles that are blended with another one" },
{ "augmentation.cutmix", KEY_NUMBER, AT(augmentation.cutmix), "0", 0, 1, NULL,
  "share of tiles that a piece of another one is put into" },

{ "inference.time", KEY_DURATION, AT(inference.time), "0", 0, YEAR, NULL,
  "longest that inference may take; 0: no limit" },
{ "inference.batch", KEY_COUNT, AT(inference.batch), "128", 1, 65536, NULL, "tiles at once" },
{ "inference.turns", KEY_COUNT, AT(inference.turns), "8", 1, 8, "1 2 4 8",
  "flipped and turned views of a tile, averaged" },
{ "inference.effort", KEY_NUMBER, AT(inference.effort), "0.1", 0, 1, NULL,
  "with training.screen: share of a slide's tiles to look at in full,\nafter all of them coarsely; 1: all in full" },

{ "score.top", KEY_COUNT, AT(score.top), "1", 1, 10000, NULL, "the mean of this many of the highest tiles" },
{ "score.background", KEY_NUMBER, AT(score.background), "0", 0, 0.9, NULL,
  "counted from the slide's own tissue: this quantile of its\ntiles; 0: from nothing" },
{ "score.model", KEY_CHOICE, AT(score.model), "auto", 0, 0, "auto max top logistic attention",
  "auto: what the training slides show to be better than top,\nthe mean of the highest tiles" },
{ "score.axis_threshold", KEY_NUMBER, AT(score.axis_threshold), "0.5", 0, 1, NULL,
  "tiles from this probability on count to the longest axis" },

{ "answer.file", KEY_FILE, AT(answer.file), "output.csv", 1, 200, NULL, "its name" },
{ "answer.columns", KEY_LIST, AT(answer.columns), "probability", 1, 100, NULL,
  "behind the slide's name: probability, and if it is asked for\nlongest_axis_um, of the largest tumour (0: negative)" },
{ "answer.header", KEY_SWITCH, AT(answer.header), "false", 0, 0, NULL, "a first line that names the columns" },
{ "answer.decimals", KEY_COUNT, AT(answer.decimals), "6", 1, 12, NULL, "of a probability" },

{ "pictures.heat", KEY_SWITCH, AT(pictures.heat), "false", 0, 0, NULL,
  "draw what the network says of each place of a test slide,\nto pictures/NAME.png below paths.model" },

{ "log.ascii", KEY_SWITCH, AT(log.ascii), "false", 0, 0, NULL, "pictures of letters in ASCII alone" },
{ "log.identifiers", KEY_SWITCH, AT(log.identifiers), "true", 0, 0, NULL,
  "names of slides may show; false: numbers over all alone" },

{ "device", KEY_DEVICE, AT(device), "auto", 1, 200, NULL, "auto, cpu, cuda, cuda:1, ...; with cuda, train does not begin without one" },
{ "precision", KEY_CHOICE, AT(precision), "auto", 0, 0, "auto fp32 bf16",
  "auto: bf16 where the processor has it; to answer, as was learned" },
{ "threads", KEY_COUNT, AT(threads), "0", 0, 1024, NULL, "that read and compute; 0: one a core" },
{ NULL, KEY_TEXT, 0, NULL, 0, 0, NULL, NULL },
};

int key_find(const char *name)
{
	for (int i = 0; key_table[i].name; i++)
		if (strcmp(key_table[i].name, name) == 0)
			return i;
	return KEY_NONE;
}

const struct section *section_find(const char *name)
{
	for (const struct section *section = section_table; section->name; section++)
		if (strcmp(section->name, name) == 0)
			return section;
	return NULL;
}

gboolean key_is_in(const struct key *key, const char *section)
{
	gsize length = strlen(section);

	return strncmp(key->name, section, length) == 0 && key->name[length] == '.';
}

gboolean key_is_text(const struct key *key)
{
	return key->type == KEY_TEXT || key->type == KEY_FILE || key->type == KEY_PATTERN || key->type == KEY_DEVICE;
}

const char *key_last_part(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

const char *key_nearest(const char *name)
{
	const char *last = key_last_part(name), *nearest = NULL;
	int least = G_MAXINT, least_whole = G_MAXINT;

	for (const struct key *key = key_table; key->name; key++) {
		int whole = near_distance(name, key->name), part = near_distance(last, key_last_part(key->name));
		int letters = MIN(near_enough(whole, name) ? whole : G_MAXINT, near_enough(part, last) ? part : G_MAXINT);

		if (letters < least || (letters == least && letters < G_MAXINT && whole < least_whole)) {
			least = letters;
			least_whole = whole;
			nearest = key->name;
		}
	}
	return nearest;
}

const char *section_nearest(const char *name)
{
	const char *nearest = NULL;
	int least = G_MAXINT;

	for (const struct section *section = section_table; section->name; section++) {
		int letters = near_distance(name, section->name);

		if (letters < least && near_enough(letters, name)) {
			least = letters;
			nearest = section->name;
		}
	}
	return nearest;
}

gboolean usage_error(GError **error, const char *format, ...)
{
	g_autofree char *message = NULL, *valid = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	valid = g_utf8_make_valid(message, -1);
	for (char *c = valid; *c; c++)
		if (g_ascii_iscntrl(*c))
			*c = '?';
	g_set_error_literal(error, FAULT, FAULT_USAGE, valid);
	return FALSE;
}

static gboolean unknown_error(GError **error, const char *where, const char *name, const char *kind,
			      const char *nearest)
{
	g_autofree char *shown = excerpt(name);

	return usage_error(error, "%s%s: unknown %s%s%s%s", where, shown, kind, nearest ? "; did you mean " : "",
			   nearest ? nearest : "", nearest ? "?" : "");
}

gboolean unknown_key_error(GError **error, const char *where, const char *name)
{
	return unknown_error(error, where, name, "key", key_nearest(name));
}

gboolean unknown_section_error(GError **error, const char *where, const char *name)
{
	return unknown_error(error, where, name, "section", section_nearest(name));
}

gboolean section_value_error(GError **error, const char *where, const char *name)
{
	g_autoptr(GString) keys = g_string_new(NULL);

	for (const struct key *key = key_table; key->name; key++)
		if (key_is_in(key, name))
			g_string_append_printf(keys, "%s%s", keys->len ? ", " : "", key->name);
	return usage_error(error, "%s%s: expected a section, with the keys %s", where, name, keys->str);
}

char *excerpt(const char *text)
{
	enum { MOST = 60 };
	g_autofree char *valid = g_utf8_make_valid(text, -1), *start = NULL;

	if (g_utf8_strlen(valid, -1) <= MOST)
		return g_steal_pointer(&valid);
	start = g_utf8_substring(valid, 0, MOST);
	return g_strconcat(start, "...", NULL);
}
