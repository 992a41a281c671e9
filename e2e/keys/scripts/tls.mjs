// The JavaScript SDKs over TLS with a private authority, named by NODE_EXTRA_CA_CERTS.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { report } from "../../daytona/scripts/report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Daytona } = require("@daytonaio/sdk");
const { Sandbox } = require("@e2b/code-interpreter");

await report({
  daytona: async () => {
    const sandbox = await new Daytona({ target: "local" }).create();
    /** @type {string[]} */
    const seen = [];
    const answer = await sandbox.codeInterpreter.runCode("print(6 * 7)", {
      onStdout: (/** @type {any} */ m) => seen.push(m.output),
    });
    assert.equal(answer.stdout, "42\n");
    assert.equal(seen.join(""), "42\n");
    assert.equal((await sandbox.process.executeCommand("echo hi")).result, "hi\n");
    const content = Buffer.from("0123456789abcdef".repeat(100_000));
    await sandbox.fs.uploadFile(content, "big");
    assert.ok(content.equals(await sandbox.fs.downloadFile("big")));
  },
  e2b: async () => {
    const sandbox = await Sandbox.create();
    await sandbox.runCode("x = 40");
    assert.equal((await sandbox.runCode("x + 2")).text, "42");
  },
});
process.exit(0);
