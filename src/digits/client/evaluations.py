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

    def ls(self, model_id: str) -> list[answers.Evaluation]:
        """Return the evaluations of a model, newest first, with their metrics but not their lists."""
        path = f"/models/{self._client.find(model_id)}/evaluations.json"
        rows = self._client.parsed(self._client.request("GET", path))["evaluations"]
        return [answers.Evaluation.model_validate(each) for each in rows]

    def show(self, job_id: str) -> answers.Evaluation:
        """Return one evaluation: its state, and once it is done its metrics, rates of the classes and confusion."""
        return self._client.get(f"/evaluations/{self._client.find(job_id)}.json", as_=answers.Evaluation)
