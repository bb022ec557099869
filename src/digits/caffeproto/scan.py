"""One linear pass over a text-format message: limits, names, and the line of every layer and field.

It runs before protobuf's own parser, which recurses without a guard and knows no near names. What passes here is of sound
structure and has known field, enum and bool names only; the values are left to protobuf.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from digits.caffeproto import limits
from digits.caffeproto.place import did_you_mean, place, shown
from digits.core.errors import NetworkError

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f\v]+)
      | (?P<comment>\#[^\n]*)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
      | (?P<number>-[ \t]*[A-Za-z_]+|-?[ \t]*[0-9.][0-9A-Za-z_.]*(?:(?<=[eE])[+-][0-9]+[fF]?)?)
      | (?P<symbol>[{}<>\[\]:;,])
      | (?P<bad>.)""",
    re.VERBOSE,
)
_CLOSING = {"{": "}", "<": ">"}
_BOOLS = ("true", "false", "True", "False", "t", "f")


class NotANetworkError(NetworkError):
    """The text is no NetParameter at all; what a form refuses before any job exists."""


@dataclass
class ScannedLayer:
    """Where one ``layer { }`` (or ``layers { }``) begins, and the line of each of its fields by dotted name."""

    line: int
    fields: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class _Open:
    """A message whose end has not come: the field it fills, its dotted path inside the layer, whether it stands in a list."""

    field: FieldDescriptor
    closing: str
    path: str
    token: _Token
    in_list: bool


def scan(text: str, root: Descriptor, *, where: str) -> dict[str, list[ScannedLayer]]:
    """Return the layers of ``text``, in its order, under the names of the fields that hold them ("layer", "layers").

    Raises:
        NotANetworkError: a limit is passed, a name is unknown, or brackets do not match; with line, column and near name.
    """
    return _Scanner(text, root, where).run()


class _Scanner:
    """Walks the tokens with a stack of its own, so that depth costs no recursion."""

    def __init__(self, text: str, root: Descriptor, where: str) -> None:
        self._end = _Token("end", "", 1, 1)
        self._tokens = self._tokenize(text)
        self._token = self._end
        self._root = root
        self._where = where
        self._stack: list[_Open] = []
        self._layers: dict[str, list[ScannedLayer]] = {"layer": [], "layers": []}

    def run(self) -> dict[str, list[ScannedLayer]]:
        self._next()
        while self._token.kind != "end":
            if self._stack and self._is(self._stack[-1].closing):
                self._close()
            elif self._token.kind == "name":
                self._field()
            else:
                self._unexpected("a field's name")
        if self._stack:
            self._fail("A bracket is opened here and never closed.", self._stack[-1].token)
        return self._layers

    def _tokenize(self, text: str) -> Iterator[_Token]:
        line, start = 1, 0
        for match in _TOKEN.finditer(text):
            kind, piece = match.lastgroup or "bad", match.group()
            if kind == "space":
                newlines = piece.count("\n")
                if newlines:
                    line += newlines
                    start = match.start() + piece.rindex("\n") + 1
            elif kind != "comment":
                yield _Token(kind, piece, line, match.start() - start + 1)
        self._end = _Token("end", "", line, len(text) - start + 1)

    def _next(self) -> None:
        token = next(self._tokens, None)
        self._token = self._end if token is None else token

    def _is(self, *symbols: str) -> bool:
        return self._token.kind == "symbol" and self._token.text in symbols

    def _fail(self, message: str, token: _Token, hint: str = "") -> NoReturn:
        raise NotANetworkError(message, where=place(self._where, token.line, token.column), hint=hint)

    def _unexpected(self, wanted: str) -> NoReturn:
        token = self._token
        if token.kind == "end":
            self._fail(f"The text ends where {wanted} should stand.", token)
        if token.kind == "bad" and token.text in "\"'":
            self._fail("A string is not closed on its line.", token)
        self._fail(f"{shown(token.text)} stands where {wanted} should be.", token)

    def _field(self) -> None:
        token = self._token
        owner = self._stack[-1].field.message_type if self._stack else self._root
        assert owner is not None
        descriptor = owner.fields_by_name.get(token.text)
        if descriptor is None:
            message = f"{type_name(owner)} has no field {shown(token.text)}."
            self._fail(message, token, did_you_mean(token.text, owner.fields_by_name))
        path = self._note(token)
        self._next()
        colon = self._is(":")
        if colon:
            self._next()
        if descriptor.message_type is not None:
            in_list = self._is("[")
            if in_list:
                self._next()
            if in_list and self._is("]"):
                self._next()
                self._separator()
            else:
                self._open(descriptor, path, token, in_list)
        elif colon:
            self._values(descriptor)
        else:
            self._unexpected(f"':' and the value of {token.text!r}")

    def _note(self, token: _Token) -> str:
        """Keep the line of this field of the layer that is open; return its dotted path there."""
        if not self._stack or self._stack[0].field.name not in self._layers:
            return ""
        path = ".".join(filter(None, (self._stack[-1].path, token.text)))
        self._layers[self._stack[0].field.name][-1].fields.setdefault(path, token.line)
        return path

    def _open(self, descriptor: FieldDescriptor, path: str, name: _Token, in_list: bool) -> None:
        if not self._is(*_CLOSING):
            self._unexpected(f"'{{' of {name.text!r}")
        if len(self._stack) == limits.MAX_DEPTH:
            self._fail(f"Messages nest more than {limits.MAX_DEPTH} deep.", self._token)
        if not self._stack and descriptor.name in self._layers:
            self._layers[descriptor.name].append(ScannedLayer(name.line))
            if sum(map(len, self._layers.values())) > limits.MAX_LAYERS:
                self._fail(f"There are more than {limits.MAX_LAYERS:,} layers.", name)
        self._stack.append(_Open(descriptor, _CLOSING[self._token.text], path, self._token, in_list))
        self._next()

    def _close(self) -> None:
        closed = self._stack.pop()
        self._next()
        if closed.in_list and self._is(","):
            self._next()
            self._open(closed.field, closed.path, self._token, in_list=True)
            return
        if closed.in_list:
            if not self._is("]"):
                self._unexpected("',' or ']'")
            self._next()
        self._separator()

    def _values(self, descriptor: FieldDescriptor) -> None:
        if not self._is("["):
            self._value(descriptor)
        else:
            self._next()
            while not self._is("]"):
                self._value(descriptor)
                if self._is(","):
                    self._next()
                elif not self._is("]"):
                    self._unexpected("',' or ']'")
            self._next()
        self._separator()

    def _value(self, descriptor: FieldDescriptor) -> None:
        token = self._token
        if token.kind not in ("name", "string", "number"):
            self._unexpected(f"the value of {descriptor.name!r}")
        if token.kind == "name":
            self._check_word(descriptor, token)
        self._next()
        while token.kind == "string" and self._token.kind == "string":  # neighbours join
            self._next()

    def _check_word(self, descriptor: FieldDescriptor, token: _Token) -> None:
        known: Collection[str]
        if descriptor.enum_type is not None:
            known = descriptor.enum_type.values_by_name
        elif descriptor.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            known = _BOOLS
        else:
            return
        if token.text not in known:
            hint = did_you_mean(token.text, known) or f"It may be {', '.join(known)}."
            self._fail(f"{shown(token.text)} is no value of {descriptor.name!r}.", token, hint)

    def _separator(self) -> None:
        if self._is(";", ","):
            self._next()


def type_name(descriptor: Descriptor) -> str:
    """Return a message's name as Caffe's users know it: "LayerParameter", not "digits.caffe.LayerParameter"."""
    return descriptor.full_name.removeprefix("digits.caffe.")
