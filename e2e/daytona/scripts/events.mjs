// Waits for states must end by the event, not by the SDK's next poll a second
// later.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { report } from "./report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Daytona } = require("@daytonaio/sdk");

const watcher = new Daytona({ target: "local" });
const actor = new Daytona({ target: "local" });
const sandbox = await watcher.create();
const same = await actor.get(sandbox.id);

await report({
  "a change made elsewhere arrives": async () => {
    await same.stop();
    const began = Date.now();
    await sandbox.waitUntilStopped(10);
    assert.equal(sandbox.state, "stopped");
    setTimeout(() => same.start(), 150);
    await sandbox.waitUntilStarted(10);
    assert.equal(sandbox.state, "started");
    assert.ok(Date.now() - began < 800, `${Date.now() - began} ms`);
  },
});
await sandbox.delete();
