// A real PostgreSQL for the tests, in a folder and on a port of its own, ended with the tests.

import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Pool } from "pg";
import { Process } from "./process.mjs";
import { freePorts } from "./ports.mjs";
import { until } from "./redis.mjs";

const debian = "/usr/lib/postgresql";

/** A command of PostgreSQL, which refuses to be run by root. */
function command(name, args) {
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const program = versions.map((version) => join(debian, version, "bin", name)).filter(existsSync).at(-1) ?? name;
  if (process.getuid() !== 0) {
    return [program, args];
  }
  return ["setpriv", ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", program, ...args]];
}

/** Starts a PostgreSQL with the table of the official adapter. */
export async function startPostgres() {
  const dir = mkdtempSync("/tmp/postgres-"); // the folder of the tests is for their own user
  if (process.getuid() === 0) {
    chownSync(dir, Number(execFileSync("id", ["-u", "nobody"])), Number(execFileSync("id", ["-g", "nobody"])));
  }
  const data = join(dir, "data");
  execFileSync(...command("initdb", ["-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]), { cwd: dir });
  const [port] = await freePorts(1);
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=300"];
  const server = new Process(...command("postgres", ["-D", data, ...settings.flatMap((setting) => ["-c", setting])]), { cwd: dir });
  const address = `postgres@127.0.0.1:${port}/postgres`;
  const pool = new Pool({ connectionString: `postgres://${address}`, max: 1 });
  pool.on("error", () => {}); // it is ended by tests
  await until(() => pool.query("SELECT 1").then(() => true, () => false), "PostgreSQL", 20_000);
  await pool.query("CREATE TABLE socket_io_attachments (id bigserial UNIQUE, created_at timestamptz DEFAULT NOW(), payload bytea)");
  return {
    address,
    pool,
    async kill() {
      await pool.end();
      await server.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
