// Saves each answer while it is typed: one entry per field in the queue, the newest wins, what fails is tried again.

/** @typedef {import('./fields.js').Field} Field */
/** @typedef {{leaving: () => void, touch: () => Promise<void>, csrf: string}} Save */

const QUIET_MS = 400;
const RETRY_MS = [1000, 2000, 5000, 10000, 20000];

/**
 * @param {HTMLFormElement} form
 * @param {Field[]} fields
 * @param {DOMStringMap} texts
 * @returns {Save}
 */
export function startAutosave(form, fields, texts) {
  const csrf = /** @type {HTMLInputElement} */ (form.elements.namedItem('csrf')).value;
  const version = /** @type {HTMLInputElement} */ (form.elements.namedItem('version')).value;
  const saved = /** @type {HTMLElement} */ (document.getElementById('saved'));
  const banner = /** @type {HTMLElement} */ (document.getElementById('banner'));
  const finish = /** @type {HTMLButtonElement} */ (document.getElementById('finish'));
  /** @type {Map<Field, string>} */
  const queue = new Map();
  let timer = 0;
  let tries = 0;
  let busy = false;
  let over = false;

  /** @param {string} text @param {string} [link] */
  const tell = (text, link) => {
    banner.replaceChildren(text);
    if (link) {
      const anchor = document.createElement('a');
      anchor.href = link;
      anchor.textContent = texts.again ?? '';
      banner.append(' ', anchor);
    }
    banner.hidden = !text;
  };

  /** @param {Field} field @param {string} value */
  const put = async (field, value) => {
    const answer = await fetch(`${texts.base}/fields/${encodeURIComponent(field.id)}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf, 'X-Page-Version': version },
      body: JSON.stringify({ value }),
    });
    if (answer.ok) {
      const { saved: time } = await answer.json();
      saved.textContent = (texts.saved ?? '').replace('{time}', time);
      return;
    }
    if (answer.status === 422) {
      const { problems } = await answer.json();
      field.fault(problems?.[0]?.message ?? '');
      return;
    }
    if (answer.status === 409 || answer.status === 410 || answer.status === 404) {
      over = true;
      tell(texts.changed ?? '', `${texts.base}/review`);
      return;
    }
    if (answer.status === 401 || answer.status === 403) {
      over = true;
      tell(texts.ended ?? '');
      return;
    }
    throw new Error(String(answer.status));
  };

  const work = async () => {
    if (busy || over) return;
    busy = true;
    try {
      while (queue.size && !over) {
        const [field, value] = /** @type {[Field, string]} */ (queue.entries().next().value);
        saved.textContent = texts.saving ?? '';
        await put(field, value);
        if (queue.get(field) === value) queue.delete(field);
        tries = 0;
        if (!over) tell('');
      }
    } catch {
      saved.textContent = '';
      tell((navigator.onLine ? texts.unsaved : texts.offline) ?? '');
      schedule(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
      tries += 1;
    } finally {
      busy = false;
    }
  };

  /** @param {number} wait */
  const schedule = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(work, wait);
  };

  form.addEventListener('input', (event) => {
    const field = fields.find((one) => one.control.contains(/** @type {Node} */ (event.target)));
    if (!field || (field.asks !== 'text' && field.asks !== 'checkbox')) return;
    queue.set(field, field.value());
    schedule(field.asks === 'checkbox' ? 0 : QUIET_MS);
  });
  form.addEventListener('focusout', () => { if (queue.size) schedule(0); });

  addEventListener('offline', () => {
    tell(texts.offline ?? '');
    finish.disabled = true;
  });
  addEventListener('online', () => {
    finish.disabled = false;
    if (!over) tell('');
    schedule(0);
  });
  if (!navigator.onLine) finish.disabled = true;
  // Closing with something unsaved asks first.
  addEventListener('beforeunload', (event) => {
    if (queue.size && !over) event.preventDefault();
  });

  return {
    csrf,
    // The form itself carries every answer.
    leaving: () => queue.clear(),
    touch: async () => {
      const { status } = await fetch(`${texts.base}/status`);
      if (status !== 401 && status !== 403) return;
      over = true;
      tell(texts.ended ?? '');
    },
  };
}
