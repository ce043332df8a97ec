"""The same metrics, computed elsewhere: scikit-learn and SciPy where they have them, DeLong's variance over
all pairs in plain NumPy. Reads cases as test-metrics.c writes them, prints `case metric value` lines.
Exit code 77: a package is missing, and the first line says which."""
import sys

try:
    import numpy as np
    from scipy import stats
    from sklearn import metrics
except ImportError as error:
    print(error)
    sys.exit(77)


def delong(scores, labels):
    """Placements by all pairs: components (scores, cases of class 1) and (scores, cases of class 0)."""
    positive, negative = scores[:, labels == 1], scores[:, labels == 0]
    order = np.sign(positive[:, :, None] - negative[:, None, :]) / 2 + 0.5
    return order.mean(axis=2), order.mean(axis=1)


def variance(components, weights):
    if min(part.shape[1] for part in components) < 2:
        return np.nan
    return sum(np.atleast_2d(np.cov(part, ddof=1)) / part.shape[1] for part in components) @ weights @ weights


def auc_interval(score, labels, level):
    auc = metrics.roc_auc_score(labels, score)
    var = variance(delong(score[None], labels), np.ones(1))
    if not var > 1e-30:
        n = min(labels.sum(), (1 - labels).sum())
        tail, ones = (1 - level) / 2, auc * n
        low = stats.beta.ppf(tail, ones, n - ones + 1) if ones > 0 else 0.0
        return low, (stats.beta.ppf(1 - tail, ones + 1, n - ones) if ones < n else 1.0)
    reach = stats.norm.ppf(0.5 + level / 2) * var ** 0.5 / (auc * (1 - auc))
    centre = np.log(auc / (1 - auc))
    return tuple(1 / (1 + np.exp(-(centre + side * reach))) for side in (-1, 1))


def judge(a, b, labels, level):
    yield "auc", metrics.roc_auc_score(labels, a)
    low, high = auc_interval(a, labels, level)
    yield "low", low
    yield "high", high
    difference = metrics.roc_auc_score(labels, a) - metrics.roc_auc_score(labels, b)
    var = variance(delong(np.stack([a, b]), labels), np.array([1.0, -1.0]))
    if var > 1e-30:
        yield "difference", difference
        yield "p", 2 * stats.norm.sf(abs(difference) / var ** 0.5)
    fpr, tpr, thresholds = metrics.roc_curve(labels, a, drop_intermediate=False)
    for specificity in (0.5, 0.9, 0.95):
        yield f"sensitivity_{specificity}", tpr[1 - fpr >= specificity - 1e-12].max()
    yield "points", len(tpr)
    yield "youden", (tpr - fpr).max() + 1
    called = a >= 0.5
    tn, fp, fn, tp = metrics.confusion_matrix(labels, called, labels=[0, 1]).ravel()
    for name, value in (("tp", tp), ("fp", fp), ("tn", tn), ("fn", fn)):
        yield name, value
    if tp + fp + fn > 0:
        yield "f1", metrics.f1_score(labels, called)
        yield "f2", metrics.fbeta_score(labels, called, beta=2)
    yield "brier", metrics.brier_score_loss(labels, a)
    clipped = np.clip(a, 1e-15, 1 - 1e-15)
    yield "log_loss", -np.mean(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped))
    for q in (0.0, 0.1, 0.5, 0.77, 1.0):
        yield f"quantile_{q}", np.quantile(a, q)


def main():
    with open(sys.argv[1], encoding="ascii") as cases:
        for line in cases:
            kind, name, *rest = line.split()
            if kind == "normal":
                print(name, "quantile", repr(float(stats.norm.ppf(float(rest[0])))))
                print(name, "cdf", repr(float(stats.norm.cdf(float(rest[1])))))
                continue
            labels = np.array([int(c) for c in rest[1]])
            a, b = (np.array([float(x) for x in next(cases).split()]) for _ in "ab")
            for metric, value in judge(a, b, labels, float(rest[0])):
                print(name, metric, repr(float(value)))


main()
