// The TypeScript SDK, unmodified. SDK names the package, so that the same
// checks run over an old and a new release.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { rejection, report } from "./report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const sdk = require(String(process.env.SDK));
const { Daytona } = sdk;
const old = process.env.SDK === "daytona-sdk-0190";

const daytona = new Daytona({ target: "local" });
const sandbox = await daytona.create();
const interpreter = sandbox.codeInterpreter;
const unique = `t${Date.now()}`;

/** @param {string} name */
const is = (name) => (/** @type {unknown} */ e) => e instanceof sdk[name];

/**
 * @param {Promise<unknown>} promise
 * @param {string} name of the SDK's error class
 */
async function throws(promise, name) {
  const e = await rejection(promise);
  assert.ok(is(name)(e), `${e?.constructor?.name}: ${e?.message}`);
  return e;
}

await report({
  "create is started": async () => {
    assert.equal(sandbox.state, "started");
    assert.equal(sandbox.labels["code-toolbox-language"], "python");
  },
  "get by id and by name": async () => {
    const named = await daytona.create({ name: unique });
    assert.equal((await daytona.get(unique)).id, named.id);
    assert.equal((await daytona.get(named.id)).name, unique);
    await throws(daytona.get("no-such-sandbox"), "DaytonaNotFoundError");
    await throws(
      daytona.create({ name: unique }),
      old ? "DaytonaConflictError" : "DaytonaConflictError",
    );
    await named.delete();
  },
  "list filters by labels and pages": async () => {
    const made = [];
    for (let i = 0; i < 3; i++) made.push(await daytona.create({ labels: { [unique]: "yes" } }));
    const seen = [];
    for await (const s of daytona.list({ labels: { [unique]: "yes" }, limit: 1 })) seen.push(s.id);
    assert.deepEqual(
      seen,
      made.map((s) => s.id),
    );
    const none = [];
    for await (const s of daytona.list({ labels: { [unique]: "no" } })) none.push(s.id);
    assert.deepEqual(none, []);
    for (const s of made) await s.delete();
  },
  labels: async () => {
    const labels = { ...sandbox.labels, team: "a" };
    assert.equal((await sandbox.setLabels(labels)).team, "a");
    const again = await daytona.get(sandbox.id);
    assert.equal(again.labels.team, "a");
    assert.equal(again.labels["code-toolbox-language"], "python");
  },
  "intervals and activity": async () => {
    const s = await daytona.create();
    await s.setAutostopInterval(30);
    await s.setAutoDeleteInterval(60);
    await s.setAutoArchiveInterval(90);
    if (s.refreshActivity) await s.refreshActivity();
    await s.refreshData();
    assert.equal(s.autoStopInterval, 30);
    assert.equal(s.autoDeleteInterval, 60);
    assert.equal(s.autoArchiveInterval, 90);
    await s.delete();
  },
  "stop, start, delete": async () => {
    const s = await daytona.create();
    await s.codeInterpreter.runCode("x = 1");
    await s.stop();
    assert.equal(s.state, "stopped");
    await rejection(s.codeInterpreter.runCode("x"));
    await throws(s.codeInterpreter.createContext(), "DaytonaConflictError");
    await s.start();
    assert.equal(s.state, "started");
    const r = await s.codeInterpreter.runCode("x");
    assert.equal(r.error.name, "NameError");
    if (old) await s.delete();
    else await s.delete(60, true);
    await throws(daytona.get(s.id), "DaytonaNotFoundError");
  },
  directories: async () => {
    assert.match(await sandbox.getWorkDir(), /^\//);
    assert.match(await sandbox.getUserHomeDir(), /^\//);
    const r = await interpreter.runCode("import os; print(os.getcwd())");
    assert.equal(r.stdout.trim(), await sandbox.getWorkDir());
  },
  contexts: async () => {
    const before = (await interpreter.listContexts()).length;
    const ctx = await interpreter.createContext();
    for (const k of ["id", "cwd", "createdAt", "active", "language"]) assert.ok(k in ctx, k);
    assert.equal(ctx.language, "python");
    assert.equal(ctx.active, true);
    const list = await interpreter.listContexts();
    assert.equal(list.length, before + 1);
    assert.ok(!list.some((/** @type {{id: string}} */ c) => c.id === "default"));
    await interpreter.deleteContext(ctx);
    await throws(interpreter.deleteContext(ctx), "DaytonaNotFoundError");
    await throws(interpreter.deleteContext({ ...ctx, id: "default" }), "DaytonaValidationError");
    const elsewhere = await interpreter.createContext("/tmp");
    assert.equal(
      (await interpreter.runCode("import os; print(os.getcwd())", { context: elsewhere })).stdout,
      "/tmp\n",
    );
    await interpreter.deleteContext(elsewhere);
    const e = await throws(interpreter.createContext("/no/such/dir"), "DaytonaValidationError");
    assert.match(e.message, /no\/such\/dir/);
  },
  "contexts of another sandbox are not visible": async () => {
    const other = await daytona.create();
    const ctx = await other.codeInterpreter.createContext();
    const e = await rejection(interpreter.runCode("1", { context: ctx }));
    assert.match(e.message, /context not found/);
    await throws(interpreter.deleteContext(ctx), "DaytonaNotFoundError");
    await other.delete();
  },
  "state is shared within a context only": async () => {
    await interpreter.runCode("shared = 41");
    assert.equal((await interpreter.runCode("print(shared + 1)")).stdout, "42\n");
    const ctx = await interpreter.createContext();
    assert.equal((await interpreter.runCode("shared", { context: ctx })).error.name, "NameError");
    await interpreter.deleteContext(ctx);
  },
  "a last expression is no output": async () => {
    const r = await interpreter.runCode("40 + 2");
    assert.equal(r.stdout, "");
    assert.equal(r.error, undefined);
  },
  "output arrives while code runs": async () => {
    const began = Date.now();
    let first = 0;
    const r = await interpreter.runCode(
      'import time, sys\nfor i in range(4):\n  print(i, flush=True)\n  print("e", file=sys.stderr, flush=True)\n  time.sleep(0.3)',
      {
        onStdout: () => {
          first ||= Date.now() - began;
        },
      },
    );
    assert.equal(r.stdout, "0\n1\n2\n3\n");
    assert.equal(r.stderr, "e\ne\ne\ne\n");
    assert.ok(first < 600, `first output after ${first} ms`);
  },
  errors: async () => {
    let seen;
    const r = await interpreter.runCode("1/0", {
      onError: (/** @type {unknown} */ e) => {
        seen = e;
      },
    });
    assert.equal(r.error.name, "ZeroDivisionError");
    assert.match(r.error.traceback, /line 1/);
    assert.deepEqual(seen, r.error);
    assert.equal((await interpreter.runCode("def")).error.name, "SyntaxError");
  },
  timeout: async () => {
    await interpreter.runCode("kept = 7");
    const began = Date.now();
    await throws(interpreter.runCode("while True: pass", { timeout: 0.6 }), "DaytonaTimeoutError");
    assert.ok(Date.now() - began < 3000);
    assert.equal((await interpreter.runCode("print(kept)")).stdout, "7\n");
  },
  "timeout zero is none": async () => {
    const r = await interpreter.runCode('import time; time.sleep(1.2); print("done")', {
      timeout: 0,
    });
    assert.equal(r.stdout, "done\n");
  },
  "negative timeout": async () => {
    const e = await rejection(interpreter.runCode("1", { timeout: -1 }));
    assert.match(e.message, /negative|timeout/i);
  },
  "missing context": async () => {
    const began = Date.now();
    const e = await throws(
      interpreter.runCode("1", { context: { id: "nope" } }),
      old ? "DaytonaError" : "DaytonaConnectionError",
    );
    assert.match(e.message, /context not found/);
    assert.ok(Date.now() - began < 1000);
  },
  "a killed kernel is not a success": async () => {
    const ctx = await interpreter.createContext();
    await interpreter.runCode("gone = 1", { context: ctx });
    const r = await interpreter.runCode("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", {
      context: ctx,
    });
    assert.match(r.error.name, /KernelDied/);
    assert.match(r.error.value, /SIGKILL|9/);
    assert.match(r.error.value, /gone/);
    const next = await interpreter.runCode('print("alive")', { context: ctx });
    assert.equal(next.stdout, "alive\n");
    assert.match(next.stderr, /gone/);
    const third = await interpreter.runCode('print("quiet")', { context: ctx });
    assert.equal(third.stderr, "");
    await interpreter.deleteContext(ctx);
  },
  "five megabytes in one print": async () => {
    const r = await interpreter.runCode(
      'print("".join(chr(97 + i % 26) for i in range(5_000_000)))',
    );
    assert.equal(r.stdout.length, 5_000_001);
    for (let i = 0; i < 5_000_000; i += 99_991) assert.equal(r.stdout.charCodeAt(i), 97 + (i % 26));
  },
  "environment of one run": async () => {
    const r = await interpreter.runCode('import os; print(os.environ["HC_X"])', {
      envs: { HC_X: "here" },
    });
    assert.equal(r.stdout, "here\n");
    assert.equal((await interpreter.runCode('print(os.environ.get("HC_X"))')).stdout, "None\n");
    const e = await rejection(interpreter.runCode("1", { envs: { "A=B": "c" } }));
    assert.match(e.message, /A=B/);
  },
  "environment of the sandbox": async () => {
    const s = await daytona.create({ envVars: { HC_S: "sandbox" } });
    assert.equal(
      (await s.codeInterpreter.runCode('import os; print(os.environ["HC_S"])')).stdout,
      "sandbox\n",
    );
    await s.delete();
  },
  "sys.exit is a normal end": async () => {
    const r = await interpreter.runCode('import sys; print("a"); sys.exit(0)');
    assert.equal(r.stdout, "a\n");
    assert.equal(r.error, undefined);
  },
  "output of child processes": async () => {
    const r = await interpreter.runCode(
      'import os; print("a", flush=True); os.system("echo hi"); print("b")',
    );
    assert.equal(r.stdout, "a\nhi\nb\n");
  },
  "concurrent runs queue": async () => {
    await interpreter.runCode("n = 0");
    const runs = Array.from({ length: 10 }, (_, i) =>
      interpreter.runCode(`n += 1; print(${i}, n)`),
    );
    const results = await Promise.all(runs);
    for (const [i, r] of results.entries()) assert.match(r.stdout, new RegExp(`^${i} \\d+\\n$`));
    assert.equal((await interpreter.runCode("print(n)")).stdout, "10\n");
  },
  "typescript is stateful": async () => {
    const s = await daytona.create({ language: "typescript" });
    await s.codeInterpreter.runCode(
      "const greet = (n: string): string => 'hi ' + n; let count = 1",
    );
    const r = await s.codeInterpreter.runCode('count += 1; console.log(greet("ts"), count)');
    assert.equal(r.stdout, "hi ts 2\n");
    const ctx = await s.codeInterpreter.createContext();
    assert.equal(ctx.language, "typescript");
    await s.delete();
  },
  "javascript is stateful": async () => {
    const s = await daytona.create({ language: "javascript" });
    await s.codeInterpreter.runCode("const a = await Promise.resolve(20)");
    assert.equal((await s.codeInterpreter.runCode("console.log(a + 1)")).stdout, "21\n");
    await s.delete();
  },
  "go is stateful": async () => {
    const s = await daytona.create({ labels: { "hotcell-language": "go" } });
    await s.codeInterpreter.runCode('import "fmt"\ncount := 1');
    const r = await s.codeInterpreter.runCode("count++\nfmt.Println(count)");
    assert.equal(r.stdout, "2\n", JSON.stringify(r));
    await s.delete();
  },
  "what is not supported says so": async () => {
    const e = await rejection(sandbox.git.status("repo"));
    assert.match(e.message, /not supported/);
    const image = await rejection(daytona.create({ image: "debian:12" }));
    assert.match(image.message, /built|not supported/i);
  },
  "wrong key": async () => {
    const wrong = new Daytona({ apiKey: "wrong", target: "local" });
    await throws(wrong.create(), old ? "DaytonaAuthenticationError" : "DaytonaAuthenticationError");
  },
});
await sandbox.delete();
