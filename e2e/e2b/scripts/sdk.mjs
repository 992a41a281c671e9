// The JavaScript SDK, unmodified, in its debug mode.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { rejection, report } from "../../daytona/scripts/report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Sandbox, NotFoundError, SandboxError, TimeoutError } = require("@e2b/code-interpreter");

const sandbox = await Sandbox.create();

await report({
  "is running": async () => assert.equal(await sandbox.isRunning(), true),
  "state stays": async () => {
    await sandbox.runCode("x = 41");
    const execution = await sandbox.runCode("x += 1\nx");
    assert.equal(execution.text, "42");
    assert.equal(execution.error, undefined);
    assert.ok(execution.executionCount > 0);
  },
  "output and callbacks": async () => {
    /** @type {any[]} */
    const [out, err, results, errors] = [[], [], [], []];
    const execution = await sandbox.runCode(
      "import sys\nprint('one')\nprint('two', file=sys.stderr)\ndisplay('shown')\n1/0",
      {
        onStdout: (/** @type {any} */ m) => out.push(m.line),
        onStderr: (/** @type {any} */ m) => err.push(m.line),
        onResult: (/** @type {any} */ r) => results.push(r.text),
        onError: (/** @type {any} */ e) => errors.push(e),
      },
    );
    assert.equal(out.join(""), "one\n");
    assert.equal(err.join(""), "two\n");
    assert.deepEqual(results, ["shown"]);
    assert.equal(errors[0].name, "ZeroDivisionError");
    assert.equal(execution.error.value, "division by zero");
    assert.match(execution.error.traceback, /1\/0/);
  },
  "characters in any piece": async () => {
    // The SDK decodes each piece of the stream by itself.
    const text = "é☃😀\u2028\u0085".repeat(50000);
    const execution = await sandbox.runCode("print('é☃😀\\u2028\\x85' * 50000)");
    assert.equal(execution.logs.stdout.join(""), `${text}\n`);
  },
  languages: async () => {
    const typed = await sandbox.runCode("const a: number = 20; a + 1", { language: "ts" });
    assert.equal(typed.text, "21");
    const plain = await sandbox.runCode("var b = 'text'; b", { language: "javascript" });
    assert.equal(plain.text, "text");
    assert.equal((await sandbox.runCode("b.length", { language: "js" })).text, "4");
    assert.ok(
      (await rejection(sandbox.runCode("1", { language: "java" }))) instanceof SandboxError,
    );
  },
  contexts: async () => {
    const context = await sandbox.createCodeContext({ cwd: "/tmp", language: "javascript" });
    assert.equal(context.language, "javascript");
    assert.equal(context.cwd, "/tmp");
    await sandbox.runCode("let here = process.cwd()", { context });
    assert.equal((await sandbox.runCode("here", { context })).text, "/tmp");
    const all = await sandbox.listCodeContexts();
    assert.ok(all.some((/** @type {any} */ c) => c.id === context.id));
    await sandbox.restartCodeContext(context);
    assert.equal((await sandbox.runCode("typeof here", { context })).text, "undefined");
    await sandbox.removeCodeContext(context.id);
    assert.ok((await rejection(sandbox.runCode("1", { context }))) instanceof NotFoundError);
  },
  "variables of one run": async () => {
    const value = 'it\'s "quoted"\nand two lines';
    const opts = { envs: { VALUE: value } };
    await sandbox.runCode("import os\nprint(os.environ['VALUE'], end='')", {
      ...opts,
      onStdout: (/** @type {any} */ m) => assert.equal(m.line, value),
    });
    assert.equal((await sandbox.runCode("'VALUE' in os.environ")).text, "False");
  },
  "a timeout interrupts": async () => {
    await sandbox.runCode("kept = 7");
    const began = Date.now();
    const slow = sandbox.runCode("import time\ntime.sleep(600)", { timeoutMs: 1000 });
    assert.ok((await rejection(slow)) instanceof TimeoutError);
    assert.equal((await sandbox.runCode("kept")).text, "7");
    assert.ok(Date.now() - began < 4000);
  },
  "a queued run has an answer at once": async () => {
    const slow = sandbox.runCode("import time\ntime.sleep(1.5)");
    const next = await sandbox.runCode("'next'", { requestTimeoutMs: 1000 });
    assert.equal(next.text, "next");
    await slow;
  },
  "a kernel that dies": async () => {
    const { error } = await sandbox.runCode("import os\nos._exit(3)");
    assert.equal(error.name, "KernelDiedError");
    assert.equal((await sandbox.runCode("1 + 1")).text, "2");
  },
  charts: async () => {
    const code = `import datetime, matplotlib.pyplot as plt
plt.bar(['Oslo', 'Rome'], [4, 16.5]); plt.title('Degrees'); plt.show()
plt.plot([datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)], [1, 3], label='a'); plt.show()
fig, (left, right) = plt.subplots(1, 2)
left.pie([1, 3], labels=['x', 'y']); right.boxplot([[1, 2, 3, 4, 100]])
plt.show()`;
    const charts = (await sandbox.runCode(code)).results.map((/** @type {any} */ r) => r.chart);
    assert.deepEqual(
      charts.map((/** @type {any} */ c) => c.type),
      ["bar", "line", "superchart"],
    );
    assert.equal(charts[0].title, "Degrees");
    assert.deepEqual(
      charts[0].elements.map((/** @type {any} */ e) => [e.label, e.value]),
      [
        ["Oslo", 4],
        ["Rome", 16.5],
      ],
    );
    assert.equal(charts[1].x_scale, "datetime");
    assert.deepEqual(charts[1].elements[0].points, [
      ["2024-01-01", 1],
      ["2024-01-02", 3],
    ]);
    const [pie, box] = charts[2].elements;
    assert.deepEqual(
      pie.elements.map((/** @type {any} */ e) => [e.label, Math.round(e.angle)]),
      [
        ["x", 90],
        ["y", 270],
      ],
    );
    assert.deepEqual([box.elements[0].median, box.elements[0].outliers], [3, [100]]);
  },
  "data frames": async () => {
    const code = `import pandas as pd
pd.DataFrame({'city': ['Oslo', 'Rome'], 'c': [4.5, None], 'on': pd.to_datetime(['2024-01-02', '2024-07-02'])})`;
    const [frame] = (await sandbox.runCode(code)).results;
    assert.deepEqual(frame.data, {
      city: ["Oslo", "Rome"],
      c: [4.5, null],
      on: ["2024-01-02T00:00:00", "2024-07-02T00:00:00"],
    });
    assert.match(frame.html, /<table/);
  },
  "output streams": async () => {
    const began = Date.now();
    /** @type {number[]} */
    const seen = [];
    await sandbox.runCode("import time\nprint('now', flush=True)\ntime.sleep(1)\nprint('then')", {
      onStdout: () => seen.push(Date.now() - began),
    });
    assert.ok(Number(seen.at(-1)) - seen[0] > 500, String(seen));
  },
  "pictures and other formats": async () => {
    const code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()";
    const [picture] = (await sandbox.runCode(code)).results;
    assert.equal(Buffer.from(picture.png, "base64").toString("latin1", 1, 4), "PNG");
    const other = "display({'application/vnd.vega.v5+json': {'a': 1}, 'text/html': 'h'}, raw=True)";
    const [shown] = (await sandbox.runCode(other)).results;
    assert.equal(shown.html, "h");
    assert.deepEqual(shown.extra["application/vnd.vega.v5+json"], { a: 1 });
  },
});

// The SDK leaves the timer of a request that was refused running, for a minute.
process.exit();
