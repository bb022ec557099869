"""``/evaluations`` as a client sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digits.client import answers

if TYPE_CHECKING:
    from digits.client.client import Client


class Evaluations:
    """``/evaluations``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def show(self, job_id: str) -> answers.Evaluation:
        """Return one evaluation: its state, and once it is done its metrics, rates of the classes and confusion."""
        return self._client.get(f"/evaluations/{self._client.find(job_id)}.json", as_=answers.Evaluation)
