"""``digits store ls|get|publish|build``: model stores, looked at, brought in, and made."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import click

import digits
from digits.cli.connect import root_option, with_client
from digits.cli.demo import serving
from digits.cli.demodata import prepare
from digits.cli.epochs import epoch_option
from digits.cli.output import json_option, print_json, table
from digits.cli.waiting import step, wait_for_job
from digits.client import Client
from digits.core.errors import DigitsError, NotFoundError
from digits.core.files import read_json, write_json
from digits.core.settings import load_settings

CHUNK = 1_000
SEED = 1
_LEFT_OUT = ("model.onnx", "example.py", "solver.prototxt")
"""Of a downloaded model, what an entry of a store does not need."""


@click.group()
def store() -> None:
    """Model stores: what they offer, bringing a model in, and making a store of one's own."""


@store.command()
@click.option("--refresh", is_flag=True, help="Read the stores anew.")
@json_option
@with_client
def ls(client: Client, refresh: bool, as_json: bool) -> None:
    """List what the stores of the server offer."""
    found = client.store.ls(refresh=refresh)
    if as_json:
        print_json({base: each.as_json() for base, each in found.items()})
        return
    rows = [
        [entry.dir_name, entry.info.get("name", ""), entry.info.get("framework", ""), entry.aux.get("dataset", ""),
         entry.problem or entry.info.get("note", "")]
        for each in found.values() for entry in each.model_list
    ]  # fmt: skip
    table(["Entry", "Name", "Framework", "Data sets", "Note"], rows, empty="no models")
    for base, each in found.items():
        if each.problem:
            click.echo(f"{base}: {each.problem}", err=True)


@store.command()
@click.argument("name")
@json_option
@with_client
def get(client: Client, name: str, as_json: bool) -> None:
    """Bring the entry NAME in (its folder's name, its title or its id) as a pretrained model, and wait for it."""
    entries = [entry for each in client.store.ls().values() for entry in each.model_list]
    found = [entry for entry in entries if name in (entry.dir_name, entry.id, entry.info.get("name"))]
    if not found:
        raise NotFoundError(f"No store offers {name!r}.", hint="`digits store ls` lists what there is.")
    made = client.store.get(found[0].id)
    with step(f"Importing {made.name}") as at:
        row = wait_for_job(client, made.id, at)
    if as_json:
        print_json(made.as_json() | {"status": row.status})
    else:
        click.echo(f"{client.address}/pretrained_models/{made.id}")


@store.command()
@click.argument("job_id", metavar="ID")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", help="Title of the entry; the model's name if not given.")
@click.option("--note", default="", help="A sentence on what it is for.")
@click.option("--dataset", default="", help="What it was trained on.")
@click.option("--license", "licence", default="", help="Its licence, by name.")
@click.option(
    "--logo", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The affiliate's PNG or JPEG."
)
@epoch_option
@click.option("--safetensors", is_flag=True, help="Weights as .safetensors; as the framework has them if not given.")
@with_client
def publish(
    client: Client,
    job_id: str,
    folder: Path,
    safetensors: bool,
    epoch: float | str | None,
    logo: Path | None,
    **words: Any,
) -> None:
    """Add the model ID to the store in DIR, which any web server can serve; the store is made if there is none.

    A folder for the entry gets the files of the downloaded model, info.json and aux.json, and master.json names it.
    """
    place = add_entry(client, client.find(job_id), folder, epoch=epoch, safetensors=safetensors, logo=logo, **words)
    click.echo(str(place))


def add_entry(
    client: Client, job_id: str, folder: Path, *, name: str | None, note: str, dataset: str, licence: str, epoch: float | str | None = None,
    safetensors: bool = False, logo: Path | None = None, more: dict[str, Any] | None = None,
) -> Path:  # fmt: skip
    """Write a model of the server into the store ``folder`` as one entry, which is whole or not there, and return its folder.

    Raises:
        RefusedError: the model has no such snapshot.
        DigitsError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".entry-") as made:
            work = Path(made)
            client.download(f"/models/{job_id}/download.tar", work / "model.tar", epoch=epoch)
            _unpack(work / "model.tar", work)
            (work / "model.tar").unlink()
            info: dict[str, Any] = read_json(work / "info.json")
            if safetensors:
                _as_safetensors(client, job_id, work, info, epoch)
            info |= {"name": name or info["name"], "note": note, "license": licence} | (more or {})
            aux = {"dataset": dataset, "license": licence}
            if logo is not None:
                aux["logo"] = f"logo{logo.suffix.lower()}"
                shutil.copyfile(logo, work / aux["logo"])
            write_json(work / "info.json", info)
            write_json(work / "aux.json", aux)
            place = folder / _slug(str(info["name"]))
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(work, place)
        _name_in_master(folder, place.name)
        for each in (folder, place, *place.iterdir()):
            each.chmod(0o755 if each.is_dir() else 0o644)  # for a web server to read
        return place
    except OSError as error:
        raise DigitsError(f"The store cannot be written: {error.strerror or error}.", where=str(folder)) from error


def _unpack(archive: Path, folder: Path) -> None:
    """Write the files of our own server's flat archive, by their plain names alone."""
    with tarfile.open(archive, "r:") as tar:
        for member in tar:
            source = tar.extractfile(member)
            if source is not None and Path(member.name).name == member.name and member.name not in _LEFT_OUT:
                with (folder / member.name).open("xb") as out:
                    shutil.copyfileobj(source, out)


def _as_safetensors(client: Client, job_id: str, work: Path, info: dict[str, Any], epoch: float | str | None) -> None:
    before = str(info["snapshot file"])
    after = f"{before.partition('.')[0]}.safetensors"
    client.model.export(job_id, "safetensors", work / f"new-{after}", epoch=epoch)
    (work / before).unlink()
    (work / f"new-{after}").rename(work / after)
    info["snapshot file"] = after


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80] or "model"


def _name_in_master(folder: Path, entry: str) -> None:
    master = folder / "master.json"
    try:
        found: dict[str, Any] = read_json(master)
    except FileNotFoundError:
        found = {"msg": "", "children": []}
    write_json(master, found | {"children": sorted({*found.get("children", []), entry})})


@store.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--mnist", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder with MNIST's four idx files."
)
@click.option("--epochs", type=click.IntRange(1), default=10, show_default=True, help="Of the training.")
@root_option
def build(folder: Path, mnist: Path | None, epochs: int, root: Path | None) -> None:
    """Make the store that OpenDIGITS ships: LeNet, trained on MNIST through the product, with its accuracy on the 10,000 test digits."""
    settings = load_settings(root=root)
    with serving(settings, None) as (address, _), Client(address) as client:
        data = prepare(settings, mnist, limit=None)
        if data.is_drawn:
            raise DigitsError("MNIST cannot be had here.", hint="Name its folder with --mnist.")
        model_id = _train(client, data.train_folder, epochs)
        right, count = _right(client, model_id, data.test_list)
        record = {
            "made by": f"digits store build --epochs {epochs}", "digits version": digits.__version__, "random seed": SEED, "epochs": epochs,
            "username": "OpenDIGITS", "accuracy": right / count, "tested on": f"{count:,} test digits of MNIST, {right:,} right",
        }  # fmt: skip
        place = add_entry(
            client, model_id, folder, name="LeNet on MNIST", dataset="MNIST", licence="BSD-3-Clause", safetensors=True, more=record,
            note=f"Handwritten digits, 28 x 28 grayscale, black on white. {100 * right / count:.2f} % of the test digits are right.",
        )  # fmt: skip
        click.echo(f"{place}: {right:,} of {count:,} right")


def _train(client: Client, pictures: Path, epochs: int) -> str:
    fields: dict[str, str | int] = {
        "resize_channels": 1,
        "resize_width": 28,
        "resize_height": 28,
        "encoding": "png",
        "random_seed": SEED,
    }
    with step("Building the dataset") as at:
        dataset = client.dataset.create(
            fields | {"dataset_name": "MNIST", "method": "folder", "folder_train": str(pictures), "folder_pct_val": 5}
        )
        wait_for_job(client, dataset.id, at)
    with step(f"Training LeNet for {epochs} epochs") as at:
        model = client.model.create(
            {"model_name": "LeNet on MNIST", "dataset": dataset.id, "method": "standard", "standard_networks": "lenet", "framework": "caffe",
             "train_epochs": epochs, "random_seed": SEED, "snapshot_interval": 0}
        )[0]  # fmt: skip
        wait_for_job(client, model.id, at)
    return model.id


def _right(client: Client, model_id: str, listed: Path) -> tuple[int, int]:
    """Return how many of the pictures of a list are taken for what their folder says, and how many there are."""
    lines = listed.read_text(encoding="utf-8").splitlines()
    right = 0
    with step(f"Classifying {len(lines):,} pictures") as at, tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(lines), CHUNK):
            part = Path(folder) / "part.txt"
            part.write_text("\n".join(lines[start : start + CHUNK]) + "\n", encoding="utf-8")
            found = client.model.classify_many(model_id, part).classifications
            right += sum(1 for path, best in found.items() if best and best[0][0] == Path(path).parent.name)
            at.update(min(start + CHUNK, len(lines)), len(lines), f"{right:,} right")
    return right, len(lines)
