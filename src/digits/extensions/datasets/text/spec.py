"""What a text classification dataset is asked for: DIGITS' fields, defaults and limits."""

from __future__ import annotations

from pydantic import field_validator, model_validator

from digits.core.spec import FieldError, Spec, field
from digits.extensions.datasets.building.spec import PairSpec

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+=<>()[]{} "
"""The characters of Zhang and LeCun, Text Understanding from Scratch (2015), and the blank."""
MOST_CHARACTERS = 254
"""A byte has room for these, for 0 and for what is none of them."""


class TextSpec(PairSpec):
    """A text classification dataset."""

    train_data_file: str = field(
        title="Training data (.csv)", widget="path",
        description="CSV file without a header: in each row the class, a number or a name, and then texts, which are joined.",
    )  # fmt: skip
    val_data_file: str = field(
        "", title="Validation data (.csv, optional)", widget="path",
        description="The same for validation; without it a share of the rows is kept.",
    )  # fmt: skip
    folder_pct_val: float = field(
        10, title="% for validation", unit="%", description="Share of the rows that is kept for validation.", ge=0, le=100
    )  # fmt: skip
    alphabet: str = field(
        ALPHABET, title="Alphabet",
        description="The characters that are told apart, from 1; all others count as one. Capitals are made small before.",
        min_length=1, max_length=MOST_CHARACTERS,
    )  # fmt: skip
    class_labels_file: str = field(
        "", title="Class labels (optional)", widget="path",
        description="Text file with the name of each class, a line each. Classes count from 0, or from 1 where no row has 0.",
    )  # fmt: skip
    max_chars_per_sample: int = field(
        1024, title="Number of characters per sample", ge=1, le=65_536,
        description="Longer texts are cut, shorter ones filled up.",
    )  # fmt: skip

    @field_validator("alphabet")
    @classmethod
    def _each_once(cls, alphabet: str) -> str:
        """Refuse a character that comes twice: which number it has would be unclear."""
        if twice := sorted({each for each in alphabet if alphabet.count(each) > 1}):
            raise ValueError(f"{twice[0]!r} comes twice.")
        return alphabet


class TextInference(Spec):
    """What a model is tested on: a text, or a file of them."""

    snippet: str = field(
        "", title="Snippet", widget="textarea", description="A text to be classified.", max_length=100_000
    )
    test_data_file: str = field(
        "", title="Test data (.csv)", widget="path",
        description="Instead: a CSV file on the server of the form of the training data; its classes are not looked at.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _one_of_both(self) -> TextInference:
        if bool(self.snippet.strip()) == bool(self.test_data_file.strip()):
            raise FieldError("snippet", "Give a snippet or a file, one of the two.")
        return self
