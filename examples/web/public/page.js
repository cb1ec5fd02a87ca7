/** The page: one client, and what there is to see of it. */
import { connect } from 'skynet-ts/client'
import { COLOURS, canvas, SIDE } from './protocol.js'
import { Sheet } from './sheet.js'

const STATES = {
  connecting: 'Connecting',
  open: 'Connected',
  waiting: 'Reconnecting',
  closed: 'Closed',
}
const WIDTHS = [5, 10, 22]
const PEOPLE_SHOWN = 5
const NOTE_MS = 3500
const POINTER_MS = 4000

const $ = (id) => document.getElementById(id)
const sheet = new Sheet($('sheet'))
const counts = { connections: 0, answered: 0, waiting: 0, events: 0, wrong: 0 }
let last = 0

// The connection, which may be cut.

let socket
class CuttableSocket extends WebSocket {
  constructor(...args) {
    super(...args)
    socket = this
    if ($('away').checked) this.close()
  }
}

const url = new URL('canvas', location.href)
url.protocol = url.protocol.replace('http', 'ws')
const client = connect(canvas, {
  url: url.href,
  login: { name: ownName() },
  WebSocket: CuttableSocket,
})

let cutAt = 0
client.onState((state) => {
  document.body.dataset.state = state
  $('state').textContent = STATES[state]
  $('cut').disabled = state !== 'open'
  if (state === 'open') {
    if (counts.connections++ > 0) told()
  } else if (state === 'waiting') {
    cutAt ||= performance.now()
    note('The connection is cut. Go on drawing: it is sent when there is another one.', 0)
  }
  show()
})
client.ready.catch((error) => note(`${error.text ?? error.message}. Load the page again.`, 0))

/** The session goes on over another connection. */
function told() {
  const seconds = ((performance.now() - cutAt) / 1000).toFixed(1)
  const waited = counts.waiting === 1 ? 'One call has' : `${counts.waiting} calls have`
  cutAt = 0
  note(`The same session again, after ${seconds} s. ${waited} waited, and each runs once.`)
}

// What is asked.

async function ask(name, request) {
  counts.waiting++
  show()
  try {
    await client.call[name](request)
    counts.answered++
  } catch (error) {
    note(error.text ?? error.message)
    throw error
  } finally {
    counts.waiting--
    show()
  }
}

sheet.ondraw = (piece) => ask('draw', piece).catch(() => sheet.drop(piece.id))
// Where the hand was while the connection was away is nobody's concern.
sheet.onpoint = (spot) => client.state === 'open' && client.send.point(spot)
$('clear').onclick = () => ask('clear').catch(() => {})
$('cut').onclick = () => socket.close()
$('away').onchange = () => $('away').checked && socket.close()
$('name').value = ownName()
$('name').onchange = () => {
  localStorage.setItem('name', $('name').value.trim() || ownName())
  $('name').value = ownName()
  ask('rename', { name: ownName() }).catch(() => {})
}

// What is heard.

/** Everything on the sheet has a number: so it shows whether any is missing, or comes twice. */
function counted(n) {
  counts.events++
  if (n !== last + 1) counts.wrong++
  last = n
  show()
}

client.on('picture', ({ isFirst, n, pieces }) => {
  if (isFirst) sheet.clear()
  for (const piece of pieces) sheet.add(piece)
  last = n
})
client.on('drawn', (piece) => {
  counted(piece.n)
  sheet.add(piece)
})
client.on('cleared', ({ by, n }) => {
  counted(n)
  sheet.clear()
  note(`${by} has cleared the sheet`)
})
client.on('people', (people) => {
  const shown = people.slice(0, PEOPLE_SHOWN).map(({ id, name, isAway }) => {
    const item = document.createElement('li')
    item.title = isAway ? `${name}, whose connection is cut` : name
    item.textContent = initials(name)
    item.className = isAway ? 'away' : ''
    item.style.setProperty('--own', colourOf(id))
    return item
  })
  if (people.length > PEOPLE_SHOWN) {
    const more = document.createElement('li')
    more.className = 'more'
    more.textContent = `+${people.length - PEOPLE_SHOWN}`
    shown.push(more)
  }
  $('people').replaceChildren(...shown)
})

const pointers = new Map()
client.on('pointer', ({ id, name, x, y }) => {
  const pointer = pointers.get(id) ?? newPointer(id)
  pointer.element.lastChild.textContent = name
  pointer.element.style.opacity = 1
  const part = (at) => `${(at / SIDE) * $('sheet').clientWidth}px`
  pointer.element.style.translate = `${part(x)} ${part(y)}`
  clearTimeout(pointer.timer)
  pointer.timer = setTimeout(() => {
    pointer.element.style.opacity = 0
  }, POINTER_MS)
})

function newPointer(id) {
  const element = document.createElement('div')
  element.className = 'pointer'
  element.style.setProperty('--own', colourOf(id))
  element.append(document.createElement('span'))
  $('pointers').append(element)
  const pointer = { element, timer: 0 }
  pointers.set(id, pointer)
  return pointer
}

// What is shown.

function show() {
  for (const [name, count] of Object.entries(counts)) {
    $(name).textContent = count.toLocaleString('en')
  }
  $('wrong').classList.toggle('bad', counts.wrong > 0)
}

let noteTimer = 0
/** @param ms 0: until another one. */
function note(text, ms = NOTE_MS) {
  $('note').textContent = text
  $('note').hidden = false
  clearTimeout(noteTimer)
  if (ms > 0) {
    noteTimer = setTimeout(() => {
      $('note').hidden = true
    }, ms)
  }
}

function radios(group, values, choose, begin) {
  const buttons = values.map(({ label, style, value }) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.role = 'radio'
    button.ariaLabel = label
    button.style = style
    button.onclick = () => {
      for (const each of buttons) each.ariaChecked = `${each === button}`
      choose(value)
    }
    return button
  })
  $(group).replaceChildren(...buttons)
  buttons[begin].click()
}

radios(
  'colours',
  COLOURS.map((name, value) => ({ label: name, style: `--own: var(--${name})`, value })),
  (colour) => {
    sheet.pen.colour = colour
  },
  4,
)
radios(
  'widths',
  WIDTHS.map((value) => ({ label: `${value} wide`, style: `--dot: ${4 + value * 0.7}px`, value })),
  (width) => {
    sheet.pen.width = width
  },
  1,
)

const initials = (name) => {
  const words = name.trim().split(/\s+/)
  return words
    .map(([letter]) => letter.toUpperCase())
    .slice(0, 2)
    .join('')
}

/** Somebody has the same colour on every screen. */
function colourOf(id) {
  let sum = 0
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) >>> 0
  return `var(--${COLOURS[1 + (sum % (COLOURS.length - 1))]})`
}

function ownName() {
  const known = localStorage.getItem('name')
  if (known) return known
  const any = (words) => words[Math.floor(Math.random() * words.length)]
  const name = `${any(['Quick', 'Calm', 'Bold', 'Shy', 'Odd', 'Wild'])} ${any(['Otter', 'Heron', 'Lynx', 'Wren', 'Newt', 'Fox'])}`
  localStorage.setItem('name', name)
  return name
}

const { tcpPort, linePort } = await (await fetch('ways.json')).json()
$('nc').textContent = `nc ${location.hostname} ${linePort}`
$('bot').textContent = `npx tsx examples/web/bot.ts tcp://${location.hostname}:${tcpPort}`
