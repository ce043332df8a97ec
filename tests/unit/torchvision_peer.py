#!/usr/bin/env python3
"""torchvision_peer.py NETWORK OUTPUTS WEIGHTS INPUT: what torchvision's network gives.

For test-model.c: loads a .safetensors file by names, strictly, into the network of that name, puts the tensor
"x" of INPUT through it and prints the outputs, one a line. Ends with 77 where there is no torchvision.
"""
import json
import sys

try:
    import numpy
    import torch
    import torchvision
except ImportError as error:
    print(error)
    sys.exit(77)


def read(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", (name, entry)
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[begin:end], dtype="<f4").reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    return tensors


network, outputs, weights, x = sys.argv[1:]
torch.set_num_threads(1)
model = getattr(torchvision.models, network)(num_classes=int(outputs)).eval()
fault = model.load_state_dict(read(weights), strict=False)
wrong = fault.unexpected_keys + [k for k in fault.missing_keys if not k.endswith(".num_batches_tracked")]
assert not wrong, wrong
with torch.no_grad():
    for value in model(read(x)["x"]).flatten().tolist():
        print(repr(value))
