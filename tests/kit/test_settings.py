"""An agency's address: what the operator wrote is what is asked for, or the start says what to write."""

import pytest
import respx
from pydantic import SecretStr, ValidationError

from bus.kit import AdapterSettings, make_http_client


@pytest.mark.parametrize("path", ["", "/", "/a%2fb", "/a%2Fb/%7Euser/", "/a//b", "/x;y=1:@!$&'()*,+z/~u"])
async def test_an_agencys_address_is_asked_for_byte_for_byte(path: str):
    async with make_http_client(AdapterSettings(base_url=f"https://badan.example{path}")) as client:
        with respx.mock:
            asked = respx.post(url__startswith="https://badan.example/")
            await client.post("v1/data")
    assert asked.calls.last.request.url.raw_path == path.rstrip("/").encode() + b"/v1/data"


@pytest.mark.parametrize(
    "address",
    [
        "https://badan.example/run?sp=%2Frun&sig=a%2FX%3D",
        "https://badan.example?",
        "https://badan.example/api#v1",
        "https://badan.example/a/../b",
        "https://badan.example/a/%2E./b",
        "https://badan.example/a/.",
        "https://badan.example/warga é",
        "https://badan.example/{tenant}",
        "https://badan.example/100%",
        "https://badan.example/a\\b",
        "badan.example/api",
        "ftp://badan.example/",
        "",
    ],
)
def test_an_address_that_would_be_asked_for_otherwise_than_it_is_written_stops_the_start(address: str):
    with pytest.raises(ValidationError, match="without query"):
        AdapterSettings(base_url=address)


class _Keyed(AdapterSettings):
    key: SecretStr
    other: SecretStr | None = None


@pytest.mark.parametrize("blank", ["", " ", "\n", "\u200b"])
@pytest.mark.parametrize("name", ["key", "other"])
def test_a_blank_secret_of_an_agency_stops_the_start(name: str, blank: str):
    with pytest.raises(ValidationError, match="blank") as refused:
        _Keyed.model_validate({"base_url": "https://badan.example", "key": "rahasia", name: blank})
    assert refused.value.errors()[0]["loc"] == (name,)
