// The matrix: what became of each scenario, with each client, over each transport, against each server.

/** Sorted as clients.mjs has them; whoever is not there comes last. */
const order = (names) => (a, b) => (names.indexOf(a) + 1 || names.length + 1) - (names.indexOf(b) + 1 || names.length + 1);

/**
 * Reads what results.mjs has written: a Map from a cell's key to {file, scenario, client, transport, state, error}. What a file says that
 * run.mjs has run again counts, and not what it said before.
 */
export function readResults(text) {
  const cells = new Map();
  for (const line of text.split("\n").filter(Boolean)) {
    const cell = JSON.parse(line);
    const key = [cell.file, cell.scenario, cell.client, cell.transport].join("\t");
    let before = cells.get(key);
    if (cell.again && !before?.again) {
      before = undefined;
    }
    if (cell.state === "declared") {
      // A name may be used several times in a file: the worst of them counts.
      cells.set(key, before ?? { ...cell, state: "fail", error: "did not end" });
    } else if (!before || before.error === "did not end" || cell.state === "fail") {
      cells.set(key, cell);
    }
  }
  return cells;
}

/** The matrix of targets: [{name, title, cells}], of which the first is ours and the one called node is the official one. */
export class Matrix {
  constructor(targets, clients) {
    this.targets = targets;
    const [ours, official] = [targets[0], targets.find(({ name }) => name === "node")];
    const keys = new Set(targets.flatMap(({ cells }) => [...cells.keys()]));
    this.rows = new Map();
    this.clients = new Map();
    this.differing = [];
    this.wrong = [];
    this.failing = [];
    for (const key of keys) {
      const known = targets.map(({ cells }) => cells.get(key));
      const { file, scenario, client } = known.find(Boolean);
      const row = `${file}\t${scenario}`;
      for (const [map, name] of [[this.rows, row], [this.clients, client]]) {
        const counts = map.get(name) ?? targets.map(() => ({ passed: 0, total: 0 }));
        map.set(name, counts);
        known.forEach((cell, i) => {
          counts[i].total += cell ? 1 : 0;
          counts[i].passed += cell?.state === "pass" ? 1 : 0;
        });
      }
      known.forEach((cell, i) => cell?.state === "fail" && this.failing.push({ target: targets[i], cell }));
      const [mine, theirs] = [ours?.cells.get(key), official?.cells.get(key)];
      if (mine && theirs && mine.state !== theirs.state) {
        this.differing.push({ mine, theirs });
      } else if (mine?.state === "fail") {
        this.wrong.push({ mine, theirs });
      }
    }
    this.clients = new Map([...this.clients].sort(([a], [b]) => order(clients)(a, b)));
    this.rows = new Map([...this.rows].sort(([a], [b]) => a.localeCompare(b)));
  }

  /** How many scenarios there are with a client, each counted once. */
  get scenarios() {
    const named = new Set(this.targets.flatMap(({ cells }) => [...cells.values()]).filter(({ client }) => client !== "wire").map(({ file, scenario }) => `${file}\t${scenario}`));
    return named.size;
  }

  /** How many cells there are of all targets. */
  get size() {
    return this.targets.reduce((sum, { cells }) => sum + cells.size, 0);
  }

  /** One line for each scenario, for a terminal. */
  print() {
    const width = 78;
    const lines = [`${"".padEnd(width)}  ${this.targets.map(({ name }) => name.padStart(9)).join("")}`];
    for (const [row, counts] of this.rows) {
      const [file, scenario] = row.split("\t");
      const name = `${file}: ${scenario}`;
      lines.push(`${(name.length > width ? `${name.slice(0, width - 1)}…` : name).padEnd(width)}  ${counts.map((c) => fraction(c).padStart(9)).join("")}`);
    }
    lines.push("");
    for (const [client, counts] of this.clients) {
      lines.push(`${`all with ${client}`.padEnd(width)}  ${counts.map((c) => fraction(c).padStart(9)).join("")}`);
    }
    return lines.join("\n");
  }

  /** The table at the top of the document. */
  summary() {
    const header = `| client | ${this.targets.map(({ title }) => title).join(" | ")} |\n| --- |${" ---: |".repeat(this.targets.length)}`;
    const rows = [...this.clients].map(([client, counts]) => `| ${describeClient(client)} | ${counts.map(fraction).join(" | ")} |`);
    return [header, ...rows].join("\n");
  }

  /** docs/evidence/compat-matrix.md. */
  document() {
    const lines = [
      "# Compatibility matrix",
      "",
      `Written by \`make compat\`: ${this.scenarios} scenarios with the official clients, and what happens on the wire, against each server. A cell says how many`,
      "combinations of client and transport passed, of those that the scenario is about. The run fails where ours differs from the official server.",
      "The peer is given less time for each answer (2.5 s instead of 8 s) and runs more files at once, since much of what it fails is waiting for what never comes;",
      "on a busy machine a few of its failures may be due to that.",
      "",
      this.summary(),
      "",
    ];
    let group;
    for (const [row, counts] of this.rows) {
      const [file, scenario] = row.split("\t");
      if (file !== group) {
        group = file;
        lines.push("", `## ${file}`, "", `| scenario | ${this.targets.map(({ name }) => name).join(" | ")} |`, `| --- |${" ---: |".repeat(this.targets.length)}`);
      }
      lines.push(`| ${escape(scenario)} | ${counts.map(fraction).join(" | ")} |`);
    }
    lines.push("", "## Failures", "");
    if (this.failing.length === 0) {
      lines.push("None.");
    }
    const details = new Map();
    for (const { target, cell } of this.failing) {
      const key = `${target.title}\t${cell.file}: ${cell.scenario}`;
      const list = details.get(key) ?? [];
      list.push(cell);
      details.set(key, list);
    }
    let title;
    for (const [key, cells] of [...details].sort(([a], [b]) => a.localeCompare(b))) {
      const [target, name] = key.split("\t");
      if (target !== title) {
        title = target;
        lines.push("", `### ${title}`, "", "| scenario | with | first error |", "| --- | --- | --- |");
      }
      lines.push(`| ${escape(name)} | ${escape(combinations(cells))} | ${escape(short(cells[0].error))} |`);
    }
    return `${lines.join("\n").replaceAll("\n\n\n", "\n\n")}\n`;
  }
}

/** Which clients and transports cells are about: "4.8.4 (polling, upgrade), …". */
function combinations(cells) {
  const transports = new Map();
  for (const { client, transport } of cells) {
    transports.set(client, [...(transports.get(client) ?? []), transport].filter(Boolean));
  }
  return [...transports].map(([client, names]) => (names.length > 0 ? `${client} (${names.join(", ")})` : client)).join(", ");
}

const fraction = ({ passed, total }) => (total === 0 ? "–" : `${passed}/${total}`);

/** An error in a few words, without what changes from run to run. */
function short(error = "") {
  const [first] = error.split("\n");
  return first.replaceAll(/[\w-]{20}/g, "ID").slice(0, 120);
}

const escape = (text) => text.replaceAll("\\", "\\\\").replaceAll("|", "\\|").replaceAll("<", "&lt;");

function describeClient(name) {
  if (name === "wire") {
    return "bytes on the wire";
  }
  return /^\d/.test(name) ? `socket.io-client ${name.replace("+", ", ")}` : `socket.io-client ${name}`;
}
