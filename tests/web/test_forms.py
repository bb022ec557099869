from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.core.beginning import split_paths
from digits.core.trainspec import (
    CustomNetwork,
    ExpPolicy,
    FixedPolicy,
    InvPolicy,
    MultistepPolicy,
    PolyPolicy,
    PreviousNetwork,
    SigmoidPolicy,
    StandardNetwork,
    StepPolicy,
    TrainSpec,
)
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.spec import ClassificationSpec
from digits.web.fields import describe, form_view
from digits.web.forms import by_flat_name, flatten, flatten_stored, parse, parse_json, sweep

DATASET = {"dataset_name": ["bars"], "folder_train": ["/data"]}
MODEL = {"model_name": ["net"], "dataset": ["20261124-000000-abcd"]}

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
names = texts.filter(str.strip)
shares = st.floats(0, 50)
positive = st.floats(1e-6, 1e6)
bound = st.none() | st.integers(1, 10)
sources = st.builds(
    FolderSource,
    train=texts, pct_val=shares, pct_test=shares, train_min_per_class=bound,
    train_max_per_class=st.none() | st.integers(10, 99), has_val_folder=st.booleans(), val=st.just("") | texts,
    val_min_per_class=bound, val_max_per_class=st.none() | st.integers(10, 99), has_test_folder=st.booleans(),
    test=st.just("") | texts, test_min_per_class=bound, test_max_per_class=st.none() | st.integers(10, 99),
)  # fmt: skip
datasets = st.builds(
    ClassificationSpec,
    name=names, group=st.just("") | texts, resize_channels=st.sampled_from([1, 3]),
    resize_width=st.integers(1, 30_000), resize_height=st.integers(1, 30_000),
    resize_mode=st.sampled_from(["crop", "squash", "fill", "half_crop"]), encoding=st.sampled_from(["png", "jpg", "none"]),
    random_seed=st.none() | st.integers(0, 2**32 - 1), source=sources,
)  # fmt: skip
policies = st.one_of(
    st.builds(FixedPolicy),
    st.builds(StepPolicy, size=positive, gamma=shares),
    st.builds(MultistepPolicy, values=st.sampled_from(["50,85", "1, 2.5 ,99"]), gamma=shares),
    st.builds(ExpPolicy, gamma=positive),
    st.builds(InvPolicy, gamma=shares, power=st.floats(-5, 5)),
    st.builds(PolyPolicy, power=shares),
    st.builds(SigmoidPolicy, step=shares, gamma=st.floats(-5, 5)),
)
networks = (
    st.builds(StandardNetwork, name=texts)
    | st.builds(CustomNetwork, text=texts, weights=st.just("") | texts, python_layers=st.just("") | texts)
    | st.builds(PreviousNetwork, job=texts, epoch=st.none() | st.floats(-1, 1e6))
)
trainings = st.builds(
    TrainSpec,
    dataset=texts, name=names, group=st.just("") | texts, framework=texts, network=networks,
    train_epochs=st.integers(1, 1_000_000), snapshot_interval=shares, val_interval=shares,
    random_seed=st.none() | st.integers(0, 2**32 - 1), batch_size=st.none() | st.integers(1, 4096),
    batch_accumulation=st.none() | st.integers(1, 100), solver_type=st.sampled_from(["SGD", "ADAM"]),
    rms_decay=st.floats(0, 0.999), learning_rate=shares, lr=policies, crop_size=st.none() | st.integers(1, 500),
    use_mean=st.sampled_from(["none", "image", "pixel"]), shuffle=st.booleans(),
    device=st.sampled_from(["auto", "cpu", "cuda", "mps"]),
    gpus=st.lists(st.integers(0, 7), unique=True, max_size=4).map(tuple), num_gpus=st.integers(1, 8),
    compile_model=st.booleans(),
)  # fmt: skip


@given(datasets)
def test_a_dataset_comes_back_from_its_flat_fields_as_it_was(spec: ClassificationSpec) -> None:
    assert parse(ClassificationSpec, flatten(spec)).spec == spec


@given(trainings)
def test_a_training_comes_back_from_its_flat_fields_as_it_was(spec: TrainSpec) -> None:
    assert parse(TrainSpec, flatten(spec)).spec == spec


@given(trainings)
def test_a_training_comes_back_from_its_job_file_through_the_form_of_a_clone(spec: TrainSpec) -> None:
    assert parse(TrainSpec, flatten_stored(TrainSpec, spec.model_dump(mode="json"))).spec == spec


@given(st.dictionaries(texts | st.sampled_from(sorted(describe(TrainSpec))), st.lists(texts, max_size=3), max_size=8))
def test_any_form_at_all_gives_a_spec_or_problems_under_names_of_the_form(fields: dict[str, list[str]]) -> None:
    parsed = parse(TrainSpec, fields)

    assert (parsed.spec is None) == bool(parsed.problems)
    assert set(parsed.problems) <= {*describe(TrainSpec), ""}


def test_the_tutorials_fields_make_the_tutorials_dataset() -> None:
    fields = {
        "folder_train": ["/home/fred/mnist/train"], "encoding": ["png"], "resize_channels": ["1"], "resize_width": ["28"],
        "resize_height": ["28"], "method": ["folder"], "dataset_name": ["mnist_dataset"],
    }  # fmt: skip

    spec = parse(ClassificationSpec, fields).spec

    assert spec is not None
    assert (spec.name, spec.resize_channels, spec.resize_width, spec.encoding) == ("mnist_dataset", 1, 28, "png")
    assert spec.source == FolderSource(train="/home/fred/mnist/train", pct_val=25, train_min_per_class=2)


@pytest.mark.parametrize(
    ("texts", "value"),
    [(None, False), ([""], False), (["false"], False), (["true"], True), (["False"], True), (["0"], True), (["y"], True)],
)  # fmt: skip
def test_only_nothing_and_the_word_false_are_false_as_on_digits(texts: list[str] | None, value: bool) -> None:
    fields = DATASET | ({"has_val_folder": texts, "folder_val": ["/val"]} if texts is not None else {})

    spec = parse(ClassificationSpec, fields).spec

    assert spec is not None
    assert isinstance(spec.source, FolderSource)
    assert spec.source.has_val_folder is value


def test_shuffle_is_on_where_an_old_client_does_not_send_it_and_off_where_a_page_sends_false() -> None:
    absent: dict[str, list[str]] = {}
    off, ticked = {"shuffle": ["false"]}, {"shuffle": ["false", "true"]}

    shuffles = [spec.shuffle for more in (absent, off, ticked) if (spec := parse(TrainSpec, MODEL | more).spec)]

    assert shuffles == [True, False, True]


def test_a_field_that_no_spec_knows_is_passed_over() -> None:
    fields = DATASET | {"s3_bucket": ["x"], "textfile_shuffle": ["1"], "csrf_token": ["abc"]}

    assert parse(ClassificationSpec, fields).spec is not None


def test_a_blank_minimum_means_none_and_an_absent_one_the_default() -> None:
    blank = parse(ClassificationSpec, DATASET | {"folder_train_min_per_class": [""]}).spec
    absent = parse(ClassificationSpec, DATASET).spec

    given = [
        spec.source.train_min_per_class for spec in (blank, absent) if spec and isinstance(spec.source, FolderSource)
    ]
    assert given == [None, 2]


def test_fields_of_a_branch_that_is_not_chosen_are_not_looked_at() -> None:
    fields = MODEL | {
        "lr_policy": ["fixed"],
        "lr_step_size": ["nonsense"],
        "method": ["standard"],
        "custom_network": [""],
    }

    spec = parse(TrainSpec, fields).spec

    assert spec is not None
    assert spec.lr == FixedPolicy()


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"resize_width": ["0"]}, "resize_width", "between 1 and 30,000"),
        ({"resize_width": ["wide"]}, "resize_width", "not a whole number: 'wide'"),
        ({"resize_channels": ["4"]}, "resize_channels", "1 (Grayscale), 3 (Color)"),
        ({"folder_pct_val": ["101"]}, "folder_pct_val", "between 0 and 100 %"),
        ({"folder_pct_val": ["nan"]}, "folder_pct_val", "not a number"),
        ({"folder_pct_val": ["60"], "folder_pct_test": ["60"]}, "folder_pct_val", "more than 100 %"),
        ({"folder_train_max_per_class": ["1"]}, "folder_train_max_per_class", "below the minimum"),
        ({"folder_train": [""]}, "folder_train", "required"),
        ({"dataset_name": [" \t"]}, "dataset_name", "required"),
        ({"resize_width": [""]}, "resize_width", "required"),
        ({"folder_pct_val": [" "]}, "folder_pct_val", "required"),
        ({"dataset_name": ["x" * 501]}, "dataset_name", "At most 500 characters"),
        ({"method": ["tape"]}, "method", "no choice: 'tape'"),
        ({"random_seed": [str(2**32)]}, "random_seed", "4,294,967,295"),
    ],
)
def test_a_problem_stands_at_its_flat_field_in_words(fields: dict[str, list[str]], name: str, words: str) -> None:
    problems = parse(ClassificationSpec, DATASET | fields).problems

    assert list(problems) == [name]
    assert words in problems[name][0]


def test_an_infinite_rate_is_no_number() -> None:
    problems = parse(
        TrainSpec, MODEL | {"learning_rate": ["inf"], "lr_policy": ["sigmoid"], "lr_sigmoid_gamma": ["nan"]}
    )

    assert set(problems.problems) == {"learning_rate", "lr_sigmoid_gamma"}


def test_what_an_extension_finds_by_path_stands_at_the_flat_field() -> None:
    dataset = parse(ClassificationSpec, DATASET).spec
    training = parse(TrainSpec, MODEL | {"method": ["custom"], "custom_network": ["layer {"]}).spec
    assert dataset is not None
    assert training is not None

    assert by_flat_name(dataset, {"source.train": ["gone"]}) == {"folder_train": ["gone"]}
    assert by_flat_name(training, {"network.text": ["bad"], "lr.gamma": ["odd"]}) == {
        "custom_network": ["bad"],
        "lr_step_gamma": ["odd"],
    }


def test_json_is_the_nested_spec_and_an_unknown_name_in_it_is_an_error() -> None:
    good: dict[str, Any] = {"name": "bars", "source": {"train": "/data"}}

    assert parse_json(ClassificationSpec, good).spec is not None
    assert parse_json(ClassificationSpec, good | {"folder_train": "/x"}).problems == {
        "folder_train": ["There is no field of this name."]
    }
    assert list(parse_json(ClassificationSpec, {"name": "x", "source": {}}).problems) == ["source.train"]


def test_lists_of_rates_and_batch_sizes_are_multiplied_out() -> None:
    forms = sweep(TrainSpec, MODEL | {"learning_rate": ["0.1, 0.01"], "batch_size": ["[32,64]"]})

    apart = [told for _, told in forms]
    assert apart == [
        {"learning_rate": "0.1", "batch_size": "32"},
        {"learning_rate": "0.1", "batch_size": "64"},
        {"learning_rate": "0.01", "batch_size": "32"},
        {"learning_rate": "0.01", "batch_size": "64"},
    ]
    specs = [parse(TrainSpec, fields).spec for fields, _ in forms]
    assert [(spec.learning_rate, spec.batch_size) for spec in specs if spec] == [
        (0.1, 32),
        (0.1, 64),
        (0.01, 32),
        (0.01, 64),
    ]


@pytest.mark.parametrize("text", ["", "[]", " 64 ", "[64]"])
def test_a_list_of_at_most_one_value_is_one_job_without_a_suffix(text: str) -> None:
    forms = sweep(TrainSpec, MODEL | {"batch_size": [text]})

    spec = parse(TrainSpec, forms[0][0]).spec
    assert [told for _, told in forms] == [{}]
    assert spec is not None
    assert spec.batch_size == (64 if "64" in text else None)


def test_a_refused_form_is_shown_as_it_was_typed() -> None:
    fields = DATASET | {"resize_width": ["wide"], "encoding": ["jpg"], "has_val_folder": ["y"]}

    view = form_view(ClassificationSpec, fields, {"resize_width": ["No."]}, submitted=True)

    assert (view.value("resize_width"), view.value("encoding"), view.value("resize_height")) == ("wide", "jpg", "256")
    assert view.checked("has_val_folder")
    assert not view.checked("has_test_folder")
    assert view.problem("resize_width") == "No."
    assert view.problem("encoding") == ""


def test_every_field_is_described_with_its_bounds_and_choices() -> None:
    fields = describe(ClassificationSpec)

    assert fields["folder_pct_val"].bounds == {"ge": 0, "le": 100}
    assert fields["folder_pct_val"].unit == "%"
    assert fields["folder_pct_val"].attributes == {"step": "any", "min": "0", "max": "100"}
    assert fields["resize_mode"].choices[0] == ("crop", "Crop")
    assert fields["folder_train"].widget == "path"
    assert fields["folder_train"].required
    assert all(field.title and field.description for field in fields.values() if field.name != "method")
    policy = describe(TrainSpec)["lr_policy"]
    assert [value for value, _ in policy.choices] == [
        "fixed",
        "step",
        "multistep",
        "exp",
        "inv",
        "poly",
        "sigmoid",
        "cosine",
    ]
    assert describe(TrainSpec)["lr_exp_gamma"].branch == ("lr_policy", "exp")


def test_the_epoch_of_a_previous_network_comes_under_digits_name_made_of_its_id() -> None:
    chosen = "20261124-000000-abcd"
    fields = MODEL | {
        "method": ["previous"], "previous_networks": [chosen], f"{chosen}-snapshot": ["3"], "20261124-000000-ffff-snapshot": ["9"],
    }  # fmt: skip

    parsed = parse(TrainSpec, fields)

    assert parsed.spec is not None
    assert parsed.spec.network == PreviousNetwork(job=chosen, epoch=3)
    assert flatten(parsed.spec)["previous_epoch"] == ["3"]
    assert form_view(TrainSpec, fields, submitted=True).value("previous_epoch") == "3"


def test_a_bad_epoch_of_a_previous_network_is_said_at_a_field_that_there_is() -> None:
    chosen = "20261124-000000-abcd"
    fields = MODEL | {"method": ["previous"], "previous_networks": [chosen], f"{chosen}-snapshot": ["last"]}

    assert parse(TrainSpec, fields).problems == {"previous_epoch": ["This is not a number: 'last'."]}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/a.caffemodel", ("/a.caffemodel",)),
        ("/a:/b/c : ~/d", ("/a", "/b/c", "~/d")),
        (r"C:\nets\a.caffemodel:D:/b", (r"C:\nets\a.caffemodel", "D:/b")),
        ("/a::", ("/a",)),
        (" ", ()),
    ],
)
def test_weight_files_are_parted_by_colons_and_keep_the_letters_of_their_drives(
    text: str, paths: tuple[str, ...]
) -> None:
    assert split_paths(text) == paths
