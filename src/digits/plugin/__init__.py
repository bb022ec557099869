"""What plugins are written with: these names stay, whatever is moved behind them. docs/howto/plugin.md shows them at work.

This module is light, as an extension's ``__init__``, ``spec`` and ``check`` have to be; ``digits.plugin.records`` and
``digits.plugin.views`` need numpy, and are for what runs in workers.
"""

from digits.core.errors import DataError, NetworkError, NotFoundError, SetupError
from digits.core.executor import Command, Executor, Handle, Status
from digits.core.extensions import (
    GENERIC_MODELS,
    DatasetExtension,
    ExecutorExtension,
    FrameworkExtension,
    InferenceForm,
    ViewExtension,
)
from digits.core.jobfolder import JobFolder, TaskPlan
from digits.core.settings import Settings
from digits.core.spec import DatasetSpec, FieldError, Spec, field
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.extensions.datasets.building.checking import Problems, path_problems, plan_tasks, shared_dbs
from digits.extensions.datasets.building.spec import CHANNELS, CHANNELS_WORDS, PairSpec, Size

__all__ = [
    "CHANNELS",
    "CHANNELS_WORDS",
    "GENERIC_MODELS",
    "Command",
    "DataError",
    "DatasetExtension",
    "DatasetSpec",
    "Executor",
    "ExecutorExtension",
    "FieldError",
    "FrameworkExtension",
    "Handle",
    "InferenceForm",
    "JobFolder",
    "NetworkError",
    "NotFoundError",
    "PairSpec",
    "Problems",
    "Settings",
    "SetupError",
    "Size",
    "Spec",
    "Status",
    "StopCheck",
    "StoppedError",
    "TaskPlan",
    "ViewExtension",
    "WorkerSettings",
    "field",
    "path_problems",
    "plan_tasks",
    "shared_dbs",
]
