// The scripts, in tables: each file is one, {name, scripts}.

import { readdirSync } from "node:fs";

const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".mjs") && file !== "index.mjs" && file !== "table.mjs");

export const tables = (
  await Promise.all(files.toSorted().map(async (file) => (await import(`./${file}`)).default))
).flat();
