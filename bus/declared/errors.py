"""The refusals of adapter documents."""

from bus.problem import Refused


class AdapterInvalid(Refused):
    """The adapter document has errors; mend each at its pointer."""

    status = 422
    slug = "adapter-invalid"
