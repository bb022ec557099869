"""NVCaffe's own layers against values worked out from its arithmetic elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from tests.networks.nets import one, run
from tests.shared import needs_shared, shared

LAYERS = {
    "l1loss": ("L1Loss", "a b", ""),
    "smoothl1": ("SmoothL1Loss", "a b", ""),
    "permute_0231": ("Permute", "a", "permute_param { order: [0, 2, 3, 1] }"),
    "axpy": ("Axpy", "s a b", ""),
    "normalize_across": ("Normalize", "a", ""),
    "normalize_channel": ("Normalize", "a", "norm_param { across_spatial: false }"),
}


@needs_shared
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_of_nvcaffe_computes_what_was_worked_out(name: str) -> None:
    expected = np.load(shared("oracle", "derived_nvcaffe", "all.npz"))
    kind, bottoms, settings = LAYERS[name]

    made = run(one(kind, settings, bottoms=bottoms), **{blob: expected[blob] for blob in bottoms.split()})

    np.testing.assert_allclose(made.blobs["y"], expected[name], rtol=1e-5, atol=1e-6)
    if f"{name}_da" in expected:
        gradient = made.gradients["a"]
        assert gradient is not None
        np.testing.assert_allclose(gradient, expected[f"{name}_da"], rtol=1e-5)
