"""``caffe.coord_map.crop``: the offsets that the published fully convolutional networks have."""

from __future__ import annotations

import pytest

from digits import caffe
from digits.caffe import layers as L
from digits.caffe.coord_map import AxisMismatchException, UndefinedMapException, crop
from digits.caffe.net_spec import Top


def conv(bottom: Top, kernel_size: int, pad: int = 0, stride: int = 1) -> Top:
    made: Top = L.Convolution(bottom, num_output=2, kernel_size=kernel_size, pad=pad, stride=stride)
    return made


def pool(bottom: Top, kernel_size: int = 2) -> Top:
    made: Top = L.Pooling(bottom, kernel_size=kernel_size, stride=2)
    return made


def enlarge(bottom: Top, kernel_size: int, stride: int) -> Top:
    made: Top = L.Deconvolution(
        bottom, convolution_param={"num_output": 2, "kernel_size": kernel_size, "stride": stride}
    )
    return made


def offset(top: Top) -> int:
    return int(caffe.to_proto(top).layer[-1].crop_param.offset[0])


def data() -> Top:
    made: Top = L.Input(input_param={"shape": {"dim": [1, 3, 500, 500]}})
    return made


def test_fcn_8s_is_cropped_where_it_was_published() -> None:
    picture = data()
    x, pools = conv(picture, 3, pad=100), []
    for size in (1, 2, 3, 3, 3):
        for _ in range(size):
            x = L.ReLU(conv(x, 3, pad=1), in_place=True)
        pools.append(x := pool(x))
    up2 = enlarge(conv(x, 7), 4, 2)
    from_pool4 = crop(conv(pools[3], 1), up2)
    up4 = enlarge(L.Eltwise(up2, from_pool4), 4, 2)
    from_pool3 = crop(conv(pools[2], 1), up4)
    up8 = enlarge(L.Eltwise(up4, from_pool3), 16, 8)

    assert [offset(top) for top in (from_pool4, from_pool3, crop(up8, picture))] == [5, 9, 31]


def test_fcn_alexnet_is_cropped_by_18() -> None:
    picture = data()
    x = pool(conv(picture, 11, pad=100, stride=4), 3)
    x = pool(conv(x, 5, pad=2), 3)
    for _ in range(3):
        x = conv(x, 3, pad=1)
    score = conv(conv(pool(x, 3), 6), 1)

    assert offset(crop(enlarge(score, 63, 32), picture)) == 18


def test_tops_that_no_crop_lays_over_each_other_are_refused() -> None:
    picture = data()
    with pytest.raises(AxisMismatchException, match="scales 2 and 1"):
        crop(pool(picture), picture)
    with pytest.raises(AxisMismatchException, match=r"lie -1 apart"):
        crop(conv(picture, 3), picture)
    with pytest.raises(UndefinedMapException, match="nothing that both have in common"):
        crop(L.InnerProduct(picture, num_output=2), picture)
