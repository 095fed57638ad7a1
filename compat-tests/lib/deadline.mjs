// Waiting without sleeping: everything that a scenario awaits has a deadline and a name to fail with.

/** How long anything that should happen at once may take, in milliseconds: wide, for a busy machine. */
export const SOON = Number(process.env.COMPAT_PATIENCE ?? 8_000);

/** Resolves as promise does, or rejects after ms milliseconds with an Error that says what was awaited. */
export function within(promise, what, ms = SOON) {
  const late = new Error(`${what}: not within ${ms} ms`);
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(late), ms);
  });
  return Promise.race([promise, deadline]).finally(() => clearTimeout(timer));
}

/** Resolves with the arguments of the emitter's next event of that name. */
export function once(emitter, name, ms = SOON) {
  const { promise, resolve } = withResolvers();
  emitter.once(name, (...args) => resolve(args));
  return within(promise, `event ${JSON.stringify(name)}`, ms);
}

/** Promise.withResolvers, which Node.js 20 does not have. */
export function withResolvers() {
  let resolve, reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
