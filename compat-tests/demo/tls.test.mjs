// Over TLS a connection cannot be written to past its buffers: the same roads, paved differently.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect, overEachTransport, record, upgraded, useDemo } from "../lib/suite.mjs";

const directory = mkdtempSync(join(tmpdir(), "compat-tests-tls-"));
after(() => rmSync(directory, { recursive: true, force: true }));

/** Makes a certificate for the loopback address with the generator that comes with Go. */
function certify() {
  const goroot = execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim();
  const generator = join(goroot, "src", "crypto", "tls", "generate_cert.go");
  execFileSync("go", ["run", generator, "--host", "127.0.0.1", "--ecdsa-curve", "P256"], {
    cwd: directory,
    stdio: "pipe",
  });
  return { flags: ["-tls-cert", join(directory, "cert.pem"), "-tls-key", join(directory, "key.pem")] };
}

const demo = useDemo(certify);

overEachTransport((transport) => {
  test("messages travel both ways", async (t) => {
    const ca = readFileSync(join(directory, "cert.pem"), "utf8");
    const client = await connect(t, `${demo.url}/chat`, transport, { ca });
    if (transport.name !== "polling") {
      await upgraded(client);
    }
    const heard = record(client, "message");
    const sent = Array.from({ length: 100 }, (_, i) => [i, "x".repeat(i * 50), Buffer.alloc(i, i)]);
    for (const args of sent) {
      client.emit("message", ...args);
    }
    assert.deepEqual(await heard.take(sent.length), sent);
  });
});
