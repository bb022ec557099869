"""Steps that add a layer which moves values: joins, parts, picks and reshapes blobs."""

from __future__ import annotations

from math import prod

import numpy as np

from tests.networks.drawn import Drawn, Shape
from tests.networks.random_layers import filler, learnt


def joined(net: Drawn) -> None:
    """Blobs of one shape in one, or summed."""
    bottom = net.pick()
    if bottom is None:
        return
    shape, rng = net.shapes[bottom], net.rng
    bottoms = [bottom, *(net.pick(like=shape) or bottom for _ in range(rng.randint(1, 3)))]
    if rng.random() < 0.4 and shape:
        axis = rng.randrange(len(shape))
        net.add(
            "Concat",
            bottoms[: rng.randint(1, 4)],
            f"concat_param {{ {rng.choice((f'axis: {axis - len(shape)}', f'concat_dim: {axis}', f'axis: {axis}'))} }}",
        )
    else:
        operation = rng.choice(("SUM", "SUM", "PROD", "MAX" if len(set(bottoms)) == len(bottoms) else "PROD"))
        coeff = (
            " ".join(f"coeff: {rng.choice((1, -1, 0.5, 2))}" for _ in bottoms)
            if operation == "SUM" and rng.random() < 0.5
            else ""
        )
        stable = net.maybe(0.3, "stable_prod_grad: false") if operation == "PROD" else ""
        net.add(
            "Eltwise",
            bottoms,
            f"eltwise_param {{ operation: {operation} {coeff} {stable} }}",
            may_overwrite=len(set(bottoms)) == len(bottoms),
        )


def parted(net: Drawn) -> None:
    bottom = net.pick()
    if bottom is None or not net.shapes[bottom]:
        return
    shape, rng = net.shapes[bottom], net.rng
    axis = rng.randrange(len(shape))
    points = (
        sorted(rng.sample(range(1, shape[axis]), rng.randint(0, min(2, shape[axis] - 1)))) if shape[axis] > 1 else []
    )
    where = rng.choice((f"axis: {axis}", f"axis: {axis - len(shape)}", f"slice_dim: {axis}"))
    tops = len(points) + 1 if points else rng.choice([n for n in (1, 2, 3) if shape[axis] % n == 0])
    net.add("Slice", [bottom], f"slice_param {{ {where} {' '.join(f'slice_point: {p}' for p in points)} }}", tops=tops)


def rearranged(net: Drawn) -> None:
    """The same values in another shape or order, more than once, or nowhere."""
    bottom = net.pick()
    if bottom is None:
        return
    shape, rng = net.shapes[bottom], net.rng
    num_axes, settings, tops = len(shape), "", 1
    kind = rng.choice(("Flatten", "Reshape", "Reshape", "Permute", "Tile", "Split", "Silence"))
    if kind == "Reshape":
        settings = reshape_settings(net, shape)
    elif kind in ("Split", "Silence"):
        tops = rng.randint(1, 3) if kind == "Split" else 0
    elif not num_axes:
        return
    elif kind == "Flatten":
        start = rng.randrange(num_axes)
        end = rng.randrange(start, num_axes) - rng.choice((0, num_axes))
        settings = f"flatten_param {{ axis: {start} end_axis: {end} }}"
    elif kind == "Permute":
        order = rng.sample(range(num_axes), rng.randint(0, num_axes))
        settings = f"permute_param {{ {' '.join(f'order: {axis}' for axis in order)} }}"
    else:
        settings = f"tile_param {{ axis: {an_axis(net, num_axes)} tiles: {rng.randint(1, 3)} }}"
    net.add(kind, [bottom], settings, tops=tops)


def reshape_settings(net: Drawn, shape: Shape) -> str:
    """Return a shape that as many values have, of some of the axes."""
    rng, num_axes = net.rng, len(shape)
    start = rng.randint(0, num_axes)
    count = rng.choice((-1, rng.randint(0, num_axes - start)))
    end = num_axes if count == -1 else start + count
    dims = [rng.choice((0, size)) for size in shape[start:end]]
    if dims and rng.random() < 0.6:
        dims[rng.randrange(len(dims))] = -1
    words = " ".join(f"dim: {dim}" for dim in (*dims, *[1] * rng.choice((0, 0, 1))))
    axis = start if rng.random() < 0.6 else start - num_axes - 1
    return f"reshape_param {{ shape {{ {words} }} axis: {axis} num_axes: {count} }}"


def reduced(net: Drawn) -> None:
    """Fewer values, or marks of them."""
    bottom = net.pick()
    if bottom is None or not net.shapes[bottom]:
        return
    shape, rng, bottoms = net.shapes[bottom], net.rng, [bottom]
    kind = rng.choice(("Reduction", "Crop", "ArgMax", "Threshold"))
    if kind == "Reduction":
        method, coeff = rng.choice(("SUM", "ASUM", "SUMSQ", "MEAN")), net.maybe(0.5, "coeff: 0.7", "coeff: -2")
        settings = f"reduction_param {{ operation: {method} axis: {an_axis(net, len(shape))} {coeff} }}"
    elif kind == "Crop":
        axis = rng.randrange(len(shape))
        sizes = [rng.randint(1, size) for size in shape[axis:]]
        offsets = [rng.randint(0, size - small) for size, small in zip(shape[axis:], sizes, strict=True)]
        given = rng.choice((offsets, offsets, [min(offsets)], []))
        bottoms.append(net.give(np.zeros((*shape[:axis], *sizes))))
        words = " ".join(f"offset: {offset}" for offset in given)
        settings = f"crop_param {{ axis: {axis - rng.choice((0, len(shape)))} {words} }}"
    elif kind == "ArgMax":
        axis_text = net.maybe(0.5, f"axis: {an_axis(net, len(shape))}")
        settings = (
            f"argmax_param {{ {axis_text} top_k: {rng.choice((1, 1, 2, 3))} {net.maybe(0.4, 'out_max_val: true')} }}"
        )
    else:
        settings = f"threshold_param {{ threshold: {rng.uniform(-0.3, 0.3)} }}"
    net.add(kind, bottoms, settings)


def an_axis(net: Drawn, num_axes: int) -> int:
    """Return an axis, counted from either end."""
    return net.rng.randrange(num_axes) - net.rng.choice((0, num_axes))


def chosen(net: Drawn) -> None:
    """Pictures of a batch by number or by a mark; rows of a table."""
    bottom = net.pick()
    if bottom is None or not net.shapes[bottom]:
        return
    shape, rng = net.shapes[bottom], net.rng
    kind = rng.choice(("BatchReindex", "Embed", "Filter"))
    if kind == "BatchReindex":
        net.add(kind, [bottom, net.give([rng.randrange(shape[0]) for _ in range(rng.randint(1, 4))])])
    elif kind == "Embed":
        rows, bias = rng.randint(1, 5), rng.random() < 0.6
        numbers = np.array([rng.randrange(rows) for _ in range(prod(shape[:2]))]).reshape(shape[:2])
        texts = (
            f"num_output: {rng.randint(1, 4)} input_dim: {rows}",
            "" if bias else "bias_term: false",
            filler(net, "weight_filler"),
        )
        learnt(net, kind, [net.give(numbers)], f"embed_param {{ {' '.join(texts)} }}", 1 + bias)
    else:  # how many it lets through is known only when it runs, so all
        net.add(kind, [bottom, net.give(np.ones((shape[0], *([1] * rng.randint(0, 2)))))])
