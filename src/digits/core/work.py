"""What a worker hands to the code that does its work: how it is asked to stop, and the few settings it needs.

Long work asks ``stop()`` between steps and raises ``StoppedError`` once everything it wants to keep is on disk; the
worker's skeleton (``digits.workers.job``) says ``Stopped`` and leaves in good order.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from digits.core.settings import Device, Settings

VARIABLE = "DIGITS_WORKER_SETTINGS"


class StopCheck(Protocol):
    """Asked between two steps, as often as one likes: it costs next to nothing."""

    def __call__(self) -> bool:
        """Return whether the worker was asked to stop."""


class StoppedError(Exception):
    """Raised by work that was asked to stop and did so in good order; no mistake of anybody's."""


class WorkerSettings(BaseModel):
    """What a worker needs of the settings; it comes in one environment variable, so the command line stays readable."""

    model_config = ConfigDict(frozen=True)
    num_threads: Annotated[int, Field(ge=1, description="Threads this worker may use.")] = 1
    device: Device = "auto"
    max_image_pixels: Annotated[int, Field(gt=0)] = 64_000_000
    shard_above: Annotated[int, Field(ge=1, description="Larger datasets are made in shards.")] = 1_000_000
    shard_images: Annotated[int, Field(ge=1, description="Pictures of a shard.")] = 20_000
    inference_idle_s: Annotated[float, Field(gt=0)] = 600.0
    python_layers: Annotated[bool, Field(description="Layers written in Python may run.")] = False
    data_roots: Annotated[
        tuple[str, ...], Field(description="The only folders whose files may be read; all when empty.")
    ] = ()
    is_loopback: Annotated[bool, Field(description="Only this machine can reach the server.")] = True
    url_hosts: Annotated[tuple[str, ...], Field(description="The only hosts that may be fetched from.")] = ()
    allow_private_addresses: Annotated[bool, Field(description="Lists may name hosts of private networks.")] = False
    pythons: Annotated[dict[str, str], Field(description="By library: the Python that has it.")] = {}
    processes: Annotated[
        int, Field(ge=1, description="How many train one network together, each on a share of a batch.")
    ] = 1
    rank: Annotated[
        int | None,
        Field(ge=0, description="Which of them this is; None for one alone and for the one that starts them."),
    ] = None
    meeting: Annotated[str, Field(description="The file through which they find each other.")] = ""
    secrets: Annotated[str, Field(description="Where the keys that jobs were given lie.")] = ""
    spool: Annotated[str, Field(description="Where files that pass between the web and a service lie.")] = ""

    @classmethod
    def of(cls, settings: Settings, *, processes: int = 1) -> WorkerSettings:
        """Return what a worker under ``settings`` gets, which trains in so many ``processes``: one for each GPU of its job."""
        return cls(
            processes=processes,
            num_threads=settings.num_threads,
            device=settings.device,
            max_image_pixels=settings.max_image_pixels,
            shard_above=settings.shard_above,
            shard_images=settings.shard_images,
            inference_idle_s=settings.inference_idle_s,
            python_layers=settings.runs_python_layers,
            data_roots=tuple(map(str, settings.data_roots)),
            is_loopback=settings.is_loopback,
            pythons=settings.pythons,
            url_hosts=settings.url_hosts,
            allow_private_addresses=settings.allow_private_addresses,
            secrets=str(settings.secrets),
            spool=str(settings.root / "spool"),
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> WorkerSettings:
        """Return what the one who started this process gave it; the defaults where it gave nothing."""
        text = (os.environ if environment is None else environment).get(VARIABLE)
        return cls.model_validate_json(text) if text else cls()

    def to_environment(self) -> dict[str, str]:
        """Return the variable that ``from_environment`` reads."""
        return {VARIABLE: self.model_dump_json()}
