// How much heavier is a penguin with longer flippers? TypeScript in a context of hotcell, which E2B's SDK drives.
//
//   npm install
//   E2B_DEBUG=true node penguins.ts
//
// Node.js 22.18 or newer takes types by itself; before, it is npx tsx penguins.ts.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type PointData, Sandbox, type ScatterChart } from "@e2b/code-interpreter";

const require = createRequire(import.meta.url);
const csv = await readFile(require.resolve("@observablehq/sample-datasets/penguins.csv"), "utf8");

const sandbox = await Sandbox.create();
const context = await sandbox.createCodeContext({ language: "typescript" });

// What one call defines, the next ones find.
await sandbox.runCode(`const csv: string = ${JSON.stringify(csv)}`, { context });

const { results, logs, error } = await sandbox.runCode(
  `
type Penguin = { species: string; flipper: number; mass: number }
const penguins: Penguin[] = csv.trim().split('\\n').slice(1)
  .map((line) => line.split(','))
  .map(([species, , , , flipper, mass]) => ({ species, flipper: Number(flipper), mass: Number(mass) }))
  .filter((p) => Number.isFinite(p.flipper) && Number.isFinite(p.mass))

const mean = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length
for (const species of new Set(penguins.map((p) => p.species))) {
  const these = penguins.filter((p) => p.species === species)
  const x = mean(these.map((p) => p.flipper)), y = mean(these.map((p) => p.mass))
  const slope = these.reduce((sum, p) => sum + (p.flipper - x) * (p.mass - y), 0) /
    these.reduce((sum, p) => sum + (p.flipper - x) ** 2, 0)
  console.log(species.padEnd(10), y.toFixed(0), 'g,', slope.toFixed(1), 'g more for each mm of flipper')
}

display({ 'application/vnd.vegalite.v5+json': {
  title: 'Penguins',
  data: { values: penguins },
  mark: 'point',
  encoding: {
    x: { field: 'flipper', type: 'quantitative', title: 'Flipper (mm)', scale: { zero: false } },
    y: { field: 'mass', type: 'quantitative', title: 'Mass (g)', scale: { zero: false } },
    color: { field: 'species' },
  },
} })
`,
  { context },
);
if (error) throw new Error(error.traceback);
process.stdout.write(logs.stdout.join(""));

// The chart came as data: of each series its points, as they are drawn.
const chart = results[0].chart as ScatterChart;
console.log(`${chart.title}, a ${chart.type} chart of ${chart.x_label} and ${chart.y_label}`);
for (const { label, points } of chart.elements as PointData[]) {
  const heaviest = points.reduce((a, b) => (b[1] > a[1] ? b : a));
  console.log(label.padEnd(10), `${points.length} points, the heaviest at ${heaviest.join(", ")}`);
}

await sandbox.removeCodeContext(context);
