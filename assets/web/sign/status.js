// The waiting page: asks after 1, 2, 4 … 15 seconds, for two minutes, and shows the new state when there is one.

const LIMIT_MS = 120_000;
const LONGEST_MS = 15_000;

/** @param {HTMLElement} box */
export function startStatus(box) {
  const href = box.dataset.href ?? '';
  const state = box.dataset.state;
  let pause = 1000;
  let spent = 0;

  const ask = async () => {
    try {
      const answer = await fetch(href, { headers: { Accept: 'application/json' } });
      if (answer.ok && (await answer.json()).state !== state) {
        location.reload();
        return;
      }
      if (answer.status === 403) return;
    } catch {
      // Offline for a moment: ask again.
    }
    next();
  };
  const next = () => {
    if (spent >= LIMIT_MS) return;
    setTimeout(ask, pause);
    spent += pause;
    pause = Math.min(pause * 2, LONGEST_MS);
  };
  next();
}
