"""What can be told of a definition without building it: all slips at once, each with the line of its own.

An all-in-one definition of DIGITS (rules with the stages train, val and deploy, or no data layer at all) is looked at in its three states, and
DIGITS brings in the data; any other in the phases TRAIN and TEST.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from digits.caffe.checking.findings import Finding
from digits.caffe.definitions import Definition, State
from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import did_you_mean, place, shown
from digits.caffeproto.text import layer_line
from digits.networks.caffe.unused import unused_fields
from digits.networks.layers.registry import NOT_BUILT_YET, Phase, converters

DIGITS_STAGES = ("train", "val", "deploy")
DIGITS_BLOBS = ("data", "label")
Layer = caffe_pb2.LayerParameter
_NEEDS_ITS_OWN_TOP = {
    "AbsVal", "Concat", "Convolution", "Crop", "Deconvolution", "Flatten", "Im2col", "InnerProduct", "LRN", "Pooling", "Reshape", "Slice", "Tile",
}  # fmt: skip


def states_of(definition: Definition, phases: Sequence[Phase]) -> list[State]:
    """Return the states in which a definition is meant to be used.

    A phase whose data layers all ask for a stage is looked at with each such stage; one without data, of a file that is for the other phase,
    is not.
    """
    if is_for_digits(definition):
        three = (State("TRAIN", ("train",)), State("TEST", ("val",)), State("TEST", ("deploy",)))
        return [state for state in three if state.phase in phases]
    found: list[State] = []
    for phase in phases:
        staged = [State(phase, (stage,)) for stage in sorted(_stages(definition))]
        useful = [] if _has_data(definition, State(phase)) else [each for each in staged if _has_data(definition, each)]
        found += useful or [State(phase)]
    return [state for state in found if _has_data(definition, state)] or found


def is_for_digits(definition: Definition) -> bool:
    """Whether a definition is one of DIGITS' all-in-one kind."""
    layers = definition.message.layer
    return bool(_stages(definition).intersection(DIGITS_STAGES)) or (
        bool(layers) and all(layer.bottom for layer in layers)
    )


def _stages(definition: Definition) -> set[str]:
    return {
        stage
        for layer in definition.message.layer
        for rule in (*layer.include, *layer.exclude)
        for stage in (*rule.stage, *rule.not_stage)
    }


def _has_data(definition: Definition, state: State) -> bool:
    if any(layer.include and layer.exclude for layer in definition.message.layer):
        return True  # which layers a state has cannot be told; that is a finding of its own
    return any(not layer.bottom for layer in definition.only(state).message.layer)


def lint(definition: Definition, states: Iterable[State], *, builds: bool) -> list[Finding]:
    """Return the findings in the order of the text, each once; a type that is not built yet is but a note where nothing is to be built."""
    found = list(_alone(definition, builds))
    for state in states:
        if not any(layer.include and layer.exclude for layer in definition.message.layer):
            found += _together(definition.only(state), brings_data=is_for_digits(definition))
    return list(dict.fromkeys(found))


def notes_of(definition: Definition) -> list[Finding]:
    """Return the settings of a definition that change nothing here, and what works here alone, each once."""
    unused = unused_fields(definition.message, where=definition.where)
    return [Finding(each.where, each.words, is_note=True) for each in unused] + [*_in_place(definition)]


def _in_place(definition: Definition) -> Iterator[Finding]:
    """Yield the layers that real Caffe stops at, or computes wrongly, when their top is their bottom."""
    for layer in definition.message.layer:
        if layer.type in _NEEDS_ITS_OWN_TOP and any(
            pair[0] == pair[1] for pair in zip(layer.bottom, layer.top, strict=False)
        ):
            words = f"Layer {shown(layer.name)}: real Caffe cannot compute {layer.type} in place; here it can."
            yield Finding(place(definition.where, layer_line(layer, "top")), words, is_note=True)


def _alone(definition: Definition, builds: bool) -> Iterator[Finding]:
    """Yield what is wrong with layers by themselves."""
    if not definition.message.layer:
        yield Finding(definition.where, "The network has no layer.")
    for layer in definition.message.layer:
        at = place(definition.where, layer_line(layer, "type"))
        if not layer.type:
            yield Finding(at, f"Layer {shown(layer.name)} has no type.", "Add a type, such as 'Convolution'.")
        elif layer.type in NOT_BUILT_YET:
            whose = NOT_BUILT_YET[layer.type]
            words = f"Layer {shown(layer.name)}: type {layer.type!r} ({whose}) is known and not built yet."
            yield Finding(at, words, is_note=not builds)
        elif layer.type not in converters():
            hint = did_you_mean(layer.type, converters()) or "`digits caffe layers` lists the types."
            yield Finding(at, f"Layer {shown(layer.name)}: there is no layer type {shown(layer.type)}.", hint)
        if layer.include and layer.exclude:
            words = f"Layer {shown(layer.name)} has include rules and exclude rules."
            yield Finding(place(definition.where, layer_line(layer, "exclude")), words, "Keep one kind.")
        for field, names in (("bottom", layer.bottom), ("top", layer.top), ("name", [layer.name])):
            for name in names:
                if name != name.strip():
                    words = f"Layer {shown(layer.name)}: {field} {shown(name)} begins or ends with a blank."
                    yield Finding(place(definition.where, layer_line(layer, field)), words, f"Write {name.strip()!r}.")


def _together(definition: Definition, *, brings_data: bool) -> Iterator[Finding]:
    """Yield what is wrong between the layers of one state."""
    made: dict[str, Layer] = {}
    everywhere = {top for layer in definition.message.layer for top in layer.top}
    for layer in definition.message.layer:
        for bottom in layer.bottom:
            if bottom in made or (brings_data and bottom in DIGITS_BLOBS):
                continue
            where = place(definition.where, layer_line(layer, "bottom"))
            words = f"Layer {shown(layer.name)}: its bottom {shown(bottom)} is made by no layer before it."
            yield Finding(where, words, _bottom_hint(bottom, made, everywhere))
        for top in layer.top:
            if top in made and top not in layer.bottom:
                words = (
                    f"Layer {shown(layer.name)}: its top {shown(top)} is made by layer {shown(made[top].name)} already."
                )
                hint = "Give it a name of its own."
                yield Finding(place(definition.where, layer_line(layer, "top")), words, hint)
            made[top] = layer


def _bottom_hint(bottom: str, made: dict[str, Layer], everywhere: set[str]) -> str:
    if bottom in everywhere:
        return "A later layer makes it: order counts."
    return did_you_mean(bottom, made) or ("No layer of this phase makes it: look at the include rules." if made else "")
