"use strict"

// What the page shows is in the fragment of its address, so that Back, Forward and Reload work.

function currentAddress() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
}

function hashOf(address) {
  const given = Object.entries(address).filter(([, value]) => value !== undefined && value !== false)
  return `#${new URLSearchParams(given)}`
}

function go(address) {
  const hash = hashOf(address)
  if (hash === location.hash) show(currentAddress())
  else location.hash = hash
}
