"""The public names: those that a user finds in `flyexpr`, and their groups."""

from types import ModuleType

import flyexpr

PUBLIC = sorted(
    name for name in dir(flyexpr) if not name.startswith("_") and not isinstance(getattr(flyexpr, name), ModuleType)
)
NAMES = {name: getattr(flyexpr, name) for name in PUBLIC}


def groups() -> dict[str, list[str]]:
    """The map of the public names at the beginning of help(flyexpr): the names of each purpose."""
    found: dict[str, list[str]] = {}
    for line in (flyexpr.__doc__ or "").split("say more:\n\n")[1].split("\n\n")[0].splitlines():
        purpose = line[4:19].strip() or [*found][-1]
        found.setdefault(purpose, []).extend(line[19:].split())
    return found


GROUPS = groups()
