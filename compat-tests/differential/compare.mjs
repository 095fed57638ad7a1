// Holds two transcripts of a script against each other, and what differs against the list of known differences.

/** The lines of a that b does not have, each counted as often as it stands there. */
function missing(a, b) {
  const left = [...b];
  return a.filter((line) => {
    const i = left.indexOf(line);
    if (i >= 0) {
      left.splice(i, 1);
    }
    return i < 0;
  });
}

function matches(pattern, lines) {
  return pattern === undefined || (pattern === null ? lines.length === 0 : pattern.test(lines.join("\n")));
}

/**
 * Compares step by step, with {official, ours} the two transcripts. Resolves with {used, differing}: the known differences that
 * were met, and the index of the first step with a difference that is not known, or -1.
 */
export function compare(script, { official, ours }, known) {
  const used = new Set();
  for (const [i, { step, lines }] of official.entries()) {
    const only = { official: missing(lines, ours[i].lines), ours: missing(ours[i].lines, lines) };
    if (only.official.length === 0 && only.ours.length === 0) {
      if (lines.join("\n") !== ours[i].lines.join("\n")) {
        return { used, differing: i }; // the same lines, in another order
      }
      continue;
    }
    const entry = known.find(
      (k) =>
        matches(k.script, [script.name]) &&
        matches(k.step, [JSON.stringify(step)]) &&
        matches(k.official, only.official) &&
        matches(k.ours, only.ours),
    );
    if (!entry) {
      return { used, differing: i };
    }
    used.add(entry);
    if (entry.parts) {
      break; // from here on the two sessions are in different states
    }
  }
  return { used, differing: -1 };
}

/** The step that differs first, with the lines that only one of the transcripts has there. */
export function brief({ name }, { official, ours }, differing) {
  const { step, lines } = official[differing];
  return [
    `${name}: step ${differing + 1}, ${JSON.stringify(step).slice(0, 200)}`,
    ...missing(lines, ours[differing].lines).map((line) => `  official  ${line}`),
    ...missing(ours[differing].lines, lines).map((line) => `  ours      ${line}`),
  ].join("\n");
}

const WIDTH = 78;

function wrap(text) {
  const rows = [];
  for (let i = 0; i < text.length || i === 0; i += WIDTH) {
    rows.push(text.slice(i, i + WIDTH));
  }
  return rows;
}

function beside(left, right) {
  const rows = Math.max(left.length, right.length);
  return Array.from({ length: rows }, (_, i) => `  ${(left[i] ?? "").padEnd(WIDTH)} | ${right[i] ?? ""}`);
}

/** Both transcripts side by side, with a mark at the step that differs first. */
export function sideBySide(script, { official, ours }, differing) {
  const text = [`script ${JSON.stringify(script.name)}${script.server ? ` (${script.server.join(" ")})` : ""} at ${script.at}`];
  text.push(...beside(["OFFICIAL"], ["OURS"]));
  for (const [i, { step, lines }] of official.entries()) {
    const shown = JSON.stringify(step);
    text.push(`${i === differing ? ">>" : "  "}${i + 1}. ${shown.length > 300 ? `${shown.slice(0, 300)}...` : shown}`);
    text.push(...beside(lines.flatMap(wrap), ours[i].lines.flatMap(wrap)));
  }
  return text.join("\n");
}
