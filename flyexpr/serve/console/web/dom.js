"use strict"

// Elements. Data gets into the page as text only.

const $ = id => document.getElementById(id)

function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value)
    else if (typeof value === "boolean") node[name] = value
    else if (value !== undefined) node.setAttribute(name, value)
  }
  node.append(...children.filter(child => child !== null && child !== undefined))
  return node
}

function button(label, action, kind = "") {
  return el("button", {type: "button", class: kind, onclick: action}, label)
}

function fill(node, ...children) {
  node.replaceChildren(...children)
}

function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`
}

function bytesText(bytes) {
  const [unit, size] = bytes < 1000 ? ["bytes", 1] : bytes < 1e6 ? ["KB", 1e3] : bytes < 1e9 ? ["MB", 1e6] : ["GB", 1e9]
  return `${(bytes / size).toLocaleString("en", {maximumFractionDigits: 1})} ${unit}`
}

function unitsText(units) {
  return `${units.toLocaleString("en", {maximumFractionDigits: 1})} read unit${units === 1 ? "" : "s"}`
}

// Says what went wrong, or, without an error, that nothing did.
function showProblem(node, error) {
  node.hidden = !error
  node.className = "problem"
  fill(node, ...(error ? [el("b", {}, "✗ "), error.message, error.hint ? `\nHint: ${error.hint}` : ""] : []))
}

let saidFor

// Says for some seconds what was done.
function say(words) {
  clearTimeout(saidFor)
  $("said").textContent = `✓ ${words}`
  saidFor = setTimeout(() => fill($("said")), 8000)
}

function openDialog(dialog) {
  if (!dialog.open) dialog.showModal()
}
