"""Matches the resources of a CKAN dataset with those of an event. A changed resource keeps its id, so links to it still work.

Pure functions.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

Resource = Mapping[str, Any]


def patch_resources(known: Sequence[Resource], wanted: Sequence[Resource]) -> list[dict[str, Any]]:
    """The wanted resources, each with the id and the other members of the known resource that it changes.

    A resource is the same if name and URL are the same; else if the URL alone is the same, or the name alone, and no
    other resource has it. A known resource that is not the same as any wanted one is absent, so that CKAN deletes it.

    Args:
        known: CKAN's resources of the dataset.
        wanted: the dataset's resources in CKAN's form, without ids.
    """
    left = [item for item in known if _read_text(item, "id")]
    found: dict[int, Resource] = {}
    for identify, is_exact in ((_get_name_and_url, True), (_get_url, False), (_get_name, False)):
        open_places = [place for place in range(len(wanted)) if place not in found]
        for place, item in _match(left, wanted, open_places, identify, may_repeat=is_exact):
            found[place] = item
            left.remove(item)
    return [{**found.get(place, {}), **item} for place, item in enumerate(wanted)]


def _match(
    known: Sequence[Resource],
    wanted: Sequence[Resource],
    places: Sequence[int],
    identify: Callable[[Resource], Hashable],
    *,
    may_repeat: bool,
) -> list[tuple[int, Resource]]:
    """Places of wanted resources, each with the known resource that is the same by `identify`."""
    here = Counter(identify(item) for item in known)
    there = Counter(identify(wanted[place]) for place in places)
    left, found = list(known), []
    for place in places:
        identity = identify(wanted[place])
        if not may_repeat and (here[identity], there[identity]) != (1, 1):
            continue
        item = next((one for one in left if identify(one) == identity), None)
        if item is not None:
            left.remove(item)
            found.append((place, item))
    return found


def _get_name_and_url(item: Resource) -> Hashable:
    return _get_name(item), _get_url(item)


def _get_name(item: Resource) -> str:
    return _read_text(item, "name")


def _get_url(item: Resource) -> str:
    return _read_text(item, "url")


def _read_text(item: Resource, name: str) -> str:
    value = item.get(name)
    return value.strip() if isinstance(value, str) else ""
