// Pictures, sound and video on their way out: what may be sent, and how big it may be.

import { size } from "./dom.js";

/** The server takes messages of up to 1 MB ... */
export const LIMIT = 1_000_000;
/** ... of which long-polling, where binary data is sent as base64, can use three quarters. */
export const LIMIT_POLLING = 740_000;

const PICTURE = /^image\/(png|jpeg|gif|webp|avif)$/;
// No SVG: opened on its own it is a document that can run scripts.

/** kindOf says how a file of this type is shown, or "" when it is not. */
export function kindOf(type) {
  const plain = String(type).split(";")[0].trim().toLowerCase();
  if (PICTURE.test(plain)) return "picture";
  if (/^audio\/[\w.+-]+$/.test(plain)) return "audio";
  if (/^video\/[\w.+-]+$/.test(plain)) return "video";
  return "";
}

/** Refused is why a file cannot be sent, in words for a person. */
export class Refused extends Error {}

/** check throws Refused if a file cannot be sent, as far as that shows without reading it. */
export function check(file) {
  const kind = kindOf(file.type);
  if (!kind) throw new Refused(`${file.name} cannot be sent: only pictures, sound and video can.`);
  if (file.size === 0) throw new Refused(`${file.name} is empty.`);
  if (file.size > LIMIT && !shrinkable(file)) throw tooBig(file);
}

/**
 * prepare returns what is sent of a file: {name, type, data}. Whatever fits is sent as it is, byte for byte; a picture that
 * does not is made smaller, which is what a phone's camera needs.
 */
export async function prepare(file) {
  check(file);
  let body = file;
  let name = file.name;
  if (file.size > LIMIT) {
    body = await shrink(file);
    if (!body) throw tooBig(file);
    name = name.replace(/\.\w+$/, "") + ".jpg";
  }
  return { name, type: body.type, data: await body.arrayBuffer() };
}

const shrinkable = (file) => kindOf(file.type) === "picture" && !file.type.startsWith("image/gif"); // which may move

function tooBig(file) {
  const advice = kindOf(file.type) === "picture" ? "a smaller picture" : "a shorter clip";
  return new Refused(`${file.name} is ${size(file.size)}, and 1 MB is the limit. Try ${advice}.`);
}

/** shrink returns the picture as a JPEG that fits any transport, or null if it is not a picture or nothing helps. */
async function shrink(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return null;
  }
  const canvas = document.createElement("canvas");
  for (const [side, quality] of [[2048, 0.86], [1600, 0.82], [1280, 0.78], [960, 0.7], [640, 0.6]]) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff"; // JPEG knows no transparency
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const smaller = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
    if (smaller && smaller.size <= LIMIT_POLLING) return smaller;
  }
  return null;
}
