"""Folders that fsspec reaches: s3://bucket/prefix, gs://, sftp:// and the like; each by a library of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from digits.core.errors import DataError
from digits.data.addresses import UrlSettings
from digits.data.fetch import CONNECT_S, MAX_BYTES, READ_S, UrlRules
from digits.data.remote import Listing

# Each leads to another machine. What reads this machine's files (file, git, zip ...) or chains one address to another is left out:
# the folders that may be read here are the setting data_roots' business. By protocol: what fsspec imports for it, and the package of that.
_LIBRARIES = {
    "s3": ("s3fs", "opendigits[s3]"), "s3a": ("s3fs", "opendigits[s3]"),
    "gs": ("gcsfs", "gcsfs"), "gcs": ("gcsfs", "gcsfs"),
    "az": ("adlfs", "adlfs"), "abfs": ("adlfs", "adlfs"), "abfss": ("adlfs", "adlfs"), "adl": ("adlfs", "adlfs"),
    "oci": ("ocifs", "ocifs"), "oss": ("ossfs", "ossfs"), "hf": ("huggingface_hub", "huggingface_hub"),
    "sftp": ("paramiko", "paramiko"), "ssh": ("paramiko", "paramiko"), "smb": ("smbclient", "smbprotocol"),
    "webhdfs": ("requests", "requests"), "webdav": ("webdav4", "webdav4"), "github": ("requests", "requests"),
    "box": ("boxfs", "boxfs"), "dropbox": ("dropboxdrivefs", "dropboxdrivefs"), "gdrive": ("gdrive_fsspec", "gdrive-fsspec"),
}  # fmt: skip
PROTOCOLS = frozenset(_LIBRARIES)
_AMAZON = "s3.amazonaws.com"


class Bucket:
    """The folders below an address that a person typed."""

    def __init__(self, address: str, settings: UrlSettings, *, endpoint: str, secrets: Mapping[str, str]) -> None:
        self._protocol, path = checked(address, settings, endpoint=endpoint)
        self._secrets = [value for value in secrets.values() if value]
        options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
        if self._protocol in ("s3", "s3a"):
            options |= _s3_options(endpoint, secrets, settings)
        try:
            import fsspec

            self._files = fsspec.filesystem(self._protocol, **options | _login(self._protocol, path))
        except ImportError as error:
            raise _missing(self._protocol) from error
        except Exception as error:  # each of fsspec's libraries has errors of its own
            raise self._failed(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        pass

    def list(self, address: str) -> Listing:
        """See ``Tree.list``."""
        path = self._files._strip_protocol(address)
        try:
            entries = self._files.ls(path, detail=True)
        except Exception as error:  # see above
            raise self._failed(error) from error
        found = Listing()
        for entry in entries:
            place = str(entry["name"]).rstrip("/")
            name = place.rpartition("/")[2]
            if not name or place == str(path).rstrip("/"):
                continue  # a marker of the folder itself
            (found.folders if entry.get("type") == "directory" else found.files)[name] = f"{self._protocol}://{place}"
        return found

    def get(self, address: str) -> bytes:
        """See ``Tree.get``."""
        try:
            with self._files.open(self._files._strip_protocol(address), "rb", block_size=1 << 20) as file:
                data = bytes(file.read(MAX_BYTES + 1))
        except Exception as error:  # see above
            raise self._failed(error) from error
        if len(data) > MAX_BYTES:
            raise DataError(f"There are more than {MAX_BYTES:,} bytes there.", rule="URL_TOO_LARGE")
        return data

    def _failed(self, error: Exception) -> DataError:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "…")
        if isinstance(error, FileNotFoundError):
            text = "it does not exist"
        elif isinstance(error, PermissionError):
            text = "access is denied: " + text
        return DataError(f"It could not be read: {text[:300].rstrip('.')}.", rule="REMOTE_FAILED")


def checked(address: str, settings: UrlSettings, *, endpoint: str = "") -> tuple[str, str]:
    """Return protocol and place of an address, if it may be reached.

    Raises:
        DataError: it may not (URL_REFUSED).
    """
    found = re.fullmatch(r"([A-Za-z0-9+.-]+)://([^\0]+)", address)
    protocol, place = (found[1].lower(), found[2]) if found else ("", "")
    if protocol not in PROTOCOLS or "::" in address:
        raise DataError(
            f"{protocol or address[:40]}:// is not read.",
            hint=f"Read are {', '.join(sorted(PROTOCOLS))}.",
            rule="URL_REFUSED",
        )
    host = place.partition("/")[0]
    if "@" in host and ":" in host.partition("@")[0]:
        raise DataError("An address must not hold a password.", hint="Set up a key on the server.", rule="URL_REFUSED")
    if protocol not in ("s3", "s3a"):
        rules = UrlRules.of(settings, typed=f"https://{host.rpartition('@')[2]}" if settings.is_loopback else "")
        rules.check_host(host.rpartition("@")[2].partition(":")[0])
        return protocol, place
    if not endpoint:
        UrlRules.of(settings).check_host(_AMAZON)
        return protocol, place
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname or url.username:
        raise DataError("The endpoint is an address: https://host:port.", rule="URL_REFUSED")
    default = 443 if url.scheme == "https" else 80
    UrlRules.of(settings, typed=endpoint).checked(url.hostname, url.port or default)
    return protocol, place


def require_library(protocol: str) -> None:
    """Look for what reads addresses of ``protocol``, and import none of it.

    Raises:
        DataError: it is not installed (FSSPEC_MISSING).
    """
    if not all(find_spec(name) for name in ("fsspec", _LIBRARIES[protocol][0])):
        raise _missing(protocol)


def _missing(protocol: str) -> DataError:
    library, package = _LIBRARIES[protocol]
    packages = " ".join(f"'{each}'" for each in dict.fromkeys(("fsspec", package) if library != "s3fs" else (package,)))
    return DataError(
        f"Addresses with {protocol}:// need a library that is not installed.",
        hint=f"Install it beside the server: pip install {packages}.",
        rule="FSSPEC_MISSING",
    )


def _s3_options(endpoint: str, secrets: Mapping[str, str], settings: UrlSettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "config_kwargs": {"connect_timeout": CONNECT_S, "read_timeout": READ_S, "retries": {"max_attempts": 3}}
    }
    if secrets.get("key"):
        options |= {"key": secrets["key"], "secret": secrets.get("secret", "")}
    else:
        # The server's own keys are its user's: on a server for others nobody else may use them.
        own = "AWS_ACCESS_KEY_ID" in os.environ or (Path.home() / ".aws" / "credentials").is_file()
        options["anon"] = not (own and settings.is_loopback)
    if endpoint:
        options["client_kwargs"] = {"endpoint_url": endpoint}
    return options


def _login(protocol: str, place: str) -> dict[str, Any]:
    """Return the options that stand in the address itself: host, user and port of a file server."""
    if protocol not in ("sftp", "ssh", "smb", "webhdfs", "hf", "github"):
        return {}
    from fsspec.utils import infer_storage_options

    found = infer_storage_options(f"{protocol}://{place}")
    return {
        name: found[name] for name in ("host", "port", "username") if name in found and protocol not in ("hf", "github")
    }
