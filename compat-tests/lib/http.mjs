// Requests as a scenario wants them, not as a browser would send them: any method, any query, no redirects, no
// retries, and a connection of its own unless an agent is given.

import http from "node:http";
import { once, within } from "./deadline.mjs";

/**
 * Starts a request and returns {answer, destroy}: answer is a promise of {status, headers, body, data}, the body as text
 * and as bytes; destroy cuts the connection. The answer is rejected when the connection ends without one.
 */
export function begin(method, url, { headers = {}, body, agent } = {}) {
  const request = http.request(url, { method, headers, agent: agent ?? false });
  const answer = new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const data = Buffer.concat(chunks);
        resolve({ status: response.statusCode, headers: response.headers, data, body: data.toString() });
      });
    });
  });
  const inTime = within(answer, `answer to ${method} ${url}`);
  // A cut connection is reported to whoever waits for the answer, and is nobody's business otherwise.
  inTime.catch(() => {});
  request.end(body);
  return {
    answer: inTime,
    destroy: () => request.destroy(),
    /** Resolves when the whole request has been handed to the kernel. */
    sent: () => (request.writableFinished ? undefined : once(request, "finish")),
  };
}

/** A whole request: resolves with {status, headers, body}. */
export function send(method, url, options) {
  return begin(method, url, options).answer;
}

export const get = (url, options) => send("GET", url, options);
export const post = (url, body, options) => send("POST", url, { ...options, body });
