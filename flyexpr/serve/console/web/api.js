"use strict"

// The calls of the server: JSON goes in, JSON comes out, and no other place is asked.

const TOKEN = new URLSearchParams(location.search).get("token") ?? ""

class Refusal extends Error {
  constructor(status, answer) {
    super(answer.error)
    this.status = status
    this.hint = answer.hint
    this.position = answer.position
    this.answer = answer
  }
}

async function ask(call, body, signal) {
  let response
  try {
    response = await fetch(`/console/api/${call}`, {
      method: "POST",
      headers: {"Content-Type": "application/json", "X-Flyexpr-Token": TOKEN},
      body: JSON.stringify(body),
      credentials: "omit",
      signal,
    })
  } catch (error) {
    if (error.name === "AbortError") throw error
    throw new Refusal(0, {error: "The server does not answer.", hint: "Does flyexpr serve still run?"})
  }
  const answer = await response.json().catch(() => ({error: `The server answered with status ${response.status}.`}))
  if (!response.ok) throw new Refusal(response.status, answer)
  return answer
}

// Of several calls of one kind only the newest counts: its signal ends the one before.
const turns = new Map()

function turn(kind) {
  turns.get(kind)?.abort()
  const controller = new AbortController()
  turns.set(kind, controller)
  return controller.signal
}

// Does the work and shows what went wrong at `place`; what was overtaken by something newer ends in silence.
async function attempt(place, work) {
  showProblem(place, null)
  try {
    return await work()
  } catch (error) {
    if (error.name !== "AbortError") showProblem(place, error)
    return undefined
  }
}
