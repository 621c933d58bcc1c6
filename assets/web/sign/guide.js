// The guide: gathers the controls in the panel (a sheet on phones), leads from one to the next, counts, and turns "Next" into
// "Finish" when nothing required is left.

/** @typedef {import('./fields.js').Field} Field */

/**
 * @param {HTMLFormElement} form
 * @param {Field[]} fields
 * @param {DOMStringMap} texts
 * @param {{save: import('./autosave.js').Save, openMaker: (field: Field) => boolean}} tools
 */
export function startGuide(form, fields, texts, { save, openMaker }) {
  const panel = /** @type {HTMLElement} */ (document.getElementById('panel'));
  const list = /** @type {HTMLElement} */ (document.getElementById('panel-list'));
  const progress = /** @type {HTMLElement} */ (document.getElementById('progress'));
  const meter = /** @type {HTMLElement} */ (document.getElementById('meter'));
  const back = /** @type {HTMLButtonElement} */ (document.getElementById('back'));
  const next = /** @type {HTMLButtonElement} */ (document.getElementById('next'));
  const finish = /** @type {HTMLButtonElement} */ (document.getElementById('finish'));
  const stops = fields.filter((field) => field.asks !== 'date');

  for (const field of fields) list.append(field.control);
  for (const empty of document.querySelectorAll('.page-fields')) empty.remove();
  for (const words of document.querySelectorAll('[data-no-script]')) words.remove();
  document.getElementById('panel-buttons')?.append(finish);
  document.getElementById('finish-row')?.remove();
  panel.hidden = false;
  document.body.classList.add('guided');
  if (!stops.length) back.hidden = true;

  /** @type {Field | null} */
  let current = null;
  let started = false;

  const open = () => stops.filter((field) => field.required && !field.done());

  const count = () => {
    const required = stops.filter((field) => field.required);
    const left = open().length;
    const done = required.length - left;
    progress.textContent = required.length
      ? (texts.progress ?? '').replace('{done}', String(done)).replace('{total}', String(required.length)) : '';
    meter.style.setProperty('--done', String(required.length ? done / required.length : 1));
    next.hidden = left === 0;
    finish.hidden = left !== 0;
    next.textContent = (started || done ? texts.next : texts.start) ?? '';
  };

  /** @param {Field} field */
  const choose = (field) => {
    if (current && current !== field) {
      current.control.classList.remove('current');
      current.marker?.classList.remove('current');
    }
    current = field;
    field.control.classList.add('current');
    field.marker?.classList.add('current');
    back.disabled = stops.indexOf(field) === 0;
    measure();
  };

  /** @param {Field} field @param {boolean} focus */
  const lead = (field, focus) => {
    choose(field);
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    (field.marker ?? field.page).scrollIntoView({ block: 'center', behavior: calm ? 'instant' : 'smooth' });
    if (focus) field.input.focus({ preventScroll: true });
    field.control.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  };

  next.addEventListener('click', () => {
    started = true;
    const left = open();
    if (!left.length) return count();
    const here = current && left.includes(current) ? current : null;
    if (here && here.control.dataset.met && here.input.getAttribute('aria-invalid') !== 'true') {
      // Pressed while the field in hand is empty: say so once, and stay.
      here.check();
      lead(here, true);
      return;
    }
    const from = current ? stops.indexOf(current) : -1;
    const target = here && !here.control.dataset.met ? here : left.find((field) => stops.indexOf(field) > from) ?? left[0];
    target.control.dataset.met = 'yes';
    count();
    lead(target, true);
  });

  back.addEventListener('click', () => {
    const at = current ? stops.indexOf(current) : 0;
    const target = stops[at - 1];
    if (target) lead(target, true);
  });

  form.addEventListener('focusin', (event) => {
    const found = stops.find((field) => field.control.contains(/** @type {Node} */ (event.target)));
    if (found) found.control.dataset.met = 'yes';
    if (found && found !== current) {
      choose(found);
      const marker = found.marker?.getBoundingClientRect();
      if (marker && (marker.bottom < 60 || marker.top > innerHeight - 60)) lead(found, false);
    }
  });
  list.addEventListener('wanted', (event) => {
    const found = stops.find((field) => field.control === event.target);
    if (found) choose(found);
  });
  form.addEventListener('input', (event) => {
    const found = stops.find((field) => field.control.contains(/** @type {Node} */ (event.target)));
    if (found?.done()) found.fault('');
    count();
  });

  // Enter leads on; in a text of several lines it is a new line.
  form.addEventListener('keydown', (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key !== 'Enter' || event.isComposing || !(target instanceof HTMLInputElement)) return;
    event.preventDefault();
    (next.hidden ? finish : next).focus();
    if (!next.hidden) next.click();
  });

  form.addEventListener('submit', (event) => {
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    const making = button?.value.startsWith('signature:') && stops.find((field) => field.control.contains(button));
    if (making && openMaker(making)) {
      event.preventDefault();
      return;
    }
    if (button?.value === 'check') {
      const wrong = stops.filter((field) => !field.check());
      if (wrong.length) {
        event.preventDefault();
        lead(wrong[0], true);
        return;
      }
    }
    save.leaving();
  });

  const measure = () => {
    const floating = getComputedStyle(panel).position === 'fixed';
    document.documentElement.style.setProperty('--sheet', floating ? `${panel.offsetHeight}px` : '0px');
  };
  new ResizeObserver(measure).observe(panel);
  addEventListener('resize', measure);
  // Where a keyboard covers the page instead of shrinking it, the sheet stands on the keyboard.
  const view = window.visualViewport;
  const lift = () => {
    if (!view) return;
    const covered = view.scale > 1.05 ? 0 : Math.max(0, innerHeight - view.height - view.offsetTop);
    document.documentElement.style.setProperty('--keyboard', `${Math.round(covered)}px`);
  };
  view?.addEventListener('resize', lift);
  view?.addEventListener('scroll', lift);

  count();
  const asked = stops.find((field) => location.hash === `#f-${field.id}`);
  if (asked) lead(asked, true);
  else if (stops.length) {
    // With faults on the page the summary has the focus; the first of them is at hand.
    choose(stops.find((field) => field.input.getAttribute('aria-invalid') === 'true') ?? stops.find((field) => !field.done()) ?? stops[0]);
  }
  measure();
}
