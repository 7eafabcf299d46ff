"""The public names: those that a user finds in `flyexpr`."""

from types import ModuleType

import flyexpr

PUBLIC = sorted(
    name for name in dir(flyexpr) if not name.startswith("_") and not isinstance(getattr(flyexpr, name), ModuleType)
)
NAMES = {name: getattr(flyexpr, name) for name in PUBLIC}
