// One-shot code with the TypeScript SDK, unmodified: the examples of Daytona's
// guide as they stand there, and what they leave open. SDK names the package.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { rejection, report } from "./report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const sdk = require(String(process.env.SDK));
const { Daytona, DaytonaError } = sdk;
const old = process.env.SDK === "daytona-sdk-0190";

const daytona = new Daytona({ target: "local" });
const sandbox = await daytona.create({ language: "typescript" });
const javascript = await daytona.create({ language: "javascript" });
const python = await daytona.create();
const go = await daytona.create({ labels: { "hotcell-language": "go" } });

await report({
  "hello, as in the guide": async () => {
    const response = await sandbox.process.codeRun('console.log("Hello, World!")');
    assert.equal(response.result, "Hello, World!\n");
    assert.equal(response.exitCode, 0);
    assert.equal(response.artifacts.stdout, response.result);
    assert.deepEqual(response.artifacts.charts, []);
  },
  "sum, as in the reference": async () => {
    const response = await sandbox.process.codeRun(`
const x = 10;
const y = 20;
console.log(\`Sum: \${x + y}\`);
`);
    assert.equal(response.artifacts.stdout, "Sum: 30\n");
  },
  "greet, as in the guide": async () => {
    let response = await sandbox.process.codeRun(`
function greet(name: string): string {
    return \`Hello, \${name}!\`;
}
console.log(greet("Daytona"));
`);
    assert.equal(response.result, "Hello, Daytona!\n");
    // With argv, environment variables, and timeout
    response = await sandbox.process.codeRun(
      `console.log(\`Hello, \${process.argv[2]}!\`); console.log(\`FOO: \${process.env.FOO}\`);`,
      { argv: ["Daytona"], env: { FOO: "BAR" } },
      5, // timeout in seconds
    );
    assert.equal(response.result, "Hello, Daytona!\nFOO: BAR\n");
  },
  "chart, as in the reference": async () => {
    const response = await python.process.codeRun(`
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 10, 30)
y = np.sin(x)

plt.figure(figsize=(8, 5))
plt.plot(x, y, 'b-', linewidth=2)
plt.title('Line Chart')
plt.xlabel('X-axis (seconds)')
plt.ylabel('Y-axis (amplitude)')
plt.grid(True)
plt.show()
`);
    assert.equal(response.exitCode, 0, response.result);
    assert.ok(!response.result.includes("dtn_artifact"), response.result);
    assert.equal(response.artifacts.charts.length, 1);
    const chart = response.artifacts.charts[0];
    assert.equal(Buffer.from(chart.png, "base64").subarray(1, 4).toString(), "PNG");
    assert.equal(chart.type, "line");
  },
  "invalid code, as in the guide": async () => {
    const response = await sandbox.process.codeRun("invalid typescript code");
    assert.equal(response.exitCode, 1);
    assert.match(response.result, /SyntaxError/);
  },
  "javascript sandbox": async () => {
    assert.equal((await javascript.process.codeRun("console.log(1)")).result, "1\n");
    const failed = await javascript.process.codeRun("let x = ;");
    assert.equal(failed.exitCode, 1);
    assert.match(failed.result, /SyntaxError/);
  },
  "python sandbox": async () => {
    const response = await python.process.codeRun("import sys; print(sys.argv[1:])", {
      argv: ["a b", "", "\n", "ü😀"],
    });
    assert.equal(response.result, "['a b', '', '\\n', 'ü😀']\n");
    const failed = await python.process.codeRun("invalid python code");
    assert.equal(failed.exitCode, 1);
    assert.match(failed.result, /line 1\n.*invalid python code/);
  },
  "go sandbox": async () => {
    const response = await go.process.codeRun('fmt.Println("from Go", len(os.Args))');
    assert.equal(response.result, "from Go 1\n");
  },
  "exit codes": async () => {
    assert.equal((await python.process.codeRun("raise SystemExit(3)")).exitCode, 3);
    assert.equal((await javascript.process.codeRun("process.exit(4)")).exitCode, 4);
  },
  "a timeout is the error of that name": async () => {
    const began = Date.now();
    const e = await rejection(
      python.process.codeRun("print('begun'); import time; time.sleep(60)", undefined, 1),
    );
    assert.ok(Date.now() - began < 15_000);
    assert.ok(e instanceof DaytonaError, String(e));
    assert.equal(e.statusCode, 408);
    assert.match(e.message, /begun/);
    if (!old) assert.ok(e instanceof sdk.DaytonaProcessExecutionTimeoutError, e.constructor.name);
  },
  "a fractional timeout": async () => {
    const e = await rejection(javascript.process.codeRun("for (;;);", undefined, 0.2));
    assert.equal(e.statusCode, 408);
  },
  "a bad variable": async () => {
    const e = await rejection(python.process.codeRun("1", { env: { "A-B": "1" } }));
    assert.equal(e.statusCode ?? 400, 400);
    assert.ok(e instanceof (old ? DaytonaError : sdk.DaytonaValidationError), e.constructor.name);
  },
  "empty code": async () => {
    const response = await python.process.codeRun("");
    assert.equal(response.exitCode, 0);
    assert.equal(response.result, "");
  },
  "each run is fresh": async () => {
    await python.process.codeRun("leftover = 1");
    assert.match((await python.process.codeRun("print(leftover)")).result, /NameError/);
  },
});
for (const one of [sandbox, javascript, python, go]) await one.delete();
