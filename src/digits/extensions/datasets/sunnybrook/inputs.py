"""What a model is tested on: a file, or a record of the dataset's validation database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.core.files import write_bytes
from digits.data.stored import StoredDb
from digits.extensions.datasets.sunnybrook.spec import SunnybrookInference


def inputs(spec: SunnybrookInference, folder: Path, facts: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Yield a name and the path of the picture that is asked about; a record is written into ``folder``.

    Raises:
        DataError: there is no such record.
    """
    row = spec.validation_record
    if row is None:
        path = Path(spec.test_image_file).expanduser()
        yield path.name, path
        return
    if "val" not in facts["dbs"] or row >= facts["dbs"]["val"]["entries"]:
        raise DataError(f"The dataset has no validation record {row}.")
    with StoredDb(Path(facts["folder"]), "val", facts) as records:
        picture = records.read(row)
        name = Path(records.index.paths[row].decode("utf-8", "surrogateescape")).name
    path = folder / f"record-{row}.{picture.suffix}"
    write_bytes(path, picture.file())
    yield f"{name} (record {row})", path
