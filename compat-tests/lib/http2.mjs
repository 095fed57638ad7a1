import http2 from "node:http2";
import { within } from "./deadline.mjs";

/** One HTTP/2 connection to an https origin, trusting the certificate given. */
export class Http2 {
  #session;

  constructor(origin, ca) {
    this.#session = http2.connect(origin, { ca });
    this.#session.on("error", () => {});
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

  close() {
    this.#session.destroy();
  }
}
