"""Documents: what is wrong is told with its place, and the schema in the repository is that of the code."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bus import json, shipped
from bus.agencies.factories import find_adapters
from bus.agencies.offers import list_mapped_fields, make_bindings
from bus.agencies.registry import AdapterOff, Agencies
from bus.contracts import AdapterUse
from bus.declared import AdapterInvalid, check_document, load_document, read_document, write_schema
from bus.declared.factory import DeclaredFactory, _find_base_url
from bus.kit import Classification, Does
from bus.settings import SettingsWrong
from tests.declared.a_declared_agency import a_body, a_declaration, a_delivery, a_poll

KEY = {"kind": "api_key", "secret": "kunci", "name": "k"}
SHIPPED = sorted(shipped.ADAPTERS.glob("*.yaml"))


def test_the_schema_in_the_repository_is_the_one_that_the_bus_checks_by():
    """To write it anew: `python -m bus.declared > schemas/adapter.schema.json`."""
    assert json.loads((shipped.SCHEMAS / "adapter.schema.json").read_bytes()) == write_schema()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_document_fits_the_schema_and_is_named_as_its_file(path: Any):
    document = load_document(path)
    assert document.adapter == path.stem
    body = json.loads(document.model_dump_json(by_alias=True, exclude_none=True))
    assert list(Draft202012Validator(write_schema()).iter_errors(body)) == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "contract"}, "/kind"),
        ({"adapter": "dua-kata"}, "/adapter"),
        ({"lain": 1}, "/lain"),
        ({"servers": []}, "/servers"),
        ({"servers": [{"name": "a", "url": "https://x.example/?a=1"}]}, "/servers/0/url"),
        ({"servers": [{"name": "a", "url": "https://user@x.example/"}]}, "/servers/0/url"),
        ({"servers": [{"name": "a", "url": "ftp://x.example/"}]}, "/servers/0/url"),
        ({"auth": [{"kind": "sandi"}]}, "/auth/0"),
        ({"auth": [{**KEY, "place": "header"}]}, "/auth/0/place"),
        ({"auth": [KEY]}, "/auth/0"),
        ({"settings": {"base_url": {"title": "x"}}}, "/settings"),
        ({"settings": {"kunci_hosts": {"title": "x"}}, "secrets": {"kunci": {"title": "x"}}}, "/settings"),
        ({"operations": [a_delivery(), a_delivery()]}, "/operations"),
        ({"operations": [a_delivery(least="personal")]}, "/operations/0"),
        ({"operations": [a_delivery(requests=[])]}, "/operations/0/requests"),
        ({"operations": [a_delivery(requests=[{"method": "GET", "path": "x"}])]}, "/operations/0/requests/0/path"),
        (
            {"operations": [a_delivery(requests=[{"method": "GET", "path": "/../x?y"}])]},
            "/operations/0/requests/0/path",
        ),
        (
            {"operations": [a_delivery(requests=[{"method": "GET", "path": "/{lain}"}])]},
            "/operations/0/requests/0/path",
        ),
        (
            {"operations": [a_delivery(requests=[{"method": "GET", "path": "/", "body": {}}])]},
            "/operations/0/requests/0/body",
        ),
        ({"operations": [a_delivery(rules=[{"means": "mungkin"}])]}, "/operations/0/rules/0/means"),
        ({"operations": [a_poll(paging={"kind": "cursor"})]}, "/operations/0/paging"),
        ({"operations": [a_poll(is_whole=True, paging={"kind": "page"})]}, "/operations/0/is_whole"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(changes: dict[str, Any], pointer: str):
    with pytest.raises(AdapterInvalid) as invalid:
        check_document(a_body(**changes))
    assert pointer in [error.pointer for error in invalid.value.errors]


@pytest.mark.parametrize("text", [b"", b"a: [", b"- 1", b"x" * 600_000, b"a: &a [*a]"])
def test_a_text_that_is_no_document_is_refused(text: bytes):
    with pytest.raises(AdapterInvalid):
        read_document(text)


def test_a_declared_adapter_is_to_the_bus_as_a_coded_one():
    found = find_adapters(())
    assert found["splp"]().name == "splp"
    assert found["kominfo"]().name == "kominfo"
    assert "/id_indikator" in list_mapped_fields()[AdapterUse("splp", "indikator")]
    binding = make_bindings({"splp": {"owner": "dinas-kominfo"}})(AdapterUse("splp", "indikator"))
    assert binding is not None
    assert (binding.owner, binding.contract, binding.least) == (
        "dinas-kominfo",
        "satudata.indikator",
        Classification.PUBLIC,
    )


async def test_the_registry_makes_it_from_the_operator_s_settings():
    secrets = dict.fromkeys(("consumer_key", "consumer_secret"), "x")
    hosts = {f"{name}_hosts": "splp.layanan.go.id" for name in secrets}
    agencies = Agencies({"splp": {**secrets, **hosts, "poll_seconds": "7"}}, find_adapters(()))
    ((name, operation),) = agencies.list_polls()
    assert (name, operation.name, agencies.find_participant(name)) == ("splp", "indikator", "kominfo")
    assert agencies.find_interval(name, operation) == 7.0
    assert agencies.find_operation("splp", "katalog", Does.DELIVER) is not None
    with pytest.raises(AdapterOff):
        agencies.find_query("splp", "katalog")
    await agencies.close()
    with pytest.raises(SettingsWrong, match="BUS_ADAPTERS__SPLP__CONSUMER_KEY_HOSTS"):
        Agencies({"splp": secrets}, find_adapters(()))


def test_the_operator_chooses_a_server_or_gives_an_address():
    servers = [{"name": "produksi", "url": "https://a.example"}, {"name": "uji", "url": "https://b.example"}]
    document = a_declaration(servers=servers)
    model = DeclaredFactory(document).settings
    chosen = [{}, {"server": "uji"}, {"server": "uji", "base_url": "https://c.example"}]
    assert [_find_base_url(document, model.model_validate(given)) for given in chosen] == [
        "https://a.example",
        "https://b.example",
        "https://c.example",
    ]
