"""Eighty ways to get a network wrong: ``digits caffe check --build`` says for each the line, what is wrong, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from digits.caffe.checking.check import check
from digits.core.errors import NetworkError
from digits.networks.layers.registry import Count, converters
from tests.networks.layers.write import inputs, layer
from tests.networks.nets import make

HEAD = inputs(data=(2, 3, 8, 8), label=(2,))


def bad(kind: str, settings: str = "", bottoms: str = "data", tops: str = "y") -> str:
    """The text of a layer "bad" after two inputs: its type stands in line 3, its bottoms in 4, its tops in 5, its settings in 6."""
    bottom = " ".join(f'bottom: "{name}"' for name in bottoms.split())
    top = " ".join(f'top: "{name}"' for name in tops.split())
    return f'{HEAD}layer {{ name: "bad" type: "{kind}"\n{bottom}\n{top}\n{settings}\n}}\n'


def conv(numbers: str) -> str:
    return bad("Convolution", f"convolution_param {{ {numbers} }}")


def pool(numbers: str, tops: str = "y") -> str:
    return bad("Pooling", f"pooling_param {{ {numbers} }}", tops=tops)


def dense(numbers: str, more: str = "") -> str:
    return bad("InnerProduct", f"{more} inner_product_param {{ {numbers} }}")


def twin(param: str) -> str:
    first = layer("InnerProduct", "data", "x", 'param { name: "w" lr_mult: 1 } inner_product_param { num_output: 2 }')
    return bad("InnerProduct", param).replace("layer", f"{first.strip()} layer", 3).replace(first.strip() + " ", "", 2)


SLIPS = [
    # what the tutorial's slides have
    (bad("Polling"), "3", "no layer type 'Polling'. Did you mean 'Pooling'?"),
    (bad("Data", "data_params { source: 'x' }", bottoms=""), "6:1", "no field 'data_params'. Did you mean 'data_param'?"),
    (HEAD + 'Layer { name: "c" }', "3:1", "no field 'Layer'. Did you mean 'layer'?"),
    (bad("ReLU").replace('"y"', '" pool1"'), "5", "top ' pool1' begins or ends with a blank. Write 'pool1'."),
    (bad("ReLU").replace('"data"\n', '"data "\n'), "4", "bottom 'data ' begins or ends with a blank"),
    (bad("Data", "data_param { batch_size: 1 }"), "4", "'Data' takes no bottoms"),
    # words
    (bad("relu"), "3", "Did you mean 'ReLU'?"),
    (bad("InnerProduct", "inner_product_param { num_outputs: 3 }"), "6:23", "Did you mean 'num_output'?"),
    (pool("pool: AVG kernel_size: 2"), "6:23", "'AVG' is no value of 'pool'. Did you mean 'AVE'?"),
    (dense("num_output: 2 bias_term: yes"), "6:49", "'yes' is no value of 'bias_term'"),
    (dense("num_output: 1.5"), "6:36", "parse integer: 1.5"),
    (dense("num_output: -1"), "6:36", "out of range: -1"),
    (dense("num_output: 4294967296"), "6:36", "out of range: 4294967296"),
    (dense('num_output: "10"'), "6:36", "parse integer"),
    (dense('num_output: 4 weight_filler { type: "xaver" }'), "6", "no filler 'xaver'. Did you mean 'xavier'?"),
    (bad("ReLU", "include { phase: TRIAN }"), "6:18", "Did you mean 'TRAIN'?"),
    (bad("ReLU", "include { phase: TRAIN } exclude { phase: TEST }"), "6", "include rules and exclude rules"),
    (bad("ReLU").replace('type: "ReLU"', ""), "3", "has no type. Add a type"),
    (HEAD + 'layer { name: "bad"', "3:7", "bracket is opened here and never closed"),
    (HEAD + "}", "3:1", "'}' stands where a field's name should be"),
    (HEAD + 'layer { name "bad" }', "3:14", "stands where ':' and the value of 'name' should be"),
    (HEAD + 'layer { name: "bad\n }', "3:15", "A string is not closed on its line"),
    (HEAD + "layer { name: bad }", "3:15", "Expected string"),
    (HEAD + 'layers { name: "b" type: RELU bottom: "data" top: "y" }', "3", "both 'layer' and 'layers'"),
    ('layers { name: "b" type: RELLU bottom: "data" top: "y" }', "1:26", "Did you mean 'RELU'?"),
    ('layers { layer { name: "b" type: "convv" } top: "y" }', "1", "unknown old type 'convv'. Did you mean 'conv'?"),
    ('input: "data" input_dim: 1 input_dim: 3 input_dim: 8', "", "1 input and 3 input_dim. Each input takes one"),
    # who makes what
    (bad("ReLU", bottoms="dat"), "4", "'dat' is made by no layer before it. Did you mean 'data'?"),
    (bad("ReLU", bottoms="z") + layer("ReLU", "data", "z"), "4", "A later layer makes it: order counts."),
    (bad("ReLU", bottoms="y"), "4", "'y' is made by no layer before it"),
    (bad("ReLU", bottoms="z") + layer("ReLU", "y", "z"), "4", "order counts"),
    (bad("ReLU", bottoms="label", tops="data"), "5", "'data' is made by layer 'data' already. Give it a name of its own."),
    (bad("Slice", tops="y y"), "5", "'y' is made by layer 'bad' already"),
    (dense("num_output: 2") + layer("InnerProduct", "data", "z", "inner_product_param { num_output: 2 }", name="bad"), "8", "another layer of this name has parameters"),
    (pool("kernel_size: 2", tops="data"), "5", "cannot work in place: 'data' is 2 x 3 x 8 x 8, and would become 2 x 3 x 7 x 7"),
    (bad("InnerProduct", "inner_product_param { num_output: 3 }", tops="data"), "5", "Give its top a name of its own."),
    (twin('param { name: "w" } inner_product_param { num_output: 3 }'), "6", "owns 'w', has weights of 2 x 192, and this layer needs 3 x 192"),
    (twin('param { name: "w" lr_mult: 2 } inner_product_param { num_output: 2 }'), "6", "mismatched lr_mult: 2 and 1"),
    (dense("num_output: 2", "param { } param { } param { }"), "6", "3 param entries for 2 parameter blobs"),
    (bad("ReLU", "loss_weight: 1 loss_weight: 2"), "6", "2 loss_weight for 1 tops"),
    (bad("ReLU", "propagate_down: true propagate_down: true"), "6", "2 propagate_down for 1 bottoms"),
    (bad("Python", 'python_param { module: "" layer: "X" }'), "6", "module '' cannot be imported"),
    # sizes
    (bad("InnerProduct"), "3", "num_output must be given and be at least 1."),
    (conv("kernel_size: 3"), "6", "num_output must be given"),
    (conv("num_output: 0 kernel_size: 3"), "6", "num_output must be given and be at least 1"),
    (conv("num_output: 2"), "6", "kernel_size must be given"),
    (conv("num_output: 2 kernel_size: 0"), "6", "kernel_size is 0"),
    (conv("num_output: 2 kernel_size: 3 stride: 0"), "6", "stride is 0"),
    (conv("num_output: 2 kernel_size: 3 dilation: 0"), "6", "dilation is 0"),
    (conv("num_output: 2 kernel_size: 9"), "6", "kernel of 9 is larger than its input of 8"),
    (conv("num_output: 2 kernel_size: 3 kernel_h: 3 kernel_w: 3"), "6", "kernel_size, or kernel_h and kernel_w; not both"),
    (conv("num_output: 2 kernel_size: [3, 3, 3]"), "6", "3 values of kernel_size for 2 spatial axes"),
    (conv("num_output: 2147483648 kernel_size: 1"), "6", "num_output 2147483648 is absurd"),
    (conv("num_output: 4 kernel_size: 1 group: 2"), "6", "group 2 does not divide its 3 input channels"),
    (conv("num_output: 4 kernel_size: 1 group: 0"), "6", "group 0 does not divide"),
    (bad("Deconvolution", "convolution_param { num_output: 1 kernel_size: 1 pad: 9 }"), "6", "pad 9 leaves nothing"),
    (dense("num_output: 2147483647"), "6", "weights would be 2147483647 x 192"),
    (dense("num_output: 4 axis: 7"), "6", "there is no axis 7 among 4"),
    (pool("kernel_size: 0"), "6", "kernel_size is 0"),
    (bad("Pooling"), "3", "give kernel_size, or both kernel_h and kernel_w"),
    (pool("kernel_size: 10"), "6", "kernel of 10 is larger than its input of 8"),
    (pool("kernel_size: 2 stride: 0"), "6", "stride is 0"),
    (pool("kernel_size: 2 pad: 2"), "6", "pad (2, 2) must be below the kernel (2, 2)"),
    (pool("kernel_size: 2 global_pooling: true"), "6", "global_pooling takes no kernel_size"),
    (pool("pool: AVE kernel_size: 2", tops="a b"), "6", "only MAX pooling makes a second top"),
    (bad("Softmax", "softmax_param { axis: -5 }"), "6", "there is no axis -5 among 4"),
    (bad("Concat", bottoms="data label"), "4", "must agree but for axis 1"),
    (bad("Concat", "concat_param { axis: 4 }", bottoms="data data"), "6", "no axis 4 among 4"),
    (bad("Eltwise", bottoms="data label"), "4", "bottom 'label' is (2,) and the first one"),
    (bad("Eltwise", "eltwise_param { coeff: 1 }", bottoms="data data"), "6", "1 coeff for 2 bottoms"),
    (bad("Slice", tops="a b"), "5", "axis 1 of size 3 has no 2 equal parts"),
    (bad("Slice", "slice_param { slice_point: 3 }", tops="a b"), "6", "do not rise within 1 to 2"),
    (bad("Reshape", "reshape_param { shape { dim: 5 dim: -1 } }"), "6", "384 values cannot become 5 x -1"),
    (bad("Crop", "crop_param { offset: 2 }", bottoms="data data"), "6", "axis 2 has 8, and 8 from 2 on are wanted"),
    (bad("SoftmaxWithLoss", bottoms="data label"), "3", "scores of 2 x 3 x 8 x 8 want 128 labels and get 2"),
    (bad("Dropout", "dropout_param { dropout_ratio: 1.5 }"), "6", "dropout_ratio 1.5 is not in [0, 1)"),
    (bad("LRN", "lrn_param { local_size: 4 }"), "6", "local_size 4 must be odd"),
    (bad("LRN", bottoms="label"), "3", "needs a blob of 4 axes and gets one of 1"),
    (bad("Embed", "embed_param { num_output: 2 }", bottoms="label"), "6", "num_output and input_dim must be given"),
    (bad("Tile"), "3", "tiles must be given"),
    (bad("ArgMax", "argmax_param { axis: 1 top_k: 4 }"), "6", "top_k 4 of 3 values"),
    (bad("Scale", bottoms="data label"), "4", "does not lie along (2, 3, 8, 8) from axis 1 on"),
    (inputs(data=(2, -3)), "1", "a blob cannot have the shape 2 x -3"),
    (inputs(data=(40000, 3, 900, 900)), "1", "a blob cannot have the shape 40000 x 3 x 900 x 900"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "words"), SLIPS, ids=[words[:40] for *_, words in SLIPS])
def test_a_slip_has_its_line_and_words(text: str, line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "f.prototxt"
    path.write_text(text)

    first = next(each for each in check(path, builds=True) if not each.is_note)

    assert str(first).startswith(f"{path}:{line}: " if line else f"{path}: ")
    assert words in str(first)


def wrong_counts() -> list[tuple[str, int, int]]:
    """Each type with one bottom or top less, and one more, than it takes."""
    cases: list[tuple[str, int, int]] = []
    for kind, each in converters().items():
        cases += [(kind, number, least(each.tops)) for number in beyond(each.bottoms)]
        cases += [
            (kind, least(each.bottoms), number) for number in beyond(each.tops) if number or not kind.endswith("Loss")
        ]
    return cases  # a loss without a top gets one, as in Caffe


def least(count: Count) -> int:
    return count if isinstance(count, int) else count[0]


def beyond(count: Count) -> list[int]:
    """The numbers just outside of what is allowed."""
    most = count if isinstance(count, int) else count[1]
    return [number for number in (least(count) - 1, -1 if most is None else most + 1) if number >= 0]


@pytest.mark.parametrize(("kind", "num_bottoms", "num_tops"), wrong_counts())
def test_every_type_says_how_many_bottoms_and_tops_it_takes(kind: str, num_bottoms: int, num_tops: int) -> None:
    text = HEAD + layer(kind, "data " * num_bottoms, " ".join(f"t{n}" for n in range(num_tops)), name="bad")

    with pytest.raises(
        NetworkError, match=rf"'bad': type '{kind}' takes .+, and it has ({num_bottoms}|{num_tops})\."
    ) as caught:
        make(text)

    assert caught.value.where == "net.prototxt:3"
