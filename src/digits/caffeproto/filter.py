"""Which layers of an all-in-one definition belong to one state: phase, level and stages."""

from __future__ import annotations

from collections.abc import Iterable

from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import place, shown
from digits.caffeproto.text import layer_line
from digits.core.errors import NetworkError


def filter_net(
    net: caffe_pb2.NetParameter, *, phase: str, stages: Iterable[str] = (), level: int = 0, where: str = ""
) -> caffe_pb2.NetParameter:
    """Return a copy with the layers whose include and exclude rules admit the state; its ``state`` is set.

    Args:
        net: the definition.
        phase: "TRAIN" or "TEST".
        stages: the stages that hold ("train", "val", "deploy").
        level: the level.
        where: the file's name for errors.

    Raises:
        NetworkError: a layer has include and exclude rules together.
    """
    state = caffe_pb2.NetState(phase=phase, level=level, stage=sorted(set(stages)))
    kept = caffe_pb2.NetParameter()
    kept.CopyFrom(net)
    del kept.layer[:]
    kept.state.CopyFrom(state)
    kept.layer.extend(layer for layer in net.layer if is_included(layer, state, where=where))
    return kept


def is_included(layer: caffe_pb2.LayerParameter, state: caffe_pb2.NetState, *, where: str = "") -> bool:
    """Whether a layer belongs to ``state``: any include rule holds, or no exclude rule does.

    Raises:
        NetworkError: the layer has both kinds of rules.
    """
    if layer.include and layer.exclude:
        raise NetworkError(
            f"Layer {shown(layer.name)}: specify either include rules or exclude rules; not both.",
            where=place(where, layer_line(layer, "exclude")),
        )
    if layer.include:
        return any(rule_holds(rule, state) for rule in layer.include)
    return not any(rule_holds(rule, state) for rule in layer.exclude)


def rule_holds(rule: caffe_pb2.NetStateRule, state: caffe_pb2.NetState) -> bool:
    """Whether all that a rule asks for is so: phase, levels, every ``stage`` present, every ``not_stage`` absent."""
    stages = set(state.stage)
    return (
        (not rule.HasField("phase") or rule.phase == state.phase)
        and (not rule.HasField("min_level") or state.level >= rule.min_level)
        and (not rule.HasField("max_level") or state.level <= rule.max_level)
        and stages.issuperset(rule.stage)
        and stages.isdisjoint(rule.not_stage)
    )
