"""Workers as processes of this machine."""

from digits.core.extensions import ExecutorExtension
from digits.extensions.executors.local.spec import LocalSpec

_HERE = "digits.extensions.executors.local"

EXTENSION = ExecutorExtension(
    name="local", title="Processes of this machine", spec=LocalSpec, executor=f"{_HERE}.executor:LocalExecutor"
)
