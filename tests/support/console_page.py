"""The console of a server in a browser: what somebody does there, and what the page then shows."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from flyexpr.serve import Server


class ConsolePage:
    """The page of one server; each method waits until the page is as far as it says."""

    def __init__(self, browser: Any, server: Server) -> None:
        assert server.console_url is not None
        self.browser, self.url = browser, server.console_url

    def open(self, url: str | None = None, /, **address: str) -> None:
        """Opens the page from the beginning, at a table if the address names one."""
        self.browser.get("about:blank")
        self.browser.get((url or self.url) + (f"#{urlencode(address)}" if address else ""))
        if address:
            self.until("return page.table && page.table.name === arguments[0]", address["table"])

    def until(self, script: str, *arguments: Any, seconds: float = 20) -> Any:
        """What a script gives, as soon as it is true."""
        end = time.monotonic() + seconds
        while not (found := self.browser.execute_script(script, *arguments)):
            assert time.monotonic() < end, f"never true: {script} {arguments}; the page shows\n{self.text('body')}"
            time.sleep(0.03)
        return found

    def script(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        """The text of an element as it is seen, or "" if it is not."""
        found: str = self.script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        return found

    def says(self, selector: str, part: str) -> str:
        """The text of an element, as soon as it has this part."""
        script = (
            "const text = document.querySelector(arguments[0])?.innerText; return text?.includes(arguments[1]) && text"
        )
        found: str = self.until(script, selector, part)
        return found

    def press(self, label: str) -> None:
        """Clicks the button or link of this name, as soon as it is there; a name may go on."""
        script = """
        const [name] = arguments, all = [...document.querySelectorAll("button, a, summary")]
        const seen = all.filter(one => one.checkVisibility() && !one.disabled)
        return seen.find(one => one.innerText === name) ?? seen.find(one => one.innerText.startsWith(name))
        """
        self.until(script, label).click()

    def type(self, name: str, text: str) -> None:
        """Puts a text into a field by its keys, in place of what was there."""
        field = self.browser.find_element("id", name)
        field.clear()
        field.send_keys(text)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replaces a part of the text in a field, as by a paste; an empty part stands at its begin."""
        script = """
        const [name, old, now] = arguments, field = document.getElementById(name), at = field?.value.indexOf(old) ?? -1
        if (at < 0) return false
        field.focus()
        field.setSelectionRange(at, at + old.length)
        return document.execCommand("insertText", false, now)
        """
        self.until(script, name, old, new)

    def keys(self, *keys: str) -> None:
        """Keys for whatever has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.browser, duration=0).send_keys(key).perform()

    def focused(self) -> str:
        """The id, else the name for people, of what has the focus."""
        script = "const one = document.activeElement; return one.id || one.ariaLabel || one.innerText || one.tagName"
        found: str = self.script(script)
        return found

    def rows(self, place: str = "items-rows") -> list[list[str]]:
        """The cells of the rows of a table."""
        script = """
        const rows = [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]
        return rows.map(row => [...row.cells].map(cell => cell.innerText))
        """
        found: list[list[str]] = self.script(script, place)
        return found

    def call(self, name: str, body: dict[str, Any]) -> list[Any]:
        """What the server answers to a call that the page itself makes: its status, and the answer."""
        script = """
        const done = arguments[arguments.length - 1]
        ask(arguments[0], arguments[1]).then(answer => done([200, answer]), error => done([error.status, error.answer]))
        """
        found: list[Any] = self.browser.execute_async_script(script, name, body)
        return found
