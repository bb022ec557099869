"""Services kept warm: started when the web asks, evicted when others are wanted more, forgotten when they left."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from digits.core.errors import NotFoundError, SetupError
from digits.core.executor import Command, Executor, Handle
from digits.core.extensions import interpreter
from digits.core.files import read_json
from digits.core.platform import find_processes, process_start
from digits.core.work import WorkerSettings
from digits.runner.words import last_lines
from digits.store import Service, Store, Trouble

START_S = 180.0  # a large model on a slow disk
KEEP_FAILED_S = 60.0  # for those who still ask why
STOP_GRACE_S = 5.0
_log = logging.getLogger(__name__)


class Services:
    """The processes of services; their rows say all, so that the next runner goes on from them."""

    def __init__(self, store: Store, executor: Executor) -> None:
        self._store = store
        self._executor = executor
        self._leaving: list[Service] = []

    @property
    def folder(self) -> Path:
        """Where each has its own."""
        return self._store.settings.root / "services"

    def take_over(self) -> None:
        """Stop processes that no row knows, and remove their folders."""
        known = {service.id: service for service in self._store.services.all()}
        if not self.folder.is_dir():
            return
        for folder in self.folder.iterdir():
            service = known.get(folder.name)
            if service is not None and service.handle is not None:
                continue
            for pid in find_processes("--service", str(folder)):
                self._executor.stop(Handle(pid=pid, created=process_start(pid) or ""), STOP_GRACE_S)
            shutil.rmtree(folder, ignore_errors=True)

    def tick(self, free_gpus: tuple[int, ...]) -> bool:
        """Bring processes and rows together; True while one is coming or going, and is worth a look soon."""
        services = self._store.services.all()
        self._leaving = [service for service in self._leaving if not self._gone(service)]
        for service in services:
            match service.state:
                case "starting":
                    self._look_ready(service)
                case "ready":
                    self._look_alive(service)
                case "failed" if time.time() - service.changed > KEEP_FAILED_S:
                    self._forget(service)
        wanted = [service for service in services if service.state == "wanted"]
        for service in wanted:
            self._make_room(service)
            self._start(service, free_gpus)
        return bool(self._leaving or wanted or any(service.state == "starting" for service in services))

    def stop_all(self) -> None:
        """End every service, and wait until they have gone (at server stop; trainings go on)."""
        for service in self._store.services.all():
            self._evict(service)
        deadline = time.monotonic() + STOP_GRACE_S + 2
        while self._leaving and time.monotonic() < deadline:
            self._leaving = [service for service in self._leaving if not self._gone(service)]
            time.sleep(0.02)

    def _start(self, service: Service, free_gpus: tuple[int, ...]) -> None:
        folder = self.folder / service.id
        settings = self._store.settings
        try:
            model = self._store.job(service.job_id) if service.kind == "infer" else None
            work = model.folder.path if model else folder
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            epoch = ("--epoch", repr(service.epoch)) if service.kind == "infer" else ()
            handle = self._executor.start(
                Command(
                    worker=service.kind,
                    folder=work,
                    gpus=free_gpus[:1],
                    num_threads=settings.num_threads,
                    arguments=(*epoch, "--service", str(folder)),
                    output=folder / "output.log",
                    environment=WorkerSettings.of(settings).to_environment(),
                    python=interpreter(model.framework, settings.pythons) if model else "",
                )
            )
        except NotFoundError:
            self._store.services.set(service.id, "failed", error=Trouble("The model was deleted."))
        except SetupError as error:
            self._store.services.set(service.id, "failed", error=Trouble(error.message, hint=error.hint))
        except OSError as error:
            self._store.services.set(service.id, "failed", error=Trouble(f"It could not be started: {error}."))
        else:
            if handle is not None:
                self._store.services.set(service.id, "starting", handle=handle)

    def _look_ready(self, service: Service) -> None:
        assert service.handle is not None
        folder = self.folder / service.id
        try:
            ready = read_json(folder / "ready.json")
        except (OSError, ValueError):
            ready = None
        if ready is not None and ready.get("pid") == service.handle.pid:
            address = f"127.0.0.1:{ready['port']}"
            self._store.services.set(service.id, "ready", address=address, token=ready["token"], handle=service.handle)
        elif self._executor.poll(service.handle) is not None:
            self._fail(service, "It ended before it was ready.")
        elif time.time() - service.changed > START_S:
            self._executor.stop(service.handle, 0)
            self._fail(service, f"It was not ready after {START_S:.0f} seconds.")

    def _look_alive(self, service: Service) -> None:
        assert service.handle is not None
        status = self._executor.poll(service.handle)
        if status is not None:
            if status.code in (0, None):
                self._forget(service)  # idle, or it left while no runner watched
            else:
                self._fail(service, "It ended by itself.")
        elif service.job_id and not self._exists(service.job_id):
            self._evict(service)

    def _make_room(self, wanted: Service) -> None:
        """Evict until one more inference worker is allowed; the one used longest ago goes first."""
        if wanted.kind != "infer":
            return
        alive = [
            each
            for each in self._store.services.all()
            if each.kind == "infer" and each.state in ("starting", "ready") and each.id != wanted.id
        ]
        for service in alive[: max(0, len(alive) + 1 - self._store.settings.inference_workers)]:
            _log.info("service %s: evicted", service.id)
            self._evict(service)

    def _exists(self, job_id: str) -> bool:
        try:
            self._store.job(job_id)
        except NotFoundError:
            return False
        return True

    def _fail(self, service: Service, fact: str) -> None:
        folder = self.folder / service.id
        try:
            trouble = Trouble(**read_json(folder / "failed.json"))
        except (OSError, ValueError, TypeError):
            trouble = Trouble(fact, trace=last_lines(folder / "output.log"))
        _log.warning("service %s: %s", service.id, trouble)
        self._store.services.set(service.id, "failed", error=trouble)

    def _evict(self, service: Service) -> None:
        if service.handle is not None:
            self._executor.stop(service.handle, STOP_GRACE_S)
            self._leaving.append(service)
            self._store.services.remove(service.id)
        else:
            self._forget(service)

    def _gone(self, service: Service) -> bool:
        assert service.handle is not None
        if self._executor.poll(service.handle) is None:
            return False
        shutil.rmtree(self.folder / service.id, ignore_errors=True)
        return True

    def _forget(self, service: Service) -> None:
        self._store.services.remove(service.id)
        shutil.rmtree(self.folder / service.id, ignore_errors=True)
