// Shell sessions through the TypeScript SDK, unmodified. SDK names the package.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { rejection, report } from "./report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const sdk = require(String(process.env.SDK));
const old = process.env.SDK === "daytona-sdk-0190";
const serverless = Boolean(process.env.VERCEL);

const daytona = new sdk.Daytona({ target: "local" });
const sandbox = await daytona.create({ envVars: { HC_S: "sandbox" } });
const shell = sandbox.process;

/**
 * @param {Promise<unknown>} promise
 * @param {string} name of the SDK's error class
 */
async function throws(promise, name) {
  const e = await rejection(promise);
  assert.ok(e instanceof sdk[name], `${e?.constructor?.name}: ${e?.message}`);
  return e;
}

/**
 * @param {string} id
 * @param {string} command
 */
const run = (id, command) => shell.executeSessionCommand(id, { command });

/**
 * @param {string} id
 * @param {string} command
 * @param {object} [options]
 */
async function start(id, command, options) {
  return (await shell.executeSessionCommand(id, { command, runAsync: true, ...options })).cmdId;
}

/**
 * @param {string} id
 * @param {string} command of which the log is followed to its end
 */
async function follow(id, command) {
  const seen = { stdout: "", stderr: "" };
  await shell.getSessionCommandLogs(
    id,
    command,
    (/** @type {string} */ text) => {
      seen.stdout += text;
    },
    (/** @type {string} */ text) => {
      seen.stderr += text;
    },
  );
  return seen;
}

/**
 * @param {string} id
 * @param {string} command
 */
async function ended(id, command) {
  for (;;) {
    const c = await shell.getSessionCommand(id, command);
    if (c.exitCode !== undefined) return c.exitCode;
  }
}

await report({
  "create, list, get, delete": async () => {
    await shell.createSession("life");
    await throws(shell.createSession("life"), "DaytonaConflictError");
    const listed = await shell.listSessions();
    assert.deepEqual(listed, [{ sessionId: "life", commands: [] }]);
    await run("life", "true");
    const got = await shell.getSession("life");
    assert.equal(got.commands.length, 1);
    assert.equal(got.commands[0].command, "true");
    assert.equal(got.commands[0].exitCode, 0);
    await shell.deleteSession("life");
    await throws(shell.deleteSession("life"), "DaytonaNotFoundError");
    await throws(shell.getSession("life"), "DaytonaNotFoundError");
    await throws(run("life", "true"), "DaytonaNotFoundError");
    assert.deepEqual(await shell.listSessions(), []);
  },
  "state stays, streams are apart, output is clean": async () => {
    await shell.createSession("state");
    await run("state", "cd /usr && export FOO=bar && greet() { echo hi $1; }");
    const r = await run("state", "pwd; greet $FOO; echo $HC_S; echo oops >&2; (exit 7)");
    assert.equal(r.stdout, "/usr\nhi bar\nsandbox\n");
    assert.equal(r.stderr, "oops\n");
    assert.equal(r.output, "/usr\nhi bar\nsandbox\noops\n");
    assert.equal(r.exitCode, 7);
    const logs = await shell.getSessionCommandLogs("state", r.cmdId);
    assert.deepEqual(logs, { output: r.output, stdout: r.stdout, stderr: r.stderr });
    await shell.deleteSession("state");
  },
  "unusual ids": async () => {
    for (const id of ["a/b", "zażółć 🧪", "100% sure", "-"]) {
      await shell.createSession(id);
      const r = await run(id, "echo $((6 * 7)); echo e >&2");
      assert.equal(r.stdout, "42\n");
      assert.equal((await shell.getSessionCommand(id, r.cmdId)).exitCode, 0);
      // The SDK encodes nothing in the address of a WebSocket.
      if (!id.includes("%"))
        assert.deepEqual(await follow(id, r.cmdId), { stdout: "42\n", stderr: "e\n" });
      await shell.deleteSession(id);
    }
    await throws(shell.createSession(""), "DaytonaValidationError");
    await throws(shell.createSession("entrypoint"), "DaytonaValidationError");
  },
  asynchronous: async () => {
    await shell.createSession("async");
    const began = Date.now();
    const id = await start("async", "sleep 0.5; echo done; exit 5");
    assert.ok(Date.now() - began < 400);
    assert.equal((await shell.getSessionCommand("async", id)).exitCode, undefined);
    assert.equal(await ended("async", id), 5);
    assert.equal((await shell.getSessionCommandLogs("async", id)).stdout, "done\n");
    const e = await throws(run("async", "true"), old ? "DaytonaError" : "DaytonaSessionEndedError");
    assert.match(e.message, /exit status 5/);
    assert.equal(e.statusCode, 410);
    await shell.deleteSession("async");
  },
  "logs are followed while they grow": async () => {
    await shell.createSession("follow");
    const id = await start(
      "follow",
      'for i in 1 2 3; do echo "out $i 🧪"; echo "err $i ż" >&2; sleep 0.3; done',
    );
    const seen = { stdout: "", stderr: "" };
    const began = Date.now();
    let first = 0;
    await shell.getSessionCommandLogs(
      "follow",
      id,
      (/** @type {string} */ text) => {
        first ||= Date.now() - began;
        seen.stdout += text;
      },
      (/** @type {string} */ text) => {
        seen.stderr += text;
      },
    );
    const took = Date.now() - began;
    assert.equal(seen.stdout, "out 1 🧪\nout 2 🧪\nout 3 🧪\n");
    assert.equal(seen.stderr, "err 1 ż\nerr 2 ż\nerr 3 ż\n");
    assert.ok(first < 600, `the first text came after ${first} ms`);
    assert.ok(took < 1800, `the end came after ${took} ms`);
    assert.deepEqual(await follow("follow", id), seen);
    await shell.deleteSession("follow");
  },
  "much output is followed": async () => {
    await shell.createSession("much");
    const r = await run("much", "seq 1 50000; for i in 1 2 3; do printf '%0100000d' 0 >&2; done");
    assert.equal(r.stdout.split("\n").length, 50001);
    assert.deepEqual(await follow("much", r.cmdId), { stdout: r.stdout, stderr: r.stderr });
    await shell.deleteSession("much");
  },
  "input, echoed and not": async () => {
    await shell.createSession("input");
    for (const suppressInputEcho of [false, true]) {
      const id = await start("input", "printf 'name? '; read n; echo hello $n", {
        suppressInputEcho,
      });
      const followed = follow("input", id);
      let text = "";
      while (!text.includes("name?"))
        text = (await shell.getSessionCommandLogs("input", id)).output;
      await shell.sendSessionCommandInput("input", id, "world");
      const { stdout } = await followed;
      assert.equal(
        stdout,
        suppressInputEcho ? "name? hello world\n" : "name? world\nhello world\n",
      );
      await throws(
        shell.sendSessionCommandInput("input", id, "again"),
        old ? "DaytonaError" : "DaytonaGoneError",
      );
    }
    const quick = await run("input", "cat; read x || echo none");
    assert.equal(quick.stdout, "none\n");
    await shell.deleteSession("input");
  },
  "commands queue": async () => {
    await shell.createSession("queue");
    await run("queue", "n=0");
    const runs = Array.from({ length: 10 }, () => run("queue", "n=$((n+1)); echo $n"));
    const numbers = (await Promise.all(runs)).map((r) => Number(r.stdout));
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    assert.equal((await shell.getSession("queue")).commands.length, 11);
    await shell.deleteSession("queue");
  },
  "a deletion ends who waits": async () => {
    await shell.createSession("deleted");
    const id = await start("deleted", "echo on; sleep 600");
    const waiting = rejection(run("deleted", "true"));
    while ((await shell.getSession("deleted")).commands.length < 2);
    /** @type {(text: string) => void} */
    let begun = () => {};
    const text = new Promise((resolve) => {
      begun = resolve;
    });
    const followed = shell.getSessionCommandLogs("deleted", id, begun, () => {});
    assert.equal(await text, "on\n");
    await shell.deleteSession("deleted");
    await followed;
    const e = await waiting;
    assert.ok(
      e instanceof sdk[old ? "DaytonaError" : "DaytonaSessionEndedError"],
      `${e?.constructor?.name}: ${e?.message}`,
    );
    assert.match(e.message, /was deleted/);
  },
  "a client's own time limit": async () => {
    await shell.createSession("limit");
    await rejection(shell.executeSessionCommand("limit", { command: "sleep 2; echo slow" }, 0.2));
    assert.equal((await run("limit", "echo next")).stdout, "next\n");
    await shell.deleteSession("limit");
  },
  entrypoint: async () => {
    if (!shell.getEntrypointSession) return;
    const got = await shell.getEntrypointSession();
    assert.equal(got.sessionId, "entrypoint");
    assert.equal(got.commands.length, 1);
    const { stdout, output } = await shell.getEntrypointLogs();
    assert.equal(output, stdout);
    let followed = "";
    await shell.getEntrypointLogs(
      (/** @type {string} */ text) => {
        followed += text;
      },
      () => {},
    );
    assert.equal(followed, stdout);
  },
  "sandboxes have their own": async () => {
    await shell.createSession("mine");
    const other = await daytona.create();
    assert.deepEqual(await other.process.listSessions(), []);
    await throws(other.process.getSession("mine"), "DaytonaNotFoundError");
    await other.delete();
    await sandbox.stop();
    await throws(shell.getSession("mine"), "DaytonaConflictError");
    await sandbox.start();
    await throws(shell.getSession("mine"), "DaytonaNotFoundError");
  },
});
await sandbox.delete();
if (serverless) process.exit(0);
