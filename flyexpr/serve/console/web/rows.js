"use strict"

// A table of items. Its rows are one stop for Tab; arrows go from row to row.

const COLUMNS = 30 // attributes that get a column; an item shows all of them

// Draws {items, keys, scores?} into a place, and remembers it there for changes of single rows.
function drawRows(place, found) {
  place.found = found
  if (!found.items.length) return fill(place)
  const items = found.items.map(membersOf)
  const keyNames = [...membersOf(found.keys[0]).keys()]
  const names = [...new Set([...keyNames, ...items.flatMap(item => [...item.keys()])])]
  const shown = names.slice(0, COLUMNS)
  const head = [
    found.scores ? column("score", true) : null,
    ...shown.map(name => column(name, items.some(item => isNumber(item.get(name))))),
    names.length > COLUMNS ? column(`and ${names.length - COLUMNS} more`) : null,
  ]
  const rows = items.map((item, at) => itemRow(found, at, item, shown))
  fill(place, el("table", {},
    el("thead", {}, el("tr", {}, ...head)),
    el("tbody", {onkeydown: moveInRows}, ...rows)))
  place.querySelector("th button").tabIndex = 0
  return place
}

function column(name, number = false) {
  return el("th", {scope: "col", class: number ? "number" : ""}, name)
}

function itemRow(found, at, item, [first, ...others]) {
  const open = el("button", {
    type: "button", tabindex: "-1", "aria-label": `Open ${keyText(found.keys[at])}`,
    onclick: () => openItem(found.keys[at]), onfocus: event => keepStop(event.target),
  }, cellText(membersOf(found.keys[at]).get(first)))
  return el("tr", {onclick: event => openByClick(event, open)},
    found.scores ? el("td", {class: "number"}, found.scores[at]) : null,
    el("th", {scope: "row", class: isNumber(item.get(first)) ? "number" : ""}, open),
    ...others.map(name => cell(item.get(name))))
}

// A click anywhere on the row opens it too, unless it marks text.
function openByClick(event, open) {
  if (event.target !== open && !String(getSelection())) open.click()
}

function cell(value) {
  if (!value) return el("td", {class: "absent"}, "–")
  return el("td", {class: isNumber(value) ? "number" : ""}, cellText(value))
}

function isNumber(value) {
  return value?.kind === "plain" && /^[-\d]/.test(value.text)
}

function keepStop(stop) {
  for (const other of stop.closest("tbody").querySelectorAll("th button")) other.tabIndex = -1
  stop.tabIndex = 0
}

async function moveInRows(event) {
  const stops = [...event.currentTarget.querySelectorAll("th button")]
  const at = stops.indexOf(document.activeElement)
  const to = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: stops.length - 1}[event.key]
  if (to !== undefined) {
    event.preventDefault()
    stops[to]?.focus()
  } else if (event.key === "PageDown" || event.key === "PageUp") {
    event.preventDefault()
    await (event.key === "PageDown" ? nextPage() : previousPage())
    focusRows()
  }
}

function focusRows() {
  $("items-rows").querySelector("th button")?.focus()
}
