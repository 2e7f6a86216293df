// Renders Markdown with Mermaid charts in a headless Chromium; started by picture.sh.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import MarkdownIt from "markdown-it";
import puppeteer from "puppeteer-core";

const [markdown, png, theme, width] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const css = readFileSync(require.resolve(`github-markdown-css/github-markdown-${theme}.css`), "utf8");
const body = new MarkdownIt({ html: true }).render(readFileSync(markdown, "utf8"));
const background = theme === "dark" ? "#0d1117" : "#ffffff";
const html = `<!doctype html><meta charset="utf-8"><style>${css}</style>
<style>
body { margin: 0; background: ${background} }
.markdown-body { padding: 16px }
.markdown-body pre:has(svg) { padding: 0; background: none }
</style>
<article class="markdown-body">${body}</article>`;

// Chromium cannot use its sandbox as root. The page loads nothing from other origins.
const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM, args });
try {
  const page = await browser.newPage();
  await page.setViewport({ width: Number(width), height: 400, deviceScaleFactor: 1.5 });
  await page.setContent(html);
  await page.addScriptTag({ path: require.resolve("mermaid/dist/mermaid.min.js") });
  const charts = await page.evaluate(async (dark) => {
    mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "default" });
    const blocks = [...document.querySelectorAll("code.language-mermaid")];
    const drawn = [];
    for (const [n, block] of blocks.entries()) {
      const { svg } = await mermaid.render(`chart${n}`, block.textContent);
      block.parentElement.innerHTML = svg;
      drawn.push(svg.includes("NaN") ? "NaN" : "");
    }
    return drawn;
  }, theme === "dark");
  if (charts.includes("NaN")) throw new Error("a chart has points that are not numbers");
  await (await page.$("article")).screenshot({ path: png });
  console.log(`${png}: ${charts.length} charts`);
} finally {
  await browser.close();
}
