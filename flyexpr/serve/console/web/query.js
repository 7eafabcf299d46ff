"use strict"

// The condition, its plan as one types, and the pages of what it finds.

const KEPT = 50 // pages that Previous can go back to
const reading = {asked: null, scans: false, number: 0, spent: 0, starts: [], next: undefined, found: null}

function question() {
  return {
    table: page.table.name,
    text: $("text").value.trim(),
    index: $("index").value || undefined,
    descending: $("descending").checked && !$("descending").disabled,
  }
}

let waiting

function explainSoon() {
  clearTimeout(waiting)
  waiting = setTimeout(explain, 150)
  growText()
}

function growText() {
  const lines = $("text").value.split("\n").length
  $("text").rows = Math.min(lines, 12)
}

// Shows the plan of the question and gives it; undefined if it has none.
async function explain() {
  clearTimeout(waiting)
  try {
    const plan = await ask("explain", question(), turn("explain"))
    showPlan(plan)
    return plan
  } catch (error) {
    if (error.name !== "AbortError") showMistake(error)
    return undefined
  }
}

const READINGS = {
  get: ["good", "● A get"],
  query: ["good", "● A query"],
  scan: ["warn", "▲ A scan"],
  nothing: ["muted", "○ Nothing is sent"],
}

function showPlan(plan) {
  const [kind, words] = READINGS[plan.reading]
  const where = plan.reading === "nothing" ? "" : ` of ${plan.index ?? "the table"}`
  fill($("verdict"), el("b", {class: kind}, words + where), ["nothing", "scan"].includes(plan.reading) ? "" : ` · ${plan.cost}`)
  $("text").removeAttribute("aria-invalid")
  $("mistake").hidden = true
  fill($("warnings"), ...plan.warnings.map(warning => el("li", {}, warning)))
  $("plan").hidden = false
  const rows = planRows(plan.plan)
  fill($("parts"), ...rows.filter(([label]) => PARTS.includes(label)).flatMap(planRow))
  fill($("plan-lines"), ...rows.flatMap(planRow))
  showScan(plan)
}

const PARTS = ["key condition", "filter", "on the client"] // what is always shown of a plan

// A line of a plan has its label in the first 14 columns; a line without a label goes on with the one before.
function planRows(lines) {
  const rows = []
  for (const line of lines) {
    const [label, text] = [line.slice(0, 14).trim(), line.slice(14)]
    if (label) rows.push([label, text])
    else rows.at(-1)[1] += ` ${text}`
  }
  return rows
}

function planRow([label, text]) {
  return [el("dt", {}, label), el("dd", {}, text)]
}

function showScan(plan) {
  const scans = plan.reading === "scan"
  $("descending").disabled = scans // a scan has no order
  $("scan").hidden = !scans
  showProblem($("scan-problem"), null)
  if (!scans) return
  const pages = Math.ceil(page.table.items / Number($("size").value)) || 1
  const enough = Math.min(Math.ceil(page.table.bytes / 8192 + pages), 100) // units are rounded up for each page
  $("scan-cost").textContent = `It reads item by item: ${plan.cost}.`
  $("suggested").textContent = `Allow ${unitsText(enough)} and run`
  $("suggested").hidden = false
  $("suggested").onclick = () => { $("budget").value = enough; submit() }
}

function showMistake(error) {
  fill($("verdict"), el("b", {class: "bad"}, "✗ "), error.message, error.hint ? el("br") : "", error.hint ? `Hint: ${error.hint}` : "")
  $("text").setAttribute("aria-invalid", "true")
  for (const id of ["parts", "warnings"]) fill($(id))
  $("plan").hidden = true
  $("scan").hidden = true
  $("mistake").hidden = error.position === undefined
  if (error.position !== undefined) $("mistake").textContent = pointedAt($("text").value.trim(), error.position)
}

// The line with the mistake, or the part around it, and below it a caret. Positions count characters, not UTF-16 units.
function pointedAt(text, position) {
  const characters = [...text]
  const before = characters.slice(0, position)
  const start = before.lastIndexOf("\n") + 1
  const end = characters.indexOf("\n", position)
  const cut = position - start > 60 ? position - 30 : start
  const line = (cut > start ? "…" : "") + characters.slice(cut, end < 0 ? undefined : end).join("")
  return `${line}\n${" ".repeat(position - cut + (cut > start))}^ here`
}

function submit() {
  const {table, text, index, descending} = question()
  go({table, text, index, descending})
}

async function run() {
  const plan = await explain()
  if (!plan) return $("text").focus()
  const scans = plan.reading === "scan"
  if (scans && !(budget() > 0)) return refuseScan("Not run: say first how much it may cost.")
  const asked = {...question(), size: Number($("size").value)}
  Object.assign(reading, {asked, scans, number: 0, spent: 0, starts: [], next: undefined, found: null})
  return readPage(undefined, 1)
}

// Read units that the whole reading may take, as long as it is a scan.
function budget() {
  return Number($("budget").value)
}

function refuseScan(message, hint) {
  showProblem($("scan-problem"), {message, hint})
  $("budget").focus()
}

// Reads the page that begins at a cursor; it takes the place of the one before.
async function readPage(cursor, number) {
  const left = budget() - reading.spent
  showProblem($("scan-problem"), null)
  if (reading.scans && left <= 0) return refuseScan(`Of ${unitsText(budget())}, ${reading.spent} are used.`, "allow more, and go on with Next")
  const scan = reading.scans ? {budget: left} : undefined
  $("results").setAttribute("aria-busy", "true")
  $("results").hidden = false
  $("items-count").textContent = `Reading page ${number} …`
  const found = await attempt($("items-problem"), () => ask("page", {...reading.asked, cursor, scan}, turn("page")))
  $("results").removeAttribute("aria-busy")
  if (!found) return showPage()
  if (number > reading.number) reading.starts = [...reading.starts, cursor].slice(-KEPT)
  else reading.starts = reading.starts.slice(0, number === 1 ? 0 : -1)
  if (number === 1) reading.starts = [cursor]
  Object.assign(reading, {number, found, next: found.cursor, spent: reading.spent + found.stats.units})
  return showPage()
}

function showPage() {
  const {found, number, spent} = reading
  $("results").hidden = !found
  if (!found) return
  const {returned, read, requests, units} = found.stats
  const nothing = found.cursor ? "No item on this page matches; there may be more" : number > 1 ? "No more items" : "No item matches"
  $("items-count").textContent = found.items.length ? `Page ${number}: ${plural(found.items.length, "item")}` : `Page ${number}: ${nothing}`
  $("items-cost").textContent = `${returned} of ${plural(read, "item")} read, ${plural(requests, "request")}, ${unitsText(units)}; ${unitsText(spent)} since the first page`
  drawRows($("items-rows"), found)
  $("first").disabled = number === 1
  $("previous").disabled = reading.starts.length < 2
  $("next").disabled = !reading.next
}

function nextPage() {
  if (reading.next) return readPage(reading.next, reading.number + 1)
}

function previousPage() {
  if (reading.starts.length > 1) return readPage(reading.starts.at(-2), reading.number - 1)
}

function firstPage() {
  return readPage(undefined, 1)
}
