"""Forward and backward of one step, in as many pieces as memory asks for.

The mean over a batch is the mean of its pieces, weighted by their pictures: so a batch that does not fit is learned in two halves, in
four quarters, and the weights move as they would have, to rounding. Layers that look at a whole batch (BatchNorm) see a piece instead.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from digits.core.events import Warned
from digits.training import devices
from digits.training.run import Run

Learned = tuple[Tensor, dict[str, Tensor], Tensor]
"""The mean loss of a step, and the outputs and targets of its last batch."""


def learn(run: Run, step: int) -> Learned:
    """Forward and backward; gradients of ``iter_size`` batches add up. Where memory runs out, the same step again in twice as many pieces.

    Raises:
        Exception: whatever the network raises; memory that runs out for a single picture too.
    """
    while True:
        try:
            with devices.memory_of_all(run.world):
                loss, outputs, targets = _learn(run, step)
            return _of_all(run, loss), outputs, targets
        except Exception as error:
            if run.pieces >= run.fewest or not devices.is_out_of_memory(error):
                raise
        # Only here are the tensors of the failed pass free: the error's traceback held them.
        make_room(run)
        run.pieces = min(2 * run.pieces, run.fewest)
        run.facts["pieces"] = run.pieces
        run.emit(
            Warned(
                message=f"Memory ran out in iteration {step}, so each batch of {run.batch_size} is learned {'by every process ' if run.world.size > 1 else ''}in {run.pieces} pieces from there on.",
                hint="The weights move as with the whole batch, unless layers look at a whole batch, as BatchNorm does. "
                "A smaller batch size is faster.",
            )
        )


def make_room(run: Run) -> None:
    """Forget the gradients of a step that did not come to its end, and give back what they held."""
    for parameter in run.net.parameters:
        parameter.tensor.grad = None
    gc.collect()
    if run.device.type == "cuda":
        torch.cuda.empty_cache()
    elif run.device.type == "mps":
        torch.mps.empty_cache()


def _learn(run: Run, step: int) -> Learned:
    losses: list[Tensor] = []
    outputs: dict[str, Tensor] = {}
    targets = torch.empty(0)
    for number in range(step * run.iter_size, (step + 1) * run.iter_size):
        data, targets = run.source.batch(number)
        loss, outputs = _batch(run, data, targets)
        losses.append(loss)
    return losses[0] if len(losses) == 1 else torch.stack(losses).mean(), outputs, targets


def _batch(run: Run, data: Tensor, targets: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Learn one batch, or this process's part of it, and return its loss and outputs."""
    part = len(data) / run.batch_size  # 1 for a process alone
    if run.pieces == 1:
        return _piece(run, data, targets, share=part)
    number = min(run.pieces, len(data))  # a snapshot of fewer processes may ask for more
    pieces = list(zip(data.tensor_split(number), targets.tensor_split(number), strict=True))
    shares = [len(piece) / len(data) for piece, _ in pieces]
    found = [
        _piece(run, piece, answers, share=share * part) for (piece, answers), share in zip(pieces, shares, strict=True)
    ]
    loss = torch.stack([loss * share for (loss, _), share in zip(found, shares, strict=True)]).sum()
    return loss, joined([outputs for _, outputs in found], shares)


def _of_all(run: Run, loss: Tensor) -> Tensor:
    """Add up the gradients of all processes' parts of the batches; return the mean loss of the whole batches.

    What BatchNorm measures is averaged: each process normalises with its own part, and all remember the same.
    """
    world = run.world
    if world.is_alone:
        return loss
    moving = [parameter.tensor for parameter in run.net.parameters if parameter.lr_mult]
    for weight in moving:
        if weight.grad is None:  # no loss of this process's pictures depends on it; one of another's may
            weight.grad = torch.zeros_like(weight)
    own = world.own(run.batch_size)
    loss = loss * ((own.stop - own.start) / run.batch_size)
    statistics = run.net.statistics()
    world.add([*(weight.grad for weight in moving if weight.grad is not None), loss, *statistics])
    with torch.no_grad():
        for each in statistics:
            each.div_(world.size)
    return loss


def _piece(run: Run, data: Tensor, targets: Tensor, *, share: float = 1.0) -> tuple[Tensor, dict[str, Tensor]]:
    """Forward and backward; the gradients are added up, times the ``share`` of the batch that this is."""
    with run.arithmetic():
        outputs = run.net(**{run.data_blob: data, run.target_blob: targets})
        loss = run.net.total_loss(outputs)
    torch.autograd.backward(loss if share == 1 else loss * share)
    return loss.detach(), {name: value.detach() for name, value in outputs.items()}


def joined(pieces: Sequence[Mapping[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """Return the outputs of a batch from those of its pieces: one number is the weighted mean, others lie one after the other."""
    found: dict[str, Tensor] = {}
    for name in pieces[0]:
        values = [piece[name] for piece in pieces]
        is_number = all(value.numel() == 1 for value in values)
        found[name] = (
            torch.stack([value * share for value, share in zip(values, shares, strict=True)]).sum(0)
            if is_number
            else torch.cat(values)
        )
    return found
