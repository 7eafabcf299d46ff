"use strict"

// The changes of a table as they are made. The page asks once a second, while it is seen and not paused.

const SHOWN = 200 // changes that the list keeps
const watch = {table: null, cursor: undefined, paused: false, timer: 0, count: 0}

function startWatch() {
  if (watch.table !== page.table.name) {
    Object.assign(watch, {table: page.table.name, cursor: undefined})
    clearChanges()
  }
  stopWatch()
  if (!watch.paused) pollChanges()
  showWatch()
}

function stopWatch() {
  clearTimeout(watch.timer)
  turns.get("changes")?.abort()
}

function clearChanges() {
  watch.count = 0
  fill($("changes-list"))
  showWatch()
}

function pauseWatch(paused) {
  watch.paused = paused
  $("pause").textContent = watch.paused ? "Go on" : "Pause"
  $("pause").setAttribute("aria-pressed", String(watch.paused))
  startWatch()
}

async function pollChanges() {
  const signal = turn("changes")
  const answer = await attempt($("changes-problem"), () => ask("changes", {table: watch.table, cursor: watch.cursor}, signal))
  if (signal.aborted) return
  if (!answer) return pauseWatch(true)
  watch.cursor = answer.cursor
  addChanges(answer.changes)
  showWatch()
  watch.timer = setTimeout(pollChanges, answer.changes.length ? 200 : 1000)
}

function showWatch() {
  const state = watch.paused ? "Paused; what changes meanwhile is shown when you go on." : "Watching."
  $("changes-state").textContent = `${state} ${plural(watch.count, "change")} so far${watch.count > SHOWN ? `, the last ${SHOWN} are shown` : ""}.`
}

function addChanges(changes) {
  watch.count += changes.length
  const list = $("changes-list")
  list.prepend(...changes.slice(-SHOWN).reverse().map(changeRow))
  while (list.children.length > SHOWN) list.lastChild.remove()
}

const KINDS = {insert: "+ new", modify: "~ changed", remove: "− removed"}

function changeRow(change) {
  const [kind, words] = Object.entries(KINDS).find(([name]) => change.kind.toLowerCase().startsWith(name)) ?? ["", change.kind]
  const lines = kind === "modify" && change.old && change.new ? differences(change.old, change.new) : []
  const whole = lines.length ? [] : [change.new ?? change.old].filter(Boolean).map(text => cellText(readJson(text), 400))
  return el("li", {},
    el("span", {}, el("b", {class: kind === "remove" ? "bad" : "good"}, words), " ", keyText(change.key), " ", el("span", {class: "muted when"}, (change.at ?? "").replace("T", " ").replace("Z", " UTC"))),
    ...[...lines, ...whole].map(line => el("span", {class: "mono"}, line)))
}

function differences(oldText, newText) {
  const [old, now] = [membersOf(oldText), membersOf(newText)]
  const names = [...new Set([...old.keys(), ...now.keys()])]
  const words = (item, name) => (item.has(name) ? cellText(item.get(name), 120) : "nothing")
  return names
    .filter(name => jsonText(old.get(name) ?? {kind: "plain", text: ""}) !== jsonText(now.get(name) ?? {kind: "plain", text: ""}))
    .map(name => `${name}: ${words(old, name)} → ${words(now, name)}`)
}
