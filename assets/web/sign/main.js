// Starts what the page has. Every page is complete without this file.

import { startAutosave } from './autosave.js';
import { startFields } from './fields.js';
import { startGuide } from './guide.js';
import { startPages } from './pages.js';
import { startSession } from './session.js';
import { startMaker } from './signature.js';
import { startStatus } from './status.js';

const review = /** @type {HTMLFormElement | null} */ (document.getElementById('review-form'));
if (review) startReview(review);
else {
  const maker = /** @type {HTMLFormElement | null} */ (document.getElementById('maker-form'));
  if (maker) startMaker(maker, null);
}

const check = /** @type {HTMLFormElement | null} */ (document.getElementById('check-form'));
if (check) startCheck(check);

const status = document.getElementById('status');
if (status?.dataset.state !== 'complete' && status) startStatus(status);

document.getElementById('problems')?.focus();

/** @param {HTMLFormElement} form */
function startReview(form) {
  const texts = /** @type {HTMLElement} */ (document.getElementById('texts')).dataset;
  const fields = startFields(form, texts);
  startPages(fields, texts);
  const save = startAutosave(form, fields, texts);
  const maker = /** @type {HTMLFormElement | null} */ (document.getElementById('maker-form'));
  const openMaker = maker ? startMaker(maker, { form, fields, texts, save }) : () => false;
  startGuide(form, fields, texts, { save, openMaker });
  startSession(texts, save);
  const menu = /** @type {HTMLDetailsElement | null} */ (document.getElementById('menu'));
  document.addEventListener('click', (event) => {
    if (menu?.open && !menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  });
  menu?.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !menu.open) return;
    menu.open = false;
    menu.querySelector('summary')?.focus();
  });
}

/**
 * One press is enough: the button says what happens. The server has a one-time token for the rest.
 * @param {HTMLFormElement} form
 */
function startCheck(form) {
  const button = /** @type {HTMLButtonElement} */ (document.getElementById('sign'));
  const label = button.textContent;
  form.addEventListener('submit', () => {
    button.disabled = true;
    button.textContent = form.dataset.signing ?? label;
  });
  // Back from a page kept in memory: press again.
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    button.disabled = false;
    button.textContent = label;
  });
}
