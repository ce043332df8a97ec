#!/usr/bin/env python3
"""torchvision_peer.py: what torchvision's networks give, for each line "eval|train NETWORK OUTPUTS WEIGHTS INPUT" of stdin.

For test-model.c: loads a .safetensors file by names, strictly, into the network of that name, puts the tensor
"x" of INPUT through it and prints the outputs on a line; or, in training, one number a tensor of WEIGHTS: the length
of the gradient of the mean square of all outputs, and of a buffer its sum after that step. The first line that it prints is
"ready", or why there is no torchvision: then it ends with 77.
"""
import collections
import json
import sys

try:
    import numpy
    import torch
    import torchvision
    from torch import nn
    from torch.nn import functional as F
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


class Up(nn.Module):
    def __init__(self, deep, skip, out):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(deep + skip, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)

    def forward(self, x, skip):
        x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=False)
        x = torch.relu(self.bn1(self.conv1(torch.cat([x, skip], 1))))
        return torch.relu(self.bn2(self.conv2(x)))


class UNet(torchvision.models.ResNet):
    def __init__(self, num_classes):
        super().__init__(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2])
        del self.fc
        self.decoder = nn.ModuleDict({
            "up3": Up(512, 256, 256), "up2": Up(256, 128, 128), "up1": Up(128, 64, 64),
            "map": nn.Conv2d(64, 1, 1), "fc": nn.Linear(512, num_classes)})

    def forward(self, x):
        s1 = self.layer1(self.maxpool(torch.relu(self.bn1(self.conv1(x)))))
        s2 = self.layer2(s1)
        s3 = self.layer3(s2)
        s4 = self.layer4(s3)
        d = self.decoder
        y = d["map"](d["up1"](d["up2"](d["up3"](s4, s3), s2), s1))
        return torch.cat([d["fc"](s4.mean((2, 3))), F.adaptive_avg_pool2d(y, 16).flatten(1)], 1)


def vit(num_classes, side):
    return torchvision.models.VisionTransformer(image_size=side, patch_size=16, num_layers=12, num_heads=6, hidden_dim=384,
                                                mlp_dim=1536, num_classes=num_classes)


def positions(learned, cells):
    """Those of 14 x 14 patches, for cells x cells."""
    if cells == 14:
        return learned
    grid = learned[:, 1:].reshape(1, 14, 14, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(cells, cells), mode="bicubic", align_corners=False)
    return torch.cat([learned[:, :1], grid.flatten(2).permute(0, 2, 1)], 1)


def answer(mode, network, outputs, weights, x):
    outputs = int(outputs)
    tensors, x = read(weights), read(x)["x"]
    if network == "vit_small":
        # a side that is no multiple of 16 goes to the nearest
        cells = int(x.shape[2] / 16 + 0.5)
        if cells * 16 != x.shape[2]:
            x = F.interpolate(x, size=(cells * 16, cells * 16), mode="bilinear", align_corners=False)
        learned = tensors["encoder.pos_embedding"].requires_grad_()
        tensors["encoder.pos_embedding"] = positions(learned, cells)
        model = vit(outputs, cells * 16)
    elif network == "unet":
        model = UNet(outputs)
    elif network == "inception_v3":
        model = torchvision.models.inception_v3(num_classes=outputs, aux_logits=False, init_weights=False)
    else:
        model = getattr(torchvision.models, network)(num_classes=outputs)
        if network == "squeezenet1_1" and outputs != 1000:
            model.classifier = nn.Sequential(collections.OrderedDict(
                pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), norm=nn.BatchNorm1d(512)))
            model.classifier.add_module("1", nn.Linear(512, outputs))
    fault = model.load_state_dict(tensors, strict=False)
    wrong = fault.unexpected_keys + [k for k in fault.missing_keys if not k.endswith(".num_batches_tracked")]
    assert not wrong, wrong
    if mode == "eval":
        with torch.no_grad():
            return model.eval()(x).flatten().tolist()
    (model.train()(x) ** 2).mean().backward()
    trained, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    if network == "vit_small":
        tensors["encoder.pos_embedding"].backward(trained["encoder.pos_embedding"].grad)
        trained["encoder.pos_embedding"] = learned
    return [float(trained[name].grad.norm() if name in trained else buffers[name].sum()) for name in tensors]


torch.set_num_threads(1)
print("ready", flush=True)
for line in sys.stdin:
    print(*map(repr, answer(*line.split())), flush=True)
