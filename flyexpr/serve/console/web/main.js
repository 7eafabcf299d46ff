"use strict";

const TOKEN = new URLSearchParams(location.search).get("token");
const $ = (id) => document.getElementById(id);
let cursor = null;

async function call(name, members) {
  const answer = await fetch(`/console/api/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Flyexpr-Token": TOKEN },
    body: JSON.stringify(members),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error([found.error, found.hint, found.cost].filter(Boolean).join("\n"));
  return found;
}

function asked() {
  return { table: $("table").value, text: $("text").value };
}

async function showTables() {
  const found = await call("tables", {});
  $("engine").textContent = `${found.engine}, ${found.writable ? "for reading and writing" : "for reading only"}`;
  $("table").replaceChildren(...found.tables.map((name) => new Option(name)));
}

async function showPlan() {
  const found = await call("explain", asked());
  $("plan").textContent = [...found.plan, found.cost, ...found.warnings].join("\n");
}

async function showPage(from) {
  const found = await call("page", { ...asked(), size: 20, cursor: from, scan: { budget: Number($("budget").value) } });
  $("items").replaceChildren(...found.items.map((item) => Object.assign(document.createElement("li"), { textContent: item })));
  cursor = found.cursor ?? null;
  $("more").hidden = cursor === null;
}

function attempt(action) {
  $("failure").textContent = "";
  action().catch((error) => { $("failure").textContent = error.message; });
}

$("ask").addEventListener("submit", (event) => { event.preventDefault(); attempt(() => showPage(null)); });
$("more").addEventListener("click", () => attempt(() => showPage(cursor)));
$("text").addEventListener("input", () => attempt(showPlan));
$("table").addEventListener("change", () => attempt(showPlan));
attempt(async () => { await showTables(); await showPlan(); });
