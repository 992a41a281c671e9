// One-shot commands through the TypeScript SDK, unmodified. SDK names the
// package, so that the same checks run over an old and a new release.
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
const run = sandbox.process;

/** @param {string} name */
const is = (name) => (/** @type {unknown} */ e) => e instanceof sdk[name];

/**
 * A timeout's error, and how long it took to come.
 * @param {Promise<unknown>} promise
 */
async function timeout(promise) {
  const began = Date.now();
  const e = await rejection(promise);
  const ms = Date.now() - began;
  if (old) assert.equal(e.statusCode, 408, String(e));
  else assert.ok(is("DaytonaProcessExecutionTimeoutError")(e), `${e?.constructor?.name}: ${e}`);
  return { e, ms };
}

await report({
  "the guide: ls -la": async () => {
    const response = await sandbox.process.executeCommand("ls -la");
    assert.match(response.result, /^total \d+\n/);
    assert.equal(response.exitCode, 0);
  },
  "the guide: echo": async () => {
    const response = await run.executeCommand('echo "Hello"');
    assert.equal(response.artifacts.stdout, "Hello\n");
    assert.equal(response.result, "Hello\n");
  },
  "the guide: working directory": async () => {
    // Made inside, where there is a /workspace, else on the machine, if it lets us.
    const made = await run.executeCommand("mkdir -p /workspace/src");
    if (made.exitCode === 0) {
      const result = await run.executeCommand("ls", "/workspace/src");
      assert.equal(result.exitCode, 0, result.result);
    }
    const none = await sandbox.process.executeCommand("sleep 3", "workspace/src", undefined, 5);
    assert.equal(none.exitCode, -1);
    assert.match(none.result, /"workspace\/src" cannot be used: no such file or directory/);
    await run.executeCommand("mkdir -p workspace/src; touch workspace/src/x");
    const result = await run.executeCommand("ls", "workspace/src");
    assert.equal(result.result, "x\n");
    const response2 = await sandbox.process.executeCommand(
      "sleep 3",
      "workspace/src",
      undefined,
      5,
    );
    assert.equal(response2.exitCode, 0);
  },
  "the guide: timeout in the place of the environment": async () => {
    // As old pages write it; to the SDK of today 5 is no environment.
    const result = await run.executeCommand("sleep 0.1", undefined, 5);
    assert.equal(result.exitCode, 0);
  },
  "the guide: timeout": async () => {
    const { ms } = await timeout(run.executeCommand("sleep 10", undefined, undefined, 1));
    assert.ok(ms < 3000, `${ms} ms`);
  },
  "the guide: environment": async () => {
    const response3 = await sandbox.process.executeCommand("echo $CUSTOM_SECRET", ".", {
      CUSTOM_SECRET: "DAYTONA",
    });
    assert.equal(response3.result, "DAYTONA\n");
  },
  "both streams and the exit code": async () => {
    const response = await run.executeCommand("echo a; echo b >&2; exit 3");
    assert.deepEqual([response.exitCode, response.result], [3, "a\nb\n"]);
  },
  "a fraction of a second": async () => {
    const { e, ms } = await timeout(
      run.executeCommand("echo so far; sleep 10", undefined, undefined, 0.25),
    );
    assert.ok(ms > 240 && ms < 3000, `${ms} ms`);
    assert.match(e.message, /had not ended after 250ms and was killed.*so far/);
  },
  "no timeout": async () => {
    const response = await run.executeCommand("sleep 0.3; echo done", undefined, undefined, 0);
    assert.equal(response.result, "done\n");
  },
  "bad names and empty commands": async () => {
    const kind = is(old ? "DaytonaError" : "DaytonaBadRequestError");
    for (const start of [
      () => run.executeCommand("ls", undefined, { "A-B": "1" }),
      () => run.executeCommand(" "),
      () => run.executeCommand("ls", undefined, undefined, -1),
    ]) {
      const e = await rejection(start());
      assert.ok(kind(e), `${e?.constructor?.name}: ${e}`);
      assert.equal(e.statusCode, 400);
    }
  },
  "fifteen megabytes": async () => {
    const response = await run.executeCommand("seq 1 2000000");
    assert.equal(response.result.length, 14_888_896);
  },
  "too much": async () => {
    const response = await run.executeCommand("yes | head -c 100000000; echo the end");
    assert.match(response.result, /\n\[hotcell: \d+ bytes are left out here;/);
    assert.ok(response.result.endsWith("the end\n"));
  },
  "many at once": async () => {
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, i) => run.executeCommand(`echo ${i}`)),
    );
    assert.deepEqual(
      all.map((r) => r.result),
      Array.from({ length: 40 }, (_, i) => `${i}\n`),
    );
  },
  "a background process ends with its command": async () => {
    const began = Date.now();
    const response = await run.executeCommand("nohup sleep 600 & echo $!");
    assert.ok(Date.now() - began < 20_000);
    const [, pid] = response.result.match(/(\d+)\n$/m) ?? assert.fail(response.result);
    const left = await run.executeCommand(`grep '^State:.[^Z]' /proc/${pid}/status`);
    assert.notEqual(left.exitCode, 0, left.result); // at most it waits to be reaped
  },
  "a sandbox that was stopped": async () => {
    const other = await daytona.create();
    await other.stop();
    const e = await rejection(other.process.executeCommand("ls"));
    assert.ok(is("DaytonaConflictError")(e), `${e?.constructor?.name}: ${e}`);
    await other.delete();
  },
});
await run.executeCommand("rmdir /workspace/src /workspace"); // it may be others', and not be empty
await sandbox.delete();
