"""Everything an operator can set: ``DIGITS_*`` in the environment, ``digits.toml``, or the command line. Read once, then passed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from digits.core.errors import SetupError

Device = Literal["auto", "cpu", "cuda", "mps"]
PREFIX = "DIGITS_"


class Settings(BaseSettings):
    """One class, one prefix; each field says what it is for and what it may be."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    root: Path = Field(default_factory=lambda: Path.home() / ".digits", description="Jobs, database and caches.")
    jobs_dir: Path | None = Field(default=None, description="Job folders, where they are not in <root>/jobs.")
    database_url: str = Field(default="", description="SQLAlchemy URL; SQLite in <root>/digits.db when empty.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535, description="TCP port; 0 takes a free one.")] = 5000
    trust_network: bool = Field(
        default=False, description="Allow a host beyond loopback although anybody there can then run code here."
    )
    web_workers: Annotated[int, Field(ge=1, le=64, description="Web processes of digits-server.")] = 2
    server_name: str = Field(default="", description="Shown in the Info menu; the machine's name when empty.")
    url_prefix: str = Field(default="", description="Path below which a proxy serves the pages: '/digits'.")
    debug: bool = Field(default=False, description="Error answers carry a traceback.")
    device: Device = Field(default="auto", description="Where networks run: the best there is, or the one named.")
    cpu_slots: Annotated[int, Field(ge=0, description="Jobs at a time on the CPU; 0: half the cores, at least 1.")] = 0
    executor: str = Field(default="local", description="The extension that starts workers.")
    executor_options: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description='What that extension can be told: {"nice": 5}.'
    )
    stop_grace_s: Annotated[float, Field(gt=0, description="Seconds from asking a worker to stop to killing it.")] = (
        30.0
    )
    inference_workers: Annotated[int, Field(ge=1, description="Loaded models kept warm.")] = 2
    inference_idle_s: Annotated[float, Field(gt=0, description="An idle inference worker leaves after this long.")] = (
        600.0
    )
    max_image_pixels: Annotated[int, Field(gt=0, description="Larger pictures are refused.")] = 64_000_000
    shard_above: Annotated[
        int,
        Field(ge=1, description="A dataset of more pictures than this is made in shards, and can be resumed at each."),
    ] = 1_000_000
    shard_images: Annotated[int, Field(ge=1, le=10_000_000, description="Pictures of a shard.")] = 20_000
    max_upload_bytes: Annotated[int, Field(gt=0, description="Larger request bodies are refused.")] = 500_000_000
    min_free_disk_bytes: Annotated[int, Field(ge=0, description="Below this no new job is started.")] = 2_000_000_000
    data_roots: tuple[Path, ...] = Field(
        default=(), description="The only folders whose files may be named; all when empty."
    )
    url_hosts: tuple[str, ...] = Field(
        default=(),
        description='The only hosts that pictures may be fetched from, "*.example.org" for all below one. When empty: any '
        "while the server listens on loopback, none else.",
    )
    model_store_url: str = Field(
        default="", description="Model stores beside the shipped one: addresses or folders, comma-separated."
    )
    allow_private_addresses: bool = Field(
        default=False, description="Addresses in lists may lead into private networks and to this machine."
    )
    allow_python_layers: bool | None = Field(
        default=None,
        description="Run layers and networks written in Python that users send: their code can do what the server's user can. "
        "When not set: only while the server listens on loopback.",
    )
    tensorflow_python: Path | None = Field(
        default=None,
        description="The Python of an environment with TensorFlow and this product; this one when not set.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="How much the server says."
    )

    @field_validator("root", "jobs_dir", mode="after")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else value

    @property
    def jobs(self) -> Path:
        """Where the job folders lie."""
        return self.jobs_dir or self.root / "jobs"

    @property
    def cache(self) -> Path:
        """Where what can be fetched again is kept."""
        return self.root / "cache"

    @property
    def secrets(self) -> Path:
        """Where the keys that jobs were given lie."""
        return self.root / "secrets"

    @property
    def num_cpu_slots(self) -> int:
        """Jobs at a time on the CPU."""
        return self.cpu_slots or max(1, (os.cpu_count() or 1) // 2)

    @property
    def num_threads(self) -> int:
        """Threads of one worker on the CPU."""
        return max(1, (os.cpu_count() or 1) // self.num_cpu_slots)

    @property
    def runs_python_layers(self) -> bool:
        """Whether layers and networks written in Python may run."""
        return self.is_loopback if self.allow_python_layers is None else self.allow_python_layers

    @property
    def pythons(self) -> dict[str, str]:
        """The interpreters that settings name, by the library that they have."""
        return {"tensorflow": str(self.tensorflow_python)} if self.tensorflow_python else {}

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in ("127.0.0.1", "::1", "localhost") or self.host.startswith("127.")


def load_settings(**given: Any) -> Settings:
    """Return the settings: ``given`` (None counts as not given), then ``DIGITS_*``, then ``<root>/digits.toml``, then defaults.

    Raises:
        SetupError: a value is out of its bounds, or ``digits.toml`` cannot be read or has a name that does not exist.
    """
    given = {key: value for key, value in given.items() if value is not None}
    root = Path(given.get("root") or os.environ.get(PREFIX + "ROOT") or Path.home() / ".digits").expanduser()
    toml = root / "digits.toml"

    class WithFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=toml)

    try:
        return WithFile(**(given | {"root": root}))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SetupError(
            f"Setting {name!r}: {first['msg']}.",
            hint=f"It comes from {PREFIX}{name.upper()}, {toml} or the command line.",
        ) from error
    except ValueError as error:
        raise SetupError(f"This is no TOML: {error}.", where=str(toml)) from error
