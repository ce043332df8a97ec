#!/usr/bin/env python3
"""stain_peer.py METHOD RGB GLASS: a picture's stain brought to the reference's, by the papers alone.

For test-stain.c: RGB is a file of n x 3 bytes, GLASS three numbers 0..1. METHOD macenko (Macenko et al. 2009, with the
vectors and amounts of its authors' published code; density over the glass, at least 0) prints the two vectors and the two
amounts, reinhard (Reinhard et al. 2001, to the mean and s.d. that HistomicsTK takes) the mean and s.d. of each channel;
then each pixel's new red, green, blue, not rounded, on a line. Ends with 77 where there is no numpy.
"""
import sys

try:
    import numpy as np
except ImportError as error:
    print(error)
    sys.exit(77)


def show(rows):
    for row in rows:
        print(" ".join(repr(float(x)) for x in row))


def macenko(rgb, glass):
    od = np.maximum(np.log(255 * glass) - np.log(np.maximum(rgb, 1)), 0)
    stained = od[(od >= 0.15).all(axis=1)]
    _, vectors = np.linalg.eigh(np.cov(stained.T))
    plane = vectors[:, [2, 1]]
    if plane[:, 0].sum() < 0:
        plane[:, 0] *= -1
    projected = stained @ plane
    angles = np.arctan2(projected[:, 1], projected[:, 0])
    ends = [plane @ [np.cos(a), np.sin(a)] for a in np.percentile(angles, [1, 99])]
    stains = np.array(sorted(ends, key=lambda v: -v[0]))
    amounts = np.linalg.lstsq(stains.T, stained.T, rcond=None)[0]
    most = np.percentile(amounts, 99, axis=1)
    show(stains)
    show([most])
    reference = np.array([[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]])
    scaled = np.linalg.lstsq(stains.T, od.T, rcond=None)[0] * (np.array([1.9705, 1.0308]) / most)[:, None]
    show(np.clip(255 * np.exp(-(reference.T @ scaled).T), 0, 255))


def reinhard(rgb):
    cones = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
    axes = np.diag([3 ** -0.5, 6 ** -0.5, 2 ** -0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
    lab = np.log(np.maximum(rgb @ cones.T, 1)) @ axes.T
    show([lab.mean(axis=0), lab.std(axis=0)])
    wanted = (lab - lab.mean(axis=0)) / lab.std(axis=0) * [0.57506023, 0.10403329, 0.01364062]
    wanted += [8.63234435, -0.11501964, 0.03868433]
    show(np.clip(np.exp(wanted @ np.linalg.inv(axes).T) @ np.linalg.inv(cones).T, 0, 255))


pixels = np.fromfile(sys.argv[2], dtype=np.uint8).reshape(-1, 3).astype(float)
if sys.argv[1] == "macenko":
    macenko(pixels, np.array([float(x) for x in sys.argv[3].split(",")]))
else:
    reinhard(pixels)
