#!/bin/sh
# weights.sh - the program weights: what it lists, what it says of a network, and files that it makes of others.
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
top=$(cd "${0%/*}/../.." && pwd) || exit 1
cd "$T" || exit 1
w=$B/weights

expect 'no file' 2 '^weights: FILE is wanted; see --help$' "$w"
expect 'a file that is not there' 3 "^weights: Failed to open file .none.pt" "$w" none.pt
expect 'a .safetensors that is not there' 3 '^weights: none.safetensors: No such file' "$w" none.safetensors

# One tensor of two numbers, by hand: 120 bytes of header.
header='{"__metadata__":{"mean":"[0.1, 0.2, 0.3]"},"fc.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
{ printf '\170\0\0\0\0\0\0\0%-120s' "$header"; printf '\0\0\200\077\0\0\0\300'; } > small.safetensors
expect 'a small file' 0 '' "$w" small.safetensors
is 'its list' "$(cat "$out")" 'mean: [0.1, 0.2, 0.3]
fc.bias F32 2'
expect 'of another network' 3 '^weights: small.safetensors: not weights of resnet18: 100 tensors are wrong$' \
	"$w" small.safetensors --network resnet18
stdout_has 'what is missing' '^wrong: conv1.weight is missing, expected 64x3x7x7$'
stdout_has 'of the classifier too' '^starts at random: fc.weight is missing, expected 2x512$'
stdout_has 'and how much fits' '^1 of 102 tensors fit resnet18$'
expect 'an unknown network' 2 "^weights: network 'resnet19' is unknown; there are simple," "$w" small.safetensors --network resnet19
expect 'it is written anew' 0 '' "$w" small.safetensors --to again.safetensors --std '[1, 1, 1]'
expect 'and read' 0 '' "$w" again.safetensors
is 'with what was given' "$(cat "$out")" 'mean: [0.1, 0.2, 0.3]
std: [1, 1, 1]
fc.bias F32 2'
expect 'an existing file stays' 1 'again.safetensors' "$w" small.safetensors --to again.safetensors

python=
for p in ${PYTHON:-} python3 /usr/bin/python3; do
	mkdir -p exported
	[ -z "$python" ] && "$p" "$top/tests/unit/torchscript_peer.py" exported >/dev/null 2>&1 && python=$p
done
if [ -z "$python" ]; then
	tap_result 'files of PyTorch # SKIP no Python with torchvision' 0
	finish
fi
cd exported || exit 1

for kind in plain checkpoint resnet18; do
	expect "$kind.pt: fits, and is converted" 0 '' "$w" $kind.pt --network resnet18 --to $kind.safetensors
	stdout_has "$kind.pt: but for the classifier" '^starts at random: fc.weight is 7x512, expected 2x512$'
	stdout_has "$kind.pt: all the others" '^100 of 102 tensors fit resnet18$'
	expect "$kind.pt: not another network" 3 ' not weights of resnet34: ' "$w" $kind.pt --network resnet34
done
cat > same.py <<'END'
import json, sys, numpy, torch
wanted = torch.load("state.pt")
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    about = header.pop("__metadata__")
    assert about == {"architecture": "resnet18", "mean": "[0.485, 0.456, 0.406]", "std": "[0.229, 0.224, 0.225]"}, about
    assert set(header) == {k for k in wanted if not k.endswith("num_batches_tracked")}
    for name, entry in header.items():
        begin, end = (8 + length + at for at in entry["data_offsets"])
        values = numpy.frombuffer(data[begin:end], dtype="<f4").reshape(entry["shape"])
        assert numpy.array_equal(values, wanted[name].numpy()), name
END
expect 'the values are those of PyTorch' 0 '*' "$python" same.py plain.safetensors checkpoint.safetensors resnet18.safetensors
expect 'another number of classes' 3 ' not weights of squeezenet1_1: ' "$w" plain.safetensors --network squeezenet1_1

"$python" - <<'END'
import torch
state = torch.load("state.pt")
torch.save({"module." + k: v for k, v in state.items()}, "parallel.pt")
norm = {"features.denseblock1.denselayer2.norm.1.weight": torch.ones(96), "features.denseblock1.denselayer2.conv.2.weight": torch.ones(32, 128, 3, 3)}
torch.save(norm, "dense.pt")
torch.save({"a.mlp.linear_2.bias": torch.ones(3).half(), "n": torch.tensor(3), "i": torch.ones(2, dtype=torch.int32)}, "types.pt")
END
expect 'names of several devices' 0 '' "$w" parallel.pt --network resnet18
expect 'names of old' 0 '' "$w" dense.pt
is 'are those of today' "$(cat "$out")" 'features.denseblock1.denselayer2.norm1.weight F32 96
features.denseblock1.denselayer2.conv2.weight F32 32x128x3x3'
expect 'other types' 0 '' "$w" types.pt
is 'are told' "$(cat "$out")" 'a.mlp.3.bias F16 3
n I64 number
i I64 2'

expect 'an OrderedDict' 3 '^weights: state.pt: tensors: libtorch reads no OrderedDict: torch.save(dict(' "$w" state.pt
is 'in one line' "$(wc -l < "$err" | tr -d ' ')" 1
expect 'no dict' 3 '^weights: list.pt: tensors: it holds no dict of tensors, but ' "$w" list.pt
expect 'a pickled network' 3 '^weights: pickled.pt: tensors: ' "$w" pickled.pt
is 'in one line' "$(wc -l < "$err" | tr -d ' ')" 1
expect 'the format before PyTorch 1.6' 3 '^weights: old.pt: tensors: no file of torch.save or torch.jit.save (since PyTorch 1.6)$' \
	"$w" old.pt
expect 'no archive' 3 '^weights: junk.pt: tensors: no file of torch.save' "$w" junk.pt
expect 'an empty file' 3 '^weights: empty.pt: tensors: it is empty$' "$w" empty.pt
finish
