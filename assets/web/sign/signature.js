// The form that makes a signature: in the review's dialog it is sent by itself, on its own page as any form.

import { Pad } from './pad.js';
import { show } from './pages.js';

/** @typedef {import('./fields.js').Field} Field */
/** @typedef {{form: HTMLFormElement, fields: Field[], texts: DOMStringMap, save: import('./autosave.js').Save}} Review */

/**
 * @param {HTMLFormElement} maker
 * @param {Review | null} review
 * @returns {(field: Field) => boolean} opens the dialog; false where there is none
 */
export function startMaker(maker, review) {
  for (const part of maker.querySelectorAll('[data-script]')) part.removeAttribute('hidden');
  const problem = /** @type {HTMLElement} */ (document.getElementById('maker-problem'));
  const button = /** @type {HTMLButtonElement} */ (maker.querySelector('button[type=submit]'));
  const label = button.textContent;
  /** @type {Map<string, Pad>} */
  const pads = new Map();
  for (const box of maker.querySelectorAll('[data-pad]')) {
    pads.set(/** @type {HTMLElement} */ (box).dataset.pad ?? '', new Pad(/** @type {HTMLElement} */ (box)));
  }
  let asked = false;

  const tell = (/** @type {string} */ text) => {
    problem.textContent = text;
    problem.hidden = !text;
  };
  // What was said about a drawing is over with the next stroke.
  for (const pad of pads.values()) pad.canvas.addEventListener('pointerdown', () => tell(''));
  const method = () => new FormData(maker).get('method');
  const resize = () => { for (const pad of pads.values()) pad.fit(); };
  maker.addEventListener('change', () => {
    tell('');
    asked = false;
    resize();
  });
  startPreviews(maker);
  if (!review) resize();

  /** Whether what is drawn can be sent; says what is wrong. */
  const drawn = () => {
    if (method() !== 'draw') return true;
    for (const [, pad] of pads) {
      if (pad.isEmpty()) {
        tell(pad.box.dataset.empty ?? '');
        return false;
      }
    }
    if (!asked && [...pads.values()].some((pad) => pad.isSmall())) {
      asked = true;
      tell(problem.dataset.small ?? '');
      return false;
    }
    return true;
  };

  /** Whether the chosen files can be sent; a server may cut off what is too large before it can say so. */
  const fits = () => {
    if (method() !== 'upload') return true;
    const files = /** @type {HTMLInputElement[]} */ ([...maker.querySelectorAll('input[type=file]')]).map((input) => input.files?.[0]);
    if (files.every((file) => (file?.size ?? 0) <= Number(problem.dataset.bytes))) return true;
    tell(problem.dataset.large ?? '');
    return false;
  };
  /** What an answer without words of its own means. @param {number} status */
  const refusal = (status) => {
    const { ended, changed } = review?.texts ?? {};
    if (status === 401 || status === 403) return ended ?? '';
    if (status === 404 || status === 409 || status === 410) return changed ?? '';
    if (status === 413) return problem.dataset.large ?? '';
    return (status === 429 || status === 503 ? problem.dataset.busy : problem.dataset.failed) ?? '';
  };

  maker.addEventListener('formdata', (event) => {
    if (event.formData.get('method') !== 'draw') return;
    for (const [name, pad] of pads) event.formData.set(name, pad.data());
  });

  maker.addEventListener('submit', async (event) => {
    if (!drawn() || !fits()) {
      event.preventDefault();
      return;
    }
    if (!review) {
      button.disabled = true;
      return;
    }
    event.preventDefault();
    button.disabled = true;
    button.textContent = button.dataset.working ?? label;
    try {
      const answer = await fetch(maker.action, { method: 'POST', body: new FormData(maker), headers: { Accept: 'application/json' } });
      if (answer.ok) {
        adopt(review, await answer.json());
        dialog?.close();
      } else if (answer.status === 422) {
        const { problems } = await answer.json();
        tell(problems.map((/** @type {{message: string}} */ one) => one.message).join(' '));
      } else tell(refusal(answer.status));
    } catch {
      tell((navigator.onLine ? problem.dataset.failed : problem.dataset.offline) ?? '');
    } finally {
      button.disabled = false;
      button.textContent = label;
    }
  });

  const dialog = /** @type {HTMLDialogElement | null} */ (maker.closest('dialog'));
  /** @type {Field | null} */
  let from = null;
  document.getElementById('maker-close')?.addEventListener('click', () => dialog?.close());
  dialog?.addEventListener('close', () => from?.input.focus({ preventScroll: true }));

  return (field) => {
    if (!dialog) return false;
    from = field;
    tell('');
    asked = false;
    dialog.showModal();
    resize();
    return true;
  };
}

/**
 * Shows what was adopted in every field that it goes to.
 * @param {Review} review
 * @param {{signature: string | null, initials: string | null}} adopted
 */
function adopt(review, adopted) {
  for (const field of review.fields) {
    const source = field.asks === 'signature' ? adopted.signature : field.asks === 'initials' ? adopted.initials : null;
    if (!source) continue;
    let picture = /** @type {HTMLImageElement | null} */ (field.control.querySelector('.mark'));
    if (!picture) {
      picture = document.createElement('img');
      picture.className = 'mark';
      picture.alt = (field.asks === 'initials' ? review.texts.initials : review.texts.signature) ?? '';
      field.input.before(picture);
    }
    picture.src = source;
    field.input.textContent = review.texts.change ?? '';
    field.input.classList.add('again');
    field.fault('');
    show(field, review.texts);
  }
  review.form.dispatchEvent(new Event('input', { bubbles: true }));
}

/**
 * Typing changes the pictures of the styles; a style that lacks a letter is not offered.
 * @param {HTMLFormElement} maker
 */
function startPreviews(maker) {
  const inputs = { signature: maker.elements.namedItem('name'), initials: maker.elements.namedItem('initials') };
  const styles = /** @type {HTMLElement[]} */ ([...maker.querySelectorAll('.style')]);
  const base = maker.dataset.preview ?? '';
  for (const style of styles) {
    for (const image of style.querySelectorAll('img')) {
      image.addEventListener('error', () => {
        style.hidden = true;
        const radio = /** @type {HTMLInputElement | null} */ (style.querySelector('input'));
        if (!radio?.checked) return;
        const other = styles.find((one) => !one.hidden)?.querySelector('input');
        if (other) other.checked = true;
      });
    }
  }
  for (const [kind, input] of Object.entries(inputs)) {
    if (!(input instanceof HTMLInputElement)) continue;
    let timer = 0;
    input.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const text = input.value.trim();
        if (!text) return;
        for (const style of styles) {
          style.hidden = false;
          const id = style.querySelector('input')?.value ?? '';
          const image = /** @type {HTMLImageElement | null} */ (style.querySelector(`img[data-kind=${kind}]`));
          if (!image) continue;
          image.alt = text;
          image.src = `${base}${encodeURIComponent(id)}.svg?kind=${kind}&text=${encodeURIComponent(text)}`;
        }
      }, 300);
    });
  }
}
