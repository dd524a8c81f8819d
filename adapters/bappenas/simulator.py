"""A simulator of Bappenas: KRISNA with made-up DAK rows and sub-activities, and Satu Data's CKAN with one dataset.

Sources: public clients of KRISNA; CKAN's Action API, version 3.
"""

from collections.abc import Mapping
from itertools import count
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse

from bus.kit import OUTAGES, SimulatedFaults, Simulator, make_simulator_app

APIKEY = "simulasi-apikey-krisna"
TOKEN = "simulasi-token-ckan"  # noqa: S105  the simulator's own, made up
KODE_PEMDA = "3524"
ORGANIZATION = "kabupaten-lamongan"
ROWS_A_YEAR = 12
ACTIVITIES_A_YEAR = 3
DATASET = "kondisi-jalan-kabupaten-lamongan"
"""The dataset that the portal has at first, as if somebody had typed it there."""

_MENUS = (
    ("Jalan", "Jalan Kabupaten", "Rekonstruksi jalan", "Dinas Pekerjaan Umum dan Penataan Ruang", "Km"),
    ("Kesehatan", "Penguatan Layanan", "Pengadaan alat kesehatan puskesmas", "Dinas Kesehatan", "Paket"),
    ("Pendidikan", "SD", "Rehabilitasi ruang kelas", "Dinas Pendidikan", "Ruang"),
    ("Air Minum", "Air Minum", "Perluasan jaringan perpipaan", "Dinas Perumahan", "SR"),
)
_STATES = ("Disetujui ", "Tidak Disetujui", "Sedang Dinilai", None)


def make_rows(year: int) -> list[dict[str, Any]]:
    """A year's DAK rows, the same in each call: numbers as strings, some trailing blanks, a column renamed in 2022."""
    return [_make_row(year, number) for number in range(1, ROWS_A_YEAR + 1)]


def _make_row(year: int, number: int) -> dict[str, Any]:
    field, subfield, menu, office, unit = _MENUS[number % len(_MENUS)]
    price = 25_000_000 * number
    return {
        "id_detail_rincian": year % 100 * 1000 + number,
        "bidang": field,
        "sub_bidang": f"{subfield} ",
        "menu_kegiatan" if year >= 2022 else "kegiatan": menu,
        "jenis": "DAK Fisik - Penugasan",
        "pelaksana": [{"nama": office}],
        "rincian": menu,
        "detail_rincian": f"{menu}, paket {number}",
        "status_detail": _STATES[number % len(_STATES)],
        "satuan": unit,
        "volume_rk": f"{number}.50000 ",
        "unit_cost_rk": f"{price}.00000",
        "nilai_usulan": f"{price * 2}",
        "nilai_rk": f"{price * number}.00000",
        "keterangan": "-",
    }


def make_activities(year: int) -> list[dict[str, Any]]:
    """The sub-activities that KRISNA has of a year at first, in SIPD's form: numbers as strings, names in several spellings."""
    return [_make_activity(year, number) for number in range(1, ACTIVITIES_A_YEAR + 1)]


def _make_activity(year: int, number: int) -> dict[str, Any]:
    name, _, indicator, office, unit = _MENUS[number % len(_MENUS)]
    pagu = f"{150_000_000 * number}"
    return {
        "kode_sub_giat": f"7.01.02.2.01.{number:04}",
        "nama_sub_giat": f"{name}, sub kegiatan {number} ",
        "nama_skpd": office,
        "pagu": pagu,
        "sub_keg_indikator": [{"outputteks": indicator, "targetoutput": f"{number} ", "satuanoutput": unit}],
        "lokasi_sub_keg": [{"camatteks": ("Kec. Babat", "SUKODADI", "Semua Kecamatan")[number % 3]}],
        "sumber_dana": {"kode_dana": "1.1", "nama_dana": "-", "pagu_dana": pagu},
        "tahun_anggaran": f"{year}",
    }


class Refusal(Exception):
    """CKAN refuses an action; `error` is the error in its answer."""

    def __init__(self, status: int, kind: str, **fields: Any) -> None:
        super().__init__(kind)
        self.status = status
        self.error = {"__type": kind, **fields}


class Tables:
    """CKAN's datastore: the rows of each resource, by key."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._rows: dict[str, dict[str, dict[str, Any]]] = {}

    def act(self, action: str, argument: Mapping[str, Any]) -> Any:
        """The result of one action of the datastore.

        Raises:
            Refusal: CKAN would refuse the action.
        """
        resource = str(argument["resource_id"])
        if action == "datastore_create":
            (self._keys[resource],) = argument["primary_key"]
            self._rows.setdefault(resource, {})
            return {"resource_id": resource}
        if resource not in self._rows:
            raise Refusal(404, "Not Found Error", message="Resource was not found.")
        rows, key = self._rows[resource], self._keys[resource]
        match action:
            case "datastore_upsert":
                rows.update(
                    {str(record[key]): {**rows.get(str(record[key]), {}), **record} for record in argument["records"]}
                )
                return {"resource_id": resource}
            case "datastore_delete":
                for name in argument["filters"][key]:
                    rows.pop(str(name), None)
                return None
            case _:
                first = argument["offset"]
                page = list(rows.values())[first : first + argument["limit"]]
                return {"total": len(rows), "records": page}

    def forget(self, resource: str) -> None:
        """Drop the rows of a resource that is deleted."""
        self._rows.pop(resource, None)

    def show(self) -> dict[str, Any]:
        """The rows, by resource and key."""
        return self._rows


class Portal:
    """CKAN's datasets, by name. Each name that begins with `provinsi-` belongs to another organisation.

    As the real CKAN does, it makes a resource anew if the update does not name the resource's id.
    """

    def __init__(self) -> None:
        self._packages: dict[str, dict[str, Any]] = {}
        self._ids = count(1)
        self.tables = Tables()
        self._store({"name": DATASET, "title": "Kondisi jalan kabupaten", "owner_org": ORGANIZATION})

    def act(self, action: str, argument: Mapping[str, Any]) -> Any:
        """The result of one action of the API.

        Raises:
            Refusal: CKAN would refuse the action.
        """
        match action:
            case "package_show":
                return self._find(argument)
            case "package_create":
                return self._create(argument)
            case "package_update":
                known = _check_owner(self._find(argument))
                return self._store({"state": known["state"], **argument, "name": known["name"]})
            case "package_delete":
                _check_owner(self._find(argument))["state"] = "deleted"
                return None
            case "organization_list_for_user":
                return [{"name": ORGANIZATION}]
            case "resource_create":
                return self._add_resource(argument)
            case "resource_delete":
                return self._delete_resource(argument)
            case _ if action.startswith("datastore_"):
                return self.tables.act(action, argument)
            case _:
                raise Refusal(400, "Bad request", message=f"Action name not known: {action}")

    def show(self) -> dict[str, Any]:
        """The datasets, by name."""
        return self._packages

    def _add_resource(self, argument: Mapping[str, Any]) -> dict[str, Any]:
        package = _check_owner(self._find({"id": argument.get("package_id")}))
        resource = {"id": f"res-{next(self._ids)}", **argument}
        package["resources"].append(resource)
        return resource

    def _delete_resource(self, argument: Mapping[str, Any]) -> None:
        for package in self._packages.values():
            package["resources"] = [one for one in package["resources"] if one["id"] != argument["id"]]
        self.tables.forget(argument["id"])

    def _create(self, argument: Mapping[str, Any]) -> dict[str, Any]:
        if argument.get("name") in self._packages:
            raise Refusal(409, "Validation Error", name=["That URL is already in use."])
        return self._store(argument)

    def _find(self, argument: Mapping[str, Any]) -> dict[str, Any]:
        name = str(argument.get("id") or argument.get("name", ""))
        package = self._packages.get(name)
        if name.startswith("provinsi-"):
            package = {"name": name, "organization": {"name": "provinsi-jawa-timur"}, "resources": []}
        if package is None:
            raise Refusal(404, "Not Found Error", message="Not found: Dataset was not found.")
        return package

    def _store(self, package: Mapping[str, Any]) -> dict[str, Any]:
        if package.get("owner_org") != ORGANIZATION:
            raise Refusal(403, "Authorization Error", message="Access denied")
        missing = {name: ["Missing value"] for name in ("name", "title") if not package.get(name)}
        if missing:
            raise Refusal(409, "Validation Error", **missing)
        resources = [{"id": f"res-{next(self._ids)}", **item} for item in package.get("resources", ())]
        stored = {"state": "active", **package, "id": f"ds-{package['name']}", "resources": resources}
        self._packages[package["name"]] = stored
        return stored


def _check_owner(package: dict[str, Any]) -> dict[str, Any]:
    if package.get("organization", {}).get("name", ORGANIZATION) != ORGANIZATION:
        raise Refusal(403, "Authorization Error", message="Access denied")
    return package


def create_app(faults: SimulatedFaults) -> FastAPI:
    """Both systems as one ASGI application, with these faults on."""
    received: list[dict[str, Any]] = []
    portal = Portal()
    activities: dict[int, dict[Any, Any]] = {}

    def show_state() -> dict[str, Any]:
        return {
            "kegiatan": _list_activities(activities),
            "datasets": portal.show(),
            "tables": portal.tables.show(),
        }

    app = make_simulator_app("Bappenas", faults, received, show_state)
    _serve_krisna(app, faults, received, activities)
    _serve_ckan(app, faults, received, portal)
    return app


def _list_activities(activities: Mapping[int, Mapping[Any, Any]]) -> dict[str, Any]:
    """The activities that came, by year and code."""
    return {f"{tahun}/{code}": body for tahun, of_year in activities.items() for code, body in of_year.items()}


def _serve_krisna(
    app: FastAPI, faults: SimulatedFaults, received: list[dict[str, Any]], activities: dict[int, dict[Any, Any]]
) -> None:
    def refuse(apikey: str) -> JSONResponse | None:
        if apikey == APIKEY and "apikey" not in faults:
            return None
        return JSONResponse({"message": f"Apikey {apikey} tidak valid"})

    @app.get("/api/v1/dak/{tahun}", response_model=None)
    async def list_dak(tahun: int, apikey: str = "", kode_pemda: str = "") -> dict[str, Any] | JSONResponse:
        """KRISNA: the DAK rows of one budget year."""
        mine = kode_pemda == KODE_PEMDA and "empty" not in faults
        return refuse(apikey) or {"data": make_rows(tahun) if mine else []}

    @app.get("/api/v1/kegiatan/{tahun}", response_model=None)
    async def list_activities(tahun: int, apikey: str = "", kode_pemda: str = "") -> dict[str, Any] | JSONResponse:
        """KRISNA: the sub-activities of one budget year, its own ones and those that came."""
        mine = kode_pemda == KODE_PEMDA and "empty" not in faults
        own = {one["kode_sub_giat"]: one for one in make_activities(tahun)}
        rows = list({**own, **activities.get(tahun, {})}.values()) if mine else []
        return refuse(apikey) or {"data": dict(enumerate(rows)) if "object" in faults else rows}

    @app.post("/api/v1/kegiatan/{tahun}", response_model=None)
    async def add_activity(tahun: int, body: dict[str, Any], apikey: str = "") -> dict[str, Any] | JSONResponse:
        """KRISNA: put a sub-activity."""
        if refusal := refuse(apikey):
            return refusal
        if not str(body.get("pagu")).isdecimal() or body.get("tahun_anggaran") != str(tahun):
            return JSONResponse({"message": "Data tidak lengkap"}, 422)
        received.append({"kegiatan": body})
        activities.setdefault(tahun, {})[body.get("kode_sub_giat")] = body
        return {"data": {"kode_sub_giat": body.get("kode_sub_giat")}}


def _serve_ckan(app: FastAPI, faults: SimulatedFaults, received: list[dict[str, Any]], portal: Portal) -> None:
    def act(action: str, argument: Mapping[str, Any], token: str) -> Any:
        if token != TOKEN or "login" in faults:
            raise Refusal(403, "Authorization Error", message="Access denied")
        if "validation" in faults:
            raise Refusal(409, "Validation Error", notes=["Missing value"])
        return portal.act(action, argument)

    @app.post("/api/3/action/{action}", response_model=None)
    async def do_action(
        action: str, request: Request, authorization: Annotated[str, Header()] = ""
    ) -> dict[str, Any] | JSONResponse:
        """CKAN: one action of its API, version 3. An error comes in `error`."""
        argument = await request.json()
        try:
            result = act(action, argument, authorization)
        except Refusal as refusal:
            status = 200 if "soft-errors" in faults else refusal.status
            return JSONResponse({"success": False, "error": refusal.error}, status)
        if action not in ("package_show", "organization_list_for_user", "datastore_search"):
            received.append({action: argument})
        return {"success": True, "result": result}


SIMULATOR = Simulator(
    create_app=create_app,
    faults={
        **OUTAGES,
        "apikey": "KRISNA refuses the API key, at HTTP 200, and repeats it",
        "empty": "KRISNA gives no rows",
        "object": "KRISNA's list of activities is an object with numbers as names",
        "login": "CKAN refuses the token (403)",
        "validation": "CKAN refuses every dataset (409)",
        "soft-errors": "CKAN's errors come at HTTP 200",
    },
    settings={
        "KRISNA_APIKEY": APIKEY,
        "KODE_PEMDA": KODE_PEMDA,
        "TAHUN": "2021,2026",
        "CKAN_TOKEN": TOKEN,
    },
)
