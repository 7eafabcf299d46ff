"use strict"

// Search of a vector index.

function vectorIndexes() {
  return page.table.indexes.filter(index => index.kind === "vector")
}

function vectorIndexesOf(item) {
  const members = membersOf(item)
  return vectorIndexes().filter(index => members.get(index.attribute)?.kind === "array")
}

function searchFrom(index, item) {
  $("near-index").value = index.name
  $("vector").value = jsonText(membersOf(item).get(index.attribute))
  closeItem()
  go({table: page.table.name, view: "search"})
  search()
}

async function search() {
  const index = vectorIndexes().find(one => one.name === $("near-index").value)
  const asked = {table: page.table.name, attribute: index.attribute, index: index.name, text: $("near-text").value.trim(), top: Number($("top-count").value)}
  $("near-count").textContent = "Searching …"
  const answer = await attempt($("near-problem"), async () => ask("search", {...asked, vector: readVector($("vector").value)}, turn("search")))
  $("near-count").textContent = answer ? `${plural(answer.found.length, "item")}, the best first` : ""
  fill($("near-notes"), ...(answer?.notes ?? []).map(note => el("li", {}, note)))
  const found = answer?.found ?? []
  drawRows($("near-rows"), {
    items: found.map(one => one.item), keys: found.map(one => one.key), scores: found.map(one => String(Number(one.score.toPrecision(5)))),
  })
}

function readVector(text) {
  let vector
  try {
    vector = JSON.parse(text)
  } catch {
    vector = null
  }
  if (Array.isArray(vector) && vector.length && vector.every(Number.isFinite)) return vector
  throw new Refusal(0, {error: "A vector is a list of numbers in brackets, such as [0.12, -0.5, 0.33]."})
}
