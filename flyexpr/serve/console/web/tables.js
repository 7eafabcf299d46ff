"use strict"

// The list of tables, and the head of the one that is chosen.

const page = {writable: false, table: null, more: undefined}

async function loadTables(start) {
  const answer = await attempt($("tables-problem"), () => ask("tables", start ? {start} : {}, turn("tables")))
  if (!answer) return
  page.writable = answer.writable
  $("engine").textContent = answer.engine
  $("rights").textContent = answer.writable ? "may write" : "read-only"
  $("tables-list").append(...answer.tables.map(tableLink))
  page.more = answer.next
  $("tables-more").hidden = !page.more
  $("tables-count").textContent = `(${$("tables-list").children.length}${answer.next ? " and more" : ""})`
  if (!$("tables-list").children.length) $("tables-list").append(el("li", {class: "muted"}, "There is no table yet."))
  markTable()
  return filterTables()
}

function tableLink(name) {
  return el("li", {}, el("a", {href: hashOf({table: name})}, name))
}

// Shows the names with a part; that takes all names, so those that were not loaded yet are loaded first.
async function filterTables() {
  const part = $("tables-filter").value.toLowerCase()
  for (const row of $("tables-list").children) row.hidden = !row.textContent.toLowerCase().includes(part)
  if (part && page.more) await loadTables(page.more)
}

function markTable() {
  for (const link of $("tables-list").querySelectorAll("a")) {
    if (link.textContent === page.table?.name) link.setAttribute("aria-current", "page")
    else link.removeAttribute("aria-current")
  }
}

async function loadTable(name) {
  page.table = null
  const table = await attempt($("table-problem"), () => ask("table", {table: name}, turn("table")))
  $("welcome").hidden = true
  $("table").hidden = !table
  if (!table) return false
  page.table = table
  document.title = `${table.name} – flyexpr console`
  markTable()
  showTable(table)
  return true
}

function showTable(table) {
  $("table-name").textContent = table.name
  $("create").hidden = !page.writable
  $("table-facts").textContent = factsOf(table).join(" · ")
  fill($("structure-rows"), structureOf(table))
  $("structure").open = WIDE.matches && table.indexes.length < 6
  const indexes = table.indexes.filter(index => index.kind !== "vector").map(index => el("option", {}, index.name))
  fill($("index"), el("option", {value: ""}, "the planner's choice"), ...indexes)
  const [{name: first, type}] = table.key
  $("text").placeholder = `${attributeText(first)} = ${type === "N" ? "7" : "'…'"}`
  const vectors = table.indexes.filter(index => index.kind === "vector")
  fill($("near-index"), ...vectors.map(index => el("option", {}, index.name)))
}

function factsOf(table) {
  return [
    `${plural(table.items, "item")}, ${bytesText(table.bytes)} when last counted`,
    table.billing,
    table.stream ? "has a stream" : "no stream, so its changes cannot be watched",
    table.ttl ? `time to live: ${table.ttl}` : "",
  ].filter(Boolean)
}

function structureOf(table) {
  const head = ["Name", "Kind", "Key", "Attributes", ""].map(name => el("th", {scope: "col"}, name))
  const own = {name: "the table", kind: "table", key: table.key, projection: "all", ready: true}
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...[own, ...table.indexes].map(indexRow)))
}

function indexRow(index) {
  const asks = index.kind === "vector" ? "" : button("Ask", () => askByKey(index))
  if (asks) asks.setAttribute("aria-label", `Begin a condition on the key of ${index.name}`)
  return el("tr", {},
    el("th", {scope: "row"}, index.name),
    el("td", {}, index.ready ? index.kind : `${index.kind}, not ready yet`),
    el("td", {}, index.kind === "vector" ? vectorText(index) : partsText(index.key)),
    el("td", {}, index.projection),
    el("td", {}, asks))
}

function partsText(parts) {
  return parts.map(part => `${part.name} (${part.type})`).join(", ")
}

function vectorText({attribute, dimensions, distance, key, filters}) {
  const within = key.length ? `; within ${partsText(key)}` : ""
  const more = filters.length ? `; filters ${partsText(filters)}` : ""
  return `${attribute} (${dimensions} numbers, ${distance})${within}${more}`
}

function attributeText(name) {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}

// Begins a condition: the first attribute of the key, and the cursor where its value belongs.
function askByKey(index) {
  const {name, type} = index.key[0]
  const before = `${attributeText(name)} = ${type === "N" ? "" : "'"}`
  const text = $("text")
  text.value = type === "N" ? before : `${before}'`
  $("index").value = index.kind === "table" ? "" : index.name
  text.focus()
  text.setSelectionRange(before.length, before.length)
  explainSoon()
}
