"""Tables of `satudata.tabel` in CKAN's datastore: a resource of its dataset, with a column of keys.

Source: CKAN's datastore extension (`datastore_create`, `datastore_upsert`, `datastore_search`, `datastore_delete`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from adapters.bappenas.ckan import AGENCY, Ckan
from bus.kit import MOST_ROWS, AgencyFault, Failure

T = TypeVar("T")

URL_TYPE: Final = "datastore"
"""CKAN's mark of a resource whose data stand in the datastore."""
TABLE_FIELDS: Final = ("/nama", "/kolom", "/kunci", "/baris")
"""The fields that `Datastore.put` reads."""

_TYPES: Final[Mapping[str, str]] = {"teks": "text", "bulat": "int", "angka": "numeric", "tanggal": "date"}
"""The contract's word for a column's kind to the datastore's type."""
_UPSERTED: Final = 500
"""Rows in one request."""
_SEARCHED: Final = 5_000


class Datastore:
    """Keeps tables in the datastore.

    Args:
        ckan: the portal.
    """

    def __init__(self, ckan: Ckan) -> None:
        self._ckan = ckan

    async def put(self, table: Mapping[str, Any]) -> None:
        """Bring a table up to date: new and changed rows are written, and rows that are gone are deleted.

        A repetition changes nothing, since CKAN knows a row by its key.

        Args:
            table: the record.

        Raises:
            AgencyFault: the portal does not have the table as it should be; transient if its dataset is not there yet, and
                permanent if a row does not fit the columns.
        """
        name, key, records = table["nama"], table["kunci"], read_records(table)
        resource = await self._find(name) or await self._create(name)
        fields = [{"id": one["nama"], "type": _TYPES[one["jenis"]]} for one in table["kolom"]]
        about = {"resource_id": resource, "force": True}
        await self._call("datastore_create", {**about, "fields": fields, "primary_key": [key]})
        for rows in _chunk(records, _UPSERTED):
            await self._call("datastore_upsert", {**about, "method": "upsert", "records": rows})
        await self._delete_rows(resource, key, {str(record[key]) for record in records})

    async def delete(self, name: str) -> None:
        """Delete a table with its resource. A table that the portal does not have counts as deleted.

        Raises:
            AgencyFault: the portal still has the table.
        """
        package = await self._ckan.find_own(_name_dataset(name))
        resource = None if package is None else _find_resource(package, name)
        if resource is not None:
            await self._ckan.call("resource_delete", {"id": resource}, missing_ok=True)

    async def _find(self, name: str) -> str | None:
        """The id of a table's resource; None: there is none.

        Raises:
            AgencyFault: transient; the table's dataset is not on the portal.
        """
        package = await self._ckan.find_own(_name_dataset(name))
        if package is None:
            raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} does not have the dataset {_name_dataset(name)} yet")
        return _find_resource(package, name)

    async def _create(self, name: str) -> str:
        resource = {"package_id": _name_dataset(name), "name": name, "url_type": URL_TYPE, "format": "CSV", "url": ""}
        created = await self._call("resource_create", resource)
        identity = created.get("id") if isinstance(created, dict) else None
        if not isinstance(identity, str):
            raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered a resource without an id", status=200)
        return identity

    async def _delete_rows(self, resource: str, key: str, kept: set[str]) -> None:
        gone = [one for one in await self._list_keys(resource, key) if one not in kept]
        for keys in _chunk(gone, _UPSERTED):
            await self._call("datastore_delete", {"resource_id": resource, "force": True, "filters": {key: keys}})

    async def _list_keys(self, resource: str, key: str) -> list[str]:
        found: list[str] = []
        while len(found) <= MOST_ROWS:
            asked = {"resource_id": resource, "fields": [key], "sort": key, "limit": _SEARCHED, "offset": len(found)}
            result = await self._call("datastore_search", asked)
            records = result.get("records") if isinstance(result, dict) else None
            if not isinstance(records, list):
                raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered records that are no list", status=200)
            found += [str(one[key]) for one in records if isinstance(one, dict) and one.get(key) is not None]
            if len(records) < _SEARCHED:
                return found
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} has more than {MOST_ROWS} rows of one table")

    async def _call(self, action: str, argument: Mapping[str, Any]) -> Any:
        result = await self._ckan.call(action, argument, missing_ok=True)
        if result is None:
            # Somebody deleted it after `_find`. This concerns one table; the next attempt makes it anew, or waits.
            raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} does not have the table's resource or dataset any more")
        return result


def read_records(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table, each as an object with the columns' names.

    Raises:
        AgencyFault: permanent; a row has more or fewer values than there are columns, or no key of its own.
    """
    names, key = [one["nama"] for one in table["kolom"]], table["kunci"]
    rows = table["baris"]
    if key not in names or any(len(row) != len(names) for row in rows):
        raise AgencyFault(Failure.PERMANENT, "a row of the table has another number of values than there are columns")
    records = [dict(zip(names, row, strict=True)) for row in rows]
    if None in (keys := [record[key] for record in records]) or len({str(one) for one in keys}) < len(records):
        raise AgencyFault(Failure.PERMANENT, "two rows of the table have the same key, or one has none")
    return records


def _name_dataset(table: str) -> str:
    """The dataset of a table: the first part of the table's name."""
    return table.partition(".")[0]


def _find_resource(package: Mapping[str, Any], name: str) -> str | None:
    resources = package.get("resources")
    for one in resources if isinstance(resources, list) else []:
        if isinstance(one, dict) and one.get("name") == name and isinstance(one.get("id"), str):
            return str(one["id"])
    return None


def _chunk(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]
