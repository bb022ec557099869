"""``digits caffe check``: every slip has its line, what is wrong and what to do, and what is sound is called so."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from digits.caffe.checking.check import check
from digits.caffe.checking.findings import Finding
from digits.core.errors import DigitsError
from digits.networks.standard import standard_networks, standard_text
from tests.caffe.oracle import NETS
from tests.shared import needs_shared, shared

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }\n'


def findings(tmp_path: Path, text: str, *, builds: bool = False, name: str = "f.prototxt") -> list[str]:
    (tmp_path / name).write_text(text)
    return [str(each).replace(f"{tmp_path}/", "") for each in wrong(tmp_path / name, builds=builds)]


def wrong(path: Path, *, builds: bool = True) -> list[Finding]:
    """What makes a file unsound; notes do not."""
    return [each for each in check(path, builds=builds) if not each.is_note]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('\nlayer { name: "d" type: "Data" data_params { } }', "f.prototxt:2:32: LayerParameter has no field 'data_params'. Did you mean 'data_param'?"),
        ('Layer { name: "c" }', "f.prototxt:1:1: NetParameter has no field 'Layer'. Did you mean 'layer'?"),
        (INPUT + 'layer { name: "p"\ntype: "Polling" bottom: "data" top: "p" }', "f.prototxt:3: Layer 'p': there is no layer type 'Polling'. Did you mean 'Pooling'?"),
        (INPUT + 'layer { name: "r" type: "ReLU" bottom: "dat" top: "r" }', "f.prototxt:2: Layer 'r': its bottom 'dat' is made by no layer before it. Did you mean 'data'?"),
        (INPUT + 'layer { name: "r" type: "ReLU" bottom: "data" top: "data2"\ninclude { phase: TRAIN }\nexclude { phase: TEST } }', "f.prototxt:4: Layer 'r' has include rules and exclude rules. Keep one kind."),
        (INPUT + 'layer { name: "r" type: "ReLU" bottom: "data" top: "x" }\nlayer { name: "s" type: "ReLU" bottom: "data" top: "x" }', "f.prototxt:3: Layer 's': its top 'x' is made by layer 'r' already. Give it a name of its own."),
        ('name: "empty"', "f.prototxt: The network has no layer."),
    ],
)  # fmt: skip
def test_a_slip_gets_its_line_and_a_remedy(text: str, wanted: str, tmp_path: Path) -> None:
    assert findings(tmp_path, text) == [wanted]


def notes(path: Path, *, builds: bool = False) -> list[str]:
    return [str(each).partition("note: ")[2] for each in check(path, builds=builds) if each.is_note]


def test_a_type_that_is_not_built_yet_is_a_note_until_it_is_to_be_built(tmp_path: Path) -> None:
    text = INPUT + 'layer { name: "p" type: "PriorBox" bottom: "data" top: "p" }'
    words = "Layer 'p': type 'PriorBox' (SSD) is known and not built yet."

    assert findings(tmp_path, text) == []
    assert notes(tmp_path / "f.prototxt") == [words]
    assert findings(tmp_path, text, builds=True) == [f"f.prototxt:2: {words}"]


def test_a_module_that_is_not_here_is_a_note_and_the_rest_is_tried(tmp_path: Path) -> None:
    python = 'layer { name: "%s" type: "Python" %s python_param { module: "nowhere_layers" layer: "%s" } %s }\n'
    text = (
        python % ("data", 'top: "data" top: "label"', "SegDataLayer", "")
        + 'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 5 kernel_size: 3 pad: 100 } }\n'
        + 'layer { name: "crop" type: "Crop" bottom: "c" bottom: "data" top: "score" crop_param { offset: 9 } }\n'
        + 'layer { name: "seg" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "seg" }\n'
        + python % ("loss", 'bottom: "score" bottom: "c" top: "loss"', "DiceLoss", "loss_weight: 1")
    )

    assert findings(tmp_path, text, builds=True) == []
    assert [words.partition(" is not here")[0] for words in notes(tmp_path / "f.prototxt", builds=True)] == [
        f"Layer {name!r}: its module 'nowhere_layers'" for name in ("data", "loss")
    ]


def test_a_file_for_one_phase_is_looked_at_in_that_phase(tmp_path: Path) -> None:
    text = (
        INPUT.replace("top:", "include { phase: TRAIN } top:")
        + 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" }'
    )

    assert findings(tmp_path, text, builds=True) == []


def test_a_list_of_class_names_is_no_network_and_sound(tmp_path: Path) -> None:
    text = '# SSD\nitem { name: "cat" label: 1 display_name: "Cat" }\n'

    assert findings(tmp_path, text, builds=True) == []
    assert findings(tmp_path, text.replace("label", "labl")) == [
        "f.prototxt:2:20: LabelMapItem has no field 'labl'. Did you mean 'label'?"
    ]


def test_all_slips_of_a_definition_are_told_at_once_and_once(tmp_path: Path) -> None:
    text = (
        INPUT
        + 'layer { name: "p" type: "Polling"\nbottom: "data" top: " pool1" }\nlayer { name: "r" type: "Relu"\nbottom: "pool1" top: "r" }'
    )

    assert findings(tmp_path, text) == [
        "f.prototxt:2: Layer 'p': there is no layer type 'Polling'. Did you mean 'Pooling'?",
        "f.prototxt:3: Layer 'p': top ' pool1' begins or ends with a blank. Write 'pool1'.",
        "f.prototxt:4: Layer 'r': there is no layer type 'Relu'. Did you mean 'ReLU'?",
        "f.prototxt:5: Layer 'r': its bottom 'pool1' is made by no layer before it. Did you mean ' pool1'?",
    ]


def test_only_building_tells_what_shapes_tell(tmp_path: Path) -> None:
    text = (
        INPUT
        + 'layer { name: "c" type: "Convolution" bottom: "data" top: "c"\nconvolution_param { num_output: 2 kernel_size: 9 } }'
    )

    assert findings(tmp_path, text) == []
    (found,) = findings(tmp_path, text, builds=True)
    assert found.startswith(("f.prototxt:2:", "f.prototxt:3:"))
    assert "Layer 'c'" in found


DATA = """
layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "nowhere" backend: LMDB batch_size: 256 } transform_param { %s } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" include { phase: TEST } }
"""


@pytest.mark.parametrize("transform", ["crop_size: 227", "", "crop_size: 9 mean_value: 3"])
def test_data_that_are_not_here_have_the_size_that_the_definition_implies(transform: str, tmp_path: Path) -> None:
    assert findings(tmp_path, DATA % transform, builds=True) == []


def test_a_network_for_pictures_of_one_size_finds_it(tmp_path: Path) -> None:
    text = """
        layer { name: "d" type: "Data" top: "data" data_param { source: "nowhere" batch_size: 64 } }
        layer { name: "f" type: "Flatten" bottom: "data" top: "flat" }
        layer { name: "ip" type: "InnerProduct" bottom: "flat" top: "ip" inner_product_param { num_output: 3072 } }
        layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "flat" top: "loss" }"""

    assert findings(tmp_path, text, builds=True) == []
    (found,) = findings(tmp_path, text.replace("3072", "3073"), builds=True)
    assert found.startswith("f.prototxt:5: Layer 'loss': its bottoms differ")


@pytest.mark.parametrize("name", standard_networks())
def test_standard_networks_are_sound(name: str, tmp_path: Path) -> None:
    builds = name == "lenet"  # the others take seconds and a GB
    assert findings(tmp_path, standard_text(name), builds=builds) == []


@needs_shared
@pytest.mark.parametrize("folder", NETS, ids=lambda folder: folder.name)
def test_what_real_caffe_built_and_ran_is_sound(folder: Path) -> None:
    assert wrong(folder / "net.prototxt") == []


@needs_shared
def test_the_phases_fixture_and_a_layer_in_python_are_sound() -> None:
    for name in ("phase_stage", "python_layer"):
        assert wrong(shared("oracle", name, "net.prototxt")) == []


SOLVER = 'net: "net.prototxt"\nbase_lr: 0.1\nlr_policy: "fixed"\nmax_iter: 10\n'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (SOLVER + "momentun: 1\n", "s.prototxt:5:1: SolverParameter has no field 'momentun'. Did you mean 'momentum'?"),
        (SOLVER.replace("net.proto", "nat.proto"), "s.prototxt:1: There is no network 'nat.prototxt'."),
        (SOLVER.replace("fixed", "stepp"), "s.prototxt:3: Learning-rate policy 'stepp' is unknown. Known: fixed, step"),
        (SOLVER.replace("fixed", "step"), "s.prototxt:3: Learning-rate policy 'step' needs a step size"),
        (SOLVER.replace("10", "0"), "s.prototxt:4: max_iter is missing or 0: nothing would be trained."),
        (SOLVER + "test_iter: 1\n", "s.prototxt: There are test networks and no test_interval."),
        (SOLVER + 'type: "AdaGrad"\nmomentum: 0.9\n', "s.prototxt:5: Momentum cannot be used with AdaGrad."),
    ],
)
def test_slips_of_a_solver_get_their_lines_too(text: str, wanted: str, tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(INPUT)

    found = findings(tmp_path, text, name="s.prototxt")

    assert len(found) == 1
    assert found[0].startswith(wanted)


def test_a_solver_s_networks_are_looked_at_in_its_states(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(
        INPUT + 'layer { name: "x" type: "ReLU" bottom: "nothing" top: "x" include { stage: "odd" } }'
    )
    test = "test_iter: 1\ntest_interval: 1\n"

    assert findings(tmp_path, SOLVER + test, name="s.prototxt") == []
    (found,) = findings(tmp_path, SOLVER + test + 'test_state { stage: "odd" }', name="s.prototxt")
    assert found.startswith("net.prototxt:2: Layer 'x': its bottom 'nothing'")


def test_a_solver_finds_its_network_from_the_projects_root(tmp_path: Path) -> None:
    folder = tmp_path / "examples" / "mnist"
    folder.mkdir(parents=True)
    (folder / "net.prototxt").write_text(INPUT + 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" }')
    text = SOLVER.replace("net.prototxt", "examples/mnist/net.prototxt") + 'snapshot_prefix: "no/x"\n'

    assert findings(folder, text, name="s.prototxt") == []
    assert notes(folder / "s.prototxt") == [
        "snapshot_prefix: there is no folder 'no'. Make it: a training does not begin without."
    ]


HOSTILE = {
    "a million braces": "layer {" * 200_000,
    "deep in a comment": "layer { #" + "{" * 900_000,
    "more layers than are allowed": "layer{}" * 100_000,
    "a huge output": INPUT + 'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2147483647 kernel_size: 1 } }',
    "a huge kernel": INPUT + 'layer { name: "c" type: "Pooling" bottom: "data" top: "c" pooling_param { kernel_size: 4000000000 } }',
    "no kernel": INPUT + 'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 1 kernel_size: 0 } }',
    "a circle": 'layer { name: "a" type: "ReLU" bottom: "b" top: "a" } layer { name: "b" type: "ReLU" bottom: "a" top: "b" }',
    "a huge input": 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 99999 dim: 99999 dim: 99999 } } }',
    "a tower of doublings": INPUT + "".join(f'layer {{ name: "t{i}" type: "Tile" bottom: "{"data" if not i else f"t{i - 1}"}" top: "t{i}" tile_param {{ tiles: 9 }} }}\n' for i in range(40)),
    "a week's work": INPUT + 'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 1 kernel_size: 1000 dilation: 1000 pad: 500000 } }',
    "no text": "\x00\x01\x02",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_break_it_is_refused_before_any_memory_is_taken(name: str, tmp_path: Path) -> None:
    assert findings(tmp_path, HOSTILE[name], builds=True)


@needs_shared
def test_fuzzed_definitions_end_in_findings_or_are_sound_and_never_in_a_crash(tmp_path: Path) -> None:
    draw = random.Random(5)
    words = [
        "-1",
        "0",
        "4294967295",
        '""',
        '"Data"',
        "{",
        "}",
        "[",
        "num_output:",
        "bottom:",
        "dim: 1000000000",
        "1e40",
        "\x00",
    ]
    wholes = [(folder / "net.prototxt").read_text() for folder in NETS[::4]]
    path = tmp_path / "fuzzed.prototxt"
    refused = 0
    for _ in range(120):
        tokens = draw.choice(wholes).split(" ")
        for _ in range(draw.choice((1, 1, 2, 5))):
            at = draw.randrange(len(tokens))
            if draw.random() < 0.4:
                del tokens[at]
            else:
                tokens.insert(at, draw.choice((*words, tokens[draw.randrange(len(tokens))])))
        path.write_text(" ".join(tokens))
        try:
            refused += bool(wrong(path))
        except DigitsError:
            refused += 1
    assert refused > 60
