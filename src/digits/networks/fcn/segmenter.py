"""The second half of the surgery on networks in PyTorch: scores of other classes, enlarged to every pixel of the picture.

What a classifier's text calls that was made fully convolutional.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from digits.core.errors import NetworkError
from digits.networks.fcn.segmented import SCORE, SKIPS, UPSCORE, Skip
from digits.networks.fcn.torchgraph import Shape, convolve, factors, is_pooling, shape_of


class Enlarge(nn.ConvTranspose2d):
    """Scores of each class enlarged bilinearly to the size of another map, which they lie over: kernel 2f - 1, stride f, and a crop."""

    def __init__(self, num_classes: int, factor: int) -> None:
        super().__init__(num_classes, num_classes, 2 * factor - 1, stride=factor, groups=num_classes, bias=False)
        slope = 1 - (torch.arange(2 * factor - 1) - (factor - 1)).abs() / factor
        self.weight = nn.Parameter(torch.outer(slope, slope).expand_as(self.weight).clone(), requires_grad=False)

    def forward(self, x: Tensor, like: Tensor) -> Tensor:  # type: ignore[override] # it must know where to cut
        """Return [N, classes, *like's height and width]; beyond its edges a map goes on as it ends."""
        up = super().forward(F.pad(x, (1, 1, 1, 1), mode="replicate"))
        first = self.stride[0] + (self.stride[0] - 1) // 2
        return up[..., first : first + like.shape[2], first : first + like.shape[3]]


def segmenter(classifier: nn.Module, picture_CHW: Shape, *, num_classes: int, skip: Skip = "none") -> nn.Module:
    """Return a classifier's layers with scores of ``num_classes`` for each pixel: [N, C, H, W] in, [N, num_classes, H, W] out.

    Every layer but the scores (which begin at 0) and the enlarging ones keeps its name and its weights.

    Args:
        classifier: answers with one row of scores a picture.
        picture_CHW: of the pictures that it was made for.
        num_classes: to score.
        skip: which finer scores are added.

    Raises:
        NetworkError: it cannot be made so, or is not deep enough for ``skip``.
    """
    module = convolve(classifier, picture_CHW).module
    head = _head(module)
    _pad_large(module, head)
    _Builder(module, head, num_classes).run(skip)
    return module.train(classifier.training)


def _pad_large(module: fx.GraphModule, head: fx.Node) -> None:
    """Let the kernels of what was fully connected find a place on maps that are smaller than they are."""
    for node in module.graph.nodes:
        layer = module.get_submodule(str(node.target)) if node.op == "call_module" else None
        if (
            isinstance(layer, nn.Conv2d)
            and node is not head
            and layer.kernel_size == shape_of(node.all_input_nodes[0])[2:]
        ):
            layer.padding = (layer.kernel_size[0] // 2, layer.kernel_size[1] // 2)


def _head(module: fx.GraphModule) -> fx.Node:
    """Return the last convolution.

    Raises:
        NetworkError: there is none.
    """
    nodes: list[fx.Node] = list(module.graph.nodes)
    for node in reversed(nodes):
        if node.op == "call_module" and isinstance(module.get_submodule(str(node.target)), nn.Conv2d):
            return node
    raise NetworkError(
        "The network has no layer that weighs anything.", hint="Its last one becomes the score of each class."
    )


class _Builder:
    """Adds layers to a graph."""

    def __init__(self, module: fx.GraphModule, head: fx.Node, num_classes: int) -> None:
        self.module, self.graph, self.head, self.num_classes = module, module.graph, head, num_classes
        self.data = next(node for node in self.graph.nodes if node.op == "placeholder")
        self.last = head.all_input_nodes[0]

    def run(self, skip: Skip) -> None:
        """Put scores and enlargements in the place of the head and all behind it."""
        apart = factors(self.module)
        factor, least = apart[self.last], SKIPS[skip] or apart[self.last]
        if SKIPS[skip] and factor <= least:
            raise NetworkError(
                f"The network makes the picture {factor} times smaller, so there is no finer step than that for {skip}.",
                hint="Choose none.",
            )
        finer = [self._finer(apart, wanted) for wanted in _halves(factor, least)]
        output = next(node for node in self.graph.nodes if node.op == "output")
        device = next(self.module.parameters()).device
        with self.graph.inserting_before(output), torch.device(device):
            score = self._score(SCORE, self.last, self.head)
            for node in finer:
                up = self._call(
                    f"{UPSCORE}{apart[node]}", Enlarge(self.num_classes, factor // apart[node]), score, node
                )
                score = self.graph.call_function(torch.add, (up, self._score(f"{SCORE}{apart[node]}", node, None)))
                factor = apart[node]
            output.args = (self._call(UPSCORE, Enlarge(self.num_classes, factor), score, self.data),)
        self.graph.eliminate_dead_code()
        self.module.delete_all_unused_submodules()
        self.graph.lint()
        self.module.recompile()

    def _finer(self, apart: Mapping[fx.Node, int], wanted: int) -> fx.Node:
        """Return the node of a factor: of pooling the pooled, otherwise the last before the next becomes smaller."""
        feeding = _before(self.last)
        at: list[fx.Node] = [
            node for node in self.graph.nodes if apart[node] == wanted and node in feeding and len(shape_of(node)) == 4
        ]
        if not at:
            raise NetworkError(
                f"No map of the network is {wanted} times smaller than the picture.", hint="Choose none."
            )
        return next((node for node in at if is_pooling(self.module, node)), at[-1])

    def _score(self, name: str, node: fx.Node, head: fx.Node | None) -> fx.Node:
        old = self.module.get_submodule(str(head.target)) if head else None
        height, width = old.kernel_size if isinstance(old, nn.Conv2d) else (1, 1)
        padding = height // 2, width // 2
        made = nn.Conv2d(shape_of(node)[1], self.num_classes, (height, width), padding=padding)
        nn.init.zeros_(made.weight)
        assert made.bias is not None
        nn.init.zeros_(made.bias)
        return self._call(name, made, node)

    def _call(self, name: str, layer: nn.Module, *inputs: fx.Node) -> fx.Node:
        self.module.add_submodule(name, layer)
        return self.graph.call_module(name, inputs)


def _halves(factor: int, least: int) -> list[int]:
    found = []
    while factor // 2 >= least:
        factor //= 2
        found.append(factor)
    return found


def _before(node: fx.Node) -> set[fx.Node]:
    found, waiting = {node}, [node]
    while waiting:
        for each in waiting.pop().all_input_nodes:
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found
