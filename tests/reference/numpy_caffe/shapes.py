"""Layers that move, pick, join, cut and reduce values."""

from __future__ import annotations

from itertools import product

import numpy as np

from digits.caffeproto import caffe_pb2
from tests.reference.numpy_caffe.net import Array, Message, axes_from, layer


@layer("Concat")
def concat(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Blobs one after another."""
    p = m.concat_param
    return [np.concatenate(bottoms, p.concat_dim if p.HasField("concat_dim") else p.axis)]


@layer("Slice")
def cut(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """A blob in parts."""
    (x,), p = bottoms, m.slice_param
    axis = p.slice_dim if p.HasField("slice_dim") else axes_from(p.axis, x)
    return list(np.split(x, list(p.slice_point) or len(m.top), axis))


@layer("Split")
def split(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """A blob under several names."""
    return bottoms * len(m.top)


@layer("Silence", "HDF5Output")
def silence(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Nothing."""
    return []


@layer("Crop")
def crop(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """The axes from ``axis`` on, from ``offset`` on, as long as the other blob's."""
    x, other = bottoms
    axis = axes_from(m.crop_param.axis, x)
    offsets = list(m.crop_param.offset) or [0]
    offsets = offsets * (x.ndim - axis) if len(offsets) == 1 else offsets
    spots = [slice(o, o + n) for o, n in zip(offsets, other.shape[axis:], strict=True)]
    return [x[(*[slice(None)] * axis, *spots)]]


@layer("Flatten")
def flatten(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Some axes as one."""
    (x,), p = bottoms, m.flatten_param
    start, end = axes_from(p.axis, x), axes_from(p.end_axis, x)
    return [x.reshape(*x.shape[:start], -1, *x.shape[end + 1 :])]


@layer("Reshape")
def reshape(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Some axes as others; 0 is the size that was there."""
    (x,), p = bottoms, m.reshape_param
    start = p.axis if p.axis >= 0 else x.ndim + 1 + p.axis
    end = x.ndim if p.num_axes == -1 else start + p.num_axes
    middle = [x.shape[start + i] if n == 0 else n for i, n in enumerate(p.shape.dim)]
    return [x.reshape((*x.shape[:start], *middle, *x.shape[end:]))]


@layer("Permute")
def permute(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Axes in another order."""
    order = list(m.permute_param.order)
    return [bottoms[0].transpose(order + [axis for axis in range(bottoms[0].ndim) if axis not in order])]


@layer("Tile")
def tile(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """The blob several times."""
    return [np.concatenate([bottoms[0]] * m.tile_param.tiles, axes_from(m.tile_param.axis, bottoms[0]))]


@layer("Reduction")
def reduction(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """All axes from one on as one number."""
    (x,), p = bottoms, m.reduction_param
    rows = x.reshape(*x.shape[: axes_from(p.axis, x)], -1)
    name = caffe_pb2.ReductionParameter.ReductionOp.Name(p.operation)
    made = {"SUM": rows.sum(-1), "ASUM": np.abs(rows).sum(-1), "SUMSQ": (rows**2).sum(-1), "MEAN": rows.mean(-1)}
    return [p.coeff * made[name]]


@layer("ArgMax")
def argmax(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """(value, place) pairs, sorted downwards."""
    (x,), p = bottoms, m.argmax_param

    def best(values: Array) -> list[tuple[float, int]]:
        return sorted(((float(v), i) for i, v in enumerate(values)), reverse=True)[: p.top_k]

    if p.HasField("axis"):
        axis = axes_from(p.axis, x)
        return [np.apply_along_axis(lambda v: [pair[0 if p.out_max_val else 1] for pair in best(v)], axis, x) * 1.0]
    pairs = np.array([best(row) for row in x.reshape(len(x), -1)])
    parts = [pairs[..., 1], pairs[..., 0]] if p.out_max_val else [pairs[..., 1]]
    return [np.stack(parts, 1).reshape(len(x), len(parts), p.top_k, *(1,) * (x.ndim - 3))]


@layer("Embed")
def embed(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """A row of the table for each index."""
    y = params[0][bottoms[0].astype(int)]
    return [y + params[1] if m.embed_param.bias_term else y]


@layer("Filter")
def choose(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """The pictures whose selector is not 0."""
    return [x[bottoms[-1].ravel() != 0] for x in bottoms[:-1]]


@layer("BatchReindex")
def batch_reindex(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """The pictures of these numbers."""
    return [bottoms[0][bottoms[1].astype(int)]]


@layer("Parameter")
def parameter(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """The blob itself."""
    return [params[0]]


@layer("Upsample")
def upsample(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Each value at its place of a larger plane."""
    (x, places), p = bottoms, m.upsample_param
    height = p.upsample_h or p.scale * x.shape[2] - p.pad_out_h
    width = p.upsample_w or p.scale * x.shape[3] - p.pad_out_w
    y = np.zeros((*x.shape[:2], height * width))
    for index in product(*map(range, x.shape)):
        y[index[0], index[1], int(places[index])] = x[index]
    return [y.reshape(*x.shape[:2], height, width)]
