// What several visitors see at the same moment, in one picture.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { artifacts } from "./visitor.mjs";

const style = `
  body { margin: 0; padding: 24px; background: #10202b; color: #fff; font: 17px/1.4 system-ui, sans-serif; }
  h1 { font-size: 24px; margin: 0 0 4px } p { margin: 0 0 20px; color: #b9cad4 }
  main { display: grid; grid-template-columns: repeat(2, max-content); gap: 20px }
  figure { margin: 0; border-radius: 12px; overflow: hidden; background: #fff }
  figcaption { padding: 9px 16px; font-weight: 600; background: #24485c }
  figcaption small { font-weight: 400; opacity: .85 } figure.off figcaption { background: #a4452c }
  img { display: block }`;

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.codePointAt(0)};`);

/**
 * Photographs visitors side by side, under a title and a text that says what happens: each is {visitor, caption, isOff}.
 */
export async function board(browser, name, { title, text, seats }) {
  const figures = await Promise.all(
    seats.map(async ({ visitor, caption, isOff }) => {
      const image = await visitor.page.screenshot({ animations: "disabled" });
      return `<figure class="${isOff ? "off" : ""}"><figcaption>${escape(visitor.nick)} <small>${escape(caption)}${isOff ? " · network cut" : ""}</small></figcaption>
        <img src="data:image/png;base64,${image.toString("base64")}" alt=""></figure>`;
    }),
  );
  const page = await browser.newPage({ viewport: { width: 1348, height: 800 } });
  try {
    await page.setContent(`<!doctype html><style>${style}</style><h1>${escape(title)}</h1><p>${escape(text)}</p><main>${figures.join("")}</main>`);
    mkdirSync(artifacts, { recursive: true });
    await page.screenshot({ path: join(artifacts, `${name}.png`), fullPage: true });
  } finally {
    await page.close();
  }
}
