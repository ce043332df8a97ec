"""The numbers of test-coarse.c, by SciPy: a line through pairs of looks.

    python3 tests/unit/coarse_reference.py
"""
from scipy import stats

n = 60
coarse = [(i * 37 % 60) * 0.1 - 3 for i in range(n)]
order = sorted(range(n), key=lambda i: -coarse[i])
seen = order[:24] + [order[24 + k * 36 // 16] for k in range(16)]
full = {i: 1 + 1.5 * coarse[i] + (i * 13 % 7 - 3) * 0.8 for i in seen}
line = stats.linregress([coarse[i] for i in seen], [full[i] for i in seen])
print("looked at", seen)
left = [i for i in order if i not in seen][:3]
print("expected", [(i, line.intercept + line.slope * coarse[i]) for i in left])
