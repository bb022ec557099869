"""Two layers in one pass over the values, where nobody sees what lies between them: a Scale that follows a BatchNorm in place.

torch's batch normalisation multiplies and adds on its way, so the Scale's own pass, forward and back, is spared. The Scale's
parameters stay where they are; what the network computes is the same.
"""

from __future__ import annotations

from collections.abc import Container

from torch import fx, nn

from digits.networks.layers.batch_norm import BatchNorm, LearningBatchNorm
from digits.networks.layers.scale import Scale


def fuse_scales(graph: fx.Graph, root: nn.Module, *, kept: Container[fx.Node]) -> None:
    """Change ``graph`` so that each BatchNorm does what the Scale after it would do.

    Args:
        graph: the network.
        root: holds its modules.
        kept: nodes whose values have a blob's name, and so must stay.
    """
    for node in list(graph.nodes):
        scale = _module(root, node)
        if not (isinstance(scale, Scale) and scale.is_per_channel):
            continue
        norm = node.args[0]
        if not isinstance(norm, fx.Node) or len(norm.users) != 1 or norm in kept:
            continue
        module = _module(root, norm)
        if not isinstance(module, BatchNorm) or isinstance(module, LearningBatchNorm):
            continue
        with graph.inserting_before(node):
            names = ["weight"] if scale.bias is None else ["weight", "bias"]
            operands = [graph.get_attr(f"{node.target}.{name}") for name in names]
        node.target, node.args = norm.target, (*norm.args, *operands)
        graph.erase_node(norm)


def _module(root: nn.Module, node: fx.Node) -> nn.Module | None:
    return root.get_submodule(str(node.target)) if node.op == "call_module" else None
