"""What scripts written for DIGITS do with models, by Caffe and by Torch: real server, runner, workers and trainings, over HTTP alone."""

from __future__ import annotations

import io
import json
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.web.scripts import NETWORKS, Script
from tests.web.test_contract import MODEL_KEYS

ROUTE = "/models/images/classification"
FRAMEWORKS = pytest.mark.parametrize("framework", ["caffe", "torch"])
CAFFE_KEYS = {"solver file", "train_val file", "deploy file", "caffe flavor", "caffe version"}
MODULES = "class Double(object):\n    def setup(self, bottom, top):\n        pass\n"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@FRAMEWORKS
def test_the_networks_picture_is_an_image_element(script: Script, bars_dataset: str, framework: str) -> None:
    answer = script.post(
        f"/models/visualize-network?framework={framework}",
        {
            "custom_network": NETWORKS[framework],
            "dataset_id": bars_dataset,
            "solver_type": "SGD",
            "use_mean": "image",
            "num_gpus": 0,
        },
    )

    assert answer.status_code == 200, answer.text
    assert re.search(r'<ima?ge?\b[^>]*src="data:image/', answer.text)


class TestTrained:
    """A model that was trained, looked at in every way; of each framework."""

    def test_its_json_has_every_key_and_is_in_all_lists(
        self, script: Script, bars_model: str, bars_dataset: str
    ) -> None:
        body = script.json(f"/models/{bars_model}.json")

        keys = set(MODEL_KEYS) - (CAFFE_KEYS if body["framework"] != "caffe" else set())
        assert keys | {"directory", "snapshots"} <= set(body)
        assert body["id"] == body["job id"] == bars_model
        assert (body["dataset_id"], body["image dimensions"], body["image resize mode"]) == (
            bars_dataset,
            [12, 12, 1],
            "squash",
        )
        assert body["snapshots"] == [1, 2]
        assert Path(body["directory"]).is_dir()
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", body["creation time"])
        listed = next(each for each in script.json("/index.json")["models"] if each["id"] == bars_model)
        assert listed == {name: value for name, value in body.items() if name in listed}
        row = next(each for each in script.json("/completed_jobs.json")["models"] if each["id"] == bars_model)
        assert (row["framework"], row["dataset_id"], row["status_css"], row["progress"]) == (
            body["framework"],
            bars_dataset,
            "success",
            100,
        )
        for output in ("loss (train)", "loss (val)", "accuracy (val)"):
            assert row[f"{output} min"] <= row[f"{output} last"] <= row[f"{output} max"]
        assert f"{output} max" in script.json("/completed_jobs.json")["model_output_fields"]

    def test_its_status_and_pages_are_there(self, script: Script, bars_model: str) -> None:
        status = script.client.get(f"/models/{bars_model}/status")

        assert status.headers["content-type"].startswith("text/html")
        assert json.loads(status.text) == {
            "error": None,
            "status": "Done",
            "name": "net",
            "type": "Image Classification Model",
        }
        assert bars_model in script.client.get(f"/models/{bars_model}").text
        assert script.client.get(f"{ROUTE}/large_graph", params={"job_id": bars_model}).status_code == 200
        assert script.client.get(f"{ROUTE}/large_graph").status_code == 400
        clone = script.client.get(f"/clone/{bars_model}").headers["location"]
        assert clone == f"{ROUTE}/new?clone={bars_model}"
        assert script.client.get(clone).status_code == 200

    @pytest.mark.parametrize("ending", ["", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".zip"])
    def test_its_archive_comes_in_every_kind(self, script: Script, bars_model: str, ending: str) -> None:
        answer = script.client.get(f"/models/{bars_model}/download{ending}")

        assert answer.status_code == 200, answer.text
        assert (
            answer.headers["content-disposition"]
            == f'attachment; filename="{bars_model}_epoch_-1{ending or ".tar.gz"}"'
        )
        files = unpacked(answer.content)
        info = json.loads(files["info.json"])
        named = {"snapshot file", "labels file", "mean file", "model file"} | (
            {"solver file", "train_val file", "deploy file"} if info["framework"] == "caffe" else set()
        )
        assert {info[name] for name in named} <= set(files)
        assert not any("/" in name for name in files)
        assert list(info) == sorted(info)
        assert b'\n    "' in files["info.json"]
        assert files["labels.txt"] == b"class_0\nclass_1\nclass_2\n".replace(b"_", b" ")

    @pytest.mark.parametrize(("query", "tail"), [("epoch=1", "1.0"), ("snapshot_epoch=2", "2.0"), ("epoch=-1", "-1.0")])
    def test_a_snapshot_is_chosen_by_its_epoch(self, script: Script, bars_model: str, query: str, tail: str) -> None:
        got = script.client.get(f"/models/{bars_model}/download.zip?{query}")
        posted = script.client.post(f"/models/{bars_model}/download.zip", data=dict([query.split("=")]))

        for answer in (got, posted):
            assert answer.headers["content-disposition"].endswith(f'{bars_model}_epoch_{tail}.zip"')

    @pytest.mark.parametrize(
        ("tail", "status", "words"),
        [("download.rar", 400, "Invalid extension"), ("download.zip?epoch=9", 400, "Invalid epoch"), ("download?epoch=x", 400, "Invalid epoch")],
    )  # fmt: skip
    def test_what_cannot_be_downloaded_is_said(
        self, script: Script, bars_model: str, tail: str, status: int, words: str
    ) -> None:
        answer = script.client.get(f"/models/{bars_model}/{tail}", headers={"Accept": "application/json"})

        assert (answer.status_code, words in answer.json()["error"]["description"]) == (status, True)

    def test_its_network_can_be_changed(self, script: Script, bars_model: str) -> None:
        framework = script.json(f"/models/{bars_model}.json")["framework"]
        bare, first, standard = (
            json.loads(
                script.client.post("/models/customize", params={"network": name, "framework": framework} | more).text
            )
            for name, more in ((bars_model, {}), (bars_model, {"snapshot_epoch": 1}), ("lenet", {}))
        )

        assert (bare["network"], bare["snapshot"], bare["python_layer"]) == (NETWORKS[framework], None, None)
        assert Path(first["snapshot"]).name.startswith("snapshot_iter_3.")
        assert list(standard) == ["network"]
        unknown = script.client.post(f"/models/customize?network=20201124-000000-abcd&framework={framework}")
        assert unknown.status_code == 404

    def test_one_picture_is_classified(self, script: Script, bars_model: str, bars: Path) -> None:
        picture = bars / "class_1" / "03.png"
        named = script.post(f"{ROUTE}/classify_one.json", {"job_id": bars_model, "image_path": picture}).json()
        sent = script.post(
            f"{ROUTE}/classify_one.json",
            {"job_id": bars_model, "snapshot_epoch": 2},
            {"image_file": ("a.png", picture.read_bytes())},
        ).json()
        page = script.post(
            f"{ROUTE}/classify_one", {"job_id": bars_model, "image_path": picture, "show_visualizations": "y"}
        ).text
        layers = script.post(
            f"{ROUTE}/classify_one.json", {"job_id": bars_model, "image_path": picture, "show_visualizations": 1}
        ).json()

        assert list(named) == ["predictions"]
        assert named == sent
        assert next(label for label, _ in named["predictions"]) == "class 1"
        assert sum(percent for _, percent in named["predictions"]) == pytest.approx(100, abs=0.02)
        items = re.findall(r"<li\b[^>]*>(.*?)</li>", page[page.index("list-group") :], re.S)
        words = re.sub(r"<[^>]+>", " ", items[0]).split()
        assert (words[0].rstrip("%"), " ".join(words[-2:])) == (f"{named['predictions'][0][1]:.2f}", "class 1")
        assert {"Activation", "Weights"} <= {row["kind"] for row in layers["visualizations"]}
        for row in layers["visualizations"]:
            counts, centres, ticks = row["histogram"]
            assert (len(counts), len(centres), len(ticks)) == (20, 20, 3)

    def test_what_cannot_be_classified_is_said(self, script: Script, bars_model: str, bars: Path) -> None:
        for fields, words in (
            ({}, "must provide image_path or image_file"),
            ({"image_path": "/nowhere.png"}, "cannot be read"),
            ({"image_path": bars / "class_0" / "00.png", "snapshot_epoch": 7}, "Invalid epoch"),
        ):
            answer = script.post(f"{ROUTE}/classify_one.json", {"job_id": bars_model} | fields)
            assert (answer.status_code, words in answer.json()["error"]["description"]) == (400, True), answer.text
        assert (
            script.client.get(f"{ROUTE}/classify_one.json").json()["error"]["description"]
            == "job_id is a required field"
        )
        assert script.client.get(f"{ROUTE}/top_n", params={"job_id": bars_model}).status_code == 400

    @pytest.mark.parametrize("labels", ["ids", "none", "nonsense"])
    def test_a_list_is_classified_whatever_its_labels(
        self, script: Script, bars_model: str, bars: Path, labels: str
    ) -> None:
        pictures = sorted(bars.rglob("*.png"))
        behind = {"ids": " {}", "none": "", "nonsense": " 99"}[labels]
        text = "".join(f"{path}{behind.format(path.parent.name[-1])}\n" for path in pictures).encode()

        told = script.post(f"{ROUTE}/classify_many.json", {"job_id": bars_model}, {"image_list": ("l.txt", text)})
        page = script.post(f"{ROUTE}/classify_many", {"job_id": bars_model}, {"image_list": ("l.txt", text)})
        few = script.post(
            f"{ROUTE}/classify_many.json", {"job_id": bars_model, "num_test_images": 2, "image_folder": f"{bars}/"},
            {"image_list": ("l.txt", text.replace(f"{bars}/".encode(), b""))},
        )  # fmt: skip

        found = told.json()["classifications"]
        assert list(found) == [str(path) for path in pictures]
        wrong = {path: best for path, best in found.items() if best[0][0] != Path(path).parent.name.replace("_", " ")}
        assert wrong == {}
        assert page.status_code == 200
        assert list(few.json()["classifications"]) == [str(path) for path in pictures[:2]]

    def test_the_pictures_most_like_each_class(self, script: Script, bars_model: str, bars: Path) -> None:
        text = "".join(f"{path}\n" for path in sorted(bars.rglob("*.png"))).encode()

        page = script.post(f"{ROUTE}/top_n", {"job_id": bars_model, "top_n": 2}, {"image_list": ("l.txt", text)})
        told = script.post(
            f"{ROUTE}/top_n.json", {"job_id": bars_model, "top_n": 2}, {"image_list": ("l.txt", text)}
        ).json()

        assert page.status_code == 200
        assert page.text.count("data:image/png;base64,") == 6
        for each in told["classes"]:
            assert [Path(path).parent.name.replace("_", " ") for path, _ in each["pictures"]] == [each["label"]] * 2

    def test_it_is_trained_further_twice(self, script: Script, bars_model: str, bars_dataset: str) -> None:
        framework, before = script.json(f"/models/{bars_model}.json")["framework"], bars_model
        for _ in range(2):
            fields = {"method": "previous", "previous_networks": before, f"{before}-snapshot": 2}
            before = script.trained(bars_dataset, framework, **fields)

        copied = script.json(f"/models/{before}.json")["copied weights"]
        assert (copied["new"], copied["unfit"]) == (0, 0)
        assert copied["copied"] > 0

    def test_an_epoch_that_it_has_not_is_refused_in_digits_words(
        self, script: Script, bars_model: str, bars_dataset: str
    ) -> None:
        framework = script.json(f"/models/{bars_model}.json")["framework"]
        fields = script.form(bars_dataset, framework, method="previous", previous_networks=bars_model)

        answer = script.post(f"{ROUTE}.json", fields | {f"{bars_model}-snapshot": 9})

        words = f"For the job {bars_model}, selected pretrained_model for epoch 9 is invalid!"
        assert (answer.status_code, list(answer.json()["errors"].values())) == (400, [[words]])

    def test_a_clone_is_the_same_but_for_its_id_and_time(self, script: Script, bars_model: str) -> None:
        answer = script.post(f"{ROUTE}.json", {"clone": bars_model, "model_name": "overridden", "train_epochs": "99"})
        assert answer.status_code == 200, answer.text
        clone = answer.json()["id"]
        assert script.until(clone) == "Done"

        first, second = (script.json(f"/models/{each}.json") for each in (bars_model, clone))
        for changing in ("id", "job id", "directory", "creation time"):
            assert first.pop(changing) != second.pop(changing)
        assert first == second


def unpacked(data: bytes) -> dict[str, bytes]:
    """Return the files of an archive by their names."""
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar}


class TestLives:
    """Trainings from the form to their end, or before it."""

    @FRAMEWORKS
    def test_a_training_is_listed_at_once_and_a_running_one_is_aborted_and_deleted(
        self, script: Script, bars_dataset: str, framework: str
    ) -> None:
        made = script.post(ROUTE, script.form(bars_dataset, framework, train_epochs=100_000, snapshot_interval=0))
        job_id = made.headers["location"].rpartition("/")[2]

        assert made.status_code == 302
        rows = script.json("/completed_jobs.json")
        assert job_id in [row["id"] for row in rows["running"]]
        assert script.until(job_id, "Running") == "Running"
        assert script.client.post(f"/models/{job_id}/abort").text == "Job aborted."
        assert script.until(job_id) == "Aborted"
        again = script.client.post(f"/models/{job_id}/abort", headers={"Accept": "application/json"})
        assert (again.status_code, "Job not aborted" in again.json()["error"]["description"]) == (403, True)
        assert script.client.delete(f"/models/{job_id}").text == "Job deleted."
        assert script.client.get(f"/models/{job_id}").status_code == 404
        assert json.loads(script.client.get(f"/models/{job_id}/status").text) == {"error": "Job not found."}

    def test_a_model_holds_its_dataset(self, script: Script, bars_model: str, bars_dataset: str) -> None:
        answer = script.client.delete(f"/datasets/{bars_dataset}", headers={"Accept": "application/json"})

        assert answer.status_code == 403
        assert re.search(
            r'Cannot delete ".*" because \d+ models? depends? on it', answer.json()["error"]["description"]
        )

    @pytest.mark.parametrize(
        ("interval", "epochs"), [("0", [2]), ("2", [2]), ("0.5", [0.333, 0.667, 1, 1.333, 1.667, 2]), ("1", [1, 2])]
    )
    def test_snapshots_come_at_their_interval(
        self, script: Script, bars_dataset: str, interval: str, epochs: list[float]
    ) -> None:
        job_id = script.trained(
            bars_dataset, snapshot_interval=interval
        )  # 18 pictures in batches of 8: 3 iterations an epoch

        assert script.json(f"/models/{job_id}.json")["snapshots"] == epochs

    @FRAMEWORKS
    @pytest.mark.parametrize(
        "fields",
        [
            {"use_mean": "none"}, {"use_mean": "pixel", "crop_size": "8"}, {"lr_policy": "multistep", "solver_type": "NESTEROV"},
            {"lr_policy": "sigmoid", "solver_type": "RMSPROP", "batch_accumulation": "2"}, {"shuffle": "false", "val_interval": "0"},
            {"select_gpu_count": "", "lr_policy": "poly"}, {"select_gpu": "next", "lr_policy": "inv"}, {"aug_flip": "fliplr", "aug_quad_rot": "rotall"},
        ],
        ids=lambda fields: ",".join(map("=".join, fields.items())),
    )  # fmt: skip
    def test_options_train(self, script: Script, bars_dataset: str, framework: str, fields: dict[str, str]) -> None:
        if framework == "caffe" and "aug_flip" in fields:
            fields = {"aug_flip": "flipud"}

        job_id = script.trained(bars_dataset, framework, train_epochs=1, **fields)

        assert script.json(f"/models/{job_id}.json")["snapshots"] == [1]

    def test_a_sweep_is_trained(self, script: Script, bars_dataset: str) -> None:
        form = script.form(bars_dataset, learning_rate="[0.001, 0.0005]", batch_size="[4]", train_epochs=1)

        page = script.post(ROUTE, form)
        jobs = script.post(f"{ROUTE}.json", form).json()["jobs"]

        assert (page.status_code, page.headers["location"]) == (302, "/")
        assert [each["name"] for each in jobs] == [f"net learning_rate:{rate}" for rate in ("0.001", "0.0005")]
        assert [script.until(each["id"]) for each in jobs] == ["Done"] * 2

    def test_a_network_of_an_unknown_layer_ends_in_an_error_that_names_it(
        self, script: Script, bars_dataset: str
    ) -> None:
        text = NETWORKS["caffe"].replace('type: "SoftmaxWithLoss"', 'type: "BogusCode"')

        job_id = script.model(bars_dataset, custom_network=text)

        assert script.until(job_id) == "Error"
        assert "BogusCode" in script.client.get(f"/models/{job_id}").text

    @FRAMEWORKS
    def test_a_training_that_diverges_says_what_to_try(self, script: Script, bars_dataset: str, framework: str) -> None:
        job_id = script.model(bars_dataset, framework, learning_rate="1e30")

        assert script.until(job_id) == "Error"
        assert "Try decreasing your learning rate" in script.client.get(f"/models/{job_id}").text

    @pytest.mark.parametrize("way", ["client", "server"])
    def test_layers_in_python_go_with_the_job(
        self, script: Script, bars_dataset: str, tmp_path: Path, way: str
    ) -> None:
        (tmp_path / "layers.py").write_text(MODULES)
        fields, files = {"python_layer_server_file": str(tmp_path / "layers.py")}, {}
        if way == "client":
            fields, files = (
                {"python_layer_from_client": "true"},
                {"python_layer_client_file": ("layers.py", MODULES.encode())},
            )

        made = script.post(f"{ROUTE}.json", script.form(bars_dataset, train_epochs=1) | fields, files)

        assert made.status_code == 200, made.text
        assert made.json()["python layer file"] == "digits_python_layers.py"
        assert script.until(made.json()["id"]) == "Done"
        archive = unpacked(script.client.get(f"/models/{made.json()['id']}/download.zip").content)
        assert archive["digits_python_layers.py"].decode() == MODULES
