// A certificate for the loopback address, made with the generator that comes with Go.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const directory = mkdtempSync(join(tmpdir(), "compat-tests-tls-"));
after(() => rmSync(directory, { recursive: true, force: true }));

/** Makes the certificate and returns the options of startDemo that use it. */
export function certify() {
  const goroot = execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim();
  const generator = join(goroot, "src", "crypto", "tls", "generate_cert.go");
  execFileSync("go", ["run", generator, "--host", "127.0.0.1", "--ecdsa-curve", "P256"], {
    cwd: directory,
    stdio: "pipe",
  });
  return { flags: ["-tls-cert", join(directory, "cert.pem"), "-tls-key", join(directory, "key.pem")] };
}

/** The certificate, for clients to trust. */
export const authority = () => readFileSync(join(directory, "cert.pem"), "utf8");
