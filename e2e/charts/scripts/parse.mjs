// Parses the charts on standard input with Daytona's client, and writes down what it makes of them.
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const modules = String(process.env.HOTCELL_E2E_NODE_MODULES);
const require = createRequire(join(modules, "x.js"));
// What codeRun hands each chart to; the package doesn't export it.
const { ChartType, parseChart } = require(join(modules, "@daytonaio/sdk/cjs/types/Charts.js"));
const known = new Set(Object.values(ChartType));

/** @param {any} element */
const numbers = (element) =>
  element.points.every((/** @type {any[]} */ p) => p.every((x) => typeof x === "number"));

/** @type {Record<string, (element: any) => boolean>} what the SDK's types say of an element */
const fits = {
  line: numbers,
  scatter: numbers,
  bar: (e) => typeof e.label === "string" && typeof e.value === "string" && e.value !== "",
  pie: (e) => typeof e.label === "string" && typeof e.angle === "number",
  box_and_whisker: (e) => typeof e.median === "number" && Array.isArray(e.outliers),
};

/** @param {any} raw @returns {any} */
function parsed(raw) {
  const chart = parseChart(raw);
  const nested = chart.type === "composite_chart" ? chart.elements.map(parsed) : null;
  return {
    type: chart.type,
    elements: chart.elements.length,
    figure: chart.figure !== undefined,
    nested: nested?.map((/** @type {any} */ one) => one.elements) ?? null,
    fits:
      known.has(chart.type) &&
      chart.elements.every(fits[chart.type] ?? (() => true)) &&
      (nested ?? []).every((/** @type {any} */ one) => one.fits),
  };
}

process.stdout.write(JSON.stringify(JSON.parse(await text(process.stdin)).map(parsed)));
