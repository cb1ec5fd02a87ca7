/** The sheet: what is drawn on it, and by whom it is being drawn on. */
import { COLOURS, POINTS_MAX, SIDE } from './protocol.js'

/** Pieces of a line leave so often while it is drawn. */
const PIECE_MS = 40
/** A hand that moves tells where it is so often. */
const POINT_MS = 60

export class Sheet {
  pen = { colour: 0, width: 10 }
  /** Called with a piece that was drawn here. */
  ondraw = () => {}
  /** Called with a spot, when the hand moves over the sheet. */
  onpoint = () => {}
  #root
  #dry
  #wet
  /** All that is on the sheet for everybody. */
  #pieces = []
  /** As the page shows `COLOURS` in the light or in the dark. */
  #paints = []
  /** What was drawn here and has not come back, by id. */
  #unsure = new Map()
  /** The line that is being drawn: ids and points of it. */
  #line
  #pointedAt = 0

  constructor(root) {
    this.#root = root
    this.#dry = root.querySelector('#dry').getContext('2d')
    this.#wet = root.querySelector('#wet').getContext('2d')
    this.#mix()
    new ResizeObserver(() => this.#resize()).observe(root)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#mix()
      this.#redraw()
    })
    root.addEventListener('pointerdown', (event) => this.#begin(event))
    root.addEventListener('pointermove', (event) => this.#move(event))
    for (const name of ['pointerup', 'pointercancel']) {
      root.addEventListener(name, (event) => this.#end(event))
    }
  }

  /** A piece that is there for everybody. */
  add(piece) {
    this.#pieces.push(piece)
    this.#stroke(this.#dry, piece)
    if (this.#unsure.delete(piece.id)) this.#redrawWet()
  }

  clear() {
    this.#pieces = []
    this.#redraw()
  }

  /** That piece will not come: it was refused. */
  drop(id) {
    this.#unsure.delete(id)
    this.#redrawWet()
  }

  /** Pixels of a unit. */
  get #scale() {
    return this.#dry.canvas.width / SIDE
  }

  #resize() {
    const side = Math.round(this.#root.clientWidth * devicePixelRatio)
    for (const { canvas } of [this.#dry, this.#wet]) {
      canvas.width = side
      canvas.height = side
    }
    this.#redraw()
  }

  #redraw() {
    const { width, height } = this.#dry.canvas
    this.#dry.clearRect(0, 0, width, height)
    for (const piece of this.#pieces) this.#stroke(this.#dry, piece)
    this.#redrawWet()
  }

  #redrawWet() {
    const { width, height } = this.#wet.canvas
    this.#wet.clearRect(0, 0, width, height)
    for (const piece of this.#unsure.values()) this.#stroke(this.#wet, piece)
    if (this.#line) this.#stroke(this.#wet, this.#line)
  }

  #begin(event) {
    if (this.#line || event.button > 0) return
    this.#root.setPointerCapture(event.pointerId)
    const [x, y] = this.#spot(event)
    this.#line = { ...this.pen, points: [x, y], pointer: event.pointerId, sentAt: event.timeStamp }
    this.#redrawWet()
  }

  #move(event) {
    const [x, y] = this.#spot(event)
    if (event.timeStamp - this.#pointedAt > POINT_MS) {
      this.#pointedAt = event.timeStamp
      this.onpoint({ x, y })
    }
    const line = this.#line
    if (line?.pointer !== event.pointerId) return
    // All that the hand went through since the last frame.
    const events = event.getCoalescedEvents?.() ?? []
    for (const each of events.length > 0 ? events : [event]) {
      const [px, py] = this.#spot(each)
      const [lastX, lastY] = line.points.slice(-2)
      if (Math.hypot(px - lastX, py - lastY) < 2) continue
      line.points.push(px, py)
      if (line.points.length >= POINTS_MAX) this.#send(event.timeStamp)
    }
    if (event.timeStamp - line.sentAt > PIECE_MS) this.#send(event.timeStamp)
    this.#redrawWet()
  }

  #end(event) {
    if (this.#line?.pointer !== event.pointerId) return
    this.#send(event.timeStamp)
    this.#line = undefined
    this.#redrawWet()
  }

  /** Send what was drawn since the last piece; the next one begins where this one ends. */
  #send(now) {
    const line = this.#line
    const { colour, width, points } = line
    if (points.length === 2 && line.isBegun) return
    const id = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)
    const piece = { id, colour, width, points }
    this.#unsure.set(id, piece)
    Object.assign(line, { points: points.slice(-2), sentAt: now, isBegun: true })
    this.ondraw(piece)
  }

  /** In units of the sheet. */
  #spot({ clientX, clientY }) {
    const { left, top, width } = this.#root.getBoundingClientRect()
    const within = (px) => Math.round(Math.min(Math.max(px / width, 0), 1) * SIDE)
    return [within(clientX - left), within(clientY - top)]
  }

  #mix() {
    const { canvas } = this.#dry
    this.#paints = COLOURS.map((name) => {
      canvas.style.color = `var(--${name})`
      return getComputedStyle(canvas).color
    })
  }

  #stroke(to, { colour, width, points }) {
    const scale = this.#scale
    const [x, y, ...rest] = points.map((each) => each * scale)
    to.strokeStyle = this.#paints[colour]
    to.lineWidth = width * scale
    to.lineCap = 'round'
    to.lineJoin = 'round'
    to.beginPath()
    to.moveTo(x, y)
    if (rest.length === 0) to.lineTo(x, y)
    for (let at = 0; at < rest.length; at += 2) to.lineTo(rest[at], rest[at + 1])
    to.stroke()
  }
}
