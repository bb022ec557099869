"""Networks in Python: what their texts may be, what is told of them, the standard ones held against their cards and their Caffe twins."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from digits.core.errors import NetworkError, WeightsError
from digits.data.images import prepare_image
from digits.networks.caffe.describe import describe as describe_caffe
from digits.networks.standard import Card, standard_networks
from digits.networks.standard.fitting import fit
from digits.networks.torch.definition import TorchDefinition, define
from digits.networks.torch.describe import describe
from digits.networks.torch.net import TorchNet
from digits.networks.torch.params import Params
from digits.networks.torch.text import check_text, is_standard, standard_text
from digits.networks.torch.weights import read_weights
from digits.training.transform import centre
from tests.shared import needs_pretrained, shared

CARDS = list(standard_networks(suffix="py").values())
PARAMS = Params(num_classes=3, input_shape=(1, 8, 8))
BRANCHES = """import torch
from torch import nn
from torch.nn import functional as F

class Branches(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.left = nn.Conv2d(4, 2, 1)
        self.right = nn.Conv2d(4, 2, 3, padding=1)
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = torch.cat([self.left(x), self.right(x)], 1)
        return self.fc(torch.flatten(x, 1))

def build_model(params):
    return Branches(params["nclasses"])
"""


def defined(body: str) -> TorchDefinition:
    text = "from torch import nn\n\ndef build_model(params):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return define(text, PARAMS, allowed=True, where="network.py")


def test_all_standard_classifiers_in_python_but_one_have_a_caffe_twin() -> None:
    classifiers = {card.name for card in CARDS if card.kind == "classification"}

    assert classifiers - standard_networks().keys() == {"efficientnet_lite0"}  # Caffe's layers cannot pad as it does


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_standard_network_learns_as_many_values_as_its_card_and_its_twin_say(card: Card) -> None:
    question = {"standard": card.name, "channels": card.channels, "height": card.height, "width": card.width}

    paper = describe(question | {"num_classes": card.num_classes})
    ours = describe(question | {"num_classes": 7, "channels": 1, "crop_size": 230 if card.crop_size else None})

    assert paper["parameters"] == card.parameters == sum(row["num_parameters"] for row in paper["layers"])
    fitted = fit(
        card.name,
        num_classes=7,
        channels=1,
        height=card.height,
        width=card.width,
        crop_size=230 if card.crop_size else None,
    )
    assert ours["parameters"] == fitted.parameters  # of its Caffe twin, where it has one
    assert paper["multiply_adds"] > 0
    assert paper["graph_svg"].startswith("<svg")


@pytest.mark.parametrize("name", ["fcn8s_efficientnet_lite0", "fcn_squeezenet", "unet"])
def test_a_segmenting_network_answers_for_every_pixel_of_a_picture_of_any_size(name: str) -> None:
    model = define(standard_text(name), Params(5, (3, 64, 64)), allowed=False).model.eval()

    for height, width in ((47, 75), (64, 96)):
        assert model(torch.rand(1, 3, height, width)).shape == (1, 5, height, width)


@pytest.mark.parametrize(
    ("name", "classifier", "own"),
    [
        ("fcn8s_efficientnet_lite0", "efficientnet_lite0", {"score8", "score16", "score32"}),
        ("fcn_squeezenet", "squeezenet", {"score4", "score8", "score16"}),
    ],
)
def test_a_segmenting_network_has_its_classifiers_layers_by_name_and_says_nothing_at_first(
    name: str, classifier: str, own: set[str]
) -> None:
    params = Params(5, (3, 64, 64))
    model = define(standard_text(name), params, allowed=False).model.eval()
    theirs = define(standard_text(classifier), params, allowed=False, device="meta").model.state_dict()

    ours = {each: value.shape for each, value in model.state_dict().items()}
    assert {each.rpartition(".")[0] for each in ours.keys() - theirs.keys()} == own
    assert all(theirs[each].shape == shape for each, shape in ours.items() if each in theirs)
    assert not model(torch.rand(1, 3, 64, 64) * 255).any()


@pytest.mark.parametrize("name", ["caffenet", "inceptionv3"])
def test_a_network_computes_as_much_as_its_caffe_twin(name: str) -> None:
    question = {"standard": name, "channels": 3, "height": 320, "width": 320, "num_classes": 10}

    assert describe(question)["multiply_adds"] == describe_caffe(question)["multiply_adds"]


def test_lenet_has_the_shapes_of_the_paper_and_the_lines_of_its_text() -> None:
    rows = describe({"standard": "lenet", "channels": 1, "height": 28, "width": 28, "num_classes": 10})["layers"]

    assert [(row["name"], row["output_shapes"][0][1:]) for row in rows] == [
        ("conv1", (20, 24, 24)), ("pool1", (20, 12, 12)), ("conv2", (50, 8, 8)), ("pool2", (50, 4, 4)), ("ip1", (500,)), ("relu1", (500,)),
        ("ip2", (10,)),
    ]  # fmt: skip
    text = standard_text("lenet").splitlines()
    assert all(f"self.{row['name']} =" in text[row["line"] - 1] for row in rows)
    assert [row["receptive_field"] for row in rows[:4]] == [(5, 5), (6, 6), (14, 14), (16, 16)]
    assert rows[2]["multiply_adds"] == 50 * 20 * 25 * 64


def test_a_network_that_normalises_is_told_of_pictures_that_it_makes_one_value_of() -> None:
    rows = describe({"standard": "resnet18", "channels": 1, "height": 28, "width": 28, "num_classes": 10})["layers"]

    assert [row["output_shapes"][0][1:] for row in rows[-2:]] == [(512, 1, 1), (10,)]


def test_branches_are_followed_through_functions_that_are_no_layers() -> None:
    rows = describe({"text": BRANCHES, "channels": 1, "height": 8, "width": 8, "num_classes": 5, "runs": True})[
        "layers"
    ]

    assert {row["name"]: row["bottoms"] for row in rows} == {
        "stem": ("data",), "left": ("stem",), "right": ("stem",), "fc": ("left", "right"),
    }  # fmt: skip
    assert next(row["receptive_field"] for row in rows if row["name"] == "right") == (7, 7)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("def build_model(params):\n    return (\n", "2", "no Python 3"),
        ("x = 1\n", "", "no function 'build_model'"),
        ("def build_model():\n    pass\n", "1", "takes one argument"),
        ("def build_model(params, more):\n    pass\n", "1", "takes one argument"),
        ("import torch\nimport nothing_of_the_kind\ndef build_model(params):\n    pass\n", "2", "ModuleNotFoundError"),
        ("def build_model(params):\n    layers = 3\n    return params.classes\n", "3", "classes"),
        ("def build_model(params):\n    raise SystemExit(3)\n", "2", "SystemExit"),
        ("def build_model(params):\n    return None\n", "", "returned nothing"),
        ("def build_model(params):\n    return {'modell': 3}\n", "", "unknown key 'modell'"),
        ("from torch import nn\ndef build_model(p):\n    return {'model': nn.ReLU(), 'crop_size': -1}\n", "", "crop_size"),
        ("from torch import nn\ndef build_model(p):\n    return {'model': nn.ReLU(), 'loss': 'nll'}\n", "", "'loss' is str"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_text_is_told_at_its_line(text: str, line: str, words: str) -> None:
    with pytest.raises(NetworkError) as caught:
        define(text, PARAMS, allowed=True, where="network.py")

    assert words in caught.value.message
    assert caught.value.where == (f"network.py:{line}" if line else "network.py")


def test_a_shape_that_does_not_fit_is_told_at_the_line_of_forward() -> None:
    text = BRANCHES.replace("nn.Linear(64,", "nn.Linear(65,")

    with pytest.raises(NetworkError) as caught:
        describe({"text": text, "channels": 1, "height": 8, "width": 8, "num_classes": 5, "runs": True})

    assert caught.value.where == "line 16"


def test_code_of_a_user_does_not_run_where_it_may_not_but_a_standard_network_does() -> None:
    text = "raise ValueError('it ran')\n" + standard_text("lenet")

    with pytest.raises(NetworkError) as caught:
        define(text, PARAMS, allowed=False)

    assert "allow_python_layers" in caught.value.hint
    check_text(text)
    lenet = standard_text("lenet")
    assert define(lenet, Params(10, (1, 28, 28)), allowed=False).train_batch_size == 64
    assert is_standard(lenet.replace("\n", "\r\n"))
    assert not is_standard(lenet + "import os\n")


def test_parameters_answer_to_digits_names_too() -> None:
    params = Params(10, (3, 32, 40), ngpus=1)

    assert (params.nclasses, params.inputShape, params["nclasses"], params["input_shape"]) == (
        10, (3, 32, 40), 10, (3, 32, 40),
    )  # fmt: skip
    assert params.get("croplen") is None
    with pytest.raises(KeyError):
        params["croplen"]


def test_the_loss_of_scores_and_of_their_log_softmax_is_the_cross_entropy() -> None:
    data, label = torch.arange(6.0).reshape(2, 3), torch.tensor([2.0, 0.0])
    by_hand = (math.log(1 + math.exp(-1) + math.exp(-2)) * 2 + 2) / 2

    for model in ("nn.Identity()", "nn.LogSoftmax(1)"):
        net = TorchNet(defined(f"return {model}"), "class", "TEST")
        found = net(data=data, label=label)
        assert found["loss"].item() == pytest.approx(by_hand, rel=1e-5)
        assert found["accuracy"].item() == 0.5
        torch.testing.assert_close(net(data=data)["softmax"], data.softmax(1))


def test_a_label_hook_and_a_loss_make_an_autoencoder() -> None:
    body = (
        "return {'model': nn.Identity(), 'labelHook': lambda input, label: input + 2, 'loss': nn.functional.mse_loss}"
    )
    net = TorchNet(defined(body), "class", "TRAIN")

    found = net(data=torch.zeros(2, 3), label=torch.zeros(2))

    assert found["loss"].item() == 4
    assert "accuracy" not in found


def test_an_output_that_does_not_fit_the_classes_is_told_in_words() -> None:
    net = TorchNet(defined("return nn.Flatten(0)"), "class", "TRAIN")

    with pytest.raises(NetworkError, match="does not fit its answers"):
        net(data=torch.zeros(2, 3), label=torch.zeros(2))


def test_batch_statistics_are_kept_with_the_weights_and_their_counter_apart() -> None:
    net, other = (TorchNet(defined("return nn.BatchNorm1d(3)"), "vector", "TRAIN") for _ in range(2))
    net(data=torch.randn(5, 3))

    other.load_state(net.state())
    other.load_memory(net.memory())

    assert set(net.state()) == {"weight", "bias", "running_mean", "running_var"}
    assert other.memory()["num_batches_tracked"].item() == 1
    torch.testing.assert_close(other.module.state_dict(), net.module.state_dict())


@needs_pretrained
def test_published_weights_are_read_as_plain_arrays_and_see_a_cat() -> None:
    card = standard_networks(suffix="py")["efficientnet_lite0"]
    assert card.pretrained is not None
    path = card.pretrained.path()
    assert path is not None
    picture = shared("data", "test_images", "cat.jpg").read_bytes()
    names = shared("data", "pretrained", "imagenet_synset_words.txt").read_text().splitlines()
    net = TorchNet(define(standard_text(card.name), Params(1000, (3, 224, 224)), allowed=False), "class", "TEST")

    net.load_state(read_weights(path))
    image_HWC = prepare_image(picture, height=256, width=256, channels=3, mode="squash")
    chances = net(data=centre(torch.from_numpy(image_HWC.copy()).permute(2, 0, 1)[None].float(), 224))["softmax"][0]

    best = [names[int(each)].partition(" ")[2] for each in chances.topk(2).indices]
    assert set(best) == {"tiger cat", "tabby, tabby cat"}
    assert net.definition.use_mean == "none"


def test_a_file_that_would_run_code_is_not_read(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(2), "run": Path}, tmp_path / "whole.pth")

    with pytest.raises(WeightsError, match="no file of weights"):
        read_weights(tmp_path / "whole.pth")


def test_squeezenet_takes_published_weights_by_name() -> None:
    found = read_weights(shared("data", "pretrained", "squeezenet1_0_imagenet.pth"))
    net = TorchNet(
        define(standard_text("squeezenet"), Params(1000, (3, 227, 227)), allowed=False, device="meta"), "class", "TEST"
    )

    assert {name: array.shape for name, array in found.items()} == net.shapes()
