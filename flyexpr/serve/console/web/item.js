"use strict"

// One item in a dialog: seen, edited, compared, written, deleted. Each function below shows one state of it.

const opened = {table: "", key: null, old: null, draft: null, gone: -1}

function showState(title, ...children) {
  $("item-title").textContent = title
  fill($("item-body"), ...children)
  openDialog($("item"))
  if (!$("item-body").contains(document.activeElement)) $("item-body").querySelector("button")?.focus()
}

function places() {
  return el("p", {role: "alert", hidden: true})
}

function actions(...buttons) {
  return el("div", {class: "line"}, ...buttons)
}

function closeItem() {
  opened.draft = null
  $("item").close()
}

async function openItem(key) {
  Object.assign(opened, {table: page.table.name, key, old: null, draft: null, gone: -1})
  const problem = places()
  showState(keyText(key), problem, actions(button("Close", closeItem)))
  const answer = await attempt(problem, () => ask("item", {table: opened.table, key}, turn("item")))
  if (!answer) return
  if (answer.item === null) return showState(keyText(key), el("p", {}, "This item is not in the table any more."), actions(button("Close", closeItem)))
  opened.old = answer.item
  view()
}

function view() {
  opened.draft = null
  const text = prettyJson(readJson(opened.old))
  const copied = el("span", {role: "status"})
  const copy = button("Copy", () => navigator.clipboard.writeText(text).then(
    () => { copied.textContent = "copied" },
    () => { copied.textContent = "not copied: the browser does not allow it" }))
  const like = vectorIndexesOf(opened.old).map(index => button(`Search from this item by ${index.name}`, () => searchFrom(index, opened.old)))
  const writes = page.writable ? [button("Edit", () => edit(text)), button("Delete…", askDelete, "danger")] : []
  const close = button("Close", closeItem)
  const shown = el("pre", {tabindex: "0", "aria-label": "The item as JSON"}, text)
  showState(keyText(opened.key), shown, actions(...writes, ...like, copy, close, copied))
  shown.focus()
}

function keyOf(item) {
  const members = membersOf(item)
  return jsonText({kind: "object", members: page.table.key.map(({name}) => [name, members.get(name)])})
}

function createItem() {
  Object.assign(opened, {table: page.table.name, key: null, old: null, draft: null, gone: -1})
  const members = page.table.key.map(part => `  ${JSON.stringify(part.name)}: ${part.type === "N" ? "0" : part.type === "S" ? '""' : '{"$bytes": ""}'}`)
  edit(`{\n${members.join(",\n")}\n}`)
}

function edit(text, error) {
  const area = el("textarea", {
    id: "item-text", spellcheck: "false", autocapitalize: "off",
    oninput: () => { opened.draft = area.value },
    onkeydown: event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) review(area.value) },
  })
  area.value = text
  const problem = places()
  if (error) showProblem(problem, error)
  showState(opened.old === null ? `New item of ${opened.table}` : keyText(opened.key),
    el("label", {for: "item-text"}, "Item ", el("span", {class: "muted"}, 'as JSON; a set is {"$set": […]}, bytes are {"$bytes": "base64"}')),
    area, problem,
    actions(button("Show the changes", () => review(area.value), "first"), button("Cancel", leaveEdit)))
  area.focus()
  area.setSelectionRange(0, 0)
}

function leaveEdit() {
  return opened.old === null ? closeItem() : view()
}

// What would be written, in words and as an update, before anything is.
async function review(text) {
  try {
    const {table, key, old} = opened
    const difference = await ask("diff", {table, key, item: text, old}, turn("item"))
    showReview(text, difference)
  } catch (error) {
    if (error.name !== "AbortError") edit(text, error)
  }
}

function showReview(text, {update, lines, creates}) {
  const title = creates ? "Write this new item?" : "Write these changes?"
  const again = button("Go on editing", () => edit(text))
  const problem = places()
  if (!lines.length) {
    showState(title, el("p", {}, "Nothing is changed."), actions(again, button("Close", closeItem)))
    return again.focus()
  }
  const write = button(creates ? "Write the item" : "Write", () => save(text, problem), "first")
  showState(title,
    el("ul", {class: "mono", "aria-label": "Changes"}, ...lines.map(line => el("li", {}, line))),
    update ? el("pre", {"aria-label": "Update expression"}, update) : null,
    el("p", {class: "muted"}, creates ? "It is written only if no item has this key." : "It is written only if the item is still as you read it."),
    problem, actions(write, again))
  return write.focus()
}

async function save(text, problem) {
  const {table, key, old} = opened
  const call = old === null ? ["create", {table, item: text}] : ["save", {table, key, old, item: text}]
  const answer = await guarded(text, problem, call)
  if (!answer) return
  if (old !== null) replaceRow(key, answer.item)
  closeItem()
  say(old === null ? "The item is written." : "The changes are written.")
}

// A write; if someone was faster, both versions are shown and nothing is lost.
async function guarded(text, problem, [call, body]) {
  showProblem(problem, null)
  try {
    return await ask(call, body, turn("item"))
  } catch (error) {
    if (error.status === 409) showConflict(text, error)
    else if (error.name !== "AbortError") showProblem(problem, error)
    return undefined
  }
}

function showConflict(text, error) {
  const stored = error.answer.item
  const problem = places()
  showProblem(problem, error)
  const title = text === null ? "Not deleted" : "Not written"
  if (stored === null || stored === undefined) {
    return showState(title, problem, el("p", {}, "The item is not in the table any more."), actions(button("Close", closeItem, "first")))
  }
  opened.key ??= keyOf(stored)
  const take = () => { opened.old = stored; view() }
  const compare = () => { opened.old = stored; review(text) }
  return showState(`${title}: the item has changed`,
    problem,
    el("h3", {}, "Stored now"), el("pre", {tabindex: "0"}, prettyJson(readJson(stored))),
    actions(text === null ? null : button("Compare mine with it", compare, "first"), button("Take what is stored", take)))
}

function askDelete() {
  const problem = places()
  const keep = button("Keep it", view)
  showState(`Delete ${keyText(opened.key)}?`,
    el("p", {}, "The item is deleted only if it is still as you read it. There is no way back."),
    problem, actions(button("Delete", () => deleteItem(problem), "danger"), keep))
  keep.focus()
}

async function deleteItem(problem) {
  const {table, key, old} = opened
  const answer = await guarded(null, problem, ["delete", {table, key, old}])
  if (!answer) return
  replaceRow(key, null)
  closeItem()
  say("The item is deleted.")
}

// Shows what is stored now in the rows that have the item; no page is read again.
function replaceRow(key, item) {
  for (const place of [$("items-rows"), $("near-rows")]) {
    const found = place.found
    const at = found ? found.keys.indexOf(key) : -1
    if (at < 0) continue
    if (item === null) opened.gone = at
    for (const list of [found.items, found.keys, found.scores].filter(Boolean)) list.splice(at, 1, ...(item === null ? [] : [list === found.items ? item : list[at]]))
    drawRows(place, found)
  }
}

// The focus goes back to the row of the item, also where the rows were drawn again, or to the row that is there now.
function focusRow() {
  for (const place of [$("items-rows"), $("near-rows")]) {
    const stops = place.checkVisibility() ? [...place.querySelectorAll("th button")] : []
    const at = stops.length ? place.found.keys.indexOf(opened.key) : -1
    stops[at < 0 ? Math.min(opened.gone, stops.length - 1) : at]?.focus()
  }
}

// Escape does not throw away what was typed: it asks, and back from the question it leads to the editor.
function cancelItem(event) {
  const {draft} = opened
  if (draft === null) return
  event.preventDefault()
  if ($("discard")) return edit(draft)
  const discard = button("Discard", closeItem, "danger")
  discard.id = "discard"
  const again = button("Go on editing", () => edit(draft))
  showState("Discard your changes?", actions(discard, again))
  return again.focus()
}
