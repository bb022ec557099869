"""A root with jobs of every kind and state, written as job folders and indexed by the store: what the pages' tests look at.

Times, rates and curves are made up; files and rows are what the real workers leave behind.
``python -m tests.web.fixture_site <root> [class folders]`` makes one to look at.
"""

from __future__ import annotations

from pathlib import Path

from digits.core.events import Failed, Progress, Warned
from digits.core.settings import Settings
from digits.store import Store
from tests.web.fixture_datasets import TASKS, built_dataset, classification_spec, done_dataset
from tests.web.fixture_jobs import journal, make, say
from tests.web.fixture_models import model


def fill(settings: Settings, pictures: Path | None = None) -> dict[str, str]:
    """Make a whole site of jobs; return ids by a short name. With ``pictures`` (class folders) one dataset is a real one."""
    ids: dict[str, str] = {}
    day = 86_400.0
    mnist = done_dataset(settings, "MNIST 28 × 28", ago_s=1800)
    note = "Class folders 0 to 9, a quarter kept for validation. The 10,000 test pictures stay apart."
    journal(mnist, (60, {"what": "edit", "notes": note}))
    ids["mnist"] = mnist.folder.id
    ids["cifar"] = done_dataset(settings, "CIFAR-10 32 × 32", ago_s=2 * day).folder.id
    building = make(
        settings,
        "dataset",
        "Clothing 256",
        spec=classification_spec(
            "Clothing 256", "/data/clothing", resize_channels=3, resize_width=256, resize_height=256
        ),
        ago_s=8,
        tasks=TASKS,
    )
    journal(building, (1, {"what": "state", "state": "Running", "reason": ""}))
    at = building.submitted
    say(
        building,
        Progress(time=at + 1, task="parse_folder", done=0, total=0, unit="pictures"),
        Progress(time=at + 2, task="parse_folder", done=1036, total=1036, unit="pictures", rate=1036, state="done"),
        Progress(time=at + 2, task="create_train_db", done=0, total=850, unit="pictures"),
        Progress(time=at + 8, task="create_train_db", done=301, total=850, unit="pictures", rate=43, text="Create DB (train): 301 of 850 pictures"),
        Warned(message="Class 'hat' has only 2 pictures.", hint="Give it more, or leave it out."),
    )  # fmt: skip
    ids["building"] = building.folder.id
    broken = make(
        settings,
        "dataset",
        "Broken paths",
        spec=classification_spec("Broken paths", "/data/none"),
        ago_s=3 * day,
        tasks=TASKS,
    )
    journal(broken, (1, {"what": "state", "state": "Running", "reason": ""}))
    trouble = {
        "message": "The folder holds no picture.",
        "where": "/data/none",
        "hint": "Point to a folder with one subfolder for each class.",
        "trace": "Traceback (most recent call last):\n  …",
    }
    say(
        broken,
        Failed(
            time=broken.submitted + 2,
            message=trouble["message"],
            where=trouble["where"],
            hint=trouble["hint"],
            trace=trouble["trace"],
        ),
    )
    journal(broken, (2, {"what": "state", "state": "Error", "reason": "", "error": trouble}))
    ids["broken"] = broken.folder.id

    sweep = "MNIST learning rates"
    data = ids["mnist"]
    ids["slow"] = model(
        settings,
        "MNIST LeNet learning_rate:0.001",
        data,
        state="Done",
        ago_s=900,
        epochs=10,
        seconds=123,
        group=sweep,
        best=0.9761,
        rate=0.001,
    ).folder.id
    ids["done"] = model(
        settings,
        "MNIST LeNet learning_rate:0.005",
        data,
        state="Done",
        ago_s=700,
        epochs=10,
        seconds=122,
        group=sweep,
        best=0.9907,
        rate=0.005,
    ).folder.id
    ids["running"] = model(
        settings, "MNIST LeNet", data, state="Running", ago_s=79, epochs=6.4, seconds=78, group=sweep
    ).folder.id
    ids["waiting"] = model(
        settings, "MNIST LeNet learning_rate:0.1", data, state="Waiting", ago_s=12, group=sweep, rate=0.1,
        reason="Waiting: 1 of 1 training slots busy, first in the queue",
    ).folder.id  # fmt: skip
    ids["nan"] = model(
        settings,
        "Clothing AlexNet lr 0.1",
        ids["cifar"],
        state="Error",
        ago_s=2 * day,
        epochs=0.4,
        total=30,
        seconds=9,
        rate=0.1,
    ).folder.id
    ids["aborted"] = model(
        settings,
        "Street AlexNet from scratch",
        ids["cifar"],
        state="Aborted",
        ago_s=day,
        epochs=4.2,
        total=60,
        seconds=1260,
        best=0.35,
    ).folder.id
    ids["old"] = model(
        settings, "MNIST two-layer perceptron", data, state="Done", ago_s=5 * day, epochs=10, seconds=69, best=0.9792
    ).folder.id
    if pictures:
        ids["real"] = built_dataset(settings, "Digits 28 × 28", pictures, ago_s=600).folder.id
    store = Store(settings)
    store.reindex()
    store.close()
    return ids


if __name__ == "__main__":
    import shutil
    import sys

    root = Path(sys.argv[1])
    shutil.rmtree(root, ignore_errors=True)
    for key, value in fill(Settings(root=root), Path(sys.argv[2]) if len(sys.argv) > 2 else None).items():
        print(key, value)
