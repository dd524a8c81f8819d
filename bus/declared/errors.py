"""The refusals of adapter documents."""

from bus.problem import Refused


class AdapterInvalid(Refused):
    """The adapter document has errors; mend each at its pointer."""

    status = 422
    slug = "adapter-invalid"


class OpenApiInvalid(Refused):
    """The OpenAPI file cannot become an adapter document; the detail says why."""

    status = 422
    slug = "openapi-invalid"
