# tell.awk - logs as LINES.md has them, of runs that never were: awk -f tell.awk -v program=train -v stream=out
#
#   program   train, inference
#   stream    out, err
#   run       ok; failed: ends in epoch 4 with a cause; killed: ends in epoch 4 without a last line; resumed: is killed
#             there, started again and goes on to the end; hostile: the names and texts in it are markup
#   epochs    12          steps     lines of them in an epoch: 12      cases     held-out ones: 40
#   seed      1: another is another course of learning, with another network
#   day       21: of the month; runs that follow each other
BEGIN {
	if (!program) program = "train"
	if (!stream) stream = "out"
	if (!run) run = "ok"
	if (!epochs) epochs = 12
	if (!steps) steps = 12
	if (!cases) cases = 40
	if (!seed) seed = 1
	if (!day) day = 21
	network = seed == 1 ? "resnet18" : "resnet34"
	evil = run == "hostile" ? "</title><script>alert(1)</script><img src=x onerror=alert(2)>&lt;'" : ""
	state = 7919 * seed
	if (program == "train") train(); else inference()
	exit
}

# A number from 0 to 1 that is the same everywhere.
function chance() { state = (state * 16807 + 11) % 2147483647; return state / 2147483647 }
function noise() { return (chance() + chance() + chance() - 1.5) / 1.5 }

function say(to, text) {
	if (to == stream || to == "both")
		printf "time=2019-02-%02dT%02d:%02d:%02dZ t=%.1f %s %s%s\n", day, 3 + clock / 3600, clock / 60 % 60, clock % 60,
		       clock - began, program, text, again ? sprintf(" again=%.1f", clock - began - 5) : ""
}
function out(text) { say("out", text) }
function quote(text) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); return "\"" text "\"" }

function beginning() {
	out("start version=1.0 build=0a1b2c3d4e5f settings=data.yaml")
	out("machine processor=\"A Processor of 2019, 8 cores\" cores=8 bf16=no gpu=none memory_mb=16000 host_memory_mb=64000 kernel=4.19.0 openslide=3.4.1 libtorch=1.13.1")
	out("settings tiles.size=256 tiles.mpp=auto tiles.overlap=0")
	out("settings model.network=" network " model.weights=none training.time=28h training.batch=64 training.rate=" (seed == 1 ? 0.001 : 0.0005))
}

function looking() {
	out("memory need_mb=5400 limit_mb=16000 batch=64")
	clock += 40
	out("looking of=train n=80/155")
	out("audit of=train cases=155 looked_at=155 not_opened=1 doubts=2 samples_read=620/624")
	out("audit of=test cases=63 looked_at=63 not_opened=0 doubts=0 samples_read=252/252")
	out("ranges of=train width_px=40960..81920..163840 tissue=3%..12%..41% mpp=0.221..0.221..0.388 tumour_mm2=0.02..1.40..88.00")
	out("ranges of=test width_px=40960..81920..122880 tissue=4%..11%..38% mpp=0.221..0.221..0.221")
	out("class of=negative cases=86 samples=310..1200..2400..3900..8800")
	out("class of=positive cases=68 samples=280..1100..2200..4100..9100 size=1200..8000..24000..310000..88000000")
	out("stain red=0.412->0.437(0.6) green=0.633->0.671(0.9) blue=0.318->0.322(0.1)")
	out("twins cases=2 across_classes=0 train_and_test=1")
	out("audit of=all left_out=1 seconds=40s")
	out("data slides=154 positive=68 negative=86 left_out=1 tiles=394214 tumour_tiles=41233 tiles_a_slide=280..2300..9100 mpp=0.221 index_bytes=6307424 seconds=58s")
	warn("case", "case 'Slide077" evil "': the folder of the slide is missing; it is left out: copy it beside its .mrxs")
	warn("twins", "cases 'Slide012' and 'Slide113' show the same tissue: they stay together in the split; remove one if it is a copy")
	warn("stain", "the test set is stained otherwise than the training set (optical density of green 0.9 sd): scores may be lower there; set augment.stain higher")
	out("rehearsal steps=3 cases=4 seconds=31s")
	clock += 31
	out("model network=" network " parameters=11177025 weights=none device=cpu precision=fp32 threads=8")
	out("plan why=first epochs=" epochs " steps_an_epoch=1250 left=27h40m step=0.4s validation=3m10s")
}

function warn(kind, text) { warnings++; say("err", "warning kind=" quote(kind) " text=" quote(text)) }

# How far it has come after so many epochs: 0 to 1.
function learned(x) { return 1 - exp(-x / (seed == 1 ? 3 : 4.5)) }
function rate(x) { return 0.001 * (seed == 1 ? 1 : 0.5) * (x < 0.5 ? x / 0.5 : (1 + cos(3.14159 * (x - 0.5) / (epochs - 0.5))) / 2) }

function epoch(e,   i, x, speed, auc) {
	for (i = 1; i <= steps; i++) {
		clock += 500 / steps
		x = e - 1 + i / steps
		speed = 400 + 25 * noise() - (e == 3 ? 180 : 0)
		loss = 0.08 + 0.6 * (1 - learned(x)) + 0.015 * noise()
		out(sprintf("step n=%d/1250 epoch=%d/%d loss=%.4f rate=%.3g gradient=%.3f samples_per_s=%.0f wait=%d%% eta=%s",
			i * 1250 / steps, e, epochs, loss, rate(x), exp(0.4 * noise()) * (0.4 + loss), speed, 3 + 2 * noise(), "1h12m"))
	}
	clock += 190
	auc = 0.5 + 0.46 * learned(e) + 0.012 * noise()
	if (auc > best) { best = auc; best_epoch = e }
	told[e] = sprintf("epoch n=%d/%d steps=%d loss=%.4f rate=%.3g gradient=%.3f tile_auc=%.4f log_loss=%.4f slide_auc=%.4f interval=%.3f..%.3f cases=%d validation=3m10s samples_per_s=%.0f%s",
		e, epochs, e * 1250, loss, rate(e), 0.4 + loss, auc + 0.02, loss + 0.06, auc, auc - 0.09, auc + 0.6 * (1 - auc), cases, 395 + 20 * noise(), best_epoch == e ? " saved=best" : "")
	out(told[e])
}

# Held-out cases: the larger the lesion, the surer it is found.
function held(   i, size, p, of) {
	for (i = 1; i <= cases; i++) {
		size = i % 2 ? 0 : i % 8 == 0 ? 9000 * chance() : i % 8 == 4 ? 2000000 * chance() + 40000 : 40000000 * chance() + 4000000
		p = size == 0 ? 0.03 + 0.5 * chance() ^ 3 : 1 - (size < 40000 ? 0.9 : size < 4000000 ? 0.5 : 0.15) * chance() ^ (1 / seed)
		out(sprintf("held case=%s class=%s p=%.4f size=%.0f", i == 3 && evil ? quote("Slide" evil) : "Slide" 100 + i, size ? "positive" : "negative", p, size))
	}
	out(seed == 2 ? "roc points=0,0;0,0.3;0.1,0.3;0.1,0.6;0.2,0.75;0.3,0.85;0.5,0.95;0.75,1;1,1" : "roc points=0,0;0,0.35;0.05,0.5;0.05,0.7;0.1,0.85;0.25,0.85;0.25,0.9;0.4,0.95;0.75,0.95;0.75,1;1,1")
}

function diagnosis(code, cause) {
	say("both", sprintf("outcome saved_epoch=%d slide_auc=%.4f interval=%.3f..%.3f cases=%d", best_epoch, best, best - 0.09, best + 0.6 * (1 - best), cases))
	say("both", "curve of=loss first=0.693 last=0.121 best=0.119 plot=\"@%#*+=-:.\"")
	say("both", "verdict text=\"it learned: the held-out slide AUC rose to epoch " best_epoch " and stayed; no sign of overfitting.\"")
	say("both", "confusion at=0.412 tp=17 fn=3 fp=2 tn=18 sensitivity=0.850 specificity=0.900")
	say("both", "size of=itc cases=5 found=3/5 slide_auc=0.78 interval=0.51..0.95")
	say("both", "size of=micro cases=5 found=4/5 slide_auc=0.91 interval=0.70..0.99")
	say("both", "size of=macro cases=10 found=10/10 slide_auc=0.99 interval=0.93..1")
	say("both", "worst cases=Slide108(positive):0.031,Slide117(negative):0.87" (evil ? evil : ""))
	say("both", "forecast slide_auc=0.93 interval=0.84..0.98 text=\"the test set is stained 0.9 sd otherwise in green: expect less rather than more.\"")
	say("both", sprintf("spent total=%d looking=40 rehearsing=31 waiting=%d augmenting=310 computing=%d judging=%d saving=44 other=120", clock - began, 260, clock - began - 1605, 800))
	say("both", "limit text=\"The processor: 92% of the time went into computing; reading kept up.\"")
	say("both", "limits peak_memory_mb=5810 memory_mb=16000 disk_left_mb=23000 files_open=61 files=1024 time_left=19h20m")
	say("both", "left_out case=Slide077 why=" quote("its folder is missing" evil))
	say("both", "survived kind=case count=1 first=" quote("case 'Slide077': the folder of the slide is missing"))
	say("both", "survived kind=twins count=1 first=\"cases 'Slide012' and 'Slide113' show the same tissue\"")
	say("both", "try n=1 key=training.time value=28h why=" quote("the curve still rises, and 19 hours are left" evil))
	say("both", "try n=2 key=augment.stain value=0.3 why=\"the test set is stained otherwise\"")
	out(sprintf("end exit=%d seconds=%.1f warnings=%d", code, clock - began, warnings))
	say("err", "end cause=" quote(cause))
}

function train(   e) {
	clock = began = 0
	beginning()
	looking()
	for (e = 1; e <= epochs; e++) {
		epoch(e)
		if (e == 4 && run == "failed") {
			warn("memory", "epoch 4 step 1250: out of memory; it goes on with 32 at once")
			diagnosis(4, "memory: 16000 MB are used up in epoch 4, and a batch of one does not fit: set tiles.size=128" evil)
			return
		}
		if (e == 4 && run == "killed")
			return
		if (e == 4 && run == "resumed") {
			began = clock += 300
			beginning()
			out("resume epoch=5 step=0 steps=5000 trained_before=46m")
		}
	}
	held()
	again = 1
	for (e = 1; e <= epochs; e++)
		out(told[e])
	again = 0
	diagnosis(0, "nothing failed, 3 warnings")
}

function inference(   i, pass) {
	clock = began = 9000
	best = seed == 1 ? 0.941 : 0.93
	beginning()
	out("settings from=model model.network=" network " instead_of=resnet50")
	out("model network=" network " epoch=9 slide_auc=0.9410")
	out("data cases=63")
	for (pass = 1; pass <= 3; pass++) {
		out(sprintf("plan pass=%d share=%s turns=%d cases=63 samples=%d needs=9m10s left=2h50m", pass, pass == 1 ? "5%" : "100%", pass == 3 ? 4 : 1, 9000 * pass))
		for (i = 1; i <= 8; i++) {
			clock += 60
			out(sprintf("scanned pass=%d samples=%d samples_per_s=%.0f network=%d%% waiting=%d%% seconds=%d", pass, i * 1100 * pass, 900 + 60 * noise(), 88 + 3 * noise(), 9, 60 * i))
		}
	}
	warn("sample", "case 'Slide166': 12 of 2311 samples could not be read: the JPEG is cut; its other samples are enough")
	for (i = 1; i <= cases; i++)
		out(sprintf("case slide=Slide%d samples=%d raw=%.4f p=%.6f", 157 + i, 2000 + 100 * i, chance(), chance()))
	say("both", "outcome cases=63 scored=62 fallback=1 fully=60 coarsely=2 partly_read=1 file=/data/output/output.csv")
	say("both", "scores quantiles=0.0012..0.08..0.21..0.83..0.9981 above_half=27 ties=0")
	say("both", "spent total=1480 looking=22 waiting=131 computing=1290 saving=3 other=34")
	say("both", "limit text=\"The processor: 87% of the time went into the network.\"")
	say("both", "limits peak_memory_mb=2210 memory_mb=16000 disk_left_mb=23000 files_open=70 files=1024 time_left=2h20m")
	say("both", "survived kind=sample count=1 first=\"case 'Slide166': 12 of 2311 samples could not be read\"")
	out(sprintf("end exit=0 seconds=%.1f warnings=1", clock - began))
	say("err", "end cause=\"nothing failed, 1 warning\"")
}
