"""A command whose flags are the fields of a spec, where the command line itself says which spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from digits.cli.specoptions import spec_options
from digits.core.errors import NotFoundError
from digits.core.spec import Spec

SpecOf = Callable[[str], type[Spec]]


def spec_command(
    spec_of: SpecOf, *, option: str, aliases: Mapping[str, str], skip: frozenset[str] = frozenset()
) -> type[click.Command]:
    """Return a class of commands that have an option for each field of a spec.

    Args:
        spec_of: returns the spec for the value of ``option``.
        option: the flag that chooses ("--type"); its default is the declared one's.
        aliases: flat name -> a shorter flag.
        skip: flat names that the command asks for in another way.
    """

    class SpecCommand(click.Command):
        _fields: tuple[click.Parameter, ...] = ()

        def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
            """Look which spec is meant before anything is parsed."""
            self._fields = tuple(spec_options(spec_of(self._chosen(args)), aliases=aliases, skip=skip))
            return super().parse_args(ctx, args)

        def get_params(self, ctx: click.Context) -> list[click.Parameter]:
            """Return the command's own parameters and the spec's."""
            own = super().get_params(ctx)
            return [*own[:-1], *self._fields, own[-1]] if own else list(self._fields)

        def _chosen(self, args: list[str]) -> str:
            declared = next(each for each in self.params if option in each.opts)
            chosen = str(declared.get_default(click.Context(self)))
            for at, word in enumerate(args):
                if word == option and at + 1 < len(args):
                    chosen = args[at + 1]
                elif word.startswith(option + "="):
                    chosen = word.partition("=")[2]
            try:
                spec_of(chosen)
            except NotFoundError:
                return str(declared.get_default(click.Context(self)))  # click itself says which there are
            return chosen

    return SpecCommand
