"""Published weights load by name into the standard networks, and answer as they always did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digits import caffe
from digits.caffeproto.files import read_weights_file
from digits.networks.caffe.copying import copy_by_name
from tests.networks.standard_nets import built, definition
from tests.shared import needs_shared, shared


@needs_shared
def test_every_layer_of_squeezenets_published_weights_is_copied_into_the_standard_network() -> None:
    path = shared("data", "pretrained", "squeezenet_v1.0.caffemodel")
    net = built("squeezenet", "deploy", classes=1000, device="cpu")

    rows = copy_by_name(net, [(path.name, read_weights_file(path))])

    assert [row.outcome for row in rows] == ["copied"] * 26
    assert {row.layer for row in rows} == {name.rpartition(":")[0] for name in net.blobs}


@needs_shared
def test_the_standard_squeezenet_knows_the_cat_with_its_published_weights(tmp_path: Path) -> None:
    folder = shared("data", "pretrained")
    (tmp_path / "deploy.prototxt").write_text(definition("squeezenet", 1000).deploy_text)
    net = caffe.Net(tmp_path / "deploy.prototxt", folder / "squeezenet_v1.0.caffemodel", caffe.TEST)
    picture = (
        Image.open(shared("data", "test_images", "cat.jpg"))
        .convert("RGB")
        .resize((256, 256), Image.Resampling.BILINEAR)
    )
    ready = caffe.io.Transformer({"data": net.blobs["data"].shape})
    ready.set_transpose("data", (2, 0, 1))
    ready.set_channel_swap("data", (2, 1, 0))
    ready.set_mean("data", np.array([104, 117, 123]))

    net.blobs["data"].data[...] = ready.preprocess("data", np.asarray(picture)[14:241, 14:241])
    chances = net.forward()["softmax"].ravel()

    names = (folder / "imagenet_synset_words.txt").read_text().splitlines()
    best = {names[index].partition(" ")[2]: float(chances[index]) for index in np.argsort(-chances)[:3]}
    assert best == {
        "kit fox, Vulpes macrotis": pytest.approx(0.40, abs=0.005),
        "red fox, Vulpes vulpes": pytest.approx(0.28, abs=0.005),
        "Pembroke, Pembroke Welsh corgi": pytest.approx(0.17, abs=0.005),
    }
