"""How large a network definition may be. A definition comes from anybody, so each limit holds before any work is done."""

from __future__ import annotations

MAX_TEXT_BYTES = 1_000_000
"""Of a definition's text; the largest published ones (SSD, Inception) are under 100 kB."""

MAX_DEPTH = 64
"""Of nested messages; Caffe's own nest five deep."""

MAX_LAYERS = 20_000

MAX_NAME = 1_000
"""Characters of the name of a layer or blob."""

MAX_BLOB_ELEMENTS = 2**31 - 1
"""Of one array; Caffe counts in a C int."""

MAX_PARAMETERS = 4_000_000_000
"""Of a whole network: 16 GB of weights."""

MAX_ACTIVATION_BYTES = 2**39
"""Of all blobs of one pass together; a layer beyond it is a slip of the pen."""
