"""What a model's form is told of weights, previous networks and layers in Python: taken, kept, or refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import safetensors.numpy

from digits.caffeproto.caffemodel import write_caffemodel
from digits.caffeproto.text import parse_net
from digits.core.beginning import PYTHON_LAYERS, Beginning
from digits.core.events import EventWriter, Snapshot
from digits.core.files import write_json
from digits.core.jobfolder import JobFolder
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.core.trainspec import CustomNetwork, PreviousNetwork, TrainSpec
from digits.store import Job
from tests.web.conftest import build_dataset, draw_pictures, finish
from tests.web.serving import Serving, serving
from tests.web.test_models import CREATE, NETWORK, form

WEIGHTS = {"ip:0": np.ones((3, 144), np.float32), "ip:1": np.zeros(3, np.float32)}
PYTHON = "import caffe\n\nclass Loss(caffe.Layer):\n    pass\n"
Create = Callable[..., httpx.Response]


@pytest.fixture
def dataset(empty: Serving, tmp_path: Path) -> Job:
    """Make a small dataset; fred is logged in."""
    empty.login("fred")
    return build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))


@pytest.fixture
def source(empty: Serving, dataset: Job) -> Job:
    """A model with snapshots of two epochs."""
    spec = TrainSpec(dataset=dataset.id, name="first", network=CustomNetwork(text=NETWORK))
    job = empty.store.submit(
        kind="model", extension="caffe", title="Image Classification Model", name="first", username="fred",
        worker="train", spec=spec.model_dump(mode="json"), depends_on=dataset.id,
    )  # fmt: skip
    (job.folder.path / "original.prototxt").write_text(NETWORK)
    emit = EventWriter(job.folder.events_file)
    for epoch in (1, 2):
        place = job.folder.snapshots / f"epoch_{epoch}"
        place.mkdir(parents=True)
        (place / "weights.safetensors").write_bytes(safetensors.numpy.save(WEIGHTS))
        write_json(place / "state.json", {"sha256": {"weights.safetensors": "0" * 64}})
        emit(
            Snapshot(
                epoch=epoch,
                step=10 * epoch,
                file=f"snapshots/epoch_{epoch}",
                bytes=1,
                metrics={"loss/val": 0.1 * epoch},
            )
        )
    emit.close()
    return finish(empty.store, job.id, JobState.DONE)


@pytest.fixture
def create(empty: Serving, dataset: Job) -> Create:
    """Send the form of a custom network."""

    def send(files: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        fields = {"method": "custom", "custom_network": NETWORK} | more
        return empty.client.post(f"{CREATE}.json", files=form(dataset, **fields) | (files or {}))

    return send


def folder_of(site: Serving, answer: httpx.Response) -> JobFolder:
    assert answer.status_code == 200, answer.text
    return JobFolder(site.settings.jobs / answer.json()["id"])


def spec_in(folder: JobFolder) -> TrainSpec:
    return TrainSpec.model_validate(folder.record().spec)


def test_weight_files_of_a_users_own_stay_where_they_are(empty: Serving, create: Create, tmp_path: Path) -> None:
    a, b = tmp_path / "a.caffemodel", tmp_path / "b.safetensors"
    a.write_bytes(write_caffemodel(parse_net(NETWORK, where="").message, WEIGHTS))
    b.write_bytes(safetensors.numpy.save(WEIGHTS))

    folder = folder_of(empty, create(custom_network_snapshot=f"{a}:{b}"))

    assert [(file.path, file.name) for file in Beginning.read(folder).weights] == [(str(a), str(a)), (str(b), str(b))]
    assert spec_in(folder).network == CustomNetwork(text=NETWORK, weights=f"{a}:{b}")


def test_digits_path_of_a_snapshot_is_found_and_outlives_its_model(empty: Serving, create: Create, source: Job) -> None:
    answer = empty.client.post(f"/models/customize?network={source.id}&framework=caffe&snapshot_epoch=1").json()
    assert answer["network"] == NETWORK
    assert answer["snapshot"].endswith(f"{source.id}/snapshot_iter_10.caffemodel")

    folder = folder_of(empty, create(custom_network_snapshot=answer["snapshot"]))
    empty.store.delete(source.id)

    (file,) = Beginning.read(folder).weights
    assert file.name == f"first, epoch 1 ({source.id})"
    assert file.sha256 == "0" * 64
    assert safetensors.numpy.load_file(folder.path / file.path).keys() == WEIGHTS.keys()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nets/a.caffemodel", "Give an absolute path"),
        ("/no/such.caffemodel", "There is no such file"),
        (__file__, "This text holds no weights"),
        ("{jobs}/20200101-000000-abcd/snapshot_iter_10.caffemodel", "was deleted"),
        ("{jobs}/{source}/snapshot_iter_11.caffemodel", "no snapshot of iteration 11"),
    ],
)
def test_weights_that_cannot_be_used_are_said_at_their_field(empty: Serving, create: Create, source: Job, given: str, words: str) -> None:  # fmt: skip
    answer = create(custom_network_snapshot=given.format(jobs=empty.settings.jobs, source=source.id))

    assert answer.status_code == 400
    assert words in answer.json()["errors"]["custom_network_snapshot"][0]


def test_a_definition_given_for_weights_is_named_as_one(empty: Serving, create: Create, tmp_path: Path) -> None:
    (tmp_path / "weights.prototxt").write_text(NETWORK)

    answer = create(custom_network_snapshot=str(tmp_path / "weights.prototxt"))

    assert "definition without weights" in answer.json()["errors"]["custom_network_snapshot"][0]


def previous(site: Serving, trained_on: Job, model_id: str, **more: str) -> httpx.Response:
    fields = {"method": "previous", "previous_networks": model_id} | more
    return site.client.post(f"{CREATE}.json", files=form(trained_on, **fields))


def test_a_previous_network_lends_text_and_snapshot_and_the_job_keeps_both(empty: Serving, dataset: Job, source: Job) -> None:  # fmt: skip
    folder = folder_of(empty, previous(empty, dataset, source.id, **{f"{source.id}-snapshot": "2"}))
    empty.store.delete(source.id)

    begun = Beginning.read(folder)
    assert (begun.text, begun.model) == (NETWORK, source.id)
    assert begun.weights[0].name == f"first, epoch 2 ({source.id})"
    assert (folder.path / begun.weights[0].path).is_file()
    assert spec_in(folder).network == PreviousNetwork(job=source.id, epoch=2)


def test_on_another_dataset_its_answering_layer_gets_another_name(empty: Serving, source: Job, tmp_path: Path) -> None:
    other = build_dataset(empty.store, draw_pictures(tmp_path / "others", classes=2))

    with_weights, without = (
        Beginning.read(folder_of(empty, previous(empty, other, source.id, **{f"{source.id}-snapshot": epoch})))
        for epoch in ("2", "0")
    )

    assert 'name: "ip_retrain"' in with_weights.text
    assert (without.text, without.weights) == (NETWORK, ())


def test_minus_one_is_what_a_model_itself_began_with(empty: Serving, create: Create, dataset: Job, source: Job) -> None:
    path = str(source.folder.path / "snapshot_iter_20.caffemodel")
    middle = empty.store.job(create(custom_network_snapshot=path).json()["id"])

    folder = folder_of(empty, previous(empty, dataset, middle.id, **{f"{middle.id}-snapshot": "-1"}))

    assert [file.name for file in Beginning.read(folder).weights] == [f"first, epoch 2 ({source.id})"]


def test_the_best_snapshot_is_begun_with_by_that_word_in_a_form_and_in_json(
    empty: Serving, dataset: Job, source: Job
) -> None:
    network = {"method": "previous", "job": source.id, "epoch": "best"}
    body = {"dataset": dataset.id, "name": "second", "framework": "caffe", "network": network}

    of_form = previous(empty, dataset, source.id, **{f"{source.id}-snapshot": "best"})
    of_json = empty.client.post(f"{CREATE}.json", json=body)

    for answer in (of_form, of_json):
        assert spec_in(folder_of(empty, answer)).network == PreviousNetwork(job=source.id, epoch=1)


@pytest.mark.parametrize("epoch", [None, "7", "-1"])
def test_a_missing_or_unknown_epoch_is_refused_in_digits_words(empty: Serving, dataset: Job, source: Job, epoch: str | None) -> None:  # fmt: skip
    answer = previous(empty, dataset, source.id, **({f"{source.id}-snapshot": epoch} if epoch else {}))

    assert answer.status_code == 400
    words = f"For the job {source.id}, selected pretrained_model for epoch {epoch} is invalid!"
    assert answer.json()["errors"] == {"previous_epoch": [words]}


def test_a_previous_network_that_is_not_there_is_refused_in_digits_words(empty: Serving, dataset: Job) -> None:
    gone = "20200101-000000-abcd"

    answer = previous(empty, dataset, gone, **{f"{gone}-snapshot": "1"})

    assert answer.json()["errors"] == {"previous_networks": [f"Job not found: {gone}"]}


def test_a_nested_json_body_and_a_clone_ask_for_the_same(empty: Serving, dataset: Job, source: Job) -> None:
    body = {"dataset": dataset.id, "name": "json", "network": {"method": "previous", "job": source.id, "epoch": 2}}

    first = folder_of(empty, empty.client.post(f"{CREATE}.json", json=body))
    clone = folder_of(empty, empty.client.post(f"{CREATE}.json?clone={first.id}"))

    assert spec_in(first) == spec_in(clone)
    assert Beginning.read(first) == Beginning.read(clone)


def test_a_file_of_python_layers_goes_with_the_form_its_clones_and_its_archive(empty: Serving, create: Create) -> None:
    files = {"python_layer_client_file": ("mine.py", PYTHON.encode())}

    first = folder_of(empty, create(files, python_layer_from_client="true"))
    clone = folder_of(empty, empty.client.post(f"{CREATE}.json?clone={first.id}"))

    assert (first.path / PYTHON_LAYERS).read_text() == (clone.path / PYTHON_LAYERS).read_text() == PYTHON
    assert empty.client.get(f"/models/{first.id}.json").json()["python layer file"] == PYTHON_LAYERS
    customized = empty.client.post(f"/models/customize?network={first.id}&framework=caffe").json()
    assert customized["python_layer"] == str(first.path / PYTHON_LAYERS)


def test_a_file_of_python_layers_may_lie_on_the_server(empty: Serving, create: Create, tmp_path: Path) -> None:
    (tmp_path / "layers.py").write_text(PYTHON)

    folder = folder_of(empty, create(python_layer_server_file=str(tmp_path / "layers.py")))

    assert (folder.path / PYTHON_LAYERS).read_text() == PYTHON


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pyc", b"\xa7\r\r\n", "Compiled code (.pyc) is not taken"),
        ("a.py", b"\xa7\r\r\n\0\0\0\0", "no Python source"),
        ("a.py", b"import caffe\nprint 'hello'\n", "a.py:2: This is no Python 3"),
        ("a.py", b"# \xff\n", "no text in UTF-8"),
    ],
)
def test_what_is_no_python_source_is_refused_with_its_line(create: Create, tmp_path: Path, name: str, content: bytes, words: str) -> None:  # fmt: skip
    (tmp_path / name).write_bytes(content)

    answer = create(python_layer_server_file=str(tmp_path / name))

    assert words in answer.json()["errors"]["python_layer_server_file"][0]


def test_a_ticked_box_without_a_file_asks_for_it(create: Create) -> None:
    answer = create(python_layer_from_client="true")

    assert answer.json()["errors"] == {"python_layer_client_file": ["This field is required."]}


def test_a_server_that_others_reach_takes_no_code_unless_a_setting_says_so(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path / "root", allow_python_layers=False)
    (tmp_path / "layers.py").write_text(PYTHON)
    with serving(settings) as site:
        site.login("fred")
        trained_on = build_dataset(site.store, draw_pictures(tmp_path / "pictures"))
        fields = {
            "method": "custom",
            "custom_network": NETWORK,
            "python_layer_server_file": str(tmp_path / "layers.py"),
        }

        answer = site.client.post(f"{CREATE}.json", files=form(trained_on, **fields))

    assert "allow_python_layers" in answer.json()["errors"]["python_layer_server_file"][0]


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        ({}, True), ({"host": "0.0.0.0", "trust_network": True}, False), ({"allow_python_layers": False}, False),
        ({"host": "0.0.0.0", "trust_network": True, "allow_python_layers": True}, True),
    ],
)  # fmt: skip
def test_python_layers_run_by_themselves_only_while_the_server_listens_on_loopback(given: dict[str, Any], runs: bool) -> None:  # fmt: skip
    assert Settings(**given).runs_python_layers is runs


def test_the_form_lists_models_with_snapshots_and_opens_with_the_one_that_is_to_be_fine_tuned(empty: Serving, source: Job) -> None:  # fmt: skip
    page = empty.client.get(f"{CREATE}/new?previous={source.id}&epoch=1").text

    assert f'name="previous_networks" value="{source.id}" checked' in page
    assert '<option value="1" selected>Epoch 1</option>' in page
    assert 'name="method" value="previous"' in page


def test_the_form_of_a_server_without_models_says_so(empty: Serving, dataset: Job) -> None:
    assert "No trained models yet." in empty.client.get(f"{CREATE}/new").text


def test_a_clone_with_a_renamed_layer_opens_its_text_in_the_editor(empty: Serving, source: Job) -> None:
    page = empty.client.get(f"{CREATE}/new?clone={source.id}&rename=ip").text

    assert "name: &#34;ip_retrain&#34;" in page
    assert 'name="method" value="custom"' in page
