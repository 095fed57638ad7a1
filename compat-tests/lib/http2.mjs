import http2 from "node:http2";
import { once, within } from "./deadline.mjs";

/** One HTTP/2 connection to an https origin, trusting the certificate given. */
export class Http2 {
  #session;
  #settings;

  constructor(origin, ca) {
    this.#session = http2.connect(origin, { ca });
    this.#session.on("error", () => {});
    this.#settings = once(this.#session, "remoteSettings");
    this.#settings.catch(() => {});
  }

  /** Starts a request; returns {answer, cancel}, answer a promise of {status, body}. */
  begin(method, path, body) {
    const stream = this.#session.request({ ":method": method, ":path": path }, { endStream: body === undefined });
    const answer = new Promise((resolve, reject) => {
      let status;
      let text = "";
      stream.setEncoding("utf8");
      stream.on("response", (headers) => (status = headers[":status"]));
      stream.on("data", (chunk) => (text += chunk));
      stream.on("end", () => resolve({ status, body: text }));
      stream.on("error", reject);
    });
    const inTime = within(answer, `answer to ${method} ${path}`);
    // A cancelled request has an answer that nobody waits for.
    inTime.catch(() => {});
    if (body !== undefined) {
      stream.end(body);
    }
    return { answer: inTime, cancel: () => stream.close(http2.constants.NGHTTP2_CANCEL) };
  }

  send(method, path, body) {
    return this.begin(method, path, body).answer;
  }

  /** Whether the server lets a stream carry another protocol (RFC 8441). */
  async allowsTunnels() {
    const [settings] = await this.#settings;
    return settings.enableConnectProtocol;
  }

  /** Asks for a WebSocket; resolves with {status, stream}, stream the bytes of the WebSocket both ways. */
  async tunnel(path, headers = {}) {
    const stream = this.#session.request(
      { ":method": "CONNECT", ":protocol": "websocket", ":path": path, "sec-websocket-version": "13", ...headers },
      { endStream: false },
    );
    stream.on("error", () => {});
    const [answer] = await once(stream, "response");
    return { status: answer[":status"], stream };
  }

  close() {
    this.#session.destroy();
  }
}
