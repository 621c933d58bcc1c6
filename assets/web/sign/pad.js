// Drawing. Knows only its box with the canvas and two buttons. Strokes are kept in units of the pad's width, so they survive
// a resize, a rotation and a lost canvas; pixels are never read back. No time and no raw pressure leaves the page.

const SKIP_PX = 1.5;
const POINTS_MAX = 20_000;
const BYTES_MAX = 64 * 1024;
const UNITS = 10_000;
const THIN = 0.0035;
const THICK = 0.0095;
/** What stays free below a drawing that had to be made smaller. */
const EDGE = 0.02;

/** @typedef {{x: number, y: number, w: number}} Point in units of the pad's width */

export class Pad {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.canvas = /** @type {HTMLCanvasElement} */ (box.querySelector('canvas'));
    /** @type {Point[][]} */
    this.strokes = [];
    /** @type {number | null} */
    this.pointer = null;
    this.pen = false;
    this.points = 0;
    /** Pixels of the canvas for a unit. */
    this.k = 1;
    this.last = { x: 0, y: 0, t: 0, w: 0 };
    const on = (/** @type {string} */ kind, /** @type {(event: PointerEvent) => void} */ act) => this.canvas.addEventListener(kind, /** @type {EventListener} */ (act));
    on('pointerdown', (event) => this.down(event));
    on('pointermove', (event) => this.move(event));
    on('pointerup', (event) => this.up(event));
    on('pointercancel', (event) => this.up(event));
    this.canvas.addEventListener('contextrestored', () => this.draw());
    box.querySelector('[data-undo]')?.addEventListener('click', () => this.undo());
    box.querySelector('[data-clear]')?.addEventListener('click', () => this.clear());
    box.closest('form')?.addEventListener('keydown', (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === 'z' && box.offsetParent && !(event.target instanceof HTMLInputElement)) {
        event.preventDefault();
        this.undo();
      }
    });
    new ResizeObserver(() => this.fit()).observe(this.canvas);
  }

  /** Gives the canvas as many pixels as it shows, and draws again. */
  fit() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const scale = Math.min(devicePixelRatio || 1, 3);
    const wide = Math.round(width * scale);
    const high = Math.round(height * scale);
    if (!wide || !high) return;
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      this.canvas.width = wide;
      this.canvas.height = high;
    }
    this.k = this.scale();
    this.draw();
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (this.pointer !== null || event.button > 0 || (this.pen && event.pointerType === 'touch')) return;
    if (event.pointerType === 'pen') this.pen = true;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    const at = this.place(event);
    this.last = { ...at, t: event.timeStamp, w: (THIN + THICK) / 2 };
    this.strokes.push([{ x: at.x, y: at.y, w: event.pointerType === 'pen' ? this.width(event, 0) : THICK * 0.8 }]);
    this.points += 1;
    this.draw();
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (event.pointerId !== this.pointer) return;
    const stroke = this.strokes[this.strokes.length - 1];
    const skip = (SKIP_PX * this.canvas.width) / this.canvas.clientWidth / this.k;
    for (const one of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) {
      if (this.points >= POINTS_MAX) return;
      const at = this.place(one);
      const far = Math.hypot(at.x - this.last.x, at.y - this.last.y);
      if (far < skip) continue;
      const pause = Math.max(1, one.timeStamp - this.last.t);
      const wanted = this.width(one, far / pause);
      const w = this.last.w * 0.7 + wanted * 0.3;
      stroke.push({ x: at.x, y: at.y, w });
      this.points += 1;
      this.last = { ...at, t: one.timeStamp, w };
      this.line(stroke, stroke.length - 1);
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.draw();
  }

  /**
   * Thick where slow or pressed, thin where fast.
   * @param {PointerEvent} event
   * @param {number} speed pad widths a millisecond
   */
  width(event, speed) {
    const part = event.pointerType === 'pen' && event.pressure > 0 ? event.pressure : Math.max(0, 1 - speed / 0.004);
    return THIN + (THICK - THIN) * Math.min(1, part);
  }

  /** @param {PointerEvent} event @returns {{x: number, y: number}} */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const k = this.k * (box.width / this.canvas.width);
    return {
      x: Math.min(box.width, Math.max(0, event.clientX - box.left)) / k,
      y: Math.min(box.height, Math.max(0, event.clientY - box.top)) / k,
    };
  }

  undo() {
    const gone = this.strokes.pop();
    this.points -= gone?.length ?? 0;
    this.draw();
  }

  clear() {
    this.strokes = [];
    this.points = 0;
    this.k = this.scale();
    this.draw();
  }

  draw() {
    const pen = this.canvas.getContext('2d');
    if (!pen) return;
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const stroke of this.strokes) {
      if (stroke.length === 1) this.line([stroke[0], { ...stroke[0], x: stroke[0].x + 0.0001 }], 1);
      for (let at = 1; at < stroke.length; at += 1) this.line(stroke, at);
    }
  }

  /**
   * How many pixels a unit is, so that everything drawn shows: the pad's width, or less, where what was drawn on one pad does
   * not fit another after a rotation. Taken anew only with the pad's size: it must not move under the hand.
   */
  scale() {
    let low = 0;
    let right = 1;
    for (const stroke of this.strokes) {
      for (const point of stroke) {
        low = Math.max(low, point.y);
        right = Math.max(right, point.x);
      }
    }
    const wide = this.canvas.width / right;
    return low * wide > this.canvas.height ? this.canvas.height / (low + EDGE) : wide;
  }

  /**
   * The piece of a stroke that ends halfway to its point `at`: a quadratic curve through midpoints.
   * @param {Point[]} stroke
   * @param {number} at
   */
  line(stroke, at) {
    const pen = this.canvas.getContext('2d');
    if (!pen) return;
    const { k } = this;
    const before = stroke[at - 1];
    const point = stroke[at];
    const start = at > 1 ? middle(stroke[at - 2], before) : before;
    const end = at === stroke.length - 1 ? point : middle(before, point);
    pen.strokeStyle = '#12233d';
    pen.lineCap = 'round';
    pen.lineJoin = 'round';
    pen.lineWidth = Math.max(1, before.w * k);
    pen.beginPath();
    pen.moveTo(start.x * k, start.y * k);
    pen.quadraticCurveTo(before.x * k, before.y * k, end.x * k, end.y * k);
    pen.stroke();
  }

  isEmpty() {
    return this.points === 0;
  }

  /** Under 15 % of the pad's width, or under 40 px of line. */
  isSmall() {
    let left = 1;
    let right = 0;
    let length = 0;
    for (const stroke of this.strokes) {
      stroke.forEach((point, at) => {
        left = Math.min(left, point.x);
        right = Math.max(right, point.x);
        if (at) length += Math.hypot(point.x - stroke[at - 1].x, point.y - stroke[at - 1].y);
      });
    }
    return right - left < 0.15 || length * this.canvas.clientWidth < 40;
  }

  /**
   * What is sent. Where it would be too long, every other point inside the strokes drops out; what was drawn beyond the first
   * width of the pad, after a rotation, makes the unit larger.
   * @returns {string}
   */
  data() {
    let strokes = this.strokes;
    const unit = UNITS / Math.max(1, ...strokes.map((stroke) => stroke.reduce((most, { x }) => Math.max(most, x), 0)));
    for (;;) {
      const text = JSON.stringify({
        v: 1,
        strokes: strokes.map((stroke) => stroke.flatMap(({ x, y, w }) => [Math.round(x * unit), Math.round(y * unit), Math.max(1, Math.round(w * unit))])),
      });
      if (text.length <= BYTES_MAX || strokes.every((stroke) => stroke.length < 3)) return text;
      strokes = strokes.map((stroke) => stroke.filter((_, at) => at % 2 === 0 || at === stroke.length - 1));
    }
  }
}

/** @param {Point} a @param {Point} b */
function middle(a, b) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
