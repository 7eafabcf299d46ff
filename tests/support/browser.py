"""The site of the documentation, built and served on this machine, and a browser without windows that reads it."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from places import ROOT

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def mkdocs() -> str:
    """The program, of the venv that `make docs` makes or of the one that runs the tests."""
    beside = Path(sys.executable).parent
    program = shutil.which("mkdocs", path=os.pathsep.join(map(str, (ROOT / ".venv-docs" / "bin", beside))))
    return program or pytest.skip("MkDocs is not installed; `make docs` installs it")


def build_site(folder: Path) -> None:
    done = subprocess.run(
        [mkdocs(), "build", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing: the tests look at what the browser gets."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder behind HTTP; gives its URL, without a slash at the end."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def browsing(profile: Path) -> Iterator[Any]:
    """A Chromium of selenium, with a profile of its own; it fetches nothing by itself."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None) or pytest.skip("Chromium is not installed")
    driver = shutil.which("chromedriver") or pytest.skip("chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for switch in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-dev-shm-usage",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "window-size=1280,1000",
        f"user-data-dir={profile}",
    ):
        options.add_argument(f"--{switch}")
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()
