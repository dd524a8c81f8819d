"""A simulator of PUPR: an ArcGIS layer of road segments, empty at first, in memory; and SIGI with made-up national roads.

Sources: ArcGIS REST API (query with exceededTransferLimit, applyEdits with success per feature, errors at HTTP 200); public
clients of SIGI (pages by offset, numbers as strings).
"""

import re
from typing import Annotated, Any

from fastapi import FastAPI, Form
from pydantic import Json

from adapters.pupr.mapping import NUMBER_FIELD
from bus.kit import OUTAGES, SimulatedFaults, Simulator, make_simulator_app

LAYER = "/arcgis/rest/services/infrastruktur/ruas_jalan/FeatureServer/0"
TOKEN = "simulasi-token-pupr"  # noqa: S105  the simulator's own, made up
MOST_RECORDS = 20
"""The layer's maxRecordCount: most features in one page."""

SIGI_EMAIL = "bus@lamongan.example"
SIGI_TOKEN = "simulasi-token-sigi"  # noqa: S105  the simulator's own, made up
SIGI_LAYER = "jalan_nasional"
ROADS = 45
SIGI_MOST = 20
"""Most features that SIGI gives at once, whatever `limit` asks for."""

CONDITIONS = frozenset({"baik", "sedang", "rusak ringan", "rusak berat"})

Feature = dict[str, Any]
Features = Annotated[Json[tuple[Feature, ...]], Form()]


class Layer:
    """Holds the features, and makes edits to them."""

    def __init__(self, faults: SimulatedFaults) -> None:
        self.received: list[dict[str, Any]] = []
        self._features: dict[int, Feature] = {}
        self._next_id = 1
        self._faults = faults
        self._failed_once: set[str] = set()

    def query(self, numbers: list[str], offset: int) -> dict[str, Any]:
        """One page of the features with these numbers."""
        found = [item for item in self._features.values() if item["attributes"][NUMBER_FIELD] in numbers]
        page = found[offset : offset + MOST_RECORDS]
        answer = {"objectIdFieldName": "OBJECTID", "features": [{"attributes": item["attributes"]} for item in page]}
        return answer | ({"exceededTransferLimit": True} if offset + MOST_RECORDS < len(found) else {})

    def add(self, feature: Feature) -> dict[str, Any]:
        """Add a feature, even if the layer has its segment number already, as the real layer does."""
        if error := self._find_error(feature):
            return _make_failure(-1, *error)
        object_id, self._next_id = self._next_id, self._next_id + 1
        self._store(object_id, feature)
        return {"objectId": object_id, "success": True}

    def update(self, feature: Feature) -> dict[str, Any]:
        """Replace a feature's attributes and geometry."""
        object_id = feature["attributes"].get("OBJECTID", -1)
        if object_id not in self._features:
            return _make_failure(object_id, 1011, "Object is missing.")
        if error := self._find_error(feature):
            return _make_failure(object_id, *error)
        self._store(object_id, feature)
        return {"objectId": object_id, "success": True}

    def delete(self, object_id: int) -> dict[str, Any]:
        """Delete a feature."""
        if self._features.pop(object_id, None) is None:
            return _make_failure(object_id, 1011, "Object is missing.")
        return {"objectId": object_id, "success": True}

    def show(self) -> dict[str, Any]:
        """The features, by object id."""
        return {"features": self._features}

    def _store(self, object_id: int, feature: Feature) -> None:
        attributes = {**feature["attributes"], "OBJECTID": object_id}
        self._features[object_id] = {**feature, "attributes": attributes}

    def _find_error(self, feature: Feature) -> tuple[int, str] | None:
        attributes = feature["attributes"]
        number = attributes.get(NUMBER_FIELD)
        if not number:
            return 1001, f"Field: {NUMBER_FIELD} is not nullable. Cannot set null value."
        if attributes.get("KONDISI") not in CONDITIONS | {None}:
            return 1016, "Setting of value for KONDISI failed."
        if "geometry" in feature and not feature["geometry"].get("paths"):
            return 1015, "Geometry could not be set."
        if "partial" in self._faults and number not in self._failed_once:
            self._failed_once.add(number)
            return 1000, "Non-specific edit content error."
        return None


def create_app(faults: SimulatedFaults) -> FastAPI:
    """The layer as an ASGI application, with these faults on."""
    layer = Layer(faults)
    app = make_simulator_app("PUPR", faults, layer.received, layer.show)

    def refuse(token: str | None) -> dict[str, Any] | None:
        if token is None:
            return _make_error(499, "Token Required")
        return None if token == TOKEN and "token" not in faults else _make_error(498, "Invalid Token")

    @app.post(f"{LAYER}/query")
    async def query(
        where: Annotated[str, Form()],
        token: Annotated[str | None, Form()] = None,
        offset: Annotated[int, Form(alias="resultOffset")] = 0,
    ) -> dict[str, Any]:
        """One page of the features with these numbers."""
        return refuse(token) or layer.query(_read_literals(where), offset)

    @app.post(f"{LAYER}/applyEdits")
    async def apply_edits(
        token: Annotated[str | None, Form()] = None,
        adds: Features = (),
        updates: Features = (),
        deletes: Annotated[Json[tuple[int, ...]], Form()] = (),
    ) -> dict[str, Any]:
        """Add, update and delete features. Each has a result of its own, at HTTP 200."""
        if refusal := refuse(token):
            return refusal
        layer.received.append({"adds": adds, "updates": updates, "deletes": deletes})
        return {
            "addResults": [layer.add(feature) for feature in adds],
            "updateResults": [layer.update(feature) for feature in updates],
            "deleteResults": [layer.delete(object_id) for object_id in deletes],
        }

    _serve_sigi(app, faults)
    return app


def make_road(number: int) -> Feature:
    """A national road: numbers are strings with trailing blanks, and the words of a class vary."""
    longitude, latitude = 112.1 + number / 100, -7.0 - number / 500
    line = [[longitude, latitude], [longitude + 0.0123456789, latitude]]
    is_double = number % 3 == 0
    return {
        "type": "Feature",
        "id": number,
        "properties": {
            "NO_RUAS": f"35.{number:03}",
            "NAMA_RUAS": f"Ruas rekaan {number} ",
            "KODE_KAB": "3524",
            "PANJANG": f"{number / 2:.2f} ",
            "LEBAR": 7 if number % 2 else "7,5",
            "PERKERASAN": ("Aspal/Hotmix", "Rigid Beton")[number % 2],
            "KONDISI": ("Baik", "SEDANG", "RUSAK_RINGAN", "RB")[number % 4],
            "IRI": f"{2 + number % 9}.10000",
            "TAHUN": "2025",
        },
        "geometry": {
            "type": "MultiLineString" if is_double else "LineString",
            "coordinates": [line, line] if is_double else line,
        },
    }


def _serve_sigi(app: FastAPI, faults: SimulatedFaults) -> None:
    @app.get("/geoapi/api/v1/{layer}/data")
    async def list_features(
        layer: str, offset: int = 0, limit: int = 20, email: str = "", token: str = ""
    ) -> dict[str, Any]:
        """SIGI: some features of a layer, from an offset on."""
        if (email, token) != (SIGI_EMAIL, SIGI_TOKEN) or "token" in faults:
            return {"status": "error", "message": f"Token {token} tidak valid"}
        roads = [make_road(number) for number in range(1, ROADS + 1)] if layer == SIGI_LAYER else []
        page = roads[offset : offset + min(limit, SIGI_MOST)]
        if "short" in faults and offset:
            page = []
        total = {} if "no-total" in faults else {"totalRecords": str(len(roads))}
        return {"type": "FeatureCollection", "features": page, "returnedCount": len(page), **total}


def _read_literals(where: str) -> list[str]:
    """The string literals of a clause `FIELD IN ('…', '…')`, with single quotes for doubled ones."""
    return [literal.replace("''", "'") for literal in re.findall(r"'((?:[^']|'')*)'", where)]


def _make_failure(object_id: int, code: int, description: str) -> dict[str, Any]:
    return {"objectId": object_id, "success": False, "error": {"code": code, "description": description}}


def _make_error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": []}}


SIMULATOR = Simulator(
    create_app=create_app,
    faults={
        **OUTAGES,
        "token": "the token has expired: HTTP 200 with error 498",
        "no-total": "SIGI does not say how many features a layer has; an empty page ends it",
        "short": "SIGI gives the first page of a layer alone, and says that there is more",
        "partial": "each segment fails at its first attempt, with error 1000",
    },
    settings={"TOKEN": TOKEN, "SIGI_EMAIL": SIGI_EMAIL, "SIGI_TOKEN": SIGI_TOKEN},
)
