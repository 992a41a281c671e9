// Keys that don't open everything, with the TypeScript SDK.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { rejection, report } from "../../daytona/scripts/report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const sdk = require("@daytonaio/sdk");

const client = (/** @type {string} */ key) =>
  new sdk.Daytona({
    apiKey: process.env[key],
    apiUrl: process.env.DAYTONA_API_URL,
    target: "local",
  });

const mine = (await client("ADMIN").get("mine")).id;

await report({
  "who reads": async () => {
    const daytona = client("READ");
    const sandbox = await daytona.get(mine);
    await sandbox.fs.listFiles(".");
    const words = /scope read, this needs/;
    for (const refused of [
      () => daytona.create(),
      () => sandbox.delete(),
      () => sandbox.process.executeCommand("ls"),
      () => sandbox.process.createSession("s"),
      () => sandbox.codeInterpreter.createContext(),
      () => sandbox.codeInterpreter.runCode("1"),
      () => sandbox.process.createPty({ id: "t", onData: () => {} }),
    ]) {
      const e = await rejection(refused());
      assert.ok(e instanceof sdk.DaytonaError, String(e));
      assert.match(e.message, words);
    }
    const e = await rejection(sandbox.process.executeCommand("ls"));
    assert.ok(e instanceof sdk.DaytonaAuthorizationError, e.name);
  },
  "who runs": async () => {
    const daytona = client("RUN");
    const sandbox = await daytona.get(mine);
    assert.equal((await sandbox.codeInterpreter.runCode("print(6 * 7)")).stdout, "42\n");
    assert.match((await rejection(daytona.create())).message, /scope run, this needs admin/);
  },
  "who is confined": async () => {
    const daytona = client("ONE");
    assert.equal((await daytona.get("mine")).id, mine);
    for (const name of ["hers", "nope"]) {
      const e = await rejection(daytona.get(name));
      assert.ok(e instanceof sdk.DaytonaNotFoundError, e.name);
    }
  },
  "who is too fast": async () => {
    const sandbox = await client("FAST").get(mine);
    const words = /may send 5\/h requests; try again in/;
    let e;
    for (let i = 0; i < 9 && !e; i++) {
      e = await sandbox.process.executeCommand("true").then(
        () => undefined,
        (/** @type {any} */ fault) => fault,
      );
    }
    assert.ok(e instanceof sdk.DaytonaRateLimitError, String(e));
    assert.match(e.message, words);
    assert.match((await rejection(sandbox.codeInterpreter.runCode("1"))).message, words);
  },
});
process.exit(0);
