// WebSocket frames by hand, for what a WebSocket library would not send.

/** Opcodes of RFC 6455, section 5.2. */
export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/**
 * A client's frame. fin: last frame of its message; reserved: the three reserved bits; masked: clients must; length:
 * what the header says, whatever the payload has.
 */
export function frame(opcode, payload = "", { fin = true, reserved = 0, masked = true, length } = {}) {
  const data = Buffer.from(payload);
  const announced = length ?? data.length;
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  let header;
  if (announced < 126) {
    header = Buffer.from([first, maskBit | announced]);
  } else if (announced < 65_536) {
    header = Buffer.from([first, maskBit | 126, announced >> 8, announced & 0xff]);
  } else {
    header = Buffer.alloc(10);
    header[0] = first;
    header[1] = maskBit | 127;
    header.writeBigUInt64BE(BigInt(announced), 2);
  }
  if (!masked) {
    return Buffer.concat([header, data]);
  }
  const key = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  return Buffer.concat([header, key, data.map((byte, i) => byte ^ key[i % 4])]);
}
