"""Version numbers (Semantic Versioning): their order and the step from one to the next."""

from bus.contracts.compatibility.report import Step


def ordered(version: str) -> tuple[int, ...]:
    """The version as numbers, to sort versions."""
    return tuple(int(number) for number in version.split("."))


def find_step(old_version: str, new_version: str) -> Step | None:
    """The step from one version to another; None: it does not go up."""
    old, new = ordered(old_version), ordered(new_version)
    if new <= old:
        return None
    steps = zip(old, new, Step, strict=True)
    return next(step for before, after, step in steps if before != after)
