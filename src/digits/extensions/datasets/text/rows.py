"""Rows of a CSV file of texts, and texts to test a model on, as pictures one pixel high."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from digits.core.errors import DataError
from digits.core.files import write_bytes
from digits.data.encode import encode_png
from digits.data.textcodes import Characters
from digits.extensions.datasets.text.spec import TextInference

MOST_TESTED = 1000
_SHOWN = 200


class TextRow(NamedTuple):
    """A row of a CSV file: its line, its class as it is written, and its texts in one; no text where it has but one cell."""

    line: int
    label: str
    text: str | None


def read_rows(path: str | Path, most: int) -> Iterator[TextRow]:
    """Yield the rows of a CSV file without a header, of each text the first ``most`` characters.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with Path(path).expanduser().open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file)
            for fields in reader:
                if fields:
                    text = " ".join(fields[1:])[:most] if len(fields) > 1 else None
                    yield TextRow(reader.line_num, fields[0].strip(), text)
    except (OSError, csv.Error) as error:
        raise DataError(f"The table cannot be read: {error}.", where=str(path), rule="TABLE_DAMAGED") from error


def inputs(spec: TextInference, folder: Path, facts: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Write the texts that a model is to be tested on into ``folder`` as pictures, and yield each, shortened, with its path.

    Raises:
        DataError: the file cannot be read.
    """
    characters, length = Characters(facts["alphabet"]), int(facts["image"]["width"])
    if spec.snippet.strip():
        texts = [spec.snippet]
    else:
        rows = islice(read_rows(spec.test_data_file, length), MOST_TESTED)
        texts = [row.text if row.text is not None else row.label for row in rows]
    for number, text in enumerate(texts):
        path = folder / f"text-{number:04d}.png"
        write_bytes(path, encode_png(characters.encode(text, length)))
        yield text[:_SHOWN], path
