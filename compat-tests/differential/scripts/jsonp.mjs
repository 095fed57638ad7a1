// JSONP, in both protocols.

import { ENGINE, table } from "./table.mjs";

const form = { "Content-Type": "application/x-www-form-urlencoded" };
const d = (payload) => `d=${encodeURIComponent(payload)}`;
const v3 = { EIO: "3", j: "0", b64: "1" };
const v4 = { j: "7" };
const page = { "Sec-Fetch-Site": "same-origin" }; // what a browser says of a page of the server's own
const exchange = (query, ...bodies) =>
  [["open", query, page], ...bodies.flatMap((body) => [["post", body, query, form], ["get", query, page]])];
const in3 = (body) => exchange(v3, body, d("6:4after"));
const in4 = (body) => exchange(v4, body, d("4after"));

const bodies = {
  "a message": d("4hello"),
  "unicode": d("4é€🔑\u2028\u2029"),
  "quotes and tags": d("4\"'</script>\\"),
  "an escaped line break": d("4a\\nb"),
  "an escaped backslash and n": d("4a\\\\nb"),
  "a line break": d("4a\nb"),
  "no d": "x=1",
  "nothing": "",
  "an empty d": "d=",
  "d twice": "d=4one&d=4two",
  "d after something else": `x=1&${d("4hello")}`,
  "a plus": "d=4a+b",
  "bad percent-encoding": "d=4%zz",
  "no UTF-8": "d=4%ff",
  "d without a value": "d",
};

export default table("jsonp", { at: ENGINE, server: ["-eio3"] }, {
  ...Object.fromEntries(Object.entries(bodies).map(([name, body]) => [`${name}, protocol 4`, in4(body)])),
  "a message, protocol 3": in3(d("6:4hello")),
  "unicode, protocol 3": in3(d("4:4€é!")),
  "line breaks, protocol 3": in3(d("4:4a\\nb")),
  "binary, protocol 3": in3(d("10:b4AQIDBA==")),
  ...Object.fromEntries(
    ["", "abc", "12abc", "-1", "1;alert(1)", "0x10", "9".repeat(40)].map((j) => [
      `the callback ${JSON.stringify(j)}`,
      [["open", { j }, page]],
    ]),
  ),
  "a GET that waits": [["open", v4, page], ["get", v4, page], ["post", d("4hello"), v4, form]],
  "an error": [["request", { query: "EIO=4&transport=polling&j=1&sid=none" }]],
  "an unknown transport": [["request", { query: "EIO=4&transport=x&j=1" }]],
  "the end": [["open", v4, page], ["get", v4, page], ["post", d("1"), v4, form]],
  "overlapping GETs": [["open", v4, page], ["get", v4, page], ["get", v4, page]],
  "compressed": [["open", v4, page], ["post", d(`4${"x".repeat(1_200)}`), v4, form], ["get", v4, { ...page, "Accept-Encoding": "gzip" }]],
  "a page that hides itself": [["open", v4]],
});
