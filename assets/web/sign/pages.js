// The pages: markers on the pictures, the number of the page in sight, zoom, pictures that can't be had.

/** @typedef {import('./fields.js').Field} Field */

const STEPS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];

/**
 * @param {Field[]} fields
 * @param {DOMStringMap} texts
 */
export function startPages(fields, texts) {
  for (const field of fields) mark(field, texts);
  const again = () => { for (const field of fields) show(field, texts); };
  addEventListener('resize', again);
  startZoom(again);
  startWhere(texts);
  for (const picture of document.querySelectorAll('.paper img')) {
    const image = /** @type {HTMLImageElement} */ (picture);
    const failed = () => {
      image.hidden = true;
      const words = /** @type {HTMLElement | null} */ (image.parentElement?.querySelector('.undrawable'));
      if (words) words.hidden = false;
    };
    image.addEventListener('error', failed);
    if (image.complete && image.naturalWidth === 0 && image.currentSrc) failed();
  }
}

/**
 * A button on the picture. It shows the value and leads to the control, which does everything; keyboards and screen readers
 * go to the control itself.
 * @param {Field} field
 * @param {DOMStringMap} texts
 */
function mark(field, texts) {
  const paper = field.page.querySelector('.paper');
  if (!paper) return;
  const marker = document.createElement('button');
  marker.type = 'button';
  marker.tabIndex = -1;
  marker.className = 'marker';
  const [left, top, width, height] = field.rect;
  marker.style.left = `${left}%`;
  marker.style.top = `${top}%`;
  marker.style.width = `${width}%`;
  marker.style.height = `${height}%`;
  if (field.asks === 'text' || field.asks === 'date') marker.classList.add('words');
  if (field.input instanceof HTMLTextAreaElement) marker.classList.add('lines');
  field.marker = marker;
  paper.append(marker);
  show(field, texts);
  field.control.addEventListener('input', () => show(field, texts));
  marker.addEventListener('click', () => {
    if (field.asks === 'date') return;
    field.control.dispatchEvent(new CustomEvent('wanted', { bubbles: true }));
    if (field.asks === 'text') field.input.focus();
    else field.input.click();
  });
}

/**
 * Writes the value onto the marker.
 * @param {Field} field
 * @param {DOMStringMap} texts
 */
export function show(field, texts) {
  const marker = field.marker;
  if (!marker) return;
  const name = field.control.querySelector('.name')?.textContent ?? '';
  const done = field.done();
  marker.classList.toggle('done', done);
  marker.classList.toggle('fixed', field.asks === 'date');
  marker.setAttribute('aria-label', done && field.asks === 'text' ? `${name}: ${field.value()}` : name);
  const words = document.createElement('span');
  if (field.asks === 'checkbox') words.textContent = done ? '✓' : '';
  else if (field.asks === 'signature' || field.asks === 'initials') {
    const picture = /** @type {HTMLImageElement | null} */ (field.control.querySelector('.mark'));
    if (picture) {
      const copy = document.createElement('img');
      copy.src = picture.src;
      copy.alt = '';
      marker.replaceChildren(copy);
      return;
    }
    words.className = 'call';
    words.textContent = (field.asks === 'initials' ? texts.initial : texts.sign) ?? '';
  } else words.textContent = done ? field.value() : name;
  marker.replaceChildren(words);
  if (done && marker.classList.contains('words')) fit(marker, words);
}

/**
 * What is stamped is made smaller until it fits its place; so is what is shown.
 * @param {HTMLElement} marker
 * @param {HTMLElement} words
 */
function fit(marker, words) {
  marker.style.setProperty('--fit', '1');
  const part = words.clientWidth / words.scrollWidth;
  if (part < 1) marker.style.setProperty('--fit', String(Math.max(0.4, part * 0.98)));
}

/** @param {() => void} again after the pages' size has changed */
function startZoom(again) {
  const bar = document.getElementById('zoom');
  const pages = document.getElementById('pages');
  const level = document.getElementById('zoom-level');
  if (!bar || !pages || !level) return;
  let at = STEPS.indexOf(1);
  bar.hidden = false;
  bar.addEventListener('click', (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest('[data-zoom]');
    const what = button?.getAttribute('data-zoom');
    if (!what) return;
    const before = pages.scrollHeight;
    const part = scrollY / before;
    if (what === 'fit') at = STEPS.indexOf(1);
    else at = Math.min(STEPS.length - 1, Math.max(0, at + (what === 'in' ? 1 : -1)));
    pages.style.setProperty('--zoom', String(STEPS[at]));
    level.textContent = `${STEPS[at] * 100} %`;
    for (const image of pages.querySelectorAll('.paper img')) image.setAttribute('sizes', `${Math.round(image.clientWidth)}px`);
    again();
    scrollTo({ top: part * pages.scrollHeight, behavior: 'instant' });
  });
}

/** @param {DOMStringMap} texts */
function startWhere(texts) {
  const where = document.getElementById('where');
  if (!where) return;
  const links = new Map([...document.querySelectorAll('.docs a')].map((link) => [link.getAttribute('href')?.slice(1), link]));
  const seen = new Map();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) seen.set(entry.target, entry.isIntersecting ? entry.intersectionRect.height : 0);
    let best = null;
    for (const [page, height] of seen) if (height > (best ? seen.get(best) : 0)) best = page;
    if (!best) return;
    where.hidden = false;
    where.textContent = (texts.page ?? '').replace('{n}', best.dataset.page).replace('{total}', best.dataset.total);
    const document = best.closest('.document');
    for (const [id, link] of links) {
      if (id === document.id) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    }
  }, { threshold: [0, 0.25, 0.5, 0.75, 1] });
  for (const page of document.querySelectorAll('.page')) watch.observe(page);
}
