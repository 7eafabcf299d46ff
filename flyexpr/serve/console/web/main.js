"use strict"

// What is shown where, and what the keys do.

const VIEWS = {items: "Items", changes: "Changes", search: "Vector search"}

const WIDE = matchMedia("(min-width: 50.01rem)")

async function show(address) {
  if (!address.table) return
  if ($("item").open && opened.draft === null) closeItem()
  const other = address.table !== page.table?.name
  if (other) {
    if (!WIDE.matches) $("tables").open = false
    stopWatch()
    clearQuery()
    if (!(await loadTable(address.table))) return
  }
  const view = possibleViews().includes(address.view) ? address.view : "items"
  showView(view)
  if (view === "items") await showQuestion(address)
}

function possibleViews() {
  return ["items", ...(page.table.stream ? ["changes"] : []), ...(vectorIndexes().length ? ["search"] : [])]
}

function showView(view) {
  const links = possibleViews().map(name => el("a", {
    href: hashOf({table: page.table.name, view: name === "items" ? undefined : name}),
    "aria-current": name === view ? "page" : undefined,
  }, VIEWS[name]))
  fill($("views"), ...links)
  for (const name of Object.keys(VIEWS)) $(name).hidden = name !== view
  if (view === "changes") startWatch()
  else stopWatch()
}

function clearQuery() {
  clearTimeout(waiting)
  for (const kind of ["explain", "page", "search", "item"]) turns.get(kind)?.abort()
  for (const id of ["text", "budget", "near-text", "vector"]) $(id).value = ""
  $("descending").checked = false
  $("results").hidden = true
  for (const id of ["items-rows", "near-rows", "near-notes"]) fill($(id))
  for (const id of ["near-count", "verdict"]) fill($(id))
  for (const id of ["items-problem", "near-problem", "changes-problem"]) showProblem($(id), null)
}

// An address with a condition is a question that was asked; without one, only the plan of what is typed is shown.
async function showQuestion(address) {
  if (address.text === undefined) return explain()
  if ($("text").value.trim() !== address.text) $("text").value = address.text
  $("index").value = address.index ?? ""
  $("descending").checked = address.descending === "true"
  growText()
  return run()
}

function isTyping(target) {
  return target.matches("input, textarea, select") || $("item").open || $("help").open
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === "Escape" && event.target === $("text")) $("text").blur()
  if (isTyping(event.target)) return
  if (event.key === "/" && page.table) {
    event.preventDefault()
    if ($("items").hidden) go({table: page.table.name})
    showView("items")
    $("text").focus()
  }
  if (event.key === "?") openDialog($("help"))
}

function onTextKey(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
  event.preventDefault()
  submit()
}

function onSubmit(form, action) {
  form.addEventListener("submit", event => { event.preventDefault(); action() })
}

function listen() {
  document.addEventListener("keydown", onKey)
  document.addEventListener("visibilitychange", () => { if (!$("changes").hidden) document.hidden ? stopWatch() : startWatch() })
  addEventListener("hashchange", () => show(currentAddress()))
  $("skip").onclick = () => $("main").focus()
  $("keys").onclick = () => openDialog($("help"))
  $("tables-filter").oninput = filterTables
  $("tables-more").onclick = () => loadTables(page.more)
  $("text").addEventListener("input", explainSoon)
  $("text").addEventListener("keydown", onTextKey)
  $("index").onchange = explain
  $("descending").onchange = explain
  onSubmit($("query"), submit)
  onSubmit($("near"), search)
  $("first").onclick = firstPage
  $("previous").onclick = previousPage
  $("next").onclick = nextPage
  $("create").onclick = createItem
  $("pause").onclick = () => pauseWatch(!watch.paused)
  $("clear").onclick = clearChanges
  $("item").addEventListener("cancel", cancelItem)
  $("item").addEventListener("close", focusRow)
}

async function begin() {
  $("tables").open = WIDE.matches || !currentAddress().table
  WIDE.onchange = () => { $("tables").open = WIDE.matches }
  listen()
  await loadTables()
  await show(currentAddress())
}

begin()
