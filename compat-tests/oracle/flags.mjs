// The command line of the interop server, as Go's flag package reads it: `-name value`, `-name=value`, one dash or two.

const durationUnits = { ms: 1, s: 1000, m: 60_000 };

function duration(text) {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (!match) {
    throw new Error(`invalid duration ${JSON.stringify(text)}`);
  }
  return Number(match[1]) * durationUnits[match[2]];
}

const kinds = {
  addr: String,
  "ping-interval": duration,
  "ping-timeout": duration,
  "connect-timeout": duration,
  "max-payload": Number,
  "body-timeout": duration,
  path: String,
  cors: String,
  cookie: Boolean,
  eio3: Boolean,
  bus: String,
  cluster: String,
  "cluster-client": String,
  admin: String,
  recovery: Boolean,
  "recovery-duration": duration,
  "recovery-run-middlewares": Boolean,
  parser: String,
  deflate: Boolean,
};

/** Parses args over the defaults given, or throws an Error that says what is wrong. */
export function parseFlags(args, defaults) {
  const flags = { ...defaults };
  for (let i = 0; i < args.length; i++) {
    const [, name, inline] = /^--?([a-z0-9-]+)(?:=(.*))?$/s.exec(args[i]) ?? [];
    const kind = name && Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (!kind) {
      throw new Error(`unknown argument ${JSON.stringify(args[i])}`);
    }
    if (kind === Boolean) {
      flags[name] = inline !== "false";
      continue;
    }
    const value = inline ?? args[++i];
    if (value === undefined) {
      throw new Error(`-${name} needs a value`);
    }
    flags[name] = kind(value);
  }
  return flags;
}
