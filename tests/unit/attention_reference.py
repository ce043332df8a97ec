"""The same forward pass in PyTorch. Reads what test-attention.c writes, prints the logit and then each tile's
attention. Exit code 77: a package is missing, and the first line says which."""
import sys

try:
    import torch
except ImportError as error:
    print(error)
    sys.exit(77)


class GatedAttention(torch.nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.attention = torch.nn.ModuleDict({
            "V": torch.nn.Linear(width, hidden), "U": torch.nn.Linear(width, hidden),
            "w": torch.nn.Linear(hidden, 1, bias=False)})
        self.head = torch.nn.Linear(width, 1)

    def forward(self, h):
        gate = torch.tanh(self.attention["V"](h)) * torch.sigmoid(self.attention["U"](h))
        weight = torch.softmax(self.attention["w"](gate).T, dim=1)
        return self.head(weight @ h), weight


def main():
    state = {}
    with open(sys.argv[1], encoding="ascii") as lines:
        for line in lines:
            name, shape, *values = line.split()
            state[name] = torch.tensor([float(v) for v in values]).reshape([int(d) for d in shape.split("x")])
    mean, scale, tiles = (state.pop(name) for name in ("input.mean", "input.scale", "tiles"))
    model = GatedAttention(tiles.shape[1], state["attention.V.bias"].shape[0])
    model.load_state_dict(state)
    with torch.no_grad():
        logit, weight = model(((tiles - mean) * scale).clamp(-10, 10))
    print(logit.item(), *weight[0].tolist(), sep="\n")


main()
