// Two minutes before an idle session ends: asks, and stays if the answer is yes.

const BEFORE_MS = 120_000;

/**
 * @param {DOMStringMap} texts
 * @param {import('./autosave.js').Save} save
 */
export function startSession(texts, save) {
  const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById('idle'));
  const idle = Number(texts.idle) * 1000;
  if (!dialog || !(idle > BEFORE_MS)) return;
  let timer = 0;
  let last = 0;

  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => { if (!dialog.open) dialog.showModal(); }, idle - BEFORE_MS);
  };
  // Someone who types or reads keeps the session; the server hears of it at most once a minute.
  const alive = () => {
    if (dialog.open || performance.now() - last < 60_000) return;
    last = performance.now();
    save.touch().then(wait, () => {});
  };
  document.getElementById('stay')?.addEventListener('click', () => {
    dialog.close();
    last = performance.now();
    save.touch().then(wait, wait);
  });
  dialog.addEventListener('close', alive);
  for (const kind of ['keydown', 'pointerdown', 'scroll']) addEventListener(kind, alive, { passive: true });
  last = performance.now();
  wait();
}
