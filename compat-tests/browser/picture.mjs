import { createHash } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/**
 * A PNG of the size given, a sunset over water, with noise of that strength (0 to 255) so that it does not compress
 * to nothing. Always the same for the same arguments.
 */
export function picture(width, height, noise = 24) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB

  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const rows = Buffer.alloc(height * (1 + 3 * width));
  let at = 0;
  for (let y = 0; y < height; y++) {
    rows[at++] = 0; // no filter
    const down = y / height;
    for (let x = 0; x < width; x++) {
      const sun = Math.hypot(x - width * 0.62, (y - height * 0.5) * 1.1) < height * 0.16 && down < 0.55;
      const water = down >= 0.55;
      const colour = sun ? [255, 214, 120] : water ? [40, 70 + 60 * down, 120] : [250 - 60 * down, 120 + 90 * down, 90];
      const grain = (random() - 0.5) * noise;
      for (const value of colour) {
        rows[at++] = Math.max(0, Math.min(255, value + grain));
      }
    }
  }
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A second of a tone as a WAV file. */
export function tone() {
  const rate = 8_000;
  const wav = Buffer.alloc(44 + 2 * rate);
  wav.write("RIFF", 0, "latin1");
  wav.writeUInt32LE(36 + 2 * rate, 4);
  wav.write("WAVEfmt ", 8, "latin1");
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20); // PCM
  wav.writeUInt16LE(1, 22); // mono
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(2 * rate, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36, "latin1");
  wav.writeUInt32LE(2 * rate, 40);
  for (let i = 0; i < rate; i++) {
    wav.writeInt16LE(Math.round(8_000 * Math.sin((2 * Math.PI * 440 * i) / rate)), 44 + 2 * i);
  }
  return wav;
}

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
