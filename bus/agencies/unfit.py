"""Removes from an agency's answer the elements that its contract does not allow. The other elements can then be given."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from bus import json

_GONE: Final = object()
_Paths = Iterable[Sequence[str]]


def leave_out(answer: Mapping[str, Any], pointers: Collection[str]) -> tuple[dict[str, Any], list[str]] | None:
    """The answer without its unfit elements, and their pointers. None: the answer as a whole is unfit.

    An object that lacks a required member is unfit as a whole.

    Args:
        answer: the agency's answer.
        pointers: JSON Pointers of what is wrong; for a required member that is missing, its place.
    """
    left_out: list[str] = []
    rest = _prune(answer, [json.parse_pointer(pointer) for pointer in pointers], (), left_out)
    return (rest, left_out) if isinstance(rest, dict) else None


def _prune(value: Any, wrong: _Paths, at: tuple[str, ...], left_out: list[str]) -> Any:
    below: defaultdict[str, list[Sequence[str]]] = defaultdict(list)
    for path in wrong:
        if not path:
            return _GONE
        below[path[0]].append(path[1:])
    if isinstance(value, dict):
        members = value
    elif isinstance(value, list):
        members = {str(index): item for index, item in enumerate(value)}
    else:
        return _GONE
    if not below.keys() <= members.keys():
        return _GONE
    pruned = dict(members)
    for name, paths in below.items():
        inner = _prune(members[name], paths, (*at, name), left_out)
        if inner is _GONE:
            left_out.append(json.to_pointer((*at, name)))
            del pruned[name]
        else:
            pruned[name] = inner
    return pruned if isinstance(value, dict) else list(pruned.values())
