// With VERCEL set the TypeScript SDK behaves as in a browser: no headers, a
// token in the query, and a subprotocol that has to be answered.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { report } from "./report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Daytona } = require("@daytonaio/sdk");

const daytona = new Daytona({ target: "local" });
const sandbox = await daytona.create({ envVars: { HOME: String(process.env.SHELL_HOME) } });
await report({
  "runs with a token only": async () => {
    const r = await sandbox.codeInterpreter.runCode("x = 20; print(x + 1)");
    assert.equal(r.stdout, "21\n");
    assert.equal((await sandbox.codeInterpreter.runCode("print(x)")).stdout, "20\n");
  },
  "opens a terminal with a token only": async () => {
    let text = "";
    const decoder = new TextDecoder();
    const handle = await sandbox.process.createPty({
      id: "browser",
      envs: { WHO: "me" },
      onData: (/** @type {Uint8Array} */ data) => {
        text += decoder.decode(data, { stream: true });
      },
    });
    await handle.sendInput("echo it is $WHO; exit 7\n");
    assert.equal((await handle.wait()).exitCode, 7);
    assert.match(text, /it is me\r\n/);
    const bad = sandbox.process.createPty({ id: "a/b", onData: () => {} });
    await assert.rejects(bad, /must not contain/);
  },
});
await sandbox.delete();
