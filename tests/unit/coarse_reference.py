"""The numbers of test-coarse.c, by scipy: a line through pairs of looks, its error, and expected improvements.

    python3 tests/unit/coarse_reference.py
"""
import numpy as np
from scipy import integrate, stats

n, top = 60, 2
coarse = np.array([(i * 37 % 60) * 0.1 - 3 for i in range(n)])
order = sorted(range(n), key=lambda i: -coarse[i])
seen = order[:16] + [order[16 + k * 44 // 16] for k in range(16)]
full = np.full(n, np.nan)
for i in seen:
    full[i] = 1 + 1.5 * coarse[i] + (i * 13 % 7 - 3) * 0.8
print("first", seen)
x, y = coarse[seen], full[seen]
line = stats.linregress(x, y)
sd = np.sqrt(np.sum((y - line.intercept - line.slope * x) ** 2) / (len(seen) - 2))
print("line", repr(line.intercept), repr(line.slope), repr(sd))
t = np.sort(y)[::-1][top - 1]


def gain(i):
    mean = line.intercept + line.slope * coarse[i]
    return integrate.quad(lambda v: (v - t) * stats.norm.pdf(v, mean, sd), t, t + 40)[0] / top


left = [i for i in order if i not in seen]
sums = [sum(gain(i) for i in left[m:]) for m in range(len(left) + 1)]
print("bar", repr(t), "expected of the first left", [float("%.4g" % gain(i)) for i in left[:4]])
for bound in (0.1, 1e-2, 1e-3, 1e-6):
    due = next(m for m, s in enumerate(sums) if s <= bound)
    print("bound", bound, "due", due, "of", len(left), [int(i) for i in left[:due]])
print("merged", [repr(line.intercept + line.slope * coarse[i]) for i in left[:3]], left[:3])
