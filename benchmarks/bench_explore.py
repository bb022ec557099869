"""How soon 100,000 pictures can be leafed through, of 10 classes and of 5,000, beside 1,000 pictures.

Bars: the first byte of a page of 100 within 150 ms (p95), whatever page, class or search it is, and about as soon as of 1,000 pictures.
There is no peer: DIGITS walked the database up to the page that was asked for.

    python -m benchmarks.bench_explore [--root FOLDER kept for the next time] [--rounds 15]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.bench_home import Server, measure
from digits.core.events import Done, EventWriter
from digits.core.files import write_json
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.data.contenthash import content_hash
from digits.data.createdb import Items, PictureForm, create_db
from digits.data.encode import encode_png
from digits.data.refused import RefusedWriter
from digits.store import Job, Store

RECORD = Path(__file__).parent / "records" / "explore.json"
SETS = {"1,000 of 10 classes": (1_000, 10), "100,000 of 10 classes": (100_000, 10), "100,000 of 5,000 classes": (100_000, 5_000)}  # fmt: skip
SIDE = 16


def make(store: Store, name: str, count: int, num_classes: int) -> Job:
    """Make a Done dataset of small pictures; 64 different ones do, as no page looks into them."""
    job = store.submit(kind="dataset", extension="image-classification", title="Image Classification Dataset", name=name,
                       worker="build", spec={"name": name})  # fmt: skip
    rng = np.random.default_rng(1)
    files = [encode_png(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)) for _ in range(64)]
    labels = [f"class {number:04d}" for number in range(num_classes)]
    ids = rng.integers(0, num_classes, count).tolist()
    items = Items(
        lambda item: b"/data/pictures/%s/IMG_%06d.png" % (labels[ids[item]].encode(), item),
        lambda item: files[item % 64], ids.__getitem__, lambda _: 0, np.arange(count), num_classes,
    )  # fmt: skip
    refused = RefusedWriter(job.folder.path / "refused.csv")
    form = PictureForm(SIDE, SIDE, 3, "squash", "png", 0)
    made = create_db(job.folder.path, "train", items, form, num_threads=2, progress=lambda **_: None, stop=lambda: False, refused=refused)  # fmt: skip
    refused.close()
    db = {"entries": made.entries, "class_counts": made.class_counts, "bytes": made.bytes, "refused": 0}
    facts = {
        "labels": labels, "target_kind": "class", "image": {"width": SIDE, "height": SIDE, "channels": 3}, "backend": "lmdb",
        "encoding": "png", "compression": "none", "dbs": {"train": db | {"input_file": "train.txt", "log_file": "create_train_db.log"}},
        "content_hash": content_hash(job.folder.path, ["train"], labels, "class"),
    }  # fmt: skip
    write_json(job.folder.path / "dataset.json", facts)
    emit = EventWriter(job.folder.events_file)
    emit(Done(facts=facts))
    emit.close()
    with store.change(job.id) as index:
        for state in (JobState.WAITING, JobState.RUNNING):
            index.move(state)
        index.index_events()
        index.move(JobState.DONE)
    return job


def pages(job: Job, count: int) -> dict[str, str]:
    """Return what is asked for, by what it is."""
    base = f"/datasets/images/classification/explore?job_id={job.id}&size=100"
    return {
        "first page": base,
        "last page": f"{base}&page={count // 100 - 1}",
        "a class": f"{base}&label=3",
        "a search": f"{base}&search=img_0000",
        "a search, nothing found": f"{base}&search=xyzzy",
        "as JSON": base.replace("explore?", "explore.json?"),
        "the dataset's page": f"/datasets/{job.id}",
    }


def main() -> None:
    """Make the datasets, ask for everything, print and keep what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        root = given.root or Path(folder)
        root.mkdir(parents=True, exist_ok=True)
        store = Store(Settings(root=root))
        kept = {job.name: job for job in store.jobs(kind="dataset")}
        jobs = {name: kept.get(name) or make(store, name, *size) for name, size in SETS.items()}
        store.close()
        server = Server(root)
        try:
            found = {
                f"{name}: {what}": measure(server, path, given.rounds)
                for name, job in jobs.items()
                for what, path in pages(job, SETS[name][0]).items()
            }
        finally:
            server.stop()
    for name, row in found.items():
        print(
            f"{name:50} {row['p50_ms']:8.1f} {row['p95_ms']:8.1f} ms {row['cpu_ms']:8.1f} ms CPU {row['bytes']:10,} bytes"
        )
    record = {"rounds": given.rounds, "cores": os.cpu_count(), "load_before": load, "first_byte": found}
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
