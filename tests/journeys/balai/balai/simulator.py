"""A stand-in for the river agency: two gauges, and gates that remember their orders."""

from typing import Any

from fastapi import FastAPI

from bus.kit import OUTAGES, SimulatedFaults, Simulator, make_simulator_app

GAUGES = {"babat": 612, "laren": 488}


def create_app(faults: SimulatedFaults) -> FastAPI:
    """The agency's API with the given faults switched on."""
    received: list[Any] = []
    app = make_simulator_app("Balai", faults, received)

    @app.put("/gates/{gate}")
    async def order(gate: str, body: dict[str, Any]) -> dict[str, Any]:
        received.append({"gate": gate, **body})
        return {"ok": True}

    @app.get("/gauges")
    async def levels() -> dict[str, Any]:
        return {"gauges": [{"pos": pos, "cm": cm} for pos, cm in GAUGES.items()]}

    @app.get("/gauges/{pos}")
    async def level(pos: str) -> dict[str, Any]:
        return {"ditemukan": pos in GAUGES, "cm": GAUGES.get(pos)}

    return app


SIMULATOR = Simulator(create_app, OUTAGES, {})
