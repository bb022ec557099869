"""All raw data: every output as numbers."""

from digits.core.extensions import ViewExtension
from digits.extensions.views.raw.spec import RawSpec

_HERE = "digits.extensions.views.raw"

EXTENSION = ViewExtension(
    name="all-raw-data",
    title="All raw data",
    spec=RawSpec,
    render=f"{_HERE}.render:render",
    template=f"{_HERE}:template.html",
    most=20,
)
