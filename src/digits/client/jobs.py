"""``/jobs`` as a client sees them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from digits.client import answers
from digits.core.errors import NotFoundError

if TYPE_CHECKING:
    from digits.client.client import Client


class Jobs:
    """``/jobs``: what every kind of job can be asked and told."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def status(self, job_id: str) -> answers.Status:
        """Return how the job stands.

        Raises:
            NotFoundError: there is none.
        """
        found = self._client.parsed(self._client.request("GET", f"/jobs/{self._client.find(job_id)}/status"))
        if found.get("error"):  # DIGITS answers 200 here
            raise NotFoundError(str(found["error"]))
        return answers.Status.model_validate(found)

    def row(self, job_id: str) -> answers.Row:
        """Return the job's row of the home page: state, progress, elapsed."""
        found = self._client.parsed(self._client.request("GET", f"/jobs/{self._client.find(job_id)}/table_data.json"))
        return answers.Row.model_validate(found["job"])

    def abort(self, job_id: str) -> str:
        """Ask a running job to stop, and return the server's words."""
        return self._client.request("POST", f"/jobs/{self._client.find(job_id)}/abort").text.strip()

    def delete(self, job_id: str) -> str:
        """Delete a job with its files, and return the server's words."""
        return self._client.request("DELETE", f"/jobs/{self._client.find(job_id)}").text.strip()

    def priority(self, job_id: str, priority: int) -> answers.Queued:
        """Let a job that is not over start before those of lower priority; 0 is usual."""
        return self._client.post(
            f"/jobs/{self._client.find(job_id)}/priority", as_=answers.Queued, form={"priority": priority}
        )

    def events(self, job_id: str, *, after: int = 0) -> answers.Events:
        """Return what the worker has said after ``after``."""
        return self._client.get(f"/jobs/{self._client.find(job_id)}/events.json", as_=answers.Events, after=after)

    def logs(self, job_id: str, *, follow: bool = False, every_s: float = 1.0) -> Iterator[dict[str, Any]]:
        """Yield the worker's events, oldest first; with ``follow`` as they come, until the job is over."""
        job_id, after = self._client.find(job_id), 0
        while True:
            over = not follow or self.row(job_id).is_running is False
            while (page := self.events(job_id, after=after)).events:
                yield from page.events
                after = page.next
            if over:
                return
            time.sleep(every_s)
