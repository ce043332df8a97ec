"""The same metrics, computed elsewhere: scikit-learn and SciPy where they have them, DeLong's covariances over
all pairs in plain NumPy, calibration in fractions and in 80-bit numbers. Reads cases as test-metrics.c writes them, prints `case metric value` lines.
Exit code 77: a package is missing, and the first line says which."""
import sys
from fractions import Fraction

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


def covariances(components):
    """Of the AUCs: (scores, scores)."""
    return sum(np.atleast_2d(np.cov(part, ddof=1)) / part.shape[1] for part in components)


def variance(components, weights):
    if min(part.shape[1] for part in components) < 2:
        return np.nan
    return covariances(components) @ weights @ weights


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


def compare(a, b, labels, level):
    """DeLong's test: the variance of the difference from those of both and their covariance."""
    difference = metrics.roc_auc_score(labels, a) - metrics.roc_auc_score(labels, b)
    var = variance(delong(np.stack([a, b]), labels), np.array([1.0, -1.0]))
    if not var > 1e-30:
        return
    reach = stats.norm.ppf(0.5 + level / 2) * var ** 0.5
    yield "difference", difference
    yield "difference_low", difference - reach
    yield "difference_high", difference + reach
    yield "p", 2 * stats.norm.sf(abs(difference) / var ** 0.5)


def roc(score, labels):
    """The curve by counting anew at each threshold; it agrees with scikit-learn's."""
    thresholds = [np.inf] + sorted(set(score), reverse=True)
    points = [(t, np.mean(score[labels == 1] >= t), np.mean(score[labels == 0] < t)) for t in thresholds]
    fpr, tpr, _ = metrics.roc_curve(labels, score, drop_intermediate=False)
    assert np.allclose(tpr, [p[1] for p in points]) and np.allclose(1 - fpr, [p[2] for p in points])
    yield "points", len(points)
    for i in range(0, len(points), 1 + len(points) // 20):
        for name, value in zip(("threshold", "sensitivity", "specificity"), points[i]):
            yield f"{name}@{i}", value
    for wanted in (0.5, 0.8, 0.9, 0.95, 1.0):
        _, sensitivity, specificity = max((p for p in points if p[2] >= wanted - 1e-12), key=lambda p: p[1:])
        yield f"best_sensitivity@{wanted}", sensitivity
        yield f"best_specificity@{wanted}", specificity


def wilson(ones, cases, level):
    """The roots of (share - p)^2 = z^2 p (1 - p) / cases, Wilson's condition itself."""
    z2, share = stats.norm.ppf(0.5 + level / 2) ** 2, ones / cases
    a, b, c = 1 + z2 / cases, -(2 * share + z2 / cases), share ** 2
    root = max(b * b - 4 * a * c, 0) ** 0.5
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def bins(score, labels, most, level):
    exact = [Fraction(float(x)) for x in score]
    sorted_into = {}
    for x, label in zip(exact, labels):
        below = sum(y < x for y in exact)
        sorted_into.setdefault(below * most // len(exact), []).append((x, int(label)))
    error = Fraction(0)
    yield "bins", len(sorted_into)
    for i, key in enumerate(sorted(sorted_into)):
        values, ones = zip(*sorted_into[key])
        mean, observed = sum(values) / len(values), Fraction(sum(ones), len(ones))
        error += abs(mean - observed) * len(values) / len(exact)
        low, high = wilson(sum(ones), len(ones), level)
        for name, value in (("n", len(values)), ("low", min(values)), ("high", max(values)), ("mean", mean),
                            ("observed", observed), ("observed_low", low), ("observed_high", high)):
            yield f"bin_{name}@{i}", value
    yield "ece", error


def logistic_regression(design, labels, offset):
    """By Fisher's scoring in 80-bit numbers, checked by the score equations; estimates and their variances."""
    def likelihood(at):
        return -np.logaddexp(0, (1 - 2 * labels) * (offset + design @ at)).sum()

    beta = np.zeros(design.shape[1], dtype=np.longdouble)
    for _ in range(200):
        mu = 1 / (1 + np.exp(-(offset + design @ beta)))
        normal = design.T @ ((mu * (1 - mu))[:, None] * design)
        inverse = 1 / normal if len(beta) == 1 else np.array(
            [[normal[1, 1], -normal[0, 1]], [-normal[1, 0], normal[0, 0]]]) / (
                normal[0, 0] * normal[1, 1] - normal[0, 1] * normal[1, 0])
        gradient = design.T @ (labels - mu)
        if np.abs(gradient).max() < 1e-16 * len(labels):
            return beta, np.diag(inverse)
        step = inverse @ gradient
        step /= max(1, np.abs(design @ step).max() / 3)
        while likelihood(beta + step) < likelihood(beta) - 1e-15 * len(labels):
            step /= 2
        beta = beta + step
    raise ArithmeticError(f"a gradient of {gradient} after 200 steps")


def recalibration(score, labels, level):
    p = np.clip(score, 1e-6, 1 - 1e-6).astype(np.longdouble)
    x, one, z = np.log(p) - np.log1p(-p), np.ones((len(p), 1), dtype=np.longdouble), stats.norm.ppf(0.5 + level / 2)
    (large,), (spread,) = logistic_regression(one, labels, x)
    yield "in_the_large", large
    yield "in_the_large_low", large - z * spread ** 0.5
    if max(x[labels == 0]) <= min(x[labels == 1]) or max(x[labels == 1]) <= min(x[labels == 0]):
        yield "intercept", np.nan
        yield "slope", np.nan
        return
    beta, spread = logistic_regression(np.hstack([one, x[:, None]]), labels, 0)
    yield "intercept", beta[0]
    yield "intercept_low", beta[0] - z * spread[0] ** 0.5
    yield "slope", beta[1]
    yield "slope_high", beta[1] + z * spread[1] ** 0.5


def judge(a, b, labels, level):
    yield "auc", metrics.roc_auc_score(labels, a)
    low, high = auc_interval(a, labels, level)
    yield "low", low
    yield "high", high
    yield from compare(a, b, labels, level)
    yield from roc(a, labels)
    yield from bins(a, labels, 7, level)
    yield from recalibration(a, labels, level)
    called = a >= 0.5
    tn, fp, fn, tp = metrics.confusion_matrix(labels, called, labels=[0, 1]).ravel()
    for name, value in (("tp", tp), ("fp", fp), ("tn", tn), ("fn", fn)):
        yield name, value
    yield "brier", metrics.brier_score_loss(labels, a)
    clipped = np.clip(a, 1e-15, 1 - 1e-15)
    yield "log_loss", -np.mean(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped))
    for q in (0.0, 0.1, 0.5, 0.77, 1.0):
        yield f"quantile@{q}", np.quantile(a, q)


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
