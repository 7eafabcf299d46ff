"""The page of the console: one text, made of the files in `web`, and the policy under which a browser shows it."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from flyexpr.serve.answers import Answer

GUARDED = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""Fields of every answer of the console: nobody keeps it, and no other page has it."""

_WEB = Path(__file__).parent / "web"
_FILE = re.compile(r'<link rel="stylesheet" href="(\w+\.css)">|<script src="(\w+\.js)"></script>')


@cache
def whole_page() -> Answer:
    """The page, with a Content-Security-Policy that allows its own scripts and styles, and calls of its own server."""
    allowed: dict[str, list[str]] = {"style": [], "script": []}

    def filled(file: re.Match[str]) -> str:
        element, text = "style" if file[1] else "script", (_WEB / (file[1] or file[2])).read_text("utf-8")
        allowed[element].append(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")
        return f"<{element}>{text}</{element}>"

    body = _FILE.sub(filled, (_WEB / "page.html").read_text("utf-8")).encode()
    policy = "; ".join(
        [
            "default-src 'none'",
            *(f"{element}-src {' '.join(hashes)}" for element, hashes in allowed.items()),
            "connect-src 'self'",
            "img-src data:",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return Answer(200, "text/html; charset=utf-8", body, (*GUARDED, ("Content-Security-Policy", policy)))
