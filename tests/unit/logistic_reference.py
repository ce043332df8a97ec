"""The same fits by scikit-learn where no sign is set, and by SciPy's L-BFGS-B with bounds. Reads cases as
test-logistic.c writes them, prints the weights of the standardised features and the intercept, a line a case.
Exit code 77: a package is missing, and the first line says which."""
import sys

try:
    import numpy as np
    from scipy import optimize
    from sklearn.linear_model import LogisticRegression
except ImportError as error:
    print(error)
    sys.exit(77)


def bounded(z, y, strength, signs):
    """Minimises (1 / n) sum log(1 + exp(-y z)) + strength / 2 |w|^2 from several sides."""
    n, p = z.shape

    def objective(w):
        margin = z @ w[:p] + w[p]
        miss = (1 / (1 + np.exp(-margin)) - y) / n
        loss = np.mean(np.logaddexp(0, margin) - y * margin) + strength / 2 * w[:p] @ w[:p]
        return loss, np.append(z.T @ miss + strength * w[:p], miss.sum())

    bounds = [((0, None) if s > 0 else (None, 0) if s < 0 else (None, None)) for s in signs] + [(None, None)]
    at = np.zeros(p + 1)
    for _ in range(5):
        at = optimize.minimize(objective, at, jac=True, bounds=bounds, method="L-BFGS-B",
                               options={"ftol": 1e-18, "gtol": 1e-13, "maxiter": 20000, "maxcor": 30}).x
    return at


def main():
    with open(sys.argv[1], encoding="ascii") as cases:
        for line in cases:
            n, p, strength = line.split()
            n, p, strength = int(n), int(p), float(strength)
            signs = [int(s) for s in next(cases).split()]
            rows = np.array([[float(v) for v in next(cases).split()] for _ in range(n)])
            y, x = rows[:, 0], rows[:, 1:]
            z = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
            if any(signs):
                fit = bounded(z, y, strength, signs)
            else:
                model = LogisticRegression(C=1 / (n * strength), solver="newton-cholesky", tol=1e-13, max_iter=10000)
                model.fit(z, y)
                fit = np.append(model.coef_[0], model.intercept_)
            print(*(repr(float(v)) for v in fit))


main()
