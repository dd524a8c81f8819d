"""The console: pages below `/konsol` for the people of the regency, in Indonesian, with English one click away.

What the room offers: `PAGES` are what the edge serves. Each page is a file in `pages/` with a template in
`templates/`. Pages call the doors of rooms, with the checks that `bus/http/api` has, and note acts in the action log.
"""

from bus.console.routers import PAGES

__all__ = ["PAGES"]
