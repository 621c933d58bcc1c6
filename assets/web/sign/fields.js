// The controls: what they hold, whether they are done, what is wrong with them. Mirrors the server's rules; the server decides.

/**
 * @typedef {'signature' | 'initials' | 'date' | 'text' | 'checkbox'} Asks
 * @typedef {object} Field
 * @property {string} id
 * @property {Asks} asks
 * @property {boolean} required
 * @property {HTMLElement} control the box with label, input and fault
 * @property {HTMLElement} input what takes the focus
 * @property {HTMLElement} page the section of its page
 * @property {number[]} rect left, top, width, height in percent of the page
 * @property {HTMLElement | null} marker its button on the picture
 * @property {() => string} value
 * @property {() => boolean} done
 * @property {() => boolean} check shows or clears the fault; true if there is none
 * @property {(text: string) => void} fault shows this text, or clears it
 */

/**
 * @param {HTMLFormElement} form
 * @param {DOMStringMap} texts
 * @returns {Field[]} in the order of the pages
 */
export function startFields(form, texts) {
  // Ours to say: beside the field, in the page's language.
  form.noValidate = true;
  return [...form.querySelectorAll('.control')].map((box) => field(/** @type {HTMLElement} */ (box), texts));
}

/**
 * @param {HTMLElement} control
 * @param {DOMStringMap} texts
 * @returns {Field}
 */
function field(control, texts) {
  const id = control.id.slice(2);
  const asks = /** @type {Asks} */ (control.dataset.asks);
  const required = 'required' in control.dataset;
  const input = /** @type {HTMLInputElement} */ (document.getElementById(`f-${id}`));
  const error = /** @type {HTMLElement} */ (document.getElementById(`e-${id}`));
  const page = /** @type {HTMLElement} */ (control.closest('.page'));
  const place = document.createElement('span');
  place.className = 'place';
  const name = page.closest('.document')?.parentElement?.querySelectorAll('.document').length === 1
    ? '' : `${page.closest('.document')?.getAttribute('data-name')}, `;
  place.textContent = name + (texts.place ?? '').replace('{n}', page.dataset.page ?? '');
  (control.querySelector('label, .label') ?? control).after(place);

  const value = () => {
    if (asks === 'checkbox') return input.checked ? 'on' : '';
    if (asks === 'date') return input.textContent ?? '';
    if (asks === 'text') return input.value;
    return control.querySelector('.mark') ? 'on' : '';
  };
  const fault = (/** @type {string} */ text) => {
    error.textContent = text;
    error.hidden = !text;
    const described = new Set((input.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean));
    if (text) described.add(error.id);
    else described.delete(error.id);
    input.setAttribute('aria-describedby', [...described].join(' '));
    if (text) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
    self.marker?.classList.toggle('wrong', Boolean(text));
  };
  const missing = {
    signature: texts.requiredSignature, initials: texts.requiredInitials,
    checkbox: texts.requiredTick, text: texts.required, date: '',
  };
  /** @type {Field} */
  const self = {
    id, asks, required, control, input, page,
    rect: (control.dataset.rect ?? '').split(' ').map(Number),
    marker: null,
    value,
    done: () => value().trim() !== '',
    check: () => {
      const good = !required || self.done();
      fault(good ? '' : missing[asks] ?? '');
      return good;
    },
    fault,
  };
  return self;
}
