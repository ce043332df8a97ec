#!/usr/bin/env python3
"""torchscript_peer.py FOLDER: files as users export them, good ones and bad ones, for tests of what reads them.

Ends with 77 where there is no torchvision.
"""
import os
import sys

try:
    import torch
    import torchvision
    from torch import nn
except ImportError as error:
    print(error)
    sys.exit(77)


class Linear(nn.Module):
    """Of the means of three channels."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.fc(x.mean((2, 3)))


class Several(Linear):
    def forward(self, x):
        return self.fc(x.mean((2, 3))), x


class Places(Linear):
    """A vector of each pixel, flattened: its length depends on the picture."""

    def forward(self, x):
        return self.fc(x.permute(0, 2, 3, 1)).flatten(1)


class Triple(Linear):
    def forward(self, x):
        return self.fc(x.permute(0, 2, 3, 1)).flatten(1, 2)


class Suppressed(Linear):
    def forward(self, x):
        boxes = x.flatten(1)[:, :4]
        return torchvision.ops.nms(boxes, self.fc(boxes)[:, 0], 0.5)


def script(network, name):
    torch.jit.script(network).save(name)


os.chdir(sys.argv[1])
torch.manual_seed(5)
r18 = torchvision.models.resnet18(num_classes=7)
script(r18, "resnet18.pt")
torch.save(r18.state_dict(), "state.pt")
torch.save(dict(r18.state_dict()), "plain.pt")
torch.save({"epoch": 3, "state_dict": dict(r18.state_dict())}, "checkpoint.pt")
torch.save(r18, "pickled.pt")
torch.save([1, 2], "list.pt")
torch.save(r18.state_dict(), "old.pt", _use_new_zipfile_serialization=False)
script(nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout2d(0.5)), "map.pt")
script(Several(3, 2), "several.pt")
torch.jit.trace(nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 5)), torch.zeros(1, 3, 64, 64)).save("fixed.pt")
torch.jit.freeze(torch.jit.script(Linear(3, 2).eval())).save("frozen.pt")
script(Linear(7, 2), "seven.pt")
script(Places(3, 2), "places.pt")
script(Triple(3, 2), "triple.pt")
script(Suppressed(4, 2), "nms.pt")
open("junk.pt", "wb").write(b"no archive " * 99)
open("zip.pt", "wb").write(b"PK\3\4 but no more of one " * 99)
open("empty.pt", "wb").close()
