// Terminals through the TypeScript SDK, unmodified. SDK names the package, so
// that the same checks run over an old and a new release.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { rejection, report } from "./report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const sdk = require(String(process.env.SDK));
const old = process.env.SDK === "daytona-sdk-0190";

const daytona = new sdk.Daytona({ target: "local" });
const sandbox = await daytona.create({ envVars: { HOME: String(process.env.SHELL_HOME) } });
const pty = sandbox.process;

/** What a terminal has shown. */
class Shown {
  text = "";
  decoder = new TextDecoder();
  /** @type {() => void} */
  changed = () => {};
  onData = (/** @type {Uint8Array} */ data) => {
    this.text += this.decoder.decode(data, { stream: true });
    this.changed();
  };
  /** @param {string} what */
  async until(what) {
    const limit = setTimeout(() => this.changed(), 20000);
    const began = Date.now();
    while (!this.text.includes(what)) {
      assert.ok(Date.now() - began < 20000, `no ${JSON.stringify(what)} in ${this.text}`);
      await new Promise((resolve) => {
        this.changed = () => resolve(undefined);
      });
    }
    clearTimeout(limit);
  }
}

let last = 0;
/** @param {Record<string, unknown>} options */
async function open(options = {}) {
  const shown = new Shown();
  const id = `t${last++}`;
  const began = Date.now();
  const handle = await pty.createPty({ id, onData: shown.onData, ...options });
  await handle.waitForConnection();
  assert.ok(Date.now() - began < 5000, `${Date.now() - began} ms`);
  return { id, shown, handle };
}

await report({
  "create, input, exit": async () => {
    const { id, shown, handle } = await open({
      cols: 120,
      rows: 31,
      cwd: "/tmp",
      envs: { WHO: "Ålice & Bob", TWO: "2" },
    });
    const info = await pty.getPtySessionInfo(id);
    assert.deepEqual(
      [info.id, info.cols, info.rows, info.cwd, info.active],
      [id, 120, 31, "/tmp", true],
    );
    assert.deepEqual(info.envs, { WHO: "Ålice & Bob", TWO: "2" });
    assert.deepEqual(
      (await pty.listPtySessions()).map((/** @type {{id: string}} */ s) => s.id),
      [id],
    );
    await handle.sendInput('stty size; echo "<$WHO $TWO $PWD $TERM>"\n');
    await shown.until("31 120\r\n<Ålice & Bob 2 /tmp xterm-256color>\r\n");
    await handle.sendInput(new TextEncoder().encode("exit 7\n"));
    const result = await handle.wait();
    assert.equal(result.exitCode, 7);
    assert.equal(result.error, "non-zero exit");
    await rejection(pty.getPtySessionInfo(id));
    assert.deepEqual(await pty.listPtySessions(), []);
  },
  "a clean end": async () => {
    const { handle } = await open();
    await handle.sendInput("exit\n");
    const result = await handle.wait();
    assert.equal(result.exitCode, 0);
    assert.equal(result.error, undefined);
  },
  "resize reaches the program": async () => {
    const { shown, handle } = await open();
    await handle.sendInput(
      "sh -c \"trap 'stty size; exit' WINCH; echo s''et; while :; do sleep 0.02; done\"\n",
    );
    await shown.until("set\r\n");
    const info = await handle.resize(150, 40);
    assert.deepEqual([info.cols, info.rows], [150, 40]);
    await shown.until("40 150\r\n");
    await handle.kill();
  },
  "kill is 137": async () => {
    const { id, handle } = await open();
    await handle.sendInput("sleep 600\n");
    await handle.kill();
    const result = await handle.wait();
    assert.equal(result.exitCode, 137);
    assert.equal(result.error, "SIGKILL");
    const e = await rejection(pty.killPtySession(id));
    assert.ok(e instanceof sdk.DaytonaNotFoundError, String(e));
  },
  "keys reach the program": async () => {
    const { shown, handle } = await open();
    await handle.sendInput("trap 'exit 130' INT; echo o''n\n");
    await shown.until("on\r\n");
    await handle.sendInput(new Uint8Array([3]));
    await handle.sendInput("\n");
    const result = await handle.wait();
    assert.deepEqual([result.exitCode, result.error], [130, "Ctrl+C"]);
  },
  "an id in use is refused at once": async () => {
    const { id, handle } = await open();
    const began = Date.now();
    const e = await rejection(pty.createPty({ id, onData: () => {} }));
    assert.ok(Date.now() - began < 2000, `${Date.now() - began} ms`);
    assert.match(e.message, /there is a terminal with this id already/);
    assert.ok(e instanceof (old ? sdk.DaytonaError : sdk.DaytonaConnectionError), String(e));
    await handle.kill();
  },
  "connect, with the screen": async () => {
    const { id, shown, handle } = await open();
    await handle.sendInput("echo re''member\n");
    await shown.until("remember");
    await handle.disconnect();
    const later = new Shown();
    const again = await pty.connectPty(id, { onData: later.onData });
    await again.waitForConnection();
    await later.until("remember");
    await again.sendInput("echo still $((40+2)); exit 3\n");
    assert.equal((await again.wait()).exitCode, 3);
    assert.match(later.text, /still 42/);
    const e = await rejection(pty.connectPty(id, { onData: () => {} }));
    assert.match(e.message, /has ended with exit code 3/);
    const nobody = await rejection(pty.connectPty("nobody", { onData: () => {} }));
    assert.match(nobody.message, /terminal not found/);
  },
  "two clients": async () => {
    const { id, shown, handle } = await open();
    const other = new Shown();
    const second = await pty.connectPty(id, { onData: other.onData });
    await second.waitForConnection();
    await second.sendInput("echo from''two\n");
    await Promise.all([shown.until("fromtwo\r\n"), other.until("fromtwo\r\n")]);
    await handle.sendInput("exit 5\n");
    assert.deepEqual([(await handle.wait()).exitCode, (await second.wait()).exitCode], [5, 5]);
  },
  "bad requests": async () => {
    for (const [options, words] of /** @type {[object, RegExp][]} */ ([
      [{ cols: 1001 }, /cols must be from 1 to 1000/],
      [{ cwd: "no/where" }, /no such file or directory/],
      [{ envs: { "A B": "x" } }, /environment variable "A B"/],
    ])) {
      const e = await rejection(pty.createPty({ id: "bad", onData: () => {}, ...options }));
      assert.match(e.message, words);
    }
  },
  "much output arrives before the end": async () => {
    const { shown, handle } = await open();
    await handle.sendInput("exec seq 1 200000\n");
    const result = await handle.wait();
    assert.equal(result.exitCode, 0);
    const numbers = shown.text.slice(shown.text.indexOf("1\r\n2\r\n3\r\n"));
    const want = Array.from({ length: 200000 }, (_, i) => `${i + 1}\r\n`).join("");
    assert.equal(numbers.length, want.length);
    assert.ok(numbers === want, "the output differs");
  },
});
await sandbox.delete();
