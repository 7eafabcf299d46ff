"use strict"

// JSON with its numbers as they are written: JavaScript's own numbers would round them.
// A value is {kind: "object", members: [[name, value]]}, {kind: "array", members: [value]}, {kind: "string", text}
// or {kind: "plain", text}, which is a number, true, false or null.

function readJson(text) {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]]|[^\s{}[\]:,"]+/g)
  let at = 0
  const value = () => {
    const token = tokens[at++]
    if (token === "{") return {kind: "object", members: until("}", () => [JSON.parse(tokens[at++]), value()])}
    if (token === "[") return {kind: "array", members: until("]", value)}
    return token[0] === '"' ? {kind: "string", text: JSON.parse(token)} : {kind: "plain", text: token}
  }
  const until = (end, member) => {
    const members = []
    while (tokens[at] !== end) members.push(member())
    at++
    return members
  }
  return value()
}

function membersOf(itemText) {
  return new Map(readJson(itemText).members)
}

function jsonText(value) {
  if (value.kind === "object") return `{${value.members.map(([name, one]) => `${JSON.stringify(name)}: ${jsonText(one)}`).join(", ")}}`
  if (value.kind === "array") return `[${value.members.map(jsonText).join(", ")}]`
  return value.kind === "string" ? JSON.stringify(value.text) : value.text
}

// The text over several lines; what fits on one line stays on it, but for the item itself.
function prettyJson(value, indent = "", width = 76) {
  const flat = jsonText(value)
  const short = indent && indent.length + flat.length <= width
  if (short || !value.members?.length) return flat
  const inner = `${indent}  `
  const lines = value.kind === "object"
    ? value.members.map(([name, one]) => `${inner}${JSON.stringify(name)}: ${prettyJson(one, inner, width)}`)
    : value.members.map(one => inner + prettyJson(one, inner, width))
  const [open, close] = value.kind === "object" ? "{}" : "[]"
  return `${open}\n${lines.join(",\n")}\n${indent}${close}`
}

// A value in a cell: a string without its quotes, unless it would look like something else.
function cellText(value, longest = 200) {
  const plain = value.kind === "string" && !/^\s*$|^[\s\d[{"-]|^(true|false|null)$/.test(value.text)
  const text = plain ? value.text : jsonText(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

function keyText(key) {
  return [...membersOf(key)].map(([name, value]) => `${name} ${cellText(value, 80)}`).join(", ")
}
